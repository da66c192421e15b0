"""What the security desk's page and tool ask: boxes that wait, the worker's beat, the channels, drills."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.core.clock import local_day
from grants.core.db import Page, db, keyset_page, one_or_refuse
from grants.core.jobs import URGENT
from grants.core.outbox import MessageState, OutboxMessage
from grants.delivery.models import (
    ON_THE_ROAD,
    Delivery,
    DeliveryState,
    Drill,
    DrillDelivery,
    Incident,
    IncidentKind,
    IncidentState,
    MissedCheckIn,
    RiskSnapshot,
    Signal,
    Urgency,
    WorkerBeat,
)
from grants.delivery.queries.risk import newest_snapshots

MOST_SIGNALS = 200
HANDOVER, FOR_THE_DESK = "handover", "desk"  # kinds of messages
ALERT_KINDS = (HANDOVER, FOR_THE_DESK)
ALERTS = "alerts"  # the name of the beat of the job that escalates
LATE = timedelta(minutes=3)
STUCK = timedelta(minutes=5)
GIVEN_UP_LATELY = timedelta(days=7)
UNDER_RISK = (DeliveryState.SEALED, DeliveryState.CLEARED, DeliveryState.SCHEDULED, DeliveryState.HELD, *ON_THE_ROAD)
DRILL_EVERY = timedelta(days=31)
Danger = Incident | MissedCheckIn


@dataclass(frozen=True, slots=True)
class Waiting:
    """Signals that nobody acknowledged: how many, and since when."""

    count: int
    oldest: datetime | None


@dataclass(frozen=True, slots=True)
class Area:
    """A canton and the level that holds there now."""

    code: str
    level: int | None
    expires_at: datetime | None


def signals_page(*, after_id: int = 0, waiting: bool = False) -> Sequence[Signal]:
    """Boxes in the order of their numbers, at most MOST_SIGNALS; only those not yet acknowledged when `waiting`."""
    found = select(Signal).where(Signal.id > after_id)
    if waiting:
        found = found.where(Signal.acknowledged_at.is_(None))
    return db.session.scalars(found.order_by(Signal.id).limit(MOST_SIGNALS)).all()


def signals_waiting() -> Waiting:
    """How many signals wait to be acknowledged."""
    found = select(func.count(), func.min(Signal.created_at)).where(Signal.acknowledged_at.is_(None))
    count, oldest = db.session.execute(found).one()
    return Waiting(count, oldest)


def signals_overdue(before: datetime) -> Sequence[Signal]:
    """Signals from before a moment that were neither acknowledged nor escalated, by number."""
    found = select(Signal).where(
        Signal.acknowledged_at.is_(None), Signal.escalated_at.is_(None), Signal.created_at <= before
    )
    return db.session.scalars(found.order_by(Signal.id).limit(MOST_SIGNALS)).all()


def dangers_untold() -> list[Danger]:
    """Incidents that cannot wait and check-ins that did not come, open still, of which the desk was not told."""
    incidents = select(Incident).where(_cannot_wait(), Incident.desk_told_at.is_(None))
    cases = select(MissedCheckIn).where(MissedCheckIn.closed_at.is_(None), MissedCheckIn.desk_told_at.is_(None))
    return _dangers(incidents, cases)


def dangers_unanswered(before: datetime) -> list[Danger]:
    """Of which the desk was told before a moment, without a step or an end since, and nobody else so far."""
    incidents = select(Incident).where(
        _cannot_wait(), Incident.desk_told_at <= before, Incident.entries_written == 0, Incident.escalated_at.is_(None)
    )
    cases = select(MissedCheckIn).where(
        MissedCheckIn.closed_at.is_(None), MissedCheckIn.desk_told_at <= before, MissedCheckIn.escalated_at.is_(None)
    )
    return _dangers(incidents, cases)


def areas(now: datetime) -> list[Area]:
    """Cantons with kits on their way, by code, and the risk level that holds there; none where nothing current is."""
    on_their_way = select(Delivery.canton_code).where(Delivery.state.in_(UNDER_RISK)).distinct()
    known = newest_snapshots()
    codes = db.session.scalars(on_their_way.order_by(Delivery.canton_code)).all()
    return [_area(code, known.get(code), now) for code in codes]


def last_beat(name: str) -> datetime | None:
    """When the timed job last ran to its end."""
    return db.session.scalar(select(WorkerBeat.at).where(WorkerBeat.name == name))


def beat_is_late(beat: datetime | None, now: datetime) -> bool:
    """The worker runs every minute: after three it is not running."""
    return beat is None or now - beat > LATE


def worker_beat() -> datetime | None:
    """When the worker last did both: called the next person, and sent messages. None where one was never done."""
    both = select(func.count(), func.min(WorkerBeat.at)).where(WorkerBeat.name.in_((ALERTS, URGENT)))
    count, older = db.session.execute(both).one()
    return older if count == 2 else None


def alerts_stuck(now: datetime) -> bool:
    """Whether a message to the desk has waited for more than five minutes, or was given up in the last seven days."""
    stuck = (OutboxMessage.state == MessageState.WAITING) & (OutboxMessage.created_at < now - STUCK)
    given_up = (OutboxMessage.state == MessageState.FAILED) & (OutboxMessage.created_at > now - GIVEN_UP_LATELY)
    found = select(OutboxMessage.id).where(OutboxMessage.kind.in_(ALERT_KINDS), stuck | given_up)
    return db.session.scalar(found.limit(1)) is not None


def channel_counts() -> dict[MessageState, int]:
    """Messages to the desk that wait to be sent or were given up, by state."""
    found = (
        select(OutboxMessage.state, func.count())
        .where(OutboxMessage.kind.in_(ALERT_KINDS), OutboxMessage.state != MessageState.SENT)
        .group_by(OutboxMessage.state)
        .order_by(OutboxMessage.state)
    )
    return {state: count for state, count in db.session.execute(found)}  # noqa: C416 -- rows are no pairs to mypy


def drills(*, after: str | None = None) -> Page[Drill]:
    """A page of drills, the newest first, with their practice handovers."""
    whole = select(Drill).options(selectinload(Drill.deliveries))
    return keyset_page(whole, Drill.id, Drill.id, after=after, descending=True)


def get_drill(drill_id: int) -> Drill:
    """A drill with its practice handovers and officers; NotFound otherwise."""
    people = selectinload(Drill.deliveries).joinedload(DrillDelivery.officer)
    return one_or_refuse(select(Drill).options(people).where(Drill.id == drill_id))


def signals_of(drill: Drill) -> dict[int, Signal]:
    """The signal of each practice handover that was done, by the number of the practice handover."""
    found = (
        select(Signal)
        .join(DrillDelivery, DrillDelivery.id == Signal.drill_delivery_id)
        .where(DrillDelivery.drill_id == drill.id)
        .order_by(Signal.id)
    )
    return {signal.drill_delivery_id or 0: signal for signal in db.session.scalars(found)}


def practice_of(officer: User, practice_id: int) -> DrillDelivery:
    """This officer's practice handover; any other is NotFound."""
    return one_or_refuse(_practices().where(DrillDelivery.id == practice_id, DrillDelivery.officer_id == officer.id))


