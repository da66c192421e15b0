"""Linkages as a file to take away. A cell can never start a formula, and every text is written as text."""

import csv
import io
from collections.abc import Sequence
from decimal import Decimal

import xlsxwriter
from flask_babel import gettext as _

from grants.core.documents import safe_text
from grants.credit import words
from grants.credit.models import Linkage

Cell = str | Decimal | int | None


def heading(*, across: bool) -> list[str]:
    """The columns: with the institution across institutions, with the shared name for one's own."""
    return [
        _("Referral"), _("Linkage"), _("Person"), _("Institution") if across else _("Name"), _("Kind"), _("State"),
        _("Referred on"), _("Last step on"), _("Requested (USD)"), _("Approved (USD)"), _("Disbursed (USD)"),
        _("Disbursed on"), _("Term in months"), _("Rate (%)"), _("Kind of rate"), _("Operation number"), _("Reason"),
    ]  # fmt: skip


def row_of(linkage: Linkage, *, across: bool) -> list[Cell]:
    """One linkage in the order of the heading."""
    referral = linkage.referral
    return [
        referral.folio,
        linkage.folio,
        referral.person.folio,
        linkage.institution.name if across else referral.short_name,
        str(words.KIND_NAMES[linkage.kind]),
        str(words.STATE_NAMES[linkage.state]),
        linkage.referred_on.isoformat(),
        linkage.last_step_on.isoformat(),
        linkage.requested_usd,
        linkage.approved_usd,
        linkage.amount_usd,
        linkage.disbursed_on.isoformat() if linkage.disbursed_on else None,
        linkage.term_months,
        linkage.rate_percent,
        str(words.RATE_KIND_NAMES[linkage.rate_kind]) if linkage.rate_kind else None,
        linkage.reference,
        str(words.REASON_NAMES[linkage.decline_reason]) if linkage.decline_reason else None,
    ]


def as_csv(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """Comma-separated, UTF-8 with the mark that spreadsheets look for; decimals with a point."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([safe_text(name) for name in head])
    for row in rows:
        writer.writerow([safe_text(cell) if isinstance(cell, str) else "" if cell is None else cell for cell in row])
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(head: Sequence[str], rows: Sequence[Sequence[Cell]]) -> bytes:
    """One sheet; amounts are numbers, all else strings, nothing a formula or a link."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    sheet = book.add_worksheet("Semilla")
    sheet.freeze_panes(1, 0)
    bold = book.add_format({"bold": True})
    for column, name in enumerate(head):
        sheet.write_string(0, column, safe_text(name), bold)
    for number, row in enumerate(rows, 1):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                sheet.write_string(number, column, safe_text(cell))
            elif cell is not None:
                sheet.write_number(number, column, cell)
    book.close()
    return out.getvalue()
