"""Find the variances: Newton steps with the average information, none of them below 0."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

from scoring.reml import Solution, System, Variance

Floats = NDArray[np.float64]

ITERATIONS = 200
TOLERANCE = 1e-10  # what the last step may still gain in the criterion, for each rating
RESIDUAL_FLOOR = 1e-6  # share of the variance below which a component is not followed: far below a hundredth of a point
TURNS = 6  # of fitting effects by turns, for a start


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
