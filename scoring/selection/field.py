"""The candidates as arrays. Everything is put in the order of the lottery first, so the input's order cannot matter."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from scoring.selection.model import TOP_POINTS, Candidate, Quota, is_whole

K = TypeVar("K", bound=Hashable)
Ints = NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Field(Generic[K]):
    """People in lottery order and the cells they stand in: people of a cell share their quota groups and their points.

    `kind` (n): which combination of groups; `member` (kinds × quotas): 1 where the combination belongs to the quota's
    group. `order` (n): people by kind, best points first, then lottery, so that a cell is one slice of it:
    `start`, `count`, `cell_kind`, `cell_points` (cells).
    """

    keys: tuple[K, ...]
    points: Ints
    kind: Ints
    member: Ints
    order: Ints
    start: Ints
    count: Ints
    cell_kind: Ints
    cell_points: Ints

    def people(self, taken: Ints) -> Ints:
        """The people behind a number taken from each cell, first of the lottery first: indices in lottery order."""
        inside = np.arange(len(self.order)) - np.repeat(self.start, self.count)
        return np.sort(self.order[inside < np.repeat(taken, self.count)])

    def cells_of(self, people: Ints) -> Ints:
        """How many of each cell are among some people."""
        if not len(self.order):
            return np.zeros(0, np.int64)
        chosen = np.zeros(len(self.order), np.int64)
        chosen[people] = 1
        inside: Ints = np.add.reduceat(chosen[self.order], self.start)
        return inside

    def part(self, mask: NDArray[np.bool_]) -> "Field[K]":
        """The field of some of its people."""
        if mask.all():
            return self
        keys = tuple(self.keys[index] for index in np.flatnonzero(mask))
        return arrange(keys, self.points[mask], self.kind[mask], self.member)

    def names(self, people: Ints) -> tuple[K, ...]:
        """The keys of some people (indices), best points first, then lottery."""
        return tuple(self.keys[index] for index in people[np.lexsort((people, -self.points[people]))])

    def ahead(self) -> Ints:
        """By cell: how many people of the same kind have more points."""
        before = np.cumsum(self.count) - self.count
        first = np.searchsorted(self.cell_kind, self.cell_kind)
        ahead: Ints = before - before[first]
        return ahead

    def best(self) -> Ints:
        """Everybody, best points first, then lottery."""
        return np.argsort(-self.points, kind="stable")

    def counts(self, chosen: Ints) -> Ints:
        """How many of the people `chosen` (indices) stand in each quota's group."""
        return np.bincount(self.kind[chosen], minlength=len(self.member)) @ self.member


def read(candidates: Iterable[Candidate[K]], quotas: Sequence[Quota], lottery: Sequence[K]) -> Field[K]:
    """Check the candidates and arrange them. ValueError that says what is wrong with which of them."""
    people = list(candidates)
    turn = {key: number for number, key in enumerate(lottery)}
    if len(turn) < len(lottery):
        raise ValueError("a key stands in the lottery twice")
    _check(people, turn)
    people.sort(key=lambda person: turn[person.key])
    points = np.fromiter((person.points for person in people), np.int64, len(people))
    kind, member = _kinds(people, quotas)
    return arrange(tuple(person.key for person in people), points, kind, member)


def arrange(keys: tuple[K, ...], points: Ints, kind: Ints, member: Ints) -> Field[K]:
    """The field of people who stand in lottery order already."""
    order = np.lexsort((-points, kind))
    there = np.ones(len(order), np.bool_)
    there[1:] = (np.diff(kind[order]) != 0) | (np.diff(points[order]) != 0)
    start = np.flatnonzero(there)
    count = np.diff(np.append(start, len(order)))
    first = order[start]
    return Field(keys, points, kind, member, order, start, count, kind[first], points[first])


def _check(people: list[Candidate[K]], turn: dict[K, int]) -> None:
    if len({person.key for person in people}) < len(people):
        raise ValueError("a candidate stands there twice")
    absent = [str(person.key) for person in people if person.key not in turn]
    if absent:
        raise ValueError(f"not in the lottery: {', '.join(sorted(absent)[:5])}")
    odd = [str(p.key) for p in people if not is_whole(p.points) or not 0 <= p.points <= TOP_POINTS]
    if odd:
        raise ValueError(f"points are whole hundredths from 0 to {TOP_POINTS}: {', '.join(sorted(odd)[:5])}")
    loose = [str(person.key) for person in people if not isinstance(person.groups, set | frozenset)]
    if loose:
        raise ValueError(f"groups are a frozenset of names: {', '.join(sorted(loose)[:5])}")


def _kinds(people: list[Candidate[K]], quotas: Sequence[Quota]) -> tuple[Ints, Ints]:
    """Each person's combination of quota groups, as a number, and the combinations as rows of 0 and 1."""
    seen: dict[frozenset[Any], tuple[int, ...]] = {}
    rows = []
    for person in people:
        row = seen.get(groups := frozenset(person.groups))
        if row is None:
            row = seen[groups] = tuple(int(quota.group in groups) for quota in quotas)
        rows.append(row)
    kinds = sorted(set(seen.values()))
    number = {row: index for index, row in enumerate(kinds)}
    kind = np.fromiter((number[row] for row in rows), np.int64, len(rows))
    return kind, np.array(kinds, np.int64).reshape(len(kinds), len(quotas))


def turns(labels: Ints) -> Ints:
    """For each, how many of the same label stand before it.

    >>> turns(np.array([3, 3, 5, 3]))
    array([0, 1, 0, 2])
    """
    order = np.argsort(labels, kind="stable")
    first = np.flatnonzero(np.diff(labels[order], prepend=-1))
    found = np.empty(len(labels), np.int64)
    found[order] = np.arange(len(labels)) - np.repeat(first, np.diff(np.append(first, len(labels))))
    return found
