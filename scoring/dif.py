"""Does a rater treat a group differently? Contrasts between rater and group, with the power to see one.

A rater is compared with colleagues on the same applications, so how good a group's applications are does not matter:
`d` = the rater's points less the mean of the others on that application. The contrast is the mean of `d` in the group
less its mean outside, with Student's t (equal variances). Few applications see little: the power says how little.
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from decimal import Decimal
from fractions import Fraction
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from scoring.checks import NUMBERS

Floats = NDArray[np.float64]

SEEN = 5.0  # points of 100: the difference whose power is told
LEVEL = 0.05
SMALLEST = 1e-9

LARGEST = 1e100  # beyond this, squares of differences are no numbers

Row = tuple[Hashable, Hashable, float | Decimal | Fraction]


@dataclass(frozen=True, slots=True)
class Contrast:
    """How many points more (fewer: negative) a rater gives a group than colleagues do, against all others.

    `p` is two-sided; `p_adjusted` is Holm's over all contrasts asked together. `power` is the chance that a true
    difference of 5 points would show at the 5 % level with these counts and this spread. `se`, `p` and `power` are
    None where a group has nobody, or both have one, or where nothing varies within the groups (such as a handful of
    equal points): without spread there is no test, however large the effect. `effect` is None with nobody.
    """

    rater: Any
    group: Any
    effect: float | None
    se: float | None
    df: int
    p: float | None
    p_adjusted: float | None
    power: float | None
    inside: int
    outside: int

    def interval(self, level: float = 0.95) -> tuple[float, float] | None:
        """Student's interval of the effect; None where nothing can be said."""
        if not 0 < level < 1:
            raise ValueError("the level of an interval is between 0 and 1, such as 0.95")
        if self.effect is None or self.se is None:
            return None
        reach = float(stats.t.ppf((1 + level) / 2, self.df)) * self.se
        return self.effect - reach, self.effect + reach


def group_contrasts(
    rows: Iterable[Row], groups: Mapping[Any, Hashable | None], *, seen: float = SEEN
) -> tuple[Contrast, ...]:
    """Every rater against every group, in the order in which they first appear.

    `rows` are (application, rater, points); a rater may be a panel, whose several points on one application are
    averaged. `groups` gives each application its group; None or no entry: not known, and left out. Of two groups only
    the first is asked, since the other is its mirror. Applications with one rater have nobody to compare with.
    `seen` is the difference whose power is told. ValueError says which row is wrong, counted from 1.

    >>> rows = [("a", "ana", 60), ("b", "ana", 70), ("c", "ana", 72), *((key, "luz", 70) for key in "abc")]
    >>> first, _mirror = group_contrasts(rows, {"a": "women", "b": "men", "c": "men"})
    >>> first.rater, first.group, first.effect, first.inside, first.outside
    ('ana', 'women', -11.0, 1, 2)
    """
    seen = _seen(seen)
    apart = _differences(rows)
    found = [
        _contrast(
            rater,
            group,
            [d for application, d in differences.items() if groups.get(application) == group],
            [d for application, d in differences.items() if groups.get(application) not in (group, None)],
            seen,
        )
        for group in _asked(groups)
        for rater, differences in apart.items()
    ]
    return _adjusted(found)


def panel_contrasts(
    rows: Iterable[Row], groups: Mapping[Any, Hashable | None], *, seen: float = SEEN
) -> tuple[Contrast, ...]:
    """Every panel against every group, where each application came before one panel and nobody else can be compared.

    `rows` are (application, panel, points). The contrast is how much better (worse: negative) the group does than
    others before this panel, less the same before all other panels: the interaction of two by two cells of mean
    points, with their pooled spread. Applications differ, so this sees less than evaluators compared on the same
    ones: the power says how little. `inside` and `outside` count the group and the others before the panel. With two
    panels, as with two groups, only the first is asked. None where one of the four cells is empty.
    """
    seen = _seen(seen)
    points: dict[tuple[Hashable, Hashable], list[float]] = defaultdict(list)
    for application, panel, given in _read(rows):
        points[application, panel].append(given)
    means = {key: sum(given) / len(given) for key, given in points.items() if groups.get(key[0]) is not None}
    panels = list(dict.fromkeys(panel for _application, panel in points))
    found = [
        _interaction(panel, group, means, groups, seen)
        for group in _asked(groups)
        for panel in (panels[:1] if len(panels) == 2 else panels)
    ]
    return _adjusted(found)


def _interaction(
    panel: Any,
    group: Any,
    means: Mapping[tuple[Hashable, Hashable], float],
    groups: Mapping[Any, Hashable | None],
    seen: float,
) -> Contrast:
    cells: list[list[float]] = [[], [], [], []]  # here: group, others; elsewhere: group, others
    for (application, where), mean in means.items():
        cells[2 * (where != panel) + (groups[application] != group)].append(mean)
    sizes = [len(cell) for cell in cells]
    n, m, df = sizes[0], sizes[1], max(sum(sizes) - 4, 0)
    if not all(sizes):
        return Contrast(panel, group, None, None, df, None, None, None, n, m)
    here, others, there, rest = (float(np.mean(cell)) for cell in cells)
    squares = sum(float(np.sum((np.array(cell) - np.mean(cell)) ** 2)) for cell in cells)
    return _judged(panel, group, here - others - there + rest, squares, sizes, seen)


