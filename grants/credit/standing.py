"""What the movements of one credit come to on a day. Pure: terms and movements in, figures out.

- Owed is what was disbursed less the principal repaid. A statement of the lender replaces that sum from its day on.
- A repayment whose principal the lender does not say fills the instalments in order, interest before principal.
- Late is since the day of the oldest instalment whose principal is not covered. The lender's own count of days on a
  statement wins from its day on; a payment after it never makes a credit later than the statement said.
- What nobody reported for 45 days is unknown, not current.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from typing import Protocol

from grants.credit.models.linkages import LinkageState
from grants.credit.models.movements import MovementKind
from grants.credit.models.products import Amortization, Frequency, RateKind
from grants.credit.schedules import Instalment, Terms, schedule, schedule_of_parts

KNOWN_FOR = timedelta(days=45)
PENNIES = Decimal("0.05")  # lenders round in other ways than we do: so little is nobody's arrears
ZERO = Decimal(0)


class Moved(Protocol):
    """A movement as far as it counts here; CreditMovement is one."""

    @property
    def kind(self) -> MovementKind: ...
    @property
    def happened_on(self) -> date: ...
    @property
    def counts(self) -> bool: ...
    @property
    def amount_usd(self) -> Decimal | None: ...
    @property
    def principal_usd(self) -> Decimal | None: ...
    @property
    def interest_usd(self) -> Decimal | None: ...
    @property
    def balance_usd(self) -> Decimal | None: ...
    @property
    def days_late(self) -> int | None: ...
    @property
    def instalments(self) -> int | None: ...
    @property
    def first_due_on(self) -> date | None: ...
    @property
    def rate_percent(self) -> Decimal | None: ...
    @property
    def rate_kind(self) -> RateKind | None: ...
    @property
    def method(self) -> Amortization | None: ...
    @property
    def frequency(self) -> Frequency | None: ...


@dataclass(slots=True)
class Standing:
    """One credit on one day. Amounts in US dollars."""

    day: date
    disbursed: Decimal = ZERO
    owed: Decimal = ZERO  # principal; zero once written off
    interest_paid: Decimal = ZERO
    written_off: Decimal = ZERO
    recovered: Decimal = ZERO
    repaid_count: int = 0
    reported_on: date | None = None
    restructured_on: date | None = None
    instalments: Sequence[Instalment] = ()
    late_since: date | None = None
    overdue: Decimal = ZERO  # principal that has fallen due and is not paid

    @property
    def days_late(self) -> int:
        return (self.day - self.late_since).days if self.late_since else 0

    @property
    def is_known(self) -> bool:
        """Something was reported about it within 45 days of the day."""
        return self.reported_on is not None and self.day - self.reported_on <= KNOWN_FOR

    @property
    def is_active(self) -> bool:
        """Something of it is owed, as far as known."""
        return self.owed > ZERO

    @property
    def state(self) -> LinkageState:
        """Where the linkage stands by its movements."""
        if self.written_off:
            return LinkageState.WRITTEN_OFF
        if not self.owed and self.disbursed:
            return LinkageState.REPAID
        return LinkageState.REPAYING if self.repaid_count else LinkageState.DISBURSED


@dataclass(slots=True)
class _Book:
    """The sums while movements are read. `base` is what the instalments in force repay, `paid` of it so far."""

    terms: Terms
    parts: list[tuple[date, Decimal]] = field(default_factory=list)
    instalments: list[Instalment] = field(default_factory=list)
    base: Decimal = ZERO
    paid: Decimal = ZERO
    interest: Decimal = ZERO  # paid, towards the instalments in force
    let_off: Decimal = ZERO  # principal fallen due that a statement says is not late
    said_late_since: date | None = None

    @property
    def owed(self) -> Decimal:
        rest = self.base - self.paid
        return rest if rest > PENNIES else ZERO


def standing(terms: Terms, movements: Iterable[Moved], day: date) -> Standing:
    """The credit at the end of a day, by what is known of that day now. Movements in the order of their days."""
    found, book = Standing(day), _Book(terms)
    for one in movements:
        if one.counts and one.happened_on <= day:
            _read(one, book, found)
            found.reported_on = max(found.reported_on or one.happened_on, one.happened_on)
    found.instalments = book.instalments
    if not found.written_off:
        found.owed = book.owed
        _find_lateness(book, found)
    return found


def _read(one: Moved, book: _Book, found: Standing) -> None:
    amount = one.amount_usd or ZERO
    if one.kind is MovementKind.DISBURSEMENT:
        found.disbursed += amount
        _add_part(book, one.happened_on, amount, restructured=found.restructured_on is not None)
    elif one.kind is MovementKind.REPAYMENT:
        found.repaid_count += 1
        found.interest_paid += _repay(book, one, amount)
        book.said_late_since = None
    elif one.kind is MovementKind.BALANCE:
        if (one.balance_usd or ZERO) < book.owed:
            found.repaid_count += 1
        _state(book, one)
    elif one.kind is MovementKind.RESTRUCTURE:
        found.restructured_on = one.happened_on
        _begin_again(book, one)
    elif one.kind is MovementKind.WRITE_OFF:
        found.written_off += amount
    else:
        found.recovered += amount


def _add_part(book: _Book, day: date, amount: Decimal, *, restructured: bool) -> None:
    book.parts.append((day, amount))
    book.base += amount
    parts = book.parts if not restructured else [(book.terms.first_due_on - timedelta(days=1), book.base - amount),
                                                 (day, amount)]  # fmt: skip
    book.instalments = schedule_of_parts(parts, book.terms)


def _repay(book: _Book, one: Moved, amount: Decimal) -> Decimal:
    """Count a repayment; what of it is interest."""
    if one.principal_usd is not None:
        book.paid += one.principal_usd
        book.interest += one.interest_usd or ZERO
        return one.interest_usd or ZERO
    interest = principal = due_interest = due_principal = ZERO
    for instalment in book.instalments:
        due_interest += instalment.interest
        due_principal += instalment.principal
        part = min(amount - interest - principal, max(due_interest - book.interest - interest, ZERO))
        interest += part
        part = min(amount - interest - principal, max(due_principal - book.paid - principal, ZERO))
        principal += part
        if interest + principal == amount:
            break
    book.interest += interest
    book.paid += principal
    return interest


def _state(book: _Book, one: Moved) -> None:
    """Take the lender's word for what is owed, and for how late it is where it says so."""
    day = one.happened_on
    book.paid = book.base - (one.balance_usd or ZERO)
    book.interest = max(book.interest, sum((due.interest for due in book.instalments if due.due_on <= day), ZERO))
    book.said_late_since = None
    if one.days_late is None:
        return
    until = day - timedelta(days=one.days_late)
    # Paid up to the day since when the lender counts: not later than it says.
    through = [due for due in book.instalments if (due.due_on < until if one.days_late else due.due_on <= day)]
    book.let_off = max(sum((due.principal for due in through), ZERO) - book.paid, ZERO)
    book.said_late_since = until if one.days_late else None


