"""Deliveries for other programs: the same permissions, the same services, and codes that are charged first."""

from typing import Any

from flask import abort
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import Page, transaction
from grants.core.web import READING_A_BODY, ApiBlueprint
from grants.delivery import doors, queries, services
from grants.delivery.desk_api import blp as desk_blp
from grants.delivery.models import Delivery, DeliveryState
from grants.delivery.queries.told import Told, told
from grants.delivery.schemas import (
    DeliveryPageSchema,
    DeliveryQuerySchema,
    HandedOverSchema,
    HandoverSchema,
    IdempotencySchema,
    ReadingSchema,
    StateSchema,
    WholeDeliverySchema,
)
from grants.delivery.services import Codes, Reading
from grants.delivery.services.confirmation import OtherBody
from grants.extensions import limiter

blp = ApiBlueprint("deliveries_api", __name__, url_prefix="/api/v1/deliveries", description="Deliveries")


@blp.get("")
@requires(Permission.VIEW_DELIVERY)
@blp.arguments(DeliveryQuerySchema, location="query")
@blp.response(200, DeliveryPageSchema)
@blp.refuses(422)
def list_deliveries(wanted: dict[str, Any]) -> Page[Delivery]:
    """A page of deliveries by folio."""
    return queries.deliveries(reader=current_user, state=wanted.get("state"), after=wanted.get("after"))


@blp.get("/<string:folio>")
@requires(Permission.VIEW_DELIVERY)
@blp.response(200, WholeDeliverySchema)
@blp.refuses(404)
def get_delivery(folio: str) -> Delivery | Told:
    """One delivery with its kit."""
    (found,) = told([queries.get_by_folio(folio)], current_user)
    return found  # type: ignore[no-any-return]


@blp.post("/<string:folio>/at-point")
@requires(Permission.CARRY_DELIVERY)
@limiter.limit("60/minute")
@blp.arguments(ReadingSchema)
@blp.response(200, StateSchema)
@blp.refuses(404, 409, 429, *READING_A_BODY)
def arrive(reading: dict[str, Any], folio: str) -> Delivery:
    """The carrying officer is at the point; seal and serial numbers as read from the kit."""
    now = utcnow()
    delivery = queries.stop_by_folio(current_user, folio, now)
    doors.arrive(delivery, Reading(**reading), by=current_user, now=now)
    return delivery


@blp.post("/<string:folio>/confirm")
@requires(Permission.CONFIRM_HANDOVER, code=True)
@limiter.limit("60/minute")
@blp.arguments(IdempotencySchema, location="headers")
@blp.arguments(HandoverSchema)
@blp.response(200, HandedOverSchema)
@blp.refuses(404, 409, 429, *READING_A_BODY)
def confirm(header: dict[str, str], codes: dict[str, Any], folio: str) -> dict[str, Any]:
    """Confirm the handover with every code that the delivery's level asks for."""
    delivery = queries.stop_by_folio(current_user, folio, utcnow())
    try:
        receipt = doors.hand_over(delivery, Codes(**codes), key=header["key"], by=current_user, now=utcnow())
    except OtherBody:
        abort(422)
    # What a repeated request reads is what the first one read, whatever happened since.
    return {"folio": delivery.folio, "state": DeliveryState.CONFIRMED, "receipt": receipt.number}


@blp.post("/<string:folio>/phone-code")
@requires(Permission.CONFIRM_HANDOVER)
@limiter.limit("60/minute")
@blp.response(200, StateSchema)
@blp.refuses(404, 409, 429)
def send_phone_code(folio: str) -> Delivery:
    """Send a code to the beneficiary's own number, for a person who has no card (level 1 only)."""
    delivery = queries.stop_by_folio(current_user, folio, utcnow())
    with transaction():
        services.send_phone_code(delivery, cost=doors.card_cost(), by=current_user, now=utcnow())
    return delivery


blueprints = (blp, desk_blp)
