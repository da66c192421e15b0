"""Put points in order. Points are integers (hundredths): two scores are equal or they are not."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Generic, TypeVar

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Ranked(Generic[K]):
    """One row of a ranking: `points` in hundredths, `place` from 1."""

    key: K
    points: int
    place: int


def rank(points: Mapping[K, int]) -> list[Ranked[K]]:
    """Best first; equal points share a place and the places after it are left free (1, 2, 2, 4).

    Rows with equal points stand in the order of their keys' text, then of their type's name (1 and "1"), whatever the
    order of the input.

    >>> [(row.key, row.place) for row in rank({"a": 7000, "b": 9000, "c": 7000, "d": 100})]
    [('b', 1), ('a', 2), ('c', 2), ('d', 4)]
    """
    ordered = sorted(points, key=lambda key: (-points[key], str(key), type(key).__qualname__))
    places: dict[int, int] = {}
    for place, key in enumerate(ordered, 1):
        places.setdefault(points[key], place)
    return [Ranked(key, points[key], places[points[key]]) for key in ordered]
