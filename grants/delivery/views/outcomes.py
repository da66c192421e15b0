"""At the point, when something else happened than a handover; and the desk, when a kit was taken."""

from collections.abc import Callable

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf import FlaskForm

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to
from grants.delivery import queries, services
from grants.delivery.forms import NobodyCameForm, PartialForm, RefusedKitForm, TakenForm
from grants.delivery.models import Delivery, DeliveryState
from grants.delivery.queries.told import as_handed_over
from grants.delivery.views.blueprint import bp


@bp.get("/<int:delivery_id>/otherwise")
@requires(Permission.CARRY_DELIVERY)
def otherwise(delivery_id: int) -> ResponseReturnValue:
    now = utcnow()
    delivery = queries.stop_of(current_user, delivery_id, now)
    if as_handed_over(delivery.state) is DeliveryState.CONFIRMED:
        raise NotFound  # nothing else can happen to it, and what others say of it is not for who carried it
    rescheduled = delivery in queries.shown_to(current_user, now).bring_back
    return render_template("delivery/otherwise.html", delivery=delivery, rescheduled=rescheduled)


@bp.route("/<int:delivery_id>/otherwise/nobody-came", methods=["GET", "POST"])
@requires(Permission.CARRY_DELIVERY)
def nobody_came(delivery_id: int) -> ResponseReturnValue:
    delivery, form = _own_stop(delivery_id), NobodyCameForm()

    def happened() -> None:
        services.nobody_came(delivery, evidence=form.evidence, by=current_user, now=utcnow())

    return _told(delivery, form, happened, "nobody_came")


@bp.route("/<int:delivery_id>/otherwise/refused", methods=["GET", "POST"])
@requires(Permission.CARRY_DELIVERY)
def refused(delivery_id: int) -> ResponseReturnValue:
    delivery, form = _own_stop(delivery_id), RefusedKitForm()

    def happened() -> None:
        services.refused(delivery, reason=form.chosen, evidence=form.evidence, by=current_user, now=utcnow())

    return _told(delivery, form, happened, "refused")


@bp.route("/<int:delivery_id>/otherwise/partial", methods=["GET", "POST"])
@requires(Permission.CARRY_DELIVERY)
def partial(delivery_id: int) -> ResponseReturnValue:
    delivery = _own_stop(delivery_id)
    form = PartialForm.for_lines(delivery.lines)

    def happened() -> None:
        services.partly(
            delivery, form.left, reason=form.chosen, evidence=form.evidence, by=current_user, now=utcnow()
        )  # fmt: skip

    return _told(delivery, form, happened, "partial")


@bp.route("/<int:delivery_id>/otherwise/taken", methods=["GET", "POST"])
@requires(Permission.CARRY_DELIVERY)
def taken(delivery_id: int) -> ResponseReturnValue:
    delivery, form = _own_kit(delivery_id), TakenForm()
    return _told(delivery, form, lambda: _take(delivery, form), "taken")


@bp.route("/<int:delivery_id>/seized", methods=["GET", "POST"])
@requires(Permission.DECIDE_RISK)
def seized(delivery_id: int) -> ResponseReturnValue:
    delivery, form = queries.get_delivery(delivery_id), TakenForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            _take(delivery, form)
            flash(_("Written down. The devices are flagged and the incident is open."), "good")
            return redirect(url_for(".show", delivery_id=delivery_id))
    return render_template("delivery/seized.html", form=form, delivery=delivery)


def _take(delivery: Delivery, form: TakenForm) -> None:
    services.taken(
        delivery, said=str(form.said.data), everything=bool(form.everything.data), by=current_user, now=utcnow()
    )


def _own_stop(delivery_id: int) -> Delivery:
    """The stop where this officer is, or where they go now."""
    delivery = queries.stop_of(current_user, delivery_id, utcnow())
    if delivery.state not in (DeliveryState.IN_TRANSIT, DeliveryState.AT_POINT):
        raise NotFound
    return delivery


def _own_kit(delivery_id: int) -> Delivery:
    """A kit that this officer carries: to the stop that they see, or back to the warehouse."""
    now = utcnow()
    back = next((one for one in queries.shown_to(current_user, now).going_back if one.id == delivery_id), None)
    delivery = back or queries.stop_of(current_user, delivery_id, now)
    if delivery.carried_since is None:
        raise NotFound
    return delivery


def _told(delivery: Delivery, form: FlaskForm, happened: Callable[[], None], what: str) -> ResponseReturnValue:
    if form.validate_on_submit():
        with errors_to(form), transaction():
            happened()
            flash(_("Written down."), "good")
            return redirect(url_for(".my_day"))
    return render_template("delivery/happened.html", form=form, delivery=delivery, what=what)
