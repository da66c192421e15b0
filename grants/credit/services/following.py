"""Following a credit: which earlier one it paid off, and people nobody can reach any more."""

from datetime import datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.models import Linkage, LostReason, MovementKind
from grants.credit.services.movements import Movement, log_movement, movements_of

MEANWHILE = _("Somebody changed this at this moment. Look at it, then try again.")


def refinance(linkage: Linkage, earlier: Linkage, *, by: User, now: datetime) -> None:
    """Say that this credit paid off an earlier one, which ends with a balance of zero on the day of this one.

    A balance and not a repayment: no money came back, so nothing must look recovered.
    """
    _check_pair(linkage, earlier)
    if any(one.counts and linkage.disbursed_on and one.happened_on > linkage.disbursed_on
           for one in movements_of(earlier)):  # fmt: skip
        raise RuleBroken(_("Something was logged on the earlier credit after this one was disbursed. Have that taken "
                           "back first, or choose another credit."), field="earlier_id")  # fmt: skip
    linked = db.session.execute(
        update(Linkage)
        .where(Linkage.id == linkage.id, Linkage.refinances_id.is_(None), Linkage.settled == linkage.settled)
        .values(refinances_id=earlier.id)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(linked):
        raise RuleBroken(MEANWHILE)
    closing = Movement(MovementKind.BALANCE, linkage.disbursed_on or local_day(now), balance_usd=Decimal(0))
    log_movement(earlier, closing, by=by, now=now)
    db.session.refresh(linkage)
    journal.record(by, "credit.refinanced", linkage, at=now, earlier_id=earlier.id)


def mark_lost(linkage: Linkage, reason: LostReason, *, by: User, now: datetime) -> None:
    """Nobody can follow this person up any more. It is not a default, and what is owed stays owed."""
    if not (linkage.is_open or linkage.is_active_credit):
        raise RuleBroken(_("This has ended, so nobody needs to be followed up."))
    _mark(linkage, lost=True, now=now)
    journal.record(by, "credit.lost", linkage, at=now, reason=reason.value)


def mark_found(linkage: Linkage, *, by: User, now: datetime) -> None:
    """The person can be followed up again."""
    _mark(linkage, lost=False, now=now)
    journal.record(by, "credit.found", linkage, at=now)


def _mark(linkage: Linkage, *, lost: bool, now: datetime) -> None:
    was = Linkage.lost_on.is_(None) if lost else Linkage.lost_on.is_not(None)
    marked = db.session.execute(
        update(Linkage)
        .where(Linkage.id == linkage.id, was)
        .values(lost_on=local_day(now) if lost else None)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(marked):
        raise RuleBroken(MEANWHILE)
    db.session.refresh(linkage)


def _check_pair(linkage: Linkage, earlier: Linkage) -> None:
    if linkage.refinances_id is not None:
        raise RuleBroken(_("It is on record already which credit this one paid off."))
    same = linkage.person_id == earlier.person_id and linkage.institution_id == earlier.institution_id
    if not (same and linkage.id != earlier.id and linkage.is_active_credit and earlier.is_active_credit):
        raise RuleBroken(_("Choose an earlier credit of this person at your institution that is still owed."),
                         field="earlier_id")  # fmt: skip
    if linkage.disbursed_on and earlier.disbursed_on and earlier.disbursed_on > linkage.disbursed_on:
        raise RuleBroken(_("That credit was disbursed after this one. Choose an earlier one."), field="earlier_id")
