"""Give every row its number of columns for the largest value, each column within its load: an exact min-cost flow.

A linear program over a few good candidates per row, chosen by estimated prices of the columns; its own prices then
prove, over all pairs, that no other pair would have helped. Where one would, it joins the candidates.
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import linprog

Ints = NDArray[np.int64]
Bools = NDArray[np.bool_]
Floats = NDArray[np.float64]

SAMPLE, ROUNDS = 2_000, 40
TOLERANCE = 1e-6
FEW_VALUES = 8


@dataclass(frozen=True, slots=True)
class Flow:
    """Rows need `supply` columns each, no column twice; columns carry `lo` to `hi`; only `allowed` pairs."""

    value: Ints  # rows × columns
    allowed: Bools
    supply: Ints
    lo: Ints
    hi: Ints


def solve_flow(flow: Flow) -> Bools | None:
    """The chosen pairs as a rows × columns mask of largest total value; None when nothing satisfies everything."""
    rows, columns = flow.allowed.shape
    if not rows or not flow.supply.any():
        return np.zeros((rows, columns), dtype=bool) if not flow.lo.any() else None
    if not columns:
        return None
    if len(np.unique(flow.value[flow.allowed])) <= 1:  # every choice is as good, and the simplex method would wander
        ties = np.rint(_noise(rows, columns) * 128).astype(np.int64)
        flow = replace(flow, value=ties)
    scores = np.where(flow.allowed, flow.value, -np.inf)
    mixed = scores + _noise(rows, columns)
    prices = _prices(mixed, flow)
    width = min(columns, 3 * int(flow.supply.max()) + 3)
    candidates = _best(mixed - prices, width) & flow.allowed
    while True:
        found = _program(flow, candidates)
        if found is None:
            if width >= columns:
                return None
            width = min(columns, width * 4)
            candidates |= _best(mixed - prices, width) & flow.allowed
            continue
        chosen, row_prices, prices = found
        gain = scores - row_prices[:, None] - prices
        missed = (gain > TOLERANCE) & ~candidates
        if not missed.any():
            return chosen
        candidates |= missed


def _noise(rows: int, columns: int) -> Floats:
    """Fractions below a half by row and column, always the same. Equals get different candidates, not other values."""
    with np.errstate(over="ignore"):
        mixed = np.arange(1, rows + 1, dtype=np.uint64)[:, None] * np.uint64(0x9E3779B97F4A7C15)
        mixed = mixed ^ (np.arange(1, columns + 1, dtype=np.uint64) * np.uint64(0xC2B2AE3D27D4EB4F))
        mixed = (mixed ^ (mixed >> np.uint64(31))) * np.uint64(0xBF58476D1CE4E5B9)
        mixed = (mixed ^ (mixed >> np.uint64(29))) * np.uint64(0x94D049BB133111EB)
    return np.asarray((mixed >> np.uint64(40)).astype(np.float64) / 2**25)


def _best(scores: Floats, width: int) -> Bools:
    """The `width` best columns of each row."""
    mask = np.zeros(scores.shape, dtype=bool)
    if width >= scores.shape[1]:
        mask[:] = True
        return mask
    np.put_along_axis(mask, np.argpartition(-scores, width, axis=1)[:, :width], True, axis=1)
    return mask


def _prices(scores: Floats, flow: Flow) -> Floats:
    """What a place with each column costs, about: raised while too many rows want it, lowered while too few do.

    Estimated on every n-th row, so that its cost stays small beside the program's.
    """
    rows, columns = scores.shape
    every = -(-rows // SAMPLE)
    sample, share = scores[::every], len(scores[::every]) / rows
    lo, hi = flow.lo * share, flow.hi * share
    wanted = min(int(flow.supply.max()), columns)
    prices = np.zeros(columns)
    finite = sample[np.isfinite(sample)]
    step = (np.ptp(finite) if len(finite) else 0.0) / 4
    for _round in range(ROUNDS):
        loads = _best(sample - prices, wanted).sum(axis=0)
        off = np.where(loads > hi, loads - hi, np.where(loads < lo, loads - lo, 0.0))
        prices = prices + step * np.clip(off / np.maximum(hi, 1.0), -1.0, 1.0)
        step *= 0.9
    return prices


def _program(flow: Flow, candidates: Bools) -> tuple[Bools, Floats, Floats] | None:
    """The exact optimum over the candidates with the prices of rows and columns; None when it has no solution."""
    rows, columns = candidates.shape
    row, column = np.nonzero(candidates)
    arcs, arc = len(row), np.arange(len(row))
    at = np.concatenate([row, rows + column, rows + np.arange(columns)])
    matrix = sparse.csr_array(
        (
            np.concatenate([np.ones(2 * arcs), -np.ones(columns)]),
            (at, np.concatenate([arc, arc, arcs + np.arange(columns)])),
        ),
        shape=(rows + columns, arcs + columns),
    )
    bounds = np.column_stack(
        [np.concatenate([np.zeros(arcs), flow.lo]), np.concatenate([np.ones(arcs), np.maximum(flow.hi, flow.lo)])]
    )
    cost = np.concatenate([-flow.value[row, column].astype(float), np.zeros(columns)])
    needs = np.concatenate([flow.supply, np.zeros(columns)])
    # Among many ties the simplex method wanders; the interior point method, ended at a vertex, does not.
    method = "highs-ipm" if len(np.unique(cost)) <= FEW_VALUES and arcs > SAMPLE else "highs-ds"
    found = linprog(cost, A_eq=matrix, b_eq=needs, bounds=bounds, method=method)
    if found.status == 0 and np.abs(found.x - np.rint(found.x)).max() > TOLERANCE:
        found = linprog(cost, A_eq=matrix, b_eq=needs, bounds=bounds, method="highs-ds")
    if found.status != 0:
        return None
    chosen = np.zeros(candidates.shape, dtype=bool)
    taken = found.x[:arcs] > 0.5
    chosen[row[taken], column[taken]] = True
    duals = -found.eqlin.marginals
    return chosen, duals[:rows], duals[rows:]
