"""Pitch sessions as coordinators and panels see them. A declared conflict hides the application's slot, too."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from sqlalchemy import Select, func, select, true
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, Stage
from grants.core.db import db, one_or_refuse
from grants.core.errors import NotFound
from grants.evaluation.models import (
    LIVE,
    WAITING,
    Assignment,
    PitchSession,
    PitchSlot,
    PitchState,
    SheetDelivery,
    SheetState,
    SlotState,
    pitch_panel,
)
from grants.evaluation.queries.conflicts import conflict_declared_by, pairs_among
from grants.evaluation.queries.sheets import get_my_assignment, sheet_states


@dataclass(frozen=True, slots=True)
class Turn:
    """A slot as one evaluator sees it. `assignment` is None where they do not judge it; `is_in`: their sheet is in."""

    slot: PitchSlot
    assignment: Assignment | None
    is_in: bool


def _sessions() -> Select[PitchSession]:
    return (
        select(PitchSession)
        .options(
            joinedload(PitchSession.call), joinedload(PitchSession.canton), selectinload(PitchSession.panel)
        )
        .order_by(PitchSession.starts_at, PitchSession.id)
    )  # fmt: skip


def pitch_sessions_of(call: Call, *states: PitchState) -> list[PitchSession]:
    """The call's sessions in the order of their days; in these states, if any are named. Two queries."""
    wanted = PitchSession.state.in_(states) if states else true()
    return list(db.session.scalars(_sessions().where(PitchSession.call_id == call.id, wanted)).unique())


def my_pitch_sessions(user: User) -> list[PitchSession]:
    """Sessions on whose panel this person sits and that are not over, soonest first."""
    seats = select(pitch_panel.c.session_id).where(pitch_panel.c.evaluator_id == user.id)
    open_ones = _sessions().where(PitchSession.id.in_(seats), PitchSession.state != PitchState.CLOSED)
    return list(db.session.scalars(open_ones.limit(50)).unique())


def get_pitch_session(session_id: int) -> PitchSession:
    """A session with call, canton and panel, or NotFound."""
    return one_or_refuse(_sessions().where(PitchSession.id == session_id))


def get_my_pitch_session(session_id: int, user: User) -> PitchSession:
    """A session on whose panel this person sits; anybody else's is NotFound."""
    session = get_pitch_session(session_id)
    if not session.seats(user):
        raise NotFound
    return session


def slot_counts(sessions: Iterable[PitchSession]) -> dict[int, dict[SlotState, int]]:
    """How many slots of each session are in each state. One query."""
    numbers = [session.id for session in sessions]
    counts: dict[int, dict[SlotState, int]] = {number: {} for number in numbers}
    found = db.session.execute(
        select(PitchSlot.session_id, PitchSlot.state, func.count())
        .where(PitchSlot.session_id.in_(numbers))
        .group_by(PitchSlot.session_id, PitchSlot.state)
    )
    for session_id, state, count in found:
        counts[session_id][state] = count
    return counts


def _slots() -> Select[PitchSlot]:
    application = joinedload(PitchSlot.application)
    return (
        select(PitchSlot)
        .join(PitchSlot.application)
        .options(application.joinedload(Application.plan), joinedload(PitchSlot.session))
        .order_by(PitchSlot.position, PitchSlot.id)
    )


def slots_of(session: PitchSession, *, reader: User) -> list[PitchSlot]:
    """The session's slots in order, absent people included, without those under a conflict of the reader."""
    wanted = (PitchSlot.session_id == session.id, PitchSlot.state != SlotState.MOVED)
    return list(db.session.scalars(_slots().where(*wanted, ~conflict_declared_by(reader))))


def live_slots(session: PitchSession) -> list[PitchSlot]:
    """The session's slots that count, in order, as they are now, whoever asks."""
    wanted = (PitchSlot.session_id == session.id, PitchSlot.state.in_(LIVE))
    fresh = _slots().where(*wanted).execution_options(populate_existing=True)
    return list(db.session.scalars(fresh))


