"""What happens to a credit after it was approved, as programs report and read it."""

from decimal import Decimal
from typing import Any

from marshmallow import Schema, fields, post_load, validate

from grants.core.web import Whole
from grants.credit.models import Amortization, Frequency, MovementKind, RateKind, Source
from grants.credit.schedules import Terms
from grants.credit.schemas.fields import RATE, REFERENCE, Day, Exact, amount, decimals, words
from grants.credit.services import Movement

LONGEST_LATE = 36_500  # days
PARTS = ("amount_usd", "net_usd", "principal_usd", "interest_usd", "other_usd", "balance_usd", "overdue_usd")


class TermsSchema(Schema):
    """How what is owed will be repaid from here on."""

    instalments = Whole(required=True, validate=validate.Range(1, 600))
    first_due_on = Day(required=True)
    rate_percent = fields.String(required=True, validate=validate.Regexp(RATE), metadata={"example": "15.60"})
    rate_kind = fields.String(required=True, validate=words(RateKind))
    method = fields.String(required=True, validate=words(Amortization))
    frequency = fields.String(required=True, validate=words(Frequency))

    @post_load
    def terms(self, data: dict[str, Any], **_: Any) -> Terms:
        return Terms(
            rate_percent=Decimal(data["rate_percent"]),
            rate_kind=RateKind(data["rate_kind"]),
            method=Amortization(data["method"]),
            frequency=Frequency(data["frequency"]),
            instalments=data["instalments"],
            first_due_on=data["first_due_on"],
        )


class MovementSchema(Schema):
    """One thing that happened to a disbursed credit.

    `repayment`, `disbursement` (a further part), `write_off` and `recovery` (paid after a write-off) need
    `amount_usd`. A repayment may say its parts, `principal_usd`, `interest_usd` and `other_usd`: all that there are, so
    that they sum to the amount. `balance` is a statement: it needs `balance_usd`, the principal owed at the end of the
    day, and may say `days_late` and `overdue_usd`. `restructure` needs `balance_usd` and `terms`.
    """

    kind = fields.String(required=True, validate=words(MovementKind))
    happened_on = Day(required=True)
    amount_usd = amount("What was paid, disbursed or written off.")
    net_usd = amount("Of a disbursement: what the person received in hand.")
    principal_usd = amount("Of a repayment: the part that was principal.")
    interest_usd = amount("Of a repayment: the part that was interest.")
    other_usd = amount("Of a repayment: fees, insurance, penalties.")
    balance_usd = amount("The principal owed at the end of the day.", "420.00")
    days_late = Whole(validate=validate.Range(0, LONGEST_LATE))
    overdue_usd = amount("Of a statement: the principal that fell due and is not paid.", "0.00")
    reference = fields.String(
        validate=validate.Regexp(REFERENCE),
        metadata={"description": "Your number of the receipt, unique among yours of this kind."},
    )
    terms = fields.Nested(TermsSchema)

    @post_load
    def movement(self, data: dict[str, Any], **_: Any) -> Movement:
        """The same value that the form ends in."""
        return Movement(
            kind=MovementKind(data["kind"]),
            happened_on=data["happened_on"],
            days_late=data.get("days_late"),
            reference=" ".join(data["reference"].split()) if "reference" in data else None,
            source=Source.API,
            terms=data.get("terms"),
            **decimals(data, *PARTS),
        )


def _money() -> Exact:
    return Exact(required=True, allow_none=True)


class LoggedMovementSchema(Schema):
    """A movement as it was logged: nothing in it changes afterwards."""

    id = fields.Integer(required=True)
    linkage = fields.String(required=True, attribute="linkage.folio")
    kind = fields.Enum(MovementKind, by_value=True, required=True)
    happened_on = fields.Date(required=True)
    logged_at = fields.AwareDateTime(required=True)
    reference = fields.String(required=True, allow_none=True)
    amount_usd, net_usd, principal_usd, interest_usd, other_usd = (_money() for _part in range(5))
    balance_usd = _money()
    days_late = fields.Integer(required=True, allow_none=True)
    overdue_usd = _money()
    instalments = fields.Integer(required=True, allow_none=True)
    first_due_on = fields.Date(required=True, allow_none=True)
    rate_percent = Exact(required=True, allow_none=True)
    rate_kind = fields.Enum(RateKind, by_value=True, required=True, allow_none=True)
    method = fields.Enum(Amortization, by_value=True, required=True, allow_none=True)
    frequency = fields.Enum(Frequency, by_value=True, required=True, allow_none=True)


class ListedMovementSchema(LoggedMovementSchema):
    source = fields.Enum(Source, by_value=True, required=True)
    reversed_at = fields.AwareDateTime(
        required=True, allow_none=True,
        metadata={"description": "When it was taken back as a mistake: since then it does not count."},
    )  # fmt: skip


class MovementPageSchema(Schema):
    items = fields.List(fields.Nested(ListedMovementSchema), required=True)
    next_after = fields.String(required=True, allow_none=True)


class InstalmentSchema(Schema):
    due_on = fields.Date(required=True)
    principal_usd = Exact(required=True, attribute="principal")
    interest_usd = Exact(required=True, attribute="interest")
    total_usd = Exact(required=True, attribute="total")


class ScheduleSchema(Schema):
    """When the credit falls due by its terms in force; empty before it is disbursed."""

    linkage = fields.String(required=True)
    as_of = fields.Date(required=True)
    instalments = fields.List(fields.Nested(InstalmentSchema), required=True)
