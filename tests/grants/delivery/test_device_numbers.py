"""A phone has two numbers and is one phone: in the kit, under a flag, at the point, at the count."""

from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import select

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import CallKind
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import Delivery, DeliveryState, FlaggedSerial, FlagReason, HandoverCheck, Item, Reason
from grants.delivery.services import stock, substitution
from grants.delivery.services.checks import check_kit
from grants.delivery.services.flags import flag_serials
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import make_card, make_delivery, make_officer, release_to
from tests.factories.goods import PHONE_IMEI, keeper, make_item, make_kit, make_lot, on_hand, pack
from tests.factories.outcomes import whole
from tests.factories.selection import make_award

S = DeliveryState
PRINTED = "49-015420-323751-8"  # the same number as it stands on a box


def make_phone() -> Item:
    """An article with one phone on the shelf: SN1, with its IMEI."""
    phone = make_item(needs_serial=True, has_imei=True, reference_price_usd=Decimal("700.00"))
    stock.register_devices(make_lot(phone, 1), [("SN1", PHONE_IMEI)], by=keeper(), now=utcnow())
    return phone


def bought_device() -> Delivery:
    """An approved kit of one device, on a line without an article."""
    return make_delivery(S.APPROVED, award=make_award(call=make_call(kind=CallKind.DEVICES)))


def carried_phone() -> tuple[Delivery, User]:
    """A phone packed by its IMEI, on the road."""
    delivery, officer = make_kit((make_phone(), 1)), make_officer()
    pack(delivery, serials={1: PHONE_IMEI})
    services.seal(delivery, seal_number="PR-79", weight_grams=900, by=keeper(), now=utcnow())
    make_card(delivery.award)
    release_to(delivery, officer)
    return delivery, officer


@pytest.mark.parametrize("number", ["SN1", PHONE_IMEI, PRINTED])
def test_device_of_the_shelf_leaves_on_a_line_with_its_article_only(app: Flask, number: str) -> None:
    phone, delivery = make_phone(), bought_device()

    with pytest.raises(RuleBroken) as refusal:
        pack(delivery, serials={1: number})
    assert refusal.value.field == "serial_1"
    assert (delivery.state, delivery.lines[0].serial_number) == (S.APPROVED, None)

    substitution.match_items(delivery, {1: phone}, by=keeper(), now=utcnow())
    pack(delivery, serials={1: number})
    line = delivery.lines[0]
    assert (line.serial_number, line.live_serial, delivery.cost_usd) == ("SN1", "SN1", Decimal("700.00"))


def test_phone_that_was_packed_before_it_was_in_the_book_is_in_that_kit(app: Flask) -> None:
    pack(bought_device(), serials={1: PHONE_IMEI})

    with pytest.raises(RuleBroken):
        pack(delivery := make_kit((make_phone(), 1)), serials={1: "SN1"})

    assert delivery.state is S.APPROVED


def test_device_that_no_book_knows_is_still_bought_for_the_person(app: Flask) -> None:
    make_phone()

    pack(delivery := bought_device(), serials={1: "sn 2"})

    assert (delivery.state, delivery.lines[0].live_serial) == (S.PACKED, "SN2")


@pytest.mark.parametrize("number", ["SN1", PHONE_IMEI, PRINTED])
def test_phone_in_a_live_kit_goes_into_no_other_by_any_of_its_numbers(app: Flask, number: str) -> None:
    phone = make_phone()
    pack(first := make_kit((phone, 1)), serials={1: "SN1"})
    lot = make_lot(phone, 5)

    for other in (bought_device(), make_kit((phone, 1))):
        with pytest.raises(RuleBroken):
            pack(other, serials={1: number})
        assert other.state is S.APPROVED

    assert (first.lines[0].live_serial, on_hand(lot)) == ("SN1", 5)


@pytest.mark.parametrize("number", ["SN1", PHONE_IMEI, PRINTED])
@pytest.mark.parametrize("flagged", ["SN1", PHONE_IMEI])
def test_flagged_phone_goes_into_no_kit_by_any_of_its_numbers(
    app: Flask, in_english: None, number: str, flagged: str
) -> None:
    phone, delivery = make_phone(), make_delivery()
    flag = FlaggedSerial(serial_number=flagged, why=FlagReason.SEIZED, delivery_id=delivery.id, flagged_at=utcnow(),
                         flagged_by_id=make_user(Role.DESK).id)  # fmt: skip
    db.session.add(flag)
    db.session.flush()

    for kit in (bought_device(), make_kit((phone, 1))):
        with pytest.raises(RuleBroken) as refusal:
            pack(kit, serials={1: number})
        assert "marked as taken" in str(refusal.value.message)
        assert kit.state is S.APPROVED


def test_flag_of_a_phone_packed_by_its_imei_bears_its_serial_number(app: Flask) -> None:
    delivery, _officer = carried_phone()

    flag_serials(delivery, FlagReason.SEIZED, by=make_user(Role.DESK), now=utcnow())

    assert [flag.serial_number for flag in queries.flags()] == ["SN1"]


@pytest.mark.parametrize("number", ["sn1", PHONE_IMEI, PRINTED])
def test_phone_is_checked_at_the_point_by_any_of_its_numbers(app: Flask, number: str) -> None:
    delivery, officer = carried_phone()

    check_kit(delivery, seal_number="PR-79", weight_grams=None, serials=[number], by=officer, now=utcnow())

    assert db.session.scalars(select(HandoverCheck.serials)).all() == ["SN1"]


@pytest.mark.parametrize("number", ["SN2", "356938035643809", ""])
def test_another_phone_is_still_refused_at_the_point(app: Flask, number: str) -> None:
    delivery, officer = carried_phone()
    other = make_lot(make_item(needs_serial=True, has_imei=True), 1)
    stock.register_devices(other, [("SN2", "356938035643809")], by=keeper(), now=utcnow())

    with pytest.raises(RuleBroken) as refusal:
        check_kit(delivery, seal_number="PR-79", weight_grams=None, serials=[number], by=officer, now=utcnow())

    assert refusal.value.field == "serials"


@pytest.mark.parametrize(("number", "read"), [(PHONE_IMEI, None), (PRINTED, None), ("356938035643809", "SN2")])
def test_phone_is_counted_back_by_any_of_its_numbers(app: Flask, number: str, read: str | None) -> None:
    delivery, officer = carried_phone()
    other = make_lot(make_item(needs_serial=True, has_imei=True), 1)
    stock.register_devices(other, [("SN2", "356938035643809")], by=keeper(), now=utcnow())
    services.turn_back(delivery, reason=Reason.ROAD_CLOSED, by=officer, now=utcnow())
    marked = {"really_differs": True, "note": "Otro teléfono"} if read else {}

    count = services.count_back(
        delivery, whole(delivery, serials={1: number}, **marked), reason=Reason.ROAD_CLOSED, by=keeper(), now=utcnow()
    )

    (outcome,) = queries.line_outcomes(delivery).values()
    assert (count.differs, outcome.came_back, outcome.read_serial) == (read is not None, 0 if read else 1, read)
