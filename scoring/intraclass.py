"""How much of the spread of ratings lies between the targets: the intraclass correlations of Shrout and Fleiss."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from scipy import stats

from scoring.agreement import Floats, Units, check_level, flat_ratings

SMALLEST = 1e-100
ROUNDING = 1e-13  # what is left of a sum of squares that is zero on paper


@dataclass(frozen=True, slots=True)
class Icc:
    """Shrout and Fleiss' six intraclass correlations of one rating (`_1`) and of the mean of the k raters (`_k`).

    1: other raters for every target. 2: the same raters, a sample of many. 3: the same raters, and only these.
    `between`, `within`, `raters` and `error` are the mean squares of the table with `n` targets and `k` raters.
    """

    n: int
    k: int
    between: float
    within: float
    raters: float
    error: float
    icc1_1: float
    icc2_1: float
    icc3_1: float
    icc1_k: float
    icc2_k: float
    icc3_k: float

    def interval(self, level: float = 0.95) -> Mapping[str, tuple[float, float]]:
        """Confidence intervals by the names of the fields, by F; `icc2` by Satterthwaite's degrees of freedom."""
        check_level(level)
        high, n, k = (1 + level) / 2, self.n, self.k
        ends: dict[str, tuple[float, float]] = {}
        for name, error, df in (("icc1", self.within, n * (k - 1)), ("icc3", self.error, (n - 1) * (k - 1))):
            errors = (error * stats.f.ppf(high, n - 1, df), error / stats.f.ppf(high, df, n - 1))
            ends[f"{name}_1"] = _pair((self.between - e) / (self.between + (k - 1) * e) for e in errors)
            ends[f"{name}_k"] = _pair(1 - e / self.between for e in errors)
        ends["icc2_1"] = self._interval2(high)
        ends["icc2_k"] = _pair(k * rho / (1 + (k - 1) * rho) for rho in ends["icc2_1"])
        return dict(sorted(ends.items()))

    @property
    def ci95(self) -> Mapping[str, tuple[float, float]]:
        """The intervals that hold the truth 19 times in 20."""
        return self.interval(0.95)

    def _interval2(self, high: float) -> tuple[float, float]:
        n, k, rho = self.n, self.k, self.icc2_1
        by_raters = k * rho * self.raters
        by_error = (n * (1 + (k - 1) * rho) - k * rho) * self.error
        if by_raters == by_error == 0:
            return rho, rho
        df = (n - 1) * (k - 1) * (by_raters + by_error) ** 2 / ((n - 1) * by_raters**2 + by_error**2)
        rest = k * self.raters + (k * n - k - n) * self.error
        f_low, f_high = stats.f.ppf(high, n - 1, df), stats.f.ppf(high, df, n - 1)
        lower = n * (self.between - f_low * self.error) / (f_low * rest + n * self.between)
        upper = n * (f_high * self.between - self.error) / (rest + n * f_high * self.between)
        return float(lower), float(upper)


def icc(matrix: Units) -> Icc:
    """The intraclass correlations of a full table: a row per target, a column per rater, no gap.

    ValueError with a gap, fewer than two rows or columns, or rows that do not differ in their mean (every ICC divides
    by that). Source: Shrout and Fleiss (1979), Psychological Bulletin 86, 420-428.

    >>> round(icc([[9, 2, 5, 8], [6, 1, 3, 2], [8, 4, 6, 8], [7, 1, 2, 6], [10, 5, 6, 9], [6, 2, 4, 7]]).icc3_1, 2)
    0.71
    """
    with np.errstate(under="ignore"):
        return _icc(_table(matrix))


def _icc(x: Floats) -> Icc:
    n, k = x.shape
    x = x - x.mean()
    scale = float(np.abs(x).max())
    if scale < SMALLEST:
        raise ValueError("all ratings are the same: an intraclass correlation needs targets that differ")
    x = x / scale
    total = float(np.sum(x**2))
    rows, columns = float(k * np.sum(x.mean(axis=1) ** 2)), float(n * np.sum(x.mean(axis=0) ** 2))
    rest = max(total - rows - columns, 0.0)
    rows, columns, rest = (part if part > ROUNDING * total else 0.0 for part in (rows, columns, rest))
    if rows == 0:
        raise ValueError("all targets have the same mean: an intraclass correlation needs targets that differ")
    between, raters, error = rows / (n - 1), columns / (k - 1), rest / ((n - 1) * (k - 1))
    within = (columns + rest) / (n * (k - 1))
    return Icc(
        n=n,
        k=k,
        between=between * scale**2,
        within=within * scale**2,
        raters=raters * scale**2,
        error=error * scale**2,
        icc1_1=(between - within) / (between + (k - 1) * within),
        icc2_1=(between - error) / (between + (k - 1) * error + k * (raters - error) / n),
        icc3_1=(between - error) / (between + (k - 1) * error),
        icc1_k=(between - within) / between,
        icc2_k=(between - error) / (between + (raters - error) / n),
        icc3_k=(between - error) / between,
    )


def _table(matrix: Units) -> Floats:
    rows = matrix if isinstance(matrix, Sequence | np.ndarray) else [None]
    if any(not isinstance(row, Sequence | np.ndarray) for row in rows):
        raise ValueError("the table is a list of rows of ratings")
    if len(matrix) < 2 or len({len(row) for row in matrix}) > 1 or len(matrix[0]) < 2:
        raise ValueError("an intraclass correlation needs two rows or more, and two or more ratings in each of them")
    _units, values = flat_ratings(matrix, labels=False)
    if len(values) < len(matrix) * len(matrix[0]):
        raise ValueError("a rating is missing: leave out the targets or raters with gaps, or use krippendorff_alpha")
    return values.reshape(len(matrix), -1)


def _pair(ends: Iterable[float]) -> tuple[float, float]:
    low, high = ends
    return float(low), float(high)
