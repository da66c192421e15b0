"""The manual: written in docs/manual, printed through typst. And the two training cards.

Its pages are a small part of Markdown: headings, paragraphs, lists, tables, quotes, bold, code and links.
"""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from grants.core.documents import PACKAGE, pdf

LANGUAGES = ("es", "en")
MANUALS = ("officer", "warehouse", "desk")
TRAINING = {"training-officer": "delivery/training_officer.typ", "training-pictures": "delivery/training_pictures.typ"}
SHEETS = (*MANUALS, *TRAINING)
RUN = re.compile(r"\*\*(?P<bold>[^*]+)\*\*|`(?P<code>[^`]+)`|\[(?P<link>[^\]]+)\]\((?P<href>[^)]+)\)")
ITEM = re.compile(r"(?P<mark>-|\d+\.) (?P<text>.*)")
HEADING = re.compile(r"(?P<marks>#{1,3}) (?P<text>.*)")


@dataclass(frozen=True, slots=True)
class Run:
    """A piece of a line: plain, bold, code or a link."""

    text: str
    look: str = "plain"

    def as_data(self) -> dict[str, str]:
        return {"text": self.text, "look": self.look}


def manual_folder() -> Path:
    """docs/manual of the installed package, or of the checkout."""
    inside = PACKAGE / "manual"
    return inside if inside.is_dir() else PACKAGE.parent / "docs" / "manual"


def printed(name: str, language: str) -> bytes:
    """One manual or training card as a PDF, the same bytes each time. KeyError for any other name or language."""
    if name not in SHEETS or language not in LANGUAGES:
        raise KeyError(name)
    if name in TRAINING:
        return pdf(TRAINING[name], {"language": language})
    source = (manual_folder() / language / f"{name}.md").read_text(encoding="utf-8")
    return pdf("delivery/manual.typ", {"language": language, "blocks": blocks_of(source)})


def blocks_of(source: str) -> list[dict[str, Any]]:
    """The parts of a page in order, as the template draws them.

    >>> [block["kind"] for block in blocks_of("# A\\n\\nOne\\nline.\\n\\n1. First\\n2. Second\\n\\n> Mind.")]
    ['h1', 'p', 'ol', 'note']
    """
    parts = re.split(r"\n\s*\n", source.strip())
    return [_block([line.rstrip() for line in part.splitlines()]) for part in parts]


def runs_of(line: str) -> list[dict[str, str]]:
    """The pieces of a line.

    >>> [(run["text"], run["look"]) for run in runs_of("Press **Hand over**, then `Enter`.")]
    [('Press ', 'plain'), ('Hand over', 'bold'), (', then ', 'plain'), ('Enter', 'code'), ('.', 'plain')]
    """
    runs, at = [], 0
    for found in RUN.finditer(line):
        runs.append(Run(line[at : found.start()]))
        look = "link" if found["link"] else "bold" if found["bold"] else "code"
        runs.append(Run(found["bold"] or found["code"] or found["link"], look))
        at = found.end()
    runs.append(Run(line[at:]))
    return [run.as_data() for run in runs if run.text]


def _block(lines: list[str]) -> dict[str, Any]:
    first = lines[0]
    heading = HEADING.fullmatch(first)
    if heading is not None:
        return {"kind": f"h{len(heading['marks'])}", "runs": runs_of(heading["text"])}
    if first.startswith("|"):
        rows = [[runs_of(cell.strip()) for cell in line.strip("|").split("|")] for line in lines]
        return {"kind": "table", "head": rows[0], "rows": rows[2:]}  # the second line only says where columns stand
    if first.startswith("> "):
        return {"kind": "note", "runs": runs_of(" ".join(line.removeprefix(">").strip() for line in lines))}
    if ITEM.fullmatch(first) is not None:
        kind = "ul" if first.startswith("-") else "ol"
        return {"kind": kind, "items": [runs_of(item) for item in _items(lines)]}
    return {"kind": "p", "runs": runs_of(" ".join(lines))}


def _items(lines: list[str]) -> list[str]:
    """The items of a list; an indented line goes on with the item above it."""
    items: list[str] = []
    for line in lines:
        found = ITEM.fullmatch(line)
        if found is not None:
            items.append(found["text"])
        else:
            items[-1] += " " + line.strip()
    return items
