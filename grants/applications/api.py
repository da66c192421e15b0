"""Applications for other programs: the same services and permissions as the pages."""

from typing import Any

from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.applications import queries, services
from grants.applications.models import Application
from grants.applications.schemas import (
    ApplicationPageSchema,
    ApplicationSchema,
    ListQuerySchema,
    PlanSchema,
    StartSchema,
    SubmitSchema,
    WithdrawSchema,
    as_page,
    plan_fields,
)
from grants.core.clock import utcnow
from grants.core.db import Page, transaction
from grants.core.errors import NotFound
from grants.core.web import READING_A_BODY, ApiBlueprint

blp = ApiBlueprint(
    "applications_api",
    __name__,
    url_prefix="/api/v1/applications",
    description="Applications to calls, with their business plans.",
)


@blp.route("", methods=["GET"])
@requires(Permission.VIEW_APPLICATION)
@blp.refuses(422)
@blp.arguments(ListQuerySchema, location="query")
@blp.response(200, ApplicationPageSchema)
def list_applications(asked: dict[str, Any]) -> dict[str, Any]:
    """List applications by folio, 25 at a time"""
    try:
        call_id = queries.call_by_code(asked["call"]).id if "call" in asked else None
    except NotFound:
        return as_page(Page([], None))
    page = queries.page_of_applications(
        current_user, call_id=call_id, state=asked.get("state"), after=asked.get("after")
    )
    return as_page(page)


@blp.route("/<string:folio>", methods=["GET"])
@requires(Permission.VIEW_APPLICATION)
@blp.refuses(404)
@blp.response(200, ApplicationSchema)
def get_application(folio: str) -> Application:
    """Get an application by its folio"""
    return queries.by_folio(folio, current_user)


@blp.route("", methods=["POST"])
@requires(Permission.EDIT_APPLICATION)
@blp.refuses(404, 409, *READING_A_BODY)
@blp.arguments(StartSchema)
@blp.response(201, ApplicationSchema)
def start_application(body: dict[str, Any]) -> Application:
    """Start a draft for a registered person in an open call"""
    call, person = queries.call_by_code(body["call"]), queries.person_by_folio(body["person"])
    with transaction():
        return services.start(person, call, by=current_user, now=utcnow())


@blp.route("/<string:folio>/plan", methods=["PUT"])
@requires(Permission.EDIT_APPLICATION)
@blp.refuses(404, 409, *READING_A_BODY)
@blp.arguments(PlanSchema)
@blp.response(200, ApplicationSchema)
def save_plan(body: dict[str, Any], folio: str) -> Application:
    """Replace a draft's plan, if nobody saved a newer one"""
    application = queries.by_folio(folio, current_user)
    with transaction():
        services.save_plan(application, plan_fields(body), revision=body["revision"], by=current_user, now=utcnow())
    return application


@blp.route("/<string:folio>/submit", methods=["POST"])
@requires(Permission.EDIT_APPLICATION)
@blp.refuses(404, 409, *READING_A_BODY)
@blp.arguments(SubmitSchema)
@blp.response(200, ApplicationSchema)
def submit_application(body: dict[str, Any], folio: str) -> Application:
    """Hand a complete draft in"""
    application = queries.by_folio(folio, current_user)
    with transaction():
        services.submit(application, consents=body["consents"], by=current_user, now=utcnow())
    return application


@blp.route("/<string:folio>/withdraw", methods=["POST"])
@requires(Permission.EDIT_APPLICATION)
@blp.refuses(404, 409, *READING_A_BODY)
@blp.arguments(WithdrawSchema)
@blp.response(200, ApplicationSchema)
def withdraw_application(body: dict[str, Any], folio: str) -> Application:
    """Take an application back at the person's wish"""
    application = queries.by_folio(folio, current_user)
    with transaction():
        services.withdraw(application, reason=body["reason"].strip(), by=current_user, now=utcnow())
    return application
