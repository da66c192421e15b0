"""Linkages as programs read and write them. Amounts are text with a point: never a float, never a guess."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, fields, post_load, validate

from grants.core.web import Whole
from grants.credit.models import DeclineReason, LinkageKind, LinkageState, RateKind
from grants.credit.services import Step

LOGGABLE = (
    LinkageState.CONTACTED,
    LinkageState.DOCUMENTS,
    LinkageState.APPLIED,
    LinkageState.APPROVED,
    LinkageState.DISBURSED,
    LinkageState.OPENED,
    LinkageState.DECLINED,
    LinkageState.WITHDRAWN,
)
AMOUNT = r"^(0|[1-9][0-9]{0,6})\.[0-9]{2}$"
RATE = r"^(100(\.0{1,4})?|[1-9]?[0-9](\.[0-9]{1,4})?)$"
KEY = r"^[A-Za-z0-9._:-]{1,80}$"
REFERENCE = r"^[A-Za-z0-9][A-Za-z0-9 ./_-]{0,59}$"


def words(states: Any) -> validate.OneOf:
    return validate.OneOf([member.value for member in states])


class Day(fields.Date):
    """A day as RFC 3339 writes it, and no other of the ways that ISO 8601 knows."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return super()._deserialize(value, attr, data, **kwargs)


class LinkageQuerySchema(Schema):
    state = fields.String(validate=words(LinkageState), metadata={"description": "Only linkages in this state."})
    after = fields.String(
        validate=validate.Length(max=40), metadata={"description": "`next_after` of the page before."}
    )  # fmt: skip


class KeySchema(Schema):
    """The header that makes a repeated request harmless."""

    class Meta:
        unknown = EXCLUDE

    idempotency_key = fields.String(
        data_key="Idempotency-Key",
        validate=validate.Regexp(KEY),
        metadata={"description": "The same key with the same body brings the first answer again."},
    )


class SharedSchema(Schema):
    """All that a referral shares about the person."""

    folio = fields.String(required=True)
    name = fields.String(required=True)
    contact = fields.String(required=True, allow_none=True)
    canton = fields.String(required=True)
    need = fields.String(required=True)


class EventSchema(Schema):
    """One step: when it happened, and when it was logged."""

    from_state = fields.Enum(LinkageState, by_value=True, required=True)
    to_state = fields.Enum(LinkageState, by_value=True, required=True)
    happened_on = fields.Date(required=True)
    logged_at = fields.AwareDateTime(required=True)


class LinkageSchema(Schema):
    """One credit, account or membership, with the minimum about the person."""

    folio = fields.String(required=True)
    referral = fields.String(required=True, attribute="referral.folio")
    institution = fields.String(required=True, attribute="institution.name")
    kind = fields.Enum(LinkageKind, by_value=True, required=True)
    state = fields.Enum(LinkageState, by_value=True, required=True)
    next_states = fields.List(fields.Enum(LinkageState, by_value=True), required=True)
    referred_on = fields.Date(required=True)
    last_step_on = fields.Date(required=True)
    requested_usd = fields.Decimal(as_string=True, required=True, allow_none=True)
    approved_usd = fields.Decimal(as_string=True, required=True, allow_none=True)
    amount_usd = fields.Decimal(as_string=True, required=True, allow_none=True)
    disbursed_on = fields.Date(required=True, allow_none=True)
    term_months = fields.Integer(required=True, allow_none=True)
    rate_percent = fields.Decimal(as_string=True, required=True, allow_none=True)
    rate_kind = fields.Enum(RateKind, by_value=True, required=True, allow_none=True)
    reference = fields.String(required=True, allow_none=True)
    decline_reason = fields.Enum(DeclineReason, by_value=True, required=True, allow_none=True)
    person = fields.Nested(SharedSchema, required=True, attribute="referral.shared")


class LinkageWithEventsSchema(LinkageSchema):
    events = fields.List(fields.Nested(EventSchema), required=True)


class LinkagePageSchema(Schema):
    items = fields.List(fields.Nested(LinkageSchema), required=True)
    next_after = fields.String(required=True, allow_none=True)


class LoggedSchema(EventSchema):
    """The answer to a logged step."""

    id = fields.Integer(required=True)
    linkage = fields.String(required=True, attribute="linkage.folio")


class StepSchema(Schema):
    """A step to log. `applied` and `approved` need the amount; `disbursed` needs the amount, the term, the rate with
    its kind and the reference; `declined` needs the reason."""

    to_state = fields.String(required=True, validate=words(LOGGABLE))
    happened_on = Day(required=True)
    amount_usd = fields.String(validate=validate.Regexp(AMOUNT), metadata={"example": "850.00"})
    term_months = Whole(validate=validate.Range(1, 360))
    rate_percent = fields.String(validate=validate.Regexp(RATE), metadata={"example": "25.12"})
    rate_kind = fields.String(validate=words(RateKind))
    reference = fields.String(validate=validate.Regexp(REFERENCE))
    decline_reason = fields.String(validate=words(DeclineReason))

    @post_load
    def step(self, data: dict[str, Any], **_: Any) -> Step:
        """The same value that the form ends in."""
        rate_kind, reason = data.get("rate_kind"), data.get("decline_reason")
        return Step(
            to_state=LinkageState(data["to_state"]),
            happened_on=data["happened_on"],
            amount_usd=Decimal(data["amount_usd"]) if "amount_usd" in data else None,
            term_months=data.get("term_months"),
            rate_percent=Decimal(data["rate_percent"]) if "rate_percent" in data else None,
            rate_kind=RateKind(rate_kind) if rate_kind else None,
            reference=" ".join(data["reference"].split()) if "reference" in data else None,
            decline_reason=DeclineReason(reason) if reason else None,
        )
