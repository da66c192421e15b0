"""Movements of credits for other programs: what was paid, what is owed, and when the rest falls due."""

from typing import Any

from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import Page, transaction
from grants.core.web import READING_A_BODY
from grants.credit import queries, services
from grants.credit.api.linkages import blp, refuse_key, request_text
from grants.credit.models import CreditMovement
from grants.credit.queries import programs
from grants.credit.queries.linkages import linkage_with_movements
from grants.credit.schemas import (
    AfterSchema,
    LoggedMovementSchema,
    MovementPageSchema,
    MovementSchema,
    NeededKeySchema,
    ScheduleSchema,
)
from grants.credit.services import Movement
from grants.credit.services.programs import log_movement_once


@blp.get("/<string:folio>/movements")
@requires(Permission.VIEW_LINKAGE, Permission.LOG_LINKAGE)
@blp.arguments(AfterSchema, location="query")
@blp.response(200, MovementPageSchema)
@blp.refuses(404, 422)
def list_movements(query: dict[str, str], folio: str) -> Page[CreditMovement]:
    """What was logged about a credit, in the order of logging, 25 at a time."""
    linkage = queries.linkage_by_folio(current_user, folio)
    return programs.movements_page(linkage, after=query.get("after"))


@blp.post("/<string:folio>/movements")
@requires(Permission.LOG_LINKAGE)
@blp.arguments(NeededKeySchema, location="headers")
@blp.arguments(MovementSchema)
@blp.response(201, LoggedMovementSchema)
@blp.refuses(404, 409, *READING_A_BODY)
def log_movement(headers: dict[str, str], movement: Movement, folio: str) -> CreditMovement:
    """Log what happened to a disbursed credit of the token's own institution."""
    linkage = queries.linkage_by_folio(current_user, folio, own=True)
    with transaction():
        try:
            return log_movement_once(linkage, movement, key=headers["idempotency_key"],
                                     request=request_text("movement", linkage), by=current_user,
                                     now=utcnow())  # fmt: skip
        except services.KeyReused:
            refuse_key()


@blp.get("/<string:folio>/schedule")
@requires(Permission.VIEW_LINKAGE, Permission.LOG_LINKAGE)
@blp.response(200, ScheduleSchema)
@blp.refuses(404)
def get_schedule(folio: str) -> dict[str, Any]:
    """When a credit falls due by the terms in force today."""
    linkage, day = linkage_with_movements(current_user, folio), local_day(utcnow())
    return {"linkage": linkage.folio, "as_of": day, "instalments": services.standing_of(linkage, day).instalments}
