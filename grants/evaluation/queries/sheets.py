"""What one evaluator may read: their own assignments and sheets, and, once theirs is in, those of others."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, func, select, tuple_
from sqlalchemy.orm import aliased, joinedload, selectinload

from grants.access.models import User
from grants.applications.models import Application, ApplicationState, Attachment, BusinessPlan
from grants.calls.models import Criterion, Rubric, Stage
from grants.core.db import Page, db, keyset_page, one_or_refuse, plausible
from grants.core.errors import NotFound
from grants.evaluation.models import Assignment, Score, ScoreSheet, SheetState
from grants.evaluation.queries.conditions import in_calibration_set
from grants.evaluation.queries.conflicts import answered, declared
from grants.people.models import Person


@dataclass(frozen=True, slots=True)
class LeftToScore:
    """How many sheets an evaluator still owes, and the earliest day by which one is due."""

    sheets: int
    next_due_on: date | None


def conflict_declared() -> ColumnElement[bool]:
    """Whether the assignment's evaluator declared a conflict about its application or its call."""
    return declared(Assignment.application_id, Assignment.evaluator_id)


def is_in() -> ColumnElement[bool]:
    """Whether the assignment's sheet has been submitted."""
    sheet = aliased(ScoreSheet)
    return (
        select(sheet.id)
        .where(
            sheet.application_id == Assignment.application_id,
            sheet.evaluator_id == Assignment.evaluator_id,
            sheet.stage == Assignment.stage,
            sheet.state == SheetState.SUBMITTED,
        )
        .exists()
    )


def _readable_by(user: User) -> Select[Assignment]:
    """Assignments whose application this evaluator may read: theirs, not ended, no conflict, still standing."""
    return (
        select(Assignment)
        .join(Assignment.application)
        .where(
            Assignment.evaluator_id == user.id,
            Assignment.ended_at.is_(None),
            Application.state == ApplicationState.SUBMITTED,
            ~conflict_declared(),
        )
    )


def get_my_assignment(assignment_id: int, user: User) -> Assignment:
    """An assignment with its call and its plan. NotFound when it is not theirs, ended, under a conflict, or before
    they answered that they have none.
    """
    application = joinedload(Assignment.application)
    return one_or_refuse(
        _readable_by(user)
        .where(Assignment.id == plausible(assignment_id), answered(Assignment.application_id, Assignment.evaluator_id))
        .options(
            application.joinedload(Application.call),
            application.joinedload(Application.plan).selectinload(BusinessPlan.items),
            application.selectinload(Application.attachments),
        )
    )


def get_listed_assignment(assignment_id: int, user: User) -> Assignment:
    """An assignment as the list shows it, also before the answer about a conflict: folio, venture, sector, canton."""
    application = joinedload(Assignment.application)
    return one_or_refuse(
        _readable_by(user)
        .where(Assignment.id == plausible(assignment_id))
        .options(
            application.joinedload(Application.call),
            application.joinedload(Application.plan),
            application.joinedload(Application.person).joinedload(Person.canton),
        )
    )


def may_read(assignment: Assignment) -> bool:
    """Whether the evaluator answered that they have no conflict, or wrote about the application before."""
    found = select(Assignment.id).where(
        Assignment.id == assignment.id, answered(Assignment.application_id, Assignment.evaluator_id)
    )
    return db.session.scalar(found) is not None


def get_numbered_attachment(assignment: Assignment, number: int) -> Attachment:
    """A file of the assigned application by its place in the list, from 1: its own name may hold a person's."""
    kept = assignment.application.kept_attachments
    if not 1 <= number <= len(kept):
        raise NotFound
    return kept[number - 1]


def my_page(user: User, *, submitted: bool, after: str | None = None) -> Page[Assignment]:
    """A page of the evaluator's assignments, oldest first: those still to score, or those whose sheet is in."""
    application = joinedload(Assignment.application)
    statement = _readable_by(user).where(is_in() if submitted else ~is_in())
    options = (application.joinedload(Application.plan), application.joinedload(Application.call))
    return keyset_page(statement.options(*options), Assignment.id, Assignment.id, after=after)


def left_to_score(user: User) -> LeftToScore:
    """What the evaluator still has to hand in, over all calls."""
    open_ones = _readable_by(user).where(~is_in()).subquery()
    count, due = db.session.execute(select(func.count(), func.min(open_ones.c.due_on)).select_from(open_ones)).one()
    return LeftToScore(count, due)


def left_beside(page: Page[Assignment], user: User) -> LeftToScore:
    """The same, read off the first page of what is left when that page holds all of it."""
    if page.next_after is not None:
        return left_to_score(user)
    due = [assignment.due_on for assignment in page.items if assignment.due_on]
    return LeftToScore(len(page.items), min(due, default=None))


def calibration_left(user: User) -> Sequence[Assignment]:
    """The tasks of calibration sets that this evaluator still has to hand in, over all calls and stages."""
    application = joinedload(Assignment.application)
    statement = _readable_by(user).where(in_calibration_set(), ~is_in()).order_by(Assignment.id)
    options = (application.joinedload(Application.plan), application.joinedload(Application.call))
    return db.session.scalars(statement.options(*options)).all()


def calibration_left_beside(assignment: Assignment) -> list[Assignment]:
    """The same for the call and stage of one task, that task included."""
    return [
        one
        for one in calibration_left(assignment.evaluator)
        if one.stage is assignment.stage and one.application.call_id == assignment.application.call_id
    ]


