"""Reconciliation: the pairs of records, one delivery or many, and the last signature."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.web import page_marker, said_if_refused
from grants.delivery import queries, services
from grants.delivery.forms import ReconcileManyForm
from grants.delivery.models import DeliveryState
from grants.delivery.queries.told import told
from grants.delivery.views.blueprint import bp


@bp.get("/to-reconcile")
@requires(Permission.RECONCILE_DELIVERY)
def to_reconcile() -> ResponseReturnValue:
    page = queries.to_reconcile(reader=current_user, after=page_marker())
    compared = services.comparisons(page.items)
    had_a_part = queries.duties_among(current_user, page.items)
    ready = [one for one in page.items if compared[one.id].agrees and one.id not in had_a_part]
    form = ReconcileManyForm.for_deliveries(ready)
    return render_template(
        "delivery/to_reconcile.html",
        page=page,
        compared=compared,
        had_a_part=had_a_part,
        form=form,
        ready={one.id for one in ready},
        closing=queries.ready_to_close(current_user),
    )


@bp.post("/to-reconcile")
@requires(Permission.RECONCILE_DELIVERY)
def reconcile_many() -> ResponseReturnValue:
    page = queries.to_reconcile(reader=current_user, after=page_marker())
    form = ReconcileManyForm.for_deliveries(page.items)
    if form.validate_on_submit():
        with said_if_refused():
            chosen = queries.deliveries_to_compare(form.deliveries.data or [])
            services.reconcile_many(chosen, by=current_user, now=utcnow())
            done = ngettext("%(num)d delivery is reconciled.", "%(num)d deliveries are reconciled.", len(chosen))
            flash(done, "good")
    else:
        flash(_("Choose deliveries of this list."), "bad")
    return redirect(url_for(".to_reconcile"))


@bp.get("/<int:delivery_id>/comparison")
@requires(Permission.RECONCILE_DELIVERY)
def compare(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_to_compare(delivery_id)
    (shown,) = told([delivery], current_user)
    return render_template(
        "delivery/compare.html",
        delivery=shown,
        comparison=services.comparisons([delivery])[delivery.id],
        waits=shown.state is DeliveryState.CONFIRMED,
        may_sign=not queries.was_involved(delivery, current_user),
    )


@bp.post("/<int:delivery_id>/reconcile")
@requires(Permission.RECONCILE_DELIVERY)
def reconcile(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_to_compare(delivery_id)
    with said_if_refused():
        services.reconcile(delivery, by=current_user, now=utcnow())
        flash(_("Reconciled."), "good")
    return redirect(url_for(".compare", delivery_id=delivery_id))


@bp.post("/<int:delivery_id>/close")
@requires(Permission.RECONCILE_DELIVERY)
def close(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    with said_if_refused():
        services.close(delivery, by=current_user, now=utcnow())
        flash(_("Closed."), "good")
    return redirect(url_for(".show", delivery_id=delivery_id))
