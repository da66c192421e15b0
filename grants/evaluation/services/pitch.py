"""Planning pitch sessions: place and panel, who can come, and slots by public lottery."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import count

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, CallState, Stage
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import PitchSession, PitchSlot, PitchState, PitchUnavailability, SlotState
from grants.evaluation.services.pitch_filling import seat_people
from grants.evaluation.services.pitch_panels import engage, release
from scoring import lottery_order


@dataclass(frozen=True, slots=True)
class SessionFields:
    """What a coordinator enters about a session. `panel`: ids of evaluators."""

    canton_code: str
    place: str
    starts_at: datetime
    turns: int
    slot_minutes: int
    break_minutes: int
    panel: frozenset[int]


@dataclass(frozen=True, slots=True)
class Filled:
    """What filling did: people given a slot, and people for whom no place was left."""

    placed: int
    short: int


def create_pitch_session(call: Call, fields: SessionFields, *, by: User, now: datetime) -> PitchSession:
    """Plan a session of a published call that judges pitches."""
    if call.state is CallState.DRAFT:
        raise RuleBroken(_("Publish the call first, then plan its pitch sessions."))
    if Stage.PITCH not in call.stages:
        raise RuleBroken(_("This call judges no pitches: its pitch weighs nothing."))
    session = PitchSession(call=call, created_by_id=by.id, created_at=now, state=PitchState.PLANNED)
    _write(session, fields, now)
    db.session.add(session)
    db.session.flush()
    journal.record(by, "pitch_session.planned", session, at=now, call=call.id)
    return session


def change_pitch_session(session: PitchSession, fields: SessionFields, *, by: User, now: datetime) -> None:
    """Change a session that has not begun. Its slots stay; the sheets follow the panel."""
    claim(session, PitchState.PLANNED)
    if fields.turns < max(queries.live_positions(session), default=0):
        raise RuleBroken(_("There are slots behind this number. Move those people first."), field="turns")
    before = list(session.panel)
    _write(session, fields, now)
    applications = [slot.application_id for slot in queries.live_slots(session)]
    release([one for one in before if not session.seats(one)], applications, now=now)
    engage(session, applications, by=by, now=now)
    journal.record(by, "pitch_session.changed", session, at=now)


def _write(session: PitchSession, fields: SessionFields, now: datetime) -> None:
    if local_day(fields.starts_at) < local_day(now):
        raise RuleBroken(_("This day is over. Choose today or a later day."), field="starts_at")
    panel = [one for one in queries.active_evaluators() if one.id in fields.panel]
    if not panel:
        raise RuleBroken(_("Choose who sits on the panel."), field="panel")
    session.canton_code, session.place, session.starts_at = fields.canton_code, fields.place, fields.starts_at
    session.turns, session.slot_minutes = fields.turns, fields.slot_minutes
    session.break_minutes, session.panel = fields.break_minutes, panel


def claim(session: PitchSession, *states: PitchState) -> None:
    """Take the session for this transaction and count the change: what comes beside it waits, then looks again."""
    guarded = update(PitchSession).where(PitchSession.id == session.id, PitchSession.state.in_(states))
    if rows_hit(db.session.execute(guarded.values(revision=PitchSession.revision + 1))) == 0:
        raise RuleBroken(_("The session is not at that point any more. Look at the page again."))
    db.session.refresh(session, ["state", "revision", "turns"])


def note_availability(application: Application, cannot: Iterable[int], *, by: User, now: datetime) -> None:
    """Write down to which of the call's coming sessions the applicant cannot come. Nobody asks why."""
    if application.state is not ApplicationState.SUBMITTED:
        raise RuleBroken(_("Only people with a submitted application pitch."))
    coming = {one.id for one in queries.pitch_sessions_of(application.call, PitchState.PLANNED)}
    db.session.execute(
        delete(PitchUnavailability).where(
            PitchUnavailability.application_id == application.id, PitchUnavailability.session_id.in_(coming)
        )
    )
    noted = [
        PitchUnavailability(session_id=number, application_id=application.id, noted_by_id=by.id, noted_at=now)
        for number in sorted(coming & set(cannot))
    ]
    try:
        with db.session.begin_nested():
            db.session.add_all(noted)
    except IntegrityError:
        raise RuleBroken(_("Somebody else wrote this down just now. Look at the page again.")) from None
    journal.record(by, "pitch_availability.noted", application, at=now, sessions=len(noted))


def fill_slots(call: Call, *, by: User, now: datetime) -> Filled:
    """Give everybody without a slot one in a planned session they can come to, in the order of the public lottery.

    As many as there are places; near home before far, panels without a conflict before others. What was given stays.
    """
    inputs = queries.fill_inputs(call)
    if not inputs.sessions:
        raise RuleBroken(_("Plan a session first; then give out its slots."))
    for session in sorted(inputs.sessions, key=lambda one: one.id):  # two who fill at once wait for each other
        claim(session, PitchState.PLANNED)
    keys = {f"{call.code}|{one.folio}": one for one in inputs.candidates}
    order = [keys[key] for key in lottery_order(call.tie_seed, keys)]
    places = {one.id: max(one.turns - len(inputs.taken[one.id]), 0) for one in inputs.sessions}
    wishes = {one.application_id: _wishes(one, inputs) for one in order}
    seats = seat_people([one.application_id for one in order], places, wishes)
    for session in inputs.sessions:
        chosen = [one.application_id for one in order if seats.get(one.application_id) == session.id]
        _give_in_order(session, chosen, inputs.taken[session.id], by=by, now=now)
    done = Filled(len(seats), len(order) - len(seats))
    journal.record(by, "pitch_slots.filled", call, at=now, placed=done.placed, short=done.short)
    return done


def _wishes(candidate: queries.Candidate, inputs: queries.FillInputs) -> list[int]:
    """Sessions where somebody of the panel may judge this person and to which they can come, the nearest first."""
    in_conflict = inputs.conflicts.get(candidate.application_id, frozenset())
    found = []
    for session in inputs.sessions:
        recused = sum(one.id in in_conflict for one in session.panel)
        if recused == len(session.panel) or (candidate.application_id, session.id) in inputs.cannot:
            continue
        home, there = candidate.canton_code, session.canton_code
        found.append(((home != there, home[:2] != there[:2], recused, session.starts_at, session.id), session.id))
    return [session_id for _key, session_id in sorted(found)]


def _give_in_order(
    session: PitchSession, applications: Sequence[int], taken: frozenset[int], *, by: User, now: datetime
) -> None:
    free = (position for position in count(1) if position not in taken)
    for application, position in zip(applications, free, strict=False):
        place(session, application, position)
    retire_absences(applications)
    engage(session, applications, by=by, now=now)


def place(session: PitchSession, application: int, position: int, **values: object) -> PitchSlot:
    """A new slot there; refused when the application or the position was taken in between."""
    slot = PitchSlot(session_id=session.id, application_id=application, position=position, **values)
    try:
        with db.session.begin_nested():
            db.session.add(slot)
    except IntegrityError:
        raise RuleBroken(_("Somebody else is giving out slots now. Look at the page again.")) from None
    return slot


def retire_absences(applications: Sequence[int]) -> None:
    """Who missed a slot and has another now is no longer shown as absent."""
    missed = update(PitchSlot).where(PitchSlot.application_id.in_(applications), PitchSlot.state == SlotState.ABSENT)
    db.session.execute(missed.values(state=SlotState.MOVED))
