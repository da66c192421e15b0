"""Whether an officer may see the next stop, and who waits for an answer."""

from collections.abc import Collection, Sequence
from datetime import datetime, time, timedelta
from enum import StrEnum

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.core.db import db, get_or_refuse
from grants.delivery.models import Delivery, DeliveryState, Run, RunState, StopAnswer, StopRequest, TeamMember
from grants.delivery.signals import OVER_MIDNIGHT

MOST_REQUESTS = 50
TO_HAND_OVER = (DeliveryState.IN_TRANSIT, DeliveryState.AT_POINT)
STILL_OPEN = StopRequest.answer.is_(None) & StopRequest.lapsed_at.is_(None)


class Asking(StrEnum):
    """Where an officer stands with the question for the next stop."""

    FREE = "free"  # nothing handed over yet today: no need to ask
    MUST_ASK = "must_ask"
    WAITING = "waiting"
    GO = "go"
    RESCHEDULED = "rescheduled"


def asking(officer: User, now: datetime, *, always: bool = False) -> Asking:
    """Where the officer stands today. `always`: the level asks before the first stop too (LevelRules.by_asking)."""
    trip = _of_the_trip(officer, now)
    newest = _newest_of(officer, trip)
    if newest is not None and newest.answer is StopAnswer.RESCHEDULED:
        return Asking.RESCHEDULED
    handed_over = _last_handover_of(officer, trip)
    if newest is None or (handed_over is not None and newest.asked_at < handed_over):
        return Asking.MUST_ASK if handed_over is not None or always else Asking.FREE
    return Asking.WAITING if newest.answer is None else Asking.GO


def asking_of_mates(reader: User, lead: User, now: datetime) -> Asking | None:
    """Where a third officer of the reader's team stands who is to ask, waits or was told to turn back; else None."""
    since = datetime.combine(local_day(now), time(), PROGRAMME_ZONE)
    for mate in db.session.scalars(_active_mates(reader, lead, since)):
        stands = asking(mate, now)
        if stands not in (Asking.FREE, Asking.GO):
            return stands
    return None


def told_to_turn_back(officer_ids: Collection[int], now: datetime) -> set[int]:
    """Which of these officers `asking` calls rescheduled, in two statements."""
    start, end = _today(now)
    if not officer_ids:
        return set()
    out = db.session.execute(_still_out(officer_ids).group_by(Run.officer_id).order_by(Run.officer_id))
    left = {officer_id: left_at for officer_id, left_at in out if left_at is not None}
    starts = {one: min(start, left.get(one, start)) for one in officer_ids}
    asked = select(StopRequest).where(
        StopRequest.officer_id.in_(officer_ids),
        StopRequest.asked_at >= min(starts.values()),
        StopRequest.asked_at < end,
    )
    newest = {
        one.officer_id: one.answer
        for one in db.session.scalars(asked.order_by(StopRequest.id))
        if one.asked_at >= starts[one.officer_id]
    }
    return {officer_id for officer_id, answer in newest.items() if answer is StopAnswer.RESCHEDULED}


def run_out(officer: User) -> Run | None:
    """The run on the road that the officer leads."""
    found = select(Run).where(Run.officer_id == officer.id, Run.state == RunState.OUT)
    return db.session.scalars(found.order_by(Run.id.desc()).limit(1)).first()


def open_requests(now: datetime) -> Sequence[StopRequest]:
    """Questions of today or of a run still out that have no answer, the oldest first, with the officer and the run."""
    people = (joinedload(StopRequest.officer), joinedload(StopRequest.run))
    found = select(StopRequest).options(*people).outerjoin(Run, Run.id == StopRequest.run_id).where(STILL_OPEN)
    found = found.where((StopRequest.asked_at >= _today(now)[0]) | (Run.state == RunState.OUT))
    return db.session.scalars(found.order_by(StopRequest.id).limit(MOST_REQUESTS)).all()


