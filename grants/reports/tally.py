"""Count people: pure functions over who was reached, when, and with which traits."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Reached:
    """One person at the first event that counts for an indicator. `traits`: dimension → value."""

    person_id: int
    folio: str
    on: date
    traits: Mapping[str, str]

    @property
    def year(self) -> int:
        return self.on.year


@dataclass(frozen=True, slots=True)
class Line:
    """How many people have one value, by year and in all. Each person is in one year only."""

    value: str
    years: Mapping[int, int]
    cumulative: int


def years_of(reached: Iterable[Reached]) -> tuple[int, ...]:
    """The years in which somebody was reached, in order."""
    return tuple(sorted({one.year for one in reached}))


def headline(reached: Sequence[Reached]) -> Line:
    """All people of an indicator.

    >>> headline([Reached(1, "P-1", date(2022, 3, 1), {}), Reached(2, "P-2", date(2023, 3, 1), {})]).cumulative
    2
    """
    return Line("", Counter(one.year for one in reached), len(reached))


def lines(reached: Sequence[Reached], dimension: str, order: Sequence[str]) -> list[Line]:
    """People by value of a dimension: declared values first and always, others after them by their own order."""
    groups: dict[str, Counter[int]] = {value: Counter() for value in order}
    for one in reached:
        groups.setdefault(one.traits.get(dimension, ""), Counter())[one.year] += 1
    extra = sorted(set(groups) - set(order))
    return [Line(value, groups[value], groups[value].total()) for value in (*order, *extra)]


def matching(
    reached: Iterable[Reached], *, year: int | None = None, dimension: str = "", value: str = ""
) -> list[Reached]:
    """The people behind one figure, by folio."""
    found = (
        one
        for one in reached
        if (year is None or one.year == year) and (not dimension or one.traits.get(dimension) == value)
    )
    return sorted(found, key=lambda one: one.folio)


def achieved(cumulative: int, target: int) -> float | None:
    """Percent of the target with one decimal; None without a target.

    >>> achieved(251, 200)
    125.5
    """
    return round(cumulative * 100 / target, 1) if target else None
