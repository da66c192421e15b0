"""The officer's pages: the next stop and only that, the handover, the PIN."""

from secrets import token_urlsafe

from flask import abort, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to
from grants.delivery import doors, queries, services
from grants.delivery.forms import ActionForm, HandoverForm, PinForm
from grants.delivery.models import Delivery, DeliveryState, Reason, Receipt
from grants.delivery.services.confirmation import OtherBody
from grants.delivery.views.asking import asking_facts
from grants.delivery.views.blueprint import bp, said_if_refused


@bp.get("/my-day")
@requires(Permission.CARRY_DELIVERY)
def my_day() -> ResponseReturnValue:
    stop = queries.next_stop(current_user)
    has_pin = queries.pin_of(current_user) is not None
    return render_template("delivery/my_day.html", stop=stop, has_pin=has_pin, **asking_facts(current_user, utcnow()))


@bp.post("/<int:delivery_id>/arrive")
@requires(Permission.CARRY_DELIVERY)
def arrive(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.stop_of(current_user, delivery_id)
    with said_if_refused():
        services.arrive(delivery, by=current_user, now=utcnow())
        return redirect(url_for(".handover", delivery_id=delivery_id))
    return redirect(url_for(".my_day"))


@bp.route("/<int:delivery_id>/handover", methods=["GET", "POST"])
@requires(Permission.CONFIRM_HANDOVER, code=True)
def handover(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.stop_of(current_user, delivery_id)
    receipt = queries.receipt_of(delivery)
    form = doors.handover_form(delivery)
    if form.validate_on_submit():
        receipt = None
        with errors_to(form):
            receipt = _confirmed(delivery, form)
    form.key.data = form.key.data or token_urlsafe(18)
    at_point = delivery.state is DeliveryState.AT_POINT
    return doors.of_fixed_size(
        render_template("delivery/handover.html", form=form, delivery=delivery, receipt=receipt, at_point=at_point)
    )


@bp.post("/<int:delivery_id>/turn-back")
@requires(Permission.CARRY_DELIVERY)
def turn_back(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.stop_of(current_user, delivery_id)
    reason = Reason.ROAD_CLOSED if delivery.state is DeliveryState.IN_TRANSIT else None
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.turn_back(delivery, reason=reason, by=current_user, now=utcnow())
    return redirect(url_for(".my_day"))


@bp.route("/pin", methods=["GET", "POST"])
@requires(Permission.CARRY_DELIVERY, code=True)
def pin() -> ResponseReturnValue:
    form = PinForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.set_pin(pin=str(form.pin.data), code=str(form.code.data), by=current_user, now=utcnow())
            flash(_("Your PIN is set."), "good")
            return redirect(url_for(".my_day"))
    return render_template("delivery/pin.html", form=form)


def _confirmed(delivery: Delivery, form: HandoverForm) -> Receipt:
    try:
        return doors.hand_over(delivery, form.codes, key=str(form.key.data), by=current_user, now=utcnow())
    except OtherBody:
        abort(422)
