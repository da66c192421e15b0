"""Moderation: the chair opens and decides, evaluators answer."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls.models import Stage
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to
from grants.evaluation import queries, services
from grants.evaluation.forms import DecisionForm, ReplyForm, StageForm
from grants.evaluation.models import Answer, Assignment, Moderation, ModerationReply, Outcome
from grants.evaluation.views.blueprint import bp


@bp.route("/applications/<int:application_id>/moderations", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def open_moderation(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, reader=current_user)
    form = StageForm()
    if not form.validate_on_submit():
        flash(_("Choose a stage."), "bad")
        return redirect(url_for(".quality_board", call_id=application.call_id))
    with transaction():
        opened = services.open_moderation(application, stage=Stage(form.stage.data), by=current_user, now=utcnow())
        flash(_("Moderation opened. The evaluators see it on their list."), "good")
    return redirect(url_for(".moderation", moderation_id=opened.id))


@bp.route("/moderations/<int:moderation_id>")
@requires(Permission.ASSIGN_EVALUATORS)
def moderation(moderation_id: int) -> ResponseReturnValue:
    found = queries.get_moderation(moderation_id, reader=current_user)
    return _moderation_page(found, DecisionForm(formdata=None))


def _moderation_page(found: Moderation, form: DecisionForm) -> str:
    call = found.application.call
    owed = queries.owes_sheets(current_user, call.id)
    if owed:
        return render_template("evaluation/quality_closed.html", call=call, owed=owed)
    sheets = queries.counting_sheets(found.application_id, found.stage)
    return render_template(
        "evaluation/moderation.html",
        moderation=found,
        application=found.application,
        sheets=sheets,
        points=queries.points_of(sheets, found.stage),
        form=form,
    )


@bp.route("/moderations/<int:moderation_id>/decide", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def decide_moderation(moderation_id: int) -> ResponseReturnValue:
    found = queries.get_moderation(moderation_id, reader=current_user)
    form = DecisionForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            outcome, decision = Outcome(form.outcome.data), form.decision.data or ""
            services.decide(found, outcome=outcome, decision=decision, by=current_user, now=utcnow())
            flash(_("Decision entered. The moderation is closed."), "good")
            return redirect(url_for(".moderation", moderation_id=moderation_id))
    return _moderation_page(queries.get_moderation(moderation_id, reader=current_user), form)


@bp.route("/score-sheets/<int:assignment_id>/moderation", methods=["GET", "POST"])
@requires(Permission.SCORE_APPLICATION)
def answer_moderation(assignment_id: int) -> ResponseReturnValue:
    assignment = queries.get_my_assignment(assignment_id, current_user)
    reply = queries.reply_for(assignment)
    if reply is None:
        raise NotFound
    form = ReplyForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            _answer(reply, assignment, form)
            return redirect(url_for(".sheet", assignment_id=assignment_id))
    own = queries.official_sheet(assignment)
    return render_template(
        "evaluation/answer_moderation.html",
        assignment=assignment,
        application=assignment.application,
        reply=reply,
        criteria=queries.criteria_for(assignment),
        own=own,
        others=queries.others_sheets(assignment),
        form=form,
    )


def _answer(reply: ModerationReply, assignment: Assignment, form: ReplyForm) -> None:
    reason, now = form.reason.data or "", utcnow()
    if form.answer.data == Answer.CONFIRMED:
        services.confirm_sheet(reply, reason=reason, by=current_user, now=now)
        flash(_("Thank you. The coordinator sees that you stand by your sheet."), "good")
    else:
        services.amend_sheet(reply, assignment, reason=reason, by=current_user, now=now)
        flash(_("You can change the sheet now. The earlier version counts until you submit this one."), "info")
