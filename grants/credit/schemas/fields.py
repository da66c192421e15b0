"""Shapes that linkages, referrals and movements share. Amounts are text with a point: never a float, never a guess."""

import re
from datetime import date
from decimal import Decimal
from typing import Any

from marshmallow import EXCLUDE, Schema, ValidationError, fields, validate

# Nothing after the end: in Python `$` alone lets a line break through.
AMOUNT = r"^(0|[1-9][0-9]{0,6})\.[0-9]{2}$(?!\n)"
RATE = r"^(100(\.0{1,4})?|[1-9]?[0-9](\.[0-9]{1,4})?)$(?!\n)"
# A number or a day, and the number of a row: anything else would begin at the first page anew.
AFTER = r"^([0-9]{1,9}|1[0-9]{9}|[0-9]{4}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))~([0-9]{1,9}|1[0-9]{9})$(?!\n)"
KEY = r"^[A-Za-z0-9._:-]{1,80}$"
REFERENCE = r"^[A-Za-z0-9][A-Za-z0-9 ./_-]{0,59}$"
NAME = r"^[^\x00-\x1f\x7f]{1,120}$"
KEY_MEANING = {"description": "The same key with the same body brings the first answer again."}


def whole(text: str) -> None:
    """Halves of surrogate pairs are no text, and a pattern in the description cannot say so."""
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise ValidationError("Half of a surrogate pair is not text.")


def words(states: Any) -> validate.OneOf:
    return validate.OneOf([member.value for member in states])


def amount(description: str, example: str = "85.00", **options: Any) -> fields.String:
    """US dollars as text, with a point and two digits after it."""
    return fields.String(
        validate=validate.Regexp(AMOUNT), metadata={"description": description, "example": example}, **options
    )


class Exact(fields.String):
    """A Decimal in an answer, written out: "850.00". The description says text, as it is."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else format(value, "f")


def decimals(data: dict[str, Any], *names: str) -> dict[str, Decimal]:
    """Those of the members that were sent, as exact numbers."""
    return {name: Decimal(data[name]) for name in names if name in data}


class Day(fields.Date):
    """A day as RFC 3339 writes it, and no other of the ways that ISO 8601 knows."""

    def _deserialize(self, value: Any, attr: str | None, data: Any, **kwargs: Any) -> date:
        if not isinstance(value, str) or not re.fullmatch("[0-9]{4}-[0-9]{2}-[0-9]{2}", value):
            raise self.make_error("invalid", input=value, obj_type=self.OBJ_TYPE)
        return super()._deserialize(value, attr, data, **kwargs)


class AfterSchema(Schema):
    """Where a list goes on."""

    after = fields.String(
        validate=[validate.Length(max=40), validate.Regexp(AFTER)],
        metadata={"description": "`next_after` of the page before."},
    )  # fmt: skip


class KeySchema(Schema):
    """The header that makes a repeated request harmless."""

    class Meta:
        unknown = EXCLUDE

    idempotency_key = fields.String(
        data_key="Idempotency-Key", validate=validate.Regexp(KEY), metadata=KEY_MEANING
    )  # fmt: skip


class NeededKeySchema(Schema):
    """The same header where money moves: without it a repeated request would count twice."""

    class Meta:
        unknown = EXCLUDE

    idempotency_key = fields.String(
        data_key="Idempotency-Key", required=True, validate=validate.Regexp(KEY), metadata=KEY_MEANING
    )


class SharedSchema(Schema):
    """All that a referral shares about the person."""

    folio = fields.String(required=True)
    name = fields.String(required=True)
    contact = fields.String(required=True, allow_none=True)
    canton = fields.String(required=True)
    need = fields.String(required=True)
