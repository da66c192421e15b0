"""One cut line and bonuses that explain who is in, and a proof where they do not prove it alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from scoring.selection.field import Field, Ints
from scoring.selection.model import Proof, Quota
from scoring.selection.optimum import Optimum
from scoring.selection.prices import Limits, Prices
from scoring.selection.proof import prove
from scoring.selection.whole import Programme

# One hundredth of bonus less is worth more than any height of the cut it could cost.
_BONUS_FIRST = 1000
# Where whole bonuses do not explain a set, the search for them ends after so many branches.
_EFFORT = 1000


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a set is best: `prices` in whole hundredths, how far their bound is above its points (`gap`), and the proof.

    `short`: how far what is proven stays above the points of the set; 0 when it is proven that none has more.
    """

    prices: Prices
    gap: int = 0
    proof: Proof | None = None

    @property
    def short(self) -> int:
        """0 when there is no gap or the proof closes it."""
        return 0 if self.proof else self.gap


def explain(field: Field[Any], limits: Limits, best: Optimum, quotas: Sequence[Quota]) -> Reason:
    """The smallest whole bonuses that explain the set; where none do, rounded prices and a proof by cases."""
    prices = _smallest(field, limits, best.people)
    if prices is not None:
        return Reason(prices)
    if best.prices is None:
        raise ArithmeticError("a set without quotas has a cut line")
    points = int(field.points[best.people].sum())
    whole = [round(Fraction(int(price), best.prices.scale)) for price in (best.prices.cut, *best.prices.bonus)]
    prices = Prices(whole[0], np.array(whole[1:], np.int64))
    gap = prices.bound(field, limits) - points
    return Reason(prices, gap, prove(field, limits, best.prices, points, quotas))


def _smallest(field: Field[Any], limits: Limits, people: Ints) -> Prices | None:
    """The smallest whole bonuses, and with them the highest cut, that explain this set; None when none do.

    Two conditions by kind: the last one in is not below the cut, the first one out is not above it. A bonus only where
    the quota is met exactly, so that the bound of these prices is the points of the set.
    """
    counts = field.counts(people)
    last, first = _edges(field, field.cells_of(people))
    rows, low, high = _rows(field, last, first)
    span = int(field.cell_points.max(initial=0)) + 1
    bonus = np.where((counts == limits.lower) & (limits.lower > 0), span, 0)
    malus = np.where((counts == limits.upper) & (limits.upper < limits.seats), span, 0)
    edge = len(bonus) * span
    least = np.concatenate(([-edge if len(field.keys) else 0], np.zeros(2 * len(bonus), np.int64)))
    most = np.concatenate(([edge + span - 1], bonus, malus))
    # With nobody in there is no highest cut, and with nobody at all no lowest.
    value = np.concatenate(([1 if len(people) else -1], np.full(2 * len(bonus), -_BONUS_FIRST)))
    found = Programme(rows, low, high).solve(least, most, value, effort=_EFFORT)
    if found is None:
        return None
    plus, minus = np.split(found[1:], 2)
    return Prices(int(found[0]), plus - minus)


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
