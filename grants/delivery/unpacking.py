"""Opening a zipped workbook that a stranger sent: a file of a few bytes may unpack to gigabytes. Pure."""

import io
import zipfile
from collections.abc import Iterator

MOST_CATALOGUE = 200 * 1024  # what the list of parts may take: about two thousand of them
PIECE = 64 * 1024
END_OF_CATALOGUE, FAR_CATALOGUE = b"PK\x05\x06", b"PK\x06\x07"


class TooBig(Exception):
    """It would unpack to more than is read."""


def opened(file: bytes, *, most: int) -> zipfile.ZipFile:
    """The archive, its parts not yet unpacked. TooBig when they come to more than `most` bytes together."""
    end = file.rfind(END_OF_CATALOGUE)
    catalogue = int.from_bytes(file[end + 12 : end + 16], "little") if end >= 0 else 0
    if FAR_CATALOGUE in file[-4096:] or catalogue > MOST_CATALOGUE:
        raise TooBig
    archive = zipfile.ZipFile(io.BytesIO(file))
    if sum(part.file_size for part in archive.infolist()) > most:
        raise TooBig
    return archive


def pieces(archive: zipfile.ZipFile, name: str, *, most: int) -> Iterator[bytes]:
    """A part, a piece at a time. TooBig once more than `most` bytes came out, whatever its entry says."""
    left = most
    with archive.open(name) as part:
        while piece := part.read(PIECE):
            left -= len(piece)
            if left < 0:
                raise TooBig
            yield piece
