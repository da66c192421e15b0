"""The day of a pitch session: present, pitching, done, absent, late, swapped, moved. Each step once, whoever taps."""

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation import queries
from grants.evaluation.models import WAITING, Assignment, PitchSession, PitchSlot, PitchState, SheetDelivery, SlotState
from grants.evaluation.services.pitch import claim, place, retire_absences
from grants.evaluation.services.pitch_panels import engage, release
from grants.evaluation.services.sheets import Entries, submit

OPEN = (PitchState.PLANNED, PitchState.RUNNING)


def open_session(session: PitchSession, *, by: User, now: datetime) -> None:
    """Begin the session: from now on people are marked present and called in."""
    claim(session, PitchState.PLANNED)
    session.state, session.opened_at = PitchState.RUNNING, now
    journal.record(by, "pitch_session.opened", session, at=now)


def close_session(session: PitchSession, *, by: User, now: datetime) -> None:
    """End the session, once everybody has pitched, was absent or went elsewhere."""
    claim(session, PitchState.RUNNING)
    if queries.unfinished_slots(session):
        raise RuleBroken(_("People still wait for their turn. Let them pitch, mark them absent or move them first."))
    session.state, session.closed_at = PitchState.CLOSED, now
    journal.record(by, "pitch_session.closed", session, at=now)


def call_off(session: PitchSession, *, by: User, now: datetime) -> None:
    """Give the session up: who still waits is without a slot again, and nobody owes their sheets."""
    claim(session, *OPEN)
    slots = queries.live_slots(session)
    if any(slot.state is SlotState.PITCHING for slot in slots):
        raise RuleBroken(_("Somebody is pitching. End that slot first."))
    waiting = [slot for slot in slots if slot.is_waiting]
    for slot in waiting:
        slot.state = SlotState.MOVED
    release(session.panel, [slot.application_id for slot in waiting], now=now)
    session.state, session.closed_at = PitchState.CLOSED, now
    journal.record(by, "pitch_session.called_off", session, at=now, slots=len(waiting))


def mark_present(slot: PitchSlot, *, by: User, now: datetime) -> None:
    """The person is here."""
    claim(slot.session, PitchState.RUNNING)
    _step(slot, (SlotState.PLANNED,), SlotState.PRESENT, arrived_at=now)
    journal.record(by, "pitch_slot.present", slot, at=now)


def start(slot: PitchSlot, *, by: User, now: datetime) -> None:
    """The pitch begins. One at a time in a session."""
    claim(slot.session, PitchState.RUNNING)
    pitching = queries.now_pitching(slot.session)
    if pitching is not None and pitching.id != slot.id:
        raise RuleBroken(_("Somebody is pitching. End that slot first."))
    _step(slot, (SlotState.PRESENT,), SlotState.PITCHING, started_at=now)
    journal.record(by, "pitch_slot.started", slot, at=now)


def put_back(slot: PitchSlot, *, by: User, now: datetime) -> None:
    """The slot was started by mistake: the person waits again."""
    claim(slot.session, PitchState.RUNNING)
    _step(slot, (SlotState.PITCHING,), SlotState.PRESENT, started_at=None)
    journal.record(by, "pitch_slot.put_back", slot, at=now)


def end(slot: PitchSlot, *, by: User, now: datetime) -> None:
    """The pitch is over. Sheets can still be sent."""
    claim(slot.session, PitchState.RUNNING)
    _step(slot, (SlotState.PITCHING,), SlotState.DONE, ended_at=now)
    journal.record(by, "pitch_slot.ended", slot, at=now)


def mark_absent(slot: PitchSlot, *, by: User, now: datetime) -> None:
    """The person did not come, or left: nobody owes a sheet about them until they have another slot."""
    claim(slot.session, PitchState.RUNNING)
    _step(slot, WAITING, SlotState.ABSENT)
    release(slot.session.panel, [slot.application_id], now=now)
    journal.record(by, "pitch_slot.absent", slot, at=now)


