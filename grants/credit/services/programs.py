"""What programs do with referrals and credits. Each may be repeated when its answer did not arrive."""

from datetime import datetime, timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.models import (
    CreditMovement,
    DeclineReason,
    Linkage,
    MovementKind,
    Referral,
    ReferralState,
)
from grants.credit.services.movements import Movement, log_movement
from grants.credit.services.referrals import accept, acknowledge, decline
from grants.credit.services.request_keys import KeyReused, claim_key

__all__ = ["accept_again", "acknowledge", "check_details", "decline_again", "log_movement_once"]

MONEY = "amount_usd"
BALANCE = "balance_usd"
# Which details each kind takes, the first of them needed.
DETAILS = {
    MovementKind.DISBURSEMENT: (MONEY, "net_usd"),
    MovementKind.REPAYMENT: (MONEY, "principal_usd", "interest_usd", "other_usd"),
    MovementKind.BALANCE: (BALANCE, "days_late", "overdue_usd"),
    MovementKind.RESTRUCTURE: (BALANCE, "terms"),
    MovementKind.WRITE_OFF: (MONEY,),
    MovementKind.RECOVERY: (MONEY,),
}
LONGEST_GRACE = timedelta(days=5 * 366)
ALL_DETAILS = sorted({name for names in DETAILS.values() for name in names})


def accept_again(referral: Referral, *, by: User, now: datetime) -> None:
    """As accept; one that is accepted already stays as it is."""
    if _is_accepted(referral):
        return
    try:
        accept(referral, by=by, now=now)
    except RuleBroken:
        db.session.refresh(referral)
        if not _is_accepted(referral):
            raise


def decline_again(referral: Referral, reason: DeclineReason, *, by: User, now: datetime) -> None:
    """As decline; one that is declined already for the same reason stays as it is."""
    if _is_declined(referral, reason):
        return
    try:
        decline(referral, reason, by=by, now=now)
    except RuleBroken:
        db.session.refresh(referral)
        if not _is_declined(referral, reason):
            raise


def log_movement_once(
    linkage: Linkage, movement: Movement, *, key: str, request: str, by: User, now: datetime
) -> CreditMovement:  # fmt: skip
    """As log_movement, but the same key with the same request brings the first one back. KeyReused with another."""
    claim, is_new = claim_key(linkage, key, request, by=by, now=now)
    if not is_new:
        if claim.movement is None:
            raise KeyReused
        return claim.movement
    check_details(movement)
    row = log_movement(linkage, movement, by=by, now=now)
    claim.movement_id = row.id
    db.session.flush()
    db.session.refresh(row)  # as the same request will find it later: 25.1200 and not 25.12
    return row


def check_details(movement: Movement) -> None:
    """Refuse a movement without what its kind needs, with what it does not take, or with parts that do not add up."""
    taken = DETAILS[movement.kind]
    needed = taken if movement.kind is MovementKind.RESTRUCTURE else taken[:1]
    for name in ALL_DETAILS:
        value = getattr(movement, name)
        if name in needed and value is None:
            raise RuleBroken(_("This kind of movement needs this detail. Fill it in."), field=name)
        if name not in taken and value is not None:
            raise RuleBroken(_("This kind of movement has no such detail. Leave it out."), field=name)
    if movement.amount_usd is not None and movement.amount_usd <= 0:
        raise RuleBroken(_("Write an amount above zero."), field=MONEY)
    if movement.net_usd is not None and not 0 < movement.net_usd <= (movement.amount_usd or 0):
        raise RuleBroken(_("What the person received cannot be more than the credit. Check both amounts."),
                         field="net_usd")  # fmt: skip
    if movement.terms and not timedelta(0) < movement.terms.first_due_on - movement.happened_on <= LONGEST_GRACE:
        raise RuleBroken(_("The first instalment falls due after the day of the new terms, within five years. Check "
                           "its date."), field="terms")  # fmt: skip
    _check_split(movement)


def _check_split(movement: Movement) -> None:
    """A repayment's parts are said together or not at all."""
    parts = (movement.principal_usd, movement.interest_usd, movement.other_usd)
    if all(part is None for part in parts):
        return
    if movement.principal_usd is None:
        raise RuleBroken(_("Say how much of the payment was principal, or leave its parts out."), field="principal_usd")
    if sum((part for part in parts if part is not None), Decimal(0)) != movement.amount_usd:
        raise RuleBroken(_("The parts do not add up to the payment. Check them."), field="principal_usd")


def _is_accepted(referral: Referral) -> bool:
    return referral.state is ReferralState.ACCEPTED


def _is_declined(referral: Referral, reason: DeclineReason) -> bool:
    return referral.state is ReferralState.DECLINED and referral.decline_reason == reason
