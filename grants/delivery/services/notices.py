"""What a beneficiary learns of their stop, each thing once and at its time (§2). Neutral words: no goods, no name."""

from collections.abc import Iterable
from datetime import datetime

from babel.dates import format_date, format_time
from flask_babel import force_locale, gettext
from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal, outbox
from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.core.outbox import MessageState, OutboxMessage
from grants.delivery.disclosure import due_notice
from grants.delivery.levels import HIGHEST
from grants.delivery.models import Delivery, DeliveryNotice, NoticeKind
from grants.delivery.queries import notices
from grants.delivery.queries.current import levels_in_force, standing_ones, stop_key, stop_keys
from grants.people.models import ContactKind

BY_MAIL, BY_PHONE = "stop_notice", "stop_notice_phone"  # kinds of messages; phones are kept in E.164
LANGUAGES = ("es", "en")
LOCALES = {"es": "es_EC", "en": "en_US"}
DAYS = {"es": "EEEE d 'de' MMMM", "en": "EEEE d MMMM"}


def due_now(now: datetime) -> list[tuple[Delivery, NoticeKind]]:
    """What is to be told at this moment. Nothing of a stop that does not stand."""
    ahead = notices.standing_deliveries()
    levels, standing = levels_in_force(), standing_ones(ahead, now)
    told = notices.notices_of(one.id for one in ahead)
    due = []
    for one in ahead:
        start, end = one.stop_at, one.window_ends_at
        if one.id not in standing or start is None:
            continue
        kind = due_notice(levels[one.level or HIGHEST], start, end or start, now)
        if kind is not None and not any((one.id, kind, key) in told for key in stop_keys(one)):
            due.append((one, kind))
    return due


def no_longer_true(now: datetime) -> list[DeliveryNotice]:
    """What was told of stops that were changed since, or do not stand any more, one of each stop."""
    told = notices.told_and_not_reached()
    standing = standing_ones({one.delivery for one in told if one.delivery.state in notices.STANDING}, now)
    fallen = {(one.delivery_id, bytes(one.stop_key)): one for one in told if notices.has_fallen(one, standing, now)}
    return list(fallen.values())


def tell(delivery: Delivery, kind: NoticeKind, *, kinds: Iterable[ContactKind], now: datetime) -> bool:
    """Put what is due into the outbox, or on the list of those to be told in person; whether this call did it.

    The delivery is claimed as it was read: one that was held, moved or changed meanwhile is told of nothing.
    """
    claimed = db.session.execute(
        update(Delivery)
        .where(
            Delivery.id == delivery.id,
            Delivery.state.in_(notices.STANDING),
            Delivery.scheduled_for_sealed == delivery.scheduled_for_sealed,  # type: ignore[attr-defined]
            Delivery.place_sealed == delivery.place_sealed,  # type: ignore[attr-defined]
        )
        .values(approvals=Delivery.approvals)
        .execution_options(synchronize_session=False)
    )
    return rows_hit(claimed) == 1 and _write(delivery, kind, stop_key(delivery), kinds=kinds, now=now)


def call_off(told: DeliveryNotice, *, kinds: Iterable[ContactKind], now: datetime) -> bool:
    """Say that a stop that was told of does not take place; not why, and not when it will.

    What waits to be sent of it is ended first: nobody reads where to go after "do not go".
    """
    _end_unsent(told)
    return _write(told.delivery, NoticeKind.RESCHEDULED, bytes(told.stop_key), kinds=kinds, now=now)


def words_of(delivery: Delivery, kind: NoticeKind) -> str:
    """What the person reads or hears, in their language."""
    spoken = delivery.person.language
    language = spoken if spoken in LANGUAGES else LANGUAGES[0]
    with force_locale(language):
        return _words(delivery, kind, language)


def note_told(notice: DeliveryNotice, *, by: User, now: datetime) -> None:
    """Somebody told the person, through the community's leader."""
    told = db.session.execute(
        update(DeliveryNotice)
        .where(DeliveryNotice.id == notice.id, DeliveryNotice.told_at.is_(None))
        .values(told_at=now, told_by_id=by.id)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(told) != 1:
        raise RuleBroken(_("Somebody has told them already."))
    journal.record(by, "notice.told", notice, at=now, delivery_id=notice.delivery_id)


def note_opened(notice: DeliveryNotice, *, by: User, now: datetime) -> None:
    """Somebody opened the words that hold the place."""
    journal.record(by, "notice.seen", notice, at=now, delivery_id=notice.delivery_id)


def _write(delivery: Delivery, kind: NoticeKind, key: bytes, *, kinds: Iterable[ContactKind], now: datetime) -> bool:
    notice = DeliveryNotice(delivery_id=delivery.id, kind=kind, stop_key=key, made_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(notice)
    except IntegrityError:
        return False
    address = notices.reachable_at(delivery.person, local_day(now), kinds)
    if address is not None:
        notice.message = _message(address, delivery, notice, now=now)
    db.session.flush()
    journal.record(None, "notice.made", notice, at=now, delivery_id=delivery.id, in_person=address is None)
    return True


def _message(address: str, delivery: Delivery, notice: DeliveryNotice, *, now: datetime) -> OutboxMessage:
    """By mail or by phone. The subject is the notice's number, by which it is asked once more whether it is true."""
    channel = BY_PHONE if address.startswith("+") else BY_MAIL
    body = words_of(delivery, notice.kind)
    return outbox.add(channel, address=address, subject=str(notice.id), body=body, now=now)


def _end_unsent(told: DeliveryNotice) -> None:
    of_stop = select(DeliveryNotice.message_id).where(
        DeliveryNotice.delivery_id == told.delivery_id,
        DeliveryNotice.stop_key == told.stop_key,
        DeliveryNotice.kind != NoticeKind.RESCHEDULED,
    )
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(of_stop), OutboxMessage.state == MessageState.WAITING)
        .values(state=MessageState.FAILED)
        .execution_options(synchronize_session=False)
    )


def _words(delivery: Delivery, kind: NoticeKind, language: str) -> str:
    if kind is NoticeKind.RESCHEDULED or delivery.stop_at is None:
        return str(gettext("Semilla: your appointment is rescheduled. Do not go. We will tell you the new day."))
    start = delivery.stop_at.astimezone(PROGRAMME_ZONE)
    end = (delivery.window_ends_at or delivery.stop_at).astimezone(PROGRAMME_ZONE)
    locale = LOCALES[language]
    day = format_date(start, DAYS[language], locale=locale)
    if kind is NoticeKind.ZONE:
        return str(gettext("Semilla: your appointment is on %(day)s in the canton %(canton)s. We will tell you the "
                           "place later. Tell nobody.", day=day, canton=delivery.canton.name))  # fmt: skip
    begins, ends = (format_time(one, "HH:mm", locale=locale) for one in (start, end))
    return str(gettext("Semilla: your appointment is on %(day)s, from %(start)s to %(end)s. Place: %(place)s. "
                       "Tell nobody.", day=day, start=begins, end=ends, place=delivery.place or ""))  # fmt: skip
