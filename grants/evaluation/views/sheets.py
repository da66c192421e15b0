"""The evaluator's sheets."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.applications.attachments import EXTENSIONS
from grants.applications.doors import download
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound, RuleBroken
from grants.core.web import errors_to, page_marker
from grants.evaluation import queries, services
from grants.evaluation.forms import AmendmentForm, ConflictForm, SheetForm, clock, sheet_form
from grants.evaluation.models import Assignment, ScoreSheet
from grants.evaluation.views.blueprint import bp
from grants.evaluation.views.conflicts import gate_page

NEXT_SHOWN = 5


@bp.route("/score-sheets")
@requires(Permission.SCORE_APPLICATION)
def index() -> ResponseReturnValue:
    submitted = request.args.get("show") == "submitted"
    page = queries.my_page(current_user, submitted=submitted, after=page_marker())
    first = queries.calibration_left(current_user)
    return render_template(
        "evaluation/index.html",
        page=page,
        states=queries.sheet_states(page.items),
        left=queries.left_to_score(current_user),
        to_answer=queries.calls_to_answer(current_user),
        first=first,
        waits={(one.application.call_id, one.stage) for one in first},
        submitted=submitted,
        asked=queries.asked_of(current_user),
        today=local_day(utcnow()),
    )


@bp.route("/score-sheets/<int:assignment_id>")
@requires(Permission.SCORE_APPLICATION)
def sheet(assignment_id: int) -> ResponseReturnValue:
    try:
        assignment = queries.get_my_assignment(assignment_id, current_user)
    except NotFound:  # theirs, but they still owe the answer about a conflict
        return gate_page(queries.get_listed_assignment(assignment_id, current_user), ConflictForm(formdata=None))
    current = queries.current_sheet(assignment)
    return _sheet_page(assignment, sheet_form(queries.criteria_for(assignment), current), current)


@bp.route("/score-sheets/<int:assignment_id>/attachments/<int:number>")
@requires(Permission.SCORE_APPLICATION)
def attachment(assignment_id: int, number: int) -> ResponseReturnValue:
    assignment = queries.get_my_assignment(assignment_id, current_user)
    if queries.calibration_first(assignment):
        return redirect(url_for(".sheet", assignment_id=assignment_id))
    found = queries.get_numbered_attachment(assignment, number)
    # Never the name it was sent with: people name files after themselves.
    return download(found, name=f"{assignment.application.folio}-{number}{EXTENSIONS[found.media_type]}")


def _sheet_page(
    assignment: Assignment,
    form: SheetForm,
    current: ScoreSheet | None,
    *,
    conflict_form: ConflictForm | None = None,
    amendment_form: AmendmentForm | None = None,
) -> str:
    levels = current.levels if current else {}
    is_in = current is not None and not current.is_draft
    first = [] if is_in else queries.calibration_first(assignment)
    if first:
        return render_template("evaluation/calibrate_first.html", assignment=assignment, first=first)
    stored = current if form.stamp.errors else None
    waiting = queries.my_page(current_user, submitted=False) if is_in else None
    application = assignment.application
    form.restamp(current)
    return render_template(
        "evaluation/sheet.html",
        assignment=assignment,
        asked=queries.reply_for(assignment) if is_in else None,
        application=application,
        sheet=current,
        stored=stored,
        form=form,
        running=queries.running_total(form.criteria, form.given_levels()),
        points=queries.sheet_points(form.criteria, assignment.stage, levels),
        others=queries.others_sheets(assignment) if is_in else [],
        talk=is_in and queries.may_see_spread(application.call, assignment.stage, current_user),
        next_one=queries.next_to_score(assignment) if is_in else None,
        left=queries.left_beside(waiting, current_user) if waiting else None,
        waiting=waiting.items[:NEXT_SHOWN] if waiting else [],
        conflict_form=conflict_form or ConflictForm(formdata=None),
        amendment_form=amendment_form or AmendmentForm(formdata=None),
    )


@bp.route("/score-sheets/<int:assignment_id>/save", methods=["POST"])
@requires(Permission.SCORE_APPLICATION)
def save(assignment_id: int) -> ResponseReturnValue:
    assignment = queries.get_my_assignment(assignment_id, current_user)
    form = sheet_form(queries.criteria_for(assignment), queries.current_sheet(assignment))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.save_draft(assignment, form.entries(), by=current_user, now=utcnow(), stamp=form.read_stamp())
            flash(_("Draft saved. The sheet counts once you submit it."), "good")
            return redirect(url_for(".sheet", assignment_id=assignment_id))
    return _sheet_page(assignment, form, queries.current_sheet(assignment))


@bp.route("/score-sheets/<int:assignment_id>/autosave", methods=["POST"])
@requires(Permission.SCORE_APPLICATION)
def autosave(assignment_id: int) -> ResponseReturnValue:
    """For the page's own module: answers with a sentence, never with a page."""
    assignment = queries.get_my_assignment(assignment_id, current_user)
    form = sheet_form(queries.criteria_for(assignment), queries.current_sheet(assignment))
    if not form.validate_on_submit():
        return {"message": _("Not saved: see the marked fields when you save.")}, 422
    now = utcnow()
    try:
        with transaction():
            kept = services.save_draft(assignment, form.entries(), by=current_user, now=now, stamp=form.read_stamp())
    except RuleBroken as error:
        return {"message": str(error.message), "changed": isinstance(error, services.SheetChanged)}, 409
    return {"message": _("Saved %(time)s.", time=clock(now)), "version": kept.version, "saves": kept.saves}


