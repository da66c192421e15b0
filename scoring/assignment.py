"""Who reads what: integer affinity at its largest, loads within bounds, panels bridged so that they can be compared.

First the bridge slots: seeded, spread evenly over the pairs of panels and over the evaluators. Then affinity: every
other application gets its reviewers from one panel. Last the links, which come before affinity: reviews are exchanged
at the least loss until all readers hang together. Ties are broken by the order of SHA-256(seed | key).
"""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Generic, TypeVar

import numpy as np

from scoring.flow import Bools, Flow, Ints, solve_flow
from scoring.homes import Desk, panel_flows
from scoring.joining import join_parts
from scoring.links import connected, cross_panel_se, text_key
from scoring.lottery import tie_key
from scoring.shortage import Infeasible, smallest_limits, sure_limits

A = TypeVar("A", bound=Hashable)
E = TypeVar("E", bound=Hashable)

LARGEST_AFFINITY = 1_000_000


@dataclass(frozen=True, slots=True)
class Assignment(Generic[A, E]):
    """The pairs, and what they will allow. Pairs, loads and parts do not depend on the order of the input.

    `loads` counts reviews by evaluator; `panel_of` is the panel by evaluator (empty without panels); `bridges` are
    the applications read by more than one panel; `components` are the evaluators linked through shared applications
    and `panel_components` the panels linked through bridges, largest first; `cross_panel_se` is the standard error of
    the worst known difference between two panels in residual standard deviations (infinite where they are not linked).
    `objective` is the affinity of these pairs; `linking_cost` what it was more before reviews were exchanged to link
    the readers: 0 where they were linked already, and never below 0 without panels.
    """

    pairs: tuple[tuple[A, E], ...]
    loads: Mapping[E, int]
    panel_of: Mapping[E, Hashable]
    bridges: tuple[A, ...]
    components: tuple[frozenset[E], ...]
    panel_components: tuple[frozenset[Hashable], ...]
    cross_panel_se: float
    objective: int
    linking_cost: int = 0

    @property
    def is_comparable(self) -> bool:
        """Everybody who reads is linked with everybody else, and so are the panels."""
        return len(self.components) < 2 and len(self.panel_components) < 2


def assign(
    demand: Mapping[A, int],
    capacity: Mapping[E, tuple[int, int]],
    affinity: Mapping[tuple[A, E], int],
    forbidden: AbstractSet[tuple[A, E]] | Iterable[tuple[A, E]] = frozenset(),
    panels: Mapping[E, Hashable] | None = None,
    bridge: float = 0,
    seed: str = "",
) -> Assignment[A, E]:
    """Give each application its reviews at the largest total affinity, within the loads (least, most) of evaluators.

    A pair without affinity counts 0; a forbidden one is never used. With panels, an application is read by one panel,
    except `bridge` of them (a share from 0 to 1), read by two. Without panels the affinity is the largest possible;
    with them it is within the panel of each application.
    To be linked comes before affinity: where the readers fall into several parts, two reviews are exchanged at the
    least loss (`linking_cost`), loads kept, until there is one part or no exchange helps. Where panels are not linked
    this makes bridges, also with `bridge` 0, as far as reviews, loads and forbidden pairs leave room for them.
    Infeasible (a ValueError) names the limits to relax; ValueError says what is wrong with the input. Affinities of
    names that are not there are passed over; a forbidden pair of such names is an error: it may be a misspelt conflict.

    >>> plan = assign({"a": 1, "b": 1}, {"x": (0, 1), "y": (0, 1)}, {("a", "x"): 5, ("b", "x"): 9}, set())
    >>> plan.pairs, plan.objective
    ((('a', 'y'), ('b', 'x')), 9)
    """
    _check(demand, capacity, panels, bridge)
    forbidden = _known(forbidden, demand, capacity)
    rows = sorted(demand, key=lambda key: (tie_key(seed, key), text_key(key)))
    columns = sorted(capacity, key=lambda key: (tie_key(seed, key), text_key(key)))
    flow = _flow(rows, columns, demand, capacity, affinity, forbidden)
    limits = sure_limits(flow, rows, columns)
    if limits:
        raise Infeasible(limits)
    labels = [panels[who] for who in columns] if panels else []
    desk = Desk(flow, tuple(rows), tuple(columns), tuple(labels))
    best, panel = _best(desk, bridge), desk.panel() if len(set(labels)) > 1 else None
    chosen = join_parts(flow, best, panel)
    pairs = [(rows[i], columns[j]) for i, j in zip(*np.nonzero(chosen), strict=True)]
    before, after = (int(flow.value[mask].sum()) for mask in (best, chosen))
    return replace(_described(pairs, columns, panels or {}, after), linking_cost=before - after)


def _best(desk: Desk, bridge: float) -> Bools:
    if len(set(desk.labels)) > 1:
        return panel_flows(desk, bridge)
    chosen = solve_flow(desk.flow)
    if chosen is None:
        raise Infeasible(smallest_limits(desk.flow, desk.rows, desk.columns))
    return chosen


