"""Which beneficiaries are to be told of a stop, and who must be told in person."""

from collections.abc import Iterable, Sequence
from datetime import date

from sqlalchemy import ColumnElement, exists, or_, select
from sqlalchemy.orm import joinedload
from sqlalchemy.sql.base import ExecutableOption

from grants.core.db import Page, db, keyset_page, one_or_refuse
from grants.core.outbox import MessageState, OutboxMessage
from grants.delivery.models import Delivery, DeliveryEvent, DeliveryNotice, DeliveryState, NoticeKind
from grants.delivery.queries.deliveries import plausible
from grants.people.models import ContactKind, Person

S = DeliveryState
# Somebody still goes to the stop.
STANDING = (S.SCHEDULED, S.IN_TRANSIT)
# The stop does not take place as told.
FALLEN = (S.CLEARED, S.HELD, S.CANCELLED, S.SEIZED, S.RETURNING, S.RETURNED)
PHONES = (ContactKind.PHONE, ContactKind.WHATSAPP)


def standing_deliveries() -> Sequence[Delivery]:
    """Deliveries with a stop to come, with the person's ways of contact."""
    found = select(Delivery).where(Delivery.state.in_(STANDING), Delivery.scheduled_for_sealed.is_not(None))
    return db.session.scalars(found.options(*_with_person()).order_by(Delivery.id)).all()


def notices_of(delivery_ids: Iterable[int]) -> set[tuple[int, NoticeKind, bytes]]:
    """What was told already: delivery, kind and stop."""
    found = select(DeliveryNotice.delivery_id, DeliveryNotice.kind, DeliveryNotice.stop_key)
    rows = db.session.execute(found.where(DeliveryNotice.delivery_id.in_(list(delivery_ids))))
    return {(delivery_id, kind, stop_key) for delivery_id, kind, stop_key in rows.tuples()}


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
        .options(joinedload(DeliveryNotice.delivery).options(*_with_person()))
        .where(
            DeliveryNotice.kind != NoticeKind.RESCHEDULED, Delivery.state.in_((*STANDING, *FALLEN)), ~again, ~reached
        )
    )
    return db.session.scalars(found.order_by(DeliveryNotice.id)).all()


def to_tell_in_person(*, after: str | None = None) -> Page[DeliveryNotice]:
    """A page of notices that no message carries, the oldest first, with delivery, canton and the person's folio."""
    found = select(DeliveryNotice).options(
        joinedload(DeliveryNotice.delivery).options(
            joinedload(Delivery.canton), joinedload(Delivery.person).load_only(Person.folio)
        )
    )
    waiting = found.join(Delivery, Delivery.id == DeliveryNotice.delivery_id).where(_left_to_tell())
    return keyset_page(waiting, DeliveryNotice.id, DeliveryNotice.id, after=after)


def get_to_tell(notice_id: int) -> DeliveryNotice:
    """A notice that waits to be told in person, with delivery and person; NotFound once it is told or no longer true."""
    found = (
        select(DeliveryNotice)
        .join(Delivery, Delivery.id == DeliveryNotice.delivery_id)
        .options(
            joinedload(DeliveryNotice.delivery).options(
                joinedload(Delivery.canton), joinedload(Delivery.person).selectinload(Person.contact_points)
            )
        )
    )
    return one_or_refuse(found.where(DeliveryNotice.id == plausible(notice_id), _left_to_tell()))


def reachable_at(person: Person, day: date, kinds: Iterable[ContactKind]) -> str | None:
    """The newest checked way of contact that is the person's own and safe to use; None when they must be told."""
    usable = frozenset(kinds)
    for point in reversed(person.contact_points):
        if point.kind in usable and point.is_fresh_on(day) and point.safe_to_call and not point.owner:
            return point.value
    return None


def _left_to_tell() -> ColumnElement[bool]:
    failed = exists().where(OutboxMessage.id == DeliveryNotice.message_id, OutboxMessage.state == MessageState.FAILED)
    still_true = or_(DeliveryNotice.kind == NoticeKind.RESCHEDULED, Delivery.state.in_(STANDING))
    return DeliveryNotice.told_at.is_(None) & or_(DeliveryNotice.message_id.is_(None), failed) & still_true


def _with_person() -> tuple[ExecutableOption, ...]:
    return (joinedload(Delivery.canton), joinedload(Delivery.person).selectinload(Person.contact_points))