def open_request_of(officer: User, now: datetime) -> StopRequest | None:
    """The officer's question of this trip without an answer."""
    found = select(StopRequest).where(
        StopRequest.officer_id == officer.id, STILL_OPEN, StopRequest.asked_at >= trip_began(officer, now)
    )
    return db.session.scalar(found.order_by(StopRequest.id))


def get_request(request_id: int) -> StopRequest:
    """A question for the next stop; NotFound otherwise."""
    return get_or_refuse(StopRequest, request_id)


def asks_with(reader: User, request: StopRequest) -> bool:
    """Whether the reader is of the team that asks: of its run's team then or now, or of the officer's team now."""
    now_of = select(TeamMember.team_id).where(TeamMember.user_id == request.officer_id, TeamMember.left_at.is_(None))
    of_run = select(Run.team_id).where(Run.id == request.run_id)
    place = select(TeamMember.id).where(
        TeamMember.user_id == reader.id,
        TeamMember.team_id.in_(of_run) | (TeamMember.team_id.in_(now_of) & TeamMember.left_at.is_(None)),
    )
    return db.session.scalar(place.limit(1)) is not None


def _active_mates(reader: User, lead: User, since: datetime) -> Select[User]:
    """Who of the reader's team handed over or asked since then, the reader and the lead aside."""
    teams = select(TeamMember.team_id).where(TeamMember.user_id == reader.id, TeamMember.left_at.is_(None))
    members = select(TeamMember.user_id).where(TeamMember.team_id.in_(teams), TeamMember.left_at.is_(None))
    handed_over = select(Delivery.officer_id).where(Delivery.confirmed_at >= since, Delivery.officer_id.is_not(None))
    asked = select(StopRequest.officer_id).where(StopRequest.asked_at >= since)
    return (
        select(User)
        .where(User.id.in_(members), User.id.not_in((reader.id, lead.id)),
               or_(User.id.in_(handed_over), User.id.in_(asked)))
        .order_by(User.id)
    )  # fmt: skip


def trip_began(officer: User, now: datetime) -> datetime:
    """From when on questions count: today's midnight, or when the trip left that is still out."""
    return _of_the_trip(officer, now)[0]


def _newest_of(officer: User, trip: tuple[datetime, datetime]) -> StopRequest | None:
    start, end = trip
    found = select(StopRequest).where(
        StopRequest.officer_id == officer.id, StopRequest.asked_at >= start, StopRequest.asked_at < end
    )
    return db.session.scalars(found.order_by(StopRequest.id.desc()).limit(1)).first()


def _last_handover_of(officer: User, trip: tuple[datetime, datetime]) -> datetime | None:
    start, end = trip
    found = select(func.max(Delivery.confirmed_at)).where(
        Delivery.officer_id == officer.id, Delivery.confirmed_at >= start, Delivery.confirmed_at < end
    )
    return db.session.scalar(found)


def _of_the_trip(officer: User, now: datetime) -> tuple[datetime, datetime]:
    """Today; from its departure on while a trip that left before midnight still has something to hand over."""
    start, end = _today(now)
    left_at = db.session.scalar(_still_out([officer.id]).with_only_columns(func.min(Run.dispatched_at)))
    return min(start, left_at) if left_at is not None else start, end


def _today(now: datetime) -> tuple[datetime, datetime]:
    """The local day; what happened in the last hours before midnight still counts just after it."""
    start = datetime.combine(local_day(now), time(), PROGRAMME_ZONE)
    return min(start, now - OVER_MIDNIGHT), start + timedelta(days=1)


def _still_out(officer_ids: Collection[int]) -> Select[int, datetime | None]:
    found = select(Run.officer_id, func.min(Run.dispatched_at)).join(Delivery, Delivery.run_id == Run.id)
    return found.where(Run.officer_id.in_(officer_ids), Run.state == RunState.OUT, Delivery.state.in_(TO_HAND_OVER))