def open_practice(officer: User, now: datetime) -> DrillDelivery | None:
    """What this officer may practise now, or None."""
    found = (
        _practices()
        .join(Drill, Drill.id == DrillDelivery.drill_id)
        .where(DrillDelivery.officer_id == officer.id, DrillDelivery.done_at.is_(None), Drill.due_on >= local_day(now))
        .order_by(DrillDelivery.id)
        .limit(1)
    )
    return db.session.scalars(found).first()


def is_drill_overdue(now: datetime) -> bool:
    """No drill was planned in the last 31 days."""
    newest = db.session.scalar(select(func.max(Drill.planned_at)))
    return newest is None or now - newest > DRILL_EVERY


def _area(code: str, newest: RiskSnapshot | None, now: datetime) -> Area:
    if newest is None or not newest.is_live(now):
        return Area(code, None, None)
    return Area(code, newest.level, newest.expires_at)


def _practices() -> Select[DrillDelivery]:
    return select(DrillDelivery).options(joinedload(DrillDelivery.drill))


def _cannot_wait() -> ColumnElement[bool]:
    at_once = or_(Incident.urgency == Urgency.NOW, Incident.kind == IncidentKind.SEIZURE)
    return and_(at_once, Incident.state != IncidentState.CLOSED)


def _dangers(incidents: Select[Incident], cases: Select[MissedCheckIn]) -> list[Danger]:
    found = db.session.scalars(incidents.order_by(Incident.id)).all()
    return [*found, *db.session.scalars(cases.order_by(MissedCheckIn.id))]
