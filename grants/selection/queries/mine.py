"""What one applicant may read of their own evaluation, as the run counted it. Nothing of anybody else."""

import string
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from grants.applications.models import Application
from grants.applications.queries import Eligibility, eligibility
from grants.calls.models import Criterion, Rubric, Stage
from grants.core.db import db, one_or_refuse
from grants.core.errors import NotFound
from grants.evaluation.models import CallConflict, ConflictOfInterest, ScoreSheet, SheetState
from grants.evaluation.queries import sheet_points
from grants.evaluation.queries.conditions import sheet_is_practice
from grants.selection.models import Appeal, Award, Letter, LetterRelease, Outcome, Selection, SelectionRow
from grants.selection.queries.appeals import appeal_of
from grants.selection.queries.awards import award_of
from grants.selection.queries.letters import letter_of
from grants.selection.queries.reasons import Reasons, reasons_of
from grants.selection.queries.runs import counts_of


@dataclass(frozen=True, slots=True)
class Mark:
    """One evaluator's level for one criterion. `code` stands for the evaluator: A, B …"""

    code: str
    level: int
    top: int
    descriptor: str
    comment: str


@dataclass(frozen=True, slots=True)
class Judged:
    """A criterion, its share of the stage in percent, and what each evaluator gave."""

    name: str
    description: str
    weight: Decimal
    marks: Sequence[Mark]


@dataclass(frozen=True, slots=True)
class StageResult:
    """A stage: its share of the total, its points in hundredths (a mean), and each sheet's points and comment."""

    stage: Stage
    weight: Decimal
    points: int | None
    sheets: Sequence[tuple[str, Decimal | None, str]]
    criteria: Sequence[Judged]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Everything on the page that a folio and a code open."""

    application: Application
    letter: Letter
    release: LetterRelease
    selection: Selection
    row: SelectionRow
    reasons: Reasons
    counts: dict[Outcome, int]
    stages: Sequence[StageResult]
    eligibility: Eligibility
    award: Award | None
    appeal: Appeal | None


def evaluation_of(application_id: int) -> Evaluation:
    """The evaluation of an application whose letter is out; NotFound otherwise. A constant number of queries."""
    application = one_or_refuse(
        select(Application).where(Application.id == application_id).options(joinedload(Application.call))
    )
    letter = letter_of(application_id)
    if letter is None:
        raise NotFound
    row = one_or_refuse(
        select(SelectionRow).where(
            SelectionRow.application_id == application_id, SelectionRow.selection_id == letter.release.selection_id
        )
    )
    selection = letter.release.selection
    return Evaluation(
        application, letter, letter.release, selection, row, reasons_of(selection), counts_of(selection),
        _stages(application, selection, row), eligibility(application.person_id, application.call),
        award_of(application_id), appeal_of(application_id),
    )  # fmt: skip


def sheets_of_run(application_id: int, selection: Selection) -> list[ScoreSheet]:
    """The sheets that counted when the run was made: the newest submitted before it, by people without a conflict."""
    single = select(ConflictOfInterest.evaluator_id).where(
        ConflictOfInterest.application_id == application_id, ConflictOfInterest.declared_at <= selection.created_at
    )
    whole = select(CallConflict.evaluator_id).where(
        CallConflict.call_id == selection.call_id, CallConflict.declared_at <= selection.created_at
    )
    statement = (
        select(ScoreSheet)
        .where(
            ScoreSheet.application_id == application_id,
            ScoreSheet.state != SheetState.DRAFT,
            ScoreSheet.submitted_at <= selection.created_at,
            ScoreSheet.evaluator_id.not_in(single),
            ScoreSheet.evaluator_id.not_in(whole),
            ~sheet_is_practice(),
        )
        .order_by(ScoreSheet.version)
        .options(selectinload(ScoreSheet.scores))
    )
    newest = {(sheet.evaluator_id, sheet.stage): sheet for sheet in db.session.scalars(statement)}
    return sorted(newest.values(), key=lambda sheet: sheet.id)


def _stages(application: Application, selection: Selection, row: SelectionRow) -> list[StageResult]:
    sheets = sheets_of_run(application.id, selection)
    if not sheets:
        return []
    rubric = one_or_refuse(
        select(Rubric)
        .where(Rubric.id == application.rubric_id)
        .options(selectinload(Rubric.criteria).selectinload(Criterion.levels))
    )
    codes = _codes(sheets)
    points = {Stage.PLAN: row.plan_points, Stage.PITCH: row.pitch_points}
    return [
        _stage(stage, application, rubric, [sheet for sheet in sheets if sheet.stage is stage], codes, points[stage])
        for stage in application.call.stages
    ]


def _codes(sheets: Sequence[ScoreSheet]) -> dict[int, str]:
    """A letter for each evaluator, in the order of their first sheets; behind Z comes A2."""
    letters = string.ascii_uppercase
    people = list(dict.fromkeys(sheet.evaluator_id for sheet in sheets))
    return {
        person: letters[number % len(letters)] + (str(number // len(letters) + 1) if number >= len(letters) else "")
        for number, person in enumerate(people)
    }


def _stage(
    stage: Stage,
    application: Application,
    rubric: Rubric,
    sheets: Sequence[ScoreSheet],
    codes: dict[int, str],
    points: int | None,
) -> StageResult:
    given = [
        (codes[sheet.evaluator_id], sheet_points(rubric.criteria, stage, dict(sheet.levels)), sheet.comment)
        for sheet in sheets
    ]
    judged = [_judged(criterion, sheets, codes) for criterion in rubric.criteria_of(stage)]
    return StageResult(stage, application.call.stage_weight(stage), points, given, judged)


def _judged(criterion: Criterion, sheets: Sequence[ScoreSheet], codes: dict[int, str]) -> Judged:
    descriptors = {level.value: level.descriptor for level in criterion.levels}
    marks = [
        Mark(codes[sheet.evaluator_id], score.level, max(descriptors), descriptors.get(score.level, ""), score.comment)
        for sheet in sheets
        for score in sheet.scores
        if score.criterion_id == criterion.id and score.level is not None
    ]
    return Judged(criterion.name, criterion.description, criterion.weight, marks)
