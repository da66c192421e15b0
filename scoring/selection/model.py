"""What goes into a selection under quotas, and what comes out of it. Points are hundredths, always whole numbers."""

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, Literal, TypeVar

K = TypeVar("K", bound=Hashable)

# No points above this: a million people's points add up exactly in 64 bits, and the solver keeps every digit.
TOP_POINTS = 10**7

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
class Case:
    """Prices that bound the points in one case: `cut` and `bonuses` in the order of the quotas, divided by `scale`."""

    cut: int
    bonuses: tuple[int, ...]
    scale: int


@dataclass(frozen=True, slots=True)
class Split:
    """Two cases: at most `at` of the people in exactly these of the quotas' groups are chosen, or more."""

    groups: tuple[Any, ...]
    at: int
    fewer: "Proof"
    more: "Proof"


Proof = Case | Split


@dataclass(frozen=True, slots=True)
class Relaxed:
    """A limit that could not be kept: `asked`, the nearest `possible`, and how many seats that is `short`.

    `proof`: that with the quotas declared before it nothing nearer is possible.
    """

    group: Any
    kind: Kind
    asked: int
    possible: int
    proof: Proof | None = field(default=None, compare=False, repr=False)

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
    `objective`: the points of the chosen together. `bound`: what no allowed set can exceed. `gap`: how far above the
    points the bound of `cut` and `bonuses` alone is. It is 0 unless the quotas do not divide evenly; then `proof`
    shows the bound case by case.
    `cut` and `bonuses` (by group; below 0 where a maximum binds): whoever has points plus bonuses above the cut is in,
    whoever has less is out; on the line they are in, or the lottery decides. One valid set of several.
    `exceptions`: those for whom it does not hold; nobody unless there is a gap.
    `settled`: those on the line when some of them are in and some are out: there the lottery decided, as far as the
    quotas left it to.
    `relaxed`: the limits that could not be kept. `steps`: what each quota changed, in the declared order.
    `fixed`: those who had their seat before (after a substitution).
    """

    chosen: tuple[K, ...]
    waiting: tuple[K, ...]
    cut: int
    bonuses: Mapping[Any, int]
    objective: int
    bound: int
    gap: int = 0
    proof: Proof | None = None
    exceptions: frozenset[K] = frozenset()
    settled: frozenset[K] = frozenset()
    relaxed: tuple[Relaxed, ...] = ()
    steps: tuple[Step[K], ...] = ()
    fixed: frozenset[K] = frozenset()

    @property
    def is_certified(self) -> bool:
        """Whether the numbers here prove that no allowed set has more points, and that no quota gave way needlessly.

        `check_certificate` checks them.
        """
        return self.bound == self.objective and all(one.proof is not None for one in self.relaxed)
