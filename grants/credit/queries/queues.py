"""Who waits for whom: lists of referrals and linkages that ask for something, their counts, one page of each."""

from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from enum import StrEnum
from typing import Any, NamedTuple

from sqlalchemy import ColumnElement, Select, and_, case, func, or_, select
from sqlalchemy.orm import InstrumentedAttribute, contains_eager, joinedload

from grants.core.db import Page, db, keyset_page
from grants.credit.models import (
    ACTIVE_STATES,
    OPEN_STATES,
    Linkage,
    LinkageKind,
    LinkageState,
    Referral,
    ReferralState,
)
from grants.credit.queries.figures import STUCK_AFTER
from grants.credit.queries.gone import linkage_in_time
from grants.credit.queries.institutions import findable
from grants.credit.queries.reassignment import is_to_send_on
from grants.credit.standing import KNOWN_FOR

EXPIRES_SOON = timedelta(days=3)
REPORTED_EVERY = timedelta(days=30)
SHOWN_AT_ONCE = 25


class Queue(StrEnum):
    """Something that asks for an act. Of a referral first, then of a linkage."""

    ANSWER = "answer"  # sent, and nobody has answered
    EXPIRING = "expiring"  # of these, those that expire within three days
    SEND_ON = "send-on"  # declined or expired, and the person was sent nowhere else since: as `is_to_send_on` says
    CONTACT = "contact"  # accepted and on the way
    STUCK = "stuck"  # of these, those without a step for two weeks
    APPROVED = "approved"  # and not disbursed
    OWED = "owed"  # being repaid, and not reported this month
    UNKNOWN = "unknown"  # being repaid, and not reported for 45 days
    LATE = "late"  # an instalment has fallen due and is not paid


OF_REFERRALS = (Queue.ANSWER, Queue.EXPIRING, Queue.SEND_ON)
OWN_QUEUES = (Queue.ANSWER, Queue.CONTACT, Queue.APPROVED, Queue.OWED, Queue.LATE)
BOARD_QUEUES = (Queue.STUCK, Queue.APPROVED, Queue.LATE, Queue.UNKNOWN, Queue.ANSWER, Queue.EXPIRING, Queue.SEND_ON)


def owed_since(today: date) -> date:
    """What was reported on this day or before is owed: not in this month, or 30 days ago or more."""
    return max(today.replace(day=1) - timedelta(days=1), today - REPORTED_EVERY)


def unknown_from(reported_on: date) -> date:
    """The day from which a credit about which nothing else is reported counts as unknown."""
    return reported_on + KNOWN_FOR + timedelta(days=1)


def asks(queue: Queue, today: date) -> ColumnElement[bool]:
    """Whether a row is in the queue on a day."""
    return _ASKS[queue](today)


class Step(NamedTuple):
    """How many linkages of one institution have been stuck at one step, and since when the oldest."""

    institution_id: int
    state: LinkageState
    linkages: int
    since: date


def counts(seen: ColumnElement[bool], queues: Iterable[Queue], today: date) -> dict[Queue, int]:
    """How long each queue is, for who sees `seen`: a condition on Referral and its Consent. Two queries."""
    found: dict[Queue, int] = {}
    wanted = list(queues)
    for base, part in ((_referrals(), [one for one in wanted if one in OF_REFERRALS]),
                       (_linkages(), [one for one in wanted if one not in OF_REFERRALS])):  # fmt: skip
        if part:
            columns = [func.count(case((asks(one, today), 1))) for one in part]
            row = db.session.execute(base.where(seen).with_only_columns(*columns)).one()
            found.update(zip(part, row, strict=True))
    return {one: found[one] for one in wanted}


def linkages_in(
    queue: Queue, seen: ColumnElement[bool], today: date, *, after: str | None = None, size: int = SHOWN_AT_ONCE,
    institution_id: int | None = None, state: LinkageState | None = None,
) -> Page[Linkage]:  # fmt: skip
    """A page of a queue of linkages with the person and the institution, what has waited longest first."""
    statement = (
        _linkages()
        .options(
            contains_eager(Linkage.referral).contains_eager(Referral.consent),
            contains_eager(Linkage.referral).joinedload(Referral.person),
            joinedload(Linkage.institution),
        )
        .where(seen, asks(queue, today))
    )
    if institution_id is not None:
        statement = statement.where(Linkage.institution_id == findable(institution_id))
    if state is not None:
        statement = statement.where(Linkage.state == state)
    return keyset_page(statement, _ORDER[queue], Linkage.id, after=after, size=size)


