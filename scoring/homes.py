"""Panels: bridge slots first, then a home panel for every application, then the exact flow within each panel."""

import math
from collections.abc import Hashable, Iterator
from dataclasses import dataclass
from itertools import combinations, cycle

import numpy as np
from scipy import sparse
from scipy.optimize import Bounds, LinearConstraint, milp

from scoring.flow import Bools, Flow, Ints, solve_flow
from scoring.links import text_key
from scoring.shortage import Infeasible, Limit, smallest_limits

NODES = 2_000


@dataclass(frozen=True, slots=True)
class Desk:
    """The flow with its labels, rows and columns in the order of the lottery, and the panel of each column."""

    flow: Flow
    rows: tuple[Hashable, ...]
    columns: tuple[Hashable, ...]
    labels: tuple[Hashable, ...]

    def panel(self) -> Ints:
        """The panel's number by column, panels in the order of their text."""
        place = {label: index for index, label in enumerate(sorted(set(self.labels), key=text_key))}
        return np.array([place[label] for label in self.labels], dtype=np.int64)


def bridges_needed(applications: int, panels: int, share: float) -> int:
    """How many applications two panels read: the share, rounded up, and enough to link all panels; none for none.

    >>> bridges_needed(251, 3, 0.1), bridges_needed(5, 4, 0.1), bridges_needed(9, 4, 0)
    (26, 3, 0)
    """
    if share <= 0:
        return 0
    return min(max(math.ceil(round(applications * share, 9)), panels - 1), applications)


def panel_flows(desk: Desk, share: float) -> Bools:
    """The chosen pairs. Infeasible names the limits; what bridges use is counted in the loads.

    Where the homes or the flow of one panel find no room, all panels are solved together as one integer program.
    """
    panel = desk.panel()
    slots = _bridge_slots(desk, panel, share)
    _refuse_homeless(desk, panel, set(slots))
    chosen = _by_stages(desk, panel, slots)
    if chosen is None:
        chosen = _together(desk, panel, slots)
    return chosen


def _refuse_homeless(desk: Desk, panel: Ints, bridged: set[int]) -> None:
    able = _able(desk.flow, panel)
    best = able.max(axis=1)
    short = [i for i in np.flatnonzero(best < desk.flow.supply).tolist() if i not in bridged]
    if short:
        raise Infeasible([Limit("panel", desk.rows[i], int(best[i]), int(desk.flow.supply[i])) for i in short])


def _able(flow: Flow, panel: Ints) -> Ints:
    """How many columns with room each row may use in each panel: rows × panels."""
    usable = flow.allowed & (flow.hi > 0)
    return np.column_stack([usable[:, panel == index].sum(axis=1) for index in range(int(panel.max()) + 1)])


def _bridge_slots(desk: Desk, panel: Ints, share: float) -> dict[int, tuple[int, int]]:
    """Row → (home panel, second panel), the pairs of panels in turn, neighbours first so that all get linked.

    Rows that no panel can read alone come first, then the order of the lottery. The home gives the larger half.
    """
    able, supply = _able(desk.flow, panel), desk.flow.supply
    waiting = sorted(np.flatnonzero(supply >= 2).tolist(), key=lambda i: (able[i].max() >= supply[i], i))
    wanted = bridges_needed(int((supply > 0).sum()), able.shape[1], share)
    room = np.array([desk.flow.hi[panel == index].sum() for index in range(able.shape[1])])
    slots: dict[int, tuple[int, int]] = {}
    pairs = _pairs(able.shape[1])
    misses = 0
    while len(slots) < wanted and waiting and misses < 2 * able.shape[1] ** 2:
        found = _first_fit(waiting, next(pairs), able, supply, room)
        misses = misses + 1 if found is None else 0
        if found is not None:
            row, home, second = found
            slots[row] = home, second
            room[home] -= supply[row] - supply[row] // 2
            room[second] -= supply[row] // 2
            waiting.remove(row)
    return slots


def _first_fit(
    waiting: list[int], pair: tuple[int, int], able: Ints, supply: Ints, room: Ints
) -> tuple[int, int, int] | None:
    for row in waiting:
        for home, second in (pair, pair[::-1]):
            larger, smaller = supply[row] - supply[row] // 2, supply[row] // 2
            fits = able[row, home] >= larger and able[row, second] >= smaller
            if fits and room[home] >= larger and room[second] >= smaller:
                return row, home, second
    return None


def _pairs(panels: int) -> Iterator[tuple[int, int]]:
    """All pairs of panels again and again, neighbours first, each time the other way round."""
    ring = sorted(combinations(range(panels), 2), key=lambda pair: (pair[1] - pair[0], pair))
    return cycle(ring + [(second, first) for first, second in ring])


def _by_stages(desk: Desk, panel: Ints, slots: dict[int, tuple[int, int]]) -> Bools | None:
    second = _second_readers(desk.flow, panel, slots)
    if second is None:
        return None
    used = second.sum(axis=0)
    left = Flow(
        desk.flow.value,
        desk.flow.allowed & ~second,
        desk.flow.supply - second.sum(axis=1),
        np.maximum(desk.flow.lo - used, 0),
        desk.flow.hi - used,
    )
    homes = _homes(left, panel, {row: home for row, (home, _second) in slots.items()})
    if homes is None:
        return None
    chosen = second.copy()
    for index in range(int(panel.max()) + 1):
        part = np.ix_(homes == index, panel == index)
        found = solve_flow(
            Flow(
                left.value[part],
                left.allowed[part],
                left.supply[homes == index],
                left.lo[panel == index],
                left.hi[panel == index],
            )
        )
        if found is None:
            return None
        chosen[part] |= found
    return chosen


