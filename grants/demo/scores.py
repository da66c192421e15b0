"""The demo's score sheets: evaluators of different severity, and the order that follows from their scores."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from fractions import Fraction

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call, Criterion, Stage
from grants.core import journal
from grants.core.db import db
from grants.demo.calls import TOP_LEVEL
from grants.demo.facts import Chance, morning
from grants.demo.staff import Staff
from grants.evaluation.models import Assignment, Score, ScoreSheet, SheetState

REVIEWS = 3
SPREAD = 0.45  # of one evaluator's levels around what they think of a plan
SCORED_FROM = {Stage.PLAN: date(2023, 6, 1), Stage.PITCH: date(2023, 6, 19)}
SEVERITIES = (-0.55, -0.35, -0.2, -0.05, 0.1, 0.2, 0.35, 0.5)  # levels added by each evaluator, harsh to mild


@dataclass(frozen=True, slots=True)
class Sheet:
    """One evaluator's levels at one stage: evaluator's number, and level by criterion id."""

    evaluator: int
    levels: Mapping[int, int]


@dataclass(frozen=True, slots=True)
class Scored:
    """All sheets of one application, and its points in hundredths."""

    sheets: Mapping[Stage, Sequence[Sheet]]
    stage_points: Mapping[Stage, int]
    points: int


def draw_scores(chance: Chance, call: Call, applications: int) -> list[Scored]:
    """As many sets of sheets as there are applications, best first, with no tie at the cut.

    Who gets which set is decided afterwards, so that the published counts of those awarded come out of real scores.
    """
    while True:
        drawn = sorted((_draw(chance, call) for _n in range(applications)), key=lambda one: -one.points)
        if len(drawn) <= call.places or drawn[call.places - 1].points > drawn[call.places].points:
            return drawn


def _draw(chance: Chance, call: Call) -> Scored:
    quality, criteria = chance.gauss(2.4, 0.75), call.rubrics[0].criteria
    sheets = {stage: _sheets(chance, [c for c in criteria if c.stage is stage], quality) for stage in Stage}
    exact = {stage: _mean_points(criteria, found) for stage, found in sheets.items()}
    total = (Fraction(call.plan_weight) * exact[Stage.PLAN] + Fraction(call.pitch_weight) * exact[Stage.PITCH]) / 100
    return Scored(sheets, {stage: hundredths(points) for stage, points in exact.items()}, hundredths(total))


def _sheets(chance: Chance, criteria: Sequence[Criterion], quality: float) -> list[Sheet]:
    opinion = quality + chance.gauss(0, 0.25)
    return [
        Sheet(number, {c.id: draw_level(chance, opinion + SEVERITIES[number]) for c in criteria})
        for number in sorted(chance.sample(range(len(SEVERITIES)), REVIEWS))
    ]


def draw_level(chance: Chance, opinion: float) -> int:
    return min(TOP_LEVEL, max(0, round(chance.gauss(opinion, SPREAD))))


def _mean_points(criteria: Sequence[Criterion], sheets: Sequence[Sheet]) -> Fraction:
    """Points of a stage out of 100: the mean over its sheets of weight times level share."""
    weights = {criterion.id: Fraction(criterion.weight) for criterion in criteria}
    totals = [
        sum((weights[key] * Fraction(level, TOP_LEVEL) for key, level in sheet.levels.items()), Fraction(0))
        for sheet in sheets
    ]
    return sum(totals, Fraction(0)) / len(totals)


def hundredths(points: Fraction) -> int:
    """On the grid of hundredths, half up.

    >>> hundredths(Fraction(200, 3))
    6667
    """
    return int(points * 100 + Fraction(1, 2))


def build_sheets(chance: Chance, staff: Staff, scored: Sequence[tuple[Application, Scored]]) -> None:
    """Assignments and submitted sheets, as they were drawn."""
    evaluators, chair = staff[Role.EVALUATOR], staff[Role.COORDINATOR][0]
    for application, drawn in scored:
        for stage, sheets in drawn.sheets.items():
            for sheet in sheets:
                _sheet(chance, chair, evaluators[sheet.evaluator], application, stage, sheet)
    db.session.flush()


def _sheet(chance: Chance, chair: User, evaluator: User, application: Application, stage: Stage, drawn: Sheet) -> None:
    start = SCORED_FROM[stage]
    at = morning(start + timedelta(days=chance.randint(0, 11)), minutes=chance.randint(0, 420))
    assignment = Assignment(
        application_id=application.id, evaluator_id=evaluator.id, stage=stage, due_on=start + timedelta(days=14),
        assigned_by_id=chair.id, assigned_at=morning(start - timedelta(days=2)),
    )  # fmt: skip
    sheet = ScoreSheet(
        application_id=application.id, evaluator_id=evaluator.id, rubric_id=application.rubric_id, stage=stage,
        state=SheetState.SUBMITTED, saved_at=at, submitted_at=at,
        scores=[Score(criterion_id=key, level=level) for key, level in drawn.levels.items()],
    )  # fmt: skip
    db.session.add_all([assignment, sheet])
    journal.record(evaluator, "sheet.submitted", sheet, at=at)
