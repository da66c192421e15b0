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
