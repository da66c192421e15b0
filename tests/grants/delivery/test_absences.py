"""Devices that leave the shelf without a kit: the book says which, and none of them goes into a kit."""

from collections.abc import Callable
from decimal import Decimal
from functools import partial

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db, get_or_refuse
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import AdjustReason, DeliveryState, DeviceUnit, Reason, StockCorrection, StockLot
from grants.delivery.queries import devices
from grants.delivery.queries.devices import DevicePlace
from grants.delivery.services import stock
from tests.factories.access import make_user
from tests.factories.goods import LIMIT, keeper, make_item, make_kit, make_lot, on_hand, pack
from tests.races import at_once

S, P = DeliveryState, DevicePlace
SMALL = Decimal("10.00")  # of LIMIT, what one keeper corrects alone


def lot_of(*serials: str, units: int | None = None, price: Decimal = SMALL) -> StockLot:
    """A lot of so many units, of as many as there are serial numbers unless told otherwise."""
    lot = make_lot(make_item(needs_serial=True, reference_price_usd=price), units or len(serials))
    stock.register_devices(lot, [(serial, "") for serial in serials], by=keeper(), now=utcnow())
    return lot


def id_of(serial: str) -> int:
    return db.session.scalars(select(DeviceUnit.id).where(DeviceUnit.serial_number == serial)).one()


def adjust(lot: StockLot, change: int, reason: AdjustReason, *serials: str, by: User | None = None) -> StockCorrection:
    named = [id_of(serial) for serial in serials]
    return stock.adjust(lot, change, reason, device_ids=named, limit_usd=LIMIT, by=by or keeper(), now=utcnow())


def places(lot: StockLot) -> dict[str, DevicePlace]:
    return {one.unit.serial_number: one.place for one in devices.placed(lot)}


def refused_to_pack(lot: StockLot, serial: str) -> bool:
    delivery = make_kit((lot.item, 1))
    before = on_hand(lot)
    with pytest.raises(RuleBroken), db.session.begin_nested():
        pack(delivery, serials={1: serial})
    db.session.refresh(delivery)
    return (delivery.state, on_hand(lot)) == (S.APPROVED, before)


def test_stolen_device_goes_into_no_kit_and_the_other_does(app: Flask) -> None:
    lot = lot_of("AAA", "BBB")

    adjust(lot, -1, AdjustReason.STOLEN, "AAA")

    assert (on_hand(lot), places(lot)) == (1, {"AAA": P.GONE, "BBB": P.SHELF})
    assert refused_to_pack(lot, "AAA")
    pack(delivery := make_kit((lot.item, 1)), serials={1: "BBB"})
    assert places(lot) == {"AAA": P.GONE, "BBB": P.WITH_KIT}
    services.cancel(delivery, reason=Reason.OTHER, by=make_user(Role.COORDINATOR), now=utcnow())
    assert places(lot) == {"AAA": P.GONE, "BBB": P.SHELF}


def test_device_that_was_found_goes_into_a_kit_again(app: Flask) -> None:
    lot = lot_of("AAA")
    adjust(lot, -1, AdjustReason.LOST, "AAA")

    adjust(lot, 1, AdjustReason.FOUND, "AAA")

    assert (on_hand(lot), places(lot)) == (1, {"AAA": P.SHELF})
    pack(make_kit((lot.item, 1)), serials={1: "AAA"})
    assert places(lot) == {"AAA": P.WITH_KIT}


