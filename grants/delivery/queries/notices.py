"""Which beneficiaries are to be told of a stop, and who must be told in person."""

from collections.abc import Collection, Iterable, Sequence
from datetime import date, datetime

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import Load, joinedload
from sqlalchemy.orm.strategy_options import _AbstractLoad

from grants.core.db import Page, db, keyset_page, one_or_refuse, plausible
from grants.core.errors import NotFound
from grants.core.outbox import MessageState, OutboxMessage
from grants.delivery.models import Delivery, DeliveryEvent, DeliveryNotice, DeliveryState, NoticeKind
from grants.delivery.queries.current import standing_ones, stop_key, stop_keys
from grants.people.models import ContactKind, Person

S = DeliveryState
# Somebody still goes to the stop.
STANDING = (S.SCHEDULED, S.IN_TRANSIT)
# The stop does not take place as told.
FALLEN = (S.CLEARED, S.HELD, S.CANCELLED, S.SEIZED, S.RETURNING, S.RETURNED)

__all__ = ["FALLEN", "STANDING", "get_to_tell", "has_fallen", "is_true", "notices_of", "reachable_at",
           "standing_deliveries", "stop_key", "stop_keys", "to_tell_in_person", "told_and_not_reached"]  # fmt: skip


def standing_deliveries() -> Sequence[Delivery]:
    """Deliveries with a stop to come, with the person's ways of contact."""
    found = select(Delivery).where(Delivery.state.in_(STANDING), Delivery.run_id.is_not(None))
    return db.session.scalars(found.options(*_with_person(Load(Delivery))).order_by(Delivery.id)).all()


def notices_of(delivery_ids: Iterable[int]) -> set[tuple[int, NoticeKind, bytes]]:
    """What was told already: delivery, kind and stop."""
    found = select(DeliveryNotice.delivery_id, DeliveryNotice.kind, DeliveryNotice.stop_key)
    rows = db.session.execute(found.where(DeliveryNotice.delivery_id.in_(list(delivery_ids))))
    return {(delivery_id, kind, stop_key) for delivery_id, kind, stop_key in rows}


def told_and_not_reached() -> Sequence[DeliveryNotice]:
    """What was told of stops that nobody was at yet and that are not called off so far, with delivery and person."""
    called_off = (
        select(DeliveryNotice.id)
        .where(DeliveryNotice.kind == NoticeKind.RESCHEDULED)
        .correlate(None)
        .with_only_columns(DeliveryNotice.delivery_id, DeliveryNotice.stop_key)
        .subquery()
    )
    again = exists().where(
        called_off.c.delivery_id == DeliveryNotice.delivery_id, called_off.c.stop_key == DeliveryNotice.stop_key
    )
    reached = exists().where(
        DeliveryEvent.delivery_id == DeliveryNotice.delivery_id,
        DeliveryEvent.to_state == S.AT_POINT,
        DeliveryEvent.at >= DeliveryNotice.made_at,
    )
    found = (
        select(DeliveryNotice)
        .join(Delivery, Delivery.id == DeliveryNotice.delivery_id)
        .options(*_with_person(joinedload(DeliveryNotice.delivery)))
        .where(
            DeliveryNotice.kind != NoticeKind.RESCHEDULED, Delivery.state.in_((*STANDING, *FALLEN)), ~again, ~reached
        )
    )
    return db.session.scalars(found.order_by(DeliveryNotice.id)).all()


def to_tell_in_person(now: datetime, *, after: str | None = None) -> Page[DeliveryNotice]:
    """A page of notices that no message carries and that are still true, the oldest first, with delivery and canton."""
    page = keyset_page(_left_to_tell(), DeliveryNotice.id, DeliveryNotice.id, after=after)
    return Page(_still_true(page.items, now), page.next_after)


def get_to_tell(notice_id: int, now: datetime) -> DeliveryNotice:
    """A notice that waits to be told in person; NotFound once it is told or no longer true."""
    notice = one_or_refuse(_left_to_tell().where(DeliveryNotice.id == plausible(notice_id)))
    if not _still_true([notice], now):
        raise NotFound
    return notice


def has_fallen(told: DeliveryNotice, standing: Collection[int], now: datetime) -> bool:
    """Whether what was told of no longer takes place. `standing`: deliveries whose stop stands."""
    delivery = told.delivery
    if delivery.state in FALLEN or bytes(told.stop_key) not in stop_keys(delivery):
        return True
    return delivery.id not in standing and not is_over(delivery, now)


def is_true(notice_id: int, now: datetime) -> bool:
    """Whether a notice that was put in the outbox is still to be sent. The officer may be there already, waiting."""
    whole = select(DeliveryNotice).options(joinedload(DeliveryNotice.delivery)).where(DeliveryNotice.id == notice_id)
    notice = db.session.scalar(whole.execution_options(populate_existing=True))
    return notice is not None and bool(_still_true([notice], now, (*STANDING, S.AT_POINT)))


def reachable_at(person: Person, day: date, kinds: Iterable[ContactKind]) -> str | None:
    """The newest checked way of contact that is the person's own and safe to use; None when they must be told."""
    usable = frozenset(kinds)
    for point in reversed(person.contact_points):
        if point.kind in usable and point.is_fresh_on(day) and point.safe_to_call and not point.owner:
            return point.value
    return None


def _left_to_tell() -> Select[DeliveryNotice]:
    failed = exists().where(OutboxMessage.id == DeliveryNotice.message_id, OutboxMessage.state == MessageState.FAILED)
    return (
        select(DeliveryNotice)
        .options(*_with_person(joinedload(DeliveryNotice.delivery)))
        .where(DeliveryNotice.told_at.is_(None), or_(DeliveryNotice.message_id.is_(None), failed))
    )


def _still_true(
    waiting: Sequence[DeliveryNotice], now: datetime, states: Collection[DeliveryState] = STANDING
) -> list[DeliveryNotice]:
    """Without those whose stop is over, was changed, called off or reached, or does not stand."""
    ahead = [one.delivery for one in waiting if one.delivery.state in states and not is_over(one.delivery, now)]
    standing = standing_ones(ahead, now)
    return [
        one
        for one in waiting
        if one.kind is NoticeKind.RESCHEDULED
        or (one.delivery_id in standing and bytes(one.stop_key) in stop_keys(one.delivery))
    ]


def is_over(delivery: Delivery, now: datetime) -> bool:
    """Whether nobody waits at the stop any more."""
    return delivery.window_ends_at is None or delivery.window_ends_at < now


def _with_person(delivery: _AbstractLoad) -> tuple[_AbstractLoad, ...]:
    """The canton, and the person with all ways of contact, loaded with a delivery."""
    people = delivery.joinedload(Delivery.person)
    return delivery.joinedload(Delivery.canton), people.selectinload(Person.contact_points)
