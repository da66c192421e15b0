"""What the columns of a lender's file mean: its fields, the words for them, and the settings of a mapping. Pure."""

import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from decimal import Decimal
from enum import StrEnum
from typing import Any

from grants.credit.models.linkages import DeclineReason
from grants.credit.models.products import RateKind
from grants.credit.workbooks import Cell


class Field(StrEnum):
    """What a column can hold."""

    OPERATION = "operation"
    FOLIO = "folio"
    DOCUMENT = "document"
    NAME = "name"
    KIND = "kind"
    DAY = "day"
    AMOUNT = "amount"
    PRINCIPAL = "principal"
    INTEREST = "interest"
    OTHER = "other"
    BALANCE = "balance"
    DAYS_LATE = "days_late"
    OVERDUE = "overdue"
    RECEIPT = "receipt"
    CURRENCY = "currency"
    TERM = "term"
    RATE = "rate"
    DECLINE = "decline"


class EventKind(StrEnum):
    """What a row can report, in the order in which it happens on one day."""

    CONTACTED = "contacted"
    APPLIED = "applied"
    APPROVED = "approved"
    DECLINED = "declined"
    DISBURSEMENT = "disbursement"
    REPAYMENT = "repayment"
    BALANCE = "balance"
    WRITE_OFF = "write_off"
    RECOVERY = "recovery"


ORDER = {kind: at for at, kind in enumerate(EventKind)}
STEPS = frozenset({EventKind.CONTACTED, EventKind.APPLIED, EventKind.APPROVED, EventKind.DECLINED})
WITH_AMOUNT = frozenset({EventKind.APPLIED, EventKind.APPROVED, EventKind.DISBURSEMENT, EventKind.REPAYMENT,
                         EventKind.WRITE_OFF, EventKind.RECOVERY})  # fmt: skip
# Words for a kind that need no explaining; an institution's own come beside them in its mapping.
KIND_WORDS = {
    EventKind.CONTACTED: ("contactado", "contactada", "contacto", "contacted"),
    EventKind.APPLIED: ("solicitud", "solicitado", "solicitada", "applied"),
    EventKind.APPROVED: ("aprobado", "aprobada", "aprobación", "aprobacion", "approved"),
    EventKind.DECLINED: ("negado", "negada", "rechazado", "rechazada", "declined"),
    EventKind.DISBURSEMENT: ("desembolso", "desembolsado", "disbursement"),
    EventKind.REPAYMENT: ("pago", "abono", "cuota", "repayment"),
    EventKind.BALANCE: ("saldo", "balance"),
    EventKind.WRITE_OFF: ("castigo", "castigado", "write_off", "write-off"),
    EventKind.RECOVERY: ("recuperación", "recuperacion", "recovery"),
}
# Words of headings, to propose a column. Whoever maps decides.
HEADING_WORDS = {
    Field.OPERATION: ("operación", "operacion", "n.º operación", "número de operación", "numero de operacion",
                      "no. operacion", "n° operación", "nro operacion", "operation", "operation number", "crédito nro"),
    Field.FOLIO: ("folio",),
    Field.DOCUMENT: ("cédula", "cedula", "identificación", "identificacion", "documento", "document"),
    Field.NAME: ("nombre", "nombres", "apellidos y nombres", "nombres y apellidos", "socio", "cliente", "name"),
    Field.KIND: ("tipo", "evento", "movimiento", "transacción", "transaccion", "event", "kind"),
    Field.DAY: ("fecha", "día", "dia", "fecha de pago", "day", "date"),
    Field.AMOUNT: ("monto", "valor", "total", "valor pagado", "amount"),
    Field.PRINCIPAL: ("capital", "principal"),
    Field.INTEREST: ("interés", "interes", "intereses", "interest"),
    Field.OTHER: ("otros", "otros cargos", "other charges"),
    Field.BALANCE: ("saldo", "saldo de capital", "saldo capital", "balance"),
    Field.DAYS_LATE: ("días de mora", "dias de mora", "días mora", "dias mora", "mora", "days late"),
    Field.OVERDUE: ("vencido", "valor vencido", "capital vencido", "overdue"),
    Field.RECEIPT: ("recibo", "comprobante", "n.º recibo", "documento de pago", "receipt", "receipt number"),
    Field.CURRENCY: ("moneda", "currency"),
    Field.TERM: ("plazo", "plazo en meses", "term", "term in months"),
    Field.RATE: ("tasa", "tasa anual", "rate"),
    Field.DECLINE: ("motivo", "razón", "razon", "reason"),
}  # fmt: skip
# Why somebody was declined, as lenders write it; the codes themselves are known too.
DECLINE_WORDS = {
    "documento no aceptado": DeclineReason.DOCUMENT_NOT_ACCEPTED,
    "estatus no aceptado": DeclineReason.STATUS_NOT_ACCEPTED,
    "fuera del vínculo": DeclineReason.OUTSIDE_BOND,
    "fuera del vinculo": DeclineReason.OUTSIDE_BOND,
    "edad": DeclineReason.AGE,
    "sin garante": DeclineReason.NO_GUARANTOR,
    "buró de crédito": DeclineReason.CREDIT_BUREAU,
    "buro de credito": DeclineReason.CREDIT_BUREAU,
    "capacidad de pago": DeclineReason.CAPACITY_TO_PAY,
    "expediente incompleto": DeclineReason.INCOMPLETE_FILE,
    "la persona desistió": DeclineReason.CLIENT_WITHDREW,
    "la persona desistio": DeclineReason.CLIENT_WITHDREW,
    "no localizable": DeclineReason.NOT_REACHABLE,
    "se mudó": DeclineReason.MOVED_AWAY,
    "se mudo": DeclineReason.MOVED_AWAY,
    **{reason.value: reason for reason in DeclineReason},
}
DOLLARS = frozenset({"usd", "us$", "$", "dólar", "dolar", "dólares", "dolares", "dollar", "dollars", "840"})
# The last column of the file of refused rows, by language: sent back, the file is one that is known.
TO_CORRECT = {"es": "qué corregir (semilla)", "en": "what to correct (semilla)"}
TOTALS = ("total", "totales", "subtotal", "suma", "sumas", "gran total", "total general")


