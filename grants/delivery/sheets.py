"""What the visits say, as a file to take away. No name, no folio, no day; text can never start a formula."""

import csv
import io
from collections.abc import Sequence

import xlsxwriter
from flask_babel import gettext as _

from grants.core.documents import safe_text
from grants.delivery.models.monitoring import VISIT_NAMES
from grants.delivery.queries.monitoring import GradeLine, MonitoringResults, ShareLine
from grants.people.models import GROUP_NAMES, SEX_NAMES
from grants.people.protection import Mark

SAFE = {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
Row = list[str | float | int | None]


def dimension_names() -> dict[str, str]:
    return {"total": _("Everybody"), "sex": _("Sex"), "canton": _("Canton"), "group": _("Group")}


def value_name(dimension: str, value: str, results: MonitoringResults) -> str:
    """A value of a dimension in words."""
    if dimension == "canton":
        return results.cantons.get(value, value)
    names = {key.value: name for key, name in (*SEX_NAMES.items(), *GROUP_NAMES.items())}
    return str(names.get(value, _("All together")))


def rows(results: MonitoringResults) -> list[Row]:
    """The whole table, a heading first."""
    table: list[Row] = [
        [_("Question"), _("By"), _("Value"), _("Answers"), _("Result"), _("Interval from"), _("Interval to")]
    ]
    table.append([_("Visits still to make"), None, None, results.due, None, None, None])
    table += [[str(VISIT_NAMES[state]), None, None, count, None, None, None] for state, count in results.ended.items()]
    table.append([_("Response rate"), None, None, None, _rounded(results.response_rate), None, None])
    asked = _("Asked to pay or to share")
    table.append(_share(asked, dimension_names()["total"], _("All together"), results.asked))
    canton = dimension_names()["canton"]
    table += [_share(asked, canton, results.cantons.get(one.value, one.value), one) for one in results.extortion]
    for dimension, lines in results.grades.items():
        name = dimension_names()[dimension]
        if lines is None:
            table.append([_("Satisfaction, mean of 1 to 5"), name, _("protected"), None, None, None, None])
        for line in lines or ():
            table.append(_grade(name, value_name(dimension, line.value, results), line))
    return table


def as_csv(results: MonitoringResults) -> bytes:
    """Comma-separated, UTF-8 with the mark that spreadsheets look for; decimals with a point."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    for row in rows(results):
        writer.writerow([safe_text(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row])
    return out.getvalue().encode("utf-8-sig")


def as_workbook(results: MonitoringResults) -> bytes:
    """An .xlsx file of one sheet."""
    file = io.BytesIO()
    book = xlsxwriter.Workbook(file, SAFE)
    sheet, bold = book.add_worksheet(_("Visits")), book.add_format({"bold": True})
    sheet.set_column(0, 2, 30)
    for number, row in enumerate(rows(results)):
        _write(sheet, number, row, None if number else bold)
    book.close()
    return file.getvalue()


def _write(sheet: "xlsxwriter.worksheet.Worksheet", number: int, row: Sequence[str | float | int | None],
           style: object) -> None:  # fmt: skip
    for column, cell in enumerate(row):
        if isinstance(cell, (int, float)):
            sheet.write_number(number, column, cell, style)
        elif cell is not None:
            sheet.write_string(number, column, cell, style)


def _share(question: str, dimension: str, value: str, line: ShareLine) -> Row:
    if line.hidden:
        return [question, dimension, value, _("protected"), _("protected"), None, None]
    low, high = line.interval
    return [question, dimension, value, line.answered, _rounded(line.share), _rounded(low), _rounded(high)]


def _grade(dimension: str, value: str, line: GradeLine) -> Row:
    question = _("Satisfaction, mean of 1 to 5")
    if line.mark is Mark.SHOWN:
        return [question, dimension, value, line.answered, round(line.mean, 2), None, None]
    hidden = "<5" if line.mark is Mark.SMALL else _("protected")
    return [question, dimension, value, hidden, _("protected"), None, None]


def _rounded(share: float | None) -> float | None:
    return None if share is None else round(share, 3)
