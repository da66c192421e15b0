"""Files of institutions for tests: made, sent, mapped, checked and applied as the pages would do it."""

import io
from collections.abc import Sequence
from typing import Any

from grants.access.models import User
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.credit import import_jobs, spreadsheets
from grants.credit.import_settings import Basis, Field, Settings
from grants.credit.models import CreditImport, ImportMode, ImportRow, ImportState, Institution, RateKind
from grants.credit.queries import imports as queries
from grants.credit.services import imports as services
from tests.factories.credit_movements import ago

HEAD = ("Operación", "Folio", "Cédula", "Nombre", "Tipo", "Fecha", "Monto", "Capital", "Interés", "Saldo", "Mora",
        "Recibo", "Plazo", "Tasa", "Motivo")  # fmt: skip
FIELDS = (Field.OPERATION, Field.FOLIO, Field.DOCUMENT, Field.NAME, Field.KIND, Field.DAY, Field.AMOUNT,
          Field.PRINCIPAL, Field.INTEREST, Field.BALANCE, Field.DAYS_LATE, Field.RECEIPT, Field.TERM, Field.RATE,
          Field.DECLINE)  # fmt: skip


def written(before: int) -> str:
    """The day so many days ago, as lenders write it."""
    return ago(before).strftime("%d/%m/%Y")


def a_row(**said: Any) -> list[Any]:
    """A row under HEAD: what is not said is empty."""
    return [said.get(field.value, "") for field in FIELDS]


def paid(**said: Any) -> list[Any]:
    """A row about a payment of ten days ago."""
    return a_row(**{"kind": "pago", "day": written(10), "amount": "85,50", **said})


def csv_of(*rows: Sequence[Any], head: Sequence[str] = HEAD, mark: str = ";", encoding: str = "utf-8") -> bytes:
    lines = [mark.join(str(cell) for cell in row) for row in (head, *rows)]
    return ("\n".join(lines) + "\n").encode(encoding)


def xlsx_of(*rows: Sequence[Any], head: Sequence[str] = HEAD) -> bytes:
    import openpyxl

    book = openpyxl.Workbook()
    for row in (head, *rows):
        book.active.append([None if cell == "" else cell for cell in row])
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def settings_of(**changed: Any) -> Settings:
    """All columns of HEAD, decimal comma, day first, movements, nominal rates; `without`: fields not mapped."""
    without = changed.pop("without", ())
    columns = {field: at for at, field in enumerate(FIELDS) if field not in without}
    told: dict[str, Any] = {"decimal_mark": ",", "rate_kind": RateKind.NOMINAL, "basis": Basis.MOVEMENTS}
    if changed.get("kind"):
        columns.pop(Field.KIND, None)
    return Settings(columns=columns, **{**told, **changed})


def send(file: bytes, institution: Institution, by: User, *, settings: Settings | None = None) -> CreditImport:
    """Sent and mapped, not yet checked."""
    with transaction():
        received = services.receive(
            institution, spreadsheets.read(file), services.fingerprint(file), by=by, now=utcnow()
        )
        kept = received.kept
        if kept.state is ImportState.MAPPING and not received.is_again:
            head = next(row for row in queries.first_rows(kept, 50) if len(row.cells) > 2)
            services.map_columns(kept, head, settings or settings_of(), by=by, now=utcnow())
    return kept


def work(kept: CreditImport) -> CreditImport:
    """All turns that are left."""
    for _turn in range(500):
        if not kept.is_working or not import_jobs.go_on(kept.id, now=utcnow()):
            break
    db.session.refresh(kept)
    return kept


def checked(file: bytes, institution: Institution, by: User, *, settings: Settings | None = None) -> CreditImport:
    kept = work(send(file, institution, by, settings=settings))
    assert kept.state is ImportState.READY
    return kept


def applied(kept: CreditImport, by: User, mode: ImportMode = ImportMode.GOOD) -> CreditImport:
    with transaction():
        services.ask_apply(kept, mode, by=by, now=utcnow())
    return work(kept)


def told(kept: CreditImport) -> list[str]:
    """What every row under the heading came to: its outcome, or why not."""
    rows = db.session.query(ImportRow).filter_by(import_id=kept.id).order_by(ImportRow.number)
    rows = rows.filter(ImportRow.number > (kept.heading_row or 0))
    return [one.reason if one.reason and one.outcome.value != "good" else one.outcome.value for one in rows]
