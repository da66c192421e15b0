"""Fail if a sentence is missing from the Spanish catalogue, untranslated, fuzzy, or has lost a placeholder."""

import re
import sys

from babel.messages.pofile import read_po
from update_translations import PO, fresh_catalogue

PLACEHOLDER = re.compile(r"%\((\w+)\)[sd]|%%")
MARKUP = re.compile(r"</?(\w+)")


def problems() -> list[str]:
    with PO.open("rb") as file:
        spanish = read_po(file, locale="es")
    found = []
    for message in fresh_catalogue():
        if not message.id:
            continue
        known = spanish.get(message.id)
        if known is None:
            found.append(f"missing: {message.id!r}")
            continue
        originals = message.id if isinstance(message.id, tuple) else (message.id,)
        strings = known.string if isinstance(known.string, tuple) else (known.string,)
        if known.fuzzy or not all(strings) or len(strings) < len(originals):
            found.append(f"not translated: {message.id!r}")
        elif any(_names(strings[-1]) != _names(originals[-1]) for _one in strings):
            found.append(f"placeholders differ: {message.id!r}")
    return found


def _names(text: str) -> tuple[list[str], list[str]]:
    return sorted(PLACEHOLDER.findall(text)), sorted(MARKUP.findall(text))


if __name__ == "__main__":
    wrong = problems()
    sys.stdout.write(
        "\n".join([*wrong, f"{len(wrong)} sentences need work\n" if wrong else "translations: complete\n"])
    )
    sys.exit(bool(wrong))
