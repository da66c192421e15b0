"""Printed documents: a typst template and plain data in, a PDF out. No system packages, no network. And what keeps
text in a spreadsheet from becoming a formula."""

import io
import json
from pathlib import Path
from typing import Any

import segno
import typst

PACKAGE = Path(__file__).resolve().parent.parent
FORMULA_STARTS = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")


def templates_folder() -> Path:
    """templates/ of the installed package, or of the checkout."""
    inside = PACKAGE / "templates"
    return inside if inside.is_dir() else PACKAGE.parent / "templates"


def pdf(template: str, data: dict[str, Any]) -> bytes:
    """Render templates/<template> (.typ); it reads `json(bytes(sys.inputs.data))`: values are data, never markup."""
    root = templates_folder()
    return bytes(
        typst.compile(
            str(root / template),
            root=str(root),
            sys_inputs={"data": json.dumps(data, ensure_ascii=False)},
            ignore_system_fonts=True,
        )
    )


def qr_svg(text: str, *, scale: int = 4, error: str = "m") -> str:
    """A QR code as a whole SVG document, for a page or a typst image."""
    out = io.BytesIO()
    segno.make_qr(text, error=error).save(out, kind="svg", scale=scale, border=2)
    return out.getvalue().decode()


def safe_text(value: str) -> str:
    """Text that a spreadsheet shows as it is: an apostrophe in front of what could be read as a formula."""
    return "'" + value if value.lstrip(" ").startswith(FORMULA_STARTS) or value.startswith(FORMULA_STARTS) else value