def _check(
    demand: Mapping[A, int], capacity: Mapping[E, tuple[int, int]], panels: Mapping[E, Hashable] | None, bridge: float
) -> None:
    for application, reviews in demand.items():
        if not _is_count(reviews):
            raise ValueError(f"application {application}: reviews must be a whole number from 0, not {reviews!r}")
    for who, ends in capacity.items():
        if not (isinstance(ends, Sequence) and not isinstance(ends, str) and len(ends) == 2):
            raise ValueError(f"evaluator {who}: loads are a pair (least, most), not {ends!r}")
        least, most = ends
        if not (_is_count(least) and _is_count(most)):
            raise ValueError(f"evaluator {who}: loads must be whole numbers from 0, not {least!r} to {most!r}")
        if least > most:
            raise ValueError(f"evaluator {who}: the minimum load {least} is above the maximum {most}")
    if not (isinstance(bridge, (int, float)) and 0 <= bridge <= 1):
        raise ValueError(f"bridge must be a share from 0 to 1, not {bridge!r}")
    without = sorted((who for who in capacity if panels and who not in panels), key=text_key)
    if without:
        raise ValueError(f"evaluator {without[0]} has no panel; give every evaluator one, or none at all")


def _known(
    forbidden: Iterable[tuple[A, E]], demand: Mapping[A, int], capacity: Mapping[E, tuple[int, int]]
) -> list[tuple[A, E]]:
    """The forbidden pairs, all of them of applications and evaluators that are there."""
    pairs = list(forbidden)
    for pair in pairs:
        if not (isinstance(pair, tuple) and len(pair) == 2):
            raise ValueError(f"forbidden are pairs (application, evaluator), not {pair!r}")
        if pair[0] not in demand:
            raise ValueError(f"forbidden pair {pair!r}: there is no application {pair[0]}")
        if pair[1] not in capacity:
            raise ValueError(f"forbidden pair {pair!r}: there is no evaluator {pair[1]}")
    return pairs


def _is_count(number: object) -> bool:
    return isinstance(number, (int, np.integer)) and bool(0 <= number < 2**31)


def _flow(
    rows: list[A],
    columns: list[E],
    demand: Mapping[A, int],
    capacity: Mapping[E, tuple[int, int]],
    affinity: Mapping[tuple[A, E], int],
    forbidden: Iterable[tuple[A, E]],
) -> Flow:
    row, column = ({key: index for index, key in enumerate(keys)} for keys in (rows, columns))
    value = np.zeros((len(rows), len(columns)), dtype=np.int64)
    known = [(row[a], column[e], worth) for (a, e), worth in affinity.items() if a in row and e in column]
    if known:
        at_row, at_column, worth = zip(*known, strict=True)
        value[at_row, at_column] = _whole(worth)
    allowed = np.ones(value.shape, dtype=bool)
    for application, who in forbidden:
        allowed[row[application], column[who]] = False
    allowed[[index for index, key in enumerate(rows) if not demand[key]]] = False
    lo, hi = (np.array([capacity[who][end] for who in columns], dtype=np.int64) for end in (0, 1))
    supply = np.array([demand[key] for key in rows], dtype=np.int64)
    return Flow(value, allowed, supply, lo, np.minimum(hi, max(len(rows), 1)))


def _whole(worth: tuple[object, ...]) -> Ints:
    try:
        numbers = np.array(worth)
        fits = numbers.dtype.kind in "iub" and bool((np.abs(numbers.astype(np.int64)) <= LARGEST_AFFINITY).all())
    except (TypeError, ValueError, OverflowError):
        fits = False
    if not fits:
        raise ValueError(f"affinities must be whole numbers between -{LARGEST_AFFINITY:,} and {LARGEST_AFFINITY:,}")
    return numbers.astype(np.int64)


def _described(
    pairs: list[tuple[A, E]], columns: list[E], panels: Mapping[E, Hashable], objective: int
) -> Assignment[A, E]:
    reviewers: defaultdict[A, list[E]] = defaultdict(list)
    loads = dict.fromkeys(sorted(columns, key=text_key), 0)
    for application, who in pairs:
        reviewers[application].append(who)
        loads[who] += 1
    panel_of = {who: panels[who] for who in loads} if panels else {}
    read_by = {key: {panel_of[who] for who in group} for key, group in reviewers.items()} if panels else {}
    return Assignment(
        pairs=tuple(sorted(pairs, key=lambda pair: (text_key(pair[0]), text_key(pair[1])))),
        loads=loads,
        panel_of=panel_of,
        bridges=tuple(sorted((key for key, found in read_by.items() if len(found) > 1), key=text_key)),
        components=connected(reviewers.values()),
        panel_components=connected(read_by.values()),
        cross_panel_se=cross_panel_se(reviewers, panel_of) if panels else 0.0,
        objective=objective,
    )
