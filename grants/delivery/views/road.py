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
from grants.core.web import errors_to, said_if_refused
from grants.delivery import doors, queries, services
from grants.delivery.forms import ActionForm, HandoverForm, PinForm
from grants.delivery.forms.kits import CheckForm
from grants.delivery.levels import HIGHEST
from grants.delivery.models import Delivery, DeliveryState, Reason, Receipt
from grants.delivery.queries import stops
from grants.delivery.queries.checkins import runs_on_the_road
from grants.delivery.queries.desk import open_practice
from grants.delivery.services import Reading
from grants.delivery.services.confirmation import OtherBody
from grants.delivery.views.blueprint import bp, with_camera


@bp.get("/my-day")
@requires(Permission.CARRY_DELIVERY, writes=True)
def my_day() -> ResponseReturnValue:
    now = utcnow()
    shown = queries.shown_to(current_user, now)
    with transaction():
        services.note_look(shown.stops, by=current_user, now=now)
    has_pin = queries.pin_of(current_user) is not None
    return render_template(
        "delivery/my_day.html",
        shown=shown,
        asking=shown.asking,
        request_open=stops.open_request_of(current_user, now),
        practice=open_practice(current_user, now),
        out=runs_on_the_road(of=current_user),
        has_pin=has_pin,
    )


@bp.route("/<int:delivery_id>/arrive", methods=["GET", "POST"])
@requires(Permission.CARRY_DELIVERY)
@with_camera
def arrive(delivery_id: int) -> ResponseReturnValue:
    now = utcnow()
    delivery = queries.stop_of(current_user, delivery_id, now)
    if delivery.state is not DeliveryState.IN_TRANSIT:  # the back button, or a second tap
        return redirect(url_for(".handover", delivery_id=delivery_id))
    form = CheckForm.for_lines(delivery.lines)
    if form.validate_on_submit():
        with errors_to(form):
            doors.arrive(delivery, _reading(form), by=current_user, now=now)
            return redirect(url_for(".handover", delivery_id=delivery_id))
    return render_template("delivery/arrive.html", form=form, delivery=delivery)


@bp.post("/bring-back")
@requires(Permission.CARRY_DELIVERY)
def bring_back() -> ResponseReturnValue:
    now = utcnow()
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.bring_back(queries.shown_to(current_user, now).bring_back, by=current_user, now=now)
    return redirect(url_for(".my_day"))


@bp.route("/<int:delivery_id>/handover", methods=["GET", "POST"])
@requires(Permission.CONFIRM_HANDOVER, code=True)
@with_camera
def handover(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.stop_of(current_user, delivery_id, utcnow())
    given = receipt = queries.receipt_of(delivery)
    form = doors.handover_form(delivery)
    if form.validate_on_submit():
        receipt = None
        with errors_to(form):
            receipt = _confirmed(delivery, form)
    form.key.data = form.key.data or token_urlsafe(18)
    at_point = delivery.state is DeliveryState.AT_POINT
    takes_photo = queries.rules(delivery.level or HIGHEST).photo
    return doors.of_fixed_size(
        render_template("delivery/handover.html", form=form, delivery=delivery, receipt=receipt, given=given,
                        at_point=at_point, takes_photo=takes_photo)
    )  # fmt: skip


@bp.post("/<int:delivery_id>/turn-back")
@requires(Permission.CARRY_DELIVERY)
def turn_back(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.stop_of(current_user, delivery_id, utcnow())
    reasons = {DeliveryState.IN_TRANSIT: Reason.ROAD_CLOSED, DeliveryState.AT_POINT: Reason.RESCHEDULED}
    reason = reasons.get(delivery.state)
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


def _reading(form: CheckForm) -> Reading:
    return Reading(str(form.seal_number.data), form.serials, form.weight_grams.data)


def _confirmed(delivery: Delivery, form: HandoverForm) -> Receipt:
    try:
        return doors.hand_over(delivery, form.codes, key=str(form.key.data), by=current_user, now=utcnow())
    except OtherBody:
        abort(422)
