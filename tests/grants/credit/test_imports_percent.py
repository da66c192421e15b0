"""Rates that a spreadsheet shows as a percentage: what counts is what a person sees in the cell."""

import io
from decimal import Decimal

import pytest
import xlsxwriter
from flask import Flask

from grants.core.clock import utcnow
from grants.credit import spreadsheets
from grants.credit.import_settings import Field
from grants.credit.models import Linkage, LinkageState
from grants.credit.services.ceilings import load_ceilings
from tests.factories.credit import make_institution, make_liaison, make_linkage
from tests.factories.credit_imports import FIELDS, HEAD, a_row, applied, checked, told, written
from tests.grants.credit.test_imports_hostile import odf, ods


def a_book(linkage: Linkage, rate: float, shown: str, *, column: Field = Field.RATE) -> bytes:
    """A first disbursement whose rate, or another column, stands in a cell of this format."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out)
    page, special = book.add_worksheet(), book.add_format({"num_format": shown})
    row = a_row(
        operation="N-1", folio=linkage.folio, kind="desembolso", day=written(5), amount=1000.0, term=12, rate=rate
    )
    for at, cells in enumerate((HEAD, row)):
        for place, cell in enumerate(cells):
            style = special if at and place == FIELDS.index(column) else None
            page.write(at, place, cell, *([style] if style else []))
    book.close()
    return out.getvalue()


@pytest.mark.parametrize(("rate", "shown", "kept"), [
    (0.2512, "0.00%", "25.12"),
    (0.2512, "0.00 %", "25.12"),
    (0.25, "0%", "25"),
    (0.2823, '0.00%;[Red]-0.00%', "28.23"),
    (25.12, "0.00", "25.12"),
    (25.12, '0.00"%"', "25.12"),  # the sign is written beside the number, which is what it is
    (25.12, "0.00\\%", "25.12"),
    (25.12, '0.00_%;0.00%', "25.12"),  # a gap as wide as the sign; the second part is of numbers below zero
])  # fmt: skip
def test_a_rate_is_what_the_cell_shows(app: Flask, rate: float, shown: str, kept: str) -> None:
    institution = make_institution()
    by, linkage = make_liaison(institution), make_linkage(institution=institution, state=LinkageState.APPROVED)

    file = applied(checked(a_book(linkage, rate, shown), institution, by), by)

    assert told(file) == ["applied"]
    assert linkage.rate_percent == Decimal(kept)


def test_a_percentage_meets_the_ceiling(app: Flask) -> None:
    load_ceilings(now=utcnow())
    institution = make_institution()
    by, linkage = make_liaison(institution), make_linkage(institution=institution, state=LinkageState.APPROVED)
    assert told(checked(a_book(linkage, 0.45, "0.00%"), institution, by)) == ["ceiling"]


def test_no_other_column_takes_a_percentage(app: Flask) -> None:
    institution = make_institution()
    by, linkage = make_liaison(institution), make_linkage(institution=institution, state=LinkageState.APPROVED)
    assert told(checked(a_book(linkage, 25.12, "0%", column=Field.AMOUNT), institution, by)) == ["not_a_number"]


def test_open_documents_say_which_cells_are_percentages() -> None:
    cells = odf("45,00 %", office_value_type="percentage", office_value="0.45")
    cells += odf("25,12", office_value_type="float", office_value="25.12")
    file = ods(f"<table:table-row>{cells}</table:table-row>")
    assert spreadsheets.read(file).lines[0].cells == ["45 %", 25.12]
