"""How far each instalment is paid. Pure: a standing in, a row for each instalment out."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

from grants.credit.models.linkages import LinkageState
from grants.credit.schedules import Instalment
from grants.credit.standing import PENNIES, ZERO, Standing


class Progress(StrEnum):
    PAID = "paid"
    PARTLY = "partly"
    LATE = "late"
    COMING = "coming"
    ENDED = "ended"  # by a write-off
    LET_OFF = "let_off"  # fallen due and not paid, and by the lender's word not late


@dataclass(frozen=True, slots=True)
class Row:
    """An instalment, what of its principal is not paid, and how that is called."""

    instalment: Instalment
    missing: Decimal
    progress: Progress


def progress_of(found: Standing) -> list[Row]:
    """The instalments in force, in order: the oldest are paid first."""
    rows, due = [], ZERO
    for one in found.instalments:
        due += one.principal
        short = due - found.covered
        missing = min(max(short + found.let_off, ZERO), one.principal)
        if found.state is LinkageState.REPAID:
            missing = ZERO
        rows.append(Row(one, missing, _called(one, missing, found, is_late=short > PENNIES)))
    return rows


def _called(one: Instalment, missing: Decimal, found: Standing, *, is_late: bool) -> Progress:
    if missing <= PENNIES:
        return Progress.PAID
    if found.state is LinkageState.WRITTEN_OFF:
        return Progress.ENDED
    if one.due_on < found.day:
        return Progress.LATE if is_late else Progress.LET_OFF
    return Progress.PARTLY if missing < one.principal else Progress.COMING
