"""How sure a ranking is: joint draws of all applications from what the ratings leave open.

Below 500 applications the variances themselves are uncertain, and taking them as known would make the ranking look
surer than it is: they are drawn too, over a grid of the two ratios to the residual, with flat priors on the three
standard deviations (the residual's on its logarithm). From 500 applications on they are held at their estimates.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from math import isfinite
from numbers import Integral
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import solve_triangular
from scipy.sparse import diags_array

from scoring.calibration import Calibration, homes, measures
from scoring.reml import Solution, System, Variance
from scoring.tally import EXACT, Tally

Floats = NDArray[np.float64]

ENOUGH = 500  # applications from which variances are held at their estimates
BLOCK = 50  # draws made at once: bounds the memory
GRID = 16
NEGLIGIBLE = 1e-4  # weight, against the highest, below which the grid is not followed

Calibrations = Calibration | Sequence[tuple[float, Calibration]]


@dataclass(frozen=True, eq=False)
class RankUncertainty:
    """What the draws say about the ranking, by application.

    `p_top`: share of the draws in which it is among the best `places` (they add up to the places).
    `expected_rank`: its mean rank, from 1; `pcer` = 100 (expected rank − 0.5) / N, from 0 (best) to 100.
    `accuracy`: mean `p_top` of those who would be chosen by their measure: the decision's own hit rate.
    """

    p_top: Mapping[Any, float]
    expected_rank: Mapping[Any, float]
    pcer: Mapping[Any, float]
    accuracy: float
    places: int
    draws: int
    ranks: NDArray[np.uint16] = field(repr=False)  # draws × applications; ranks / unit
    unit: float = field(repr=False)

    def interval(self, level: float = 0.95) -> dict[Any, tuple[float, float]]:
        """By application the ranks between which it lies in this share of the draws. ValueError outside (0, 1)."""
        if not 0 < level < 1:
            raise ValueError("the level must lie between 0 and 1")
        tails = [(1 - level) / 2, (1 + level) / 2]
        ends: dict[Any, tuple[float, float]] = {}
        keys = list(self.p_top)
        for start in range(0, len(keys), EXACT):
            columns = self.ranks[:, start : start + EXACT]
            low, high = np.quantile(columns, tails, axis=0, method="inverted_cdf") * self.unit
            pairs = zip(np.maximum(low, 1).tolist(), np.maximum(high, 1).tolist(), strict=True)
            ends.update(zip(keys[start : start + EXACT], pairs, strict=True))
        return ends


def rank_uncertainty(calibration: Calibrations, places: int, draws: int = 1000, seed: int = 0) -> RankUncertainty:
    """Draw all applications together `draws` times and look who is among the best `places`.

    `calibration`: one stage, or pairs of weight and calibration, of which those applications count that all have.
    The same seed gives the same answer, whatever the order of the ratings. ValueError for negative places or no draw.
    """
    if not isinstance(places, Integral) or not isinstance(draws, Integral) or places < 0 or draws < 1:
        raise ValueError("places cannot be negative, there must be at least one draw, and both are whole numbers")
    keys, blocks = posterior_draws(calibration, draws, seed)
    count, places = len(keys), min(places, len(keys))
    tally = Tally(count, draws, places)
    for block in blocks:
        tally.add(block)
    expected, top = tally.mean_rank, tally.top_share
    measure = combined_measure(calibration, keys)
    chosen = np.argsort(-measure, kind="stable")[:places]
    return RankUncertainty(
        p_top=dict(zip(keys, top.tolist(), strict=True)),
        expected_rank=dict(zip(keys, expected.tolist(), strict=True)),
        pcer=dict(zip(keys, (100 * (expected - 0.5) / count).tolist(), strict=True)),
        accuracy=float(top[chosen].mean()) if places else 0.0,
        places=places,
        draws=draws,
        ranks=tally.ranks,
        unit=tally.unit,
    )


def combined_measure(calibration: Calibrations, keys: Sequence[Any]) -> Floats:
    """The calibrated points of these applications: of one stage, or the weighted sum of several."""
    parts = _parts(calibration)
    total: Floats = np.sum([[weight * part.measure[key] for key in keys] for weight, part in parts], axis=0)
    return total


def posterior_draws(
    calibration: Calibrations, draws: int, seed: int
) -> tuple[list[Any], Iterator[NDArray[np.floating[Any]]]]:
    """The applications, and blocks of draws of their points: arrays of applications × draws in the block.

    Stages are drawn independently of each other and added with their weights.
    """
    if draws < 1:
        raise ValueError("there must be at least one draw")
    parts = _parts(calibration)
    shared = set.intersection(*(set(part.measure) for _weight, part in parts))
    keys = [key for key in parts[0][1].measure if key in shared]
    generators = [np.random.Generator(np.random.SFC64((seed, number))) for number in range(len(parts))]
    streams = [_stage(part, draws, generator) for (_weight, part), generator in zip(parts, generators, strict=True)]
    rows = [_rows(part, keys) for _weight, part in parts]
    return keys, _added([weight for weight, _part in parts], rows, streams)


def _parts(calibration: Calibrations) -> list[tuple[float, Calibration]]:
    if isinstance(calibration, Calibration):
        return [(1.0, calibration)]
    if not calibration or not all(isfinite(weight) for weight, _part in calibration):
        raise ValueError("there is no stage, or a weight is not a finite number")
    return list(calibration)


def _rows(part: Calibration, keys: Sequence[Any]) -> NDArray[np.int64] | None:
    """Where these applications stand in the stage; None when it holds just these, in this order."""
    if list(part.measure) == keys:
        return None
    number = {key: row for row, key in enumerate(part.measure)}
    return np.array([number[key] for key in keys], dtype=np.int64)


def _added(
    weights: Sequence[float],
    rows: Sequence[NDArray[np.int64] | None],
    streams: Sequence[Iterator[NDArray[np.floating[Any]]]],
) -> Iterator[NDArray[np.floating[Any]]]:
    for blocks in zip(*streams, strict=True):
        stages = (block if row is None else block[row] for row, block in zip(rows, blocks, strict=True))
        if len(weights) == 1 and weights[0] == 1:
            yield from stages
            continue
        total: NDArray[np.floating[Any]] = sum(weight * block for weight, block in zip(weights, stages, strict=True))
        yield total


def _stage(part: Calibration, draws: int, generator: np.random.Generator) -> Iterator[NDArray[np.floating[Any]]]:
    """Blocks of draws of one stage, all of size BLOCK but the last."""
    solution = part.solution
    if len(solution.shrink) >= ENOUGH or part.variance.total == 0:
        sampler = _Sampler(solution)
        for start in range(0, draws, BLOCK):
            count = min(BLOCK, draws - start)
            yield sampler.draw(np.full(count, np.sqrt(part.variance.residual)), generator)
        return
    whole = np.concatenate(list(_over_variances(solution.system, solution, draws, generator)), axis=1)
    whole = whole[:, generator.permutation(draws)]  # nodes of the grid must not line up with another stage's
    for start in range(0, draws, BLOCK):
        yield whole[:, start : start + BLOCK]


class _Sampler:
    """Draws of all applications' points under given variances, the residual's given with each draw."""

    def __init__(self, solution: Solution) -> None:
        system, shrink = solution.system, solution.shrink
        self.solution = solution
        self.kind = np.float32 if len(shrink) > EXACT else np.float64
        # What an error in panels, evaluators and homes moves in each application.
        self.moving = (homes(system) - diags_array(shrink) @ system.design).astype(self.kind)
        self.noise = np.sqrt(shrink)[:, None].astype(self.kind)
        self.measures = measures(solution)[:, None].astype(self.kind)

    def draw(self, residual: Floats, generator: np.random.Generator) -> NDArray[np.floating[Any]]:
        """Applications × draws, for one residual standard deviation per draw."""
        solution, count = self.solution, len(residual)
        error = generator.standard_normal((len(solution.columns), count))
        error = solve_triangular(solution.factor, error, trans=1, lower=True, check_finite=False, overwrite_b=True)
        error *= solution.scale[:, None]
        found: NDArray[Any] = generator.standard_normal((len(self.noise), count), dtype=self.kind)
        found *= self.noise
        found += self.moving @ error.astype(self.kind)
        found *= residual.astype(self.kind)
        found += self.measures
        return found


def _over_variances(
    system: System, solution: Solution, draws: int, generator: np.random.Generator
) -> Iterator[NDArray[np.floating[Any]]]:
    """Draws under the variances of a grid, as many under each as its weight asks for."""
    freedom = max(system.freedom - 2, 1)
    nodes, weights = _grid(system, solution, freedom)
    share = np.cumsum(weights) / weights.sum()
    picked = np.searchsorted(share, (np.arange(draws) + generator.random()) / draws)
    for number in np.unique(np.minimum(picked, len(nodes) - 1)):
        one, other = nodes[number]
        found = system.at(Variance(one**2, other**2, 1.0))
        count = int((np.minimum(picked, len(nodes) - 1) == number).sum())
        misfit = float(system.points @ found.residuals)
        residual = np.sqrt(misfit / generator.chisquare(freedom, count))
        yield _Sampler(found).draw(residual, generator)


def _grid(system: System, solution: Solution, freedom: int) -> tuple[list[tuple[float, float]], Floats]:
    """Nodes (standard deviation of application and evaluator, over the residual's) and their weights."""
    variance = solution.variance
    edges = [np.sqrt(part / variance.residual) for part in (variance.application, variance.evaluator)]
    weigh = _weigher(system, freedom)
    box = [(0.0, 3 * min(edge, 1e4) + 1) for edge in edges]
    for _round in range(12):
        values = _values(box, weigh)
        new = [_tightened(values.max(axis=1 - axis), *box[axis]) for axis in (0, 1)]
        if all(np.allclose(old, found) for old, found in zip(box, new, strict=True)):
            break
        box = new
    values = _values(box, weigh)
    ones, others = (_middles(*ends) for ends in box)
    return [(one, other) for one in ones for other in others], np.exp(values - values.max()).ravel()


def _weigher(system: System, freedom: int) -> Callable[[float, float], float]:
    def weigh(one: float, other: float) -> float:
        """Log weight of two ratios, the residual integrated out."""
        found = system.at(Variance(one**2, other**2, 1.0))
        misfit = float(system.points @ found.residuals)
        determinant = np.log1p(one**2 * system.reviews).sum() + 2 * np.log(np.diag(found.factor)).sum()
        return float(-determinant / 2 - freedom / 2 * np.log(max(misfit, 1e-300)))

    return weigh


def _middles(low: float, high: float) -> Floats:
    return low + (np.arange(GRID) + 0.5) * (high - low) / GRID


def _values(box: list[tuple[float, float]], weigh: Callable[[float, float], float]) -> Floats:
    ones, others = (_middles(*ends) for ends in box)
    return np.array([[weigh(one, other) for other in others] for one in ones])


def _tightened(profile: Floats, low: float, high: float) -> tuple[float, float]:
    """The ends between which the profile is worth following; wider where it is still high at the upper end."""
    step = (high - low) / GRID
    heavy = np.flatnonzero(profile > profile.max() + np.log(NEGLIGIBLE))
    lower, upper = low + heavy[0] * step - step, low + (heavy[-1] + 2) * step
    if heavy[-1] == GRID - 1:
        upper = low + 2 * (high - low)
    return max(lower, 0.0), min(upper, 1e6)
