"""The rules that a liaison's own entry meets, asked of the rows of a file while it is being looked at."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
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
from grants.credit.services.movement_rules import BY_KIND, check_approved
from grants.credit.services.movements import Movement
from grants.credit.standing import ZERO, standing


def columns_disbursed(linkage: Linkage, step: Step) -> dict[str, Any]:
    """The columns that a first disbursement fills. RowDoubt where it is more than was approved, the term is too long
    or the rate above the ceiling of the day."""
    with _asked_of(Reason.APPROVED, Field.AMOUNT):
        check_approved(linkage, step.amount_usd or ZERO)
    with _asked_of(Reason.TERMS, Field.TERM):
        columns = terms_disbursed(linkage, step)
    with _asked_of(Reason.CEILING, Field.RATE):
        refuse_above_ceiling(columns["rate_percent"], columns["rate_kind"], columns["frequency"], columns["segment"],
                             step.happened_on)  # fmt: skip
    return columns


def is_part_of(movement: Movement, left: Decimal) -> bool:
    """A payment of no more than what is left at least: it needs no reckoning."""
    is_plain = movement.kind is MovementKind.REPAYMENT and movement.principal_usd is None
    return is_plain and (movement.amount_usd or ZERO) <= left


def refuse_sum(
    linkage: Linkage, movement: Movement, logged: Sequence[CreditMovement], terms: Terms | None
) -> None:  # fmt: skip
    """RowDoubt where the amount cannot be beside what is logged and what the file said so far."""
    if movement.kind is MovementKind.DISBURSEMENT:
        parts = [one.amount_usd or ZERO for one in logged if one.kind is MovementKind.DISBURSEMENT and one.counts]
        with _asked_of(Reason.APPROVED, Field.AMOUNT):
            check_approved(linkage, sum(parts, movement.amount_usd or ZERO))
    elif terms is not None:
        before = standing(terms, logged, movement.happened_on)
        column = Field.BALANCE if movement.kind is MovementKind.BALANCE else Field.AMOUNT
        with _asked_of(Reason.OWED, column):
            BY_KIND[movement.kind](linkage, row_of(linkage, movement), before)


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
