"""The fit behind `misfit`: a many-facet rating scale model by marginal maximum likelihood, in whole-number codes.

EM over a grid of application measures, with one Newton step at a time for all evaluators, criteria and thresholds.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import linalg, sparse

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

REACH = 6.0  # the grid's ends, in standard deviations of the applications
NODES, MOST_NODES = 41, 241
COARSEST = 1.5  # the widest spacing of the grid, in standard deviations of what is known of one application
PRIOR = 5.0
LEAST_SPREAD = 0.02  # of applications, in logits: held there when they do not differ
SMALLEST = 1e-10  # a variance below it is rounding
CLOSE, ROUNDS, LONGEST_STEP = 1e-6, 400, 1.0


@dataclass(frozen=True, slots=True)
class Design:
    """Ratings by number, arrays of one length: who was judged, by whom, on what, and which category from 0.

    `scale` is that of each criterion, `categories` the number of categories of each scale.
    """

    application: Ints
    evaluator: Ints
    criterion: Ints
    category: Ints
    scale: Ints
    categories: Ints

    @property
    def evaluators(self) -> int:
        """How many there are."""
        return int(self.evaluator.max()) + 1


@dataclass(frozen=True, slots=True)
class Fit:
    """Estimates in logits, and by cell (evaluator and criterion) what mean squares are made of.

    `squares` are expected squared residuals, `variance` what the model expects of them, `standard` the sum of their
    quotients; each is summed over the cell's ratings and averaged over what is known of each application.
    """

    severity: Floats
    difficulty: Floats
    thresholds: Floats
    spread: float
    cell_evaluator: Ints
    cell_criterion: Ints
    ratings: Floats
    squares: Floats
    variance: Floats
    standard: Floats


class _Model:
    """The cells of a design, and the parameters: severities, difficulties, thresholds, spread, in one vector."""

    def __init__(self, design: Design) -> None:
        self.e, self.j = design.evaluators, len(design.scale)
        self.k, self.g = int(design.categories.max()), len(design.categories)
        pairs, cell = np.unique(design.evaluator * self.j + design.criterion, return_inverse=True)
        self.cell_evaluator, self.cell_criterion = np.divmod(pairs, self.j)
        self.c = len(pairs)
        self.cell_scale = design.scale[self.cell_criterion]
        people = int(design.application.max()) + 1
        where = (design.application, cell * self.k + design.category)
        self.counts = sparse.csr_array((np.ones(len(cell)), where), shape=(people, self.c * self.k))
        self.turned = sparse.csr_array(self.counts.T)
        self.ratings = np.bincount(cell, minlength=self.c).astype(np.float64)
        self.exists = np.arange(self.k) < design.categories[self.cell_scale][:, None]
        rows = np.arange(self.c)
        places = (np.tile(rows, 2), np.concatenate([self.cell_evaluator, self.e + self.cell_criterion]))
        self.location = sparse.csr_array((np.ones(2 * self.c), places), shape=(self.c, self.e + self.j))
        self.of_scale = (self.cell_scale == np.arange(self.g)[:, None]).astype(np.float64)
        steps = [_centred(int(n) - 1, self.k - 1) for n in design.categories]
        self.free = linalg.block_diag(_centred(self.e, self.e), np.eye(self.j), *steps, np.eye(1))
        self.size = self.free.shape[0]

    def split(self, x: Floats) -> tuple[Floats, Floats, float]:
        """Location of each cell, thresholds by scale, spread."""
        steps = x[self.e + self.j : -1].reshape(self.g, self.k - 1)
        return self.location @ x[: self.e + self.j], steps, float(x[-1])

    def log_chances(self, x: Floats, z: Floats) -> Floats:
        """Of each category, by cell and node: shape (cells, categories, nodes)."""
        where, steps, spread = self.split(x)
        paid = np.concatenate([np.zeros((self.g, 1)), np.cumsum(steps, axis=1)], axis=1)[self.cell_scale]
        gained = np.arange(self.k)[:, None] * (spread * z - where[:, None])[:, None, :]
        odds = np.where(self.exists[:, :, None], gained - paid[:, :, None], -np.inf)
        odds = odds - odds.max(axis=1, keepdims=True)
        return np.asarray(odds - np.log(np.exp(odds).sum(axis=1, keepdims=True)))

    def known(self, chances: Floats, z: Floats) -> Floats:
        """What is known of each application given its ratings: weights of the nodes, shape (applications, nodes)."""
        usable = np.where(self.exists[:, :, None], chances, 0.0).reshape(self.c * self.k, -1)
        log = self.counts @ usable - z**2 / 2
        weights = np.exp(log - log.max(axis=1, keepdims=True))
        return np.asarray(weights / weights.sum(axis=1, keepdims=True))

    def settled(self, x: Floats, z: Floats, weights: Floats) -> Floats:
        """Applications brought back to mean 0 and deviation 1, the rest shifted with them (parameter expansion)."""
        mean = float((weights @ z).mean())
        spread = float(np.sqrt(max((weights @ z**2).mean() - mean**2, SMALLEST)))
        after = x.copy()
        after[self.e : self.e + self.j] -= x[-1] * mean
        after[-1] = max(after[-1] * spread, LEAST_SPREAD)
        return after


def _centred(size: int, room: int) -> Floats:
    """Columns that span vectors of `size` numbers adding up to 0, with rows of zeros up to `room`."""
    basis = np.zeros((room, max(size - 1, 0)))
    basis[: size - 1] = np.eye(max(size - 1, 0))
    basis[size - 1 : size] = -1
    return basis


def fit_facets(design: Design) -> Fit:
    """Fit; a normal prior with a standard deviation of 5 logits keeps evaluators who only used one end finite."""
    with np.errstate(under="ignore"):
        model = _Model(design)
        x = np.zeros(model.size)
        x[-1] = 1.0
        nodes = NODES
        while True:
            z = np.linspace(-REACH, REACH, nodes)
            x, weights = _climb(model, x, z)
            mean = weights @ z
            narrowest = float(np.quantile(np.sqrt(np.maximum(weights @ z**2 - mean**2, SMALLEST)), 0.05))
            needed = int(2 * REACH / (COARSEST * narrowest)) + 2
            if needed <= nodes or nodes >= MOST_NODES:
                return _fit(model, x, z, weights)
            nodes = min(needed, 3 * nodes - 2, MOST_NODES)


def _climb(model: _Model, x: Floats, z: Floats) -> tuple[Floats, Floats]:
    """Steps until none is longer than a millionth of a logit. Gives the parameters and what is known by application."""
    for _round in range(ROUNDS):
        chances = model.log_chances(x, z)
        weights = model.known(chances, z)
        step = _newton(model, x, z, np.exp(chances), weights)
        longest = float(np.abs(step).max())
        after = model.settled(x + step * min(1.0, LONGEST_STEP / max(longest, SMALLEST)), z, weights)
        moved, x = float(np.abs(after - x).max()), after
        if moved < CLOSE:
            break
    return x, model.known(model.log_chances(x, z), z)


def _newton(model: _Model, x: Floats, z: Floats, p: Floats, weights: Floats) -> Floats:
    """One step towards the maximum, given what is known of each application."""
    e = model.e + model.j
    counted = (model.turned @ weights).reshape(model.c, model.k, -1)
    n = counted.sum(axis=1)
    upper = np.cumsum(p[:, :0:-1], axis=1)[:, ::-1]  # the chance of category j or above, j from 1
    gap = np.cumsum(counted[:, :0:-1], axis=1)[:, ::-1] - n[:, None] * upper
    level = upper.sum(axis=1)
    later = np.cumsum(upper[:, ::-1], axis=1)[:, ::-1] - upper
    along = np.arange(1, model.k)[:, None] * upper + later - upper * level[:, None]
    variance = along.sum(axis=1)
    residual = gap.sum(axis=1)

    gradient = np.zeros(model.size)
    gradient[:e] = -(model.location.T @ residual.sum(axis=1))
    gradient[e:-1] = -(model.of_scale @ gap.sum(axis=2)).ravel()
    gradient[-1] = np.sum(residual @ z)
    weight = np.full(model.size, 1 / PRIOR**2)
    weight[-1] = 0
    information = _information(model, z, n, upper, along, variance) + np.diag(weight)
    information[-1, -1] += SMALLEST
    inside = model.free.T @ information @ model.free
    uphill = model.free.T @ (gradient - weight * x)
    return np.asarray(model.free @ linalg.cho_solve(linalg.cho_factor(inside), uphill))


def _information(model: _Model, z: Floats, n: Floats, upper: Floats, along: Floats, variance: Floats) -> Floats:
    """Of all parameters at once, as if the measures of the applications were known."""
    e, steps = model.e + model.j, model.k - 1
    by_cell = np.einsum("cq,cjq->cj", n, along)
    pull = np.einsum("cq,q,cjq->cj", n, z, along)
    tall = np.einsum("cq,cjq->cj", n, upper)
    higher = np.maximum.outer(np.arange(steps), np.arange(steps))
    joint = tall[:, higher] - np.einsum("cq,ciq,cjq->cij", n, upper, upper, optimize=True)

    whole = np.zeros((model.size, model.size))
    whole[:e, :e] = (model.location.T @ sparse.diags_array(np.sum(n * variance, axis=1)) @ model.location).toarray()
    for scale in range(model.g):
        mine = model.cell_scale == scale
        block = slice(e + scale * steps, e + (scale + 1) * steps)
        whole[block, block] = joint[mine].sum(axis=0)
        whole[:e, block] = model.location[mine].T @ by_cell[mine]
        whole[block, -1] = -pull[mine].sum(axis=0)
    whole[:e, -1] = -(model.location.T @ pull.sum(axis=1))
    whole[-1, -1] = np.sum((n * variance) @ z**2)
    lower = np.tril_indices(model.size, -1)
    whole[lower] = whole.T[lower]
    return whole


def _fit(model: _Model, x: Floats, z: Floats, weights: Floats) -> Fit:
    p = np.exp(model.log_chances(x, z))
    counted = (model.turned @ weights).reshape(model.c, model.k, -1)
    category = np.arange(model.k)[:, None]
    level = np.sum(category * p, axis=1, keepdims=True)
    variance = np.maximum(np.sum((category - level) ** 2 * p, axis=1), SMALLEST)
    squares = np.sum(counted * (category - level) ** 2, axis=1)
    steps = x[model.e + model.j : -1].reshape(model.g, -1)
    return Fit(
        severity=x[: model.e],
        difficulty=x[model.e : model.e + model.j],
        thresholds=steps,
        spread=abs(float(x[-1])),
        cell_evaluator=model.cell_evaluator,
        cell_criterion=model.cell_criterion,
        ratings=model.ratings,
        squares=squares.sum(axis=1),
        variance=np.sum(counted.sum(axis=1) * variance, axis=1),
        standard=np.sum(squares / variance, axis=1),
    )
