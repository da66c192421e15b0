"""What one row of a lender's file says. Pure: cells in, facts or a doubt out."""

import hashlib
import re
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from datetime import date
from decimal import Decimal
from typing import Any

from grants.credit.amounts import (
    MOST_USD,
    Unreadable,
    day_of_serial,
    parse_day,
    parse_months,
    parse_rate,
    parse_usd,
)
from grants.credit.import_reasons import REASON_OF_DOUBT, Reason, RowDoubt
from grants.credit.import_settings import (
    DECLINE_WORDS,
    DOLLARS,
    KIND_WORDS,
    TOTALS,
    WITH_AMOUNT,
    EventKind,
    Field,
    Settings,
    heading_words,
    plain,
)
from grants.credit.workbooks import LONGEST_CELL, Cell

OPERATION = re.compile(r"[A-Za-z0-9][A-Za-z0-9 ./_-]{0,59}")
TIME_OF_DAY = re.compile(r"[ T][0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.[0-9]+)?)?$")
SERIAL = re.compile(r"[0-9]{5}")
MOST_DAYS_LATE = 36_500
DERIVED = "x-"  # begins the reference of a movement whose row had no receipt number


@dataclass(frozen=True, slots=True)
class Facts:
    """What a row says. Days and amounts as text, so that they are kept as they are."""

    kind: EventKind
    day: str
    operation: str | None = None
    operation_is_number: bool = False  # a cell that lost its leading zeros
    folio: str | None = None
    document: str | None = None
    amount: str | None = None
    principal: str | None = None
    interest: str | None = None
    other: str | None = None
    balance: str | None = None
    days_late: int | None = None
    overdue: str | None = None
    receipt: str | None = None
    term: int | None = None
    rate: str | None = None
    decline: str | None = None

    @property
    def happened_on(self) -> date:
        return date.fromisoformat(self.day)

    def usd(self, name: str) -> Decimal | None:
        value = getattr(self, name)
        return Decimal(value) if value is not None else None

    def as_json(self) -> dict[str, Any]:
        return {name: value for name, value in asdict(self).items() if value not in (None, False)}

    @classmethod
    def from_json(cls, kept: dict[str, Any]) -> "Facts":
        return cls(**{**kept, "kind": EventKind(kept["kind"])})


def left_out(cells: Sequence[Cell], heading: Sequence[str], settings: Settings) -> Reason | None:
    """Why a row is not about anybody: the heading again, or a total under the table."""
    if heading_words(cells) == list(heading):
        return Reason.HEADING
    names = [settings.columns[one] for one in (Field.OPERATION, Field.FOLIO, Field.DOCUMENT) if one in settings.columns]
    named = [plain(cells[at]) for at in names if at < len(cells) and cells[at] != ""]
    words = [" ".join(cell.split()).casefold().rstrip(":.") for cell in cells if isinstance(cell, str) and cell]
    is_total = bool(words) and words[0] in TOTALS
    return Reason.TOTAL if is_total and (not named or " ".join(named).casefold().rstrip(":.") == words[0]) else None


def read_row(cells: Sequence[Cell], settings: Settings) -> Facts:
    """The facts of a row, or RowDoubt with the first thing that is wrong."""
    row = _Row(cells, settings)
    kind = row.kind()
    operation = row.matching(Field.OPERATION, OPERATION, Reason.BAD_OPERATION)
    folio, document = row.text(Field.FOLIO), row.text(Field.DOCUMENT)
    if not (operation or folio or document):
        raise RowDoubt(Reason.MISSING, _first_of(settings))
    day = row.day()
    row.check_currency()
    row.visible(Field.NAME, strict=False)
    return _checked(
        Facts(
            kind=kind,
            day=day.isoformat(),
            operation=operation,
            operation_is_number=isinstance(row.cell(Field.OPERATION), float),
            folio=folio,
            document=_document(row, document),
            amount=row.usd(Field.AMOUNT, needed=kind in WITH_AMOUNT),
            principal=row.usd(Field.PRINCIPAL, may_be_zero=True),
            interest=row.usd(Field.INTEREST, may_be_zero=True),
            other=row.usd(Field.OTHER, may_be_zero=True),
            balance=row.usd(Field.BALANCE, needed=kind is EventKind.BALANCE, may_be_zero=True),
            days_late=row.days_late(),
            overdue=row.usd(Field.OVERDUE, may_be_zero=True),
            receipt=row.matching(Field.RECEIPT, OPERATION, Reason.BAD_RECEIPT),
            term=row.parsed(Field.TERM, parse_months) if kind is EventKind.DISBURSEMENT else None,
            rate=row.rate() if kind is EventKind.DISBURSEMENT else None,
            decline=row.decline() if kind is EventKind.DECLINED else None,
        )
    )


def derived_reference(operation: str, kind: str, day: date, amount: Decimal | None) -> str:
    """What stands for a receipt number where a row has none: the same row always gets the same."""
    said = "|".join((operation, kind, day.isoformat(), f"{amount or Decimal(0):.2f}"))
    return DERIVED + hashlib.sha256(said.encode()).hexdigest()[:40]


def _first_of(settings: Settings) -> Field:
    return next(one for one in (Field.OPERATION, Field.FOLIO, Field.DOCUMENT) if one in settings.columns)


