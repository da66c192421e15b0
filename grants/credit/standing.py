"""What the movements of one credit come to on a day. Pure: terms and movements in, figures out.

- Owed is what was disbursed less the principal repaid. A statement of the lender replaces that sum from the end of its
  day on.
- A repayment whose principal the lender does not say fills the instalments that have fallen due and the running one in
  order, interest before principal. What is beyond them is principal: who pays ahead owes no interest for it.
- Late is since the day of the oldest instalment whose principal is not covered. The lender's own count of days on a
  statement wins from its day on, until a repayment; none makes a credit later than the statement said.
- What nobody reported for 45 days is unknown, not current.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

from grants.credit.models.linkages import LinkageState
from grants.credit.models.movements import MovementKind
from grants.credit.moved import Moved
from grants.credit.schedules import Instalment, Terms, due_day, due_days, schedule_of_parts

__all__ = ["KNOWN_FOR", "PENNIES", "ZERO", "Health", "Moved", "Standing", "in_order", "standing"]

KNOWN_FOR = timedelta(days=45)
PENNIES = Decimal("0.05")  # lenders round in other ways than we do: so little is nobody's arrears
ZERO = Decimal(0)
# What is said of one day, in the order in which it counts: balances are those of the day's end.
OF_A_DAY = {kind: place for place, kind in enumerate((
    MovementKind.DISBURSEMENT, MovementKind.REPAYMENT, MovementKind.BALANCE, MovementKind.RESTRUCTURE,
    MovementKind.WRITE_OFF, MovementKind.RECOVERY,
))}  # fmt: skip


class Health(StrEnum):
    """How a credit that is owed is doing, as far as anybody knows."""

    CURRENT = "current"
    LATE = "late"
    UNKNOWN = "unknown"


@dataclass(slots=True)
class Standing:
    """One credit on one day. Amounts in US dollars."""

    day: date
    disbursed: Decimal = ZERO
    disbursed_on: date | None = None  # the first part
    owed: Decimal = ZERO  # principal; zero once written off
    interest_paid: Decimal = ZERO
    interest_due: Decimal = ZERO  # not paid: of what has fallen due and of the running instalment
    written_off: Decimal = ZERO
    unaccounted: Decimal = ZERO  # principal owed that the write-off left out; below zero what it took too much
    recovered: Decimal = ZERO
    repaid_count: int = 0
    reported_on: date | None = None
    restructured_on: date | None = None
    instalments: Sequence[Instalment] = ()
    covered: Decimal = ZERO  # principal of the instalments that is repaid, or not late by the lender's word
    let_off: Decimal = ZERO  # how much of `covered` is only not late by the lender's word
    late_since: date | None = None
    overdue: Decimal = ZERO  # principal that has fallen due and is not paid
    excess: Decimal = ZERO  # the most by which a movement was larger than what it could reduce

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
    def health(self) -> Health | None:
        """None when nothing is owed. What nobody reported lately is unknown, however it stood before."""
        if not self.is_active:
            return None
        if not self.is_known:
            return Health.UNKNOWN
        return Health.LATE if self.late_since else Health.CURRENT

    @property
    def state(self) -> LinkageState:
        """Where the linkage stands by its movements; approved when none of them disbursed anything."""
        if not self.disbursed:
            return LinkageState.APPROVED
        if self.written_off:
            return LinkageState.WRITTEN_OFF
        if not self.owed:
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
    # Principal fallen due that a statement says is not late; below zero what it says is late although it looks paid.
    let_off: Decimal = ZERO
    said_late_since: date | None = None
    late_from: date | None = None  # by a statement: not late before this day

    @property
    def owed(self) -> Decimal:
        rest = self.base - self.paid
        return rest if rest > PENNIES or not self.paid else ZERO

    def interest_until(self, day: date) -> Decimal:
        """Interest of the instalments that have fallen due by a day, and of the one that is running."""
        found = ZERO
        for due in self.instalments:
            found += due.interest
            if due.due_on >= day:
                break
        return found


def standing(terms: Terms, movements: Iterable[Moved], day: date) -> Standing:
    """The credit at the end of a day, by what is known of that day now. Of one day and kind, the last given wins."""
    found, book = Standing(day), _Book(terms)
    for one in in_order(movements):
        if one.counts and one.happened_on <= day:
            _read(one, book, found)
            found.reported_on = one.happened_on
    found.instalments, found.covered = book.instalments, book.paid + book.let_off
    found.let_off = max(book.let_off, ZERO)
    if found.written_off:
        found.unaccounted = book.owed - found.written_off
    else:
        found.owed = book.owed
        found.interest_due = max(book.interest_until(day) - book.interest, ZERO) if found.owed else ZERO
        _find_lateness(book, found)
    return found


def in_order(movements: Iterable[Moved]) -> list[Moved]:
    """As they happened: by day, within a day as it counts, and what was given later after what was given before."""
    return sorted(movements, key=lambda one: (one.happened_on, OF_A_DAY[one.kind]))


def _read(one: Moved, book: _Book, found: Standing) -> None:
    amount = one.amount_usd or ZERO
    if one.kind is MovementKind.DISBURSEMENT:
        found.disbursed += amount
        found.disbursed_on = found.disbursed_on or one.happened_on
        _add_part(book, one.happened_on, amount)
    elif one.kind is MovementKind.REPAYMENT:
        found.repaid_count += 1
        found.interest_paid += _repay(book, one, amount)
        found.excess = max(found.excess, book.paid - book.base)
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
        found.excess = max(found.excess, found.written_off - book.owed)
    else:
        found.recovered += amount


def _add_part(book: _Book, day: date, amount: Decimal) -> None:
    book.parts.append((day, amount))
    book.base += amount
    book.instalments = schedule_of_parts(book.parts, book.terms)


def _repay(book: _Book, one: Moved, amount: Decimal) -> Decimal:
    """Count a repayment; what of it is interest."""
    if one.principal_usd is not None:
        interest, principal = one.interest_usd or ZERO, one.principal_usd
    else:
        interest, principal = _split(book, one.happened_on, amount)
    book.interest += interest
    book.paid += principal
    return interest


def _split(book: _Book, day: date, amount: Decimal) -> tuple[Decimal, Decimal]:
    """Interest and principal of a repayment of which the lender says the sum only."""
    interest = principal = due_interest = due_principal = ZERO
    for due in book.instalments:
        due_interest += due.interest
        due_principal += due.principal
        interest += min(amount - interest - principal, max(due_interest - book.interest - interest, ZERO))
        principal += min(amount - interest - principal, max(due_principal - book.paid - principal, ZERO))
        if due.due_on >= day:
            break
    ahead = min(amount - interest - principal, max(book.base - book.paid - principal, ZERO))
    return interest, principal + ahead


def _state(book: _Book, one: Moved) -> None:
    """Take the lender's word for what is owed, and for how late it is where it says so."""
    day, balance = one.happened_on, one.balance_usd or ZERO
    if balance > book.base:  # more than all the instalments: the rest is owed with the last one
        _add_part(book, due_days(book.terms)[-1], balance - book.base)
    book.paid = book.base - balance
    book.interest = max(book.interest, sum((due.interest for due in book.instalments if due.due_on <= day), ZERO))
    book.said_late_since = book.late_from = None
    if one.days_late is None:
        short = sum((due.principal for due in book.instalments if due.due_on < day), ZERO) - book.paid
        book.let_off = min(book.let_off, max(short, ZERO))
    elif one.days_late:
        book.said_late_since = book.late_from = day - timedelta(days=one.days_late)
        book.let_off = _principal_before(book.instalments, book.late_from, day) - book.paid
    else:
        due = sum((due.principal for due in book.instalments if due.due_on <= day), ZERO)
        book.let_off = max(due - book.paid, ZERO)


