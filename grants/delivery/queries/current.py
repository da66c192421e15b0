"""What holds now for several deliveries at once, in as many statements with one as with many."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select

from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.core.crypto import lookup_hash
from grants.core.db import db
from grants.delivery.levels import LevelRules
from grants.delivery.models import (
    Delivery,
    DeliveryNotice,
    DeliveryState,
    NoticeKind,
    RiskSnapshot,
)
from grants.delivery.queries.permits import without_way
from grants.delivery.queries.risk import levels_of, newest_snapshots, protocol_in_force
from grants.delivery.queries.stops import told_to_turn_back

Levels = Mapping[int, LevelRules]


def levels_in_force() -> dict[int, LevelRules]:
    """What each level asks for now."""
    return levels_of(protocol_in_force())


def standing_ones(deliveries: Iterable[Delivery], now: datetime) -> set[int]:
    """Ids of those whose stop stands: somebody goes there, and the person may come.

    They may go on, and their team was not told to turn back.
    """
    found = list(deliveries)
    turned_back = told_to_turn_back({one.officer_id for one in found if one.officer_id is not None}, now)
    left = [one for one in found if not (one.officer_id in turned_back and _is_of_today(one, now))]
    return may_go_on(left, now, levels_in_force())


def may_go_on(deliveries: Collection[Delivery], now: datetime, levels: Levels) -> set[int]:
    """Ids of those that may go on: the canton's snapshot is live and no worse than their own level, they have a way
    under it, no curfew meets their window, and their person was not told to stay away.

    Who was told so does not come any more, whatever is known later.
    """
    if not deliveries:
        return set()
    snapshots = newest_snapshots({one.canton_code for one in deliveries})
    stays = called_off(deliveries) | {one.id for one in without_way(deliveries, snapshots, levels)}
    return {one.id for one in deliveries if one.id not in stays and is_let(one, snapshots.get(one.canton_code), now)}


def called_off(deliveries: Collection[Delivery]) -> set[int]:
    """Ids of those whose person was told that the stop they have now does not take place."""
    told = select(DeliveryNotice.delivery_id, DeliveryNotice.stop_key).where(
        DeliveryNotice.delivery_id.in_([one.id for one in deliveries]), DeliveryNotice.kind == NoticeKind.RESCHEDULED
    )
    keys = {(delivery_id, bytes(key)) for delivery_id, key in db.session.execute(told)}
    return {one.id for one in deliveries if any((one.id, key) in keys for key in stop_keys(one))}


def stop_key(delivery: Delivery) -> bytes:
    """Tells one stop of a delivery from another, of another run too, without saying where or when."""
    return lookup_hash("stop", f"{_stop(delivery)}|{delivery.run_id}")


def stop_keys(delivery: Delivery) -> Sequence[bytes]:
    """Under which a notice of this stop may be kept: earlier releases left the run out."""
    return stop_key(delivery), lookup_hash("stop", _stop(delivery))


def _stop(delivery: Delivery) -> str:
    return f"{delivery.id}|{delivery.scheduled_for}|{delivery.window_until}|{delivery.place}"


def is_let(delivery: Delivery, snapshot: RiskSnapshot | None, now: datetime) -> bool:
    """Whether the canton's newest snapshot is live, no worse than when it was cleared, with no curfew in its window."""
    if snapshot is None or not snapshot.is_live(now) or snapshot.level > (delivery.level or 0):
        return False
    start, end = delivery.stop_at, delivery.window_ends_at
    if start is None or end is None:
        return True
    return not snapshot.touches_curfew(*(moment.astimezone(PROGRAMME_ZONE).time() for moment in (start, end)))


def _is_of_today(delivery: Delivery, now: datetime) -> bool:
    """On the trip that was ended, or on a later one of that day: the team's page shows it neither."""
    on_the_way = delivery.state is DeliveryState.IN_TRANSIT
    return on_the_way or (delivery.stop_at is not None and local_day(delivery.stop_at) == local_day(now))
