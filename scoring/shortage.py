"""Why an assignment is impossible: the smallest set of limits that would have to give way."""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp
from scipy.sparse.csgraph import maximum_flow

from scoring.flow import Bools, Flow, Ints

COUNTED = 20_000  # up to so many pairs the number of limits is minimised; beyond, the number of reviews


@dataclass(frozen=True, slots=True)
class Limit:
    """A limit that must give way. `kind` says which; `given` is what it is, `needed` what would do.

    application: evaluators allowed and needed; panel: the same, within one panel; review: reviews that can be given
    and that are needed; maximum: the load allowed and the one that would do; minimum: the load that can be reached and
    the one asked for; capacity: all maximum loads against the demand; minimums: all minimum loads against the demand;
    evaluators: nobody is there; panels: the loads cannot be met with one panel per application.
    """

    kind: str
    key: Hashable
    given: int
    needed: int

    def __str__(self) -> str:
        return _SENTENCES[self.kind].format(
            key=self.key,
            given=self.given,
            needed=self.needed,
            evaluators="evaluator is" if self.given == 1 else "evaluators are",
            off=abs(self.needed - self.given),
        )


_SENTENCES = {
    "application": "application {key}: only {given} {evaluators} allowed, {needed} are needed",
    "panel": "application {key}: no panel has {needed} allowed evaluators, the best has {given}",
    "review": "application {key}: only {given} of {needed} reviews find an evaluator with room",
    "maximum": "evaluator {key}: maximum load {given} must grow by {off}",
    "minimum": "evaluator {key}: minimum load {needed} needs {off} more",
    "capacity": "capacity {given} < demand {needed}",
    "minimums": "minimum loads {given} > demand {needed}",
    "panels": "the loads leave no panel with room for every application: widen the loads, or allow more bridges",
    "evaluators": "there is no evaluator, {needed} reviews are needed",
}


class Infeasible(ValueError):
    """No assignment satisfies everything; `limits` are those that must give way, in words in the message."""

    def __init__(self, limits: Sequence[Limit]) -> None:
        self.limits = tuple(limits)
        super().__init__("; ".join(map(str, self.limits)))


def plain_limits(flow: Flow, rows: Sequence[Hashable], columns: Sequence[Hashable]) -> list[Limit]:
    """Limits that fail on their own, by counting. Each of them has to give way whatever else does."""
    demand = int(flow.supply.sum())
    if demand and not columns:
        return [Limit("evaluators", None, 0, demand)]
    open_pairs = flow.allowed & (flow.hi > 0)
    allowed, possible = open_pairs.sum(axis=1), (flow.allowed & (flow.supply > 0)[:, None]).sum(axis=0)
    limits = [
        Limit("application", rows[i], int(allowed[i]), int(flow.supply[i])) for i in _where(allowed < flow.supply)
    ]
    limits += [Limit("minimum", columns[j], int(possible[j]), int(flow.lo[j])) for j in _where(possible < flow.lo)]
    if flow.hi.sum() < demand:
        limits.append(Limit("capacity", None, int(flow.hi.sum()), demand))
    if flow.lo.sum() > demand:
        limits.append(Limit("minimums", None, int(flow.lo.sum()), demand))
    return limits


def sure_limits(flow: Flow, rows: Sequence[Hashable], columns: Sequence[Hashable]) -> list[Limit]:
    """The limits that counting finds, a minimum load with the load that can be reached beside everybody else's."""
    limits = plain_limits(flow, rows, columns)
    if all(limit.kind != "minimum" for limit in limits):
        return limits
    together = smallest_limits(flow, rows, columns)
    if all(limit.kind == "minimum" for limit in limits):
        return together or limits
    reached = {limit.key: limit for limit in together if limit.kind == "minimum"}
    return [reached.get(limit.key, limit) if limit.kind == "minimum" else limit for limit in limits]


def smallest_limits(flow: Flow, rows: Sequence[Hashable], columns: Sequence[Hashable]) -> list[Limit]:
    """The fewest limits that have to give way together, found with a slack on each. Empty when none has to."""
    short, over, under = _slacks(flow)
    limits: list[Limit] = [
        Limit("review", rows[i], int(flow.supply[i] - short[i]), int(flow.supply[i])) for i in _where(short)
    ]
    limits += [Limit("maximum", columns[j], int(flow.hi[j]), int(flow.hi[j] + over[j])) for j in _where(over)]
    limits += [Limit("minimum", columns[j], int(flow.lo[j] - under[j]), int(flow.lo[j])) for j in _where(under)]
    return limits


