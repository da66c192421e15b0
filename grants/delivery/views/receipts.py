"""The acta de entrega-recepción as a PDF for the office."""

from flask.typing import ResponseReturnValue

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.errors import NotFound
from grants.core.web import public_url
from grants.delivery import queries, services
from grants.delivery.views.blueprint import bp, sent


@bp.get("/<int:delivery_id>/receipt")
@requires(Permission.PLAN_DELIVERY)
def receipt(delivery_id: int) -> ResponseReturnValue:
    found = queries.receipt_of(queries.get_delivery(delivery_id))
    if found is None:
        raise NotFound
    document = services.receipt_document(found, public_url("delivery.verify", number=found.number))
    return sent(document, f"acta-{found.number}.pdf")