def _asked(groups: Mapping[Any, Hashable | None]) -> list[Hashable]:
    known = list(dict.fromkeys(group for group in groups.values() if group is not None))
    return known[:1] if len(known) <= 2 else known


def _adjusted(found: Sequence[Contrast]) -> tuple[Contrast, ...]:
    adjusted = iter(holm([one.p for one in found if one.p is not None]))
    return tuple(one if one.p is None else replace(one, p_adjusted=next(adjusted)) for one in found)


def _seen(seen: Any) -> float:
    if not _is_number(seen) or float(seen) <= 0:
        raise ValueError("the difference whose power is told (seen) must be a finite number above 0")
    return float(seen)


def _read(rows: Iterable[Row]) -> Iterator[tuple[Hashable, Hashable, float]]:
    """The rows with their points as floats. ValueError says which row is wrong, counted from 1."""
    for number, row in enumerate(rows, 1):
        if len(row) != 3:
            raise ValueError(f"row {number}: a row is (application, rater or panel, points)")
        application, rater, points = row
        if not _is_number(points):
            raise ValueError(f"row {number}: points must be a finite number")
        yield application, rater, float(points)


def _is_number(given: Any) -> bool:
    if not isinstance(given, NUMBERS) or isinstance(given, bool) or (isinstance(given, Decimal) and given.is_nan()):
        return False
    size: Any = abs(given)
    return bool(size <= LARGEST)


def _differences(rows: Iterable[Row]) -> dict[Hashable, dict[Hashable, float]]:
    """By rater and application: their points less the mean of the others there."""
    given: dict[Hashable, dict[Hashable, list[float]]] = defaultdict(lambda: defaultdict(list))
    raters: dict[Hashable, None] = {}
    for application, rater, points in _read(rows):
        raters.setdefault(rater)
        given[application][rater].append(points)
    apart: dict[Hashable, dict[Hashable, float]] = {rater: {} for rater in raters}
    for application, by_rater in given.items():
        means = {rater: sum(points) / len(points) for rater, points in by_rater.items()}
        for rater, mean in means.items():
            if len(means) > 1:
                apart[rater][application] = mean - (sum(means.values()) - mean) / (len(means) - 1)
    return apart


def _contrast(rater: Any, group: Any, inside: Sequence[float], outside: Sequence[float], seen: float) -> Contrast:
    n, m = len(inside), len(outside)
    df = max(n + m - 2, 0)
    if not n or not m:
        return Contrast(rater, group, None, None, df, None, None, None, n, m)
    one, other = np.array(inside), np.array(outside)
    squares = float(np.sum((one - one.mean()) ** 2) + np.sum((other - other.mean()) ** 2))
    return _judged(rater, group, float(one.mean() - other.mean()), squares, [n, m], seen)


def _judged(rater: Any, group: Any, effect: float, squares: float, sizes: Sequence[int], seen: float) -> Contrast:
    """The t test of a difference between means of cells of these sizes, with their pooled spread."""
    n, m, df = sizes[0], sizes[1], sum(sizes) - len(sizes)
    if not df:
        return Contrast(rater, group, effect, None, df, None, None, None, n, m)
    se = float(np.sqrt(squares / df * sum(1 / size for size in sizes)))
    if se < SMALLEST:  # no spread at all: no test, and no claim
        return Contrast(rater, group, 0.0 if abs(effect) < SMALLEST else effect, None, df, None, None, None, n, m)
    p = float(2 * stats.t.sf(abs(effect / se), df))
    return Contrast(rater, group, effect, se, df, p, None, power_of_t(seen / se, df), n, m)


def power_of_t(distance: float, df: int, level: float = LEVEL) -> float:
    """The chance that a two-sided t test at this level sees a true difference of so many standard errors."""
    edge = stats.t.ppf(1 - level / 2, df)
    distance = min(abs(distance), 1000.0)  # beyond that the chance is 1, and the non-central t has no figures left
    if distance > edge + 37:
        return 1.0
    return float(min(max(stats.nct.sf(edge, df, distance) + stats.nct.cdf(-edge, df, distance), 0.0), 1.0))


def holm(chances: Sequence[float]) -> list[float]:
    """Holm's (1979) adjustment: the k-th smallest of n times n - k + 1, never falling, at most 1."""
    order = sorted(range(len(chances)), key=chances.__getitem__)
    adjusted = [0.0] * len(chances)
    highest = 0.0
    for place, number in enumerate(order):
        highest = max(highest, min(1.0, (len(chances) - place) * chances[number]))
        adjusted[number] = highest
    return adjusted
