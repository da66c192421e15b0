"""How far evaluators agree beyond chance: Krippendorff's alpha, Gwet's AC1 and AC2.

Units are what was judged, a list of ratings each; a gap is None or NaN, and a unit counts with two ratings or more.
A question without an answer (nothing to compare, nothing that varies) is a ValueError that says what to do.
"""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from math import isnan
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from scipy import sparse, stats

from scoring.checks import NUMBERS
from scoring.weights import Weighting, weight_matrix

Metric = Literal["nominal", "ordinal", "interval", "ratio"]
Units = Sequence[Sequence[Any]] | NDArray[Any]

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

NOTHING_TO_PAIR = "no unit has two ratings: have at least one unit rated by two evaluators"
ALL_ALIKE = "all ratings are the same: agreement beyond chance is undefined (0/0); tell the plain agreement, 100 %"
DENSE_CODES = 4096
LARGEST = 1e100
BLOCK = 1 << 22


def krippendorff_alpha(units: Units, metric: Metric = "interval") -> float:
    """Krippendorff's alpha of units with any number of ratings: 1 is agreement, 0 is chance, below 0 is worse.

    `ordinal` takes Krippendorff's sums of marginals, which are differences of mid-ranks. `nominal` takes any labels,
    the others numbers, `ratio` numbers from 0. ValueError when no unit has two ratings, and when all pairable ratings
    are equal (0/0). Source: Krippendorff (2011), Computing Krippendorff's Alpha-Reliability.

    >>> round(krippendorff_alpha([[1, 1, None], [2, 2, 3], [3, 3, 3], [None, 1, None]], "nominal"), 3)
    0.65
    """
    if metric not in ("nominal", "ordinal", "interval", "ratio"):
        raise ValueError(f"no such metric: {metric}; choose nominal, ordinal, interval or ratio")
    pairs = _pairable(units, labels=metric == "nominal")
    with np.errstate(under="ignore"):
        if metric == "nominal":
            observed, expected = _nominal(pairs)
        elif metric == "ratio":
            observed, expected = _ratio(pairs)
        else:
            observed, expected = _squared(pairs, _midranks(pairs) if metric == "ordinal" else pairs.values)
    return 1.0 - observed / expected


@dataclass(frozen=True, slots=True)
class _Pairs:
    """The pairable ratings: unit and value of each; and of each unit how many ratings it has and how often it occurs.

    `weight` is how often each rating occurs, `n` the number of all ratings.
    """

    unit: Ints
    values: Floats
    size: Ints
    times: Floats
    weight: Floats
    n: float


def _pairable(units: Units, *, labels: bool) -> _Pairs:
    """Ratings of the units that have two or more; units with the same ratings are taken together, since few differ."""
    rows, times = _distinct(units)
    unit, values = flat_ratings(rows, labels=labels)
    size = np.bincount(unit, minlength=len(rows))
    paired = size[unit] > 1
    if not paired.any():
        raise ValueError(NOTHING_TO_PAIR)
    unit, values = unit[paired], values[paired]
    if values.min() == values.max():
        raise ValueError(ALL_ALIKE)
    weight = times[unit]
    return _Pairs(unit, values, size, times, weight, float(weight.sum()))


def _distinct(units: Units) -> tuple[Sequence[Sequence[Any]], Floats]:
    """Each combination of ratings once, and how many units have it."""
    rows = units.tolist() if isinstance(units, np.ndarray) else units
    try:
        known = Counter(map(tuple, rows))
    except TypeError:
        raise ValueError("units are lists of ratings, gaps None") from None
    return list(known), np.fromiter(known.values(), dtype=np.float64, count=len(known))


