"""Papers and files of many papers, for tests; and eyes that read what was printed."""

import io
from datetime import datetime, timedelta

import segno
import typst
from PIL import Image
from pypdf import PdfReader

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.documents import templates_folder
from grants.delivery import press, services
from grants.delivery.models import BatchKind, BatchState, PrintBatch
from tests.factories.access import make_user

ADDRESS = "https://semilla.example.org/deliveries/receipts/"
DOTS_PER_MM = 6


def make_batch(kind: BatchKind, call: Call | None = None, *, by: User, approver: User | None = None) -> PrintBatch:
    """A file that was asked for, and approved when an approver is named."""
    batch = services.ask_batch(kind, call, address=ADDRESS, by=by, now=utcnow())
    if approver is not None:
        services.approve_batch(batch, by=approver, now=utcnow())
    db.session.commit()
    return batch


def make_ready(kind: BatchKind, call: Call | None = None, *, by: User) -> PrintBatch:
    """A finished file."""
    approver = make_user(Role.COORDINATOR, name="Luisa Segunda")
    batch = make_batch(kind, call, by=by, approver=approver if kind in ("cards", "receipts") else None)
    press.go_on(batch.id, now=utcnow())
    db.session.refresh(batch)
    assert batch.state is BatchState.READY
    return batch


def later(seconds: int) -> datetime:
    return utcnow() + timedelta(seconds=seconds)


def pages_of(document: bytes) -> list[str]:
    """The text of each page of a PDF, spaces as one."""
    return [" ".join(page.extract_text().split()) for page in PdfReader(io.BytesIO(document)).pages]


def drawn(template: str, data: str) -> Image.Image:
    """A template's first page as a picture, DOTS_PER_MM to the millimetre."""
    root = templates_folder()
    page = typst.compile(str(root / template), root=str(root), sys_inputs={"data": data}, ignore_system_fonts=True,
                         format="png", ppi=DOTS_PER_MM * 25.4)  # fmt: skip
    first = page[0] if isinstance(page, list) else page
    return Image.open(io.BytesIO(first or b"")).convert("L")


def shows_qr_of(text: str, picture: Image.Image, *, left: float, top: float, size: float) -> bool:
    """Whether the square at this place (mm, its white border included) holds the QR code of the text, dot for dot."""
    box = [round(value * DOTS_PER_MM) for value in (left, top, left + size, top + size)]
    square = picture.crop((box[0], box[1], box[2], box[3])).point(lambda shade: 0 if shade > 128 else 255)
    found = square.getbbox()
    if found is None:
        return False
    square = square.crop(found)
    wanted = [[bool(dot) for dot in row] for row in segno.make_qr(text, error="m").matrix]
    wide, high = (length / len(wanted) for length in square.size)
    seen = [
        [bool(square.getpixel((int((x + 0.5) * wide), int((y + 0.5) * high)))) for x in range(len(wanted))]
        for y in range(len(wanted))
    ]
    return seen == wanted
