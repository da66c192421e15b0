"""Where taking the severity of evaluators into account would change who is in: there one more review is worth it."""

from collections import defaultdict
from collections.abc import Hashable, Mapping
from dataclasses import dataclass
from fractions import Fraction

import scoring
from grants.calls.models import Stage
from grants.evaluation.quality.evidence import Evidence
from grants.evaluation.quality.severity import Problem, problem_of


@dataclass(frozen=True, slots=True)
class Review:
    """An application whose place depends on calibration.

    `mean` is its official total in hundredths, `measure` the calibrated one in points, with its standard error.
    `stage` is where severity moves it most: that is the sheet to ask for.
    """

    application: int
    folio: str
    venture: str
    mean: int
    measure: float
    measure_se: float
    in_by_mean: bool
    stage: Stage


@dataclass(frozen=True, slots=True)
class ThirdReviews:
    """Applications that calibration would move in or out, highest calibrated first.

    `compared` have all the sheets that the call asks for. `problems`: stages that cannot be calibrated, and why.
    """

    rows: tuple[Review, ...]
    compared: int
    places: int
    problems: Mapping[Stage, Problem]


def third_reviews(evidence: Evidence) -> ThirdReviews:
    """The best `places` by the official mean against the best by the calibrated measure, ties by the lottery.

    Quotas are not applied: both sides would need them, and they do not change where severity matters.
    """
    problems = {
        stage: problem_of(evidence, found)
        for stage, found in evidence.calibrations.items()
        if not isinstance(found, scoring.Calibration)
    }
    means = _totals(evidence)
    calibrated = {s: c for s, c in evidence.calibrations.items() if isinstance(c, scoring.Calibration)}
    if problems or not calibrated:
        return ThirdReviews((), len(means), evidence.places, problems)
    measures = {
        number: sum(float(evidence.weights[s]) * c.measure[number] for s, c in calibrated.items()) for number in means
    }
    tie = {number: scoring.tie_key(evidence.tie_seed, evidence.judged[number].folio) for number in means}
    by_mean = set(sorted(means, key=lambda n: (-means[n].total, tie[n]))[: evidence.places])
    by_measure = set(sorted(means, key=lambda n: (-round(100 * measures[n]), tie[n]))[: evidence.places])
    rows = [
        Review(
            number,
            evidence.judged[number].folio,
            evidence.judged[number].venture,
            means[number].total,
            measures[number],
            sum((float(evidence.weights[s]) * c.measure_se[number]) ** 2 for s, c in calibrated.items()) ** 0.5,
            number in by_mean,
            max(calibrated, key=lambda s: _moved(evidence, calibrated[s], means[number], s, number)),
        )
        for number in by_mean ^ by_measure
        if number not in evidence.hidden
    ]
    ordered = sorted(rows, key=lambda row: (-row.measure, row.folio))
    return ThirdReviews(tuple(ordered), len(means), evidence.places, {})


def _moved(
    evidence: Evidence, calibration: scoring.Calibration, mean: scoring.Combined, stage: Stage, number: int
) -> tuple[float, str]:
    apart = abs(calibration.measure[number] - mean.by_stage[stage.value] / 100)
    return float(evidence.weights[stage]) * apart, stage.value


def _totals(evidence: Evidence) -> dict[int, scoring.Combined]:
    """The official total of every application with as many whole sheets as the call asks for, at all its stages."""
    given: dict[int, dict[Hashable, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    for stage in evidence.weights:
        for sheet in evidence.sheets.get(stage, ()):
            given[sheet.application][stage.value].append(sheet.points)
    totals: dict[int, scoring.Combined] = {}
    for number, by_stage in given.items():
        if all(len(by_stage[stage.value]) >= evidence.reviews for stage in evidence.weights):
            totals[number] = scoring.combine(evidence.rubrics[evidence.rubric_of[number]], by_stage)
    return totals
