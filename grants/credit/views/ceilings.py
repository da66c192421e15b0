"""Ceilings of rates: read by coordinators, kept by administrators."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.core.web import errors_to, said_if_refused
from grants.credit.forms.ceilings import PeriodForm
from grants.credit.models import RateCeiling
from grants.credit.queries.ceilings import ceilings_by_segment
from grants.credit.services import ceilings as services
from grants.credit.views.blueprint import bp


@bp.get("/rate-ceilings")
@requires(Permission.MANAGE_CEILING, Permission.MANAGE_INSTITUTION)
def ceilings() -> ResponseReturnValue:
    return render_template("credit/ceilings.html", periods=ceilings_by_segment())


@bp.route("/rate-ceilings/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_CEILING)
def new_ceiling() -> ResponseReturnValue:
    form = PeriodForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.add_period(form.period(), by=current_user, now=utcnow())
            flash(_("The period is recorded. The one before it ends the day before."), "good")
            return redirect(url_for(".ceilings"))
    return render_template("credit/new_ceiling.html", form=form)


@bp.post("/rate-ceilings/<int:ceiling_id>/take-back")
@requires(Permission.MANAGE_CEILING)
def take_back_ceiling(ceiling_id: int) -> ResponseReturnValue:
    ceiling = get_or_refuse(RateCeiling, ceiling_id)
    with said_if_refused():
        services.take_back_period(ceiling, by=current_user, now=utcnow())
        flash(_("The period is taken back. The one before it is in force again."), "good")
    return redirect(url_for(".ceilings"))
