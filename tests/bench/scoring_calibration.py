"""Calibration: what it costs beside its floors, and what it gains and promises on data whose truth is known."""

import resource
from collections.abc import Iterator

import numpy as np
from scipy.linalg import cholesky

from scoring import Calibration, Ratings, calibrate, posterior_draws, rank_uncertainty
from scoring.calibration import application_errors, column_inverse
from scoring.fitting import fit as fit_variances
from scoring.reml import Solution, System
from tests.bench.measured import Row, against, timed

APPLICATIONS, EVALUATORS, REVIEWS, PANELS = 100_000, 2_000, 5, 4
SEEDS = 40


def rows() -> Iterator[Row]:
    """All rows of the calibration, largest first."""
    yield from _costs()
    yield from _recovery()
    yield from _coverage()


def _costs() -> Iterator[Row]:
    ratings = _large()
    ratings.values, ratings.design  # noqa: B018 -- reading the columns in is not the fit
    spd = np.random.default_rng(0).normal(size=(EVALUATORS, EVALUATORS + 10))
    spd = spd @ spd.T
    floor, _factor = timed(lambda: cholesky(spd, lower=True), repeat=3)
    fit, solution = timed(lambda: _solved(ratings))
    name = f"fit {APPLICATIONS:,} × {REVIEWS}, {EVALUATORS:,} evaluators, {PANELS} panels"
    yield against(name, floor, fit, 25)

    errors, _se = timed(lambda: application_errors(solution, column_inverse(solution)))
    yield against("all standard errors, floor: the fit", fit, errors, 0.5)

    found = calibrate(ratings)
    floor, _noise = timed(_normals)
    draws, sure = timed(lambda: rank_uncertainty(found, places=10_000, draws=1000, seed=1))
    note = f", decision's accuracy {sure.accuracy:.3f}"
    yield against("1,000 joint draws with P(top B), floor: 1e8 normals", floor, draws, 4, note=note)

    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    yield Row(f"memory so far, {APPLICATIONS:,} × {REVIEWS}", f"{peak:.2f} GB", "< 1 GB", peak < 1)


def _solved(ratings: Ratings) -> Solution:
    """Variances and all effects, as `calibrate` finds them before their standard errors."""
    system = System(ratings)
    return system.at(fit_variances(system.without_homes()).variance)


def _normals() -> None:
    generator = np.random.Generator(np.random.SFC64(1))
    for _block in range(20):
        generator.standard_normal((APPLICATIONS, 50), dtype=np.float32)