def _calibration_owed(assignment: Assignment) -> ColumnElement[bool]:
    """Whether the evaluator still owes part of the set of this task's call and stage."""
    owed = _readable_by(assignment.evaluator).where(
        Application.call_id == assignment.application.call_id,
        Assignment.stage == assignment.stage,
        in_calibration_set(),
        ~is_in(),
    )
    return owed.with_only_columns(Assignment.id).exists()


def calibration_first(assignment: Assignment) -> list[Assignment]:
    """What must be handed in before this sheet opens; nothing for a sheet of the set, nor for one that is in."""
    left = calibration_left_beside(assignment)
    if any(one.id == assignment.id for one in left) or not left or db.session.scalar(_has_official(assignment)):
        return []
    return left


def next_to_score(assignment: Assignment) -> Assignment | None:
    """The evaluator's next open task of the same call and stage; behind the last one it starts again.

    What is left of the calibration set comes first.
    """
    open_ones = (
        _readable_by(assignment.evaluator)
        .where(~is_in(), Application.call_id == assignment.application.call_id, Assignment.stage == assignment.stage)
        .with_only_columns(Assignment.id)
        .order_by(Assignment.id)
        .limit(1)
    )
    # Looks that stop at the first find: one ORDER BY over all would read all of the evaluator's tasks.
    looks = (
        open_ones.where(in_calibration_set(), Assignment.id != assignment.id),
        open_ones.where(Assignment.id > assignment.id),
        open_ones.where(Assignment.id < assignment.id),
    )
    found = db.session.execute(select(*(look.scalar_subquery() for look in looks))).one()
    number = next((one for one in found if one is not None), None)
    return None if number is None else db.session.get(Assignment, number)


def owes_sheets(user: User, call_id: int) -> int:
    """How many sheets of a call this person must still hand in before they may see anybody's points."""
    owed = _readable_by(user).where(~is_in(), Application.call_id == call_id).subquery()
    return db.session.scalar(select(func.count()).select_from(owed)) or 0


def criteria_for(assignment: Assignment) -> list[Criterion]:
    """The criteria of the assignment's stage with their levels, in the rubric under which the person applied."""
    rubric = one_or_refuse(
        select(Rubric)
        .where(Rubric.id == assignment.application.rubric_id)
        .options(selectinload(Rubric.criteria).selectinload(Criterion.levels))
    )
    return rubric.criteria_of(assignment.stage)


def _sheets_of(assignment: Assignment) -> Select[ScoreSheet]:
    return (
        select(ScoreSheet)
        .where(
            ScoreSheet.application_id == assignment.application_id,
            ScoreSheet.evaluator_id == assignment.evaluator_id,
            ScoreSheet.stage == assignment.stage,
        )
        .order_by(ScoreSheet.version.desc())
        .options(selectinload(ScoreSheet.scores))
        .execution_options(populate_existing=True)
    )


def current_sheet(assignment: Assignment) -> ScoreSheet | None:
    """The newest version, draft or submitted; None before anything was saved."""
    return db.session.scalars(_sheets_of(assignment).limit(1)).first()


def official_sheet(assignment: Assignment) -> ScoreSheet | None:
    """The version that counts; None until one is submitted."""
    return db.session.scalars(_sheets_of(assignment).where(ScoreSheet.state == SheetState.SUBMITTED)).first()


def _has_official(assignment: Assignment) -> Select[bool]:
    own = aliased(ScoreSheet)
    return select(
        select(own.id)
        .where(
            own.application_id == assignment.application_id,
            own.evaluator_id == assignment.evaluator_id,
            own.stage == assignment.stage,
            own.state == SheetState.SUBMITTED,
        )
        .exists()
    )


def others_sheets(assignment: Assignment) -> Sequence[ScoreSheet]:
    """Official sheets of the others for the same application and stage; none before one's own is in.

    None either before one's calibration set is in, whole: what it measures is judged without the others.
    Sheets of evaluators who declared a conflict do not count, and are not shown.
    """
    may_look = _has_official(assignment).where(~_calibration_owed(assignment)).scalar_subquery()
    statement = (
        select(ScoreSheet)
        .where(
            may_look,
            ScoreSheet.application_id == assignment.application_id,
            ScoreSheet.stage == assignment.stage,
            ScoreSheet.state == SheetState.SUBMITTED,
            ScoreSheet.evaluator_id != assignment.evaluator_id,
            ~sheet_in_conflict(),
        )
        .order_by(ScoreSheet.id)
        .options(selectinload(ScoreSheet.scores).joinedload(Score.criterion))
    )
    return db.session.scalars(statement).all()


def sheet_in_conflict() -> ColumnElement[bool]:
    """Whether a sheet's evaluator declared a conflict about its application or its call."""
    return declared(ScoreSheet.application_id, ScoreSheet.evaluator_id)


Key = tuple[int, int, Stage]


def sheet_states(assignments: Iterable[Assignment]) -> dict[Key, frozenset[SheetState]]:
    """Which states the sheets of these assignments are in, by (application, evaluator, stage). No scores."""
    keys = [(a.application_id, a.evaluator_id, a.stage) for a in assignments]
    if not keys:
        return {}
    columns = (ScoreSheet.application_id, ScoreSheet.evaluator_id, ScoreSheet.stage)
    found: dict[Key, frozenset[SheetState]] = {}
    for application, evaluator, stage, state in db.session.execute(
        select(*columns, ScoreSheet.state).where(tuple_(*columns[:2]).in_({key[:2] for key in keys}))
    ):
        key = (application, evaluator, stage)
        found[key] = found.get(key, frozenset()) | {state}
    return found
