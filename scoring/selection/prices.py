"""What a seat and each quota cost: the dual prices, from a linear programme, then as exact whole numbers.

Any prices at all give a bound that no allowed set can exceed (Lagrange); the solver only has to find good ones.
That is why its floating-point numbers may be rounded to whole ones without losing the proof.
"""

from dataclasses import dataclass
from fractions import Fraction
from math import lcm
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from scoring.selection.field import Field, Ints, turns

# Prices are ratios of determinants of 0-1 matrices with a row per quota: small denominators.
_DENOMINATOR = 60
_LARGEST_SCALE = 2520
# Columns on both sides of the cut are divided by this, until none is.
_PIECES = 16
# More columns than this are put together until the prices say which are near the cut.
_COLUMNS = 400


@dataclass(frozen=True, slots=True)
class Limits:
    """Free seats, and the least and most of them for each quota's group (quotas)."""

    seats: int
    lower: Ints
    upper: Ints

    def binding(self, field: Field[Any]) -> NDArray[np.intp]:
        """The quotas that can make a difference: those that not every set of this size keeps."""
        members = np.bincount(field.kind, minlength=len(field.member)) @ field.member
        others = len(field.keys) - members
        sure = np.maximum(0, self.seats - others)
        return np.flatnonzero((self.lower > sure) | (self.upper < np.minimum(members, self.seats)))

    def allow(self, counts: Ints) -> bool:
        """Whether the quotas hold for these counts of seats by group."""
        return bool(((self.lower <= counts) & (counts <= self.upper)).all())


@dataclass(frozen=True, slots=True)
class Prices:
    """A price for a seat (`cut`) and one for each quota (`bonus`), in hundredths divided by `scale`."""

    cut: int
    bonus: Ints
    scale: int = 1

    def worth(self, field: Field[Any]) -> Ints:
        """By cell: points plus bonuses less the cut, times the scale. Above 0 is in, below is out."""
        return self.scale * field.cell_points + (field.member @ self.bonus)[field.cell_kind] - self.cut

    def bound(self, field: Field[Any], limits: Limits) -> int:
        """Points times the scale that no set within the limits can exceed."""
        return self.rent(limits) + int(field.count @ np.maximum(self.worth(field), 0))

    def rent(self, limits: Limits) -> int:
        """Times the scale: what the seats cost, less what the quotas do."""
        minima, maxima = np.maximum(self.bonus, 0), np.minimum(self.bonus, 0)
        return self.cut * limits.seats - int(minima @ limits.lower) - int(maxima @ limits.upper)


def find_prices(field: Field[Any], limits: Limits) -> Prices:
    """The best prices for a linear relaxation in which seats may be divided. The limits must be possible to keep."""
    block = -(-len(field.count) // _COLUMNS)
    marks = np.flatnonzero(turns(field.cell_kind) % block == 0)
    while True:
        prices = _solve(field, limits, marks)
        finer = _refine(prices.worth(field), marks)
        if len(finer) == len(marks):
            return prices
        marks = finer


def _refine(worth: Ints, marks: NDArray[np.intp]) -> NDArray[np.intp]:
    """Divide the columns whose best cell is in and whose worst is out."""
    ends = np.append(marks[1:], len(worth))
    sizes = ends - marks
    piece = np.where((worth[marks] > 0) & (worth[ends - 1] < 0), -(-sizes // _PIECES), sizes)
    inside = np.arange(len(worth)) - np.repeat(marks, sizes)
    return np.flatnonzero(inside % np.repeat(piece, sizes) == 0)


def _solve(field: Field[Any], limits: Limits, marks: NDArray[np.intp]) -> Prices:
    count = np.add.reduceat(field.count, marks)
    points = np.add.reduceat(field.count * field.cell_points, marks) / count
    rows = limits.binding(field)
    member = field.member[field.cell_kind[marks]][:, rows].T
    found = linprog(
        -points,
        A_ub=np.concatenate((member, -member)),
        b_ub=np.concatenate((limits.upper[rows], -limits.lower[rows])),
        A_eq=np.ones((1, len(marks))),
        b_eq=[limits.seats],
        bounds=np.stack((np.zeros(len(count)), count), axis=1),
        method="highs-ds",
    )
    if found.status:
        raise ArithmeticError(f"the solver stopped: {found.message}")
    maxima, minima = np.split(found.ineqlin.marginals, 2)
    return exact_prices(-found.eqlin.marginals[0], rows, maxima - minima, len(limits.lower))


def exact_prices(cut: float, rows: NDArray[np.intp], bonus: NDArray[np.float64], quotas: int) -> Prices:
    """The nearest simple fractions, over one denominator; the price of a quota without a row is 0."""
    near = [Fraction(value).limit_denominator(_DENOMINATOR) for value in (cut, *bonus)]
    scale = lcm(*(value.denominator for value in near))
    if scale > _LARGEST_SCALE:
        scale = _DENOMINATOR
    whole = [round(value * scale) for value in near]
    every = np.zeros(quotas, np.int64)
    every[rows] = whole[1:]
    return Prices(whole[0], every, scale)