def _begin_again(book: _Book, one: Moved) -> None:
    """New instalments for what is owed: those before fall away."""
    if not (one.instalments and one.first_due_on and one.rate_kind and one.method and one.frequency):
        raise ValueError("a restructured credit without its new terms")
    book.terms = Terms(one.rate_percent or ZERO, one.rate_kind, one.method, one.frequency, one.instalments,
                       one.first_due_on)  # fmt: skip
    book.base, book.paid, book.interest, book.let_off = one.balance_usd or ZERO, ZERO, ZERO, ZERO
    book.parts, book.said_late_since = [], None
    book.instalments = schedule(book.base, book.terms)


def _find_lateness(book: _Book, found: Standing) -> None:
    if not found.owed:
        return
    due = ZERO
    for instalment in book.instalments:
        due += instalment.principal
        if instalment.due_on >= found.day:
            break
        short = due - book.paid - book.let_off
        if short > PENNIES:
            found.late_since = found.late_since or instalment.due_on
            found.overdue = min(short, found.owed)
    if book.said_late_since is not None:
        found.late_since = book.said_late_since


@dataclass(frozen=True, slots=True)
class Stage:
    """How a credit stood after one movement. `covered`: principal of the instalments in force that is not late."""

    day: date
    kind: MovementKind
    instalments: Sequence[Instalment]
    covered: Decimal
    owed: Decimal  # nothing once repaid or written off


def stages(terms: Terms, movements: Iterable[Moved]) -> list[Stage]:
    """The credit after each movement that counts, in their order; `covered` starts anew with new instalments."""
    found, book, passed = Standing(date.min), _Book(terms), []
    for one in movements:
        if one.counts:
            _read(one, book, found)
            owed = ZERO if found.written_off else book.owed
            passed.append(Stage(one.happened_on, one.kind, book.instalments, book.paid + book.let_off, owed))
    return passed