@pytest.mark.parametrize(
    ("change", "reason", "named"),
    [
        (-1, AdjustReason.LOST, []),  # two are written down, one would be left
        (-1, AdjustReason.LOST, ["AAA", "BBB"]),
        (-1, AdjustReason.LOST, ["CCC"]),  # of another lot
        (-1, AdjustReason.LOST, ["OUT"]),
        (1, AdjustReason.FOUND, ["AAA"]),
    ],
)
def test_devices_that_do_not_fit_the_change_are_refused(
    app: Flask, change: int, reason: AdjustReason, named: list[str]
) -> None:
    lot = lot_of("AAA", "BBB", "OUT")
    lot_of("CCC")
    adjust(lot, -1, AdjustReason.DAMAGED, "OUT")

    with pytest.raises(RuleBroken) as refusal, db.session.begin_nested():
        adjust(lot, change, reason, *named)

    assert refusal.value.field == "devices"
    assert (on_hand(lot), places(lot)) == (2, {"AAA": P.SHELF, "BBB": P.SHELF, "OUT": P.GONE})


def test_units_that_were_never_written_down_leave_without_a_name(app: Flask) -> None:
    lot = lot_of("AAA", units=3)

    with pytest.raises(RuleBroken):
        adjust(lot, -3, AdjustReason.LOST)
    adjust(lot, -2, AdjustReason.LOST)

    assert (on_hand(lot), places(lot)) == (1, {"AAA": P.SHELF})
    with pytest.raises(RuleBroken):  # three came, one is written down, and none is left to write down
        stock.register_devices(lot, [("BBB", "")], by=keeper(), now=utcnow())


def test_count_leaves_no_device_in_the_book_that_is_not_there(app: Flask) -> None:
    lot = lot_of("AAA", "BBB", units=3)

    with pytest.raises(RuleBroken) as refusal, db.session.begin_nested():
        stock.count(lot, 1, limit_usd=LIMIT, by=keeper(), now=utcnow())
    assert refusal.value.field == f"lot_{lot.id}"
    stock.count(lot, 2, limit_usd=LIMIT, by=keeper(), now=utcnow())
    assert on_hand(lot) == 2

    adjust(lot, -1, AdjustReason.LOST, "AAA")
    with pytest.raises(RuleBroken), db.session.begin_nested():  # which one came back?
        stock.count(lot, 2, limit_usd=LIMIT, by=keeper(), now=utcnow())
    assert on_hand(lot) == 1


@pytest.mark.parametrize(("agrees", "place", "left"), [(True, P.GONE, 0), (False, P.SHELF, 1)])
def test_device_waits_for_the_second_person_and_is_packed_by_nobody(
    app: Flask, agrees: bool, place: DevicePlace, left: int
) -> None:
    lot = lot_of("AAA", price=LIMIT + 1)
    waiting = adjust(lot, -1, AdjustReason.DAMAGED, "AAA")
    assert (on_hand(lot), places(lot)) == (1, {"AAA": P.LEAVING})
    assert refused_to_pack(lot, "AAA")

    decide = stock.confirm_correction if agrees else stock.refuse_correction
    decide(waiting, by=keeper(), now=utcnow())

    assert (on_hand(lot), places(lot)) == (left, {"AAA": place})
    if not agrees:
        pack(make_kit((lot.item, 1)), serials={1: "AAA"})


def test_found_device_stays_out_until_the_second_person_agrees(app: Flask) -> None:
    lot = lot_of("AAA", price=LIMIT + 1)
    stock.confirm_correction(adjust(lot, -1, AdjustReason.LOST, "AAA"), by=keeper(), now=utcnow())

    stock.refuse_correction(adjust(lot, 1, AdjustReason.FOUND, "AAA"), by=keeper(), now=utcnow())
    assert places(lot) == {"AAA": P.GONE}
    again = adjust(lot, 1, AdjustReason.FOUND, "AAA")
    assert places(lot) == {"AAA": P.GONE}
    stock.confirm_correction(again, by=keeper(), now=utcnow())

    assert (on_hand(lot), places(lot)) == (1, {"AAA": P.SHELF})


