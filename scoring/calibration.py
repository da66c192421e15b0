"""Tell the severity of evaluators apart from the quality of applications.

Model, for one stage: points = panel (fixed) + application (random) + evaluator (random) + residual; the variances by
REML (`scoring.reml`), the effects by best linear unbiased prediction (Henderson 1975). A plain mean hands the luck of
the draw of evaluators to the applicant; this takes it back as far as the data allow, and says how far that is.

Panels may differ in two ways: their evaluators in severity, their applicants in quality. Only applications read in
two panels tell one from the other. So the effects are predicted with a mean of its own for each panel's applicants:
a difference in quality stays in the measure, a difference in severity is taken out, and `bridge_se` says how well
the bridges could tell. Variances and criterion are those of the model above.
"""

from collections.abc import Hashable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import combinations
from math import inf
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array, hstack

from scoring.fitting import fit
from scoring.ratings import Ratings
from scoring.reml import Solution, System, Variance

Floats = NDArray[np.float64]

SHOWN = 5  # names in a sentence; all of them are in `parts`
GATHER_ROWS = 50_000  # applications whose standard errors are computed at once: bounds the memory


class NotComparable(ValueError):
    """No chain of shared applications links these parts, so their points cannot be put on one scale.

    `parts` is a tuple of frozensets: labels of panels where each part has panels of its own, else of evaluators.
    """

    def __init__(self, parts: Sequence[frozenset[Any]]) -> None:
        first, *others = (_names(part) for part in parts)
        missing = "; ".join([*(f"{first} with {other}" for other in others[:SHOWN]), *["…"] * (len(others) > SHOWN)])
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
    `severity`: how many points fewer than the average evaluator of the panel this one gives (negative: more; 0 where a
    panel has one evaluator, who cannot be told from it); with `severity_se`
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
    system = System(ratings)
    fitted = fit(system.without_homes())
    solution = fitted if fitted.system is system else system.at(fitted.variance)
    return _calibration(ratings, solution, fitted.criterion)


def column_inverse(solution: Solution) -> Floats:
    """Inverse of the equations of panels and evaluators, in units of the residual variance: square, whole."""
    lower, random = solution.inverse(), solution.system.random
    whole: Floats = lower + lower.T
    np.fill_diagonal(whole, np.diag(lower))
    whole[random] *= solution.scale[random.start]
    whole[:, random] *= solution.scale[random.start]
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
    """NotComparable when evaluators and applications, or panels, fall into parts that no application links."""
    if ratings.linked_of.max() > 0:
        raise NotComparable(_labelled(ratings.linked_of, ratings.panels))
    if ratings.part_of.max() > 0:
        part = np.zeros(len(ratings.evaluators), dtype=np.int64)
        part[ratings.evaluator_of] = ratings.part_of[ratings.application_of]
        raise NotComparable(_labelled(part, ratings.evaluators))


def _labelled(part: NDArray[np.int64], labels: Sequence[Hashable]) -> list[frozenset[Any]]:
    parts: list[set[Hashable]] = [set() for _ in range(int(part.max()) + 1)]
    for number, label in zip(part, labels, strict=True):
        parts[number].add(label)
    return [frozenset(one) for one in parts]


def _names(labels: frozenset[Any]) -> str:
    names = sorted(map(str, labels))
    return "{" + ", ".join([*names[:SHOWN], *["…"] * (len(names) > SHOWN)]) + "}"


def _calibration(ratings: Ratings, solution: Solution, criterion: float) -> Calibration:
    system, alike = solution.system, ratings.is_flat
    variance = Variance(0.0, 0.0, 0.0) if alike else solution.variance
    inverse = column_inverse(solution)
    severity_se = np.sqrt(np.maximum(np.diag(inverse)[system.random], 0) * variance.residual)
    errors = application_errors(solution, inverse) * (not alike)
    counts = np.bincount(ratings.evaluator_of)
    return Calibration(
        measure=dict(zip(ratings.applications, measures(solution).tolist(), strict=True)),
        measure_se=dict(zip(ratings.applications, errors.tolist(), strict=True)),
        severity=dict(zip(ratings.evaluators, (0.0 - solution.columns[system.random]).tolist(), strict=True)),
        severity_se=dict(zip(ratings.evaluators, severity_se.tolist(), strict=True)),
        reviews=dict(zip(ratings.evaluators, counts.tolist(), strict=True)),
        variance=variance,
        icc_single=_share(variance, 1.0),
        icc_mean=_share(variance, len(system.reviews) / float((1 / system.reviews).sum())),
        reml_criterion=-inf if alike else criterion,
        components=[set(ratings.applications)],
        bridge_se=dict(_bridges(ratings, inverse[: system.panels, : system.panels] * variance.residual)),
        solution=solution,
    )


def measures(solution: Solution) -> Floats:
    """By application: its points, given by an evaluator of average severity in an average panel."""
    system = solution.system
    share = np.bincount(system.ratings.panel_of) / len(system.ratings)
    origin = system.centre + float(share @ solution.columns[: system.panels])
    found: Floats = origin + homes(system) @ solution.columns + solution.applications
    return found


def homes(system: System) -> csr_array:
    """Applications × columns: the mean of the applicants it belongs to; nothing where there is one panel."""
    width, others = system.rows.shape[1], system.random.stop
    empty = csr_array((len(system.reviews), others))
    return (
        empty if width == others else hstack([empty, system.ratings.home[:, system.ratings.told_homes]], format="csr")
    )


def _share(variance: Variance, reviews: float) -> float:
    """The application's share in the variance of a mean of so many ratings; 0 when nothing varies."""
    whole = variance.application + (variance.evaluator + variance.residual) / reviews
    return variance.application / whole if whole else 0.0


def _bridges(ratings: Ratings, covariance: Floats) -> Iterator[tuple[tuple[Any, Any], float]]:
    for one, other in combinations(range(len(ratings.panels)), 2):
        squared = covariance[one, one] + covariance[other, other] - 2 * covariance[one, other]
        yield (ratings.panels[one], ratings.panels[other]), float(np.sqrt(max(squared, 0.0)))


def application_errors(solution: Solution, inverse: Floats) -> Floats:
    """Standard error of each application's distance from the average one, in points.

    `inverse` is that of the equations of the columns, in units of the residual variance.
    """
    system, shrink = solution.system, solution.shrink
    spread = shrink**2 * _quadratic(system.design, inverse)
    own = homes(system)
    if own.nnz:
        fixed = slice(system.random.stop, None)
        distance = own[:, fixed].toarray() - own[:, fixed].toarray().mean(axis=0)
        both = np.einsum("ij,ij->i", system.design @ inverse[:, fixed], distance)
        spread += np.einsum("ij,ij->i", distance @ inverse[fixed, fixed], distance) - 2 * shrink * both
    return np.sqrt(solution.variance.residual * (shrink + np.maximum(spread, 0)))


def _quadratic(design: csr_array, inverse: Floats) -> Floats:
    """By row of the design: row · inverse · row."""
    widths, found = np.diff(design.indptr), np.zeros(design.shape[0])
    for width in np.unique(widths):
        alike = np.flatnonzero(widths == width)
        for rows in np.array_split(alike, len(alike) // GATHER_ROWS + 1):
            places = design.indptr[rows][:, None] + np.arange(width)
            columns, counts = design.indices[places], design.data[places]
            pairs = inverse[columns[:, :, None], columns[:, None, :]]
            found[rows] = np.einsum("rij,ri,rj->r", pairs, counts, counts)
    return found
