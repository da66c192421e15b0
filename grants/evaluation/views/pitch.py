"""Planning pitch sessions: the call's sessions, their places and panels, who can come, the printed order."""

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale, ngettext
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.applications import queries as applications
from grants.applications.models import ApplicationState
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.core.documents import pdf
from grants.core.errors import RuleBroken
from grants.core.web import Onward, errors_to, leads_on, page_marker
from grants.evaluation import queries, services
from grants.evaluation.forms import AvailabilityForm, GiveSlotForm, PitchSessionForm, filled_with
from grants.evaluation.models import SESSION_NAMES, SLOT_NAMES, PitchSession, PitchState, SlotState
from grants.evaluation.views.blueprint import bp
from grants.pages import day, moment
from grants.people.queries import canton_choices


@bp.app_template_global()
def pitch_word(state: PitchState | SlotState) -> str:
    """The state of a session or a slot, in words."""
    return str(SESSION_NAMES[state] if isinstance(state, PitchState) else SLOT_NAMES[state])


@leads_on("application")
def availability_link(application_id: int) -> list[Onward]:
    """From a submitted application to the pitch sessions its applicant can come to."""
    found = applications.get_application(application_id, current_user)
    if found.state is not ApplicationState.SUBMITTED or not current_user.may(Permission.EDIT_APPLICATION):
        return []
    if not queries.pitch_sessions_of(found.call, PitchState.PLANNED):
        return []
    return [Onward(_("Can come to a pitch"), url_for("evaluation.availability", application_id=application_id))]


@bp.route("/calls/<int:call_id>/pitch-sessions")
@requires(Permission.ASSIGN_EVALUATORS)
def pitch_sessions(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    sessions = queries.pitch_sessions_of(call)
    page = queries.without_slot_page(call, reader=current_user, after=page_marker())
    open_ones = [one for one in sessions if not one.is_closed]
    return render_template(
        "evaluation/pitch_sessions.html",
        call=call,
        sessions=sessions,
        counts=queries.slot_counts(sessions),
        page=page,
        waiting=queries.count_without_slot(call),
        absent=queries.absent_among(page.items),
        form=GiveSlotForm(formdata=None).offer(open_ones) if open_ones else None,
    )


@bp.route("/calls/<int:call_id>/pitch-sessions/fill", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def fill_pitch_slots(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    try:
        with transaction():
            done = services.fill_slots(call, by=current_user, now=utcnow())
    except RuleBroken as error:
        flash(str(error.message), "warn")
        return redirect(url_for(".pitch_sessions", call_id=call_id))
    flash(ngettext("%(num)d person was given a slot.", "%(num)d people were given a slot.", done.placed), "good")
    if done.short:
        flash(ngettext("%(num)d person found no place they can come to. Plan another session.",
                       "%(num)d people found no place they can come to. Plan another session.", done.short),
              "warn")  # fmt: skip
    return redirect(url_for(".pitch_sessions", call_id=call_id))


@bp.route("/calls/<int:call_id>/pitch-sessions/new", methods=["GET", "POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def new_pitch_session(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    form = _session_form(None)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            made = services.create_pitch_session(call, form.fields, by=current_user, now=utcnow())
            flash(_("Session planned. Now give out its slots."), "good")
            return redirect(url_for(".pitch_session", pitch_session_id=made.id))
    return render_template("evaluation/pitch_edit.html", call=call, session=None, form=form)


@bp.route("/pitch-sessions/<int:pitch_session_id>/edit", methods=["GET", "POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def edit_pitch_session(pitch_session_id: int) -> ResponseReturnValue:
    session = queries.get_pitch_session(pitch_session_id)
    form = _session_form(session)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.change_pitch_session(session, form.fields, by=current_user, now=utcnow())
            flash(_("Session changed. Tell the people who have a slot."), "good")
            return redirect(url_for(".pitch_session", pitch_session_id=session.id))
    return render_template("evaluation/pitch_edit.html", call=session.call, session=session, form=form)


def _session_form(session: PitchSession | None) -> PitchSessionForm:
    form = PitchSessionForm(data=filled_with(session))
    return form.offer(canton_choices(), queries.active_evaluators())


@bp.route("/pitch-sessions/<int:pitch_session_id>/order")
@requires(Permission.ASSIGN_EVALUATORS)
def pitch_order(pitch_session_id: int) -> ResponseReturnValue:
    """The order for the door and for the panel: folio, business and time. No names, and not the place."""
    session = queries.get_pitch_session(pitch_session_id)
    slots = [slot for slot in queries.slots_of(session, reader=current_user) if slot.is_live]
    data = {
        "language": str(get_locale() or "es")[:2],
        "title": _("Order of the pitches"),
        "about": f"{session.call.code} · {session.call.name}",
        "when": f"{session.canton.name}, {moment(session.starts_at)}",
        "rule": _("Order drawn by public lottery: SHA-256 of seed|call|folio, smallest first. Seed: %(seed)s",
                  seed=session.call.tie_seed),
        "columns": [_("Slot"), _("Time"), _("Folio"), _("Business"), _("Minutes")],
        "rows": [
            [str(slot.position), moment(slot.due_at).rpartition(" ")[2], slot.application.folio,
             slot.application.plan.venture or "—", str(session.slot_minutes)]
            for slot in slots
        ],
        "nobody": _("Nobody has a slot yet."),
        "printed": _("Printed on %(day)s", day=day(utcnow())),
    }  # fmt: skip
    headers = {"Content-Disposition": f'attachment; filename="orden-pitch-{session.id}.pdf"'}
    return Response(pdf("evaluation/pitch_order.typ", data), mimetype="application/pdf", headers=headers)


@bp.route("/applications/<int:application_id>/availability", methods=["GET", "POST"])
@requires(Permission.EDIT_APPLICATION)
def availability(application_id: int) -> ResponseReturnValue:
    application = applications.get_application(application_id, current_user)
    sessions = queries.pitch_sessions_of(application.call, PitchState.PLANNED)
    chosen = sorted(queries.cannot_come_to(application.id))
    form = AvailabilityForm(data=None if request.method == "POST" else {"cannot": chosen}).offer(sessions)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.note_availability(application, form.cannot.data or (), by=current_user, now=utcnow())
            flash(_("Noted. Slots are given out accordingly."), "good")
            return redirect(url_for("applications.show", application_id=application.id))
    return render_template(
        "evaluation/pitch_availability.html", application=application, sessions=sessions, form=form,
        slot=queries.live_slot(application.id),
    )  # fmt: skip
