"""The page of the panel: who pitches now, the clock and the sheet. Made for phones with a poor signal."""

import secrets
from collections.abc import Sequence

from flask import Response, flash, jsonify, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to
from grants.evaluation import queries, services
from grants.evaluation.forms import KeyForm, SheetForm, sheet_form
from grants.evaluation.models import Assignment, PitchSession, PitchSlot
from grants.evaluation.queries import Turn
from grants.evaluation.views.blueprint import bp


@bp.route("/pitch-sessions")
@requires(Permission.SCORE_APPLICATION)
def my_pitch_sessions() -> ResponseReturnValue:
    sessions = queries.my_pitch_sessions(current_user)
    return render_template("evaluation/pitch_mine.html", sessions=sessions, counts=queries.slot_counts(sessions))


@bp.route("/pitch-sessions/<int:pitch_session_id>/panel")
@requires(Permission.SCORE_APPLICATION)
def panel(pitch_session_id: int) -> ResponseReturnValue:
    session = queries.get_my_pitch_session(pitch_session_id, current_user)
    turns = queries.turns_of(session, current_user)
    asked = _asked(turns)
    waiting = {task.application_id for task in asked}
    ready = [turn for turn in turns if turn.slot.application_id not in waiting]
    wanted = request.args.get("slot", "")
    shown = next((turn for turn in ready if turn.assignment and str(turn.slot.id) == wanted), _turn_to_show(ready))
    return _panel_page(session, turns, shown, asked)


def _asked(turns: list[Turn]) -> Sequence[Assignment]:
    """Those of the session about which this evaluator still has to say whether there is a conflict."""
    return queries.tasks_about([turn.slot.application_id for turn in turns if turn.assignment], current_user)


@bp.route("/pitch-sessions/<int:pitch_session_id>/no-conflict", methods=["POST"])
@requires(Permission.SCORE_APPLICATION)
def no_conflict_in_session(pitch_session_id: int) -> ResponseReturnValue:
    session = queries.get_my_pitch_session(pitch_session_id, current_user)
    # Only those that stood on the page: somebody who was given a slot meanwhile is asked about next.
    read = set(request.form.getlist("application"))
    asked = _asked(queries.turns_of(session, current_user))
    with transaction():
        tasks = [task for task in asked if str(task.application_id) in read]
        services.answer_many(tasks, (), reason="", by=current_user, now=utcnow())
    return redirect(url_for(".panel", pitch_session_id=session.id))


def _turn_to_show(turns: list[Turn]) -> Turn | None:
    """Who pitches now; else who pitched last without a sheet from this evaluator; else who comes next."""
    mine = [turn for turn in turns if turn.assignment and turn.slot.is_live]
    pitching = [turn for turn in mine if turn.slot.state == "pitching"]
    owed = [turn for turn in mine if turn.slot.state == "done" and not turn.is_in]
    coming = [turn for turn in mine if turn.slot.is_waiting and not turn.is_in]
    return next(iter([*pitching, *reversed(owed), *coming]), None)


def _panel_page(
    session: PitchSession,
    turns: list[Turn],
    shown: Turn | None,
    asked: Sequence[Assignment],
    form: SheetForm | None = None,
) -> str:
    blank = None
    if shown is not None and shown.assignment is not None:
        assignment = queries.get_my_assignment(shown.assignment.id, current_user)
        criteria = queries.criteria_for(assignment)
        form = form or sheet_form(criteria, queries.current_sheet(assignment))
        blank = sheet_form(criteria, None)
    return render_template(
        "evaluation/pitch_panel.html",
        session=session,
        turns=turns,
        asked=asked,
        shown=shown,
        pitching=next((turn for turn in turns if turn.slot.state == "pitching"), None),
        hidden_now=_is_hidden_now(session, turns),
        form=form,
        blank=blank,
        key=secrets.token_urlsafe(24),
        now=utcnow(),
    )


def _is_hidden_now(session: PitchSession, turns: list[Turn]) -> bool:
    """Whether somebody is pitching whom this evaluator does not judge."""
    pitching = queries.now_pitching(session)
    return pitching is not None and pitching.id not in {turn.slot.id for turn in turns}


@bp.route("/pitch-sessions/<int:pitch_session_id>/state")
@requires(Permission.SCORE_APPLICATION, Permission.ASSIGN_EVALUATORS)
def pitch_state(pitch_session_id: int) -> ResponseReturnValue:
    """Whether anything changed, for phones that look every few seconds: 304 and no body while nothing did."""
    session = queries.get_pitch_session(pitch_session_id)
    if not (session.seats(current_user) or current_user.may(Permission.ASSIGN_EVALUATORS)):
        raise NotFound
    answer: Response = jsonify(revision=session.revision, state=session.state.value)
    answer.set_etag(f"{session.id}-{session.revision}")
    return answer.make_conditional(request)


@bp.route("/pitch-slots/<int:slot_id>/sheet", methods=["POST"])
@requires(Permission.SCORE_APPLICATION)
def deliver_sheet(slot_id: int) -> ResponseReturnValue:
    slot, assignment = queries.get_my_slot(slot_id, current_user)
    keyed = KeyForm()
    form = sheet_form(queries.criteria_for(assignment), queries.current_sheet(assignment))
    is_well_formed = form.validate_on_submit()
    if not keyed.validate_on_submit():
        form.form_errors.append(_("Reload the page, then send again."))
    elif is_well_formed:
        with errors_to(form), transaction():
            _keep(assignment, form, keyed.key.data or "")
    return _undelivered(slot, form) if form.errors or form.form_errors else _delivered(slot)


def _keep(assignment: Assignment, form: SheetForm, key: str) -> None:
    """A whole sheet is handed in once; one with gaps is kept as a draft, with the gaps marked."""
    entries, now = form.entries(), utcnow()
    if form.mark_missing():
        services.save_draft(assignment, entries, by=current_user, now=now)
    else:
        services.deliver(assignment, entries, key=key, by=current_user, now=now)


def _wants_json() -> bool:
    return request.accept_mimetypes.best == "application/json"


def _delivered(slot: PitchSlot) -> ResponseReturnValue:
    if _wants_json():
        return {"is_in": True, "message": _("Sheet submitted. Thank you.")}
    flash(_("Sheet submitted. Thank you."), "good")
    return redirect(url_for(".panel", pitch_session_id=slot.session_id, slot=slot.id))


def _undelivered(slot: PitchSlot, form: SheetForm) -> ResponseReturnValue:
    session = queries.get_my_pitch_session(slot.session_id, current_user)
    turns = queries.turns_of(session, current_user)
    shown = next(turn for turn in turns if turn.slot.id == slot.id)
    if _wants_json():
        beside = {name: [str(one) for one in found] for name, found in form.errors.items() if name and found}
        above = [str(one) for one in form.form_errors] or [_("Something needs another look. See the marked fields.")]
        return {"is_in": shown.is_in, "message": " ".join(above), "errors": beside}, 422
    return _panel_page(session, turns, shown, _asked(turns), form)
