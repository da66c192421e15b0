"""Who is strict, who is lenient, and whose levels do not follow the others'."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import scoring
from grants.calls.models import Stage
from grants.evaluation.quality.evidence import Evidence

ENOUGH = 5  # reviews from which a mean square says something


@dataclass(frozen=True, slots=True)
class Problem:
    """Why a stage has no calibration: `parts` are groups of evaluators' names that nothing links; else too little."""

    parts: tuple[tuple[str, ...], ...] = ()


@dataclass(frozen=True, slots=True)
class RaterRow:
    """One evaluator: severity in points (positive: gives fewer) with its standard error, mean squares, and flag.

    Infit and outfit are about 1 where the levels follow the model, None where they cannot be fitted. The flag is
    noisy, flat, top, bottom, few (too few reviews to say), or None.
    """

    evaluator: int
    name: str
    reviews: int
    severity: float | None
    severity_se: float | None
    infit: float | None
    outfit: float | None
    flag: str | None

    @property
    def stands_out(self) -> bool:
        """Whether severity differs from 0 by more than chance, at 95 %."""
        if not self.severity or not self.severity_se:
            return False
        return abs(self.severity) > 1.96 * self.severity_se


@dataclass(frozen=True, slots=True)
class Severity:
    """A stage's evaluators, strictest first; what kept it from being calibrated; whether levels could be fitted.

    `detected`: evaluators differ by more than chance. `icc_single`: share of the applications in the variance of one
    sheet, of evaluators and rest included.
    """

    rows: tuple[RaterRow, ...]
    problem: Problem | None
    fitted: bool
    detected: bool = False
    icc_single: float | None = None
    icc_mean: float | None = None


def severities(evidence: Evidence, stage: Stage) -> Severity:
    """Severity by REML on points, mean squares by a many-facet Rasch fit on levels."""
    sheets = evidence.sheets.get(stage, ())
    reviews = Counter(sheet.evaluator for sheet in sheets)
    calibration = evidence.calibrations.get(stage)
    fit = _fit(evidence, stage)
    known = calibration if isinstance(calibration, scoring.Calibration) else None
    rows = [
        RaterRow(
            number,
            evidence.evaluators[number],
            count,
            known.severity[number] if known else None,
            known.severity_se[number] if known else None,
            fit.infit[number] if fit else None,
            fit.outfit[number] if fit else None,
            _flag(fit, number, count),
        )
        for number, count in reviews.items()
    ]
    ordered = tuple(sorted(rows, key=lambda row: (-(row.severity or 0), row.name)))
    if known is None:
        return Severity(ordered, problem_of(evidence, calibration), fit is not None)
    return Severity(ordered, None, fit is not None, known.severity_detected, known.icc_single, known.icc_mean)


def _flag(fit: scoring.Misfit | None, evaluator: int, reviews: int) -> str | None:
    if fit is None:
        return None
    return fit.flags.get(evaluator) if reviews >= ENOUGH else "few"


def _fit(evidence: Evidence, stage: Stage) -> scoring.Misfit | None:
    """None where the levels hold no difference to explain."""
    criteria = evidence.criteria.get(stage, ())
    levels = [
        (sheet.application, sheet.evaluator, criterion.id, sheet.levels[criterion.id])
        for sheet in evidence.sheets.get(stage, ())
        for criterion in criteria
        if criterion.id in sheet.levels
    ]
    varied = _varied(levels)
    try:
        return scoring.misfit(
            [row for row in levels if row[2] in varied], scales={c.id: c.levels for c in criteria if c.id in varied}
        )
    except ValueError:
        return None


def _varied(levels: Sequence[tuple[int, int, int, int]]) -> set[int]:
    """Criteria on which not everybody has the same level."""
    seen: dict[int, set[int]] = {}
    for _application, _evaluator, criterion, level in levels:
        seen.setdefault(criterion, set()).add(level)
    return {criterion for criterion, used in seen.items() if len(used) > 1}


def problem_of(evidence: Evidence, reason: object) -> Problem:
    """What kept a stage from being calibrated, with names for numbers."""
    if not isinstance(reason, scoring.NotComparable):
        return Problem()
    # Parts are panels by their labels, or evaluators by their numbers.
    parts = [tuple(sorted(evidence.evaluators.get(one, str(one)) or "–" for one in part)) for part in reason.parts]
    return Problem(tuple(sorted(parts, key=lambda names: (-len(names), names))))
