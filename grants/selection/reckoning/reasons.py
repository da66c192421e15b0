"""Why somebody is in or out: only what the numbers of the certificate prove."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import scoring
from grants.selection.models import Reason

Chosen = scoring.Selection[str]
Why = tuple[Reason, tuple[str, ...]]


@dataclass
class Explainer:
    """Reads reasons off a selection. `people` by folio; `plain`: who would be in if points alone decided."""

    found: Chosen
    people: Mapping[str, scoring.Candidate[str]]
    quotas: Sequence[scoring.Quota]
    turn: Mapping[str, int]
    plain: frozenset[str]
    is_drawn: bool  # nothing but the lottery decides
    inside: Counter[tuple[frozenset[str], int]] = field(init=False)
    outside: Counter[tuple[frozenset[str], int]] = field(init=False)
    lowest: dict[frozenset[str], tuple[int, int]] = field(init=False)
    full: frozenset[str] = field(init=False)

    def __post_init__(self) -> None:
        self.inside = Counter(self._cell(folio) for folio in self.found.chosen)
        self.outside = Counter(self._cell(folio) for folio in self.found.waiting)
        self.lowest = {}
        for folio in self.found.chosen:
            groups, edge = self.people[folio].groups, (self.people[folio].points, -self.turn[folio])
            self.lowest[groups] = min(self.lowest.get(groups, edge), edge)
        members = Counter(group for folio in self.found.chosen for group in self.people[folio].groups)
        self.full = frozenset(
            quota.group for quota in self.quotas if quota.maximum is not None and members[quota.group] >= quota.maximum
        )

    def why_in(self, folio: str) -> Why:
        """Of a chosen one: the reason and the quotas that explain it."""
        person, cut = self.people[folio], self.found.cut
        if not self.found.waiting:
            return Reason.ALL_FIT, ()
        is_tied = bool(self.outside[self._cell(folio)])
        if self.is_drawn or person.points >= cut:
            return (Reason.BY_LOTTERY if is_tied else Reason.BY_POINTS), ()
        helped = self._helping(person)
        if not helped or person.points + self._bonus(person) < cut:
            return Reason.QUOTAS_TOGETHER, ()
        return (Reason.QUOTA_AND_LOTTERY if is_tied else Reason.BY_QUOTA), helped

    def why_out(self, folio: str) -> Why:
        """Of one on the waiting list: the reason and the quotas that explain it."""
        person, cut = self.people[folio], self.found.cut
        if self.inside[self._cell(folio)]:
            return Reason.LOTTERY_LOST, ()
        if person.points >= cut and (full := self._full_for(person)):
            return Reason.QUOTA_FULL, full
        if folio in self.plain:
            return Reason.DISPLACED, self._displacing(folio)
        return (Reason.BELOW_CUT if person.points < cut else Reason.QUOTAS_TOGETHER), ()

    def short(self, folio: str) -> int | None:
        """How many hundredths more would certainly have been enough: those of the last one in with the same groups.

        With more points than that one, or as many and an earlier turn in the lottery, the two could change places in
        any allowed set. None where nobody with the same groups is in.
        """
        person = self.people[folio]
        edge = self.lowest.get(person.groups)
        if edge is None or self.is_drawn:
            return None
        points, turn = edge
        wins_tie = -self.turn[folio] > turn
        return points - person.points + (0 if wins_tie else 1)

    def _cell(self, folio: str) -> tuple[frozenset[str], int]:
        return self.people[folio].groups, self.people[folio].points

    def _bonus(self, person: scoring.Candidate[str]) -> int:
        return sum(self.found.bonuses.get(group, 0) for group in person.groups)

    def _helping(self, person: scoring.Candidate[str]) -> tuple[str, ...]:
        return tuple(q.group for q in self.quotas if q.group in person.groups and self.found.bonuses[q.group] > 0)

    def _full_for(self, person: scoring.Candidate[str]) -> tuple[str, ...]:
        return tuple(q.group for q in self.quotas if q.group in person.groups and q.group in self.full)

    def _displacing(self, folio: str) -> tuple[str, ...]:
        """The last quota whose addition put this one out."""
        steps = [step.group for step in self.found.steps if folio in step.left]
        return tuple(steps[-1:])