def flat_ratings(units: Units, *, labels: bool) -> tuple[Ints, Floats]:
    """The unit and the value of every rating that is there; labels become codes. ValueError for what is no number."""
    unit = np.repeat(np.arange(len(units)), np.fromiter(map(len, units), dtype=np.int64, count=len(units)))
    flat: Sequence[Any] = list(chain.from_iterable(units))
    numeric = all(issubclass(kind, NUMBERS) for kind in set(map(type, flat)) - {type(None)})
    if not numeric and not labels:
        raise ValueError("ratings must be numbers, and gaps None")
    try:
        values = np.array(flat if numeric else _codes_of_labels(flat), dtype=np.float64)
    except OverflowError:
        raise ValueError("a rating is too large a number: give a smaller one, or None for a gap") from None
    there = ~np.isnan(values)
    if np.any(np.abs(values[there]) > LARGEST):
        raise ValueError("a rating is infinite or too large a number: give a smaller one, or None for a gap")
    return unit[there], values[there]


def _codes_of_labels(flat: Sequence[Any]) -> list[int | None]:
    codes: dict[Hashable, int] = {}
    return [None if _is_gap(label) else codes.setdefault(label, len(codes)) for label in flat]


def _is_gap(rating: Any) -> bool:
    return rating is None or (isinstance(rating, float | np.floating) and isnan(rating))


def _coded(values: Floats) -> tuple[Floats, Ints]:
    """Values in order (some perhaps unused) and the place of each rating among them; whole numbers need no sorting."""
    low, high = values.min(), values.max()
    if high - low < DENSE_CODES and not np.any(values % 1):
        return np.arange(low, high + 1), (values - low).astype(np.int64)
    known, codes = np.unique(values, return_inverse=True)
    return known, codes


def _value_counts(pairs: _Pairs, codes: Ints, known: int) -> sparse.csr_array:
    """How often each unit was given each value: shape (units, values)."""
    return sparse.csr_array((np.ones(len(codes)), (pairs.unit, codes)), shape=(len(pairs.size), known))


def _nominal(pairs: _Pairs) -> tuple[float, float]:
    known, codes = _coded(pairs.values)
    counts = _value_counts(pairs, codes, len(known))
    agreeing = ((counts * counts).sum(axis=1) - counts.sum(axis=1)) * pairs.times / np.maximum(pairs.size - 1, 1)
    n, marginals = pairs.n, np.bincount(codes, weights=pairs.weight)
    return float(1 - agreeing.sum() / n), float((n * n - marginals @ marginals) / (n * (n - 1)))


def _midranks(pairs: _Pairs) -> Floats:
    """Krippendorff's ordinal difference between c and k, n_c/2 + (all between) + n_k/2, is that of their mid-ranks."""
    known, codes = _coded(pairs.values)
    counts = np.bincount(codes, weights=pairs.weight, minlength=len(known))
    ranks: Floats = np.cumsum(counts) - counts / 2
    return ranks[codes]


def _squared(pairs: _Pairs, values: Floats) -> tuple[float, float]:
    """Squared differences of all pairs of m values add up to 2 m times the squares about their mean."""
    unit, size, n = pairs.unit, np.maximum(pairs.size, 2), pairs.n
    values = values / np.abs(values).max()
    means = np.bincount(unit, weights=values, minlength=len(size)) / size
    share = (pairs.times * size / (size - 1))[unit]
    observed = 2 * np.sum(share * (values - means[unit]) ** 2) / n
    middle = pairs.weight @ values / n
    return float(observed), float(2 * (pairs.weight @ (values - middle) ** 2) / (n - 1))