def _where(marks: Bools | Ints) -> list[int]:
    return [int(index) for index in np.flatnonzero(marks)]


def _slacks(flow: Flow) -> tuple[Ints, Ints, Ints]:
    """Missing reviews by row, load above the maximum and missing below the minimum by column."""
    if flow.allowed.sum() > COUNTED:
        return _flow_slacks(flow)
    rows, columns = flow.allowed.shape
    arcs, slacks = int(flow.allowed.sum()), rows + 2 * columns
    most = np.concatenate([flow.supply, np.maximum(rows - flow.hi, 0), flow.lo]).astype(float)
    body, low, high = _elastic(flow)
    # A switch per slack: the slack is open only where its limit gives way.
    nothing = sparse.csr_array
    switches = sparse.hstack([nothing((slacks, arcs)), sparse.eye_array(slacks), -sparse.diags_array(most)])
    body = sparse.vstack([sparse.hstack([body, nothing((body.shape[0], slacks))]), switches])
    found = milp(
        np.concatenate([np.zeros(arcs), np.ones(slacks), np.full(slacks, most.sum() + 1)]),
        constraints=LinearConstraint(
            sparse.csc_array(body),
            np.concatenate([low, np.full(slacks, -np.inf)]),
            np.concatenate([high, np.zeros(slacks)]),
        ),
        bounds=Bounds(0, np.concatenate([np.ones(arcs), most, np.ones(slacks)])),
        integrality=np.arange(arcs + 2 * slacks) >= arcs + slacks,
        options={"node_limit": 5_000},
    )
    units = np.rint(found.x[arcs : arcs + slacks]).astype(np.int64)
    return units[:rows], units[rows : rows + columns], units[rows + columns :]


def _flow_slacks(flow: Flow) -> tuple[Ints, Ints, Ints]:
    """For many pairs, by two largest flows: reviews that no maximum leaves room for, and minimums nothing can fill.

    Where either can be met on its own, both can be met together (Mendelsohn and Dulmage 1958).
    """
    given, _loads = _largest_flow(flow, flow.hi)
    _given, filled = _largest_flow(flow, flow.lo)
    return flow.supply - given, np.zeros_like(flow.lo), flow.lo - filled


def _largest_flow(flow: Flow, most: Ints) -> tuple[Ints, Ints]:
    """Reviews by row and loads by column of a largest flow in which columns take at most so much."""
    rows, columns = flow.allowed.shape
    row, column = np.nonzero(flow.allowed)
    end = rows + columns + 1
    starts = np.concatenate([np.zeros(rows, dtype=np.int64), 1 + row, 1 + rows + np.arange(columns)])
    stops = np.concatenate([1 + np.arange(rows), 1 + rows + column, np.full(columns, end)])
    room = np.concatenate([flow.supply, np.ones(len(row), dtype=np.int64), most]).astype(np.int32)
    found = maximum_flow(sparse.csr_matrix((room, (starts, stops)), shape=(end + 1, end + 1)), 0, end).flow
    given = found[[0], :].toarray().ravel()[1 : rows + 1]
    filled = -found[[end], :].toarray().ravel()[rows + 1 : end]
    return given.astype(np.int64), filled.astype(np.int64)


def _elastic(flow: Flow) -> tuple[Any, NDArray[np.float64], NDArray[np.float64]]:
    """Supplies, maximum and minimum loads as rows of a matrix with their bounds; a slack for each after the pairs."""
    rows, columns = flow.allowed.shape
    row, column = np.nonzero(flow.allowed)
    arc = np.arange(len(row))
    nothing, eye = sparse.csr_array, sparse.eye_array
    across = sparse.csr_array((np.ones(len(row)), (row, arc)), shape=(rows, len(row)))
    down = sparse.csr_array((np.ones(len(row)), (column, arc)), shape=(columns, len(row)))
    tall, wide, square = nothing((rows, columns)), nothing((columns, rows)), nothing((columns, columns))
    blocks = [
        [across, eye(rows), tall, tall],
        [down, wide, -eye(columns), square],
        [down, wide, square, eye(columns)],
    ]
    low = np.concatenate([flow.supply, np.full(columns, -np.inf), flow.lo])
    high = np.concatenate([flow.supply, flow.hi, np.full(columns, np.inf)])
    return sparse.block_array(blocks), low, high
