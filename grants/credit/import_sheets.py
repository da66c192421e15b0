"""Files that go back to a lender: a template, the rows to correct, and what is logged, in the shape of its own file.
No cell can start a formula."""

import csv
import io
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from decimal import Decimal

import xlsxwriter

from grants.core.documents import safe_text
from grants.credit.import_rows import DERIVED
from grants.credit.import_settings import KIND_WORDS, Basis, EventKind, Field, Settings, plain
from grants.credit.models import CreditMovement, Linkage, MovementKind
from grants.credit.workbooks import Cell

ZERO = Decimal(0)
MOST_EXPORTED = 20_000
TEMPLATE_FIELDS = (
    Field.OPERATION, Field.FOLIO, Field.NAME, Field.KIND, Field.DAY, Field.AMOUNT, Field.PRINCIPAL, Field.INTEREST,
    Field.OTHER, Field.BALANCE, Field.DAYS_LATE, Field.OVERDUE, Field.RECEIPT, Field.CURRENCY, Field.TERM, Field.RATE,
)  # fmt: skip
TEMPLATE_HEAD = (
    "Operación", "Folio", "Nombre", "Tipo", "Fecha", "Monto", "Capital", "Interés", "Otros", "Saldo", "Días de mora",
    "Vencido", "Recibo", "Moneda", "Plazo", "Tasa",
)  # fmt: skip
EXAMPLES = (
    ("OP-1001", "", "María P.", "desembolso", "05/03/2026", 1000, "", "", "", "", "", "", "D-1", "USD", 12, 25.12),
    ("OP-1001", "", "María P.", "pago", "05/04/2026", 95.09, 74.16, 20.93, "", 925.84, 0, "", "R-1", "USD", "", ""),
    ("OP-1002", "", "José V.", "saldo", "30/04/2026", "", "", "", "", 310.5, 12, 45.2, "", "USD", "", ""),
)
Shown = Cell | Decimal | int | date | None


def template() -> bytes:
    """A workbook with the columns that are recognised, and three rows as examples."""
    return as_xlsx([TEMPLATE_HEAD, *EXAMPLES])


def to_correct(heading: Sequence[Cell], rows: Iterable[tuple[Sequence[Cell], str]], title: str) -> list[list[Shown]]:
    """The heading and the rows as they were, each with what to correct in a last column."""
    width = len(heading)
    table: list[list[Shown]] = [[*heading, title]]
    for cells, sentence in rows:
        held = [*cells[:width], *[""] * (width - len(cells))]
        table.append([*held, sentence])
    return table


def logged(heading: Sequence[str], settings: Settings, linkages: Iterable[Linkage]) -> list[list[Shown]]:
    """What is logged of these credits, as the institution would report it. Reads `movements`: load them before."""
    table: list[list[Shown]] = [list(heading)]
    for linkage in linkages:
        for row in _rows_of(linkage, settings):
            if len(table) > MOST_EXPORTED:
                return table
            width = max(len(heading), *(at + 1 for at in settings.columns.values()))
            table.append([row.get(at, "") for at in range(width)])
    return table


def _rows_of(linkage: Linkage, settings: Settings) -> Iterator[dict[int, Shown]]:
    paid = ZERO
    for movement in linkage.movements:
        if not movement.counts or movement.kind is MovementKind.RESTRUCTURE:
            continue
        kind = EventKind(movement.kind.value)
        if movement.kind is MovementKind.REPAYMENT:
            paid += movement.amount_usd or ZERO
        if settings.kind in (None, kind):
            said = _said(linkage, movement, kind, settings, paid)
            yield {at: said.get(name, "") for name, at in settings.columns.items()}


def _said(
    linkage: Linkage, movement: CreditMovement, kind: EventKind, settings: Settings, paid: Decimal
) -> dict[Field, Shown]:  # fmt: skip
    is_total = kind is EventKind.REPAYMENT and settings.basis is Basis.TOTALS
    reference = movement.reference or ""
    said: dict[Field, Shown] = {
        Field.OPERATION: linkage.reference or "",
        Field.KIND: _word(kind, settings),
        Field.DAY: movement.happened_on.strftime("%m/%d/%Y" if settings.month_first else "%d/%m/%Y"),
        Field.AMOUNT: paid if is_total else movement.amount_usd,
        Field.PRINCIPAL: movement.principal_usd,
        Field.INTEREST: movement.interest_usd,
        Field.OTHER: movement.other_usd,
        Field.BALANCE: movement.balance_usd,
        Field.DAYS_LATE: movement.days_late,
        Field.OVERDUE: movement.overdue_usd,
        Field.RECEIPT: "" if reference.startswith(DERIVED) else reference,
        Field.CURRENCY: "USD",
    }
    if kind is EventKind.DISBURSEMENT:
        said |= {Field.TERM: linkage.term_months, Field.RATE: linkage.rate_percent}
    return said


def _word(kind: EventKind, settings: Settings) -> str:
    own = (word for word, meant in settings.words.items() if meant is kind)
    return next(own, KIND_WORDS[kind][0])


def as_csv(table: Iterable[Sequence[Shown]], *, decimal_mark: str) -> bytes:
    """Semicolons where the comma is the decimal mark, commas elsewhere; UTF-8 with the mark that Excel looks for."""
    out = io.StringIO(newline="")
    writer = csv.writer(out, delimiter=";" if decimal_mark == "," else ",")
    for row in table:
        writer.writerow([_text(cell, decimal_mark) for cell in row])
    return out.getvalue().encode("utf-8-sig")


def as_xlsx(table: Iterable[Sequence[Shown]]) -> bytes:
    """One sheet: numbers are numbers, all else is text, nothing a formula or a link."""
    out = io.BytesIO()
    book = xlsxwriter.Workbook(
        out, {"in_memory": True, "strings_to_formulas": False, "strings_to_urls": False, "strings_to_numbers": False}
    )
    page, bold = book.add_worksheet("Semilla"), book.add_format({"bold": True})
    page.freeze_panes(1, 0)
    for number, row in enumerate(table):
        for column, cell in enumerate(row):
            if isinstance(cell, str):
                page.write_string(number, column, safe_text(cell), bold if number == 0 else None)
            elif cell is not None:
                page.write_number(number, column, cell)
    book.close()
    return out.getvalue()


def _text(cell: Shown, decimal_mark: str) -> str:
    if isinstance(cell, float):
        return plain(cell).replace(".", decimal_mark)
    if isinstance(cell, Decimal):
        return f"{cell:f}".replace(".", decimal_mark)
    return safe_text(str(cell)) if cell is not None else ""
