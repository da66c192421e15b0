"""Variance components by restricted maximum likelihood (REML), for two crossed random effects.

points = panel (fixed) + application (random) + evaluator (random) + residual. Method: Patterson and Thompson (1971);
average information by Gilmour, Thompson and Cullis (1995). The many applications are eliminated exactly, one by one;
what is left is a dense matrix of panels and evaluators, so that a fit costs a few Cholesky factors of that matrix.
"""

from collections.abc import Iterator
from copy import copy
from dataclasses import dataclass
from math import log, pi

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import cho_solve, lapack
from scipy.sparse import csr_array, diags_array

from scoring.ratings import Ratings

Floats = NDArray[np.float64]

ITERATIONS = 200
TOLERANCE = 1e-10  # what the last step may still gain in the criterion, for each rating
RESIDUAL_FLOOR = 1e-6  # share of the variance below which a component is not followed: far below a hundredth of a point
TURNS = 6  # of fitting effects by turns, for a start
FEW_SIZES = 6  # as many products are kept, one for each number of reviews an application has


@dataclass(frozen=True, slots=True)
class Variance:
    """Variance components in squared points. A component held at 0 was not detected in these data."""

    application: float
    evaluator: float
    residual: float

    @property
    def total(self) -> float:
        return self.application + self.evaluator + self.residual


class System:
    """The mixed model equations of one set of ratings, ready to be solved for any variances.

    Columns are the panels, then the evaluators; then, where there are several panels, the homes of applications but
    the first, so that applicants of different panels may differ in quality. Points are kept centred, so that large
    means cost no digits.
    """

    def __init__(self, ratings: Ratings) -> None:
        self.ratings = ratings
        self.panels, self.evaluators = len(ratings.panels), len(ratings.evaluators)
        self.random = slice(self.panels, self.panels + self.evaluators)
        self.centre = float(ratings.values.mean())
        self.points = ratings.values - self.centre
        self.reviews = np.bincount(ratings.application_of).astype(float)
        self.sizes, self.size_of = np.unique(self.reviews, return_inverse=True)
        self.rows: csr_array = ratings.design
        self.columns: csr_array = self.rows.T.tocsr()
        self.design = self._design()
        self.gram: Floats = (self.columns @ self.rows).toarray()
        self._products = list(self._by_size())

    def without_homes(self) -> "System":
        """The same equations, the homes of applications left out: the model whose variances are fitted."""
        width = self.random.stop
        if width == self.rows.shape[1]:
            return self
        plain = copy(self)
        plain.rows, plain.design = self.rows[:, :width].tocsr(), self.design[:, :width].tocsr()
        plain.columns = self.columns[:width].tocsr()
        plain.gram = self.gram[:width, :width]
        plain._products = [product[:width, :width] for product in self._products]
        return plain

    @property
    def freedom(self) -> int:
        """Ratings less fixed columns."""
        return len(self.points) - int(self.rows.shape[1]) + self.evaluators

    def _design(self) -> csr_array:
        """Applications × columns: the rows of each application added up. Rows stand in the order of applications."""
        starts = np.concatenate([[0.0], np.cumsum(self.reviews)]).astype(int)
        ones = np.ones(len(self.points))
        summing = csr_array((ones, np.arange(len(ones)), starts), shape=(len(self.reviews), len(ones)))
        return (summing @ self.rows).tocsr()

    def _by_size(self) -> Iterator[Floats]:
        if len(self.sizes) > FEW_SIZES:
            return
        for number in range(len(self.sizes)):
            rows = self.design[self.size_of == number]
            yield (rows.T @ rows).toarray()

    def cross(self, weights: Floats) -> Floats:
        """Sum over applications of weight × (its row of the design) squared; one weight for each of the sizes."""
        if not self._products:
            weighted: csr_array = diags_array(weights[self.size_of]) @ self.design
            dense: Floats = (self.design.T @ weighted).toarray()
            return dense
        found: Floats = weights[0] * self._products[0]
        for weight, product in zip(weights[1:], self._products[1:], strict=True):
            found += weight * product
        return found

    def by_application(self, rows: Floats) -> Floats:
        """Sum of one value per rating, by application."""
        return np.bincount(self.ratings.application_of, weights=rows, minlength=len(self.reviews)).astype(float)

    def spread(self, columns: Floats, applications: Floats) -> Floats:
        """By rating: the effects of its columns and of its application together."""
        found: Floats = self.rows @ columns + applications[self.ratings.application_of]
        return found

    def at(self, variance: Variance) -> "Solution":
        """The equations solved for these variances (the residual one above 0)."""
        return Solution(self, variance)


