"""Following a credit: which one it paid off, and people whom nobody can reach."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to
from grants.credit import queries
from grants.credit.forms.movements import LostForm, RefinanceForm
from grants.credit.queries.movements import earlier_credits
from grants.credit.services import following
from grants.credit.views.blueprint import bp
from grants.pages import day, usd


@bp.route("/linkages/<int:linkage_id>/refinance", methods=["GET", "POST"])
@requires(Permission.LOG_LINKAGE)
def refinance(linkage_id: int) -> ResponseReturnValue:
    """Say which earlier credit of this person this one paid off."""
    linkage = queries.get_own_linkage(current_user, linkage_id)
    earlier = earlier_credits(linkage)
    names = [f"{one.reference} · {day(one.disbursed_on)} · {usd(one.outstanding_usd)}" for one in earlier]
    form = RefinanceForm().offer(earlier, names)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            following.refinance(linkage, form.chosen, by=current_user, now=utcnow())
            flash(_("Logged. The earlier credit is paid off."), "good")
            return redirect(url_for(".linkage", linkage_id=linkage.id))
    return render_template("credit/refinance.html", form=form, linkage=linkage)


@bp.route("/linkages/<int:linkage_id>/mark-lost", methods=["GET", "POST"])
@requires(Permission.LOG_LINKAGE)
def mark_lost(linkage_id: int) -> ResponseReturnValue:
    linkage = queries.get_own_linkage(current_user, linkage_id)
    form = LostForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            following.mark_lost(linkage, form.chosen, by=current_user, now=utcnow())
            flash(_("Marked. What is owed stays as it is."), "good")
            return redirect(url_for(".linkage", linkage_id=linkage.id))
    return render_template("credit/mark_lost.html", form=form, linkage=linkage)


@bp.post("/linkages/<int:linkage_id>/mark-found")
@requires(Permission.LOG_LINKAGE)
def mark_found(linkage_id: int) -> ResponseReturnValue:
    linkage = queries.get_own_linkage(current_user, linkage_id)
    with transaction():
        following.mark_found(linkage, by=current_user, now=utcnow())
    flash(_("The mark is gone."), "good")
    return redirect(url_for(".linkage", linkage_id=linkage.id))
