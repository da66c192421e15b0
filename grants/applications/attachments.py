"""Files that people hand in: recognised by their bytes, cleaned, and kept outside the web root.

What is stored is never what was sent: images are decoded and encoded again, PDFs are rebuilt from their pages.
"""

import hashlib
import io
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import filetype
from flask_babel import lazy_gettext as _
from PIL import Image, ImageOps
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, DictionaryObject, IndirectObject

from grants.core.errors import RuleBroken

MOST_PIXELS = 40_000_000
MOST_PAGES = 200
MOST_OBJECTS = 50_000
FORMATS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/webp": "WEBP"}
EXTENSIONS = {"image/jpeg": ".jpg", "image/png": ".png", "image/webp": ".webp", "application/pdf": ".pdf"}
FORBIDDEN_KEYS = frozenset({"/JS", "/JavaScript", "/EmbeddedFiles", "/EF", "/AF", "/RichMediaContent", "/XFA", "/AA"})
FORBIDDEN_VALUES = {
    "/S": frozenset({"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToE", "/GoToR", "/Rendition"}),
    "/Type": frozenset({"/EmbeddedFile", "/Filespec", "/F"}),
    "/Subtype": frozenset({"/RichMedia", "/FileAttachment", "/Screen", "/Movie", "/Sound", "/3D"}),
}
TRACES = ("/Metadata", "/PieceInfo", "/LastModified")
Image.MAX_IMAGE_PIXELS = MOST_PIXELS


@dataclass(frozen=True, slots=True)
class CleanFile:
    """A file fit to be stored: its shown name, its type as recognised, its cleaned bytes."""

    name: str
    media_type: str
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def clean_file(name: str, content: bytes, *, max_bytes: int) -> CleanFile:
    """The same picture or document without anything hidden. RuleBroken with what to do when it cannot be taken."""
    if not content:
        raise RuleBroken(_("This file is empty. Choose another one."), field="file")
    if len(content) > max_bytes:
        raise RuleBroken(_("This file is too large: at most %(most)d MB. Take the photo at a lower resolution.",
                           most=max_bytes // (1024 * 1024)), field="file")  # fmt: skip
    media_type = filetype.guess_mime(content)
    if media_type in FORMATS:
        cleaned = _clean_image(content, FORMATS[media_type])
    elif media_type == "application/pdf":
        cleaned = _clean_pdf(content)
    else:
        raise RuleBroken(_("Choose a photo (JPEG, PNG or WebP) or a PDF."), field="file")
    return CleanFile(_shown_name(name, media_type), media_type, cleaned)


@contextmanager
def stored(file: CleanFile, folder: Path) -> Iterator[str]:
    """Write the file under a random name, readable by its owner only; take it away again if the block fails."""
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    name = secrets.token_hex(24)
    descriptor = os.open(folder / name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "wb") as out:
            out.write(file.content)
            out.flush()
            os.fsync(out.fileno())
        yield name
    except BaseException:
        discard(folder, name)
        raise


def discard(folder: Path, name: str) -> None:
    """Delete a stored file; it may be gone already."""
    (folder / name).unlink(missing_ok=True)


def _shown_name(name: str, media_type: str) -> str:
    """The sender's name without folders and control characters, with the ending its type has."""
    last = name.replace("\\", "/").rpartition("/")[2]
    stem = "".join(letter for letter in last.rpartition(".")[0] or last if letter.isprintable()).strip(" .")
    return (stem[:80] or "archivo") + EXTENSIONS[media_type]


def _unreadable() -> RuleBroken:
    return RuleBroken(_("This file cannot be read: it may be damaged. Choose another one."), field="file")


def _clean_image(content: bytes, form: str) -> bytes:
    try:
        with Image.open(io.BytesIO(content), formats=[form]) as image:
            if image.width * image.height > MOST_PIXELS:
                raise RuleBroken(_("This image is too large. Take the photo at a lower resolution."), field="file")
            upright = ImageOps.exif_transpose(image)
            keeps_alpha = form != "JPEG" and upright.has_transparency_data
            pixels = upright.convert("RGBA" if keeps_alpha else "RGB")
        pixels.info.clear()  # comments, profiles, EXIF with its places
        out = io.BytesIO()
        pixels.save(out, form, quality=88)
    except RuleBroken:
        raise
    except Exception as error:  # a decoder fed with hostile bytes may raise anything
        raise _unreadable() from error
    return out.getvalue()


def _clean_pdf(content: bytes) -> bytes:
    try:
        reader = PdfReader(io.BytesIO(content))
        if reader.is_encrypted:
            raise RuleBroken(_("This PDF is locked with a password. Save it without one."), field="file")
        _refuse_active_content(reader)
        if not 0 < len(reader.pages) <= MOST_PAGES:
            raise _unreadable()
        return _rebuilt(reader)
    except RuleBroken:
        raise
    except Exception as error:  # a parser fed with hostile bytes may raise anything
        raise _unreadable() from error


def _refuse_active_content(reader: PdfReader) -> None:
    for found in _dictionaries(reader.trailer):
        hidden = FORBIDDEN_KEYS & found.keys()
        acts = any(str(found[key]) in values for key, values in FORBIDDEN_VALUES.items() if key in found)
        if hidden or acts:
            raise RuleBroken(_("This PDF holds programs or other files. Print it to a new PDF and choose that one."),
                             field="file")  # fmt: skip


def _dictionaries(trailer: Any) -> Iterator[DictionaryObject]:
    """Every dictionary that a reader of the file could reach, each once."""
    seen: set[tuple[int, int]] = set()
    waiting: list[Any] = [trailer]
    count = 0
    while waiting:
        thing = waiting.pop()
        if isinstance(thing, IndirectObject):
            if (thing.idnum, thing.generation) in seen:
                continue
            seen.add((thing.idnum, thing.generation))
            thing = thing.get_object()
        count += 1
        if count > MOST_OBJECTS * 10:
            raise _unreadable()
        if isinstance(thing, DictionaryObject):
            yield thing
            waiting.extend(thing.raw_get(key) for key in thing)
        elif isinstance(thing, ArrayObject):
            waiting.extend(list.__iter__(thing))


def _rebuilt(reader: PdfReader) -> bytes:
    writer = PdfWriter()
    for page in reader.pages:
        writer.add_page(page)
    for found in writer._objects:
        if isinstance(found, DictionaryObject):
            for trace in TRACES:
                found.pop(trace, None)
    writer.metadata = None
    out = io.BytesIO()
    writer.write(out)
    return out.getvalue()
