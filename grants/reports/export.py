"""The donor's table as a spreadsheet. Text is written as text: nothing a person typed can become a formula."""

from collections.abc import Mapping, Sequence
from io import BytesIO
from typing import Any

import xlsxwriter
from flask_babel import gettext as _

from grants.reports.framework import Published
from grants.reports.results import Breakdown, Cell, Result, Row
from grants.reports.shares import ShareResult
from grants.reports.words import PROTECTED, dimension_name, hidden_mark, value_name

SAFE = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}


def results_workbook(
    found: Sequence[Result], shares: Sequence[ShareResult] = (), *, places: Mapping[str, str], language: str
) -> bytes:
    """An .xlsx file: a summary, then a sheet for each indicator."""
    file = BytesIO()
    book = xlsxwriter.Workbook(file, SAFE)
    bold = book.add_format({"bold": True})
    _summary(_Sheet(book.add_worksheet(_("Summary")), bold), found, language)
    for result in found:
        _details(_Sheet(book.add_worksheet(result.frame.code), bold), result, places, language)
    for share in shares:
        _share(_Sheet(book.add_worksheet(share.code), bold), share, language)
    book.close()
    return file.getvalue()


class _Sheet:
    """A worksheet that is filled row after row."""

    def __init__(self, sheet: Any, bold: Any) -> None:
        self._sheet, self._bold, self._row = sheet, bold, 0
        sheet.set_column(0, 0, 34)
        sheet.set_column(1, 12, 14)

    def add(self, *values: str | int | float | None, bold: bool = False) -> None:
        for column, value in enumerate(values):
            style = self._bold if bold else None
            if isinstance(value, (int, float)):
                self._sheet.write_number(self._row, column, value, style)
            elif value is not None:
                self._sheet.write_string(self._row, column, value, style)
        self._row += 1


def _summary(sheet: _Sheet, found: Sequence[Result], language: str) -> None:
    years = sorted({year for result in found for year in result.years})
    sheet.add(
        _("Code"), _("Indicator"), _("Baseline"), _("Target"), *map(str, years), _("In all"), _("Percent of target"),
        _("Once published"), bold=True,
    )  # fmt: skip
    for result in found:
        total = result.total
        sheet.add(
            result.frame.code, result.frame.name(language), result.frame.baseline, result.frame.target,
            *(_shown(total.years[year]) if year in total.years else None for year in years),
            _shown(total.cumulative), result.achieved, _printed(total.cumulative.published),
        )  # fmt: skip


def _details(sheet: _Sheet, result: Result, places: Mapping[str, str], language: str) -> None:
    sheet.add(f"{result.frame.code}", result.frame.name(language), bold=True)
    sheet.add(_("Baseline"), result.frame.baseline)
    sheet.add(_("Target"), result.frame.target)
    sheet.add()
    sheet.add(_("Result"), *map(str, result.years), _("In all"), _("Once published"), bold=True)
    _line(sheet, _("People"), result.total, result.years)
    _sentences(sheet, result.contradictions, language)
    for part in result.breakdowns:
        _breakdown(sheet, part, places, language)


def _share(sheet: _Sheet, share: ShareResult, language: str) -> None:
    found = share.tally
    sheet.add(share.code, share.name(language), bold=True)
    sheet.add(_("Baseline"), share.baseline)
    sheet.add(_("Target"), share.target)
    sheet.add(_("Until"), share.day.isoformat())
    sheet.add(_("People asked"), _or_protected(found.asked))
    sheet.add(_("Answers"), _or_protected(found.answered))
    sheet.add(_("Satisfied"), _or_protected(found.satisfied))
    sheet.add(_("Percent satisfied"), _or_protected(share.percent) if found.answered != 0 else None)
    if share.published:
        sheet.add(_("Once published"), share.published.figure)
        _sentences(sheet, [share.published], language)


def _or_protected(value: float | None) -> float | str:
    return str(PROTECTED) if value is None else value


def _breakdown(sheet: _Sheet, part: Breakdown, places: Mapping[str, str], language: str) -> None:
    sheet.add()
    sheet.add(dimension_name(part.dimension), *map(str, part.years), _("In all"), _("Once published"), bold=True)
    if part.withheld:
        sheet.add(_("Too few people: this breakdown is protected."))
    for row in part.rows:
        _line(sheet, value_name(part.dimension, row.value, places), row, part.years)
    _sentences(sheet, part.contradictions, language)


def _line(sheet: _Sheet, name: str, row: Row, years: Sequence[int]) -> None:
    cells = (_shown(row.years[year]) for year in years)
    sheet.add(name, *cells, _shown(row.cumulative), _printed(row.cumulative.published))


def _sentences(sheet: _Sheet, contradictions: Sequence[Published], language: str) -> None:
    for published in contradictions:
        sheet.add(_("Caution with the published figure."), published.contradiction(language))


def _shown(cell: Cell) -> int | str:
    return hidden_mark(cell) if cell.count is None else cell.count


def _printed(published: Published | None) -> int | None:
    return None if published is None else published.figure
