"""A workbook that is written row after row and never held in memory."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import IO, Any

import xlsxwriter
from flask_babel import gettext as _

from grants.core.clock import PROGRAMME_ZONE
from grants.core.documents import safe_text

Cell = str | int | float | Decimal | bool | date | datetime | None
MOST_ROWS = 1_048_576  # what one worksheet holds, its heading included
PLAIN = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


@dataclass(frozen=True, slots=True)
class Heading:
    """A column: its name, its width in letters, what it means."""

    name: str
    width: int
    meaning: str


class Book:
    """Writes to an open binary file; `folder` keeps the parts until `close`. Nothing in it is a formula or a link."""

    def __init__(self, file: IO[bytes], folder: str, *, most_rows: int = MOST_ROWS) -> None:
        self._book = xlsxwriter.Workbook(file, {**PLAIN, "tmpdir": folder})
        self._most_rows = most_rows
        self._tables: list[Table] = []
        self.truth = {True: _("yes"), False: _("no")}
        self.styles = {
            "head": self._book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
            "text": self._book.add_format({"valign": "top"}),
            "whole": self._book.add_format({"num_format": "0", "valign": "top"}),
            "decimal": self._book.add_format({"num_format": "0.00", "valign": "top"}),
            "day": self._book.add_format({"num_format": "yyyy-mm-dd", "valign": "top"}),
            "moment": self._book.add_format({"num_format": "yyyy-mm-dd hh:mm", "valign": "top"}),
        }

    def table(self, name: str, headings: Sequence[Heading]) -> "Table":
        """A worksheet with a frozen heading; what does not fit goes on in another one."""
        table = Table(self, name, headings, self._most_rows)
        self._tables.append(table)
        return table

    def worksheet(self, name: str) -> Any:
        return self._book.add_worksheet(name)

    def close(self) -> None:
        for table in self._tables:
            table.close()
        self._book.close()


class Table:
    """Rows under a heading."""

    def __init__(self, book: Book, name: str, headings: Sequence[Heading], most_rows: int) -> None:
        self._book, self.name, self.headings, self._most_rows = book, name, headings, most_rows
        self._parts = 0
        self._begin()

    def _begin(self) -> None:
        self._parts += 1
        self._sheet = self._book.worksheet(self.name if self._parts == 1 else f"{self.name} {self._parts}")
        self._sheet.freeze_panes(1, 0)
        for column, heading in enumerate(self.headings):
            self._sheet.set_column(column, column, heading.width)
            self._sheet.write_string(0, column, safe_text(heading.name), self._book.styles["head"])
        self._next = 1

    def add(self, cells: Sequence[Cell]) -> None:
        """Write one row: numbers as numbers, days as days, all text as text."""
        if self._next >= self._most_rows:
            self.close()
            self._begin()
        for column, cell in enumerate(cells):
            if cell is not None:
                self._write(column, cell)
        self._next += 1

    def _write(self, column: int, cell: Cell) -> None:
        where, styles = (self._next, column), self._book.styles
        if isinstance(cell, bool):
            self._sheet.write_string(*where, self._book.truth[cell], styles["text"])
        elif isinstance(cell, str):
            self._sheet.write_string(*where, safe_text(cell), styles["text"])
        elif isinstance(cell, int):
            self._sheet.write_number(*where, cell, styles["whole"])
        elif isinstance(cell, Decimal | float):
            self._sheet.write_number(*where, cell, styles["decimal"])
        elif isinstance(cell, datetime):
            local = cell.astimezone(PROGRAMME_ZONE).replace(tzinfo=None)
            self._sheet.write_datetime(*where, local, styles["moment"])
        elif isinstance(cell, date):
            self._sheet.write_datetime(*where, cell, styles["day"])

    def close(self) -> None:
        """Put the filter over what was written."""
        self._sheet.autofilter(0, 0, max(self._next - 1, 1), len(self.headings) - 1)
