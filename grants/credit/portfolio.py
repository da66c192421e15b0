"""Figures of many credits on one day or in one period. Pure: credits in, figures out.

Every ratio keeps its numerator, its denominator and how many credits stand behind each. Without a denominator it has
no value: None, never 0. What was not reported within 45 days of the day is unknown: it is in no ratio but in its
coverage, and in the bounds between which the ratio would lie if it were known.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal
from functools import cached_property

from grants.credit.models.movements import MovementKind
from grants.credit.punctuality import Fallen, fallen_due
from grants.credit.schedules import Terms
from grants.credit.standing import ZERO, Moved, Standing, standing

ONE_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Credit:
    """A credit that was disbursed, as far as it counts here. Movements in the order of their days."""

    id: int
    person_id: int
    institution_id: int
    terms: Terms
    movements: Sequence[Moved]
    folio: str = ""


@dataclass(frozen=True, slots=True)
class Ratio:
    """`part` of `whole`, and how many credits (or people) each is about."""

    part: Decimal
    whole: Decimal
    part_n: int
    n: int

    @property
    def value(self) -> Decimal | None:
        return self.part / self.whole if self.whole else None


@dataclass(frozen=True, slots=True)
class Risk:
    """Portfolio at risk. `least`, `most`: over all credits, if the unknown ones were all fine or all at risk."""

    ratio: Ratio
    late_only: Ratio  # without those restructured that are not late so long
    least: Ratio
    most: Ratio


@dataclass(frozen=True)
class Portfolio:
    """The credits that are owed on a day, each with its standing, in the order given."""

    day: date
    active: Sequence[tuple[Credit, Standing]]

    @cached_property
    def known(self) -> list[tuple[Credit, Standing]]:
        return [(credit, stood) for credit, stood in self.active if stood.is_known]

    @cached_property
    def unknown(self) -> list[tuple[Credit, Standing]]:
        return [(credit, stood) for credit, stood in self.active if not stood.is_known]

    @cached_property
    def gross(self) -> Decimal:
        """Principal owed of all credits not written off, no interest; of unknown ones as last reported."""
        return _owed(self.active)

    @property
    def coverage(self) -> Ratio:
        """By count: credits reported within 45 days of the day, of the active ones."""
        known, active = len(self.known), len(self.active)
        return Ratio(Decimal(known), Decimal(active), known, active)

    @property
    def coverage_usd(self) -> Ratio:
        """By money: the principal of credits reported within 45 days, of all principal owed."""
        return Ratio(_owed(self.known), self.gross, len(self.known), len(self.active))

    def at_risk(self, days: int) -> Risk:
        """The whole principal of credits late for more than `days` days, restructured ones always included."""
        late = [one for one in self.known if one[1].days_late > days]
        risky = [one for one in self.known if is_at_risk(one[1], days)]
        # A restructured credit is at risk whatever is reported of it.
        surely = risky + [one for one in self.unknown if one[1].restructured_on]
        return Risk(
            self._of_known(risky),
            self._of_known(late),
            Ratio(_owed(surely), self.gross, len(surely), len(self.active)),
            Ratio(_owed(risky) + _owed(self.unknown), self.gross, len(risky) + len(self.unknown), len(self.active)),
        )

    @property
    def arrears(self) -> Ratio:
        """Principal that has fallen due and is not paid, of the known portfolio."""
        late = self.late
        return Ratio(
            sum((stood.overdue for _credit, stood in late), ZERO), _owed(self.known), len(late), len(self.known)
        )

    @property
    def late(self) -> list[tuple[Credit, Standing]]:
        """Known credits with anything due and unpaid for a day or more."""
        return [one for one in self.known if one[1].days_late > 0]

    @property
    def late_credits(self) -> Ratio:
        return Ratio(Decimal(len(self.late)), Decimal(len(self.known)), len(self.late), len(self.known))

    @property
    def late_people(self) -> Ratio:
        """People with a late credit, of people with a known one: each person once."""
        late, known = (len({credit.person_id for credit, _stood in some}) for some in (self.late, self.known))
        return Ratio(Decimal(late), Decimal(known), late, known)

    def _of_known(self, some: Sequence[tuple[Credit, Standing]]) -> Ratio:
        return Ratio(_owed(some), _owed(self.known), len(some), len(self.known))


def is_at_risk(stood: Standing, days: int) -> bool:
    """Late for more than so many days, or restructured at any time."""
    return stood.days_late > days or stood.restructured_on is not None


def portfolio(given: Iterable[Credit], day: date) -> Portfolio:
    """The credits of which something is owed at the end of the day."""
    stood = ((credit, standing(credit.terms, credit.movements, day)) for credit in given)
    return Portfolio(day, [one for one in stood if one[1].is_active])


@dataclass(frozen=True, slots=True)
class Losses:
    """A period's write-offs. `ratio.whole` is the mean of the gross portfolio at its opening and at its closing.

    `behind`: how many credits there are that somebody could learn about who knows that mean and one of the two.
    """

    ratio: Ratio
    recovered: Decimal
    recovered_n: int
    opening: Decimal
    closing: Decimal
    behind: Sequence[int] = ()


def losses(given: Iterable[Credit], *, opening: Portfolio, closing: Portfolio) -> Losses:
    """What was written off after the day of `opening`, until the end of the day of `closing`."""
    written, written_n = _moved(given, MovementKind.WRITE_OFF, opening.day, closing.day)
    recovered, recovered_n = _moved(given, MovementKind.RECOVERY, opening.day, closing.day)
    mean = (opening.gross + closing.gross) / 2
    seen = {credit.id for one in (opening, closing) for credit, _stood in one.active}
    behind = [len(some) for one in (opening, closing) for some in (one.active, one.unknown)]
    return Losses(
        Ratio(written, mean, written_n, len(seen)), recovered, recovered_n, opening.gross, closing.gross, behind
    )


@dataclass(frozen=True, slots=True)
class Punctuality:
    """Repayment on time. `ratio`: of principal of which the day is known; `coverage`: how much of all that fell due."""

    ratio: Ratio
    coverage: Ratio
    least: Ratio
    most: Ratio
    late_n: int
    unknown_n: int


def punctuality(given: Iterable[Credit], *, since: date, until: date, tolerance: int = 0) -> Punctuality:
    """Principal due from `since` to `until` and paid by its due day, of what fell due."""
    due = [
        fallen
        for credit in given
        if (fallen := fallen_due(credit.terms, credit.movements, since=since, until=until, tolerance=tolerance))
    ]
    on_time, on_time_n = _sum(due, lambda one: one.on_time)
    late, late_n = _sum(due, lambda one: one.late)
    unknown, unknown_n = _sum(due, lambda one: one.unknown)
    known_n = sum(any(one.on_time or one.late for one in fallen) for fallen in due)
    whole = on_time + late + unknown
    return Punctuality(
        Ratio(on_time, on_time + late, on_time_n, known_n),
        Ratio(on_time + late, whole, known_n, len(due)),
        Ratio(on_time, whole, on_time_n, len(due)),
        Ratio(on_time + unknown, whole, sum(any(one.on_time or one.unknown for one in some) for some in due), len(due)),
        late_n, unknown_n,
    )  # fmt: skip


def _sum(due: Iterable[Sequence[Fallen]], amount: Callable[[Fallen], Decimal]) -> tuple[Decimal, int]:
    """The amount of all, and of how many credits it is more than nothing."""
    sums = [sum((amount(one) for one in fallen), ZERO) for fallen in due]
    return sum(sums, ZERO), sum(one > ZERO for one in sums)


def _owed(some: Iterable[tuple[Credit, Standing]]) -> Decimal:
    return sum((stood.owed for _credit, stood in some), ZERO)


def _moved(given: Iterable[Credit], kind: MovementKind, after: date, until: date) -> tuple[Decimal, int]:
    """Amounts of a kind after one day until another, and of how many credits."""
    found = [
        (credit.id, one.amount_usd or ZERO)
        for credit in given
        for one in credit.movements
        if one.counts and one.kind is kind and after < one.happened_on <= until
    ]
    return sum((amount for _key, amount in found), ZERO), len({key for key, _amount in found})
