"""Pictures of kit and seal: cleaned like every attachment, made small enough for a phone's connection."""

import io
from dataclasses import replace

from flask_babel import lazy_gettext as _
from PIL import Image

from grants.applications.attachments import FORMATS, CleanFile, clean_file
from grants.core.errors import RuleBroken

LONGEST_SIDE = 1600  # pixels: a seal's number is still read
SHOWN_NAME = "kit.jpg"


def clean_photo(content: bytes, *, max_bytes: int) -> CleanFile:
    """The picture without where, when and with what it was taken, as a JPEG of at most LONGEST_SIDE pixels."""
    cleaned = clean_file(SHOWN_NAME, content, max_bytes=max_bytes)
    if cleaned.media_type not in FORMATS:
        raise RuleBroken(_("Choose a photo (JPEG, PNG or WebP)."), field="file")
    with Image.open(io.BytesIO(cleaned.content)) as image:
        small = image.convert("RGB")
    small.thumbnail((LONGEST_SIDE, LONGEST_SIDE))
    out = io.BytesIO()
    small.save(out, "JPEG", quality=80)
    return replace(cleaned, name=SHOWN_NAME, media_type="image/jpeg", content=out.getvalue())
