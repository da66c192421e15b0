"""The coordinator's board: who has what, and how far they are. Never a score."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, String, case, func, select, type_coerce
from sqlalchemy.orm import aliased, joinedload

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, CallKind, Stage
from grants.core.db import Page, db, get_or_refuse, keyset_page
from grants.core.errors import NotFound
from grants.core.remember import MANY, counted_lately
from grants.evaluation.models import Assignment, CallConflict, ConflictOfInterest, ScoreSheet, SheetState
from grants.evaluation.queries.conditions import sheet_beside_reviews
from grants.evaluation.queries.conflicts import conflicted_applications, declared, declared_pairs
from grants.evaluation.queries.sheets import conflict_declared, is_in, sheet_in_conflict, sheet_states


@dataclass(frozen=True, slots=True)
class Cell:
    """One evaluator's task on the board. `state` is conflict, submitted, amending, draft, ended or to_score."""

    assignment: Assignment
    state: str


@dataclass(frozen=True, slots=True)
class EvaluatorLoad:
    """How far one evaluator is in a call, over both stages."""

    evaluator: User
    assigned: int
    submitted: int
    conflicts: int
    next_due_on: date | None


@dataclass(frozen=True, slots=True)
class CallProgress:
    """Where scoring stands. `needed` sheets = applications × reviews × stages that count."""

    applications: int
    needed: int
    assigned: int
    submitted: int
    conflicts: int

    @property
    def is_large(self) -> bool:
        """Counted once a minute."""
        return self.applications >= MANY


@dataclass(frozen=True, slots=True)
class ProposalInputs:
    """What a proposal of assignments starts from, for one call and stage."""

    applications: Sequence[int]
    evaluators: Sequence[int]
    taken: Sequence[tuple[int, int, bool, bool]]  # application, evaluator, still open, sheet is in
    conflicts: frozenset[tuple[int, int]]


def counted_stages(call: Call) -> tuple[Stage, ...]:
    """The stages of a call that weigh something; none for devices, where completion decides and no sheet is written."""
    if call.kind is CallKind.DEVICES:
        return ()
    weights = {Stage.PLAN: call.plan_weight, Stage.PITCH: call.pitch_weight}
    return tuple(stage for stage, weight in weights.items() if weight)


def active_evaluators() -> list[User]:
    """People who may be given sheets, oldest account first."""
    statement = (
        select(User)
        .where(
            type_coerce(User.roles, String).contains(Role.EVALUATOR.value),
            User.deactivated_at.is_(None),
            User.suspended_at.is_(None),
        )
        .order_by(User.id)
    )
    return [user for user in db.session.scalars(statement) if user.is_a(Role.EVALUATOR)]


def get_evaluator(user_id: int) -> User:
    """An active evaluator, or NotFound."""
    user = get_or_refuse(User, user_id)
    if not (user.is_active and user.is_a(Role.EVALUATOR)):
        raise NotFound
    return user


def get_application(application_id: int, *, reader: User) -> Application:
    """A submitted application with its call and plan. NotFound for a reader with a conflict about it."""
    application = get_or_refuse(Application, application_id)
    hidden = application.id in conflicted_applications(reader, application.call_id)
    if application.state is not ApplicationState.SUBMITTED or hidden:
        raise NotFound
    return application


def get_assignment(assignment_id: int, *, reader: User) -> Assignment:
    """Any evaluator's assignment, for the board. NotFound for a reader with a conflict about its application."""
    assignment = get_or_refuse(Assignment, assignment_id)
    get_application(assignment.application_id, reader=reader)
    return assignment


def board_page(call: Call, *, reader: User, after: str | None = None) -> Page[Application]:
    """A page of the call's submitted applications by folio, without those the reader has a conflict about."""
    statement = (
        select(Application)
        .where(
            Application.call_id == call.id,
            Application.state == ApplicationState.SUBMITTED,
            ~declared(Application.id, reader.id),
        )
        .options(joinedload(Application.plan))
    )
    return keyset_page(statement, Application.folio, Application.id, after=after)


def cells_of(applications: Sequence[Application]) -> dict[int, list[Cell]]:
    """The assignments of these applications with how far each is, by application id. Two queries."""
    numbers = [application.id for application in applications]
    found = db.session.execute(
        select(Assignment, conflict_declared())
        .where(Assignment.application_id.in_(numbers))
        .options(joinedload(Assignment.evaluator))
        .order_by(Assignment.application_id, Assignment.stage.desc(), Assignment.id)
    ).all()
    states = sheet_states(row[0] for row in found)
    cells: dict[int, list[Cell]] = {number: [] for number in numbers}
    for one, is_in_conflict in found:
        key = (one.application_id, one.evaluator_id, one.stage)
        state = "conflict" if is_in_conflict else _state(one, states.get(key, frozenset()))
        cells[one.application_id].append(Cell(one, state))
    return cells


def _state(assignment: Assignment, states: frozenset[SheetState]) -> str:
    if SheetState.SUBMITTED in states:
        return "amending" if SheetState.DRAFT in states else "submitted"
    if not assignment.is_open:
        return "ended"
    return "draft" if SheetState.DRAFT in states else "to_score"