class Solution:
    """The equations at given variances: effects, criterion, and what their inverse holds."""

    def __init__(self, system: System, variance: Variance) -> None:
        self.system, self.variance = system, variance
        self.ratio = variance.application / variance.residual
        self.shrink = _shrink(self.ratio, system.reviews)
        root = np.sqrt(variance.evaluator / variance.residual)
        self.scale = np.ones(system.rows.shape[1])
        self.scale[system.random] = root
        matrix = system.cross(_shrink(self.ratio, system.sizes))
        np.subtract(system.gram, matrix, out=matrix)
        matrix[system.random] *= root
        matrix[:, system.random] *= root
        np.einsum("ii->i", matrix)[system.random] += 1.0
        # Symmetric, so that its transpose is the same matrix in the order that LAPACK wants.
        self.factor, failed = lapack.dpotrf(matrix.T, lower=1, clean=1, overwrite_a=1)
        if failed:
            raise np.linalg.LinAlgError("the equations are singular")
        self.columns, self.applications, self.residuals = self.effects(system.points)

    def effects(self, points: Floats) -> tuple[Floats, Floats, Floats]:
        """Effects of columns and of applications for these points (by rating), and what is left of each rating."""
        system = self.system
        sums = system.by_application(points)
        right = (system.columns @ (points - self.shrunk(sums))) * self.scale
        columns: Floats = cho_solve((self.factor, True), right, check_finite=False) * self.scale
        applications = self.shrink * (sums - system.design @ columns)
        return columns, applications, points - system.spread(columns, applications)

    def shrunk(self, sums: Floats) -> Floats:
        """By rating: what its application's effect would be from these sums alone."""
        found: Floats = (self.shrink * sums)[self.system.ratings.application_of]
        return found

    @property
    def criterion(self) -> float:
        """−2 log restricted likelihood, with its constant."""
        residual = self.variance.residual
        determinant = np.log1p(self.ratio * self.system.reviews).sum() + 2 * np.log(np.diag(self.factor)).sum()
        # y'Py: the points against what the model leaves of them.
        misfit = self.system.points @ self.residuals / residual
        return float(self.system.freedom * log(2 * pi * residual) + determinant + misfit)

    def inverse(self) -> Floats:
        """The inverse of the scaled matrix: lower triangle, zeros above."""
        lower: Floats = lapack.dpotri(self.factor, lower=1, overwrite_c=0)[0]
        return lower

    def gradient(self, inverse: Floats) -> Floats:
        """Of the criterion, by the variance of application, evaluator and residual."""
        system, variance = self.system, self.variance
        projected = self.residuals / variance.residual
        sums = (system.by_application(projected), (system.columns @ projected)[system.random], projected)
        squares = np.array([part @ part for part in sums])
        application, evaluator = self._application_trace(inverse), self._evaluator_trace(inverse)
        explained = variance.application * application + variance.evaluator * evaluator
        traces = np.array([application, evaluator, (system.freedom - explained) / variance.residual])
        gradient: Floats = traces - squares
        return gradient

    def _application_trace(self, inverse: Floats) -> float:
        share = 1 / (1 + self.ratio * self.system.sizes)
        cross = self.system.cross(share**2)
        reviews = float(self.system.reviews @ share[self.system.size_of])
        # x'Cx summed over the lower triangle twice, less the diagonal once; the scale is applied to the sums.
        np.multiply(cross, inverse, out=cross)
        diagonal = np.diag(cross) * self.scale**2
        both = 2 * self.scale @ cross @ self.scale - diagonal.sum()
        return (reviews - float(both)) / self.variance.residual

    def _evaluator_trace(self, inverse: Floats) -> float:
        random, variance = self.system.random, self.variance
        if variance.evaluator > 0:
            return float(self.system.evaluators - np.diag(inverse)[random].sum()) / variance.evaluator
        # At the boundary the evaluators' columns drop out: what panels alone explain is taken off.
        matrix = self.system.gram - self.system.cross(_shrink(self.ratio, self.system.sizes))
        fixed = np.delete(np.delete(matrix, random, axis=0), random, axis=1)
        mixed = np.delete(matrix[:, random], random, axis=0)
        explained = np.sum(mixed * np.linalg.solve(fixed, mixed))
        return float(np.trace(matrix[random, random]) - explained) / variance.residual

    def information(self) -> Floats:
        """Average information of the criterion: a 3 × 3 matrix, positive semidefinite."""
        system, residual = self.system, self.variance.residual
        projected = self.residuals / residual
        applications, columns = system.by_application(projected), np.zeros(system.rows.shape[1])
        columns[system.random] = (system.columns @ projected)[system.random]
        none_a, none_c = np.zeros_like(applications), np.zeros_like(columns)
        working = [system.spread(none_c, applications), system.spread(columns, none_a), projected]
        left = [self.effects(vector)[2] / residual for vector in working]
        return np.array([[one @ other for other in left] for one in working])


