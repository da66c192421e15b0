"""The shape of deliveries in the API. No place, no time of a stop, no name."""

from typing import Any

from flask_babel import lazy_gettext as _
from marshmallow import EXCLUDE, Schema, fields, validate

from grants.core.db import ID_LIMIT
from grants.core.web import Whole
from grants.delivery.models import DeliveryState, StopAnswer
from grants.delivery.services.entered import KEY_PATTERN, LONGEST_CODE, SHORTEST_KEY


class KitLineSchema(Schema):
    position = fields.Integer(required=True)
    name = fields.String(required=True)
    quantity = fields.Integer(required=True)
    unit_price_usd = fields.Decimal(places=2, as_string=True, required=True, metadata={"type": "string"})
    serial_number = fields.String(allow_none=True)


class DeliverySchema(Schema):
    folio = fields.String(required=True)
    state = fields.Enum(DeliveryState, by_value=True, required=True)
    person = fields.String(attribute="person.folio", required=True, metadata={"description": "Folio of the person"})
    canton = fields.String(attribute="canton_code", required=True, metadata={"description": "DPA code"})
    value_usd = fields.Decimal(places=2, as_string=True, required=True, metadata={"type": "string"})


class WholeDeliverySchema(DeliverySchema):
    seal_number = fields.String(allow_none=True)
    lines = fields.List(fields.Nested(KitLineSchema), required=True)


class DeliveryPageSchema(Schema):
    items = fields.List(fields.Nested(DeliverySchema), required=True)
    next_after = fields.String(allow_none=True, required=True)


class DeliveryQuerySchema(Schema):
    state = fields.Enum(DeliveryState, by_value=True)
    after = fields.String(validate=validate.Length(max=60), metadata={"description": "next_after of the page before"})


class StateSchema(Schema):
    folio = fields.String(required=True)
    state = fields.Enum(DeliveryState, by_value=True, required=True)


class ReadingSchema(Schema):
    seal_number = fields.String(required=True, validate=validate.Length(min=1, max=30))
    serials = fields.List(fields.String(validate=validate.Length(max=60)), load_default=list,
                          validate=validate.Length(max=50), metadata={"description": "Of all devices"})  # fmt: skip
    weight_grams = Whole(allow_none=True, load_default=None, validate=validate.Range(1, 500_000),
                         metadata={"description": "null where there is no scale"})  # fmt: skip


KEY_REFUSED = _("Send a random key of 16 to 80 letters, digits, - and _: a new UUID4 for each handover.")
KEY_MEANING = (
    "Random and new for each handover, e.g. a UUID4, and kept nowhere afterwards: what is stored of the request is made"
    " under this key. The same key and body get the same answer; the same key and another body get 422."
)


class IdempotencySchema(Schema):
    class Meta:
        unknown = EXCLUDE

    key = fields.String(
        required=True,
        data_key="Idempotency-Key",
        validate=validate.Regexp(rf"\A{KEY_PATTERN}\Z", error=KEY_REFUSED),
        metadata={"description": KEY_MEANING, "minLength": SHORTEST_KEY},
    )


def _code(words: str, *, required: bool = False) -> Any:
    return fields.String(
        required=required,
        validate=validate.Length(min=1, max=LONGEST_CODE),
        metadata={"description": words},
    )


class HandoverSchema(Schema):
    """What the delivery's level asks for: docs/api.md."""

    totp = _code("The officer's delivery code, six digits", required=True)
    pin = _code("The officer's PIN, four digits", required=True)
    card = _code("The code that the receiver shows, ten digits")
    phone = _code("Level 1, instead of the card: the code that was sent, eight digits")
    second_officer = fields.Integer(
        validate=validate.Range(1, ID_LIMIT - 1),
        metadata={"description": "Levels 2 and 3: the number of another officer of the team"},
    )
    second_totp = _code("Levels 2 and 3: the second officer's delivery code, six digits")
    second_pin = _code("Level 3: the second officer's PIN, four digits")
    control = _code("Level 3: the code that the control room says, eight digits")


class HandedOverSchema(Schema):
    folio = fields.String(required=True)
    state = fields.Enum(DeliveryState, by_value=True, required=True)
    receipt = fields.String(required=True)


class SignalSchema(Schema):
    id = fields.Integer(required=True)
    box = fields.String(
        required=True, metadata={"description": "Base64, always of one length. The desk's private key alone opens it."}
    )


class SignalsSchema(Schema):
    items = fields.List(fields.Nested(SignalSchema), required=True)


class SignalQuerySchema(Schema):
    after = fields.Integer(load_default=0, validate=validate.Range(0, ID_LIMIT - 1))
    waiting = fields.Boolean(
        load_default=False,
        truthy={"true"},
        falsy={"false"},
        metadata={"description": "Only those that nobody acknowledged"},
    )


class AcknowledgeSchema(Schema):
    ids = fields.List(
        Whole(validate=validate.Range(0, ID_LIMIT - 1)), required=True, validate=validate.Length(min=1, max=200)
    )


class AcknowledgedSchema(Schema):
    acknowledged = fields.Integer(required=True, metadata={"description": "How many of them were waiting"})


class HeartbeatSchema(Schema):
    worker_at = fields.AwareDateTime(required=True, allow_none=True)


class StopRequestSchema(Schema):
    id = fields.Integer(required=True)
    officer_id = fields.Integer(required=True)
    team_id = fields.Integer(attribute="run.team_id", load_default=None, allow_none=True)
    asked_at = fields.AwareDateTime(required=True)
    answerable_at = fields.AwareDateTime(required=True)


class StopRequestsSchema(Schema):
    items = fields.List(fields.Nested(StopRequestSchema), required=True)


class StopAnswerSchema(Schema):
    answer = fields.Enum(StopAnswer, by_value=True, required=True)


class AreaSchema(Schema):
    canton = fields.String(required=True, attribute="code", metadata={"description": "DPA code"})
    level = fields.Integer(required=True, allow_none=True)
    expires_at = fields.AwareDateTime(required=True, allow_none=True)


class AreasSchema(Schema):
    items = fields.List(fields.Nested(AreaSchema), required=True)