class Basis(StrEnum):
    """What the amount of a repayment is: what was paid that day, or all that was paid until then."""

    MOVEMENTS = "movements"
    TOTALS = "totals"


@dataclass(frozen=True, slots=True)
class Settings:
    """What an institution's file means. Columns by their place; `kind`: of all rows, where no column says it."""

    columns: dict[Field, int]
    decimal_mark: str
    kind: EventKind | None = None
    month_first: bool = False
    basis: Basis = Basis.MOVEMENTS
    rate_kind: RateKind | None = None
    words: dict[str, EventKind] = field(default_factory=dict)

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value is not None}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Settings":
        return cls(
            columns={Field(name): int(at) for name, at in kept["columns"].items()},
            decimal_mark=kept["decimal_mark"],
            kind=EventKind(kept["kind"]) if "kind" in kept else None,
            month_first=kept["month_first"],
            basis=Basis(kept["basis"]),
            rate_kind=RateKind(kept["rate_kind"]) if "rate_kind" in kept else None,
            words={word: EventKind(kind) for word, kind in kept["words"].items()},
        )


def plain(cell: Cell) -> str:
    """A cell as a person would read it; a number without the zeros that a spreadsheet adds.

    >>> plain(412.0), plain(0.1 + 0.2), plain(1e308)
    ('412', '0.3', '1e+308')
    """
    if isinstance(cell, str):
        return cell
    short = format(cell, ".15g")
    return short if "e" in short and abs(cell) >= 1e15 else f"{Decimal(short):f}"


def heading_words(cells: Sequence[Cell]) -> list[str]:
    """The words of a heading, alike however they are spaced or written large; without the column that we put there."""
    words = [" ".join(plain(cell).split()).casefold() for cell in cells]
    return words[:-1] if words and words[-1] in TO_CORRECT.values() else words


def proposed(cells: Sequence[Cell]) -> dict[Field, int]:
    """The columns that a heading seems to name: for a person to look at."""
    words = heading_words(cells)
    found = {
        name: next((at for at, word in enumerate(words) if word.rstrip(".:") in known), -1)
        for name, known in HEADING_WORDS.items()
    }
    return {name: at for name, at in found.items() if at >= 0}


def reads_as_heading(cells: Sequence[Cell]) -> bool:
    """Several words, no number among them, and one that is known."""
    texts = [cell for cell in cells if cell != ""]
    return len(texts) > 1 and all(isinstance(cell, str) for cell in texts) and bool(proposed(cells))


def shown(text: str) -> str:
    """A name as it may be shown: nothing that is not seen, and nothing that turns the line around."""
    return "".join(" " if unicodedata.category(one)[0] in "CZ" else one for one in text).strip()
