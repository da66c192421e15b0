"""What becomes of a referral that nobody took on: it ends by itself, or another institution is asked."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import exists, select, update

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.models import LinkageState, Referral, ReferralState, WebhookEventKind
from grants.credit.services import webhooks
from grants.credit.services.referrals import Request, end_linkages, send


def reassign(referral: Referral, request: Request, *, by: User, now: datetime) -> Referral:
    """Ask another institution, under a consent of its own. Neither institution learns of the other."""
    if request.to.id == referral.institution_id:
        raise RuleBroken(_("This is the institution that the person was referred to before. Choose another."),
                         field="institution_id")  # fmt: skip
    if not referral.can_be_reassigned:
        raise RuleBroken(_("This referral cannot be sent on any more. Refer the person anew."))
    if db.session.scalar(select(exists().where(Referral.reassigned_from_id == referral.id))):
        raise RuleBroken(_("This person was sent on already. Look at the person's referrals before going on."))
    if referral.state is ReferralState.SENT:
        _end(referral, ReferralState.REASSIGNED, now=now)
        end_linkages(referral, LinkageState.WITHDRAWN, by=by, now=now)
    elif referral.state is ReferralState.DECLINED:  # counted as declined, and no longer seen there
        webhooks.tell(WebhookEventKind.REFERRAL_ENDED, referral, now=now)
    after = send(referral.person, request, by=by, now=now, reassigned_from=referral)
    journal.record(by, "referral.reassigned", referral, at=now, to_referral_id=after.id)
    return after


def overdue(now: datetime) -> Sequence[int]:
    """The referrals that nobody answered by their last day, the oldest first."""
    unanswered = (Referral.state == ReferralState.SENT, Referral.expires_on < local_day(now))
    return db.session.scalars(select(Referral.id).where(*unanswered).order_by(Referral.expires_on, Referral.id)).all()


def expire(referral_id: int, *, now: datetime) -> bool:
    """End an unanswered referral, and what was on its way with it; False when it was answered at this moment.

    Its linkages' steps are in the name of who sent it: nobody else had a part in it.
    """
    referral = db.session.get_one(Referral, referral_id)
    try:
        _end(referral, ReferralState.EXPIRED, now=now, only_overdue=True)
    except RuleBroken:
        return False
    end_linkages(referral, LinkageState.WITHDRAWN, by=referral.referred_by, now=now)
    journal.record(None, "referral.expired", referral, at=now)
    return True


def _end(referral: Referral, state: ReferralState, *, now: datetime, only_overdue: bool = False) -> None:
    """From waiting to ended; `only_overdue`: only if its last day has passed."""
    statement = update(Referral).where(Referral.id == referral.id, Referral.state == ReferralState.SENT)
    if only_overdue:
        statement = statement.where(Referral.expires_on < local_day(now))
    hit = db.session.execute(statement.values(state=state).execution_options(synchronize_session=False))
    if not rows_hit(hit):
        raise RuleBroken(_("Somebody answered this referral at this moment. Look at it before going on."))
    db.session.refresh(referral)
    webhooks.tell(WebhookEventKind.REFERRAL_ENDED, referral, now=now)
