"""What leaves the house about a run: its rows and the sheets that stood when it was made, by key pages."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from itertools import chain
from typing import Any

from sqlalchemy import ColumnElement, Row, Select, func, select
from sqlalchemy.orm import selectinload

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.models import Criterion, Rubric, Stage
from grants.core.clock import local_day
from grants.core.db import db
from grants.evaluation.models import Assignment, Moderation, Score, ScoreSheet, SheetState
from grants.evaluation.queries import conflicted_applications
from grants.evaluation.queries.sheets import sheet_in_conflict
from grants.selection.models import Selection, SelectionRecord, SelectionRow
from grants.selection.reckoning import RunInputs

APPLICATIONS_ON_A_PAGE = 250


@dataclass(frozen=True, slots=True)
class SheetFacts:
    """One submitted version of a sheet, as it stood when the run was made.

    `is_last`: no later version had been handed in. `in_conflict`: its evaluator has declared a conflict.
    `scores`: level and comment by criterion id.
    """

    application_id: int
    stage: Stage
    evaluator_id: int
    rubric_id: int
    version: int
    submitted_at: datetime
    is_late: bool
    in_conflict: bool
    is_last: bool
    amendment_reason: str | None
    comment: str
    scores: dict[int, tuple[int | None, str]] = field(default_factory=dict)

    @property
    def levels(self) -> dict[int, int]:
        """Level by criterion id; a gap is not in it."""
        return {criterion: level for criterion, (level, _comment) in self.scores.items() if level is not None}


@dataclass(frozen=True, slots=True)
class ExportRow:
    """An application in a run, with its sheets in the order of stage, evaluator and version."""

    row: SelectionRow
    folio: str
    rubric_id: int
    sheets: Sequence[SheetFacts]
    moderation: Moderation | None  # the last opened by the time of the run


Found = Row[SelectionRow, str, int]


def rows_to_export(selection: Selection, *, reader: User | None) -> Iterator[ExportRow]:
    """The rows of a run, best first, then those without a place by folio.

    Those that the reader has a conflict about are left out; None reads all, for sums. Four queries for every page of
    250 rows, and one.
    """
    hidden = conflicted_applications(reader, selection.call_id) if reader else frozenset()
    for page in chain(_ranked_pages(selection), _unranked_pages(selection)):
        yield from _with_sheets(selection, [found for found in page if found[0].application_id not in hidden])


def _rows(selection: Selection) -> Select[SelectionRow, str, int]:
    return (
        select(SelectionRow, Application.folio, Application.rubric_id)
        .join(Application, Application.id == SelectionRow.application_id)
        .where(SelectionRow.selection_id == selection.id)
        .limit(APPLICATIONS_ON_A_PAGE)
    )


def _ranked_pages(selection: Selection) -> Iterator[Sequence[Found]]:
    behind = 0
    ranked = _rows(selection).order_by(SelectionRow.place)
    while page := db.session.execute(ranked.where(SelectionRow.place > behind)).all():
        yield page
        behind = page[-1][0].place or behind
        if len(page) < APPLICATIONS_ON_A_PAGE:
            return


def _unranked_pages(selection: Selection) -> Iterator[Sequence[Found]]:
    behind = ""
    unranked = _rows(selection).where(SelectionRow.place.is_(None)).order_by(Application.folio)
    while page := db.session.execute(unranked.where(Application.folio > behind)).all():
        yield page
        behind = page[-1][1]
        if len(page) < APPLICATIONS_ON_A_PAGE:
            return


def _with_sheets(selection: Selection, page: Sequence[Found]) -> Iterator[ExportRow]:
    numbers = [found[0].application_id for found in page]
    sheets, moderations = _sheets_of(selection, numbers), _moderations_of(selection, numbers)
    for row, folio, rubric_id in page:
        number = row.application_id
        yield ExportRow(row, folio, rubric_id, sheets.get(number, []), moderations.get(number))


def _moderations_of(selection: Selection, applications: Sequence[int]) -> dict[int, Moderation]:
    statement = (
        select(Moderation)
        .where(Moderation.application_id.in_(applications), Moderation.opened_at <= selection.created_at)
        .order_by(Moderation.id)
    )
    return {one.application_id: one for one in db.session.scalars(statement)}


def _stood_at(selection: Selection) -> tuple[ColumnElement[bool], ...]:
    """Sheets handed in by the time of the run. Later ones belong to a later run."""
    return ScoreSheet.state != SheetState.DRAFT, ScoreSheet.submitted_at <= selection.created_at


def _sheets_of(selection: Selection, applications: Sequence[int]) -> dict[int, list[SheetFacts]]:
    same = (ScoreSheet.application_id, ScoreSheet.evaluator_id)
    found = db.session.execute(
        select(ScoreSheet.id, ScoreSheet.application_id, ScoreSheet.stage, ScoreSheet.evaluator_id,
               ScoreSheet.rubric_id, ScoreSheet.version, ScoreSheet.submitted_at, ScoreSheet.amendment_reason,
               ScoreSheet.comment, Assignment.due_on, sheet_in_conflict().label("in_conflict"))
        .outerjoin(Assignment, (Assignment.application_id == same[0]) & (Assignment.evaluator_id == same[1])
                   & (Assignment.stage == ScoreSheet.stage))
        .where(ScoreSheet.application_id.in_(applications), *_stood_at(selection))
        .order_by(ScoreSheet.application_id, ScoreSheet.stage, ScoreSheet.evaluator_id, ScoreSheet.version)
    ).all()  # fmt: skip
    last = {(row.application_id, row.stage, row.evaluator_id): row.id for row in found}
    scores = _scores_of(selection, applications)
    sheets: dict[int, list[SheetFacts]] = {}
    for row in found:
        is_last = last[row.application_id, row.stage, row.evaluator_id] == row.id
        sheets.setdefault(row.application_id, []).append(_facts(row, is_last, scores.get(row.id, {})))
    return sheets


def _facts(row: Any, is_last: bool, scores: dict[int, tuple[int | None, str]]) -> SheetFacts:
    late = row.version == 1 and row.due_on is not None and local_day(row.submitted_at) > row.due_on
    return SheetFacts(
        application_id=row.application_id,
        stage=row.stage,
        evaluator_id=row.evaluator_id,
        rubric_id=row.rubric_id,
        version=row.version,
        submitted_at=row.submitted_at,
        is_late=late,
        in_conflict=bool(row.in_conflict),
        is_last=is_last,
        amendment_reason=row.amendment_reason,
        comment=row.comment,
        scores=scores,
    )


def _scores_of(selection: Selection, applications: Sequence[int]) -> dict[int, dict[int, tuple[int | None, str]]]:
    statement = (
        select(Score.sheet_id, Score.criterion_id, Score.level, Score.comment)
        .join(ScoreSheet, ScoreSheet.id == Score.sheet_id)
        .where(ScoreSheet.application_id.in_(applications), *_stood_at(selection))
        .order_by(Score.sheet_id, Score.criterion_id)
    )
    scores: dict[int, dict[int, tuple[int | None, str]]] = {}
    for sheet_id, criterion_id, level, comment in db.session.execute(statement):
        scores.setdefault(sheet_id, {})[criterion_id] = (level, comment)
    return scores


def evaluators_of_run(selection: Selection) -> dict[int, str]:
    """Names by id of everybody who had handed in a sheet for an application of the run, whoever reads. Two queries."""
    wrote = (
        select(ScoreSheet.evaluator_id)
        .join(SelectionRow, SelectionRow.application_id == ScoreSheet.application_id)
        .where(SelectionRow.selection_id == selection.id, *_stood_at(selection))
    )
    people = db.session.scalars(select(User).where(User.id.in_(wrote)).order_by(User.id))
    return {user.id: user.name for user in people}


Taken = dict[str, dict[tuple[str, tuple[int | None, ...]], list[str | None]]]


def sheets_taken(record: SelectionRecord | None) -> Taken | None:
    """By folio, for each stage and levels, the panels of the sheets that the run took in, by evaluators' accounts.

    None for a run from before inputs were stored.
    """
    if record is None:
        return None
    taken: Taken = {}
    for entry in RunInputs.parse(record.inputs).entries:
        sheets = taken.setdefault(entry.folio, {})
        for one in sorted(entry.sheets, key=lambda sheet: sheet.evaluator):
            sheets.setdefault((one.stage, one.levels), []).append(one.panel)
    return taken


def rubrics_of_run(selection: Selection) -> dict[int, Rubric]:
    """The rubrics of the call by id, with criteria and levels: every sheet was written under one of them."""
    statement = (
        select(Rubric)
        .where(Rubric.call_id == selection.call_id)
        .order_by(Rubric.version)
        .options(selectinload(Rubric.criteria).selectinload(Criterion.levels))
    )
    return {rubric.id: rubric for rubric in db.session.scalars(statement)}


def rows_in_run(selection: Selection) -> int:
    """How many applications stand in a run."""
    counted = select(func.count()).where(SelectionRow.selection_id == selection.id)
    return db.session.scalar(counted) or 0


def hidden_in_run(selection: Selection, *, reader: User) -> int:
    """How many of them the reader may not see, because of declared conflicts."""
    hidden = conflicted_applications(reader, selection.call_id)
    counted = select(func.count()).where(
        SelectionRow.selection_id == selection.id, SelectionRow.application_id.in_(hidden)
    )
    return db.session.scalar(counted) or 0
