"""The page of the person who runs a pitch session: one tap for each step, safe to tap twice or from two phones."""

from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.models import User
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import RuleBroken
from grants.core.web import errors_to
from grants.evaluation import queries, services
from grants.evaluation.forms import GiveSlotForm, SwapForm
from grants.evaluation.models import PitchSession, PitchSlot
from grants.evaluation.views.blueprint import bp


class SlotStep(Protocol):
    def __call__(self, slot: PitchSlot, *, by: User, now: datetime) -> object: ...


class SessionStep(Protocol):
    def __call__(self, session: PitchSession, *, by: User, now: datetime) -> object: ...


@bp.route("/pitch-sessions/<int:pitch_session_id>")
@requires(Permission.ASSIGN_EVALUATORS)
def pitch_session(pitch_session_id: int) -> ResponseReturnValue:
    return _session_page(queries.get_pitch_session(pitch_session_id))


def _session_page(session: PitchSession, swap_form: SwapForm | None = None) -> str:
    slots = queries.slots_of(session, reader=current_user)
    others = [one for one in queries.pitch_sessions_of(session.call) if one.id != session.id and not one.is_closed]
    waiting = [slot for slot in slots if slot.is_waiting]
    return render_template(
        "evaluation/pitch_session.html",
        session=session,
        slots=slots,
        pitching=next((slot for slot in slots if slot.state == "pitching"), None),
        called=next((slot for slot in waiting if slot.state == "present"), None),
        waiting=waiting,
        hidden=queries.hidden_slots(session, reader=current_user),
        recused=queries.recused_of(session, slots),
        unavailable=queries.unavailable_for(session),
        submitted=queries.sheets_in(session),
        swap_form=swap_form or SwapForm(formdata=None),
        give_form=GiveSlotForm(formdata=None).offer(others) if others else None,
        now=utcnow(),
    )


def _session_step(pitch_session_id: int, step: SessionStep, done: str) -> ResponseReturnValue:
    session = queries.get_pitch_session(pitch_session_id)
    _once(lambda: step(session, by=current_user, now=utcnow()), done)
    return redirect(url_for(".pitch_session", pitch_session_id=session.id))


def _slot_step(slot_id: int, step: SlotStep, done: str) -> ResponseReturnValue:
    slot = queries.get_slot(slot_id, reader=current_user)
    _once(lambda: step(slot, by=current_user, now=utcnow()), done)
    return redirect(url_for(".pitch_session", pitch_session_id=slot.session_id))


def _once(act: Callable[[], object], done: str) -> None:
    """On the day nobody has time for a page of errors: the second tap goes back to the list, with a sentence."""
    try:
        with transaction():
            act()
        flash(done, "good")
    except RuleBroken as error:
        flash(str(error.message), "warn")


@bp.route("/pitch-sessions/<int:pitch_session_id>/open", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def open_pitch_session(pitch_session_id: int) -> ResponseReturnValue:
    return _session_step(pitch_session_id, services.open_session, _("The session is open. Mark who is here."))


@bp.route("/pitch-sessions/<int:pitch_session_id>/close", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def close_pitch_session(pitch_session_id: int) -> ResponseReturnValue:
    return _session_step(pitch_session_id, services.close_session, _("The session is closed. Thank you."))


@bp.route("/pitch-sessions/<int:pitch_session_id>/call-off", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def call_off_pitch_session(pitch_session_id: int) -> ResponseReturnValue:
    done = _("The session is called off. Who still waited can be given another slot.")
    return _session_step(pitch_session_id, services.call_off, done)


@bp.route("/pitch-slots/<int:slot_id>/present", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def mark_present(slot_id: int) -> ResponseReturnValue:
    return _slot_step(slot_id, services.mark_present, _("Marked present."))


@bp.route("/pitch-slots/<int:slot_id>/start", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def start_pitch(slot_id: int) -> ResponseReturnValue:
    return _slot_step(slot_id, services.start, _("The pitch has begun; the clock runs."))


@bp.route("/pitch-slots/<int:slot_id>/put-back", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def put_back(slot_id: int) -> ResponseReturnValue:
    return _slot_step(slot_id, services.put_back, _("Put back: the person waits again."))


@bp.route("/pitch-slots/<int:slot_id>/end", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def end_pitch(slot_id: int) -> ResponseReturnValue:
    return _slot_step(slot_id, services.end, _("The pitch is over. Call the next person in."))


@bp.route("/pitch-slots/<int:slot_id>/absent", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def mark_absent(slot_id: int) -> ResponseReturnValue:
    return _slot_step(slot_id, services.mark_absent, _("Marked absent. Another slot can be given later."))


@bp.route("/pitch-slots/<int:slot_id>/late", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def arrive_late(slot_id: int) -> ResponseReturnValue:
    return _slot_step(slot_id, services.arrive_late, _("Here after all: the next free slot is theirs."))


@bp.route("/pitch-slots/<int:slot_id>/swap", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def swap_slots(slot_id: int) -> ResponseReturnValue:
    slot = queries.get_slot(slot_id, reader=current_user)
    slots = queries.slots_of(slot.session, reader=current_user)
    form = SwapForm().offer([one for one in slots if one.is_waiting])
    if form.validate_on_submit():
        other = queries.get_slot(form.other.data, reader=current_user)
        with errors_to(form), transaction():
            services.swap(slot, other, seen_at=form.seen_at.data or 0, by=current_user, now=utcnow())
            flash(_("Swapped. Tell both."), "good")
            return redirect(url_for(".pitch_session", pitch_session_id=slot.session_id))
    return _session_page(queries.get_pitch_session(slot.session_id), form)


@bp.route("/applications/<int:application_id>/pitch-slot", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def give_slot(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, reader=current_user)
    sessions = [one for one in queries.pitch_sessions_of(application.call) if not one.is_closed]
    form = GiveSlotForm().offer(sessions)
    if not form.validate_on_submit():
        flash(_("Choose a session."), "warn")
        return redirect(url_for(".pitch_sessions", call_id=application.call_id))
    chosen = next(one for one in sessions if one.id == form.session.data)
    _once(
        lambda: services.give_slot(application, chosen, by=current_user, now=utcnow()),
        _("%(folio)s has a slot there now.", folio=application.folio),
    )
    return redirect(url_for(".pitch_session", pitch_session_id=chosen.id))