def _shrink(ratio: float, reviews: Floats) -> Floats:
    """What an application's effect keeps of the sum of its residuals; 0 when applications do not vary."""
    kept: Floats = ratio / (1 + ratio * reviews)
    return kept


def fit(system: System) -> Solution:
    """The variances that minimise the criterion, none below 0, and the equations solved there."""
    total = float(np.var(system.points))
    if system.ratings.is_flat or total == 0:  # all alike: any residual will do, nothing else varies
        return system.at(Variance(0.0, 0.0, 1.0))
    theta = _start(system, total)
    solution = system.at(Variance(*theta))
    for _round in range(ITERATIONS):
        step, gain = _step(solution, total)
        if gain < TOLERANCE * max(len(system.points), 1000):
            return _moved(system, solution, step, total)
        following = _search(system, solution, step, total)
        if following is None:
            break
        solution = following
    return solution


def _start(system: System, total: float) -> Floats:
    """Rough variances by moments, after effects fitted by turns to what the others leave."""
    ratings, panels = system.ratings, slice(system.panels)
    counts = np.bincount(ratings.evaluator_of)
    applications, columns = np.zeros_like(system.reviews), np.zeros(system.rows.shape[1])
    for _turn in range(TURNS):
        applications = system.by_application(system.points - system.rows @ columns) / system.reviews
        left = system.points - applications[ratings.application_of]
        fixed = np.zeros_like(columns)
        fixed[panels] = (system.columns @ left)[panels] / np.bincount(ratings.panel_of)
        columns = fixed.copy()
        columns[system.random] = (system.columns @ (left - system.rows @ fixed))[system.random] / counts
    left = system.points - system.spread(columns, applications)
    freedom = len(left) - len(applications) - system.evaluators + 1
    residual = float(left @ left) / freedom if freedom > 0 else total / 3
    severity = float(np.mean(columns[system.random] ** 2 - residual / counts))
    quality = float(np.var(applications) - residual * np.mean(1 / system.reviews))
    found = np.maximum([quality, severity, residual], [total / 20, residual / 20, total / 100])
    found[1] *= ratings.severity_is_told
    return found


def _step(solution: Solution, total: float) -> tuple[Floats, float]:
    """A step of the three variances, none of which falls below its edge, and the gain that it promises."""
    variance = solution.variance
    theta = np.array([variance.application, variance.evaluator, variance.residual])
    least = np.array([0.0, 0.0, RESIDUAL_FLOOR * total]) - theta
    gradient, information = solution.gradient(solution.inverse()), solution.information()
    if not solution.system.ratings.severity_is_told:
        gradient[1] = 1.0  # flat there: it stays at 0
    choices = [_newton(gradient, information, least), *_single(gradient, information, least)]
    gains = [float(-gradient @ step - step @ information @ step / 2) for step in choices]
    # The whole step, unless a variance alone promises far more: where its information vanishes, or at an edge.
    best = int(np.argmax(gains))
    best = 0 if gains[0] >= gains[best] / 2 else best
    return choices[best], gains[best]


def _newton(gradient: Floats, information: Floats, least: Floats) -> Floats:
    """The step to where the criterion looks lowest; a variance that would fall below its edge stops there."""
    step, free = np.zeros(3), (least < 0) | (gradient < 0)
    for _pinned in range(3):
        held = gradient[free] + information[np.ix_(free, ~free)] @ step[~free]
        # Least squares: with hardly any rows the information can be singular.
        step[free] = -np.linalg.lstsq(information[np.ix_(free, free)], held, rcond=1e-14)[0]
        below = free & (step < least)
        if not below.any():
            break
        step[below] = least[below]
        free &= ~below
    return step


def _single(gradient: Floats, information: Floats, least: Floats) -> Iterator[Floats]:
    """Steps of one variance alone. One that the data say nothing against falls to its edge."""
    for part in range(3):
        step = np.zeros(3)
        downhill = gradient[part] >= -least[part] * information[part, part] or information[part, part] <= 0
        step[part] = least[part] if downhill else -gradient[part] / information[part, part]
        yield step


def _search(system: System, solution: Solution, step: Floats, total: float) -> Solution | None:
    """The first of ever shorter steps that lowers the criterion; None when none does."""
    for _halving in range(30):
        following = _moved(system, solution, step, total)
        if following.criterion < solution.criterion:
            return following
        step = step / 2
    return None


def _moved(system: System, solution: Solution, step: Floats, total: float) -> Solution:
    """The equations at variances one step on; a variance that all but vanishes is held at 0."""
    variance = solution.variance
    found = np.array([variance.application, variance.evaluator, variance.residual]) + step
    found[:2][found[:2] < RESIDUAL_FLOOR * total] = 0.0
    return system.at(Variance(*map(float, found)))
