"""Who is in, who waits and in which order, and where the lottery decided."""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Generic, TypeVar

from scoring.checks import whole

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Choice(Generic[K]):
    """The outcome of one selection, best first.

    `cut`: the lowest points that got in, in hundredths; None when nobody did.
    `tied_at_cut`: those with the cut's points, when some of them are in and some are out.
    `settled`: those whose being in, or whose place on the waiting list, the lottery decided. A tie among the chosen
    alone decides nothing.
    """

    chosen: tuple[K, ...]
    waiting: tuple[K, ...]
    cut: int | None
    tied_at_cut: frozenset[K]
    settled: frozenset[K]


def choose(points: Mapping[K, int], places: int, lottery: Sequence[K]) -> Choice[K]:
    """Give the places to the highest points (hundredths); equal points stand in the order of the lottery.

    `lottery` holds every key of `points` once (it may hold others). ValueError when places are negative, a key is
    not in the lottery or stands there twice, or places or points are no whole numbers.

    >>> choice = choose({"a": 8000, "b": 7000, "c": 7000, "d": 500}, 2, lottery=["c", "d", "b", "a"])
    >>> choice.chosen, choice.waiting, sorted(choice.settled)
    (('a', 'c'), ('b', 'd'), ['b', 'c'])
    """
    places = whole(places, "places")
    points = {key: whole(given, f"points of {key}") for key, given in points.items()}
    if places < 0:
        raise ValueError("places cannot be negative")
    turn = {key: number for number, key in enumerate(lottery)}
    if len(turn) < len(lottery):
        raise ValueError("a key stands in the lottery twice")
    absent = [str(key) for key in points if key not in turn]
    if absent:
        raise ValueError(f"not in the lottery: {', '.join(sorted(absent)[:5])}")
    ordered = sorted(points, key=lambda key: (-points[key], turn[key]))
    chosen, waiting = tuple(ordered[:places]), tuple(ordered[places:])
    cut = points[chosen[-1]] if chosen else None
    tied = {key for key in ordered if points[key] == cut} if any(points[key] == cut for key in waiting) else set()
    return Choice(chosen, waiting, cut, frozenset(tied), frozenset(tied | _tied_within(waiting, points)))


def _tied_within(keys: Sequence[K], points: Mapping[K, int]) -> set[K]:
    """Those of `keys`, in order of points, that share their points with a neighbour."""
    pairs = pairwise(keys)
    return {key for pair in pairs if points[pair[0]] == points[pair[1]] for key in pair}
