"""The shape of applications in the API. Money is text with two decimals; times are UTC."""

from decimal import Decimal
from typing import Any

from marshmallow import Schema, ValidationError, fields, validate

from grants.applications.models import SECTORS, Application, ApplicationState
from grants.applications.services import ItemFields, PlanFields
from grants.core.web import Whole

# Line breaks and tabs are text; other control characters and halves of surrogate pairs are not.
PLAIN = r"^[^\x00-\x08\x0b\x0c\x0e-\x1f]*$"
FOLIO = r"^[A-Z]-[0-9A-HJKMNP-TV-Z]{9}$"
CODE = r"^[A-Z0-9][A-Z0-9-]{1,19}$"
USD = r"^[0-9]{1,9}(\.[0-9]{1,2})?$"
PRICE = r"^(0\.0[1-9]|0\.[1-9][0-9]?|[1-9][0-9]{0,8}(\.[0-9]{1,2})?)$"
EXAMPLE_FOLIO = "A-7K3M9QX2W"


def _whole(text: str) -> None:
    if any(0xD800 <= ord(letter) <= 0xDFFF for letter in text):
        raise ValidationError("Half of a surrogate pair is not text.")


class Money(fields.String):
    """An exact amount as text with two decimals: a JSON number would pass through binary floats."""

    def _serialize(self, value: Any, attr: str | None, obj: Any, **kwargs: Any) -> str | None:
        return None if value is None else f"{value:.2f}"


def plain(least: int, most: int, **kwargs: Any) -> fields.String:
    checks: list[Any] = [validate.Length(min=least, max=most), validate.Regexp(PLAIN), _whole]
    return fields.String(validate=checks, **kwargs)


def shaped(pattern: str, most: int, **kwargs: Any) -> fields.String:
    return fields.String(validate=[validate.Length(max=most), validate.Regexp(pattern), _one_line], **kwargs)


def _one_line(text: str) -> None:
    if "\n" in text:  # Python's $ allows one at the end
        raise ValidationError("One line only.")


def example(value: Any) -> dict[str, Any]:
    return {"example": value}


class ItemSchema(Schema):
    name = plain(1, 160, required=True, metadata=example("Horno industrial"))
    quantity = Whole(required=True, validate=validate.Range(1, 99999), metadata=example(1))
    unit_price_usd = shaped(PRICE, 12, required=True, metadata=example("450.00"))


class PlanSchema(Schema):
    """A whole plan: what is left out is emptied."""

    revision = Whole(
        required=True, validate=validate.Range(0, 2**31 - 2),
        metadata={"description": "The revision this text was written over.", "example": 0},
    )  # fmt: skip
    venture = plain(0, 160, load_default="", metadata=example("Panadería La Espiga"))
    sector = fields.String(load_default=None, allow_none=True, validate=validate.OneOf([*SECTORS, None]),
                           metadata=example("C"))  # fmt: skip
    is_existing = fields.Boolean(load_default=None, allow_none=True, truthy={True}, falsy={False},
                                 metadata=example(True))  # fmt: skip
    description = plain(0, 4000, load_default="", metadata=example("Pan para el barrio."))
    customers = plain(0, 2000, load_default="", metadata=example("Familias y dos tiendas."))
    monthly_sales_usd = shaped(USD, 12, load_default=None, allow_none=True, metadata=example("320.00"))
    jobs = Whole(load_default=None, allow_none=True, validate=validate.Range(0, 999999),
                          metadata=example(2))  # fmt: skip
    items = fields.List(fields.Nested(ItemSchema), load_default=list, validate=validate.Length(max=40))


def plan_fields(loaded: dict[str, Any]) -> PlanFields:
    """The typed values that the page's form gives too."""
    items = tuple(
        ItemFields(row["name"], row["quantity"], Decimal(row["unit_price_usd"]).quantize(Decimal("0.01")))
        for row in loaded["items"]
    )
    sales = loaded["monthly_sales_usd"]
    rest = {name: loaded[name] for name in ("venture", "sector", "is_existing", "description", "customers", "jobs")}
    return PlanFields(**rest, monthly_sales_usd=None if sales is None else Decimal(sales), items=items)


class StartSchema(Schema):
    call = shaped(CODE, 20, required=True, metadata=example("CAP-2026"))
    person = shaped(FOLIO, 11, required=True, metadata=example("P-7K3M9QX2W"))


class SubmitSchema(Schema):
    consents = fields.Boolean(
        load_default=False, truthy={True}, falsy={False},
        metadata={"description": "The consent text was read out to the person, who agrees.", "example": True},
    )  # fmt: skip


class WithdrawSchema(Schema):
    reason = plain(1, 300, required=True, metadata=example("Se muda a otra provincia."))


class ListQuerySchema(Schema):
    call = shaped(CODE, 20, metadata=example("CAP-2026"))
    state = fields.Enum(ApplicationState, by_value=True)
    after = plain(0, 60, metadata={"description": "`next_after` of the page before."})


class SavedItemSchema(Schema):
    name = fields.String()
    quantity = fields.Integer()
    unit_price_usd = Money(metadata=example("450.00"))


class SavedPlanSchema(Schema):
    revision = fields.Integer()
    venture = fields.String()
    sector = fields.String(allow_none=True)
    is_existing = fields.Boolean(allow_none=True)
    description = fields.String()
    customers = fields.String()
    monthly_sales_usd = Money(allow_none=True, metadata=example("320.00"))
    jobs = fields.Integer(allow_none=True)
    total_usd = Money(metadata=example("450.00"))
    items = fields.List(fields.Nested(SavedItemSchema))
    saved_at = fields.AwareDateTime()


class ApplicationSchema(Schema):
    folio = fields.String(metadata=example(EXAMPLE_FOLIO))
    call = fields.String(attribute="call.code", metadata=example("CAP-2026"))
    person = fields.String(attribute="person.folio", metadata=example("P-7K3M9QX2W"))
    state = fields.Enum(ApplicationState, by_value=True)
    created_at = fields.AwareDateTime()
    submitted_at = fields.AwareDateTime(allow_none=True)
    withdrawn_at = fields.AwareDateTime(allow_none=True)
    plan = fields.Nested(SavedPlanSchema)


class ApplicationPageSchema(Schema):
    applications = fields.List(fields.Nested(ApplicationSchema))
    next_after = fields.String(allow_none=True)


def as_page(page: Any) -> dict[str, Any]:
    rows: list[Application] = list(page.items)
    return {"applications": rows, "next_after": page.next_after}
