"""The evaluators of a call: who they are, what they may read, and how one stops."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.core.web import errors_to
from grants.evaluation import queries, services
from grants.evaluation.forms import AddForm, SeatForm, StopForm, seat_form
from grants.evaluation.views.blueprint import bp


@bp.route("/calls/<int:call_id>/panel")
@requires(Permission.ASSIGN_EVALUATORS)
def call_panel(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    seats = queries.panel_of(call)
    seated = {seat.evaluator_id for seat in seats}
    active = queries.active_evaluators()
    return render_template(
        "evaluation/call_panel.html",
        call=call,
        seats=seats,
        active=active,
        form=AddForm(formdata=None).offer([user for user in active if user.id not in seated]),
    )


@bp.route("/calls/<int:call_id>/panel/fill", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def fill_panel(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    with transaction():
        added = services.seat_everyone(call, by=current_user, now=utcnow())
        flash(ngettext("%(num)d evaluator was added.", "%(num)d evaluators were added.", added), "good")
    return redirect(url_for(".call_panel", call_id=call_id))


@bp.route("/calls/<int:call_id>/panel/add", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def add_panelist(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    form = AddForm().offer(queries.active_evaluators())
    if not form.validate_on_submit():
        flash(_("Choose an evaluator."), "warn")
        return redirect(url_for(".call_panel", call_id=call_id))
    return redirect(url_for(".panelist", call_id=call.id, user_id=form.evaluator.data))


@bp.route("/calls/<int:call_id>/panel/<int:user_id>", methods=["GET", "POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def panelist(call_id: int, user_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    evaluator = queries.get_evaluator(user_id)
    form = seat_form(queries.get_seat(call, evaluator.id))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.save_seat(call, evaluator, form.fields(), by=current_user, now=utcnow())
            flash(_("Saved."), "good")
            return redirect(url_for(".call_panel", call_id=call_id))
    return _seat_page(call, user_id, form, StopForm(formdata=None))


def _seat_page(call: Call, user_id: int, form: SeatForm, stop_form: StopForm) -> str:
    evaluator = queries.get_evaluator(user_id)
    return render_template(
        "evaluation/panelist.html",
        call=call,
        evaluator=evaluator,
        seat=queries.get_seat(call, evaluator.id),
        form=form,
        stop_form=stop_form,
    )


@bp.route("/calls/<int:call_id>/panel/<int:user_id>/stop", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def stop_panelist(call_id: int, user_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    evaluator = queries.get_evaluator(user_id)
    form = StopForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            done = services.stop_evaluator(call, evaluator, note=form.note.data or "", by=current_user, now=utcnow())
            flash(_("The evaluator stopped. What they submitted stays and counts."), "good")
            if done.made:
                flash(ngettext("%(num)d sheet went to somebody else.", "%(num)d sheets went to others.",
                               done.made), "info")  # fmt: skip
            if done.short:
                flash(ngettext("%(num)d sheet found no evaluator. Invite one, or assign by hand.",
                               "%(num)d sheets found no evaluator. Invite more, or assign by hand.",
                               done.short), "warn")  # fmt: skip
            return redirect(url_for(".call_panel", call_id=call_id))
    return _seat_page(call, user_id, seat_form(queries.get_seat(call, evaluator.id), formdata=None), form)
