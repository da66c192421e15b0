"""A savings bank's own figures: written by its liaison or by a coordinator."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to
from grants.credit.forms.support import FiguresForm
from grants.credit.queries import savings_banks
from grants.credit.services import savings_banks as services
from grants.credit.views.blueprint import bp


@bp.route("/institutions/<int:institution_id>/figures", methods=["GET", "POST"])
@requires(Permission.LOG_LINKAGE, Permission.MANAGE_INSTITUTION)
def savings_bank_figures(institution_id: int) -> ResponseReturnValue:
    """A liaison's own savings bank, a coordinator's any; for others there is no such page."""
    institution, form = savings_banks.reporting_institution(current_user, institution_id), FiguresForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.report_figures(institution, form.figures(), by=current_user, now=utcnow())
            flash(_("The figures are recorded."), "good")
            return redirect(url_for(".savings_bank_figures", institution_id=institution.id))
    reports = savings_banks.reports_of(institution)
    return render_template(
        "credit/savings_bank_figures.html",
        form=form,
        institution=institution,
        reports=reports,
        corrected=savings_banks.corrected(reports),
    )
