"""Many at once after the road: exactly as many get through as the protocol allows."""

import threading
from collections import Counter
from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.orm.attributes import set_committed_value

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.attachments import CleanFile
from grants.core import journal
from grants.core.clock import utcnow
from grants.core.db import db, get_or_refuse
from grants.delivery import queries, services
from grants.delivery.models import Delivery, DeliveryEvent, DeliveryState, DisputeOutcome, Duty, DutyHeld, Reason, Visit
from grants.delivery.queries import goods
from grants.delivery.services import photos, stock
from grants.delivery.services.photos import MOST_PHOTOS
from tests.factories.access import make_user
from tests.factories.delivery import make_carried, make_confirmed
from tests.factories.goods import make_item, make_lot
from tests.factories.outcomes import ALL_WELL, keeper, make_dispute, make_returning, make_visit, sign_return, whole
from tests.grants.delivery.test_races import THREADS, together

pytestmark = pytest.mark.no_rollback
S = DeliveryState


class Everybody:
    """Each thread acts as another person."""

    def __init__(self, role: Role, step: Callable[[User], object]) -> None:
        self._left = iter([make_user(role).id for _n in range(THREADS)])
        self._lock, self._step = threading.Lock(), step

    def act(self) -> None:
        with self._lock:
            user_id = next(self._left)
        self._step(get_or_refuse(User, user_id))


def at_once(app: Flask, role: Role, step: Callable[[User], object]) -> Counter[str]:
    work = Everybody(role, step)
    db.session.commit()
    db.session.remove()
    return together(app, work)  # type: ignore[arg-type]


def duties(delivery_id: int, duty: Duty) -> int:
    held = select(func.count()).select_from(DutyHeld)
    return db.session.scalar(held.where(DutyHeld.delivery_id == delivery_id, DutyHeld.duty == duty)) or 0


def events(delivery_id: int, to: DeliveryState) -> int:
    found = select(func.count()).select_from(DeliveryEvent)
    return db.session.scalar(found.where(DeliveryEvent.delivery_id == delivery_id, DeliveryEvent.to_state == to)) or 0


ONE = Counter(done=1, refused=THREADS - 1)


def test_of_twenty_at_once_one_proposes_and_one_decides(real_app: Flask) -> None:
    dispute = make_dispute(make_confirmed())
    dispute_id, delivery_id = dispute.id, dispute.delivery_id

    def propose(by: User) -> None:
        found = queries.get_dispute(dispute_id)
        set_committed_value(found, "proposal", 0)  # what everybody had read before the first was written
        services.propose(found, outcome=DisputeOutcome.RECONCILED, answer="Sí", by=by, now=utcnow())

    def sign(by: User) -> None:
        services.sign(queries.get_dispute(dispute_id), proposal=1, by=by, now=utcnow())

    assert at_once(real_app, Role.COORDINATOR, propose) == ONE
    assert at_once(real_app, Role.DIRECTOR, sign) == ONE
    assert get_or_refuse(Delivery, delivery_id).state is S.RECONCILED
    assert (duties(delivery_id, Duty.RECONCILE), events(delivery_id, S.RECONCILED)) == (2, 1)
    assert journal.verify().holds


def test_of_twenty_at_once_one_reconciles_one_signs_a_return_and_one_visits(real_app: Flask) -> None:
    delivery_id = make_confirmed().delivery.id
    returning = make_returning().delivery
    services.count_back(returning, whole(returning), reason=Reason.OTHER, by=keeper(), now=utcnow())
    returning_id, visit_id = returning.id, make_visit(make_confirmed()).id

    def reconcile(by: User) -> None:
        services.reconcile(queries.get_to_compare(delivery_id), by=by, now=utcnow())

    def sign(by: User) -> None:
        sign_return(queries.get_delivery(returning_id), by=by, now=utcnow())

    def visit(by: User) -> None:
        services.answer(queries.get_visit(visit_id), ALL_WELL, by=by, now=utcnow())

    assert at_once(real_app, Role.COORDINATOR, reconcile) == ONE
    assert at_once(real_app, Role.WAREHOUSE, sign) == ONE
    assert at_once(real_app, Role.MONITORING, visit) == ONE
    assert (duties(delivery_id, Duty.RECONCILE), events(delivery_id, S.RECONCILED)) == (1, 1)
    assert (get_or_refuse(Delivery, returning_id).state, events(returning_id, S.RETURNED)) == (S.RETURNED, 1)
    visited = get_or_refuse(Visit, visit_id)
    assert (duties(visited.delivery_id, Duty.MONITOR), visited.answers) == (1, ALL_WELL)
    assert journal.verify().holds


def test_of_twenty_at_once_a_lot_of_three_takes_three_devices(real_app: Flask) -> None:
    lot_id = make_lot(make_item(needs_serial=True), 3).id

    def register(by: User) -> None:
        stock.register_devices(goods.get_lot(lot_id), [(f"SN-{by.id}", "")], by=by, now=utcnow())

    assert at_once(real_app, Role.WAREHOUSE, register) == Counter(done=3, refused=THREADS - 3)
    assert len(goods.devices_of(goods.get_lot(lot_id))) == 3


def test_of_twenty_at_once_three_photos_are_kept(real_app: Flask) -> None:
    carried = make_carried()
    delivery_id, officer_id = carried.delivery.id, carried.officer.id

    def add(by: User) -> None:
        file = CleanFile("kit.jpg", "image/jpeg", f"{by.id}".encode())
        photos.add_photo(
            queries.get_delivery(delivery_id), file, name=f"{by.id:064d}", by=get_or_refuse(User, officer_id),
            now=utcnow(),
        )  # fmt: skip

    assert at_once(real_app, Role.OFFICER, add) == Counter(done=MOST_PHOTOS, refused=THREADS - MOST_PHOTOS)
