"""Check a selection from its own numbers, with whole-number arithmetic: nobody has to trust a solver."""

from bisect import bisect_left
from collections import Counter, defaultdict
from collections.abc import Collection, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import accumulate
from typing import Any, TypeVar

from scoring.selection.model import Candidate, Case, Proof, Quota, Relaxed, Selection, is_whole
from scoring.selection.story import Row, says_what_is_so, steps_add_up

K = TypeVar("K", bound=Hashable)

Share = Mapping[frozenset[Any], tuple[int, int]]


def check_certificate(
    candidates: Iterable[Candidate[K]],
    places: int,
    quotas: Sequence[Quota],
    selection: Selection[K],
    *,
    granted: Collection[K] = (),
) -> bool:
    """Whether the selection's own numbers prove it. Nothing is solved; everybody is looked at once.

    The seats are filled from these candidates; the quotas are kept, those `relaxed` as far as is proven to be
    possible; the points add up; and no allowed set can have more points, by the bound of the cut and the bonuses or,
    where there is a `proof`, of every one of its cases. What else it says is what its numbers say: the order of
    `chosen` and `waiting`, `exceptions`, `settled`; and `steps`, if there are any: one per quota, they lead from the
    best points without quotas to the chosen, through sets that keep the quotas so far, each at its cost.
    `candidates` are those the selection was made from. After a substitution: without those withdrawn, and with those
    `granted`, who had their seat before.

    False, never an error, for a candidate that stands there twice and for values of another type. Not checked: whom
    the lottery put first among equals, whether `steps` were asked for and left out, and whether a set between the
    first and the last step has the most points.
    """
    try:
        everybody = list(candidates)
        people = {person.key: person for person in everybody}
        return len(people) == len(everybody) and _holds(people, places, quotas, selection, frozenset(granted))
    except (TypeError, AttributeError, ValueError, LookupError, ArithmeticError, RecursionError):
        return False  # a text for a number, or nothing where a selection should be


def _holds(
    people: Mapping[K, Candidate[K]],
    places: int,
    quotas: Sequence[Quota],
    selection: Selection[K],
    granted: frozenset[K],
) -> bool:
    if selection.fixed != granted or not _are_whole(people, selection) or not _is_filled(people, places, selection):
        return False
    chosen = [people[key] for key in selection.chosen]
    seats = Counter(group for person in chosen for group in person.groups)
    rows = _rows(quotas, selection)
    objective = sum(person.points for person in chosen)
    if objective != selection.objective or any(not low <= seats[group] <= high for group, low, high in rows):
        return False
    gave_way = all(_gave_way(one, people, quotas, rows, selection) for one in selection.relaxed)
    if not gave_way or not _proves(_Bounds.of(people.values(), rows, selection), selection):
        return False
    return says_what_is_so(people, selection) and steps_add_up(people, rows, selection)


def _are_whole(people: Mapping[K, Candidate[K]], selection: Selection[K]) -> bool:
    numbers = [selection.cut, selection.objective, selection.bound, selection.gap, *selection.bonuses.values()]
    return all(is_whole(number) for number in (*numbers, *(person.points for person in people.values())))


def _is_filled(people: Mapping[K, Candidate[K]], places: int, selection: Selection[K]) -> bool:
    inside, outside = frozenset(selection.chosen), frozenset(selection.waiting)
    sizes = len(selection.chosen), len(selection.waiting)
    seats = min(places, len(people))
    everybody = inside | outside == people.keys()
    return everybody and sizes == (seats, len(people) - seats) and len(inside) == seats and selection.fixed <= inside


def _rows(quotas: Sequence[Quota], selection: Selection[Any]) -> list[Row]:
    """Group, least and most seats, after what had to give way."""
    eased = {(one.group, one.kind): one.possible for one in selection.relaxed}
    every = len(selection.chosen)
    return [
        (
            quota.group,
            eased.get((quota.group, "minimum"), quota.minimum or 0),
            eased.get((quota.group, "maximum"), every if quota.maximum is None else quota.maximum),
        )
        for quota in quotas
    ]