def _principal_before(instalments: Sequence[Instalment], late_from: date, day: date) -> Decimal:
    """What is paid when the first instalment that is not fell due on `late_from`, the last one before it at worst."""
    fallen = [due for due in instalments if due.due_on <= day]
    paid = [due for due in fallen if due.due_on < late_from]
    if len(paid) == len(fallen):
        paid = paid[:-1]
    return sum((due.principal for due in paid), ZERO)


def _begin_again(book: _Book, one: Moved) -> None:
    """New instalments for what is owed: those before fall away."""
    if not (one.instalments and one.first_due_on and one.rate_kind and one.method and one.frequency):
        raise ValueError("a restructured credit without its new terms")
    book.terms = Terms(one.rate_percent or ZERO, one.rate_kind, one.method, one.frequency, one.instalments,
                       one.first_due_on, due_day(one.happened_on, one.first_due_on))  # fmt: skip
    book.base = book.paid = book.interest = book.let_off = ZERO
    book.parts, book.said_late_since, book.late_from = [], None, None
    _add_part(book, one.first_due_on - timedelta(days=1), one.balance_usd or ZERO)


def _find_lateness(book: _Book, found: Standing) -> None:
    if not found.owed:
        return
    due = ZERO
    for instalment in book.instalments:
        due += instalment.principal
        if instalment.due_on >= found.day:
            break
        short = due - found.covered
        if short > PENNIES:
            found.late_since = found.late_since or max(instalment.due_on, book.late_from or instalment.due_on)
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
    for one in in_order(movements):
        if one.counts:
            _read(one, book, found)
            owed = ZERO if found.written_off else book.owed
            passed.append(Stage(one.happened_on, one.kind, book.instalments, book.paid + book.let_off, owed))
    return passed
