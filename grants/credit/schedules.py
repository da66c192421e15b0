"""Repayment schedules, exact to the cent. Pure: terms in, instalments out.

Interest of a period is what is owed times the period's rate, rounded half up to the cent; the last instalment absorbs
what rounding left. Due days keep their day of the month where the month has it: 31 January, 28 February, 31 March.
"""

from calendar import monthrange
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import ROUND_HALF_UP, Decimal, localcontext

from grants.credit.models.products import Amortization, Frequency, RateKind
from grants.credit.rates import DIGITS, PERIODS, period_rate

CENT = Decimal("0.01")
DAYS = {Frequency.WEEKLY: 7, Frequency.FORTNIGHTLY: 14}


@dataclass(frozen=True, slots=True)
class Terms:
    """How a credit is to be repaid. `instalments`: also the periods after which a single payment falls due."""

    rate_percent: Decimal
    rate_kind: RateKind
    method: Amortization
    frequency: Frequency
    instalments: int
    first_due_on: date
    due_day: int | None = None  # of the month, where the first one's month is too short for it


@dataclass(frozen=True, slots=True)
class Instalment:
    """What falls due on one day, in US dollars."""

    due_on: date
    principal: Decimal
    interest: Decimal

    @property
    def total(self) -> Decimal:
        return self.principal + self.interest


def due_day(begun: date, first: date) -> int:
    """Begun on the 31st and first due on 28 February: due on the 31st wherever the month has one.

    >>> due_day(date(2026, 1, 31), date(2026, 2, 28)), due_day(date(2026, 1, 31), date(2026, 3, 15))
    (31, 15)
    """
    is_short = first.day == monthrange(first.year, first.month)[1] and begun.day > first.day
    return begun.day if is_short else first.day


def due_days(terms: Terms) -> list[date]:
    """The days of all periods, in order.

    >>> monthly = Terms(Decimal(20), RateKind.NOMINAL, Amortization.FRENCH, Frequency.MONTHLY, 3, date(2026, 1, 31))
    >>> [day.isoformat() for day in due_days(monthly)]
    ['2026-01-31', '2026-02-28', '2026-03-31']
    """
    if terms.frequency is Frequency.MONTHLY:
        return [months_later(terms.first_due_on, count, day=terms.due_day) for count in range(terms.instalments)]
    step = DAYS[terms.frequency]
    return [terms.first_due_on + timedelta(days=step * count) for count in range(terms.instalments)]


def schedule(principal: Decimal, terms: Terms) -> list[Instalment]:
    """The instalments of an amount in dollars and whole cents; their principals sum to it exactly.

    A single payment owes simple interest for each period at a nominal rate, and compound interest at an effective one.
    """
    return _spread(principal, terms, due_days(terms))


def schedule_of_parts(parts: Sequence[tuple[date, Decimal]], terms: Terms) -> list[Instalment]:
    """The instalments of a credit disbursed in parts: each is spread over what falls due after its day.

    `parts`: day and amount. A part that comes on or after the last due day falls due with the last instalment.
    """
    days = due_days(terms)
    due: dict[date, Instalment] = {}
    for day, amount in parts:
        later = [one for one in days if one > day] or days[-1:]
        for instalment in _spread(amount, terms, later):
            before = due.get(instalment.due_on, Instalment(instalment.due_on, Decimal(0), Decimal(0)))
            due[instalment.due_on] = Instalment(
                instalment.due_on, before.principal + instalment.principal, before.interest + instalment.interest
            )
    return [due[day] for day in sorted(due)]


def one_period_later(day: date, frequency: Frequency) -> date:
    """When the first instalment falls due where nobody says otherwise."""
    return months_later(day, 1) if frequency is Frequency.MONTHLY else day + timedelta(days=DAYS[frequency])


def periods_in(months: int, frequency: Frequency) -> int:
    """How many instalments fall into a term, at least one.

    >>> [periods_in(12, frequency) for frequency in Frequency], periods_in(1, Frequency.WEEKLY)
    ([52, 26, 12], 4)
    """
    return max(months * PERIODS[frequency] // 12, 1)


def _spread(principal: Decimal, terms: Terms, days: Sequence[date]) -> list[Instalment]:
    rate = period_rate(terms.rate_percent, terms.rate_kind, terms.frequency)
    if terms.method is Amortization.SINGLE:
        return [Instalment(days[-1], principal, _interest_of_all(principal, rate, terms.rate_kind, len(days)))]
    equal = _cents(principal / len(days)) if terms.method is Amortization.GERMAN else None
    payment = _payment(principal, rate, len(days))
    found, owed = [], principal
    for day in days[:-1]:
        interest = _cents(owed * rate)
        part = min(equal if equal is not None else max(payment - interest, Decimal(0)), owed)
        found.append(Instalment(day, part, interest))
        owed -= part
    return [*found, Instalment(days[-1], owed, _cents(owed * rate))]


def _payment(principal: Decimal, rate: Decimal, count: int) -> Decimal:
    """The equal instalment: P·r / (1 − (1 + r)^−n)."""
    if not rate:
        return _cents(principal / count)
    with localcontext(prec=DIGITS):
        exact = principal * rate / (1 - (1 + rate) ** -count)
    return _cents(exact)


def _interest_of_all(principal: Decimal, rate: Decimal, kind: RateKind, count: int) -> Decimal:
    with localcontext(prec=DIGITS):
        exact = principal * (rate * count if kind is RateKind.NOMINAL else (1 + rate) ** count - 1)
    return _cents(exact)


def _cents(amount: Decimal) -> Decimal:
    """To the cent, half up. First to 28 digits: a third of something times three is a whole again."""
    return (+amount).quantize(CENT, ROUND_HALF_UP)


def months_later(start: date, months: int, *, day: int | None = None) -> date:
    """The same day of the month so many months later, or that month's last day. `day`: another day of the month."""
    year, month = divmod(start.month - 1 + months, 12)
    year, month = start.year + year, month + 1
    return date(year, month, min(day or start.day, monthrange(year, month)[1]))
