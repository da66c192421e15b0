"""What a level adds to a handover: codes of the control room and by phone, and who receives in another's place."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, said_if_refused
from grants.delivery import doors, queries, services
from grants.delivery.forms import ActionForm, AlternateForm
from grants.delivery.models import RELATION_NAMES
from grants.delivery.symbols import grouped
from grants.delivery.views.blueprint import bp


@bp.get("/control-codes")
@requires(Permission.GIVE_CONTROL_CODE)
def control_codes() -> ResponseReturnValue:
    return render_template("delivery/control_codes.html", waiting=queries.waiting_for_control_code())


@bp.route("/<int:delivery_id>/control-code", methods=["GET", "POST"])
@requires(Permission.GIVE_CONTROL_CODE)
def control_code(delivery_id: int) -> ResponseReturnValue:
    delivery, form, code = queries.get_delivery(delivery_id), ActionForm(), ""
    if form.validate_on_submit():
        with errors_to(form), transaction():
            code = services.give_control_code(delivery, cost=doors.card_cost(), by=current_user, now=utcnow())
    return render_template("delivery/control_code.html", delivery=delivery, form=form, code=grouped(code))


@bp.post("/<int:delivery_id>/phone-code")
@requires(Permission.CONFIRM_HANDOVER)
def phone_code(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.stop_of(current_user, delivery_id, utcnow())
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.send_phone_code(delivery, cost=doors.card_cost(), by=current_user, now=utcnow())
            flash(_("A code is on its way to the person's phone. It can take a minute or two."), "good")
    return redirect(url_for(".handover", delivery_id=delivery_id))


@bp.route("/<int:delivery_id>/alternate", methods=["GET", "POST"])
@requires(Permission.ISSUE_CARD)
def alternate(delivery_id: int) -> ResponseReturnValue:
    delivery, form = queries.get_delivery(delivery_id), AlternateForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.register_alternate(delivery, form.facts, by=current_user, now=utcnow())
            flash(_("They can receive this delivery. Now give them a card of their own."), "good")
            return redirect(url_for(".card", award_id=delivery.award_id))
    return render_template("delivery/alternate.html", delivery=delivery, form=form, relations=RELATION_NAMES)


@bp.post("/<int:delivery_id>/alternate/revoke")
@requires(Permission.ISSUE_CARD)
def revoke_alternate(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    with said_if_refused():
        services.revoke_alternate(delivery, by=current_user, now=utcnow())
        flash(_("The person receives this delivery themselves, with their own card."), "good")
    return redirect(url_for(".alternate", delivery_id=delivery_id))