def test_correction_is_refused_when_the_rest_was_written_down_meanwhile(app: Flask) -> None:
    lot = lot_of("AAA", units=2, price=LIMIT + 1)
    waiting = adjust(lot, -1, AdjustReason.DAMAGED)  # the unit without a name
    stock.register_devices(lot, [("BBB", "")], by=keeper(), now=utcnow())

    with pytest.raises(RuleBroken), db.session.begin_nested():
        stock.confirm_correction(waiting, by=keeper(), now=utcnow())

    assert (on_hand(lot), places(lot)) == (2, {"AAA": P.SHELF, "BBB": P.SHELF})


@pytest.mark.no_rollback
def test_device_is_packed_or_taken_out_and_never_both(real_app: Flask) -> None:
    """Ten kits take a device of their own while ten corrections take the same devices out."""
    pairs = []
    for number in range(10):
        lot = lot_of(f"A{number}", f"B{number}")
        pairs.append((lot.id, id_of(f"A{number}"), make_kit((lot.item, 1)).id, keeper().id, keeper().id))

    def packs(number: int) -> None:
        kit, by = pairs[number][2:4]
        pack(queries.get_delivery(kit), serials={1: f"A{number}"}, by=get_or_refuse(User, by))

    def takes_out(number: int) -> None:
        lot, unit, _kit, _packer, by = pairs[number]
        stock.adjust(get_or_refuse(StockLot, lot), -1, AdjustReason.STOLEN, device_ids=[unit], limit_usd=LIMIT,
                     by=get_or_refuse(User, by), now=utcnow())  # fmt: skip

    ended = at_once(real_app, [partial(act, number) for number in range(10) for act in (packs, takes_out)])

    assert ended == {"done": 10, "refused": 10}
    for number, (lot, *_ids) in enumerate(pairs):
        found = get_or_refuse(StockLot, lot)
        assert found.on_hand == 1
        assert places(found)[f"A{number}"] in (P.GONE, P.WITH_KIT)


@pytest.mark.no_rollback
def test_unit_is_written_down_or_taken_out_without_a_name_and_never_both(real_app: Flask) -> None:
    """Of two units one stands in the book by its number: either the other gets its own, or it leaves without one."""
    lots = [lot_of(f"A{number}", units=2).id for number in range(10)]
    people = [(keeper().id, keeper().id) for _lot in lots]

    def writes(number: int) -> None:
        stock.register_devices(get_or_refuse(StockLot, lots[number]), [(f"B{number}", "")],
                               by=get_or_refuse(User, people[number][0]), now=utcnow())  # fmt: skip

    def takes_out(number: int) -> None:
        stock.adjust(get_or_refuse(StockLot, lots[number]), -1, AdjustReason.LOST, limit_usd=LIMIT,
                     by=get_or_refuse(User, people[number][1]), now=utcnow())  # fmt: skip

    ended = at_once(real_app, [partial(act, number) for number in range(10) for act in (writes, takes_out)])

    assert ended == {"done": 10, "refused": 10}
    for lot in lots:
        found = get_or_refuse(StockLot, lot)
        assert len(devices.on_books(devices.placed(found))) == found.on_hand


def test_keeper_ticks_the_device_that_is_gone(app: Flask, sign_in: Callable[[User], FlaskClient]) -> None:
    warehouse = sign_in(keeper())
    lot = lot_of("AAA", "BBB")
    address = f"/deliveries/lots/{lot.id}/adjust"
    data = {"way": "fewer", "quantity": "1", "reason": "stolen"}

    refused = warehouse.post(address, data=data)
    assert (refused.status_code, on_hand(lot)) == (200, 2)
    for odd in ("", "x", "９" * 6_000, "-1", "0"):
        assert warehouse.post(address, data={**data, "devices": odd}).status_code == 200
    assert warehouse.post(address, data={**data, "devices": str(id_of("AAA"))}).status_code == 302

    assert places(lot) == {"AAA": P.GONE, "BBB": P.SHELF}
    page = warehouse.get(f"/deliveries/lots/{lot.id}/devices").text
    assert "Robad" in page
    assert db.session.scalar(select(func.count()).select_from(StockCorrection)) == 1