def referrals_in(
    queue: Queue, seen: ColumnElement[bool], today: date, *, after: str | None = None, size: int = SHOWN_AT_ONCE,
    institution_id: int | None = None,
) -> Page[Referral]:  # fmt: skip
    """A page of a queue of referrals with the person and the institution, what has waited longest first."""
    statement = (
        _referrals()
        .options(
            contains_eager(Referral.consent), joinedload(Referral.person), joinedload(Referral.institution)
        )
        .where(seen, asks(queue, today))
    )  # fmt: skip
    if institution_id is not None:
        statement = statement.where(Referral.institution_id == findable(institution_id))
    order: InstrumentedAttribute[Any] = Referral.expires_on if queue is Queue.EXPIRING else Referral.id
    return keyset_page(statement, order, Referral.id, after=after, size=size)


def stuck_by_step(seen: ColumnElement[bool], today: date) -> Sequence[Step]:
    """Where linkages are stuck, by institution and step."""
    statement = (
        _linkages()
        .where(seen, asks(Queue.STUCK, today))
        .with_only_columns(
            Linkage.institution_id, Linkage.state, func.count(Linkage.id), func.min(Linkage.last_step_on)
        )
        .group_by(Linkage.institution_id, Linkage.state)
        .order_by(Linkage.institution_id, Linkage.state)
    )  # fmt: skip
    return [Step(*row) for row in db.session.execute(statement)]


def _linkages() -> Select[Linkage]:
    return select(Linkage).join(Linkage.referral).join(Referral.consent).where(linkage_in_time())


def _referrals() -> Select[Referral]:
    return select(Referral).join(Referral.consent)


def _is_waiting(_today: date) -> ColumnElement[bool]:
    return and_(
        Linkage.state.in_(OPEN_STATES - {LinkageState.APPROVED}), Referral.state == ReferralState.ACCEPTED
    )  # fmt: skip


def _is_active() -> ColumnElement[bool]:
    return and_(Linkage.kind == LinkageKind.CREDIT, Linkage.state.in_(ACTIVE_STATES))


_ASKS: dict[Queue, Callable[[date], ColumnElement[bool]]] = {
    Queue.ANSWER: lambda today: and_(
        Referral.state == ReferralState.SENT, or_(Referral.expires_on.is_(None), Referral.expires_on >= today)
    ),
    Queue.EXPIRING: lambda today: and_(
        Referral.state == ReferralState.SENT, Referral.expires_on.between(today, today + EXPIRES_SOON)
    ),
    Queue.SEND_ON: is_to_send_on,
    Queue.CONTACT: _is_waiting,
    Queue.STUCK: lambda today: and_(
        Linkage.state.in_(OPEN_STATES),
        Referral.state == ReferralState.ACCEPTED,
        Linkage.last_step_on <= today - STUCK_AFTER,
    ),
    Queue.APPROVED: lambda _today: and_(
        Linkage.state == LinkageState.APPROVED, Referral.state == ReferralState.ACCEPTED
    ),
    Queue.OWED: lambda today: and_(_is_active(), Linkage.reported_on <= owed_since(today)),
    Queue.UNKNOWN: lambda today: and_(_is_active(), Linkage.reported_on < today - KNOWN_FOR),
    Queue.LATE: lambda today: and_(_is_active(), Linkage.next_due_on < today),
}
_ORDER: dict[Queue, InstrumentedAttribute[Any]] = {
    Queue.CONTACT: Linkage.last_step_on,
    Queue.STUCK: Linkage.last_step_on,
    Queue.APPROVED: Linkage.last_step_on,
    Queue.OWED: Linkage.reported_on,
    Queue.UNKNOWN: Linkage.reported_on,
    Queue.LATE: Linkage.next_due_on,
}
