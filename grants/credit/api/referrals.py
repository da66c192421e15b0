"""Referrals for other programs: a cooperative's core system lists, opens and answers those sent to it."""

from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import Page, transaction
from grants.core.web import READING_A_BODY, ApiBlueprint
from grants.credit.models import DeclineReason, Referral, ReferralState
from grants.credit.queries import programs as queries
from grants.credit.schemas import DeclineSchema, ReferralPageSchema, ReferralQuerySchema, ReferralSchema
from grants.credit.services import programs as services

blp = ApiBlueprint(
    "referrals_api",
    __name__,
    url_prefix="/api/v1/referrals",
    description="People referred to institutions. A liaison's token sees its own institution and no other, and a "
    "person only as long as their consent holds.",
)


@blp.get("")
@requires(Permission.VIEW_LINKAGE, Permission.LOG_LINKAGE)
@blp.arguments(ReferralQuerySchema, location="query")
@blp.response(200, ReferralPageSchema)
@blp.refuses(422)
def list_referrals(query: dict[str, str]) -> Page[Referral]:
    """Referrals, those sent first at the start, 25 at a time."""
    state = ReferralState(query["state"]) if "state" in query else None
    return queries.referrals_page(current_user, state=state, after=query.get("after"))


@blp.get("/<string:folio>")
@requires(Permission.VIEW_LINKAGE, Permission.LOG_LINKAGE, writes=True)
@blp.response(200, ReferralSchema)
@blp.refuses(404)
def get_referral(folio: str) -> Referral:
    """One referral. The first time that the institution's token asks for it is kept as `acknowledged_at`."""
    referral = queries.referral_by_folio(current_user, folio)
    if referral.acknowledged_at is None and not current_user.may(Permission.VIEW_LINKAGE):
        with transaction():
            services.acknowledge(referral, by=current_user, now=utcnow())
    return referral


@blp.post("/<string:folio>/accept")
@requires(Permission.LOG_LINKAGE)
@blp.response(200, ReferralSchema)
@blp.refuses(404, 409)
def accept_referral(folio: str) -> Referral:
    """Take the person on. From now on the steps of the linkages can be logged.

    Needs no idempotency key: a referral that is accepted already answers the same again.
    """
    referral = queries.referral_by_folio(current_user, folio, own=True)
    with transaction():
        services.accept_again(referral, by=current_user, now=utcnow())
    return referral


@blp.post("/<string:folio>/decline")
@requires(Permission.LOG_LINKAGE)
@blp.arguments(DeclineSchema)
@blp.response(200, ReferralSchema)
@blp.refuses(404, 409, *READING_A_BODY)
def decline_referral(reason: DeclineReason, folio: str) -> Referral:
    """Refuse, with a coded reason that goes back to the programme. The linkages of the referral end with it.

    Needs no idempotency key: a referral that is declined already for this reason answers the same again.
    """
    referral = queries.referral_by_folio(current_user, folio, own=True)
    with transaction():
        services.decline_again(referral, reason, by=current_user, now=utcnow())
    return referral
