"""Linkages for other programs: a cooperative's core system reads and reports, a coordinator's tool reads."""

import json
from typing import NoReturn

from flask import request
from flask_babel import gettext as _
from flask_login import current_user
from flask_smorest import abort as refuse

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import Page, transaction
from grants.core.web import READING_A_BODY, ApiBlueprint
from grants.credit import queries, services
from grants.credit.models import Linkage, LinkageEvent, LinkageState
from grants.credit.queries import LinkageFilter
from grants.credit.schemas import (
    KeySchema,
    LinkagePageSchema,
    LinkageQuerySchema,
    LinkageWithEventsSchema,
    LoggedSchema,
    StepSchema,
)
from grants.credit.services import Step

blp = ApiBlueprint(
    "linkages_api",
    __name__,
    url_prefix="/api/v1/linkages",
    description="Linkages of people with institutions. A liaison's token sees its own institution and no other.",
)


@blp.get("")
@requires(Permission.VIEW_LINKAGE, Permission.LOG_LINKAGE)
@blp.arguments(LinkageQuerySchema, location="query")
@blp.response(200, LinkagePageSchema)
@blp.refuses(422)
def list_linkages(query: dict[str, str]) -> Page[Linkage]:
    """Linkages, those without a step for longest first, 25 at a time."""
    state = LinkageState(query["state"]) if "state" in query else None
    return queries.linkages_page(current_user, LinkageFilter(state=state), after=query.get("after"), contacts=True)


@blp.get("/<string:folio>")
@requires(Permission.VIEW_LINKAGE, Permission.LOG_LINKAGE)
@blp.response(200, LinkageWithEventsSchema)
@blp.refuses(404)
def get_linkage(folio: str) -> Linkage:
    """One linkage with its steps."""
    return queries.linkage_by_folio(current_user, folio)


@blp.post("/<string:folio>/events")
@requires(Permission.LOG_LINKAGE)
@blp.arguments(KeySchema, location="headers")
@blp.arguments(StepSchema)
@blp.response(201, LoggedSchema)
@blp.refuses(404, 409, *READING_A_BODY)
def log_event(headers: dict[str, str], step: Step, folio: str) -> LinkageEvent:
    """Log a step of a linkage of the token's own institution."""
    linkage = queries.linkage_by_folio(current_user, folio, own=True)
    key = headers.get("idempotency_key")
    with transaction():
        if key is None:
            return services.log_step(linkage, step, by=current_user, now=utcnow())
        try:
            return services.log_step_once(linkage, step, key=key, request=request_text("event", linkage),
                                          by=current_user, now=utcnow())  # fmt: skip
        except services.KeyReused:
            refuse_key()


def refuse_key() -> NoReturn:
    """Say that the key came with another request before."""
    refuse(422, messages={"headers": {"Idempotency-Key": [_("This key came with another request before.")]}})
    raise AssertionError  # refuse raises; its type does not say so


def request_text(door: str, linkage: Linkage) -> str:
    """The request in one way of writing: the order of its members and spaces make no difference."""
    about = [linkage.folio] if door == "event" else [door, linkage.folio]  # as events were remembered at first
    return json.dumps([*about, request.get_json()], sort_keys=True, separators=(",", ":"))
