"""What may no longer be shown, because its five years are over, and what is left to be removed of it."""

from collections.abc import Sequence
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, exists, func, or_, select
from sqlalchemy.orm import aliased

from grants.core.clock import PROGRAMME_ZONE, local_day, utcnow
from grants.core.db import db
from grants.credit.models import ACTIVE_STATES, Linkage, LinkageKind, LinkageState, Referral
from grants.credit.retention import last_day_gone

# Neither a credit nor the way to one: an account is open, a member is in, until somebody says otherwise.
LASTING = (LinkageState.OPENED,)


class Gone(NamedTuple):
    """A linkage whose five years are over, and the day from which they counted."""

    id: int
    counted_from: date


def linkage_in_time(today: date | None = None) -> ColumnElement[bool]:
    """Linkages that may be shown today."""
    return and_(Linkage.removed_at.is_(None), ~_is_over(Linkage, _today(today)))


def referral_in_time(today: date | None = None) -> ColumnElement[bool]:
    """Referrals that may be shown today: sent within the five years, or with a linkage that may be shown."""
    day = _today(today)
    under = aliased(Linkage)
    shown = exists().where(under.referral_id == Referral.id, under.removed_at.is_(None), ~_is_over(under, day))
    return and_(Referral.removed_at.is_(None), or_(Referral.referred_at >= _after(last_day_gone(day)), shown))


def people_hidden(today: date | None = None) -> set[int]:
    """People all of whose credits may no longer be shown: counted still, named nowhere."""
    statement = select(Linkage.person_id).where(
        Linkage.kind == LinkageKind.CREDIT, Linkage.disbursed_on.is_not(None)
    )  # fmt: skip
    return set(db.session.scalars(statement.where(~linkage_in_time(today)))) - set(
        db.session.scalars(statement.where(linkage_in_time(today)))
    )


def linkages_over(today: date, *, limit: int) -> Sequence[Gone]:
    """Linkages whose five years are over and that still hold their data, the oldest first."""
    counted = func.coalesce(Linkage.counted_from, Linkage.last_step_on)
    statement = (
        select(Linkage.id, counted)
        .where(Linkage.removed_at.is_(None), _is_over(Linkage, today))
        .order_by(counted, Linkage.id)
        .limit(limit)
    )
    return [Gone(*row) for row in db.session.execute(statement)]


def referrals_over(today: date, *, limit: int) -> Sequence[int]:
    """Referrals under which nothing may be shown any more and that still hold their data, in their order."""
    statement = (
        select(Referral.id)
        .where(Referral.removed_at.is_(None), ~referral_in_time(today))
        .order_by(Referral.id)
        .limit(limit)
    )
    return db.session.scalars(statement).all()


def without_days(*, limit: int) -> Sequence[Linkage]:
    """Credits beside which nobody has written yet when they fall due."""
    statement = (
        select(Linkage)
        .where(Linkage.state.in_(ACTIVE_STATES), Linkage.counted_from.is_(None), Linkage.removed_at.is_(None))
        .order_by(Linkage.id)
        .limit(limit)
    )
    return db.session.scalars(statement).all()


def _is_over(linkage: type[Linkage], today: date) -> ColumnElement[bool]:
    counted = func.coalesce(linkage.counted_from, linkage.last_step_on)
    # A credit without its day is shown until the next run has written the day beside it.
    unknown = and_(linkage.state.in_(ACTIVE_STATES), linkage.counted_from.is_(None))
    return and_(linkage.state.not_in(LASTING), counted <= last_day_gone(today), ~unknown)


def _after(day: date) -> datetime:
    """The moment at which that day has ended where the programme works."""
    return datetime.combine(day + timedelta(days=1), time(), PROGRAMME_ZONE).astimezone(UTC)


def _today(given: date | None) -> date:
    return given or local_day(utcnow())