@bp.route("/score-sheets/<int:assignment_id>/submit", methods=["POST"])
@requires(Permission.SCORE_APPLICATION)
def submit(assignment_id: int) -> ResponseReturnValue:
    assignment = queries.get_my_assignment(assignment_id, current_user)
    form = sheet_form(queries.criteria_for(assignment), queries.current_sheet(assignment))
    if form.validate_on_submit():
        keep = services.save_draft if form.mark_missing() else services.submit
        with errors_to(form), transaction():
            keep(assignment, form.entries(), by=current_user, now=utcnow(), stamp=form.read_stamp())
            if not form.form_errors:
                flash(_("Sheet submitted. Thank you."), "good")
                return redirect(url_for(".sheet", assignment_id=assignment_id))
    return _sheet_page(assignment, form, queries.current_sheet(assignment))


@bp.route("/score-sheets/<int:assignment_id>/amend", methods=["POST"])
@requires(Permission.SCORE_APPLICATION)
def amend(assignment_id: int) -> ResponseReturnValue:
    assignment = queries.get_my_assignment(assignment_id, current_user)
    form = AmendmentForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            reason = form.amendment_reason.data or ""
            services.begin_amendment(assignment, reason=reason, by=current_user, now=utcnow())
            flash(_("You can change the sheet now. The earlier version counts until you submit this one."), "info")
            return redirect(url_for(".sheet", assignment_id=assignment_id))
    current = queries.current_sheet(assignment)
    filled = sheet_form(queries.criteria_for(assignment), current)
    return _sheet_page(assignment, filled, current, amendment_form=form)


@bp.route("/score-sheets/<int:assignment_id>/declare-conflict", methods=["POST"])
@requires(Permission.SCORE_APPLICATION)
def declare_conflict(assignment_id: int) -> ResponseReturnValue:
    assignment = queries.get_listed_assignment(assignment_id, current_user)
    form = ConflictForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            reason = form.conflict_reason.data or ""
            services.declare_conflict(assignment, reason=reason, by=current_user, now=utcnow())
            flash(_("Conflict declared. Somebody else will judge this application."), "good")
            return redirect(url_for(".index"))
    if not queries.may_read(assignment):
        return gate_page(assignment, form)
    current = queries.current_sheet(assignment)
    filled = sheet_form(queries.criteria_for(assignment), current)
    return _sheet_page(assignment, filled, current, conflict_form=form)