def hidden_slots(session: PitchSession, *, reader: User) -> int:
    """How many live slots a conflict hides from the reader."""
    hidden = (
        select(func.count(PitchSlot.id))
        .join(PitchSlot.application)
        .where(PitchSlot.session_id == session.id, PitchSlot.state.in_(LIVE), conflict_declared_by(reader))
    )
    return db.session.scalar(hidden) or 0


def get_slot(slot_id: int, *, reader: User) -> PitchSlot:
    """A slot with its session and application; NotFound under a conflict of the reader."""
    return one_or_refuse(_slots().where(PitchSlot.id == slot_id, ~conflict_declared_by(reader)))


def get_my_slot(slot_id: int, user: User) -> tuple[PitchSlot, Assignment]:
    """A slot that this member of its panel judges, and their assignment; NotFound for anybody else."""
    slot = get_slot(slot_id, reader=user)
    get_my_pitch_session(slot.session_id, user)
    assignment_id = db.session.scalar(
        select(Assignment.id).where(
            Assignment.application_id == slot.application_id,
            Assignment.evaluator_id == user.id,
            Assignment.stage == Stage.PITCH,
        )
    )
    if assignment_id is None or not slot.is_live:
        raise NotFound
    return slot, get_my_assignment(assignment_id, user)


def turns_of(session: PitchSession, evaluator: User) -> list[Turn]:
    """The session's slots as this member of the panel sees them. Three queries, whatever their number."""
    slots = slots_of(session, reader=evaluator)
    found = db.session.scalars(
        select(Assignment)
        .join(Assignment.application)
        .where(
            Assignment.application_id.in_([slot.application_id for slot in slots]),
            Assignment.evaluator_id == evaluator.id,
            Assignment.stage == Stage.PITCH,
            Assignment.ended_at.is_(None),
            Application.state == ApplicationState.SUBMITTED,
        )
    ).all()
    given = {assignment.application_id: assignment for assignment in found}
    states = sheet_states(found)
    turns = []
    for slot in slots:
        key = (slot.application_id, evaluator.id, Stage.PITCH)
        is_in = SheetState.SUBMITTED in states.get(key, frozenset())
        turns.append(Turn(slot, given.get(slot.application_id), is_in))
    return turns


def now_pitching(session: PitchSession) -> PitchSlot | None:
    """Whose turn it is, whoever asks."""
    wanted = (PitchSlot.session_id == session.id, PitchSlot.state == SlotState.PITCHING)
    return db.session.scalars(select(PitchSlot).where(*wanted)).first()


def live_positions(session: PitchSession) -> dict[int, SlotState]:
    """Positions that are in use, with the state of their slot."""
    wanted = (PitchSlot.session_id == session.id, PitchSlot.state.in_(LIVE))
    rows = db.session.execute(select(PitchSlot.position, PitchSlot.state).where(*wanted).order_by(PitchSlot.position))
    return {row[0]: row[1] for row in rows}


def unfinished_slots(session: PitchSession) -> int:
    """How many people still wait or are pitching: the session cannot be closed before."""
    open_states = (*WAITING, SlotState.PITCHING)
    wanted = (PitchSlot.session_id == session.id, PitchSlot.state.in_(open_states))
    return db.session.scalar(select(func.count(PitchSlot.id)).where(*wanted)) or 0


def recused_of(session: PitchSession, slots: Sequence[PitchSlot]) -> dict[int, list[User]]:
    """Members of the panel who declared a conflict, by application: they leave the room for that slot."""
    panel = {one.id: one for one in session.panel}
    recused: dict[int, list[User]] = {}
    for application, evaluator in sorted(pairs_among([slot.application_id for slot in slots])):
        if evaluator in panel:
            recused.setdefault(application, []).append(panel[evaluator])
    return recused


def live_slot(application_id: int) -> PitchSlot | None:
    """The application's slot that counts, if it has one."""
    wanted = (PitchSlot.application_id == application_id, PitchSlot.state.in_(LIVE))
    return db.session.scalars(_slots().where(*wanted)).first()


def sheet_delivery(key: str, evaluator: User) -> SheetDelivery | None:
    """What this evaluator's phone sent under the key before."""
    wanted = (SheetDelivery.key == key, SheetDelivery.evaluator_id == evaluator.id)
    return db.session.scalars(select(SheetDelivery).where(*wanted)).first()
