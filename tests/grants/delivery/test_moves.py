"""The way of a delivery: who may take each step, and what each refusal leaves as it was."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import CallKind
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import (
    DELIVERY_MOVES,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Duty,
    DutyHeld,
    KitLine,
    Reason,
)
from grants.selection.models import AwardState
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import (
    hold,
    make_card,
    make_carried,
    make_delivery,
    make_officer,
    release_to,
)
from tests.factories.selection import make_award

S = DeliveryState
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def keeper() -> User:
    return make_user(Role.WAREHOUSE)


def counted(delivery: Delivery) -> dict[int, int]:
    return {line.position: line.quantity for line in delivery.lines}


def pack(delivery: Delivery, by: User, **changed: Any) -> None:
    serials = {line.position: "SN-1" for line in delivery.lines if line.needs_serial}
    services.pack(delivery, **{"counted": counted(delivery), "serials": serials, "by": by, "now": NOW, **changed})


def test_plan_copies_the_item_list(app: Flask) -> None:
    award, planner = make_award(canton="2101"), make_user(Role.COORDINATOR)

    delivery = services.plan_delivery(award, by=planner, now=NOW)

    assert delivery.state is S.PLANNED
    assert [(line.name, line.quantity, line.unit_price_usd) for line in delivery.lines] == [
        ("Horno industrial", 1, Decimal("450.00")),
        ("Quintal de harina", 10, Decimal("15.50")),
        ("Balanza digital", 1, Decimal("95.00")),
    ]
    assert (delivery.value_usd, delivery.canton_code) == (Decimal("700.00"), "2101")
    assert [(event.from_state, event.to_state) for event in delivery.events] == [(S.DRAFT, S.PLANNED)]


def test_kit_stays_within_the_awards_value(app: Flask) -> None:
    # 450.00, then 9 of 10 sacks: 450.00 + 9 × 15.50 = 589.50; neither another sack nor the scales fit in 600.00.
    award = make_award(value_usd=Decimal("600.00"))

    delivery = services.plan_delivery(award, by=make_user(Role.COORDINATOR), now=NOW)

    kit = [(line.name, line.quantity) for line in delivery.lines]
    assert kit == [("Horno industrial", 1), ("Quintal de harina", 9)]
    assert delivery.value_usd == Decimal("589.50")


def test_device_call_plans_one_device_with_a_serial_number(app: Flask) -> None:
    award = make_award(call=make_call(kind=CallKind.DEVICES))

    delivery = services.plan_delivery(award, by=make_user(Role.COORDINATOR), now=NOW)

    assert [(line.quantity, line.needs_serial) for line in delivery.lines] == [(1, True)]
    assert delivery.value_usd == Decimal("700.00")


def test_award_has_one_live_delivery(app: Flask) -> None:
    award = make_award()
    first = make_delivery(award=award)

    with pytest.raises(RuleBroken):
        make_delivery(award=award)
    services.cancel(first, reason=Reason.PLANNED_BY_MISTAKE, by=make_user(Role.COORDINATOR), now=NOW)

    assert make_delivery(award=award).state is S.PLANNED


def test_ended_award_is_not_planned(app: Flask) -> None:
    award = make_award(state=AwardState.WITHDRAWN, ended_at=NOW)

    with pytest.raises(RuleBroken):
        services.plan_delivery(award, by=make_user(Role.COORDINATOR), now=NOW)

    assert queries.live_delivery(award.id) is None


def test_two_people_approve_and_neither_planned_it(app: Flask) -> None:
    planner, one, two = (make_user(Role.COORDINATOR) for _n in range(3))
    delivery = services.plan_delivery(make_award(), by=planner, now=NOW)

    with pytest.raises(RuleBroken):
        services.approve(delivery, by=planner, now=NOW)
    services.approve(delivery, by=one, now=NOW)
    assert (delivery.state, delivery.approvals) == (S.PLANNED, 1)
    with pytest.raises(RuleBroken):
        services.approve(delivery, by=one, now=NOW)
    services.approve(delivery, by=two, now=NOW)

    assert (delivery.state, delivery.approvals) == (S.APPROVED, 2)
    with pytest.raises(RuleBroken):
        services.approve(delivery, by=make_user(Role.COORDINATOR), now=NOW)


def test_incomplete_kit_is_not_packed(app: Flask) -> None:
    delivery = make_delivery(S.APPROVED)

    with pytest.raises(RuleBroken):
        pack(delivery, keeper(), counted={**counted(delivery), 2: 9})

    assert delivery.state is S.APPROVED


def test_serial_number_is_in_one_live_kit_only(app: Flask) -> None:
    call = make_call(kind=CallKind.DEVICES)
    first, second = (make_delivery(S.APPROVED, award=make_award(call=call)) for _n in range(2))
    pack(first, keeper())

    with pytest.raises(RuleBroken):
        pack(second, keeper(), serials={1: " sn-1 "})
    assert second.state is S.APPROVED
    services.cancel(first, reason=Reason.OTHER, by=make_user(Role.COORDINATOR), now=NOW)
    pack(second, keeper())

    assert second.state is S.PACKED


def test_packer_does_not_seal(app: Flask) -> None:
    delivery, packer = make_delivery(S.APPROVED), keeper()
    pack(delivery, packer)

    with pytest.raises(RuleBroken):
        services.seal(delivery, seal_number="PR-1", weight_grams=900, by=packer, now=NOW)
    services.seal(delivery, seal_number=" pr 1 ", weight_grams=900, by=keeper(), now=NOW)

    assert (delivery.state, delivery.seal_number) == (S.SEALED, "PR1")
    assert delivery.digest == delivery.digest_over(delivery.person.folio)


def test_seal_number_is_used_once(app: Flask) -> None:
    first, second = make_delivery(S.SEALED), make_delivery(S.PACKED)

    with pytest.raises(RuleBroken) as refusal:
        services.seal(second, seal_number=first.seal_number or "", weight_grams=900, by=keeper(), now=NOW)

    assert refusal.value.field == "seal_number"
    assert (second.state, second.seal_number) == (S.PACKED, None)


def test_approver_does_not_pack(app: Flask) -> None:
    delivery, approver = make_delivery(), make_user(Role.COORDINATOR, Role.WAREHOUSE)
    services.approve(delivery, by=approver, now=NOW)
    services.approve(delivery, by=make_user(Role.COORDINATOR), now=NOW)

    with pytest.raises(RuleBroken):
        pack(delivery, approver)

    assert delivery.state is S.APPROVED


@pytest.mark.parametrize("second", list(Duty))
def test_database_refuses_a_second_duty_of_one_person(app: Flask, second: Duty) -> None:
    delivery, user = make_delivery(), make_user(*Role)
    hold(delivery, user, Duty.APPROVE)

    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.add(DutyHeld(delivery_id=delivery.id, user_id=user.id, duty=second))
        db.session.flush()

    assert queries.holds_duty(delivery, user)


def test_place_and_time_are_encrypted(app: Flask) -> None:
    carried = make_carried(S.IN_TRANSIT)

    stored = db.session.execute(
        select(Delivery.__table__).where(Delivery.__table__.c.id == carried.delivery.id)
    ).mappings().one()  # fmt: skip

    assert carried.delivery.place == "Parque central, junto a la iglesia"
    assert b"Parque" not in bytes(stored["place_sealed"])
    assert carried.delivery.officer_id == carried.officer.id
    assert queries.shown_to(carried.officer, utcnow()).next is carried.delivery


def test_only_the_carrying_officer_moves_it_on(app: Flask) -> None:
    carried, stranger = make_carried(S.IN_TRANSIT), make_officer()

    for step in (services.arrive, services.nobody_came):
        with pytest.raises(RuleBroken):
            step(carried.delivery, by=stranger, now=NOW)

    assert carried.delivery.state is S.IN_TRANSIT


def test_refused_delivery_keeps_its_reason(app: Flask) -> None:
    carried = make_carried(S.AT_POINT)

    services.refused(carried.delivery, reason=Reason.DAMAGED, by=carried.officer, now=NOW)

    last = db.session.scalars(
        select(DeliveryEvent).where(DeliveryEvent.delivery_id == carried.delivery.id).order_by(DeliveryEvent.id.desc())
    ).first()
    assert last is not None
    assert (last.to_state, last.reason) == (S.REFUSED, Reason.DAMAGED)


def test_delivery_on_the_road_is_not_cancelled(app: Flask) -> None:
    carried = make_carried(S.IN_TRANSIT)

    with pytest.raises(RuleBroken):
        services.cancel(carried.delivery, reason=Reason.OTHER, by=make_user(Role.COORDINATOR), now=NOW)

    assert carried.delivery.state is S.IN_TRANSIT


def test_stale_copy_cannot_move_a_delivery_again(app: Flask) -> None:
    carried = make_carried(S.IN_TRANSIT)
    db.session.execute(
        Delivery.__table__.update().where(Delivery.__table__.c.id == carried.delivery.id).values(state="returning")
    )

    with pytest.raises(RuleBroken):
        services.arrive(carried.delivery, by=carried.officer, now=NOW)


def test_no_move_but_the_handover_ends_in_confirmed() -> None:
    ways_there = [state for state, ways in DELIVERY_MOVES.items() if S.CONFIRMED in ways]
    # Offline work has its own way, on which no service goes.
    assert ways_there == [S.AT_POINT, S.PROVISIONAL, S.REVIEW]


def test_database_wants_the_time_of_every_handover(app: Flask) -> None:
    delivery = make_delivery(S.SEALED)

    with pytest.raises(IntegrityError), db.session.begin_nested():
        delivery.state = S.CONFIRMED
        db.session.flush()


def test_earliest_stop_comes_first_and_the_point_before_all(app: Flask) -> None:
    officer = make_officer()
    late, early = make_delivery(S.SEALED), make_delivery(S.SEALED)
    for delivery in (late, early):
        make_card(delivery.award)
    release_to(late, officer, at=NOW + timedelta(hours=5))
    release_to(early, officer, at=NOW)

    assert queries.shown_to(officer, NOW).next is early
    services.arrive(late, by=officer, now=NOW)
    assert queries.shown_to(officer, NOW).next is late


def test_home_page_lists(app: Flask) -> None:
    approved, packed, sealed = make_delivery(S.APPROVED), make_delivery(S.PACKED), make_delivery(S.SEALED)

    assert [one.id for one in queries.kits_to_pack()] == [approved.id]
    assert [one.id for one in queries.seals_to_check()] == [packed.id]
    assert db.session.query(KitLine).filter_by(delivery_id=sealed.id).count() == 3
