"""Logging what happened to a credit after it was approved, and keeping what it comes to beside the linkage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.books import kept_columns, standing_of, standing_with, terms_of
from grants.credit.models import (
    OPEN_STATES,
    CreditMovement,
    Linkage,
    LinkageEvent,
    LinkageState,
    MovementKind,
    Source,
)
from grants.credit.retention import days_kept
from grants.credit.schedules import Terms
from grants.credit.services.ceilings import refuse_above_ceiling
from grants.credit.services.movement_rules import POSSIBLE, check
from grants.credit.standing import Standing

__all__ = ["POSSIBLE", "Movement", "append", "log_movement", "movements_of", "settle", "standing_of", "terms_of"]

# What a disbursement fills in. Without one, a credit is as it was when it was approved: on its way, so that its five
# years count from its last step again.
UNDISBURSED: dict[str, Any] = dict.fromkeys(
    ("term_months", "rate_percent", "rate_kind", "reference", "segment", "method", "frequency", "instalments",
     "first_due_on", "refinances_id", "next_due_on", "counted_from")
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Movement:
    """What is reported. Which details a kind needs is in the CHECKs of `credit_movement`; `terms`: of a restructure."""

    kind: MovementKind
    happened_on: date
    amount_usd: Decimal | None = None
    net_usd: Decimal | None = None
    principal_usd: Decimal | None = None
    interest_usd: Decimal | None = None
    other_usd: Decimal | None = None
    balance_usd: Decimal | None = None
    days_late: int | None = None
    overdue_usd: Decimal | None = None
    reference: str | None = None
    source: Source = Source.LENDER
    terms: Terms | None = None


def log_movement(linkage: Linkage, movement: Movement, *, by: User, now: datetime) -> CreditMovement:
    """Append what happened, and bring the linkage up to date. Of two people at once one wins; the other looks again.

    It may be dated before others that are there already: all are counted in the order of their days.
    """
    row = _row(linkage, movement, by=by, now=now)
    check(linkage, row, movements_of(linkage), now=now)
    if movement.terms is not None:
        refuse_above_ceiling(movement.terms.rate_percent, movement.terms.rate_kind, movement.terms.frequency,
                             linkage.segment, movement.happened_on)  # fmt: skip
    return _add(linkage, row, by=by, now=now)


def append(linkage: Linkage, movement: Movement, *, by: User, now: datetime) -> CreditMovement:
    """Write the movement down and settle the linkage. Its rules were asked before."""
    return _add(linkage, _row(linkage, movement, by=by, now=now), by=by, now=now)


def settle(linkage: Linkage, *, by: User, now: datetime) -> Standing:
    """Keep beside the linkage what its movements come to. Guarded: nobody settled it since it was read."""
    movements = movements_of(linkage)
    found = standing_with(linkage, movements, local_day(now))
    before, kept = linkage.state, kept_columns(found)
    last_step_on = found.reported_on if found.disbursed and found.reported_on else last_step_before_credit(linkage)
    days = days_kept(linkage, found, standing_with(linkage, movements, date.max))
    undone = {} if found.disbursed else {**UNDISBURSED, "product_id": linkage.chosen_product_id}
    statement = (
        update(Linkage)
        .where(Linkage.id == linkage.id, Linkage.state == before, Linkage.settled == linkage.settled)
        .values({**kept, **days, **undone, "last_step_on": last_step_on, "settled": linkage.settled + 1})
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(db.session.execute(statement)):
        raise RuleBroken(_("Somebody logged something at this moment. Look at it, then try again."))
    if found.state is not before:
        db.session.add(LinkageEvent(linkage_id=linkage.id, from_state=before, to_state=found.state,
                                    happened_on=last_step_on, logged_at=now, logged_by_id=by.id))  # fmt: skip
        db.session.flush()
        journal.record(by, "linkage.moved", linkage, at=now, from_state=before.value, to_state=found.state.value)
    db.session.refresh(linkage)
    return found


def movements_of(linkage: Linkage) -> Sequence[CreditMovement]:
    """The linkage's movements as they are in the database now, in the order in which they happened."""
    statement = (
        select(CreditMovement)
        .where(CreditMovement.linkage_id == linkage.id)
        .order_by(CreditMovement.happened_on, CreditMovement.id)
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(statement).all()


def last_step_before_credit(linkage: Linkage) -> date:
    """The day of the last step on the way to the credit; of the referral without any."""
    days = select(LinkageEvent.happened_on).where(
        LinkageEvent.linkage_id == linkage.id, LinkageEvent.to_state.in_(OPEN_STATES - {LinkageState.REFERRED})
    )
    return max(db.session.scalars(days), default=linkage.referred_on)


def _add(linkage: Linkage, row: CreditMovement, *, by: User, now: datetime) -> CreditMovement:
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError:
        # Unique within the institution only, so this tells nothing about another one.
        raise RuleBroken(_("Your institution has logged this receipt number already. Check the number."),
                         field="reference") from None  # fmt: skip
    journal.record(by, "credit.movement", linkage, at=now, movement_id=row.id, kind=row.kind.value)
    settle(linkage, by=by, now=now)
    return row


def _row(linkage: Linkage, movement: Movement, *, by: User, now: datetime) -> CreditMovement:
    terms = movement.terms if movement.kind is MovementKind.RESTRUCTURE else None
    return CreditMovement(
        linkage_id=linkage.id,
        institution_id=linkage.institution_id,
        kind=movement.kind,
        source=movement.source,
        happened_on=movement.happened_on,
        logged_at=now,
        logged_by_id=by.id,
        reference=movement.reference or None,
        amount_usd=movement.amount_usd,
        net_usd=movement.net_usd,
        principal_usd=movement.principal_usd,
        interest_usd=movement.interest_usd,
        other_usd=movement.other_usd,
        balance_usd=movement.balance_usd,
        days_late=movement.days_late,
        overdue_usd=movement.overdue_usd,
        instalments=terms.instalments if terms else None,
        first_due_on=terms.first_due_on if terms else None,
        rate_percent=terms.rate_percent if terms else None,
        rate_kind=terms.rate_kind if terms else None,
        method=terms.method if terms else None,
        frequency=terms.frequency if terms else None,
    )
