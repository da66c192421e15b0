"""One cut line and bonuses that explain who is in, and a proof where they do not prove it alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from fractions import Fraction
from typing import Any

import numpy as np

from scoring.selection.field import Field, Ints
from scoring.selection.model import Proof, Quota
from scoring.selection.optimum import Optimum
from scoring.selection.prices import Limits, Prices, find_prices
from scoring.selection.proof import prove
from scoring.selection.whole import Programme

_NO_END = 2**53
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
    if best.is_free:
        return Reason(_without_bonuses(field, limits, best.people))
    prices = _smallest(field, limits, best.people)
    if prices is not None:
        return Reason(prices)
    points = int(field.points[best.people].sum())
    exact = find_prices(field, limits)
    whole = [round(Fraction(int(price), exact.scale)) for price in (exact.cut, *exact.bonus)]
    prices = Prices(whole[0], np.array(whole[1:], np.int64))
    gap = prices.bound(field, limits) - points
    return Reason(prices, gap, prove(field, limits, exact, points, quotas))


def _without_bonuses(field: Field[Any], limits: Limits, people: Ints) -> Prices:
    """The cut is the lowest points that are in; with nobody in, just above everybody."""
    inside = field.points[people]
    cut = inside.min() if len(inside) else field.points.max(initial=-1) + 1
    return Prices(int(cut), np.zeros_like(limits.lower))


def _smallest(field: Field[Any], limits: Limits, people: Ints) -> Prices | None:
    """Whole bonuses and the highest cut that explain this set; None when none do.

    They leave as few combinations of groups as possible with somebody out on the line: there the lottery decided, and
    nowhere else. Then they are as small as possible, on the quotas declared first.
    """
    programme = _conditions(field, field.cells_of(people))
    quotas, lines = len(limits.lower), programme.rows.shape[1] - 1 - 2 * len(limits.lower)
    span, counts = int(field.cell_points.max(initial=0)) + 1, field.counts(people)
    bonus = np.where((counts == limits.lower) & (limits.lower > 0), 2 * span, 0)
    malus = np.where((counts == limits.upper) & (limits.upper < limits.seats), 2 * span, 0)
    edge = 2 * (quotas + 1) * span
    least = np.concatenate(([-edge], np.zeros(2 * quotas + lines, np.int64)))
    most = np.concatenate(([edge], bonus, malus, np.ones(lines, np.int64)))
    on_line = np.concatenate((np.zeros(1 + 2 * quotas, np.int64), np.ones(lines, np.int64)))
    fewest = programme.solve(least, most, -on_line, effort=_EFFORT)
    if fewest is None:
        return None
    weight = np.tile(-_BONUS_FIRST - np.arange(quotas), 2)
    value = np.concatenate(([1], weight, np.zeros(lines, np.int64)))
    found = programme.and_row(on_line, 0, int(on_line @ fewest)).solve(least, most, value, effort=_EFFORT)
    cut, plus, minus, _ = np.split(fewest if found is None else found, np.cumsum([1, quotas, quotas]))
    return Prices(int(cut[0]), plus - minus)


def _edges(field: Field[Any], taken: Ints) -> tuple[Ints, Ints]:
    """By kind: the lowest points in and the highest points out; -1 when nobody is."""
    last, first = np.full(len(field.member), -1), np.full(len(field.member), -1)
    some, rest = taken > 0, taken < field.count
    last[field.cell_kind[some]] = field.cell_points[some]
    first[field.cell_kind[rest][::-1]] = field.cell_points[rest][::-1]
    return last, first


def _conditions(field: Field[Any], taken: Ints) -> Programme:
    """By combination: its last one in is not below the cut; its first one out is below it, or on the line.

    Columns: the cut, bonuses, maluses, and for each combination with somebody out whether that one is on the line.
    """
    last, first = _edges(field, taken)
    prices = np.concatenate((np.full((len(field.member), 1), -1), field.member, -field.member), axis=1)
    into, out = last >= 0, first >= 0
    lines = np.eye(int(out.sum()), dtype=np.int64)
    inside = np.concatenate((prices[into], np.zeros((int(into.sum()), len(lines)), np.int64)), axis=1)
    rows = np.concatenate((inside, np.concatenate((-prices[out], lines), axis=1)))
    low = np.concatenate((-last[into], first[out] + 1))
    return Programme(rows, low, np.full(len(low), _NO_END))
