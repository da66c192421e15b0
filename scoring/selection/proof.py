"""The proof where quotas do not divide evenly: cases, each with prices of its own whose bound is low enough."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linprog

from scoring.selection.field import Field, Ints
from scoring.selection.model import Case, Proof, Quota, Split
from scoring.selection.prices import Limits, Prices, exact_prices

# Cells nearest to the cut that stay open in the search for prices; the bounds always count everybody.
_NEAR = 400
# A search that needs more cases than this is given up, and the selection is not certified.
_CASES = 400
# Breaking a limit costs this many times the highest points, so that limits that contradict give a low bound.
_PENALTY = 50


@dataclass(frozen=True, slots=True)
class Share:
    """A case: the least and most seats of each combination of groups (kinds)."""

    least: Ints
    most: Ints

    def halves(self, kind: int, at: int) -> tuple["Share", "Share"]:
        """At most `at` seats for a combination, or at least one more."""
        most, least = self.most.copy(), self.least.copy()
        most[kind], least[kind] = at, at + 1
        return Share(self.least, most), Share(least, self.most)


def prove(field: Field[Any], limits: Limits, prices: Prices, points: int, quotas: Sequence[Quota]) -> Proof | None:
    """Cases that cover every allowed set, none of which can have more than `points`; None: none were found."""
    search = _Search(field, limits, prices, points, quotas)
    return search.cases(Share(np.zeros_like(search.there), search.there))


def case_bound(field: Field[Any], limits: Limits, share: Share, prices: Prices) -> int:
    """Points that no set of this case can exceed: each combination takes its best as far as they are worth it."""
    worth = prices.worth(field)
    gain = np.bincount(field.cell_kind[worth > 0], field.count[worth > 0], len(field.member)).astype(np.int64)
    seats = np.clip(gain, share.least, share.most)
    taken = np.clip(seats[field.cell_kind] - field.ahead(), 0, field.count)
    return (prices.rent(limits) + int(taken @ worth)) // prices.scale


class _Search:
    def __init__(self, field: Field[Any], limits: Limits, prices: Prices, points: int, quotas: Sequence[Quota]) -> None:
        worth = prices.worth(field)
        width = np.sort(abs(worth))[:_NEAR][-1]
        self.field, self.limits, self.points, self.quotas, self.left = field, limits, points, quotas, _CASES
        self.quotas_that_bind = limits.binding(field)
        self.there = np.bincount(field.kind, minlength=len(field.member))
        self.near = np.flatnonzero(abs(worth) <= width)
        base = np.where(worth > width, field.count, 0)
        self.base = np.bincount(field.cell_kind, base, len(field.member)).astype(np.int64)

    def cases(self, share: Share) -> Proof | None:
        """The proof of one case, divided in two where its bound is too high."""
        self.left -= 1
        prices, seats = self._relaxed(share)
        if case_bound(self.field, self.limits, share, prices) <= self.points:
            return Case(prices.cut, tuple(int(bonus) for bonus in prices.bonus), prices.scale)
        off = abs(seats - np.rint(seats))
        kind = int(off.argmax())
        if self.left <= 0 or off[kind] < 1e-6:
            return None
        at = int(seats[kind])
        fewer, more = (self.cases(half) for half in share.halves(kind, at))
        if fewer is None or more is None:
            return None
        groups = (quota.group for quota, belongs in zip(self.quotas, self.field.member[kind], strict=True) if belongs)
        return Split(tuple(groups), at, fewer, more)

    def _relaxed(self, share: Share) -> tuple[Prices, NDArray[np.float64]]:
        """Prices of a case's linear relaxation, and its seats by combination. A limit can be broken, at a price."""
        field, near, quotas = self.field, self.near, self.quotas_that_bind
        rows, lower, upper = self._rows(share)
        rows, sizes = np.concatenate((rows, -rows)), field.count[near]
        penalty = _PENALTY * (int(field.cell_points.max()) + 1)
        breaks = np.full(len(rows) + 2, penalty)
        found = linprog(
            np.concatenate((-field.cell_points[near], breaks)),
            A_ub=np.concatenate((rows, np.zeros((len(rows), 2)), -np.eye(len(rows))), axis=1),
            b_ub=np.concatenate((upper, -lower)),
            A_eq=np.concatenate((np.ones(len(near)), [1, -1], np.zeros(len(rows))))[None, :],
            b_eq=[self.limits.seats - self.base.sum()],
            bounds=np.stack(
                (np.zeros(len(near) + len(breaks)), np.append(sizes, np.full(len(breaks), np.inf))), axis=1
            ),
            method="highs-ds",
        )
        if found.status:
            raise ArithmeticError(f"the solver stopped: {found.message}")
        maxima, minima = np.split(found.ineqlin.marginals, 2)
        bonus = (maxima - minima)[: len(quotas)]
        prices = exact_prices(-found.eqlin.marginals[0], quotas, bonus, len(self.quotas))
        seats = np.bincount(field.cell_kind[near], found.x[: len(near)], len(self.base)).astype(np.float64)
        return prices, self.base + seats

    def _rows(self, share: Share) -> tuple[Ints, Ints, Ints]:
        """Over the cells near the cut: the quotas that can bind, then the combinations the case speaks of."""
        kind, quotas = self.field.cell_kind[self.near], self.quotas_that_bind
        spoken = np.flatnonzero((share.least > 0) | (share.most < self.there))
        rows = np.concatenate((self.field.member[kind][:, quotas].T, (spoken[:, None] == kind).astype(np.int64)))
        held = self.base @ self.field.member[:, quotas]
        lower = np.concatenate((self.limits.lower[quotas] - held, (share.least - self.base)[spoken]))
        upper = np.concatenate((self.limits.upper[quotas] - held, (share.most - self.base)[spoken]))
        return rows, lower, upper
