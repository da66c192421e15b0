"""The rules that a liaison's own entry meets, asked of the rows of a file while it is being looked at."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from datetime import date
from decimal import Decimal
from typing import Any

from grants.core.errors import RuleBroken
from grants.credit.import_reasons import Reason, RowDoubt
from grants.credit.import_settings import Field
from grants.credit.models import CreditMovement, Linkage, MovementKind
from grants.credit.schedules import Terms
from grants.credit.services.ceilings import refuse_above_ceiling
from grants.credit.services.disbursement import terms_disbursed
from grants.credit.services.linkages import Step
from grants.credit.services.movement_rules import Misfit, Rule, check_approved, check_beside
from grants.credit.services.movements import Movement
from grants.credit.standing import PENNIES, ZERO, Standing

REASON_OF_RULE = {
    Rule.STATE: (Reason.STATE_THEN, Field.DAY),
    Rule.APPROVED: (Reason.APPROVED, Field.AMOUNT),
    Rule.LATER: (Reason.LATER, Field.AMOUNT),
    Rule.LAST: (Reason.NOT_LAST, Field.DAY),
}


def columns_disbursed(linkage: Linkage, step: Step, *, approved: Decimal | None) -> dict[str, Any]:
    """The columns that a first disbursement fills. RowDoubt where it is more than was approved, by the books or by an
    earlier row, the term gives too many instalments, or the rate is above the ceiling of the day."""
    with _asked_of(Reason.APPROVED, Field.AMOUNT):
        check_approved(approved, step.amount_usd or ZERO)
    with _asked_of(Reason.INSTALMENTS, Field.TERM):
        columns = terms_disbursed(linkage, step)
    with _asked_of(Reason.CEILING, Field.RATE):
        refuse_above_ceiling(columns["rate_percent"], columns["rate_kind"], columns["frequency"], columns["segment"],
                             step.happened_on)  # fmt: skip
    return columns


def leaves_something(movement: Movement, left: Decimal) -> bool:
    """A payment after which something of the least that is left is still owed: it needs no reckoning."""
    return movement.kind is MovementKind.REPAYMENT and left - (movement.amount_usd or ZERO) > PENNIES


def standing_beside(
    row: CreditMovement, logged: Sequence[CreditMovement], *, terms: Terms, approved: Decimal | None, today: date
) -> Standing:  # fmt: skip
    """Where the credit stands with a row beside what is logged and what the file said so far. RowDoubt where it cannot
    be there."""
    try:
        return check_beside(row, logged, terms=terms, approved=approved, today=today)
    except Misfit as misfit:
        reason, column = REASON_OF_RULE[misfit.rule]
        raise RowDoubt(reason, column) from None
    except RuleBroken:
        column = Field.BALANCE if row.kind is MovementKind.BALANCE else Field.AMOUNT
        raise RowDoubt(Reason.OWED, column) from None


def row_of(linkage: Linkage, movement: Movement) -> CreditMovement:
    """A movement as a row that is in no session yet: who logged it, and when, is still open."""
    said = {one.name: getattr(movement, one.name) for one in fields(movement) if one.name != "terms"}
    return CreditMovement(linkage_id=linkage.id, institution_id=linkage.institution_id, **said)


@contextmanager
def _asked_of(reason: Reason, column: Field) -> Iterator[None]:
    """A rule that is broken is this row's doubt."""
    try:
        yield
    except RuleBroken:
        raise RowDoubt(reason, column) from None
