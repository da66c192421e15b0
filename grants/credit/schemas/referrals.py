"""Referrals as programs read and answer them."""

from typing import Any

from marshmallow import Schema, fields, post_load

from grants.credit.models import DeclineReason, LinkageKind, LinkageState, ReferralState
from grants.credit.schemas.fields import AfterSchema, SharedSchema, words


class ReferralQuerySchema(AfterSchema):
    state = fields.String(validate=words(ReferralState), metadata={"description": "Only referrals in this state."})


class LinkageInShortSchema(Schema):
    """A credit, account or membership that the person wants."""

    folio = fields.String(required=True)
    kind = fields.Enum(LinkageKind, by_value=True, required=True)
    state = fields.Enum(LinkageState, by_value=True, required=True)


class ReferralSchema(Schema):
    """A person sent to the institution, with the minimum about them."""

    folio = fields.String(required=True)
    institution = fields.String(required=True, attribute="institution.name")
    state = fields.Enum(ReferralState, by_value=True, required=True)
    referred_at = fields.AwareDateTime(required=True)
    expires_on = fields.Date(
        required=True, allow_none=True, metadata={"description": "The last day on which it can be answered."}
    )
    acknowledged_at = fields.AwareDateTime(
        required=True, allow_none=True, metadata={"description": "When the institution first opened it."}
    )
    answered_at = fields.AwareDateTime(required=True, allow_none=True)
    decline_reason = fields.String(required=True, allow_none=True, validate=words(DeclineReason))
    person = fields.Nested(SharedSchema, required=True, attribute="shared")
    linkages = fields.List(fields.Nested(LinkageInShortSchema), required=True)


class ReferralPageSchema(Schema):
    items = fields.List(fields.Nested(ReferralSchema), required=True)
    next_after = fields.String(required=True, allow_none=True)


class DeclineSchema(Schema):
    """Why the institution cannot attend the person: a code, which the programme counts."""

    reason = fields.String(required=True, validate=words(DeclineReason))

    @post_load
    def coded(self, data: dict[str, Any], **_: Any) -> DeclineReason:
        return DeclineReason(data["reason"])
