"""Before reading: the evaluator says whether they know the person or the business."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to, page_marker
from grants.evaluation import queries, services
from grants.evaluation.forms import AnswersForm, CallConflictForm, ConflictForm
from grants.evaluation.models import Assignment
from grants.evaluation.views.blueprint import bp


def gate_page(assignment: Assignment, form: ConflictForm) -> str:
    """What may be seen before the answer: folio, venture, sector and canton."""
    pair = (assignment.application_id, assignment.evaluator_id)
    return render_template(
        "evaluation/gate.html",
        assignment=assignment,
        application=assignment.application,
        form=form,
        ask=bool(queries.possible_conflicts([pair])),
    )


@bp.route("/score-sheets/<int:assignment_id>/no-conflict", methods=["POST"])
@requires(Permission.SCORE_APPLICATION)
def no_conflict(assignment_id: int) -> ResponseReturnValue:
    assignment = queries.get_listed_assignment(assignment_id, current_user)
    with transaction():
        services.answer_no_conflict(assignment, by=current_user, now=utcnow())
    return redirect(url_for(".sheet", assignment_id=assignment_id))


@bp.route("/calls/<int:call_id>/conflicts", methods=["GET", "POST"])
@requires(Permission.SCORE_APPLICATION)
def answers(call_id: int) -> ResponseReturnValue:
    call = _call_of_theirs(call_id)
    form = AnswersForm()
    if form.validate_on_submit():
        shown, marked = form.picked(queries.to_answer_page(current_user, call, after=page_marker()).items)
        with errors_to(form), transaction():
            tasks = queries.tasks_about(shown, current_user)
            services.answer_many(tasks, marked, reason=form.reason.data or "", by=current_user, now=utcnow())
            flash(_("Your answers are saved."), "good")
            return redirect(url_for(".answers", call_id=call_id))
    return _answers_page(call, form, CallConflictForm(formdata=None))


@bp.route("/calls/<int:call_id>/conflicts/whole", methods=["POST"])
@requires(Permission.SCORE_APPLICATION)
def declare_call_conflict(call_id: int) -> ResponseReturnValue:
    call = _call_of_theirs(call_id)
    form = CallConflictForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            reason = form.conflict_reason.data or ""
            services.declare_for_call(call, reason=reason, by=current_user, now=utcnow())
            flash(_("Conflict declared. Others will judge in this call."), "good")
            return redirect(url_for(".index"))
    return _answers_page(call, AnswersForm(formdata=None), form)


def _call_of_theirs(call_id: int) -> Call:
    call = get_or_refuse(Call, call_id)
    if not queries.is_in_call(current_user, call.id) or queries.has_call_conflict(current_user, call.id):
        raise NotFound
    return call


def _answers_page(call: Call, form: AnswersForm, whole: CallConflictForm) -> str:
    page = queries.to_answer_page(current_user, call, after=page_marker())
    asked = queries.possible_conflicts((application.id, current_user.id) for application in page.items)
    return render_template(
        "evaluation/answers.html",
        call=call,
        page=page,
        form=form,
        whole=whole,
        to_ask={number for number, _who in asked},
    )