def arrive_late(slot: PitchSlot, *, by: User, now: datetime) -> PitchSlot:
    """Somebody marked absent is here after all: the next free place of this session is theirs, else one at the end."""
    session = slot.session
    claim(session, PitchState.RUNNING)
    _step(slot, (SlotState.ABSENT,), SlotState.MOVED)
    late = place(session, slot.application_id, _next_place(session), state=SlotState.PRESENT, arrived_at=now)
    engage(session, [slot.application_id], by=by, now=now)
    journal.record(by, "pitch_slot.late", late, at=now, before=slot.id)
    return late


def swap(slot: PitchSlot, other: PitchSlot, *, seen_at: int, by: User, now: datetime) -> None:
    """Let two people who wait change places. `seen_at`: the slot's position when it was chosen; a second tap has
    another one before it and is refused.
    """
    claim(slot.session, *OPEN)
    if slot.session_id != other.session_id or slot.id == other.id:
        raise RuleBroken(_("Choose somebody else of this session."), field="other")
    theirs = other.position
    # Below 0 for a moment: two slots never hold one position.
    _put(slot, seen_at, -seen_at)
    _put(other, theirs, seen_at)
    _put(slot, -seen_at, theirs)
    journal.record(by, "pitch_slot.swapped", slot, at=now, other=other.id)


def give_slot(application: Application, session: PitchSession, *, by: User, now: datetime) -> PitchSlot:
    """A slot by hand in a session that is not over, instead of the one the application had.

    The sheets of the panel before, where they are not in, are taken back; the new panel gets theirs.
    """
    if session.call_id != application.call_id or application.state is not ApplicationState.SUBMITTED:
        raise RuleBroken(_("Choose a session of this call."), field="session")
    before = queries.live_slot(application.id)
    if before is not None and before.session_id == session.id:
        raise RuleBroken(_("This application already has a slot in that session."), field="session")
    for one in sorted({session, before.session} if before else {session}, key=lambda found: found.id):
        claim(one, *OPEN)
    if before is not None:
        _step(before, WAITING, SlotState.MOVED)
        release(before.session.panel, [application.id], now=now)
    slot = place(session, application.id, _next_place(session))
    retire_absences([application.id])
    engage(session, [application.id], by=by, now=now)
    journal.record(by, "pitch_slot.given", slot, at=now, before=before.id if before else None)
    return slot


def _next_place(session: PitchSession) -> int:
    """The first free position behind those whose turn has been; one more than the last if none is free."""
    in_use = queries.live_positions(session)
    begun = [position for position, state in in_use.items() if state not in WAITING]
    last = max([session.turns, *in_use])
    return next(p for p in range(max(begun, default=0) + 1, last + 2) if p not in in_use)


def _step(slot: PitchSlot, expected: tuple[SlotState, ...], to: SlotState, **values: object) -> None:
    guarded = update(PitchSlot).where(PitchSlot.id == slot.id, PitchSlot.state.in_(expected))
    try:
        with db.session.begin_nested():
            hit = rows_hit(db.session.execute(guarded.values(state=to, **values)))
    except IntegrityError:
        hit = 0
    if hit == 0:
        raise RuleBroken(_("This was done already, or the slot has changed. Look at the page again."))
    db.session.refresh(slot)


def _put(slot: PitchSlot, expected: int, position: int) -> None:
    guarded = update(PitchSlot).where(
        PitchSlot.id == slot.id, PitchSlot.position == expected, PitchSlot.state.in_(WAITING)
    )
    if rows_hit(db.session.execute(guarded.values(position=position))) == 0:
        raise RuleBroken(_("The order changed meanwhile. Look at it again, then swap."), field="other")


def deliver(assignment: Assignment, entries: Entries, *, key: str, by: User, now: datetime) -> bool:
    """Hand in a sheet as a phone sent it, under a key of its own. The same key again changes nothing and is no error.

    True when this was the first time. What is refused is not remembered: the phone may send the key once more.
    """
    arrived = SheetDelivery(evaluator_id=by.id, key=key, assignment_id=assignment.id, delivered_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(arrived)
    except IntegrityError:
        before = queries.sheet_delivery(key, by)
        if before is None or before.assignment_id != assignment.id:
            raise RuleBroken(_("This sheet belongs to another slot. Reload the page and enter it again.")) from None
        return False
    submit(assignment, entries, by=by, now=now)
    return True
