"""Linkages as programs read and write them."""

from collections.abc import Callable
from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from grants.core.web import Whole
from grants.credit.models import (
    Amortization,
    CloseReason,
    DeclineReason,
    Frequency,
    LinkageKind,
    LinkageState,
    RateKind,
    Segment,
)
from grants.credit.schemas.fields import (
    AMOUNT,
    NAME,
    RATE,
    REFERENCE,
    AfterSchema,
    Day,
    Exact,
    SharedSchema,
    whole,
    words,
)
from grants.credit.services import Step

LOGGABLE = (
    LinkageState.CONTACTED,
    LinkageState.DOCUMENTS,
    LinkageState.APPLIED,
    LinkageState.APPROVED,
    LinkageState.DISBURSED,
    LinkageState.OPENED,
    LinkageState.CLOSED,
    LinkageState.DECLINED,
    LinkageState.WITHDRAWN,
)


class LinkageQuerySchema(AfterSchema):
    state = fields.String(validate=words(LinkageState), metadata={"description": "Only linkages in this state."})


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
    requested_usd = Exact(required=True, allow_none=True)
    approved_usd = Exact(required=True, allow_none=True)
    amount_usd = Exact(required=True, allow_none=True)
    disbursed_on = fields.Date(required=True, allow_none=True)
    term_months = fields.Integer(required=True, allow_none=True)
    rate_percent = Exact(required=True, allow_none=True)
    rate_kind = fields.Enum(RateKind, by_value=True, required=True, allow_none=True)
    reference = fields.String(required=True, allow_none=True)
    decline_reason = fields.Enum(DeclineReason, by_value=True, required=True, allow_none=True)
    close_reason = fields.Enum(CloseReason, by_value=True, required=True, allow_none=True)
    outstanding_usd = Exact(
        required=True, allow_none=True,
        metadata={"description": "Principal owed as far as it was reported; null before the credit is disbursed."},
    )  # fmt: skip
    reported_on = fields.Date(
        required=True, allow_none=True,
        metadata={"description": "The last day about which anything was reported. After 45 days it is unknown how "
                                 "the credit goes, whatever the balance was."},
    )  # fmt: skip
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


# What stands as text in a document, and the value that it means.
READ: dict[str, Callable[[str], Any]] = {
    "amount_usd": Decimal, "net_usd": Decimal, "rate_percent": Decimal, "rate_kind": RateKind, "segment": Segment,
    "method": Amortization, "frequency": Frequency, "decline_reason": DeclineReason, "close_reason": CloseReason,
    "reference": lambda text: " ".join(text.split()), "product_name": str,
}  # fmt: skip


class StepSchema(Schema):
    """A step to log. `applied` and `approved` need the amount; `disbursed` needs the amount, the term, the rate with
    its kind and the reference, and may say how it is repaid: without, in equal instalments every month from a month on.
    `declined` and `closed` (an account, a membership) need their reason."""

    to_state = fields.String(required=True, validate=words(LOGGABLE))
    happened_on = Day(required=True)
    amount_usd = fields.String(validate=validate.Regexp(AMOUNT), metadata={"example": "850.00"})
    term_months = Whole(validate=validate.Range(1, 360))
    rate_percent = fields.String(validate=validate.Regexp(RATE), metadata={"example": "25.12"})
    rate_kind = fields.String(validate=words(RateKind))
    reference = fields.String(validate=validate.Regexp(REFERENCE))
    decline_reason = fields.String(validate=words(DeclineReason))
    close_reason = fields.String(validate=words(CloseReason))
    net_usd = fields.String(validate=validate.Regexp(AMOUNT), metadata={"description": "What the person received."})
    product_name = fields.String(
        data_key="product", validate=[validate.Length(1, 120), validate.Regexp(NAME), whole],
        metadata={"description": "The institution's credit product, by its name in Semilla. Without it, the product "
                                 "chosen at the referral, if any. Its terms of the day fill what is left out."},
    )  # fmt: skip
    segment = fields.String(
        validate=words(Segment), metadata={"description": "Where the product has one, that or nothing."}
    )
    method = fields.String(validate=words(Amortization))
    frequency = fields.String(validate=words(Frequency))
    instalments = Whole(validate=validate.Range(1, 600))
    first_due_on = Day()

    @post_load
    def step(self, data: dict[str, Any], **_: Any) -> Step:
        """The same value that the form ends in."""
        given: dict[str, Any] = {name: read(data[name]) for name, read in READ.items() if name in data}
        return Step(
            to_state=LinkageState(data["to_state"]),
            happened_on=data["happened_on"],
            term_months=data.get("term_months"),
            instalments=data.get("instalments"),
            first_due_on=data.get("first_due_on"),
            **given,
        )
