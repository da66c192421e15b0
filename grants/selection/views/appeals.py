"""Appeals: received at the office, heard by their panel, answered."""

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.applications.queries import get_application
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to, page_marker
from grants.selection import queries, services
from grants.selection.forms import AppealForm, ConfirmForm, DecisionForm, PanelForm, StepForm
from grants.selection.forms.after import OUTCOME_NAMES
from grants.selection.models import Appeal, AppealOutcome
from grants.selection.views.blueprint import bp


@bp.get("/appeals")
@requires(Permission.VIEW_SELECTION, Permission.DECIDE_APPEAL)
def appeals() -> ResponseReturnValue:
    open_ones = request.args.get("show") != "decided"
    page = queries.appeals_page(current_user, open_ones=open_ones, after=page_marker())
    return render_template(
        "selection/appeals.html", page=page, open_ones=open_ones, now=utcnow(), outcomes=OUTCOME_NAMES
    )


@bp.get("/appeals/<int:appeal_id>")
@requires(Permission.VIEW_SELECTION, Permission.DECIDE_APPEAL)
def appeal(appeal_id: int) -> ResponseReturnValue:
    return _appeal_page(queries.get_appeal(appeal_id, current_user))


def _appeal_page(
    found: Appeal,
    *,
    panel: PanelForm | None = None,
    decision: DecisionForm | None = None,
    step: StepForm | None = None,
) -> str:
    chooses = current_user.may(Permission.RUN_SELECTION) and found.outcome is None
    if chooses and panel is None:
        panel = PanelForm(queries.panel_candidates(found), formdata=None, people=[one.user_id for one in found.panel])
    hears = found.is_heard_by(current_user)
    return render_template(
        "selection/appeal.html",
        appeal=found,
        panel=panel if chooses else None,
        decision=decision or DecisionForm(formdata=None),
        step=step or StepForm(formdata=None),
        hears=hears,
        reads=hears or current_user.may(Permission.RUN_SELECTION),
        evaluation_data=queries.evaluation_of(found.application_id) if hears else None,
        free=queries.free_places(found.selection) if found.outcome is AppealOutcome.UPHELD else 0,
        outcomes=OUTCOME_NAMES,
        now=utcnow(),
    )


@bp.post("/appeals/<int:appeal_id>/panel")
@requires(Permission.RUN_SELECTION)
def name_panel(appeal_id: int) -> ResponseReturnValue:
    found = queries.get_appeal(appeal_id, current_user)
    form = PanelForm(queries.panel_candidates(found))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.name_panel(found, form.chosen, by=current_user, now=utcnow())
            flash(_("The panel is named. They find the appeal on their home page."), "good")
            return redirect(url_for(".appeal", appeal_id=appeal_id))
    return _appeal_page(queries.get_appeal(appeal_id, current_user), panel=form)


@bp.post("/appeals/<int:appeal_id>/decision")
@requires(Permission.DECIDE_APPEAL)
def propose_decision(appeal_id: int) -> ResponseReturnValue:
    found, form = _heard(appeal_id), DecisionForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            outcome, answer = AppealOutcome(form.outcome.data), form.answer.data or ""
            services.propose_decision(found, outcome=outcome, answer=answer, by=current_user, now=utcnow())
            flash(_("Proposed. Another of the panel reads it and confirms."), "good")
            return redirect(url_for(".appeal", appeal_id=appeal_id))
    return _appeal_page(_heard(appeal_id), decision=form)


def _heard(appeal_id: int) -> Appeal:
    """An appeal that the reader hears; to others this door does not exist."""
    found = queries.get_appeal(appeal_id, current_user)
    if not found.is_heard_by(current_user):
        raise NotFound
    return found


@bp.post("/appeals/<int:appeal_id>/confirm")
@requires(Permission.DECIDE_APPEAL)
def confirm_decision(appeal_id: int) -> ResponseReturnValue:
    found, form = _heard(appeal_id), ConfirmForm()
    return _step_of_appeal(
        found,
        form,
        lambda: services.confirm_decision(found, proposal=form.number, by=current_user, now=utcnow()),
        _("Decided. The applicant can read the answer now."),
    )


@bp.post("/appeals/<int:appeal_id>/place")
@requires(Permission.RUN_SELECTION)
def give_place(appeal_id: int) -> ResponseReturnValue:
    found = queries.get_appeal(appeal_id, current_user)
    return _step_of_appeal(
        found,
        StepForm(),
        lambda: services.grant_place(found, by=current_user, now=utcnow()),
        _("The place is given. The run stays as it was published."),
    )


def _step_of_appeal(
    found: Appeal, form: StepForm | ConfirmForm, service: Callable[[], object], done: str
) -> ResponseReturnValue:
    if form.validate_on_submit():
        with errors_to(form), transaction():
            service()
            flash(done, "good")
            return redirect(url_for(".appeal", appeal_id=found.id))
    return _appeal_page(queries.get_appeal(found.id, current_user), step=form)


@bp.route("/applications/<int:application_id>/appeal", methods=["GET", "POST"])
@requires(Permission.RUN_SELECTION)
def file_appeal(application_id: int) -> ResponseReturnValue:
    """Written down for somebody who comes in person."""
    application = get_application(application_id, current_user)
    letter, form = queries.letter_of(application_id), AppealForm()
    if letter is None:
        raise NotFound
    if form.validate_on_submit():
        with errors_to(form), transaction():
            filed = services.file_appeal(application, text=form.text.data or "", by=current_user, now=utcnow())
            flash(_("Received under %(folio)s. Tell the person this number and the time.", folio=filed.folio), "good")
            return redirect(url_for(".appeal", appeal_id=filed.id))
    return render_template(
        "selection/file_appeal.html",
        application=application,
        release=letter.release,
        form=form,
        known=queries.appeal_of(application_id),
        is_late=letter.release.is_late(utcnow()),
    )