def evaluator_loads(call: Call) -> list[EvaluatorLoad]:
    """How far each evaluator of the call is, most left to do first. Two queries, whatever their number."""
    rows = counted_lately(("loads", call.id), lambda: _count_loads(call), size=lambda found: sum(r[1] for r in found))
    people = db.session.scalars(select(User).where(User.id.in_([row[0] for row in rows])))
    names = {user.id: user for user in people}
    loads = [EvaluatorLoad(names[row[0]], *row[1:]) for row in rows]
    return sorted(loads, key=lambda load: (load.submitted - load.assigned, load.evaluator.id))


def _count_loads(call: Call) -> list[tuple[int, int, int, int, date | None]]:
    """Evaluator, assigned, submitted, conflicts, earliest day due."""
    sheet, conflict, whole = aliased(ScoreSheet), aliased(ConflictOfInterest), aliased(CallConflict)
    done, recused = sheet.id.is_not(None), conflict.id.is_not(None) | whole.id.is_not(None)
    active = (Assignment.ended_at.is_(None) | done) & ~recused
    statement = (
        _tasks_of(call, sheet, conflict, whole)
        .with_only_columns(
            Assignment.evaluator_id,
            func.sum(case((active, 1), else_=0)),
            func.sum(case((done & ~recused, 1), else_=0)),
            func.count(case((recused, Assignment.application_id)).distinct()),
            func.min(case((active & ~done, Assignment.due_on))),
        )
        .group_by(Assignment.evaluator_id)
    )
    return [(row[0], row[1], row[2], row[3], row[4]) for row in db.session.execute(statement)]


def _tasks_of(
    call: Call, sheet: type[ScoreSheet], conflict: type[ConflictOfInterest], whole: type[CallConflict]
) -> Select[Assignment]:
    """The call's tasks, each beside its submitted sheet and its declared conflicts, of which there is one at most."""
    same = (Assignment.application_id, Assignment.evaluator_id)
    return (
        select(Assignment)
        .join(Assignment.application)
        .outerjoin(
            sheet,
            (sheet.application_id == same[0])
            & (sheet.evaluator_id == same[1])
            & (sheet.stage == Assignment.stage)
            & (sheet.state == SheetState.SUBMITTED),
        )
        .outerjoin(conflict, (conflict.application_id == same[0]) & (conflict.evaluator_id == same[1]))
        .outerjoin(whole, (whole.call_id == Application.call_id) & (whole.evaluator_id == same[1]))
        .where(*_submitted(call))
    )


def _submitted(call: Call) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Application.call_id == call.id, Application.state == ApplicationState.SUBMITTED


def call_progress(call: Call) -> CallProgress:
    """Where the scoring of a call stands, in numbers; no scores. One query, once a minute for a very large call."""
    return counted_lately(("progress", call.id), lambda: _count_progress(call), size=lambda found: found.applications)


def _count_progress(call: Call) -> CallProgress:
    submitted = _submitted(call)
    sheet, conflict, whole = aliased(ScoreSheet), aliased(ConflictOfInterest), aliased(CallConflict)
    active = (Assignment.ended_at.is_(None) | sheet.id.is_not(None)) & conflict.id.is_(None) & whole.id.is_(None)
    # The sheets that a calibration set adds are nobody's needed review, whether they count or not.
    active &= ~Assignment.is_calibration
    applications = select(func.count(Application.id)).where(*submitted)
    assigned = _tasks_of(call, sheet, conflict, whole).with_only_columns(func.count(Assignment.id)).where(active)
    done = (
        select(func.count(ScoreSheet.id))
        .join(ScoreSheet.application)
        .where(*submitted, ScoreSheet.state == SheetState.SUBMITTED)
        .where(~sheet_in_conflict(), ~sheet_beside_reviews())
    )
    conflicts = select(func.count(ConflictOfInterest.id)).join(ConflictOfInterest.application).where(*submitted)
    recused = select(func.count(CallConflict.id)).where(CallConflict.call_id == call.id)
    counts = (applications, assigned, done, conflicts, recused)
    found = db.session.execute(select(*(count.scalar_subquery() for count in counts))).one()
    needed = found[0] * call.reviews_per_application * len(counted_stages(call))
    return CallProgress(found[0], needed, found[1], found[2], found[3] + found[4])


def proposal_inputs(call: Call, stage: Stage) -> ProposalInputs:
    """Applications by folio, evaluators, tasks already given at this stage, conflicts. Four queries.

    Tasks that only a calibration set gave are left out: they may still become reviews.
    """
    submitted = (Application.call_id == call.id, Application.state == ApplicationState.SUBMITTED)
    applications = db.session.scalars(select(Application.id).where(*submitted).order_by(Application.folio)).all()
    taken = db.session.execute(
        select(Assignment.application_id, Assignment.evaluator_id, Assignment.ended_at.is_(None), is_in())
        .join(Assignment.application)
        .where(*submitted, Assignment.stage == stage, ~Assignment.is_calibration)
        .order_by(Assignment.id)
    )
    return ProposalInputs(
        applications,
        [user.id for user in active_evaluators()],
        [(row[0], row[1], bool(row[2]), bool(row[3])) for row in taken],
        declared_pairs(call, applications),
    )
