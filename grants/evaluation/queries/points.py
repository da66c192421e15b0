"""The call's rubric and its sheets, as `scoring` takes them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

from sqlalchemy import select

import scoring
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, Criterion, Rubric, Stage
from grants.core.db import db
from grants.evaluation.models import Score, ScoreSheet, SheetState
from grants.evaluation.queries.conditions import sheet_is_practice
from grants.evaluation.queries.sheets import sheet_in_conflict

WHOLE = Decimal(100)


@dataclass(frozen=True, slots=True)
class OfficialSheet:
    """A submitted sheet that counts: its levels by criterion id. `evaluator_id` only tells evaluators apart."""

    application_id: int
    stage: Stage
    rubric_id: int
    levels: dict[int, int]
    evaluator_id: int


def stage_of(criteria: Sequence[Criterion], stage: Stage, weight: Decimal = WHOLE) -> scoring.Stage:
    """One stage of a rubric; the lowest level earns nothing, the highest everything."""
    return scoring.Stage(stage, weight, tuple(_criterion(c) for c in criteria if c.stage is stage))


def _criterion(criterion: Criterion) -> scoring.Criterion:
    values = [level.value for level in criterion.levels]
    return scoring.Criterion(criterion.id, criterion.weight, top=max(values), bottom=min(values))


def rubric_of(rubric: Rubric, call: Call) -> scoring.Rubric:
    """A rubric under its call's stage weights."""
    weights = {Stage.PLAN: call.plan_weight, Stage.PITCH: call.pitch_weight}
    return scoring.Rubric(tuple(stage_of(rubric.criteria, stage, weight) for stage, weight in weights.items()))


def sheet_points(criteria: Sequence[Criterion], stage: Stage, levels: dict[int, int]) -> Decimal | None:
    """Points of one sheet at its stage, out of 100; None while a score is missing."""
    try:
        exact = stage_of(criteria, stage).points(levels)
    except scoring.Incomplete:
        return None
    return scoring.as_points(scoring.on_grid(exact))


@dataclass(frozen=True, slots=True)
class RunningTotal:
    """How far a sheet is: criteria scored, their points, and what those criteria could give. A gap is no 0."""

    scored: int
    criteria: int
    points: Decimal
    possible: Decimal

    @property
    def is_whole(self) -> bool:
        return self.scored == self.criteria


def running_total(criteria: Sequence[Criterion], levels: dict[int, int]) -> RunningTotal:
    """The points of the criteria that have a level, out of what these can give; rounded once, half up."""
    scored = [one for one in criteria if one.id in levels]
    exact = sum((Fraction(c.weight) * _criterion(c).share(levels[c.id]) for c in scored), Fraction(0))
    possible = sum((c.weight for c in scored), Decimal(0))
    return RunningTotal(len(scored), len(criteria), scoring.as_points(scoring.on_grid(exact)), possible)


def official_sheets(call: Call, *, applications: Sequence[int] | None = None) -> list[OfficialSheet]:
    """All sheets of a call that count, in order of their ids: submitted, no conflict, no practice. One query.

    `applications`: only those of these.
    """
    statement = (
        select(ScoreSheet.id, ScoreSheet.application_id, ScoreSheet.stage, ScoreSheet.rubric_id,
               Score.criterion_id, Score.level, ScoreSheet.evaluator_id)
        .join(Application, Application.id == ScoreSheet.application_id)
        .join(Score, Score.sheet_id == ScoreSheet.id)
        .where(
            Application.call_id == call.id,
            Application.state == ApplicationState.SUBMITTED,
            ScoreSheet.state == SheetState.SUBMITTED,
            Score.level.is_not(None),
            ~sheet_in_conflict(),
            ~sheet_is_practice(),
        )
        .order_by(ScoreSheet.id, Score.criterion_id)
    )  # fmt: skip
    if applications is not None:
        statement = statement.where(ScoreSheet.application_id.in_(applications))
    sheets: dict[int, OfficialSheet] = {}
    for sheet_id, application_id, stage, rubric_id, criterion_id, level, evaluator_id in db.session.execute(statement):
        sheet = sheets.get(sheet_id) or OfficialSheet(application_id, stage, rubric_id, {}, evaluator_id)
        sheets[sheet_id] = sheet
        sheet.levels[criterion_id] = level or 0  # never None: the statement leaves gaps out
    return list(sheets.values())
