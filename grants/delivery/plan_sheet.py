"""The spreadsheet that plans a whole call: its template, and reading what came back."""

import csv
import io
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Any

import python_calamine
import xlsxwriter
from flask_babel import lazy_gettext as _

from grants.core.documents import safe_text
from grants.core.errors import RuleBroken
from grants.delivery import unpacking

MOST_ROWS = 5_000
MOST_COLUMNS = 60
MOST_UNPACKED = 60 * 1024 * 1024
LONGEST_CELL = 500
SECONDS_A_DAY = 24 * 60 * 60
# The columns that are read, with the words that may head them. Others are for the reader's eyes.
HEADINGS = {
    "folio": ("folio",),
    "run": ("run", "delivery run", "salida"),
    "day": ("day", "día", "dia"),
    "team": ("team", "equipo"),
    "start": ("from", "desde"),
    "until": ("until", "hasta"),
    "place": ("place", "lugar"),
}
UNREADABLE = _("This file cannot be read. Save the template again as XLSX or as CSV, and send that.")
TOO_MANY = _("This file has more than 5,000 rows. Split it, and send the parts one after another.")
EMPTY = _("This file has no row. Download the template, fill it in, and send it.")
WITHOUT_FOLIO = _("The first row must name the columns, “Folio” among them. Use the template.")
CELL = re.compile(rb'<(?:c|row)\b[^>]*?\br="([A-Z]{0,3})([0-9]{1,7})"')


@dataclass(frozen=True, slots=True)
class Line:
    """A row of the file: its number there, and its cells by column. Days as 2026-05-04, times as 09:30."""

    number: int
    cells: dict[str, str]

    @property
    def stop(self) -> dict[str, str]:
        """What it says of a stop; empty when it only plans a delivery."""
        return {name: cell for name, cell in self.cells.items() if name != "folio" and cell}


def template(rows: Sequence[tuple[str, str, str]]) -> bytes:
    """A workbook with a row for each award: folio, what its delivery waits for, canton. Nothing in it is a formula."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    sheet, bold, plain = book.add_worksheet("Semilla"), book.add_format({"bold": True}), book.add_format()
    plain.set_num_format("@")  # so that a day or a time stays as it is typed
    sheet.freeze_panes(1, 1)
    names = [_("Folio"), _("State"), _("Canton"), _("Delivery run"), _("Day"), _("Team")]
    names += [_("From"), _("Until"), _("Place")]
    sheet.set_column(0, len(names) - 1, 16, plain)
    for column, name in enumerate(names):
        sheet.write_string(0, column, safe_text(str(name)), bold)
    for number, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            sheet.write_string(number, column, safe_text(cell), plain)
    book.close()
    return out.getvalue()


def read(file: bytes) -> list[Line]:
    """The rows of an XLSX or CSV file that are not empty. RuleBroken, beside the field `file`, when it is neither."""
    table = _workbook(file) if file.startswith(b"PK") else _text(file)
    rows = [(number, row) for number, row in enumerate(table, 1) if any(str(cell).strip() for cell in row)]
    if not rows:
        raise RuleBroken(EMPTY, field="file")
    columns = _columns(rows[0][1])
    if len(rows) - 1 > MOST_ROWS:
        raise RuleBroken(TOO_MANY, field="file")
    if len(rows) == 1:
        raise RuleBroken(EMPTY, field="file")
    return [
        Line(number, {name: _cell(row[at], name) if at < len(row) else "" for name, at in columns.items()})
        for number, row in rows[1:]
    ]


def _columns(head: Sequence[Any]) -> dict[str, int]:
    words = [str(cell).strip().casefold() for cell in head]
    found = {
        name: at
        for name, known in HEADINGS.items()
        if (at := next((words.index(w) for w in known if w in words), -1)) >= 0
    }
    if "folio" not in found:
        raise RuleBroken(WITHOUT_FOLIO, field="file")
    return found


def _workbook(file: bytes) -> Iterable[Sequence[Any]]:
    try:
        _refuse_huge(file)
        book = python_calamine.CalamineWorkbook.from_filelike(io.BytesIO(file))
        return list(book.get_sheet_by_index(0).to_python(skip_empty_area=False))
    except (RuleBroken, KeyboardInterrupt, SystemExit):
        raise
    except BaseException as error:  # a panic of the reader is no Exception
        raise RuleBroken(UNREADABLE, field="file") from error


def _refuse_huge(file: bytes) -> None:
    """A file of a few bytes may unpack to gigabytes, or hold one cell a million rows down."""
    try:
        parts = unpacking.opened(file, most=MOST_UNPACKED)
    except unpacking.TooBig as error:
        raise RuleBroken(TOO_MANY, field="file") from error
    with parts:
        for part in parts.namelist():
            if re.fullmatch(r"xl/worksheets/[^/]+\.xml", part):
                _refuse_far_cells(parts.read(part))


def _refuse_far_cells(sheet: bytes) -> None:
    for letters, number in CELL.findall(sheet):
        column = 0
        for letter in letters:
            column = column * 26 + letter - 64
        if int(number) > 2 * MOST_ROWS or column > MOST_COLUMNS:
            raise RuleBroken(TOO_MANY, field="file")


def _text(file: bytes) -> Iterable[Sequence[str]]:
    try:
        text = file.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = file.decode("cp1252", "replace")  # what spreadsheets in Spanish still save
    first = text.partition("\n")[0]
    comma = max(",;\t", key=first.count)
    try:
        return list(csv.reader(io.StringIO(text, newline=""), delimiter=comma, strict=True))
    except csv.Error as error:
        raise RuleBroken(UNREADABLE, field="file") from error


def _cell(value: Any, name: str) -> str:
    """A cell as text. Spreadsheets keep days and times as numbers."""
    if isinstance(value, datetime):
        return value.strftime("%H:%M") if name in ("start", "until") else value.date().isoformat()
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, time):
        return value.strftime("%H:%M")
    if isinstance(value, timedelta):
        value = value.total_seconds() / SECONDS_A_DAY
    if isinstance(value, float) and name in ("start", "until") and 0 <= value < 1:
        minutes = round(value * 24 * 60) % (24 * 60)
        return f"{minutes // 60:02}:{minutes % 60:02}"
    return str(value).strip()[:LONGEST_CELL]
