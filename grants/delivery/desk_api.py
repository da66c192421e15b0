"""What the security desk's tool asks: sealed boxes, questions for the next stop, the worker's beat, risk levels.

Everything here is alike for a call for help and for a handover like any other.
"""

import base64
from typing import Any

from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import READING_A_BODY, ApiBlueprint
from grants.delivery.models import StopRequest
from grants.delivery.queries import desk, stops
from grants.delivery.schemas import (
    AcknowledgedSchema,
    AcknowledgeSchema,
    AreasSchema,
    HeartbeatSchema,
    SignalQuerySchema,
    SignalsSchema,
    StopAnswerSchema,
    StopRequestSchema,
    StopRequestsSchema,
)
from grants.delivery.services import alerts
from grants.delivery.services import stops as stop_services
from grants.extensions import limiter

blp = ApiBlueprint("desk_api", __name__, url_prefix="/api/v1/desk", description="The security desk's tool")


@blp.get("/signals")
@requires(Permission.ANSWER_STOPS)
@blp.arguments(SignalQuerySchema, location="query")
@blp.response(200, SignalsSchema)
@blp.refuses(422)
def signals(wanted: dict[str, Any]) -> dict[str, Any]:
    """Sealed boxes after a number, at most 200."""
    found = desk.signals_page(after_id=wanted["after"], waiting=wanted["waiting"])
    return {"items": [{"id": one.id, "box": base64.b64encode(one.box).decode()} for one in found]}


@blp.post("/signals/acknowledge")
@requires(Permission.ANSWER_STOPS)
@limiter.limit("60/minute")
@blp.arguments(AcknowledgeSchema)
@blp.response(200, AcknowledgedSchema)
@blp.refuses(429, *READING_A_BODY)
def acknowledge(said: dict[str, Any]) -> dict[str, int]:
    """The desk has these boxes."""
    with transaction():
        return {"acknowledged": alerts.acknowledge(said["ids"], by=current_user, now=utcnow())}


@blp.get("/heartbeat")
@requires(Permission.ANSWER_STOPS)
@blp.response(200, HeartbeatSchema)
@blp.refuses()
def heartbeat() -> dict[str, Any]:
    """When the worker last did both: escalate and send messages."""
    return {"worker_at": desk.worker_beat()}


@blp.get("/stop-requests")
@requires(Permission.ANSWER_STOPS)
@blp.response(200, StopRequestsSchema)
@blp.refuses()
def stop_requests() -> dict[str, Any]:
    """Who asks for the next stop and has no answer yet."""
    return {"items": stops.open_requests(utcnow())}


@blp.post("/stop-requests/<int:request_id>/answer")
@requires(Permission.ANSWER_STOPS)
@limiter.limit("60/minute")
@blp.arguments(StopAnswerSchema)
@blp.response(200, StopRequestSchema)
@blp.refuses(404, 409, 429, *READING_A_BODY)
def answer_stop(said: dict[str, Any], request_id: int) -> StopRequest:
    """Tell an officer to go on, or that the trip is rescheduled."""
    request = stops.get_request(request_id)
    with transaction():
        stop_services.answer_stop(request, said["answer"], by=current_user, now=utcnow())
    return request


@blp.get("/areas")
@requires(Permission.ANSWER_STOPS)
@blp.response(200, AreasSchema)
@blp.refuses()
def areas() -> dict[str, Any]:
    """Cantons with kits on their way, and until when their risk level holds."""
    return {"items": desk.areas(utcnow())}
