"""The figures as files to take away, every table with its definition. No cell can start a formula."""

import csv
import io
from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any

import xlsxwriter
from flask_babel import gettext as _

from grants.core.documents import safe_text
from grants.credit.report import Report
from grants.credit.tables import Hidden, Kind, Table, Value

SAFE = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
PLAIN = Decimal("0.0001")


def protected_word() -> str:
    return str(_("protected"))


def heading(found: Report) -> list[list[str]]:
    """What the figures are of."""
    asked = found.asked
    rows = [
        [_("Day"), asked.day.isoformat()],
        [_("Period"), f"{asked.since.isoformat()} – {asked.day.isoformat()}"],
        [_("Tables about people: until"), asked.people_day.isoformat()],
    ]
    if asked.protected:
        rows.append([_("Figures about fewer than five people or credits are protected.")])
    return [[str(cell) for cell in row] for row in rows]


def as_csv(found: Report) -> bytes:
    """One file: each table under its title. Shares are parts of one with four decimals, days are ISO."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerows([[safe_text(cell) for cell in row] for row in heading(found)])
    for table in found.tables:
        writer.writerow([])
        writer.writerow([safe_text(table.title)])
        writer.writerows([[safe_text(text)] for text in (table.definition, table.note) if text])
        writer.writerow([safe_text(column.name) for column in table.columns])
        writer.writerows([[_plain(cell) for cell in row] for row in table.rows])
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(found: Report) -> bytes:
    """A sheet for each part of the page; numbers are numbers."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, SAFE)
    sheets = [(_("Portfolio"), found.portfolio), (_("Funnel"), found.funnel), (_("Savings banks"), found.savings_banks),
              (_("Satisfaction"), found.satisfaction)]  # fmt: skip
    for title, tables in sheets:
        _Sheet(book, str(title)).fill(heading(found), tables)
    book.close()
    return out.getvalue()


class _Sheet:
    """A worksheet that is filled row after row."""

    def __init__(self, book: Any, title: str) -> None:
        self._sheet, self._row = book.add_worksheet(title[:31]), 0
        self._bold = book.add_format({"bold": True})
        self._formats = {
            Kind.SHARE: book.add_format({"num_format": "0.0%"}),
            Kind.USD: book.add_format({"num_format": "#,##0.00"}),
            Kind.DAY: book.add_format({"num_format": "yyyy-mm-dd"}),
        }
        self._sheet.set_column(0, 0, 44)
        self._sheet.set_column(1, 12, 18)

    def fill(self, lines: Sequence[Sequence[str]], tables: Sequence[Table]) -> None:
        for line in lines:
            self._texts(line)
        for table in tables:
            self._row += 1
            self._texts([table.title], self._bold)
            for text in filter(None, (table.definition, table.note)):
                self._texts([text])
            self._texts([column.name for column in table.columns], self._bold)
            for row in table.rows:
                for place, (cell, column) in enumerate(zip(row, table.columns, strict=True)):
                    self._cell(place, cell, column.kind)
                self._row += 1

    def _texts(self, texts: Sequence[str], style: Any = None) -> None:
        for place, text in enumerate(texts):
            self._sheet.write_string(self._row, place, safe_text(text), style)
        self._row += 1

    def _cell(self, place: int, cell: Value, kind: Kind) -> None:
        if isinstance(cell, Hidden):
            self._sheet.write_string(self._row, place, protected_word())
        elif isinstance(cell, str):
            self._sheet.write_string(self._row, place, safe_text(cell))
        elif isinstance(cell, date):
            self._sheet.write_datetime(self._row, place, cell, self._formats[Kind.DAY])
        elif cell is not None:
            self._sheet.write_number(self._row, place, cell, self._formats.get(kind))


def _plain(cell: Value) -> str:
    if cell is None:
        return ""
    if isinstance(cell, Hidden):
        return protected_word()
    if isinstance(cell, date):
        return cell.isoformat()
    if isinstance(cell, Decimal):
        return f"{cell.quantize(PLAIN).normalize():f}"
    return safe_text(str(cell))
