"""The coordinator's board: who reads what."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.applications.models import Application
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.core.web import errors_to, page_marker
from grants.evaluation import queries, services
from grants.evaluation.forms import AssignForm, ChangeForm, ProposalForm
from grants.evaluation.views.blueprint import bp


@bp.route("/calls/<int:call_id>/evaluation")
@requires(Permission.ASSIGN_EVALUATORS)
def board(call_id: int) -> ResponseReturnValue:
    return _board_page(get_or_refuse(Call, call_id), ProposalForm(formdata=None))


def _board_page(call: Call, form: ProposalForm) -> str:
    page = queries.board_page(call, reader=current_user, after=page_marker())
    cells = queries.cells_of(page.items)
    return render_template(
        "evaluation/board.html",
        call=call,
        page=page,
        form=form,
        cells=cells,
        short=queries.shortages(cells, call.reviews_per_application),
        loads=queries.evaluator_loads(call),
        progress=queries.call_progress(call),
    )


@bp.route("/calls/<int:call_id>/evaluation/propose", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def propose(call_id: int) -> ResponseReturnValue:
    """To the proposal that answers the form; one that was shown comes back with its digest, and is written."""
    call = get_or_refuse(Call, call_id)
    form = ProposalForm()
    if not form.validate_on_submit():
        return _board_page(call, form)
    if not form.digest.data:
        return redirect(url_for(".proposal", call_id=call_id, **form.asked()))
    with errors_to(form), transaction():
        done = services.propose_assignments(
            call,
            stage=Stage(form.stage.data),
            due_on=form.due_on.data,
            bridge=form.bridge.data,
            digest=form.digest.data,
            by=current_user,
            now=utcnow(),
        )
        _say(done)
        return redirect(url_for(".board", call_id=call_id))
    return _proposal_page(call, form)


@bp.route("/calls/<int:call_id>/evaluation/proposal")
@requires(Permission.ASSIGN_EVALUATORS)
def proposal(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    asked = ProposalForm(request.args, meta={"csrf": False})
    if not asked.validate():
        return redirect(url_for(".board", call_id=call_id))
    return _proposal_page(call, ProposalForm(formdata=None, data=asked.data))


def _say(done: services.Proposal) -> None:
    flash(ngettext("%(num)d sheet was assigned.", "%(num)d sheets were assigned.", done.made), "good")
    if done.short:
        flash(ngettext("%(num)d sheet found no evaluator. Invite one, or assign by hand.",
                       "%(num)d sheets found no evaluator. Invite more, or assign by hand.",
                       done.short), "warn")  # fmt: skip


def _proposal_page(call: Call, form: ProposalForm) -> str:
    stage = Stage(form.stage.data)
    with errors_to(form):
        plan = services.plan_assignments(call, stage=stage, bridge=form.bridge.data)
        form.digest.raw_data, form.digest.data = None, plan.digest
        limited = (limit.key for limit in plan.limits if limit.kind in ("application", "panel", "review"))
        named = {*plan.short, *(key for key in limited if isinstance(key, int))}
        return render_template(
            "evaluation/proposal.html",
            call=call,
            form=form,
            plan=plan,
            stage=stage,
            people={user.id: user for user in queries.readers_of(call)},
            folios=queries.folios_of(call, named, reader=current_user),
        )
    return _board_page(call, form)


@bp.route("/applications/<int:application_id>/assignments", methods=["GET", "POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def assignments(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, reader=current_user)
    form = AssignForm().offer(queries.readers_of(application.call))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.assign(
                application,
                evaluator=queries.get_evaluator(form.evaluator.data),
                stage=Stage(form.stage.data),
                due_on=form.due_on.data,
                reason=form.code,
                note=form.note.data or "",
                by=current_user,
                now=utcnow(),
            )
            flash(_("Sheet assigned."), "good")
            return redirect(url_for(".assignments", application_id=application_id))
    return _assignments_page(application, form)


def _assignments_page(application: Application, form: AssignForm) -> str:
    cells = queries.cells_of([application])
    found = cells[application.id]
    asked = queries.possible_conflicts((application.id, cell.assignment.evaluator_id) for cell in found)
    return render_template(
        "evaluation/assignments.html",
        application=application,
        cells=found,
        short=queries.shortages(cells, application.call.reviews_per_application).get(application.id, []),
        to_ask={who for _app, who in asked},
        form=form,
    )


@bp.route("/assignments/<int:assignment_id>/end", methods=["GET", "POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def end(assignment_id: int) -> ResponseReturnValue:
    assignment = queries.get_assignment(assignment_id, reader=current_user)
    form = ChangeForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            reason, note = form.code, form.note.data or ""
            services.end_assignment(assignment, reason=reason, note=note, by=current_user, now=utcnow())
            flash(_("The sheet was taken away. What was submitted still counts."), "good")
            return redirect(url_for(".assignments", application_id=assignment.application_id))
    return render_template("evaluation/end.html", assignment=assignment, application=assignment.application, form=form)
