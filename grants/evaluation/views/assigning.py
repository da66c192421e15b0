"""The coordinator's board: who reads what."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.core.web import errors_to, page_marker
from grants.evaluation import queries, services
from grants.evaluation.forms import AssignForm, ProposalForm
from grants.evaluation.views.blueprint import bp


@bp.route("/calls/<int:call_id>/evaluation")
@requires(Permission.ASSIGN_EVALUATORS)
def board(call_id: int) -> ResponseReturnValue:
    return _board_page(get_or_refuse(Call, call_id), ProposalForm(formdata=None))


def _board_page(call: Call, form: ProposalForm) -> str:
    page = queries.board_page(call, reader=current_user, after=page_marker())
    return render_template(
        "evaluation/board.html",
        call=call,
        page=page,
        form=form,
        cells=queries.cells_of(page.items),
        loads=queries.evaluator_loads(call),
        progress=queries.call_progress(call),
    )


@bp.route("/calls/<int:call_id>/evaluation/propose", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def propose(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    form = ProposalForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            stage, due_on = Stage(form.stage.data), form.due_on.data
            done = services.propose_assignments(call, stage=stage, due_on=due_on, by=current_user, now=utcnow())
            flash(ngettext("%(num)d sheet was assigned.", "%(num)d sheets were assigned.", done.made), "good")
            if done.short:
                flash(ngettext("%(num)d sheet found no evaluator. Invite one, or assign by hand.",
                               "%(num)d sheets found no evaluator. Invite more, or assign by hand.",
                               done.short), "warn")  # fmt: skip
            return redirect(url_for(".board", call_id=call_id))
    return _board_page(call, form)


@bp.route("/applications/<int:application_id>/assignments", methods=["GET", "POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def assignments(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, reader=current_user)
    form = AssignForm().offer(queries.active_evaluators())
    if form.validate_on_submit():
        with errors_to(form), transaction():
            evaluator = queries.get_evaluator(form.evaluator.data)
            stage, due_on = Stage(form.stage.data), form.due_on.data
            services.assign(application, evaluator=evaluator, stage=stage, due_on=due_on, by=current_user, now=utcnow())
            flash(_("Sheet assigned."), "good")
            return redirect(url_for(".assignments", application_id=application_id))
    cells = queries.cells_of([application])[application.id]
    return render_template("evaluation/assignments.html", application=application, cells=cells, form=form)


@bp.route("/assignments/<int:assignment_id>/end", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def end(assignment_id: int) -> ResponseReturnValue:
    assignment = queries.get_assignment(assignment_id, reader=current_user)
    with transaction():
        services.end_assignment(assignment, by=current_user, now=utcnow())
        flash(_("The sheet was taken away. What was submitted still counts."), "good")
    return redirect(url_for(".assignments", application_id=assignment.application_id))
