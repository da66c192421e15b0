"""Assignment beside the linear program alone: the same candidates, the same loads, scipy's own way to write it."""

import time
from dataclasses import dataclass

import numpy as np
from scipy import sparse
from scipy.optimize import linprog

from scoring import assign

CANDIDATES, TARGET = 20, 1.5


@dataclass(frozen=True)
class Measured:
    """Seconds of the floor and of ours; `agree` says whether both found the same total affinity."""

    name: str
    floor_s: float
    ours_s: float
    ratio: float
    target: float
    agree: bool


def measure(applications: int = 10_000, evaluators: int = 200, reviews: int = 3) -> Measured:
    """Each application has some candidates it suits more or less; everybody reads about the same."""
    rng = np.random.default_rng(3)
    width = min(CANDIDATES, evaluators)
    columns = np.argsort(rng.random((applications, evaluators)), axis=1)[:, :width].ravel()
    rows = np.repeat(np.arange(applications), width)
    worth = rng.integers(1, 101, len(rows))
    mean = applications * reviews / evaluators
    least, most = int(mean * 0.9), int(mean * 1.1) + 1

    began = time.perf_counter()
    alone = _program(rows, columns, worth, (applications, evaluators, reviews), (least, most))
    floor = time.perf_counter() - began

    affinity = dict(zip(zip(rows.tolist(), columns.tolist(), strict=True), worth.tolist(), strict=True))
    began = time.perf_counter()
    capacity = dict.fromkeys(range(evaluators), (least, most))
    plan = assign(dict.fromkeys(range(applications), reviews), capacity, affinity, set(), seed="bench")
    ours = time.perf_counter() - began
    name = f"assignment {applications:,} × {evaluators:,} × {reviews}"
    return Measured(name, floor, ours, ours / floor, TARGET, plan.objective == alone)


def _program(
    rows: np.ndarray, columns: np.ndarray, worth: np.ndarray, shape: tuple[int, int, int], loads: tuple[int, int]
) -> int:
    applications, evaluators, reviews = shape
    ones, arcs = np.ones(len(rows)), np.arange(len(rows))
    supply = sparse.csr_array((ones, (rows, arcs)), shape=(applications, len(rows)))
    load = sparse.csr_array((ones, (columns, arcs)), shape=(evaluators, len(rows)))
    found = linprog(
        -worth.astype(float),
        A_ub=sparse.vstack([load, -load]),
        b_ub=np.repeat([loads[1], -loads[0]], evaluators),
        A_eq=supply,
        b_eq=np.full(applications, reviews),
        bounds=(0, 1),
        method="highs-ds",
    )
    return round(-found.fun)
