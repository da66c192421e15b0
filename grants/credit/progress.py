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
        missing = ZERO if found.state is LinkageState.REPAID else min(max(due - found.covered, ZERO), one.principal)
        rows.append(Row(one, missing, _called(one, missing, found)))
    return rows


def _called(one: Instalment, missing: Decimal, found: Standing) -> Progress:
    if missing <= PENNIES:
        return Progress.PAID
    if found.state is LinkageState.WRITTEN_OFF:
        return Progress.ENDED
    if one.due_on < found.day:
        return Progress.LATE
    return Progress.PARTLY if missing < one.principal else Progress.COMING