def _ratio(pairs: _Pairs) -> tuple[float, float]:
    if pairs.values.min() < 0:
        raise ValueError("the ratio metric needs ratings from 0 upwards: choose interval for negative ones")
    known, codes = np.unique(pairs.values / pairs.values.max(), return_inverse=True)
    counts = _value_counts(pairs, codes, len(known))
    share = sparse.diags_array(pairs.times / np.maximum(pairs.size - 1, 1))
    together = sparse.coo_array(counts.T @ (share @ counts))
    n, marginals = pairs.n, np.bincount(codes, weights=pairs.weight)
    observed = together.data @ _ratio_distance(known[together.row], known[together.col])
    step = max(1, BLOCK // len(known))
    blocks = (slice(start, start + step) for start in range(0, len(known), step))
    expected = sum(marginals[b] @ _ratio_distance(known[b, None], known[None]) @ marginals for b in blocks)
    return float(observed / n), float(expected / (n * (n - 1)))


def _ratio_distance(one: Floats, other: Floats) -> Floats:
    both = one + other
    return np.asarray(np.divide(one - other, both, out=np.zeros(both.shape), where=both > 0) ** 2)


@dataclass(frozen=True, slots=True)
class Ac2:
    """Gwet's coefficient, its standard error over units (None with one unit), observed and chance agreement.

    `units` have a rating, `paired` of them two or more.
    """

    value: float
    se: float | None
    observed: float
    expected: float
    units: int
    paired: int

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """By Student's t with units - 1 degrees of freedom, its top cut at 1. None with one unit."""
        check_level(level)
        if self.se is None:
            return None
        reach = float(stats.t.ppf((1 + level) / 2, self.units - 1)) * self.se
        return self.value - reach, min(1.0, self.value + reach)


def gwet_ac2(units: Units, categories: Sequence[Hashable], weights: Weighting | Any = "unweighted") -> Ac2:
    """Gwet's AC1 (unweighted) or AC2 of any number of raters, with the declared category set, used or not.

    `weights` is a name or a square matrix in the order of `categories` (1 on its diagonal). Names take numbers as the
    distance between categories, and their order for any other labels. The standard error is over units, raters as
    given. ValueError for a rating outside the categories; for a set of categories, which has no order, unless
    unweighted; and for a number beyond a thousand million as a distance. Source: Gwet (2014), Handbook of Inter-Rater
    Reliability, 4th edition.
    """
    if isinstance(categories, set | frozenset):
        if not isinstance(weights, str) or weights != "unweighted":
            raise ValueError("a set has no order: give the categories as a list, from the lowest to the highest")
        categories = tuple(categories)
    q = len(categories)
    place = {category: number for number, category in enumerate(categories)}
    if q < 2 or len(place) < q:
        raise ValueError("declare at least two categories, each once")
    weight = weight_matrix(categories, weights)
    counts, times = _category_counts(units, place)
    size, n = counts.sum(axis=1), times.sum()
    paired = size > 1
    if not paired.any():
        raise ValueError(NOTHING_TO_PAIR)
    shares = times @ (counts / size[:, None]) / n
    scale = weight.sum() / (q * (q - 1))
    expected = float(scale * shares @ (1 - shares))
    agreeing = np.sum(counts * (counts @ weight - 1), axis=1) / np.maximum(size * (size - 1), 1)
    pairs = times @ paired
    observed = float(times @ (agreeing * paired) / pairs)
    value = (observed - expected) / (1 - expected)
    by_unit = n / pairs * (agreeing - expected) * paired / (1 - expected)
    chance = scale * (counts @ (1 - shares)) / size
    by_unit = by_unit - 2 * (1 - value) * (chance - expected) / (1 - expected)
    se = float(np.sqrt(times @ (by_unit - value) ** 2 / (n * (n - 1)))) if n > 1 else None
    return Ac2(value, se, observed, expected, int(n), int(pairs))


def _category_counts(units: Units, place: Mapping[Hashable, int]) -> tuple[Floats, Floats]:
    """How often each distinct unit was put in each category, and how many units are like it; empty ones left out."""
    rows, times = _distinct(units)
    unit = np.repeat(np.arange(len(rows)), [len(row) for row in rows])
    try:
        flat = (-1 if _is_gap(rating) else place[rating] for rating in chain.from_iterable(rows))
        codes = np.fromiter(flat, dtype=np.int64, count=len(unit))
    except KeyError as strange:
        raise ValueError(f"the rating {strange} is not among the declared categories") from None
    there = codes >= 0
    cells = np.bincount(unit[there] * len(place) + codes[there], minlength=len(rows) * len(place))
    counts = cells.reshape(len(rows), len(place)).astype(np.float64)
    rated = counts.any(axis=1)
    return counts[rated], times[rated]


def check_level(level: float) -> None:
    """ValueError unless the level lies between 0 and 1."""
    if not 0 < level < 1:
        raise ValueError("the level of an interval is between 0 and 1, such as 0.95")
