"""What goes into a selection under quotas, and what comes out of it. Points are hundredths, always whole numbers."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

K = TypeVar("K", bound=Hashable)

# No points above this: sums of a million people's points stay exact in 64 bits.
TOP_POINTS = 10**9

Kind = Literal["minimum", "maximum"]


@dataclass(frozen=True, slots=True)
class Candidate(Generic[K]):
    """One person who may be chosen: `points` in hundredths, `groups` of any names; a person may stand in several."""

    key: K
    points: int
    groups: frozenset[Any] = frozenset()


@dataclass(frozen=True, slots=True)
class Quota:
    """At least `minimum` and at most `maximum` seats for the members of a group; None: no such limit.

    ValueError when a limit is below 0 or not a whole number, or the minimum is above the maximum.
    """

    group: Any
    minimum: int | None = None
    maximum: int | None = None

    def __post_init__(self) -> None:
        for limit in (self.minimum, self.maximum):
            if limit is not None and (not is_whole(limit) or limit < 0):
                raise ValueError(f"quota {self.group}: {limit} is not a number of seats")
        if self.minimum is not None and self.maximum is not None and self.minimum > self.maximum:
            raise ValueError(f"quota {self.group}: the minimum is above the maximum")


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A limit that could not be kept: `asked`, the nearest `possible`, and how many seats that is `short`."""

    group: Any
    kind: Kind
    asked: int
    possible: int

    @property
    def short(self) -> int:
        """Seats between what was asked and what is possible, above 0."""
        return abs(self.asked - self.possible)


@dataclass(frozen=True, slots=True)
class Step(Generic[K]):
    """What one quota changed when it was added to those declared before it; `cost` in hundredths, never below 0."""

    group: Any
    entered: tuple[K, ...]
    left: tuple[K, ...]
    cost: int


def is_whole(number: object) -> bool:
    """Whether it is a whole number (numpy's count, True and False do not)."""
    return hasattr(number, "__index__") and not isinstance(number, bool)


@dataclass(frozen=True, slots=True)
class Selection(Generic[K]):
    """Who gets the seats under the quotas, with the numbers that prove that no other set has more points.

    `chosen`: best points first, equal points in the order of the lottery. `waiting`: everybody else, by points plus
    bonuses, then lottery.
    `objective`: the points of the chosen together. `bound`: what no allowed set can exceed, recomputed from `cut` and
    `bonuses` alone. Their difference is `gap`.
    `cut` and `bonuses` (by group; below 0 where a maximum binds): whoever has points plus bonuses above the cut is in,
    whoever has less is out, on the line the lottery decides. One valid set of several. `exceptions`: those for whom
    it does not hold; nobody unless there is a gap.
    `settled`: those on the line when some of them are in and some are out.
    `relaxed`: the limits that could not be kept. `steps`: what each quota changed, in the declared order.
    `fixed`: those who had their seat before (after a substitution).
    """

    chosen: tuple[K, ...]
    waiting: tuple[K, ...]
    cut: int
    bonuses: Mapping[Any, int]
    objective: int
    bound: int
    is_certified: bool
    exceptions: frozenset[K] = frozenset()
    settled: frozenset[K] = frozenset()
    relaxed: tuple[Relaxed, ...] = ()
    steps: tuple[Step[K], ...] = ()
    fixed: frozenset[K] = frozenset()

    @property
    def gap(self) -> int:
        """Hundredths between the bound and the points of the chosen; above 0 only where quotas do not divide evenly."""
        return self.bound - self.objective
