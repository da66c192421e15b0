"""What strict and lenient evaluators may have changed: the corrected measure, and how sure each outcome is."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from math import sqrt
from typing import TYPE_CHECKING, Any

import numpy as np

import scoring
from grants.selection.reckoning.canonical import RunInputs
from grants.selection.reckoning.points import STAGES, Pointer, Scored

if TYPE_CHECKING:
    from grants.selection.reckoning.reckon import Field

OFF, ADVISORY, BINDING = "off", "advisory", "binding"
ALL_WITH_QUOTAS = 2_000  # up to so many people the chances under the quotas are drawn too
MANY = 20_000  # above it, fewer draws
FEWER_DRAWS = 200
LIFT = 100_000  # draws may fall below 0; the same for everybody, it changes nothing

Parts = tuple[tuple[float, scoring.Calibration], ...]


@dataclass(frozen=True)
class Sureness:
    """`told`: how calibration went, for the page. `measures`: corrected points and their standard error."""

    told: Mapping[str, Any]
    is_binding: bool = False
    draws: int = 0
    seed: int = 0
    parts: Parts = ()
    measures: Mapping[str, tuple[int, int]] = field(default_factory=dict)
    chances: Mapping[str, tuple[int, int | None]] = field(default_factory=dict)

    def points(self, folio: str, mean: int) -> int:
        """What is ranked: the mean of the rubric, or the corrected measure where the call says so."""
        return max(0, self.measures[folio][0]) if self.is_binding else mean

    def of(self, folio: str) -> tuple[int | None, int | None, int | None, int | None]:
        """Measure, its standard error, the chance to be among the best, the chance under the quotas."""
        return (*self.measures.get(folio, (None, None)), *self.chances.get(folio, (None, None)))

    def with_chances(self, people: "Field") -> "Sureness":
        """The same with the chances of everybody, from joint draws of all."""
        if not self.parts:
            return self
        found = scoring.rank_uncertainty(self.parts, people.places, draws=self.draws, seed=self.seed)
        top = {folio: round(10_000 * share) for folio, share in found.p_top.items()}
        if not people.quotas:
            inside: Mapping[str, int | None] = top
        elif len(people.people) <= ALL_WITH_QUOTAS:
            inside = self._under_quotas(people)
        else:
            inside = dict.fromkeys(top)
        chances = {folio: (share, inside[folio]) for folio, share in top.items()}
        told = {**self.told, "draws": self.draws, "accuracy": round(10_000 * found.accuracy)}
        return replace(self, told=told, chances=chances)

    def _under_quotas(self, people: "Field") -> dict[str, int | None]:
        """The share of draws in which each would be selected under the quotas."""
        draws = min(self.draws, FEWER_DRAWS)
        folios, blocks = scoring.posterior_draws(self.parts, draws, self.seed)
        seats: dict[str, int] = dict.fromkeys(folios, 0)
        for block in blocks:
            for drawn in np.rint(100 * block).astype(np.int64).T:
                for folio in _selected(people, dict(zip(folios, drawn.tolist(), strict=True))):
                    seats[folio] += 1
        return {folio: round(10_000 * count / draws) for folio, count in seats.items()}


def _selected(people: "Field", drawn: Mapping[str, int]) -> tuple[str, ...]:
    candidates = [
        scoring.Candidate(folio, max(0, drawn[folio] + LIFT), person.groups) for folio, person in people.people.items()
    ]
    return scoring.select(candidates, people.places, people.quotas, people.lottery, steps=False).chosen


def sureness(inputs: RunInputs, pointer: Pointer, ranked: Mapping[str, Scored]) -> Sureness:
    """Calibrate each stage that counts. Where it must decide, NotComparable and NotEstimable are the caller's."""
    mode = inputs.settings["calibration"]
    if mode == OFF or not pointer.needs_points or not ranked:
        return Sureness({"state": OFF})
    try:
        parts = _calibrated(inputs, pointer, ranked)
    except scoring.NotComparable as error:
        if mode == BINDING:
            raise
        return Sureness({"state": "not_comparable", "parts": sorted(sorted(map(str, part)) for part in error.parts)})
    except scoring.NotEstimable:
        if mode == BINDING:
            raise
        return Sureness({"state": "not_estimable"})
    draws = inputs.settings["draws"] if len(ranked) <= MANY else FEWER_DRAWS
    return Sureness(
        {"state": mode, "stages": _told(parts, pointer)},
        mode == BINDING,
        draws,
        inputs.settings["draws_seed"],
        parts,
        {folio: _measure(parts, folio) for folio in ranked},
    )


def _calibrated(inputs: RunInputs, pointer: Pointer, ranked: Mapping[str, Scored]) -> Parts:
    rows: dict[str, list[tuple[str, str, float, str | None]]] = {stage: [] for stage in STAGES}
    for entry in inputs.entries:
        if entry.folio in ranked:
            for sheet, points in pointer.whole_sheets(entry):
                rows[sheet.stage].append((entry.folio, sheet.evaluator, float(points), sheet.panel))
    weights = {stage: float(inputs.settings[f"{stage}_weight"]) / 100 for stage in STAGES}
    return tuple((weights[stage], scoring.calibrate(_ratings(rows[stage]))) for stage in STAGES if weights[stage])


def _ratings(rows: list[tuple[str, str, float, str | None]]) -> scoring.Ratings:
    folios, evaluators, points, panels = zip(*rows, strict=True)
    known = None if all(panel is None for panel in panels) else [panel or "" for panel in panels]
    return scoring.Ratings(folios, evaluators, points, known)


def _measure(parts: Parts, folio: str) -> tuple[int, int]:
    value = sum(weight * part.measure[folio] for weight, part in parts)
    error = sqrt(sum((weight * part.measure_se[folio]) ** 2 for weight, part in parts))
    return round(100 * value), round(100 * error)


def _told(parts: Parts, pointer: Pointer) -> list[dict[str, Any]]:
    """By stage: standard deviations of application, evaluator and the rest, in hundredths of a point."""
    stages = [stage for stage in STAGES if float(pointer.inputs.settings[f"{stage}_weight"])]
    return [
        {
            "stage": stage,
            "application": round(100 * sqrt(part.variance.application)),
            "evaluator": round(100 * sqrt(part.variance.evaluator)),
            "residual": round(100 * sqrt(part.variance.residual)),
            "evaluators": len(part.severity),
        }
        for stage, (_weight, part) in zip(stages, parts, strict=True)
    ]
