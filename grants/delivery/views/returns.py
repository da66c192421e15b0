"""Kits that came back, counted by one and signed by another; and devices that must not go into a kit."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, said_if_refused
from grants.delivery import queries, services
from grants.delivery.forms import ReturnForm, SerialForm, StampForm
from grants.delivery.models import DeliveryState, Reason
from grants.delivery.models.outcomes import FLAG_NAMES, SEAL_NAMES
from grants.delivery.views.blueprint import bp


@bp.route("/<int:delivery_id>/take-back", methods=["GET", "POST"])
@requires(Permission.PACK_KIT)
def take_back(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    form = ReturnForm.for_lines(delivery.lines)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            reason = Reason(form["reason"].data)
            services.count_back(delivery, form.as_counted, reason=reason, by=current_user, now=utcnow())
            flash(_("Counted. Now another person looks and signs."), "good")
            return redirect(url_for(".show", delivery_id=delivery_id))
    return render_template(
        "delivery/take_back.html",
        form=form,
        delivery=delivery,
        count=queries.return_count(delivery),
        outcomes=queries.line_outcomes(delivery),
        seal_names=SEAL_NAMES,
    )


@bp.post("/<int:delivery_id>/take-back/sign")
@requires(Permission.PACK_KIT)
def sign_return(delivery_id: int) -> ResponseReturnValue:
    delivery, form = queries.get_delivery(delivery_id), StampForm()
    with said_if_refused():
        services.sign_return(delivery, stamp=form.read, by=current_user, now=utcnow())
        flash(_("Returned. The award can be planned again."), "good")
    if delivery.state is DeliveryState.RETURNING:
        return redirect(url_for(".take_back", delivery_id=delivery_id))
    return redirect(url_for(".show", delivery_id=delivery_id))


@bp.post("/<int:delivery_id>/take-back/again")
@requires(Permission.PACK_KIT)
def count_again(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    with said_if_refused():
        services.count_again(delivery, by=current_user, now=utcnow())
    return redirect(url_for(".take_back", delivery_id=delivery_id))


@bp.get("/flagged-devices")
@requires(Permission.VIEW_DELIVERY)
def flagged_devices() -> ResponseReturnValue:
    form = SerialForm(request.args)
    serial = services.normal_serial(str(form.serial.data or "")) if form.validate() else ""
    return render_template(
        "delivery/flagged.html", form=form, serial=serial, flags=queries.flags(serial), flag_names=FLAG_NAMES
    )


@bp.post("/flagged-devices/<int:flag_id>/free")
@requires(Permission.FOLLOW_INCIDENT)
def free_device(flag_id: int) -> ResponseReturnValue:
    flag = queries.get_flag(flag_id)
    with said_if_refused():
        services.lift_flag(flag, by=current_user, now=utcnow())
    return redirect(url_for(".flagged_devices"))
