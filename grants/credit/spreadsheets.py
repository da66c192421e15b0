"""A spreadsheet that somebody sent: bytes in, rows of cells out, or the reason why not. Pure, and bounded in memory.

XLSX (XLSM too: macros are never looked at), ODS and CSV. The kind is read from the bytes, never from the name. Only
what stands in a cell is kept: a formula gives the value that was saved with it, or its text when none was.
"""

import codecs
import csv
import io
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import islice

from grants.credit import opendocuments, openxml
from grants.credit.workbooks import LONGEST_CELL, MOST_COLUMNS, Cell, Refused, Trouble
from grants.delivery.unpacking import TooBig, opened

MOST_ROWS = 20_000
MOST_BYTES = 10 * 1024 * 1024
MOST_UNPACKED = 60 * 1024 * 1024
HEAD_ROWS = 50  # titles above the heading
OLD_OFFICE = bytes.fromhex("D0CF11E0A1B11AE1")
LOOKED_AT = 40
MARKS = (";", "\t", ",", "|")


class SheetKind(StrEnum):
    XLSX = "xlsx"
    ODS = "ods"
    CSV = "csv"


@dataclass(frozen=True, slots=True)
class Line:
    """A row that is not empty: its number in the file, its cells. A number is a float, a day 2026-05-04, else text."""

    number: int
    cells: list[Cell]


@dataclass(frozen=True, slots=True)
class Sheet:
    kind: SheetKind
    lines: list[Line]


def read(file: bytes) -> Sheet:
    """The rows of the first sheet. Refused, with the reason, when it cannot be read without doubt or is too large."""
    if len(file) > MOST_BYTES:
        raise Refused(Trouble.TOO_BIG)
    if not file.strip(b"\0 \r\n\t"):
        raise Refused(Trouble.EMPTY)
    if file.startswith(OLD_OFFICE):
        raise Refused(Trouble.LOCKED if "EncryptedPackage".encode("utf-16-le") in file else Trouble.OLD_XLS)
    kind, rows = _zipped(file) if file.startswith(b"PK") else (SheetKind.CSV, _text(file))
    return Sheet(kind, _bounded(rows))


def _bounded(rows: Iterable[tuple[int, list[Cell]]]) -> list[Line]:
    lines: list[Line] = []
    for number, cells in rows:
        while cells and cells[-1] == "":
            cells.pop()
        if not cells:
            continue
        if len(cells) > MOST_COLUMNS:
            raise Refused(Trouble.TOO_WIDE)
        lines.append(Line(number, cells))
        if len(lines) > MOST_ROWS + HEAD_ROWS:
            raise Refused(Trouble.TOO_MANY)
    if not lines:
        raise Refused(Trouble.EMPTY)
    return lines


def _zipped(file: bytes) -> tuple[SheetKind, Iterator[tuple[int, list[Cell]]]]:
    try:
        archive = opened(file, most=MOST_UNPACKED)
    except TooBig as error:
        raise Refused(Trouble.TOO_BIG) from error
    except (zipfile.BadZipFile, ValueError, OSError, NotImplementedError) as error:
        raise Refused(Trouble.DAMAGED) from error
    names = set(archive.namelist())
    if "xl/workbook.xml" in names:
        return SheetKind.XLSX, _guarded(openxml.xlsx_rows, archive)
    if "content.xml" in names and b"spreadsheet" in _mimetype(archive, names):
        return SheetKind.ODS, _guarded(opendocuments.ods_rows, archive)
    raise Refused(Trouble.NOT_A_SHEET)


def _mimetype(archive: zipfile.ZipFile, names: set[str]) -> bytes:
    """What an OpenDocument says that it is; a file without it is taken at its word."""
    if "mimetype" not in names:
        return b"spreadsheet"
    try:
        with archive.open("mimetype") as part:
            return part.read(200)
    except (zipfile.BadZipFile, RuntimeError, OSError, NotImplementedError):
        return b""


def _guarded(
    reader: Callable[[zipfile.ZipFile], Iterator[tuple[int, list[Cell]]]], archive: zipfile.ZipFile
) -> Iterator[tuple[int, list[Cell]]]:
    with archive:
        try:
            yield from reader(archive)
        except TooBig as error:
            raise Refused(Trouble.TOO_BIG) from error
        except NotImplementedError as error:  # packed in a way that nobody uses
            raise Refused(Trouble.DAMAGED) from error
        except RuntimeError as error:  # a part behind a password
            raise Refused(Trouble.LOCKED) from error
        except (zipfile.BadZipFile, zlib.error, KeyError, ValueError, OSError, EOFError) as error:
            raise Refused(Trouble.DAMAGED) from error


def _text(file: bytes) -> Iterator[tuple[int, list[Cell]]]:
    text = _decoded(file)
    if text.lstrip()[:1] == "<":
        raise Refused(Trouble.HTML)
    if "\0" in text or file.startswith((b"%PDF", b"\x89PNG", b"{\\rtf", b"GIF8", b"\xff\xd8\xff")):
        raise Refused(Trouble.NOT_A_SHEET)
    return _cells_of(text)


def _decoded(file: bytes) -> str:
    """UTF-8, with its mark or without; UTF-16 with its mark; else what spreadsheets in Spanish still save."""
    try:
        if file.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
            return file.decode("utf-16")
        return file.decode("utf-8-sig")
    except UnicodeDecodeError:
        return file.decode("cp1252", "replace")


def _cells_of(text: str) -> Iterator[tuple[int, list[Cell]]]:
    first, found, rest = text.partition("\n")
    told = first.strip().casefold()
    begin = 1
    if found and told.startswith("sep=") and len(told) == 5:  # a line that Excel reads, and people do not see
        text, mark, begin = rest, told[4], 2
    else:
        mark = _mark_of(text)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=mark, strict=True)
    try:
        number = begin
        for row in reader:
            yield number, [cell.strip()[: LONGEST_CELL + 1] for cell in row]
            number = begin + reader.line_num
    except csv.Error as error:
        raise Refused(Trouble.LONG_CELL if "limit" in str(error) else Trouble.DAMAGED) from error


def _mark_of(text: str) -> str:
    """What separates the cells: the sign that gives most of the first rows one width."""

    def fit(mark: str) -> tuple[int, int]:
        try:
            rows = list(islice(csv.reader(io.StringIO(text, newline=""), delimiter=mark), LOOKED_AT))
        except csv.Error:
            return 0, 0
        widths = Counter(len(row) for row in rows if len(row) > 1)
        width, often = max(widths.items(), key=lambda pair: pair[1] * pair[0], default=(0, 0))
        return often, width

    return max(MARKS, key=fit)
