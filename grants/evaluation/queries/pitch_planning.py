"""Planning pitch sessions: who still waits for a slot, who can come when, and who judges them."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, Stage
from grants.core.db import Page, db, keyset_page
from grants.evaluation.models import (
    LIVE,
    Assignment,
    PitchSession,
    PitchSlot,
    PitchState,
    PitchUnavailability,
    ScoreSheet,
    SheetState,
    SlotState,
)
from grants.evaluation.queries.conflicts import conflict_declared_by, pairs_among
from grants.evaluation.queries.pitch import pitch_sessions_of
from grants.evaluation.queries.sheets import sheet_in_conflict, sheet_states
from grants.people.models import Person


@dataclass(frozen=True, slots=True)
class Candidate:
    """An application that waits for a slot: its folio, and the province of its applicant."""

    application_id: int
    folio: str
    canton_code: str


@dataclass(frozen=True, slots=True)
class FillInputs:
    """What filling the sessions of a call starts from."""

    sessions: Sequence[PitchSession]
    taken: dict[int, frozenset[int]]  # positions in use, by session
    candidates: Sequence[Candidate]
    cannot: frozenset[tuple[int, int]]  # (application, session)
    conflicts: dict[int, frozenset[int]]  # evaluators in conflict, by application


def _has_live_slot() -> ColumnElement[bool]:
    return (
        select(PitchSlot.id)
        .where(PitchSlot.application_id == Application.id, PitchSlot.state.in_(LIVE))
        .exists()
    )  # fmt: skip


def _waits_for_a_slot(call: Call) -> tuple[ColumnElement[bool], ...]:
    return Application.call_id == call.id, Application.state == ApplicationState.SUBMITTED, ~_has_live_slot()


def without_slot_page(call: Call, *, reader: User, after: str | None = None) -> Page[Application]:
    """A page of the call's applications that have no slot, by folio: never given, or absent."""
    statement = (
        select(Application)
        .where(*_waits_for_a_slot(call), ~conflict_declared_by(reader))
        .options(joinedload(Application.plan))
    )
    return keyset_page(statement, Application.folio, Application.id, after=after)


def count_without_slot(call: Call) -> int:
    """How many applications of the call have no slot."""
    return db.session.scalar(select(func.count(Application.id)).where(*_waits_for_a_slot(call))) or 0


def absent_among(applications: Iterable[Application]) -> frozenset[int]:
    """Which of these applications missed a slot."""
    numbers = [application.id for application in applications]
    missed = select(PitchSlot.application_id).where(
        PitchSlot.application_id.in_(numbers), PitchSlot.state == SlotState.ABSENT
    )
    return frozenset(db.session.scalars(missed))


def fill_inputs(call: Call) -> FillInputs:
    """Planned sessions, their free positions, who waits, who cannot come when, and conflicts. Six queries."""
    sessions = pitch_sessions_of(call, PitchState.PLANNED)
    numbers = [session.id for session in sessions]
    waiting = (
        select(Application.id, Application.folio, Person.canton_code)
        .join(Application.person)
        .where(*_waits_for_a_slot(call))
        .order_by(Application.folio)
    )
    candidates = [Candidate(*row) for row in db.session.execute(waiting)]
    in_use: dict[int, set[int]] = {number: set() for number in numbers}
    slots = select(PitchSlot.session_id, PitchSlot.position).where(
        PitchSlot.session_id.in_(numbers), PitchSlot.state.in_(LIVE)
    )
    for session_id, position in db.session.execute(slots):
        in_use[session_id].add(position)
    taken = {number: frozenset(positions) for number, positions in in_use.items()}
    return FillInputs(sessions, taken, candidates, _cannot(numbers), _conflicts(call))


def _cannot(sessions: Sequence[int]) -> frozenset[tuple[int, int]]:
    rows = db.session.execute(
        select(PitchUnavailability.application_id, PitchUnavailability.session_id).where(
            PitchUnavailability.session_id.in_(sessions)
        )
    )
    return frozenset((row[0], row[1]) for row in rows)


def _conflicts(call: Call) -> dict[int, frozenset[int]]:
    return _who_is_in_conflict(select(Application.id).where(Application.call_id == call.id))


def conflicts_among(applications: Sequence[int]) -> dict[int, frozenset[int]]:
    """Evaluators in conflict, by application."""
    return _who_is_in_conflict(applications)


def _who_is_in_conflict(applications: Any) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = {}
    for application_id, evaluator_id in pairs_among(applications):
        found.setdefault(application_id, set()).add(evaluator_id)
    return {application_id: frozenset(people) for application_id, people in found.items()}


def pitch_tasks(applications: Sequence[int]) -> dict[tuple[int, int], tuple[Assignment, bool]]:
    """The pitch assignments of these applications by (application, evaluator), each with whether its sheet is in."""
    found = db.session.scalars(
        select(Assignment)
        .where(Assignment.application_id.in_(applications), Assignment.stage == Stage.PITCH)
        .order_by(Assignment.id)
    ).all()
    states = sheet_states(found)
    return {
        (one.application_id, one.evaluator_id): (
            one,
            SheetState.SUBMITTED in states.get((one.application_id, one.evaluator_id, one.stage), frozenset()),
        )
        for one in found
    }


def cannot_come_to(application_id: int) -> frozenset[int]:
    """Sessions that the applicant cannot come to."""
    wanted = PitchUnavailability.application_id == application_id
    return frozenset(db.session.scalars(select(PitchUnavailability.session_id).where(wanted)))


def unavailable_for(session: PitchSession) -> frozenset[int]:
    """Applications whose applicant cannot come to this session."""
    wanted = PitchUnavailability.session_id == session.id
    return frozenset(db.session.scalars(select(PitchUnavailability.application_id).where(wanted)))


def sheets_in(session: PitchSession) -> dict[int, int]:
    """How many pitch sheets of the session's panel are in, by application. No score. One query."""
    members = [one.id for one in session.panel]
    mine = select(PitchSlot.application_id).where(PitchSlot.session_id == session.id, PitchSlot.state.in_(LIVE))
    rows = db.session.execute(
        select(ScoreSheet.application_id, func.count())
        .where(
            ScoreSheet.application_id.in_(mine),
            ScoreSheet.evaluator_id.in_(members),
            ScoreSheet.stage == Stage.PITCH,
            ScoreSheet.state == SheetState.SUBMITTED,
            ~sheet_in_conflict(),
        )
        .group_by(ScoreSheet.application_id)
    )
    return {row[0]: row[1] for row in rows}