def _large() -> Ratings:
    """Panels of equal size; a tenth of the applications has two of its reviews from the next panel."""
    rng = np.random.default_rng(1)
    size = EVALUATORS // PANELS
    home = rng.integers(0, PANELS, APPLICATIONS)
    panel = np.repeat(home[:, None], REVIEWS, axis=1)
    bridged = rng.random(APPLICATIONS) < 0.1
    panel[bridged, :2] = (home[bridged, None] + 1) % PANELS
    stride = rng.integers(1, size // REVIEWS, (APPLICATIONS, 1))
    within = (rng.integers(0, size, (APPLICATIONS, 1)) + np.arange(REVIEWS) * stride) % size
    evaluator = (panel * size + within).ravel()
    application = np.repeat(np.arange(APPLICATIONS), REVIEWS)
    points = rng.normal(60, 10, APPLICATIONS)[application] + rng.normal(0, 5, EVALUATORS)[evaluator]
    points = points + rng.normal(0, 3, PANELS)[panel.ravel()] + rng.normal(0, 8, len(application))
    return Ratings(application.tolist(), evaluator.tolist(), points.tolist(), panel.ravel().tolist())


def _small(
    seed: int,
    *,
    applications: int,
    evaluators: int,
    severity: float,
    panels: int = 1,
    gap: float = 0.0,
    panel_severity: float = 0.0,
) -> tuple[Ratings, np.ndarray, np.ndarray]:
    """Three reviews each; quality and noise of sd 1; a tenth of the applications is read in two panels.

    Neighbouring panels differ by `gap` in their applicants' quality and by `panel_severity` in their evaluators'.
    """
    rng = np.random.default_rng(seed)
    size = evaluators // panels
    home = np.arange(applications) % panels
    panel = np.repeat(home[:, None], 3, axis=1)
    if panels > 1:
        bridged = rng.random(applications) < 0.1
        panel[bridged, 0] = (home[bridged] + rng.integers(1, panels, bridged.sum())) % panels
    within = np.array([rng.permutation(size)[:3] for _ in range(applications)])
    evaluator = (panel * size + within).ravel()
    application = np.repeat(np.arange(applications), 3)
    better, harder = rng.permutation(panels) * gap, rng.permutation(panels) * panel_severity
    quality = rng.normal(0, 1, applications) + better[home]
    severe = rng.normal(0, severity, evaluators) + harder[np.arange(evaluators) // size]
    points = quality[application] - severe[evaluator] + rng.normal(0, 1, len(application))
    labels = panel.ravel().tolist() if panels > 1 else None
    return Ratings(application.tolist(), evaluator.tolist(), points.tolist(), labels), quality, severe


def _hits(score: np.ndarray, quality: np.ndarray, places: int) -> float:
    chosen, best = np.argsort(-score)[:places], np.argsort(-quality)[:places]
    return len(np.intersect1d(chosen, best)) / places


def _shares(places: int, **design: float) -> tuple[float, float, float]:
    """Share of the true best that the raw mean, the calibrated measure and known severities find; mean over seeds."""
    found = []
    for seed in range(SEEDS):
        ratings, quality, severe = _small(seed, **design)
        application = np.array(ratings.application)
        mean = np.bincount(application, weights=np.array(ratings.points)) / 3
        told = np.bincount(application, weights=np.array(ratings.points) + severe[np.array(ratings.evaluator)]) / 3
        found.append([_hits(score, quality, places) for score in (mean, _by_number(calibrate(ratings)), told)])
    raw, ours, oracle = np.mean(found, axis=0)
    return float(raw), float(ours), float(oracle)


def _by_number(found: Calibration) -> np.ndarray:
    return np.array([found.measure[key] for key in range(len(found.measure))])


def _recovery() -> Iterator[Row]:
    design = {"applications": 1000, "evaluators": 50}
    for severity, target in ((0.5, 0.70), (1.0, 0.90)):
        raw, ours, oracle = _shares(100, **design, severity=severity)
        gain = (ours - raw) / (oracle - raw)
        figure = f"raw {raw:.3f}, calibrated {ours:.3f}, severities known {oracle:.3f}: {gain:.0%} of the gain"
        yield Row(f"true best found, severity sd {severity}, {SEEDS} seeds", figure, f"≥ {target:.0%}", gain >= target)
    raw, ours, _oracle = _shares(100, **design, severity=0.0)
    figure = f"raw {raw:.4f}, calibrated {ours:.4f}"
    yield Row("true best found, no severity", figure, "loss ≤ 0.005", raw - ours <= 0.005)
    for quality, panel_severity in ((0.5, 0.0), (0.0, 0.5), (0.5, 0.5), (0.0, 0.0)):
        raw, ours, _oracle = _shares(100, **design, severity=0.5, panels=5, gap=quality, panel_severity=panel_severity)
        name = f"true best found, 10 % bridges, panels differ by {quality} in quality, {panel_severity} in severity"
        yield Row(name, f"raw {raw:.3f}, calibrated {ours:.3f}", "≥ raw − 0.01", ours >= raw - 0.01)


def _coverage() -> Iterator[Row]:
    said, true, inside, plugged = [], [], [], []
    for seed in range(SEEDS):
        ratings, quality, _severe = _small(seed, applications=251, evaluators=20, severity=0.5)
        found = calibrate(ratings)
        truth = quality - quality.mean()
        measure = _by_number(found)
        errors = np.array([found.measure_se[key] for key in range(251)])
        plugged.append(np.abs(measure - measure.mean() - truth) <= 1.959964 * errors)
        keys, blocks = posterior_draws(found, 1000, seed)
        draws = np.concatenate(list(blocks), axis=1)
        low, high = np.quantile(draws - draws.mean(axis=0), [0.025, 0.975], axis=1)
        inside.append((low <= truth[keys]) & (truth[keys] <= high))
        sure = rank_uncertainty(found, places=129, draws=1000, seed=seed)
        said.append([sure.p_top[key] for key in range(251)])
        true.append(np.argsort(np.argsort(-quality)) < 129)
    covered = float(np.mean(inside))
    yield Row("95 % intervals hold the truth, variances drawn", f"{covered:.1%}", "93–97 %", 0.93 <= covered <= 0.97)
    held = float(np.mean(plugged))
    yield Row("95 % intervals hold the truth, measure_se", f"{held:.1%}", "93–97 %", 0.93 <= held <= 0.97)
    shares, hits = np.concatenate(said), np.concatenate(true)
    bins = [(shares >= low) & (shares <= low + 0.1) for low in np.arange(10) / 10]
    worst = max(abs(hits[one].mean() - shares[one].mean()) for one in bins)
    yield Row("P(top B) in ten bins, largest distance from the truth", f"{worst:.3f}", "≤ 0.05", worst <= 0.05)
