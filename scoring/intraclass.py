"""How much of the spread of ratings lies between the targets: the intraclass correlations of Shrout and Fleiss."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import inf, isnan, nan

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
    `icc2_k` is NaN where the estimated variance of a mean, which it divides by, is not above 0 (`icc2_1` is then at
    -1 / (k - 1) or below): no reliability of a mean belongs to it. The others always have a value.
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
        """Confidence intervals by the names of the fields, by F; `icc2` by Satterthwaite's degrees of freedom.

        These are an approximation that can miss its own estimate on small tables with a negative one; an interval is
        then widened to hold it. A lower limit of `icc2_1` at -1 / (k - 1) or below has no counterpart for a mean: that
        of `icc2_k` is then -inf. Both its limits are NaN where `icc2_k` is.
        """
        check_level(level)
        tail, n, k = (1 - level) / 2, self.n, self.k
        ends: dict[str, tuple[float, float]] = {}
        for name, error, df in (("icc1", self.within, n * (k - 1)), ("icc3", self.error, (n - 1) * (k - 1))):
            ratios = [error / self.between * f for f in (_upper_f(tail, n - 1, df), 1 / _upper_f(tail, df, n - 1))]
            ends[f"{name}_1"] = self._holding(f"{name}_1", ((1 - e) / (1 + (k - 1) * e) for e in ratios))
            ends[f"{name}_k"] = self._holding(f"{name}_k", (1 - e for e in ratios))
        ends["icc2_1"] = self._holding("icc2_1", self._interval2(tail))
        ends["icc2_k"] = self._holding("icc2_k", (_stepped_up(rho, k) for rho in ends["icc2_1"]))
        return dict(sorted(ends.items()))

    @property
    def ci95(self) -> Mapping[str, tuple[float, float]]:
        """The intervals that hold the truth 19 times in 20."""
        return self.interval(0.95)

    def _holding(self, name: str, ends: Iterable[float]) -> tuple[float, float]:
        """The interval with its estimate inside; NaN without an estimate."""
        low, high = ends
        estimate = getattr(self, name)
        return (nan, nan) if isnan(estimate) else (min(low, estimate), max(high, estimate))

    def _interval2(self, tail: float) -> tuple[float, float]:
        n, k, rho = self.n, self.k, self.icc2_1
        if self.raters == self.error == 0:
            return rho, rho
        raters, error = self.raters / self.between, self.error / self.between
        by_raters = k * rho * raters
        by_error = (n * (1 + (k - 1) * rho) - k * rho) * error
        squares = (n - 1) * by_raters**2 + by_error**2
        # Satterthwaite's degrees of freedom never fall below the fewest of the parts, except where a negative estimate
        # makes a part negative: the formula then runs to 0.
        df = max((n - 1) * (k - 1) * (by_raters + by_error) ** 2 / squares if squares else 0.0, k - 1.0)
        rest = k * raters + (k * n - k - n) * error
        f_low, f_high = _upper_f(tail, n - 1, df), _upper_f(tail, df, n - 1)
        return n * (1 - f_low * error) / (f_low * rest + n), n * (f_high - error) / (rest + n * f_high)


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
        icc2_k=_of_the_mean(between, error, raters, n),
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


def _of_the_mean(between: float, error: float, raters: float, n: int) -> float:
    """ICC(2,k); NaN where its denominator is not above 0, but for rounding."""
    variance = between + (raters - error) / n
    return (between - error) / variance if variance > ROUNDING * (between + (raters + error) / n) else nan


def _stepped_up(rho: float, k: int) -> float:
    """Spearman and Brown's reliability of the mean of k; -inf at and below its pole."""
    divisor = 1 + (k - 1) * rho
    return k * rho / divisor if divisor > 0 else -inf


def _upper_f(tail: float, df_above: float, df_below: float) -> float:
    """The value that F exceeds with this chance, however small (the lower tail keeps its figures near 0)."""
    return 1 / float(stats.f.ppf(tail, df_below, df_above))
