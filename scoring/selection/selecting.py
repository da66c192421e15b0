"""Who gets the seats under the quotas: `select`, and `substitute` when somebody gives a seat up."""

from collections.abc import Collection, Hashable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Generic, TypeVar

import numpy as np
from numpy.typing import NDArray

from scoring.selection.certificate import Reason, explain
from scoring.selection.field import Field, Ints, read
from scoring.selection.model import Candidate, Quota, Relaxed, Selection, Step, is_whole
from scoring.selection.optimum import Optimum, most_points
from scoring.selection.prices import Limits, Prices
from scoring.selection.relax import possible_limits

K = TypeVar("K", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Substitution(Generic[K]):
    """The selection solved again, and those `called` now: in, and not among those who keep their seat."""

    selection: Selection[K]
    called: tuple[K, ...]


def select(
    candidates: Iterable[Candidate[K]],
    places: int,
    quotas: Sequence[Quota],
    lottery: Sequence[K],
    *,
    steps: bool = True,
) -> Selection[K]:
    """Give the places to the allowed set with the most points; of several, to the first in the order of the lottery.

    Allowed is a set of exactly min(places, candidates) people that keeps every quota. Of two sets with equal points
    the first is the one that has the person in whom they differ earliest in `lottery`, which holds every key (it may
    hold others). The order of `candidates` does not matter. `steps`: also what each quota changed, in declared order.

    Quotas that cannot all be kept give way, the later declared ones first; the seats are always given.

    ValueError: places or points that are not whole numbers from 0, a key that stands there twice or not in the
    lottery, two quotas for one group.

    >>> people = [Candidate("a", 9000), Candidate("b", 8000), Candidate("c", 7000, frozenset({"women"}))]
    >>> found = select(people, 2, [Quota("women", minimum=1)], lottery=["c", "b", "a"])
    >>> found.chosen, found.waiting, found.cut, found.bonuses
    (('a', 'c'), ('b',), 8001, {'women': 1001})
    >>> found.objective == found.bound, found.steps[0].entered, found.steps[0].cost
    (True, ('c',), 1000)
    """
    field = _read(candidates, places, quotas, lottery)
    return _select(field, places, quotas, np.zeros(len(field.keys), np.bool_), steps)


def substitute(
    candidates: Iterable[Candidate[K]],
    places: int,
    quotas: Sequence[Quota],
    lottery: Sequence[K],
    granted: Collection[K],
    withdrawn: Collection[K],
) -> Substitution[K]:
    """Fill the seats that fell free: points, quotas and lottery as they were, those `granted` keep their seat.

    The same problem is solved again without those `withdrawn` and with those granted in every allowed set. It is not
    "the next by points": whoever replaces the only member of a group may have to be of that group.

    ValueError as in `select`, for somebody both granted and withdrawn or not a candidate, and for more granted than
    places.

    >>> people = [Candidate("a", 9000), Candidate("b", 8000), Candidate("c", 7000, frozenset({"women"})),
    ...           Candidate("d", 6000, frozenset({"women"}))]
    >>> substitute(people, 2, [Quota("women", 1)], ["a", "b", "c", "d"], granted=["a"], withdrawn=["c"]).called
    ('d',)
    """
    gone, kept, people = frozenset(withdrawn), frozenset(granted), list(candidates)
    strange = (gone & kept) | ((gone | kept) - {person.key for person in people})
    if strange:
        raise ValueError(f"granted and withdrawn, or not a candidate: {', '.join(sorted(map(str, strange))[:5])}")
    field = _read([person for person in people if person.key not in gone], places, quotas, lottery)
    if len(kept) > places:
        raise ValueError("more people keep their seat than there are places")
    found = _select(field, places, quotas, np.array([key in kept for key in field.keys], np.bool_), steps=False)
    return Substitution(found, tuple(key for key in found.chosen if key not in kept))


def _read(candidates: Iterable[Candidate[K]], places: int, quotas: Sequence[Quota], lottery: Sequence[K]) -> Field[K]:
    if not is_whole(places) or places < 0:
        raise ValueError("places are a whole number from 0")
    groups = [quota.group for quota in quotas]
    twice = {str(group) for group in groups if groups.count(group) > 1}
    if twice:
        raise ValueError(f"put the minimum and the maximum of a group into one quota: {', '.join(sorted(twice)[:5])}")
    return read(candidates, quotas, lottery)


def _select(
    field: Field[K], places: int, quotas: Sequence[Quota], fixed: NDArray[np.bool_], steps: bool
) -> Selection[K]:
    keeps = np.flatnonzero(fixed)
    free = field.part(~fixed)
    seats = min(places, len(field.keys)) - len(keeps)
    limits, relaxed = possible_limits(free, seats, quotas, field.counts(keeps))
    stages = list(_stages(free, limits)) if steps else [most_points(free, limits)]
    best = stages[-1]
    reason = explain(free, limits, best, quotas)
    found = _Found(field, np.concatenate((keeps, np.flatnonzero(~fixed)[best.people])), fixed, reason.prices)
    return found.selection(quotas, relaxed, reason, tuple(_steps(free, quotas, stages)))


def _stages(field: Field[K], limits: Limits) -> Iterator[Optimum]:
    """The best set without quotas, with the first, with the first two … A set that keeps the next quota stays."""
    idle = Limits(limits.seats, np.zeros_like(limits.lower), np.full_like(limits.upper, limits.seats))
    stage = most_points(field, idle)
    yield stage
    for index in range(len(limits.lower)):
        idle.lower[index], idle.upper[index] = limits.lower[index], limits.upper[index]
        if not idle.allow(field.counts(stage.people)):
            stage = most_points(field, idle)
        yield stage


def _steps(field: Field[K], quotas: Sequence[Quota], stages: Sequence[Optimum]) -> Iterator[Step[K]]:
    for quota, before, after in zip(quotas, stages, stages[1:], strict=False):
        entered = np.setdiff1d(after.people, before.people, assume_unique=True)
        left = np.setdiff1d(before.people, after.people, assume_unique=True)
        cost = int(field.points[left].sum()) - int(field.points[entered].sum())
        yield Step(quota.group, field.names(entered), field.names(left), cost)


@dataclass(frozen=True, slots=True)
class _Found(Generic[K]):
    """The people found, and everything that can be read off them and the prices."""

    field: Field[K]
    people: Ints
    fixed: NDArray[np.bool_]
    prices: Prices

    def selection(
        self, quotas: Sequence[Quota], relaxed: tuple[Relaxed, ...], reason: Reason, steps: tuple[Step[K], ...]
    ) -> Selection[K]:
        field, inside = self.field, np.zeros(len(self.field.keys), np.bool_)
        inside[self.people] = True
        objective = int(field.points[inside].sum())
        level = field.points + (field.member @ self.prices.bonus)[field.kind]
        outside = np.flatnonzero(~inside)
        return Selection(
            chosen=field.names(self.people),
            waiting=tuple(field.keys[index] for index in outside[np.argsort(-level[outside], kind="stable")]),
            cut=self.prices.cut,
            bonuses={quota.group: int(bonus) for quota, bonus in zip(quotas, self.prices.bonus, strict=True)},
            objective=objective,
            bound=objective + reason.short,
            gap=reason.gap,
            proof=reason.proof,
            exceptions=self._keys(np.where(inside, level < self.prices.cut, level > self.prices.cut) & ~self.fixed),
            settled=self._settled(level == self.prices.cut, inside),
            relaxed=relaxed,
            steps=steps,
            fixed=self._keys(self.fixed),
        )

    def _settled(self, on_line: NDArray[np.bool_], inside: NDArray[np.bool_]) -> frozenset[K]:
        drawn = on_line & ~self.fixed
        if inside[drawn].all() or not inside[drawn].any():
            return frozenset()
        return self._keys(drawn)

    def _keys(self, mask: NDArray[np.bool_]) -> frozenset[K]:
        return frozenset(self.field.keys[index] for index in np.flatnonzero(mask))
