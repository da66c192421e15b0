"""One cut line and bonuses that explain who is in, and the check that no allowed set has more points."""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from fractions import Fraction
from typing import Any, TypeVar

import numpy as np

from scoring.selection.field import Field, Ints
from scoring.selection.model import Candidate, Quota, Selection
from scoring.selection.prices import Limits, Prices
from scoring.selection.whole import Programme

K = TypeVar("K", bound=Hashable)

# One hundredth of bonus less is worth more than any height of the cut it could cost.
_BONUS_FIRST = 1000


def explain(field: Field[Any], limits: Limits, people: Ints) -> Prices | None:
    """The smallest whole bonuses, and with them the highest cut, that explain this set; None when none do.

    Two conditions by kind: the last one in is not below the cut, the first one out is not above it. A bonus only where
    the quota is met exactly, so that the bound of these prices is the points of the set.
    """
    inside = np.zeros(len(field.keys), np.bool_)
    inside[people] = True
    taken = field.cells_of(inside)
    counts = field.counts(people)
    last, first = _edges(field, taken)
    rows, low, high = _rows(field, last, first)
    span = int(field.cell_points.max(initial=0)) + 1
    bonus = np.where((counts == limits.lower) & (limits.lower > 0), span, 0)
    malus = np.where((counts == limits.upper) & (limits.upper < limits.seats), span, 0)
    edge = len(bonus) * span
    least = np.concatenate(([-edge], np.zeros(2 * len(bonus), np.int64)))
    most = np.concatenate(([edge + span - 1], bonus, malus))
    value = np.concatenate(([1], np.full(2 * len(bonus), -_BONUS_FIRST)))
    found = Programme(rows, low, high).solve(least, most, value)
    if found is None:
        return None
    plus, minus = np.split(found[1:], 2)
    return Prices(int(found[0]), plus - minus)


def rounded(field: Field[Any], limits: Limits, prices: Prices | None) -> Prices:
    """The prices of the linear relaxation in whole hundredths; they bound the points from above, if not as closely."""
    if prices is None:
        raise ArithmeticError("a set without quotas has a cut line")
    whole = [round(Fraction(int(price), prices.scale)) for price in (prices.cut, *prices.bonus)]
    return Prices(whole[0], np.array(whole[1:], np.int64))


def _edges(field: Field[Any], taken: Ints) -> tuple[Ints, Ints]:
    """By kind: the lowest points in and the highest points out; -1 when nobody is."""
    last, first = np.full(len(field.member), -1), np.full(len(field.member), -1)
    some, rest = taken > 0, taken < field.count
    last[field.cell_kind[some]] = field.cell_points[some]
    first[field.cell_kind[rest][::-1]] = field.cell_points[rest][::-1]
    return last, first


def _rows(field: Field[Any], last: Ints, first: Ints) -> tuple[Ints, Ints, Ints]:
    """points + bonus - cut >= 0 for the last ones in, <= 0 for the first ones out; columns: cut, bonuses, maluses."""
    prices = np.concatenate((np.full((len(field.member), 1), -1), field.member, -field.member), axis=1)
    into, out = last >= 0, first >= 0
    rows = np.concatenate((prices[into], -prices[out]))
    low = np.concatenate((-last[into], first[out]))
    return rows, low, np.full(len(low), np.iinfo(np.int64).max // 4)


def check_certificate(
    candidates: Iterable[Candidate[K]], places: int, quotas: Sequence[Quota], selection: Selection[K]
) -> bool:
    """Whether the selection's own numbers prove it: nothing is solved, everybody is looked at once.

    The seats are filled from these candidates, the quotas are kept (those `relaxed` up to what was possible), the
    points add up, and the bound of the cut line and the bonuses is no higher than the points of the chosen.
    """
    people = {person.key: person for person in candidates}
    chosen = [people[key] for key in selection.chosen if key in people]
    if not _is_filled(people, places, selection) or sum(person.points for person in chosen) != selection.objective:
        return False
    limits = _limits(quotas, selection)
    kept = all(
        least <= (seats := sum(group in person.groups for person in chosen)) and (most is None or seats <= most)
        for group, (least, most) in limits.items()
    )
    return kept and selection.bound == selection.objective == _bound(people, limits, selection)


def _is_filled(people: Mapping[K, Candidate[K]], places: int, selection: Selection[K]) -> bool:
    inside, outside = frozenset(selection.chosen), frozenset(selection.waiting)
    seats = min(places, len(people))
    return (
        len(selection.chosen) == len(inside) == seats
        and inside | outside == people.keys()
        and len(inside) + len(outside) == len(people)
        and selection.fixed <= inside
    )


def _limits(quotas: Sequence[Quota], selection: Selection[Any]) -> dict[Any, tuple[int, int | None]]:
    """By group: the least and the most seats, after what had to give way."""
    eased = {(one.group, one.kind): one.possible for one in selection.relaxed}
    return {
        quota.group: (
            eased.get((quota.group, "minimum"), quota.minimum or 0),
            eased.get((quota.group, "maximum"), quota.maximum),
        )
        for quota in quotas
    }


def _bound(
    people: Mapping[K, Candidate[K]], limits: Mapping[Any, tuple[int, int | None]], selection: Selection[K]
) -> int:
    """What no allowed set can exceed: the seats at the cut, the quotas at theirs, and what rises above the cut."""
    seats = len(selection.chosen)
    bound = selection.cut * seats
    for group, bonus in selection.bonuses.items():
        least, most = limits[group]
        bound -= bonus * (least if bonus > 0 else seats if most is None else most)
    for key, person in people.items():
        level = person.points + sum(selection.bonuses.get(group, 0) for group in person.groups) - selection.cut
        bound += level if key in selection.fixed else max(0, level)
    return bound
