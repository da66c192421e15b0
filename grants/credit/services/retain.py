"""Removing what credits consist of once their five years are over. What is left counts people and names nobody else."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import delete, select, update

from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.credit.models import (
    CreditAnswer,
    CreditMovement,
    Linkage,
    LinkageEvent,
    LinkageRequestKey,
    MovementReversal,
    Referral,
)
from grants.credit.queries import gone
from grants.credit.retention import days_kept
from grants.credit.services.movements import movements_of, terms_of
from grants.credit.standing import standing

AT_A_TIME = 500
# What is emptied of a linkage. Folio, person, institution, kind, state, days of disbursement and of the last step stay.
EMPTIED = (
    "requested_usd", "approved_usd", "amount_usd", "term_months", "rate_percent", "rate_kind", "reference",
    "product_id", "segment", "method", "frequency", "instalments", "first_due_on", "refinances_id", "outstanding_usd",
    "reported_on", "restructured_on", "lost_on", "next_due_on", "counted_from", "decline_reason", "close_reason",
    "note_sealed",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Removed:
    """What one run removed: the linkages emptied, the referrals emptied, and how many rows of each kind are gone."""

    linkages: Sequence[int]
    referrals: Sequence[int]
    movements: int = 0
    events: int = 0

    @property
    def is_nothing(self) -> bool:
        return not (self.linkages or self.referrals)


def fill(*, now: datetime, limit: int = AT_A_TIME) -> int:
    """Write beside credits of before when they fall due and from when their five years count; how many."""
    waiting = gone.without_days(limit=limit)
    for linkage in waiting:
        movements, terms = movements_of(linkage), terms_of(linkage)
        found = standing(terms, movements, local_day(now))
        db.session.execute(
            update(Linkage)
            .where(Linkage.id == linkage.id, Linkage.counted_from.is_(None), Linkage.state == linkage.state)
            .values(**days_kept(linkage, found, standing(terms, movements, date.max)))
            .execution_options(synchronize_session=False)
        )
        db.session.refresh(linkage)
    return len(waiting)


def to_remove(*, now: datetime, limit: int = AT_A_TIME) -> Removed:
    """What a run would remove now. Referrals follow their linkages, so that some show only after them."""
    today = local_day(now)
    found = gone.linkages_over(today, limit=limit)
    return Removed([one.id for one in found], gone.referrals_over(today, limit=limit))


def remove_old(*, now: datetime, limit: int = AT_A_TIME) -> Removed:
    """Remove what may no longer be shown, at most `limit` linkages. Run again, it finds what is left, or nothing."""
    planned = to_remove(now=now, limit=limit)
    if planned.is_nothing:
        return planned
    ids = [one for one in planned.linkages if _empty(one, now=now)]
    movements, events = _delete_rows(ids) if ids else (0, 0)
    referrals = [one for one in planned.referrals if _empty_referral(one, now=now)]
    if ids or referrals:
        journal.record(None, "credit.removed", "linkage", at=now, linkages=len(ids), movements=movements,
                       events=events, referrals=len(referrals), linkage_ids=[str(one) for one in ids],
                       referral_ids=[str(one) for one in referrals])  # fmt: skip
    return Removed(ids, referrals, movements, events)


def remove_referral(referral_id: int, *, now: datetime) -> None:
    """Remove one whose five years are over before its turn: a new one is to take its place."""
    if _empty_referral(referral_id, now=now):
        journal.record(None, "credit.removed", "linkage", at=now, linkages=0, movements=0, events=0, referrals=1,
                       linkage_ids=[], referral_ids=[str(referral_id)])  # fmt: skip


def _empty(linkage_id: int, *, now: datetime) -> bool:
    """Guarded: only a linkage that still holds its data and about which nothing was logged meanwhile."""
    hit = db.session.execute(
        update(Linkage)
        .where(Linkage.id == linkage_id, Linkage.removed_at.is_(None), ~gone.linkage_in_time(local_day(now)))
        .values({**dict.fromkeys(EMPTIED), "removed_at": now})
        .execution_options(synchronize_session=False)
    )
    return rows_hit(hit) == 1


def _empty_referral(referral_id: int, *, now: datetime) -> bool:
    """What was shared stays, as the consent does: it proves that sharing was lawful. The need and the reason go."""
    hit = db.session.execute(
        update(Referral)
        .where(Referral.id == referral_id, Referral.removed_at.is_(None))
        .values(need="", decline_reason=None, removed_at=now)
        .execution_options(synchronize_session=False)
    )
    return rows_hit(hit) == 1


def _delete_rows(linkage_ids: Sequence[int]) -> tuple[int, int]:
    """Delete what hangs on emptied linkages: how many movements and how many steps."""
    movements = select(CreditMovement.id).where(CreditMovement.linkage_id.in_(linkage_ids))
    _delete(MovementReversal, MovementReversal.movement_id.in_(movements))
    _delete(LinkageRequestKey, LinkageRequestKey.linkage_id.in_(linkage_ids))
    # What they said in their own words about getting credit goes; their marks are counted on.
    db.session.execute(
        update(CreditAnswer)
        .where(CreditAnswer.linkage_id.in_(linkage_ids))
        .values(comment_sealed=None)
        .execution_options(synchronize_session=False)
    )
    return (
        _delete(CreditMovement, CreditMovement.linkage_id.in_(linkage_ids)),
        _delete(LinkageEvent, LinkageEvent.linkage_id.in_(linkage_ids)),
    )


def _delete(model: type, condition: object) -> int:
    gone_rows = delete(model).where(condition).execution_options(synchronize_session=False)  # type: ignore[arg-type]
    return rows_hit(db.session.execute(gone_rows))