def _second_readers(flow: Flow, panel: Ints, slots: dict[int, tuple[int, int]]) -> Bools | None:
    """Readers from the second panels: those with the fewest bridges so far, then the larger affinity."""
    chosen = np.zeros(flow.allowed.shape, dtype=bool)
    loads = np.zeros(len(panel), dtype=np.int64)
    for row, (_home, second) in slots.items():
        free = np.flatnonzero(flow.allowed[row] & (panel == second) & (loads < flow.hi)).tolist()
        count = int(flow.supply[row]) // 2
        picked = sorted(free, key=lambda j: (loads[j], -flow.value[row, j], j))[:count]
        if len(picked) < count:
            return None
        chosen[row, picked] = True
        loads[picked] += 1
    return chosen


def _homes(left: Flow, panel: Ints, fixed: dict[int, int]) -> Ints | None:
    """The home panel of each row: the largest sum of what its best readers there are worth, within the panels' loads.

    What the readers cost elsewhere is not known yet, so this step is near the best, not proven the best.
    """
    panels, rows = int(panel.max()) + 1, len(left.supply)
    able = _able(left, panel) >= left.supply[:, None]
    for row, home in fixed.items():
        able[row] &= np.arange(panels) == home
    worth = np.column_stack([_top_sum(left, panel == index) for index in range(panels)])
    line, at = np.nonzero(able)
    cells = np.arange(len(line))
    once = sparse.csr_array((np.ones(len(line)), (line, cells)), shape=(rows, len(line)))
    load = sparse.csr_array((left.supply[line].astype(float), (at, cells)), shape=(panels, len(line)))
    lows = [left.lo[panel == index].sum() for index in range(panels)]
    highs = [left.hi[panel == index].sum() for index in range(panels)]
    found = milp(
        -worth[line, at].astype(float),
        constraints=[LinearConstraint(once, 1, 1), LinearConstraint(load, lows, highs)],
        bounds=Bounds(0, 1),
        integrality=np.ones(len(line)),
        options={"node_limit": NODES},
    )
    if found.x is None:
        return None
    homes = np.zeros(rows, dtype=np.int64)
    taken = found.x > 0.5
    homes[line[taken]] = at[taken]
    return homes


def _top_sum(left: Flow, columns: Bools) -> Ints:
    """What the best allowed readers among the columns are worth to each row."""
    values = np.where(left.allowed[:, columns], left.value[:, columns], np.iinfo(np.int32).min)
    ranked = -np.sort(-values, axis=1)
    counted = np.arange(ranked.shape[1]) < left.supply[:, None]
    return np.asarray(np.where(counted, ranked, 0).sum(axis=1))


def _together(desk: Desk, panel: Ints, slots: dict[int, tuple[int, int]]) -> Bools:
    """One integer program over all panels: which panel reads each row, and who."""
    flow, panels = desk.flow, int(panel.max()) + 1
    row, column = np.nonzero(flow.allowed)
    shares = _shares(flow, panels, slots)
    homes = np.repeat(np.flatnonzero(shares[:, 0] < 0), panels)  # the rows whose panel the program chooses
    found = milp(
        np.concatenate([-flow.value[row, column].astype(float), np.zeros(len(homes))]),
        constraints=_joint_limits(flow, panel, shares, homes),
        bounds=Bounds(0, 1),
        integrality=np.ones(len(row) + len(homes)),
        options={"node_limit": NODES},
    )
    if found.x is None:
        limits = smallest_limits(flow, desk.rows, desk.columns)
        raise Infeasible(limits or [Limit("panels", None, 0, 0)])
    chosen = np.zeros(flow.allowed.shape, dtype=bool)
    taken = found.x[: len(row)] > 0.5
    chosen[row[taken], column[taken]] = True
    return chosen


def _joint_limits(flow: Flow, panel: Ints, shares: Ints, homes: Ints) -> list[LinearConstraint]:
    """Readers of a row in a panel = the share of that panel, or the row's supply if that is its home; loads; one home.

    The variables are the allowed pairs, then a switch for each row without a home and each panel.
    """
    row, column = np.nonzero(flow.allowed)
    arcs, width, panels = np.arange(len(row)), len(row) + len(homes), shares.shape[1]
    switch = np.arange(len(homes))
    at = np.concatenate([row * panels + panel[column], homes * panels + switch % panels])
    signs = np.concatenate([np.ones(len(row)), -flow.supply[homes].astype(float)])
    reads = sparse.csr_array((signs, (at, np.arange(width))), shape=(shares.size, width))
    loads = sparse.csr_array((np.ones(len(row)), (column, arcs)), shape=(len(panel), width))
    ends = (switch // panels, len(row) + switch)
    one = sparse.csr_array((np.ones(len(homes)), ends), shape=(len(homes) // panels, width))
    fixed = np.maximum(shares, 0).ravel()
    limits = [LinearConstraint(reads, fixed, fixed), LinearConstraint(loads, flow.lo, flow.hi)]
    return [*limits, LinearConstraint(one, 1, 1)] if len(homes) else limits


def _shares(flow: Flow, panels: int, slots: dict[int, tuple[int, int]]) -> Ints:
    """Reviews by row and panel; -1 where the panel is still to be chosen."""
    shares = np.where(flow.supply[:, None] > 0, np.full((1, panels), -1), 0)
    for row, (home, second) in slots.items():
        shares[row] = 0
        shares[row, home], shares[row, second] = flow.supply[row] - flow.supply[row] // 2, flow.supply[row] // 2
    return np.asarray(shares)
