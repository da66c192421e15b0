"""Tell the severity of evaluators apart from the quality of applications.

Model, for one stage: points = panel (fixed) + application (random) + evaluator (random) + residual; the variances by
REML (`scoring.reml`), the effects by best linear unbiased prediction (Henderson 1975). A plain mean hands the luck of
the draw of evaluators to the applicant; this takes it back as far as the data allow, and says how far that is.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scoring.ratings import Ratings
from scoring.reml import Solution, System, Variance, fit

Floats = NDArray[np.float64]

GATHER_ROWS = 50_000  # applications whose standard errors are computed at once: bounds the memory


class NotComparable(ValueError):
    """No chain of shared applications links these parts, so their points cannot be put on one scale.

    `parts` is a tuple of frozensets: labels of panels where each part has panels of its own, else of evaluators.
    """

    def __init__(self, parts: Sequence[frozenset[Any]]) -> None:
        first, *others = (_names(part) for part in parts)
        missing = "; ".join(f"{first} with {other}" for other in others)
        super().__init__(
            f"{len(parts)} parts share no application and cannot be compared. Have at least one application of each "
            f"read in the other. Missing: {missing}."
        )
        self.parts = tuple(parts)


class NotEstimable(ValueError):
    """There are too few ratings to tell evaluators from applications. The sentence says what is missing."""


@dataclass(frozen=True, eq=False)
class Calibration:
    """What the model says about one stage. Points are out of 100, as they came in.

    `measure`: an application's points as the average evaluator would have given them (shrunk towards the mean);
    `measure_se`: standard error of its distance from the average application, variances taken as known.
    `severity`: how many points fewer than the average evaluator this one gives (negative: more); with `severity_se`
    and `reviews`, the number of sheets behind it: with few, severity shrinks to 0 and says nothing.
    `variance`: components; one at exactly 0 was not detected. `icc_single`, `icc_mean`: share of the application in
    the variance of one rating, and of the mean of as many as applications have (harmonic mean), absolute agreement.
    `reml_criterion`: −2 log restricted likelihood with its constant, as lme4 prints it; −inf when all points are
    alike. `components`: the sets of applications that can
    be compared; always one, for else there is no calibration. `bridge_se`: by pair of panels, the standard error of
    the difference between them.
    """

    measure: Mapping[Any, float]
    measure_se: Mapping[Any, float]
    severity: Mapping[Any, float]
    severity_se: Mapping[Any, float]
    reviews: Mapping[Any, int]
    variance: Variance
    icc_single: float
    icc_mean: float
    reml_criterion: float
    components: list[set[Any]]
    bridge_se: Mapping[tuple[Any, Any], float]
    solution: Solution = field(repr=False)

    @property
    def severity_detected(self) -> bool:
        """Whether evaluators differ by more than chance, as far as these data can tell."""
        return self.variance.evaluator > 0


def calibrate(ratings: Ratings) -> Calibration:
    """Fit the model and predict every effect with its standard error.

    NotComparable, naming the parts, when shared applications do not link all evaluators. NotEstimable when there is
    only one application, one evaluator, or no application with two ratings. No variation at all is an answer:
    everything is the same.

    >>> ratings = Ratings("aabbccdd", "xyyzzxxy", [80, 70, 60, 62, 41, 50, 90, 81])
    >>> found = calibrate(ratings)
    >>> max(found.measure, key=found.measure.get), max(found.severity, key=found.severity.get)
    ('d', 'y')
    """
    check_estimable(ratings)
    check_comparable(ratings)
    solution = fit(System(ratings))
    return _calibration(ratings, solution, column_inverse(solution))


def column_inverse(solution: Solution) -> Floats:
    """Inverse of the equations of panels and evaluators, in units of the residual variance: square, whole."""
    lower = solution.inverse()
    whole = lower + np.tril(lower, -1).T
    whole *= solution.scale[:, None]
    whole *= solution.scale
    return whole


def check_estimable(ratings: Ratings) -> None:
    """NotEstimable when the ratings cannot hold an answer."""
    if len(ratings.applications) < 2:
        raise NotEstimable("there is one application only: calibration compares at least two")
    if len(ratings.evaluators) < 2:
        raise NotEstimable("there is one evaluator only: severity shows when two or more read the same applications")
    if len(ratings) == len(ratings.applications):
        raise NotEstimable("every application has one rating only: have some read by a second evaluator")
    if len(ratings) <= len(ratings.panels) + 1:
        raise NotEstimable("there are fewer ratings than panels need: have more applications read")


def check_comparable(ratings: Ratings) -> None:
    """NotComparable when evaluators and applications fall into parts that nothing links."""
    parts = int(ratings.part_of.max()) + 1
    if parts == 1:
        return
    part_of_row = ratings.part_of[ratings.application_of]
    panels: list[set[Hashable]] = [set() for _ in range(parts)]
    evaluators: list[set[Hashable]] = [set() for _ in range(parts)]
    for part, panel, evaluator in zip(part_of_row, ratings.panel_of, ratings.evaluator_of, strict=True):
        panels[part].add(ratings.panels[panel])
        evaluators[part].add(ratings.evaluators[evaluator])
    apart = all(one.isdisjoint(other) for one, other in combinations(panels, 2))
    raise NotComparable([frozenset(part) for part in (panels if apart else evaluators)])


def _names(labels: frozenset[Any]) -> str:
    names = sorted(map(str, labels))
    return "{" + ", ".join(names[:5]) + (", …}" if len(names) > 5 else "}")


def _calibration(ratings: Ratings, solution: Solution, inverse: Floats) -> Calibration:
    system, alike = solution.system, bool(np.ptp(ratings.values) == 0)
    variance = Variance(0.0, 0.0, 0.0) if alike else solution.variance
    panels = system.panels
    share = np.bincount(ratings.panel_of) / len(ratings)
    origin = system.centre + float(share @ solution.columns[:panels])
    severity_se = np.sqrt(np.maximum(np.diag(inverse)[panels:], 0) * variance.residual)
    counts = np.bincount(ratings.evaluator_of)
    return Calibration(
        measure=dict(zip(ratings.applications, (origin + solution.applications).tolist(), strict=True)),
        measure_se=dict(zip(ratings.applications, _application_errors(solution, inverse).tolist(), strict=True)),
        severity=dict(zip(ratings.evaluators, (0.0 - solution.columns[panels:]).tolist(), strict=True)),
        severity_se=dict(zip(ratings.evaluators, severity_se.tolist(), strict=True)),
        reviews=dict(zip(ratings.evaluators, counts.tolist(), strict=True)),
        variance=variance,
        icc_single=_share(variance, 1.0),
        icc_mean=_share(variance, len(system.reviews) / float((1 / system.reviews).sum())),
        reml_criterion=-inf if alike else solution.criterion,
        components=[set(ratings.applications)],
        bridge_se=dict(_bridges(ratings, inverse[:panels, :panels] * variance.residual)),
        solution=solution,
    )


def _share(variance: Variance, reviews: float) -> float:
    """The application's share in the variance of a mean of so many ratings; 0 when nothing varies."""
    whole = variance.application + (variance.evaluator + variance.residual) / reviews
    return variance.application / whole if whole else 0.0


def _bridges(ratings: Ratings, covariance: Floats) -> Iterator[tuple[tuple[Any, Any], float]]:
    for one, other in combinations(range(len(ratings.panels)), 2):
        squared = covariance[one, one] + covariance[other, other] - 2 * covariance[one, other]
        yield (ratings.panels[one], ratings.panels[other]), float(np.sqrt(max(squared, 0.0)))


def _application_errors(solution: Solution, inverse: Floats) -> Floats:
    """Standard error of each application's effect, in points: square root of its prediction error variance."""
    design, shrink = solution.system.design, solution.shrink
    widths = np.diff(design.indptr)
    spread = np.zeros(len(shrink))
    for width in np.unique(widths):
        alike = np.flatnonzero(widths == width)
        for rows in np.array_split(alike, len(alike) // GATHER_ROWS + 1):
            places = design.indptr[rows][:, None] + np.arange(width)
            columns, counts = design.indices[places], design.data[places]
            pairs = inverse[columns[:, :, None], columns[:, None, :]]
            spread[rows] = np.einsum("rij,ri,rj->r", pairs, counts, counts)
    return np.sqrt(solution.variance.residual * (shrink + shrink**2 * spread))