def _gave_way(
    one: Relaxed,
    people: Mapping[K, Candidate[K]],
    quotas: Sequence[Quota],
    rows: Sequence[Row],
    selection: Selection[K],
) -> bool:
    """Whether a limit was asked for, and its proof shows that the quotas before it leave nothing nearer."""
    places = [index for index, quota in enumerate(quotas) if quota.group == one.group]
    if not places or one.proof is None:
        return False
    every, index, least = len(selection.chosen), places[0], one.kind == "minimum"
    asked = quotas[index].minimum if least else quotas[index].maximum
    if asked != one.asked or (one.possible >= asked if least else one.possible <= asked):
        return False
    own = (one.group, 0 if least else rows[index][1], every)
    before = [*rows[:index], own, *((group, 0, every) for group, _low, _high in rows[index + 1 :])]
    counted = [replace(person, points=int((one.group in person.groups) == least)) for person in people.values()]
    most = one.possible if least else every - one.possible
    return _Bounds.of(counted, before, selection).at_most(most, one.proof, {})


def _proves(bounds: "_Bounds", selection: Selection[Any]) -> bool:
    if selection.bonuses.keys() != {group for group, _low, _high in bounds.rows}:
        return False
    bonuses = tuple(selection.bonuses[group] for group, _low, _high in bounds.rows)
    alone = bounds.of_case(Case(selection.cut, bonuses, 1), {})
    if selection.bound != selection.objective or alone - selection.objective != selection.gap:
        return False
    return selection.gap == 0 if selection.proof is None else bounds.at_most(selection.objective, selection.proof, {})


@dataclass(frozen=True, slots=True)
class _Bounds:
    """People by combination of groups: points of the best 0, 1, 2 … together, and each one's, lowest first."""

    seats: int
    rows: Sequence[Row]
    fixed: Sequence[tuple[int, frozenset[Any]]]
    sums: Mapping[frozenset[Any], Sequence[int]]
    rising: Mapping[frozenset[Any], Sequence[int]]

    @classmethod
    def of(cls, people: Collection[Candidate[K]], rows: Sequence[Row], selection: Selection[K]) -> "_Bounds":
        named = frozenset(group for group, _low, _high in rows)
        free: dict[frozenset[Any], list[int]] = defaultdict(list)
        fixed = []
        for person in people:
            if person.key in selection.fixed:
                fixed.append((person.points, person.groups & named))
            else:
                free[person.groups & named].append(person.points)
        rising = {groups: sorted(points) for groups, points in free.items()}
        sums = {groups: list(accumulate(reversed(points), initial=0)) for groups, points in rising.items()}
        held = Counter(group for _points, groups in fixed for group in groups)
        limits = [(group, max(low, held[group]), high) for group, low, high in rows]
        return cls(len(selection.chosen), limits, fixed, sums, rising)

    def at_most(self, points: int, proof: Proof, share: Share) -> bool:
        """Whether no set of this case can have more points."""
        if isinstance(proof, Case):
            whole = proof.scale > 0 and len(proof.bonuses) == len(self.rows)
            return whole and self.of_case(proof, share) <= points
        groups = frozenset(proof.groups)
        low, high = share.get(groups, (0, len(self.rising.get(groups, ()))))
        fewer = {**share, groups: (low, min(high, proof.at))}
        more = {**share, groups: (max(low, proof.at + 1), high)}
        return self.at_most(points, proof.fewer, fewer) and self.at_most(points, proof.more, more)

    def of_case(self, case: Case, share: Share) -> int:
        """Seats at the price of the cut, less the quotas at theirs, and what everybody taken is worth above that."""
        bonus = {group: price for (group, _low, _high), price in zip(self.rows, case.bonuses, strict=True)}
        total = case.cut * self.seats
        for group, low, high in self.rows:
            total -= bonus[group] * (low if bonus[group] > 0 else high)
        for points, groups in self.fixed:
            total += case.scale * points + sum(bonus[group] for group in groups) - case.cut
        for groups, sums in self.sums.items():
            price = case.cut - sum(bonus[group] for group in groups)
            above = len(sums) - 1 - bisect_left(self.rising[groups], price // case.scale + 1)
            low, high = share.get(groups, (0, len(sums) - 1))
            if low > high:
                return 0  # nobody can be chosen so: this case is empty
            taken = min(max(above, low), high)
            total += case.scale * sums[taken] - price * taken
        return total // case.scale
