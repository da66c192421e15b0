"""One rule says whether a stop stands: the page, the person, the officer and every service hear the same."""

from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import Delivery, DeliveryState, Reason
from grants.delivery.queries.current import standing_ones
from grants.delivery.services import Codes
from grants.delivery.services.clearance import RESCHEDULED
from tests.factories.access import make_user
from tests.factories.delivery import (
    CHEAP,
    DESK,
    Carried,
    allow_field,
    make_card,
    make_carried,
    make_delivery,
    make_run,
    stop_at,
)
from tests.factories.people import make_canton
from tests.factories.risk import make_hub, take

S = DeliveryState
Step = Callable[[Carried, datetime], None]
MINUTE = timedelta(minutes=1)


def arrive(carried: Carried, now: datetime) -> None:
    services.arrive(carried.delivery, by=carried.officer, now=now)


def confirm(carried: Carried, now: datetime) -> None:
    codes = carried.codes(now)
    services.confirm(carried.delivery, codes, key="k" * 20, desk=DESK, by=carried.officer, now=now)


def charge(carried: Carried, now: datetime) -> None:
    services.charge_attempt(carried.delivery, Codes("", "", ""), now=now)


def give_control_code(carried: Carried, now: datetime) -> None:
    services.give_control_code(carried.delivery, cost=CHEAP, by=make_user(Role.DESK), now=now)


def send_phone_code(carried: Carried, now: datetime) -> None:
    services.send_phone_code(carried.delivery, cost=CHEAP, by=carried.officer, now=now)


def shown_back(carried: Carried, now: datetime) -> list[Delivery]:
    return list(queries.shown_to(carried.officer, now).bring_back)


@pytest.mark.parametrize(
    ("state", "steps"), [(S.IN_TRANSIT, [arrive]), (S.AT_POINT, [confirm, charge, give_control_code])]
)
def test_stop_signed_under_the_snapshot_before_falls_for_everybody(
    app: Flask, state: DeliveryState, steps: list[Step]
) -> None:
    carried, now = make_carried(state, level=3), utcnow()
    kit = carried.delivery
    assert standing_ones([kit], now) == {kit.id}
    assert shown_back(carried, now) == []

    take(kit.canton_code, 3, at=now)  # at the same level; the kit is on the road and is not held by it
    later = now + MINUTE
    db.session.refresh(kit)

    assert kit.state is state
    assert standing_ones([kit], later) == set()
    assert shown_back(carried, later) == [kit]
    for step in steps:
        with pytest.raises(RuleBroken) as refused, db.session.begin_nested():
            step(carried, later)
        assert refused.value.message == RESCHEDULED
    services.turn_back(kit, reason=Reason.RESCHEDULED, by=carried.officer, now=later)
    assert kit.state is S.RETURNING


def test_stop_signed_under_the_new_snapshot_stands_for_everybody(app: Flask) -> None:
    carried, now = make_carried(S.IN_TRANSIT, level=3), utcnow()
    kit = carried.delivery
    allow_field(kit, take(kit.canton_code, 3, at=now), at=now)
    later = now + MINUTE

    assert standing_ones([kit], later) == {kit.id}
    assert shown_back(carried, later) == []
    arrive(carried, later)
    with pytest.raises(RuleBroken), db.session.begin_nested():
        services.turn_back(kit, reason=Reason.RESCHEDULED, by=carried.officer, now=later)
    assert kit.state is S.AT_POINT


@pytest.mark.parametrize(
    ("state", "steps"), [(S.IN_TRANSIT, [arrive]), (S.AT_POINT, [confirm, charge, send_phone_code])]
)
@pytest.mark.parametrize(("hours", "stands"), [((0, 0), False), ((23, 5), False), ((1, 5), True), (None, True)])
def test_curfew_recorded_on_the_way_holds_for_the_services_as_for_the_page(
    app: Flask, state: DeliveryState, steps: list[Step], hours: tuple[int, int] | None, stands: bool
) -> None:
    now = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # 10:00 in Guayaquil; the stop lasts until midnight
    carried = make_carried(state, at=now)
    kit, later = carried.delivery, now + MINUTE
    clocks = {"curfew_from": time(hours[0]), "curfew_until": time(hours[1])} if hours else {}
    take(kit.canton_code, 1, at=now, **clocks)
    db.session.refresh(kit)

    assert (standing_ones([kit], later) == {kit.id}, shown_back(carried, later) == []) == (stands, stands)
    for step in steps:
        refused = None
        nested = db.session.begin_nested()
        try:
            step(carried, later)
        except RuleBroken as error:
            refused = error.message
        nested.rollback()
        assert (refused == RESCHEDULED) is not stands


def move_house(delivery: Delivery) -> None:
    """The person's canton is corrected on their page."""
    delivery.person.canton = make_canton("2101")
    db.session.flush()


def test_delivery_of_a_person_who_moved_is_cancelled_and_planned_again(app: Flask) -> None:
    now, desk, planner = utcnow(), make_user(Role.DESK), make_user(Role.COORDINATOR)
    sealed, cleared, scheduled = make_delivery(S.SEALED), make_delivery(S.CLEARED), make_delivery(S.SCHEDULED)
    held = make_delivery(S.CLEARED)
    services.hold(held, by=desk, now=now - MINUTE)
    take(held.canton_code, at=now)
    make_card(scheduled.award)
    run = scheduled.run
    assert run is not None
    for one in (sealed, cleared, scheduled, held):
        move_house(one)
    steps = [
        lambda: services.clear(sealed, by=desk, now=now),
        lambda: services.schedule(cleared, make_run(), stop_at(now), by=planner, now=now),
        lambda: services.refuse_unprepared(run, desk=DESK, by=make_user(Role.WAREHOUSE), now=now),
        lambda: services.ask_resume(held, by=desk, now=now),
    ]

    for step in steps:
        with pytest.raises(RuleBroken) as refused:
            step()
        assert "otro cantón" in str(refused.value.message) or "another canton" in str(refused.value.message)
    services.cancel(sealed, reason=Reason.OTHER, by=planner, now=now)
    again = services.plan_delivery(sealed.award, by=planner, now=now)

    assert again.canton_code == "2101"


def test_person_who_moved_still_comes_to_the_hub_that_was_chosen(app: Flask) -> None:
    sealed, now = make_delivery(S.SEALED), utcnow()
    take(sealed.canton_code, at=now)
    services.choose_hub(sealed, make_hub(sealed.canton_code), by=make_user(Role.DESK), now=now)
    move_house(sealed)

    services.clear(sealed, by=make_user(Role.DESK), now=now)

    assert sealed.state is S.CLEARED
