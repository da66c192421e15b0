"""The sheets that count, as statistics take them: plain values, no rows of a database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from fractions import Fraction
from functools import cached_property

import scoring
from grants.calls.models import Stage

# What the groups of a contrast may be told apart by.
DIMENSIONS = ("sex", "population_group", "disability", "single_carer", "province")


@dataclass(frozen=True, slots=True)
class Judged:
    """An application: how it is called, and its group by dimension (None: not known)."""

    folio: str
    venture: str
    groups: Mapping[str, str | None]


@dataclass(frozen=True, slots=True)
class Sheet:
    """A whole sheet that counts: its levels by criterion id, and its exact points out of 100 at its stage."""

    application: int
    evaluator: int
    levels: Mapping[int, int]
    points: Fraction


@dataclass(frozen=True, slots=True)
class Measured:
    """A criterion of the stage, with the levels that it declares, lowest first."""

    id: int
    name: str
    levels: tuple[int, ...]


@dataclass(frozen=True)
class Evidence:
    """All whole sheets of a call by stage, and who and what they are about.

    `panels`: the pitch session that each application came to; `sessions`: canton and day of each.
    `blocks`: the panel that each evaluator was drawn from, empty while there is one.
    `hidden`: applications that are not for this reader. `reviews`: sheets that each is to have at each stage.
    """

    rubrics: Mapping[int, scoring.Rubric]
    rubric_of: Mapping[int, int]
    criteria: Mapping[Stage, Sequence[Measured]]
    sheets: Mapping[Stage, Sequence[Sheet]]
    judged: Mapping[int, Judged]
    evaluators: Mapping[int, str]
    weights: Mapping[Stage, Fraction]
    hidden: frozenset[int]
    blocks: Mapping[int, str]
    panels: Mapping[int, int]
    sessions: Mapping[int, tuple[str, date]]
    reviews: int
    places: int
    tie_seed: str

    @cached_property
    def calibrations(self) -> Mapping[Stage, "scoring.Calibration | Exception"]:
        """Each counting stage's calibration, or why there is none."""
        return {stage: _calibration(self.sheets.get(stage, ()), self.blocks) for stage in self.weights}


def _calibration(sheets: Sequence[Sheet], blocks: Mapping[int, str]) -> "scoring.Calibration | Exception":
    if not sheets:
        return scoring.NotEstimable("no sheet is in")
    rows = [(sheet.application, sheet.evaluator, float(sheet.points)) for sheet in sheets]
    applications, evaluators, points = zip(*rows, strict=True)
    panel = [blocks.get(sheet.evaluator, "") for sheet in sheets] if blocks else None
    try:
        return scoring.calibrate(scoring.Ratings(applications, evaluators, points, panel))
    except (scoring.NotComparable, scoring.NotEstimable) as reason:
        return reason
