"""The most points under seats and quotas, and among the sets that reach them the first in the order of the lottery."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.selection.field import Field, Ints
from scoring.selection.line import draw
from scoring.selection.prices import Limits, Prices, find_prices
from scoring.selection.whole import Programme

# Cells nearest to the cut with which the search for whole seats begins.
_NEAR = 200


@dataclass(frozen=True, slots=True)
class Optimum:
    """People (indices in lottery order), and whether they are the best without any quota."""

    people: Ints
    is_free: bool = False


def most_points(field: Field[Any], limits: Limits) -> Optimum:
    """The best set within the limits, which must be possible to keep. Equal sets: the first in lottery order."""
    free = field.best()[: limits.seats]
    if limits.allow(field.counts(free)):
        return Optimum(np.sort(free), is_free=True)
    prices = find_prices(field, limits)
    taken = _without_gap(field, limits, prices)
    if taken is None:
        taken = _with_gap(field, limits, prices)
    return Optimum(field.people(taken))


def _without_gap(field: Field[Any], limits: Limits, prices: Prices) -> Ints | None:
    """A set that reaches the bound: all above the cut, nobody below, each quota with a price met exactly."""
    worth = prices.worth(field)
    tight = Limits(
        limits.seats,
        np.where(prices.bonus < 0, limits.upper, limits.lower),
        np.where(prices.bonus > 0, limits.lower, limits.upper),
    )
    return _fill(field, tight, np.flatnonzero(worth == 0), np.where(worth > 0, field.count, 0))


def _fill(field: Field[Any], limits: Limits, open_cells: NDArray[np.intp], base: Ints, least: int = 0) -> Ints | None:
    """Take `base` and fill the open cells in lottery order within the limits, for at least `least` points in all."""
    programme = _programme(field, limits, open_cells, base, least)
    place = np.full(len(field.count), -1)
    place[open_cells] = np.arange(len(open_cells))
    cell = np.empty(len(field.order), np.int64)
    cell[field.order] = np.repeat(place, field.count)
    drawn = draw(cell[cell >= 0], field.count[open_cells], programme)
    if drawn is None:
        return None
    taken = base.copy()
    taken[open_cells] = drawn
    return taken


def _programme(field: Field[Any], limits: Limits, cells: NDArray[np.intp], base: Ints, least: int = 0) -> Programme:
    """Rows for the seats, the quotas that can bind and, when asked, the points, over some cells; `base` is taken."""
    quotas = limits.binding(field)
    member = field.member[field.cell_kind][:, quotas]
    held, left = base @ member, limits.seats - int(base.sum())
    rows = [np.ones((1, len(cells)), np.int64), member[cells].T]
    low, high = [left, *(limits.lower[quotas] - held)], [left, *(limits.upper[quotas] - held)]
    if least:
        # Points above the middle of the cells instead of points: small numbers, which the solver handles exactly.
        middle = int(np.median(field.cell_points[cells])) if len(cells) else 0
        rows.append((field.cell_points[cells] - middle)[None, :])
        low.append(least - int(base @ field.cell_points) - middle * left)
        high.append(int(field.count @ field.cell_points))
    return Programme(np.concatenate(rows), np.array(low, np.int64), np.array(high, np.int64))


def _with_gap(field: Field[Any], limits: Limits, prices: Prices) -> Ints:
    """Quotas that do not divide evenly. Cells further from the cut than the gap are the same in every best set."""
    worth, bound = prices.worth(field), prices.bound(field, limits)
    width = int(np.sort(abs(worth))[:_NEAR][-1])
    while True:
        near = np.flatnonzero(abs(worth) <= width)
        base = np.where(worth > width, field.count, 0)
        best = _best_near(field, limits, near, base)
        gap = None if best is None else bound - prices.scale * best
        if best is not None and gap is not None and gap <= width:
            break
        width = max(4 * width, 1) if gap is None else gap
    near, base = np.flatnonzero(abs(worth) <= gap), np.where(worth > gap, field.count, 0)
    taken = _fill(field, limits, near, base, best)
    if taken is None:
        raise ArithmeticError("the best set is lost on the cut line")
    return taken


def _best_near(field: Field[Any], limits: Limits, near: NDArray[np.intp], base: Ints) -> int | None:
    """The most points when only the cells `near` the cut are open."""
    programme = _programme(field, limits, near, base)
    points = field.cell_points[near]
    found = programme.solve(np.zeros(len(near), np.int64), field.count[near], points - int(np.median(points)))
    return None if found is None else int(found @ points) + int(base @ field.cell_points)
