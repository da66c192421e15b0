"""An applicant's own page: a folio and a one-time code open it for a quarter of an hour, without an account."""

from flask import flash, redirect, render_template, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.access.second_factor import TooManyAttempts, charge
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import RuleBroken
from grants.core.web import errors_to
from grants.extensions import limiter
from grants.selection import queries, services
from grants.selection.forms import AppealForm, CodeForm, StepForm
from grants.selection.models import ResultSession
from grants.selection.views.blueprint import bp

OPENED = "result"  # what the browser holds: the token of its quarter of an hour


@bp.route("/my-result", methods=["GET", "POST"])
@requires(Permission.PUBLIC)
@limiter.limit("30/minute", methods=["POST"])
def mine() -> ResponseReturnValue:
    form = CodeForm()
    if form.validate_on_submit():
        with errors_to(form):
            session[OPENED] = _opened_with(form.folio.data or "", form.code.data or "")
            return redirect(url_for(".my_evaluation"))
    return render_template("selection/mine.html", form=form)


def _opened_with(folio: str, code: str) -> str:
    """The token for a right code. Every refusal is the same sentence, so that it says nothing about the folio."""
    now = utcnow()
    try:
        charge(services.RESULT_CODE, services.attempt_subject(folio), limit=services.RESULT_LIMIT, now=now)
        with transaction():
            return services.open_result(folio, code, now=now)
    except TooManyAttempts:
        raise RuleBroken(services.NO_MATCH) from None


def _opened() -> ResultSession | None:
    return queries.open_result(str(session.get(OPENED, "")), utcnow())


def _ask_again() -> ResponseReturnValue:
    session.pop(OPENED, None)
    flash(_("The quarter of an hour is over. Ask for a new code to open your result again."), "warn")
    return redirect(url_for(".mine"))


@bp.get("/my-result/evaluation")
@requires(Permission.PUBLIC)
def my_evaluation() -> ResponseReturnValue:
    opened = _opened()
    return _page(opened, AppealForm(formdata=None)) if opened else _ask_again()


def _page(opened: ResultSession, form: AppealForm) -> str:
    found = queries.evaluation_of(opened.application_id)
    return render_template(
        "selection/my_evaluation.html",
        found=found,
        opened=opened,
        form=form,
        reason=found.reasons.sentence(found.row),
        is_late=found.release.is_late(utcnow()),
    )


@bp.post("/my-result/appeal")
@requires(Permission.PUBLIC)
@limiter.limit("30/minute", methods=["POST"])
def my_appeal() -> ResponseReturnValue:
    opened = _opened()
    if opened is None:
        return _ask_again()
    form = AppealForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.file_appeal(opened.application, text=form.text.data or "", by=None, now=utcnow())
            flash(_("Your appeal was received. Its number and time are below: write them down."), "good")
            return redirect(url_for(".my_evaluation", _anchor="appeal"))
    return _page(opened, form)


@bp.post("/my-result/close")
@requires(Permission.PUBLIC)
def close_mine() -> ResponseReturnValue:
    opened = _opened()
    if opened is not None and StepForm().validate_on_submit():
        with transaction():
            services.close_result(opened, now=utcnow())
    session.pop(OPENED, None)
    flash(_("Closed. Nobody can open it again with the same code."), "good")
    return redirect(url_for(".mine"))