def _document(row: "_Row", text: str | None) -> str | None:
    """A number cell of nine digits is an identity card whose first zero the spreadsheet dropped, or a nine-digit one:
    the mark in front says so, and both are looked for."""
    is_number = isinstance(row.cell(Field.DOCUMENT), float)
    return "#" + text if text and is_number and len(text) == 9 else text


def _checked(facts: Facts) -> Facts:
    if facts.kind is not EventKind.REPAYMENT:
        return facts
    if facts.principal is None:
        if any(facts.usd(name) for name in ("interest", "other")):
            raise RowDoubt(Reason.MISSING, Field.PRINCIPAL)
        return replace(facts, interest=None, other=None)
    parts = sum((facts.usd(name) or Decimal(0) for name in ("principal", "interest", "other")), Decimal(0))
    if parts != facts.usd("amount"):
        raise RowDoubt(Reason.SPLIT, Field.PRINCIPAL)
    return facts


class _Row:
    """One row under its settings: each column asked for by what it holds."""

    def __init__(self, cells: Sequence[Cell], settings: Settings) -> None:
        self.cells, self.settings = cells, settings

    def cell(self, name: Field) -> Cell:
        at = self.settings.columns.get(name, -1)
        return self.cells[at] if 0 <= at < len(self.cells) else ""

    def visible(self, name: Field, *, strict: bool = True) -> str:
        text = plain(self.cell(name)).strip()
        if len(text) > LONGEST_CELL:
            raise RowDoubt(Reason.TOO_LONG, name)
        if strict and text.startswith("="):
            raise RowDoubt(Reason.FORMULA, name)
        if strict and any(unicodedata.category(one)[0] == "C" for one in text):
            raise RowDoubt(Reason.INVISIBLE, name)
        return text

    def text(self, name: Field) -> str | None:
        return self.visible(name)[:60] or None

    def matching(self, name: Field, shape: re.Pattern[str], otherwise: Reason) -> str | None:
        text = self.visible(name)
        if text and not shape.fullmatch(text):
            raise RowDoubt(otherwise, name)
        return text or None

    def kind(self) -> EventKind:
        if self.settings.kind is not None:
            return self.settings.kind
        word = " ".join(self.visible(Field.KIND).split()).casefold()
        if not word:
            raise RowDoubt(Reason.MISSING, Field.KIND)
        own = self.settings.words.get(word)
        known = own or next((kind for kind, words in KIND_WORDS.items() if word in words), None)
        if known is None:
            raise RowDoubt(Reason.KIND, Field.KIND)
        return known

    def day(self) -> date:
        cell, text = self.cell(Field.DAY), self.visible(Field.DAY)
        if not text:
            raise RowDoubt(Reason.MISSING, Field.DAY)
        try:
            if isinstance(cell, float):
                return day_of_serial(cell)
            if SERIAL.fullmatch(text):
                return day_of_serial(float(text))
            return parse_day(TIME_OF_DAY.sub("", text), month_first=self.settings.month_first)
        except Unreadable:
            raise RowDoubt(Reason.NOT_A_DAY, Field.DAY) from None

    def usd(self, name: Field, *, needed: bool = False, may_be_zero: bool = False) -> str | None:
        cell, text = self.cell(name), self.visible(name)
        if not text:
            if needed:
                raise RowDoubt(Reason.MISSING, name)
            return None
        bare = text.removeprefix("USD").removeprefix("$").strip()
        if re.match(r"[-−(][ $]*[0-9.,]", bare):
            raise RowDoubt(Reason.NEGATIVE, name)
        if isinstance(cell, float) and cell > MOST_USD:
            raise RowDoubt(Reason.TOO_LARGE, name)
        mark = "." if isinstance(cell, float) else self.settings.decimal_mark
        try:
            return str(parse_usd(text, mark=mark, may_be_zero=may_be_zero))
        except Unreadable as doubt:
            raise RowDoubt(REASON_OF_DOUBT[doubt.doubt], name) from None

    def parsed(self, name: Field, parse: Any) -> Any:
        text = self.visible(name)
        if not text:
            return None
        try:
            return parse(text)
        except Unreadable as doubt:
            raise RowDoubt(REASON_OF_DOUBT[doubt.doubt], name) from None

    def rate(self) -> str | None:
        found = self.parsed(Field.RATE, parse_rate)
        return str(found) if found is not None else None

    def days_late(self) -> int | None:
        text = self.visible(Field.DAYS_LATE)
        if not text:
            return None
        if re.fullmatch(r"[-−][0-9.,]+", text):
            raise RowDoubt(Reason.NEGATIVE, Field.DAYS_LATE)
        if not re.fullmatch(r"[0-9]{1,9}", text):
            raise RowDoubt(Reason.NOT_A_NUMBER, Field.DAYS_LATE)
        if int(text) > MOST_DAYS_LATE:
            raise RowDoubt(Reason.TOO_LARGE, Field.DAYS_LATE)
        return int(text)

    def decline(self) -> str:
        """The coded reason: nothing else says why somebody was declined."""
        word = " ".join(self.visible(Field.DECLINE).split()).casefold()
        if not word:
            raise RowDoubt(Reason.MISSING, Field.DECLINE)
        if word not in DECLINE_WORDS:
            raise RowDoubt(Reason.DECLINE, Field.DECLINE)
        return DECLINE_WORDS[word].value

    def check_currency(self) -> None:
        if Field.CURRENCY not in self.settings.columns:
            return
        if self.visible(Field.CURRENCY).casefold() not in DOLLARS:
            raise RowDoubt(Reason.CURRENCY, Field.CURRENCY)
