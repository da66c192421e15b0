"""What a run gives: a line for each application and the numbers that prove them, as canonical text."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, NamedTuple

from grants.selection.reckoning.canonical import canonical, fingerprint


class Line(NamedTuple):
    """A ranked application. Points, measures and `short` in hundredths; chances in hundredths of a percent.

    `points`: what is ranked. `mean`: the mean of the rubric. `measure`: corrected for the evaluators, with its
    standard error. `p_top`: among the best without quotas; `p_in`: selected under the quotas. `short`: how many more
    points would have been enough. `quotas`: those that explain the outcome. `groups`: all that it counts for.
    """

    folio: str
    place: int
    outcome: str
    reason: str
    points: int | None
    plan: int | None
    pitch: int | None
    mean: int | None
    measure: int | None
    measure_se: int | None
    p_top: int | None
    p_in: int | None
    reviews: int
    by_lottery: bool
    short: int | None
    quotas: tuple[str, ...]
    groups: tuple[str, ...]


class Unranked(NamedTuple):
    """An application without a place, and why."""

    folio: str
    reason: str
    reviews: int


class QuotaCount(NamedTuple):
    """How a quota came out: its bounds, members who could be ranked and those selected, the bonus in hundredths."""

    group: str
    minimum: int | None
    maximum: int | None
    eligible: int
    chosen: int
    bonus: int


class StepLine(NamedTuple):
    """Who entered and who left when a quota was added to those before it, and its cost in hundredths."""

    group: str
    entered: tuple[str, ...]
    left: tuple[str, ...]
    cost: int


class RelaxedLine(NamedTuple):
    """A limit (minimum or maximum) that could not be kept, and the nearest that could."""

    group: str
    kind: str
    asked: int
    possible: int


@dataclass(frozen=True)
class RunResult:
    """`certificate`: objective, bound, cut (hundredths), whether it was checked. `calibration`: how it went."""

    lines: Sequence[Line]
    unranked: Sequence[Unranked]
    quotas: Sequence[QuotaCount]
    steps: Sequence[StepLine]
    relaxed: Sequence[RelaxedLine]
    certificate: Mapping[str, Any]
    calibration: Mapping[str, Any]

    @cached_property
    def text(self) -> str:
        """Canonical JSON."""
        return canonical({name: getattr(self, name) for name in self.__dataclass_fields__})

    @cached_property
    def hash(self) -> str:
        """SHA-256 of the canonical text."""
        return fingerprint(self.text)

    @property
    def cut(self) -> int | None:
        """The points from which somebody without a quota is in, in hundredths; None when everybody is in."""
        cut: int | None = self.certificate["cut"]
        return cut

    @property
    def summary(self) -> str:
        """The canonical text without the lines of applications: what every reader of the run may see."""
        return replace(self, lines=(), unranked=()).text

    @classmethod
    def parse(cls, text: str) -> "RunResult":
        """A result from its canonical text."""
        raw = json.loads(text)
        return cls(
            [Line._make((*facts, tuple(quotas), tuple(groups))) for *facts, quotas, groups in raw["lines"]],
            [Unranked(*line) for line in raw["unranked"]],
            [QuotaCount(*line) for line in raw["quotas"]],
            [StepLine(group, tuple(entered), tuple(left), cost) for group, entered, left, cost in raw["steps"]],
            [RelaxedLine(*line) for line in raw["relaxed"]],
            raw["certificate"],
            raw["calibration"],
        )
