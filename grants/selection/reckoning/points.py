"""Points by application from the levels on its sheets: exact, rounded once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from typing import Any

import scoring
from grants.selection.reckoning.canonical import Entry, RunInputs, Sheet

SEED_CAPITAL = "seed_capital"
STAGES = ("plan", "pitch")


@dataclass(frozen=True, slots=True)
class Scored:
    """Points in hundredths, by stage and in total; None for those that cannot be ranked, or where nothing is scored."""

    plan: int | None
    pitch: int | None
    total: int | None
    reviews: int


@dataclass
class Pointer:
    """Turns levels into points, remembering what it has worked out: many sheets look alike."""

    inputs: RunInputs
    rubrics: dict[str, scoring.Rubric] = field(init=False)
    _sheets: dict[tuple[Any, ...], Fraction | None] = field(default_factory=dict)
    _totals: dict[Any, scoring.Combined | None] = field(default_factory=dict)

    def __post_init__(self) -> None:
        weights = {stage: Decimal(self.inputs.settings[f"{stage}_weight"]) for stage in STAGES}
        self.rubrics = {version: _rubric(stages, weights) for version, stages in self.inputs.rubrics.items()}

    @property
    def needs_points(self) -> bool:
        """Devices go to everybody who completed: no rubric, the lottery alone orders."""
        return bool(self.inputs.settings["kind"] == SEED_CAPITAL)

    def of_sheet(self, entry: Entry, sheet: Sheet) -> Fraction | None:
        """The exact points of a sheet at its stage; None for a sheet with a gap: it does not count."""
        key = (entry.rubric, sheet.stage, sheet.levels)
        if key not in self._sheets:
            self._sheets[key] = self._points(*key)
        return self._sheets[key]

    def whole_sheets(self, entry: Entry) -> Iterator[tuple[Sheet, Fraction]]:
        """The sheets of an application that count, with their points."""
        for sheet in entry.sheets:
            points = self.of_sheet(entry, sheet)
            if points is not None:
                yield sheet, points

    def scored(self, entry: Entry) -> Scored | None:
        """None when the application has fewer whole sheets than the call asks for."""
        if not self.needs_points:
            return Scored(None, None, None, 0)
        by_stage: defaultdict[str, list[Fraction]] = defaultdict(list)
        for sheet, points in self.whole_sheets(entry):
            by_stage[sheet.stage].append(points)
        key = (entry.rubric, *(tuple(sorted(by_stage[stage])) for stage in STAGES))
        if key not in self._totals:
            self._totals[key] = self._combined(entry.rubric, by_stage)
        found = self._totals[key]
        if found is None:
            return None
        reviews = sum(len(sheets) for sheets in by_stage.values())
        return Scored(found.by_stage.get("plan"), found.by_stage.get("pitch"), found.total, reviews)

    def _points(self, version: str, stage: str, levels: tuple[int | None, ...]) -> Fraction | None:
        found = next(one for one in self.rubrics[version].stages if one.key == stage)
        given = {c.key: level for c, level in zip(found.criteria, levels, strict=True) if level is not None}
        try:
            return found.points(given)
        except scoring.Incomplete:  # a gap is a gap: such a sheet does not count
            return None

    def _combined(self, version: str, sheets: Mapping[str, list[Fraction]]) -> scoring.Combined | None:
        rubric, reviews = self.rubrics[version], self.inputs.settings["reviews"]
        if any(len(sheets.get(str(stage.key), ())) < reviews for stage in rubric.counted):
            return None
        return scoring.combine(rubric, {stage.key: sheets[str(stage.key)] for stage in rubric.counted})


def _rubric(stages: Mapping[str, Any], weights: Mapping[str, Decimal]) -> scoring.Rubric:
    return scoring.Rubric(
        tuple(
            scoring.Stage(
                stage,
                weights[stage],
                tuple(
                    scoring.Criterion((stage, number), Decimal(weight), top=top, bottom=bottom)
                    for number, (weight, bottom, top) in enumerate(stages.get(stage, ()), 1)
                ),
            )
            for stage in STAGES
        )
    )
