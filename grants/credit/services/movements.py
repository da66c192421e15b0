"""Logging what happened to a credit after it was approved, and keeping what it comes to beside the linkage."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.models import (
    ACTIVE_STATES,
    Amortization,
    CreditMovement,
    Frequency,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    MovementKind,
    RateKind,
    ReferralState,
    Source,
)
from grants.credit.retention import days_kept
from grants.credit.schedules import Terms, months_later
from grants.credit.standing import Standing, standing

# What can still happen to a credit in each state. The first disbursement is a step of the linkage.
POSSIBLE = {
    MovementKind.DISBURSEMENT: ACTIVE_STATES,
    MovementKind.REPAYMENT: ACTIVE_STATES,
    MovementKind.BALANCE: ACTIVE_STATES | {LinkageState.REPAID},
    MovementKind.RESTRUCTURE: ACTIVE_STATES,
    MovementKind.WRITE_OFF: ACTIVE_STATES,
    MovementKind.RECOVERY: frozenset({LinkageState.WRITTEN_OFF}),
}


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
    """Append what happened, and bring the linkage up to date. Of two people at once one wins; the other looks again."""
    if linkage.referral.state is not ReferralState.ACCEPTED:
        raise RuleBroken(_("Accept the referral before you log anything."))
    if linkage.kind is not LinkageKind.CREDIT or linkage.state not in POSSIBLE[movement.kind]:
        raise RuleBroken(_("That cannot be logged where the credit is now. Look at its state first."))
    _check_day(linkage, movement, now=now)
    return append(linkage, movement, by=by, now=now)


def append(linkage: Linkage, movement: Movement, *, by: User, now: datetime) -> CreditMovement:
    """Write the movement down and settle the linkage. Its rules were asked before."""
    row = _row(linkage, movement, by=by, now=now)
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


def settle(linkage: Linkage, *, by: User, now: datetime) -> Standing:
    """Keep beside the linkage what its movements come to. Guarded: only from where it was seen."""
    movements = movements_of(linkage)
    found = standing(terms_of(linkage), movements, local_day(now))
    before = linkage.state
    statement = (
        update(Linkage)
        .where(Linkage.id == linkage.id, Linkage.state == before,
               Linkage.outstanding_usd.is_not_distinct_from(linkage.outstanding_usd))
        .values(state=found.state, outstanding_usd=found.owed, reported_on=found.reported_on,
                restructured_on=found.restructured_on, amount_usd=found.disbursed,
                **days_kept(linkage, found, standing(terms_of(linkage), movements, date.max)),
                last_step_on=max(linkage.last_step_on, found.reported_on or linkage.last_step_on))
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if not rows_hit(db.session.execute(statement)):
        raise RuleBroken(_("Somebody logged something at this moment. Look at it, then try again."))
    if found.state is not before:
        db.session.add(LinkageEvent(linkage_id=linkage.id, from_state=before, to_state=found.state,
                                    happened_on=found.reported_on or found.day, logged_at=now,
                                    logged_by_id=by.id))  # fmt: skip
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
    )
    return db.session.scalars(statement).all()


def terms_of(linkage: Linkage) -> Terms:
    """How a disbursed credit is to be repaid; unsaid is the usual: French, monthly, from a month on."""
    count = linkage.instalments or linkage.term_months or 1
    return Terms(
        rate_percent=linkage.rate_percent or Decimal(0),
        rate_kind=linkage.rate_kind or RateKind.NOMINAL,
        method=linkage.method or Amortization.FRENCH,
        frequency=linkage.frequency or Frequency.MONTHLY,
        instalments=count,
        first_due_on=linkage.first_due_on or months_later(linkage.disbursed_on or linkage.last_step_on, 1),
    )


def standing_of(linkage: Linkage, day: date) -> Standing:
    """The credit on a day. Reads `movements`: load them before."""
    return standing(terms_of(linkage), linkage.movements, day)


def _check_day(linkage: Linkage, movement: Movement, *, now: datetime) -> None:
    if movement.happened_on > local_day(now):
        raise RuleBroken(_("That day is in the future. Log it once it has happened."), field="happened_on")
    if linkage.disbursed_on and movement.happened_on < linkage.disbursed_on:
        raise RuleBroken(_("That day is before the credit was disbursed. Check the date."), field="happened_on")


def _row(linkage: Linkage, movement: Movement, *, by: User, now: datetime) -> CreditMovement:
    terms = movement.terms
    return CreditMovement(
        linkage_id=linkage.id,
        institution_id=linkage.institution_id,
        kind=movement.kind,
        source=movement.source,
        happened_on=movement.happened_on,
        logged_at=now,
        logged_by_id=by.id,
        reference=movement.reference,
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
