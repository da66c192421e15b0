"""The team checks in; the desk sees who is on the road and what did not come."""

from datetime import timedelta

from flask import current_app, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker, said_if_refused
from grants.delivery.forms import ActionForm, CaseForm
from grants.delivery.queries import checkins as questions
from grants.delivery.services import checkins
from grants.delivery.views.blueprint import bp


@bp.post("/check-in")
@requires(Permission.CARRY_DELIVERY)
def check_in() -> ResponseReturnValue:
    if ActionForm().validate_on_submit():
        with said_if_refused():
            checkins.check_in(by=current_user, now=utcnow())
            flash(_("Noted: your team is well."), "good")
    return redirect(url_for(".my_day"))


@bp.get("/on-the-road")
@requires(Permission.FOLLOW_INCIDENT)
def on_the_road() -> ResponseReturnValue:
    grace = timedelta(minutes=int(current_app.config["CHECK_IN_GRACE_MINUTES"]))
    return render_template(
        "delivery/on_the_road.html",
        now=utcnow(),
        grace=grace,
        runs=questions.runs_on_the_road(),
        missed=questions.open_missed(),
        closed=questions.closed_missed(after=page_marker()),
    )


@bp.route("/missed-check-ins/<int:case_id>", methods=["GET", "POST"])
@requires(Permission.FOLLOW_INCIDENT)
def missed_check_in(case_id: int) -> ResponseReturnValue:
    case, form = questions.get_missed(case_id), CaseForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            checkins.close_case(case, word=str(form.word.data), by=current_user, now=utcnow())
            return redirect(url_for(".on_the_road"))
    return render_template("delivery/missed_check_in.html", case=case, form=form)
