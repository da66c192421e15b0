"""The calibration set: marked by the coordinator; the group's spread, for those who are through."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import ngettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to
from grants.evaluation import queries, services
from grants.evaluation.forms import CalibrationForm
from grants.evaluation.views.blueprint import bp


@bp.route("/calls/<int:call_id>/calibration", methods=["GET", "POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def calibration(call_id: int) -> ResponseReturnValue:
    call, stage = get_or_refuse(Call, call_id), _asked_stage()
    form = CalibrationForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            counts, due_on = form.counts.data, form.due_on.data
            given = services.mark_calibration_set(
                call, stage, form.chosen(), counts=counts, due_on=due_on, by=current_user, now=utcnow()
            )
            flash(ngettext("The set is marked; %(num)d sheet of it was given.",
                           "The set is marked; %(num)d sheets of it were given.", given), "good")  # fmt: skip
            return redirect(url_for(".calibration", call_id=call_id, stage=stage.value))
    return _calibration_page(call, stage, form)


def _calibration_page(call: Call, stage: Stage, form: CalibrationForm) -> str:
    items = queries.calibration_set(call, stage, reader=current_user)
    suggestion = [] if items else queries.suggested_set(call, stage, reader=current_user)
    if not form.is_submitted():
        form.folios.data = " ".join(one.folio for one in items or suggestion)
    through = queries.through_the_set(call, stage)
    return render_template(
        "evaluation/calibration.html",
        call=call,
        stage=stage,
        stages=queries.counted_stages(call),
        form=form,
        items=items,
        suggestion=suggestion,
        through=through,
        in_use=any(one.submitted for one in through),
        may_see_spread=queries.may_lead_the_talk(call, current_user),
    )


@bp.route("/calls/<int:call_id>/calibration/hand-out", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def hand_out(call_id: int) -> ResponseReturnValue:
    call, stage = get_or_refuse(Call, call_id), _asked_stage()
    with transaction():
        given = services.hand_out_calibration(call, stage, due_on=None, by=current_user, now=utcnow())
        flash(ngettext("%(num)d sheet was assigned.", "%(num)d sheets were assigned.", given), "good")
    return redirect(url_for(".calibration", call_id=call_id, stage=stage.value))


@bp.route("/calls/<int:call_id>/calibration/spread")
@requires(Permission.SCORE_APPLICATION, Permission.ASSIGN_EVALUATORS)
def spread(call_id: int) -> ResponseReturnValue:
    call, stage = get_or_refuse(Call, call_id), _asked_stage()
    leads = current_user.may(Permission.ASSIGN_EVALUATORS) and queries.may_lead_the_talk(call, current_user)
    if not (leads or queries.may_see_spread(call, stage, current_user)):
        raise NotFound
    return render_template(
        "evaluation/spread.html",
        call=call,
        stage=stage,
        leads=leads,
        spreads=queries.group_spread(call, stage, current_user),
        through=queries.through_the_set(call, stage),
    )


def _asked_stage() -> Stage:
    """The stage in the address; the plan unless it names the pitch."""
    return Stage.PITCH if request.args.get("stage") == Stage.PITCH.value else Stage.PLAN
