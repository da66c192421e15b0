"""What agreement costs on 100,000 units of five ratings, beside the `krippendorff` package in the same run.

The package is given value counts, which it would otherwise have to make; ours gets the ratings as lists, with gaps.
"""

import time
from collections.abc import Callable
from typing import Literal

import krippendorff
import numpy as np

from scoring import krippendorff_alpha

UNITS, RATERS, CATEGORIES, GAPS = 100_000, 5, 5, 0.1
RUNS = 5
TARGET = 1.0

Row = tuple[str, float, float, float, float]


def agreement(metric: Literal["nominal", "ordinal", "interval", "ratio"] = "ordinal") -> Row:
    """Name, seconds of the floor, seconds of ours, their ratio and the most it may be. Each is the best of five."""
    rng = np.random.default_rng(3)
    truth = rng.integers(0, CATEGORIES, (UNITS, 1))
    ratings = np.clip(truth + rng.integers(-1, 2, (UNITS, RATERS)), 0, CATEGORIES - 1)
    there = rng.random(ratings.shape) >= GAPS
    counts = np.stack([((ratings == value) & there).sum(axis=1) for value in range(CATEGORIES)], axis=1)
    units = [
        [value if given else None for value, given in zip(*row, strict=True)]
        for row in zip(ratings.tolist(), there.tolist(), strict=True)
    ]
    floor, theirs = _best(lambda: krippendorff.alpha(value_counts=counts, level_of_measurement=metric))
    ours, alpha = _best(lambda: krippendorff_alpha(units, metric))
    if abs(theirs - alpha) > 1e-9:
        raise ArithmeticError(f"alpha is {alpha}, the package says {theirs}")
    return f"agreement, {metric} alpha, {UNITS:,} × {RATERS}", floor, ours, ours / floor, TARGET


def _best(work: Callable[[], float]) -> tuple[float, float]:
    times: list[float] = []
    for _run in range(RUNS):
        began = time.perf_counter()
        result = work()
        times.append(time.perf_counter() - began)
    return min(times), float(result)
