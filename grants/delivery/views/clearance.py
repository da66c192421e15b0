"""The security desk lets a sealed kit go on."""

from flask import flash, redirect, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.web import said_if_refused
from grants.delivery import queries, services
from grants.delivery.views.blueprint import bp


@bp.post("/<int:delivery_id>/clear")
@requires(Permission.DECIDE_RISK)
def clear(delivery_id: int) -> ResponseReturnValue:
    delivery = queries.get_delivery(delivery_id)
    with said_if_refused():
        services.clear(delivery, by=current_user, now=utcnow())
        flash(_("Cleared. Now coordination gives it a stop in a run."), "good")
    return redirect(url_for(".show", delivery_id=delivery_id))
