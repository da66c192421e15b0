"""Whole seats: small integer programmes over cells. The solver proposes, whole-number arithmetic checks."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import Bounds, LinearConstraint, milp

from scoring.selection.field import Ints

# The numbers scipy gives them.
_LIMIT, _INFEASIBLE = 1, 2


@dataclass(frozen=True, slots=True)
class Programme:
    """Whole numbers x, one per column, with low <= rows @ x <= high."""

    rows: Ints
    low: Ints
    high: Ints

    def and_row(self, row: Ints, low: int, high: int) -> "Programme":
        """The same with one more row."""
        return Programme(np.vstack((self.rows, row)), np.append(self.low, low), np.append(self.high, high))

    def holds(self, x: Ints) -> bool:
        """Whether the rows hold, in whole numbers."""
        sums = self.rows @ x
        return bool(((self.low <= sums) & (sums <= self.high)).all())

    def solve(self, least: Ints, most: Ints, value: Ints | None = None, *, effort: int | None = None) -> Ints | None:
        """Numbers between `least` and `most` that keep the rows, with the highest `value` @ x; None: no such numbers.

        `effort`: after so many branches take the best numbers found by then.

        ArithmeticError when the solver's answer does not hold in whole numbers.
        """
        if self._cannot(least, most):
            return None
        if not len(least):
            return least
        found = _milp(self, least, most, np.zeros(len(least)) if value is None else -value, effort)
        if found.status == _INFEASIBLE or (found.status == _LIMIT and found.x is None):
            return None
        if found.x is None:
            raise ArithmeticError(f"the solver stopped: {found.message}")
        x: Ints = np.rint(found.x).astype(np.int64)
        if not self.holds(x) or (x < least).any() or (x > most).any():
            raise ArithmeticError("the solver's answer does not hold in whole numbers")
        return x

    def _cannot(self, least: Ints, most: Ints) -> bool:
        """Whether some row alone rules it out."""
        gains, losses = np.maximum(self.rows, 0), np.minimum(self.rows, 0)
        smallest, largest = gains @ least + losses @ most, gains @ most + losses @ least
        return bool((most < least).any() or (smallest > self.high).any() or (largest < self.low).any())


def _milp(programme: Programme, least: Ints, most: Ints, cost: NDArray[Any], effort: int | None) -> Any:
    return milp(
        cost,
        integrality=np.ones(len(cost)),
        bounds=Bounds(least, most),
        constraints=LinearConstraint(programme.rows, programme.low, programme.high),
        options={"mip_rel_gap": 0.0, "node_limit": effort},
    )
