"""Read every sentence out of code and templates into the catalogue, keeping the translations that are there."""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).resolve().parent.parent
PO = ROOT / "grants" / "translations" / "es" / "LC_MESSAGES" / "messages.po"
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
KEYWORDS = {
    "_": None, "gettext": None, "lazy_gettext": None, "ngettext": (1, 2), "lazy_ngettext": (1, 2), "_n": (1, 2),
}  # fmt: skip
HEADER = r"""# Spanish (es-EC) sentences of Semilla.
msgid ""
msgstr ""
"Language: es\n"
"Plural-Forms: nplurals=2; plural=(n != 1);\n"
"MIME-Version: 1.0\n"
"Content-Type: text/plain; charset=utf-8\n"
"Content-Transfer-Encoding: 8bit\n"

"""


def fresh_catalogue() -> Catalog:
    """The sentences as they stand in code and templates now, without line numbers."""
    catalogue = Catalog(locale="es", charset="utf-8")
    for folder in ("grants", "templates"):
        found = extract_from_dir(
            str(ROOT / folder), METHODS, {"**.html": {"trimmed": "true"}}, KEYWORDS, comment_tags=()
        )
        for filename, _line, message, _comments, context in found:
            catalogue.add(message, locations=[(f"{folder}/{filename}", None)], context=context)
    return catalogue


def updated() -> Catalog:
    """The fresh sentences with the translations from the file; sentences no longer used are dropped."""
    catalogue = fresh_catalogue()
    if PO.exists():
        with PO.open("rb") as file:
            old = read_po(file, locale="es")
        for message in catalogue:
            known = old.get(message.id) if message.id else None
            if known is not None and known.string:
                message.string = known.string
    return catalogue


def rendered(catalogue: Catalog) -> bytes:
    out = BytesIO()
    write_po(out, catalogue, width=100, sort_output=True, omit_header=True, no_location=True, ignore_obsolete=True)
    return HEADER.encode() + out.getvalue()


if __name__ == "__main__":
    PO.parent.mkdir(parents=True, exist_ok=True)
    PO.write_bytes(rendered(updated()))
    sys.stdout.write(f"{len(updated())} sentences\n")
