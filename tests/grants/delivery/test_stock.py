"""The shelf: what comes in, what goes out, what is counted; never below zero and never two truths."""

from collections import Counter
from collections.abc import Callable
from contextlib import suppress
from datetime import timedelta
from decimal import Decimal
from functools import partial

import pytest
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import func, select, update
from sqlalchemy.exc import DBAPIError, IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import CallKind
from grants.core.clock import utcnow
from grants.core.db import db, get_or_refuse, transaction
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import (
    AdjustReason,
    CorrectionState,
    Delivery,
    DeliveryState,
    DeviceUnit,
    MovementKind,
    Reason,
    StockCorrection,
    StockLot,
    StockMovement,
)
from grants.delivery.queries.goods import get_correction, lots_that_differ
from grants.delivery.queries.kits import get_substitution
from grants.delivery.services import catalogue, stock, substitution
from grants.delivery.stock_cli import stock as book
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import make_delivery
from tests.factories.goods import (
    LIMIT,
    PHONE_IMEI,
    days_from_now,
    keeper,
    make_correction,
    make_item,
    make_kit,
    make_lot,
    make_substitution,
    make_supplier,
    on_hand,
    pack,
)
from tests.factories.selection import make_award
from tests.races import at_once

S = DeliveryState


def ledger_of(lot: StockLot) -> list[tuple[MovementKind, int]]:
    rows = select(StockMovement).where(StockMovement.lot_id == lot.id).order_by(StockMovement.id)
    return [(row.kind, row.quantity) for row in db.session.scalars(rows)]


def test_received_lot_is_on_the_shelf_and_in_the_ledger(app: Flask) -> None:
    lot = make_lot(quantity=12)

    assert lot.on_hand == 12
    assert ledger_of(lot) == [(MovementKind.RECEIVE, 12)]


def test_goods_of_tomorrow_are_not_received(app: Flask) -> None:
    with pytest.raises(RuleBroken) as refusal:
        make_lot(received_on=days_from_now(1))

    assert refusal.value.field == "received_on"


def test_kit_takes_what_goes_bad_first_then_what_came_first(app: Flask) -> None:
    item = make_item()
    young = make_lot(item, 5, received_on=days_from_now(-1))
    old = make_lot(item, 3, received_on=days_from_now(-9))
    perishable = make_lot(item, 2, best_before=days_from_now(30))
    spoiled = make_lot(item, 9, best_before=days_from_now(-1))

    pack(make_kit((item, 6)))

    assert [on_hand(lot) for lot in (perishable, old, young, spoiled)] == [0, 0, 4, 9]


def test_packing_without_stock_names_what_is_missing(app: Flask) -> None:
    flour, oven = make_item("Harina de trigo"), make_item("Horno pequeño")
    lot = make_lot(flour, 3)
    make_lot(oven, 1)
    delivery = make_kit((flour, 5), (oven, 1))

    with pytest.raises(RuleBroken) as refusal:
        pack(delivery)

    assert "Harina de trigo (2)" in str(refusal.value.message)
    assert "Horno" not in str(refusal.value.message)
    assert (delivery.state, on_hand(lot), ledger_of(lot)) == (S.APPROVED, 3, [(MovementKind.RECEIVE, 3)])


def test_lines_without_an_article_touch_no_stock(app: Flask) -> None:
    delivery = make_delivery(S.PACKED)

    assert db.session.scalar(select(func.count()).select_from(StockMovement)) == 0
    assert delivery.cost_usd == delivery.value_usd


@pytest.mark.parametrize("state", [S.PACKED, S.SEALED])
def test_cancelled_kit_goes_back_on_the_shelf(app: Flask, state: DeliveryState) -> None:
    item = make_item()
    first, second = make_lot(item, 2, received_on=days_from_now(-3)), make_lot(item, 5)
    delivery = make_kit((item, 4))
    pack(delivery)
    if state is S.SEALED:
        services.seal(delivery, seal_number="PR-77", weight_grams=900, by=keeper(), now=utcnow())

    services.cancel(delivery, reason=Reason.OTHER, by=make_user(Role.COORDINATOR), now=utcnow())

    assert [on_hand(first), on_hand(second)] == [2, 5]
    assert ledger_of(second)[1:] == [(MovementKind.ISSUE, -2), (MovementKind.TAKE_BACK, 2)]


def test_cancelling_before_packing_moves_nothing(app: Flask) -> None:
    item = make_item()
    lot = make_lot(item, 5)
    delivery = make_kit((item, 4))

    services.cancel(delivery, reason=Reason.OTHER, by=make_user(Role.COORDINATOR), now=utcnow())

    assert ledger_of(lot) == [(MovementKind.RECEIVE, 5)]


def test_count_without_difference_moves_nothing(app: Flask) -> None:
    lot = make_lot(quantity=10)

    correction = stock.count(lot, 10, limit_usd=LIMIT, by=keeper(), now=utcnow())

    assert (correction.state, correction.variance) == (CorrectionState.APPLIED, 0)
    assert ledger_of(lot) == [(MovementKind.RECEIVE, 10)]


def test_small_difference_enters_the_book_at_once(app: Flask) -> None:
    lot = make_lot(quantity=10)  # USD 10.00 each: 5 units are worth the limit of 50.00, not more

    correction = stock.count(lot, 5, limit_usd=LIMIT, by=keeper(), now=utcnow())

    assert (correction.state, correction.variance, on_hand(lot)) == (CorrectionState.APPLIED, -5, 5)
    assert ledger_of(lot)[1:] == [(MovementKind.COUNT, -5)]


def test_small_differences_of_one_keeper_count_together(app: Flask) -> None:
    now, by = utcnow(), keeper()
    stock.count(make_lot(quantity=10), 6, limit_usd=LIMIT, by=by, now=now - timedelta(days=60))  # USD 40.00, long ago
    second = stock.count(make_lot(quantity=10), 6, limit_usd=LIMIT, by=by, now=now - timedelta(days=29))
    lot = make_lot(quantity=10)

    third = stock.adjust(lot, -2, AdjustReason.LOST, limit_usd=LIMIT, by=by, now=now)  # 40.00 and 20.00
    of_another = stock.count(make_lot(quantity=10), 6, limit_usd=LIMIT, by=keeper(), now=now)
    nothing = stock.count(make_lot(quantity=10), 10, limit_usd=LIMIT, by=by, now=now)

    assert [one.state for one in (second, third, of_another, nothing)] == [
        CorrectionState.APPLIED, CorrectionState.OPEN, CorrectionState.APPLIED, CorrectionState.APPLIED,
    ]  # fmt: skip
    assert on_hand(lot) == 10
    stock.confirm_correction(third, by=keeper(), now=now)
    last = stock.adjust(lot, -1, AdjustReason.LOST, limit_usd=LIMIT, by=by, now=now)  # 40.00 alone, and 10.00
    assert (last.state, on_hand(lot)) == (CorrectionState.APPLIED, 7)


@pytest.mark.parametrize("serial", ["Ñ12", "ß1", "１２"])
def test_number_with_letters_of_no_device_is_refused(app: Flask, serial: str) -> None:
    tablet = make_item(needs_serial=True, reference_price_usd=Decimal("700.00"))
    lot = make_lot(tablet, 2)
    stock.register_devices(lot, [("12", "")], by=keeper(), now=utcnow())

    with pytest.raises(RuleBroken) as refusal:
        stock.register_devices(lot, [(serial, "")], by=keeper(), now=utcnow())
    assert refusal.value.field == "devices"
    with pytest.raises(RuleBroken):
        pack(make_kit((tablet, 1)), serials={1: serial})
    with pytest.raises(RuleBroken) as unsealed:
        services.seal(make_delivery(S.PACKED), seal_number=serial, weight_grams=900, by=keeper(), now=utcnow())
    assert unsealed.value.field == "seal_number"


def test_large_difference_waits_for_a_second_person(app: Flask) -> None:
    lot, counter = make_lot(quantity=10), keeper()

    correction = stock.count(lot, 4, limit_usd=LIMIT, by=counter, now=utcnow())
    assert (correction.state, on_hand(lot)) == (CorrectionState.OPEN, 10)
    with pytest.raises(RuleBroken):
        stock.confirm_correction(correction, by=counter, now=utcnow())
    with pytest.raises(RuleBroken):
        stock.adjust(lot, -1, AdjustReason.DAMAGED, limit_usd=LIMIT, by=keeper(), now=utcnow())
    assert on_hand(lot) == 10
    stock.confirm_correction(correction, by=keeper(), now=utcnow())

    assert (correction.state, on_hand(lot)) == (CorrectionState.APPLIED, 4)
    with pytest.raises(RuleBroken):
        stock.confirm_correction(correction, by=keeper(), now=utcnow())
    assert on_hand(lot) == 4


def test_refused_correction_leaves_the_book(app: Flask) -> None:
    lot = make_lot(quantity=10)
    correction = stock.count(lot, 1, limit_usd=LIMIT, by=keeper(), now=utcnow())

    stock.refuse_correction(correction, by=keeper(), now=utcnow())

    assert (correction.state, on_hand(lot)) == (CorrectionState.REFUSED, 10)
    assert stock.count(lot, 10, limit_usd=LIMIT, by=keeper(), now=utcnow()).variance == 0


def test_gift_is_valued_at_the_catalogues_price(app: Flask) -> None:
    lot = make_lot(quantity=10, unit_cost_usd=Decimal("0.00"))  # the catalogue says USD 10.00

    correction = stock.count(lot, 4, limit_usd=LIMIT, by=keeper(), now=utcnow())

    assert correction.state is CorrectionState.OPEN


@pytest.mark.parametrize(
    ("change", "reason"),
    [(2, AdjustReason.DAMAGED), (-2, AdjustReason.FOUND), (0, AdjustReason.WRONG_ENTRY), (-11, AdjustReason.LOST)],
)
def test_adjustment_that_makes_no_sense_is_refused(app: Flask, change: int, reason: AdjustReason) -> None:
    lot = make_lot(quantity=10)

    with pytest.raises(RuleBroken):
        stock.adjust(lot, change, reason, limit_usd=LIMIT, by=keeper(), now=utcnow())

    assert (on_hand(lot), len(ledger_of(lot))) == (10, 1)


def test_confirmed_correction_never_goes_below_zero(app: Flask) -> None:
    item = make_item()
    lot = make_lot(item, 10)
    correction = stock.count(lot, 2, limit_usd=LIMIT, by=keeper(), now=utcnow())
    pack(make_kit((item, 5)))

    db.session.commit()
    with pytest.raises(RuleBroken), transaction():
        stock.confirm_correction(correction, by=keeper(), now=utcnow())

    assert on_hand(lot) == 5


def test_database_keeps_the_ledger_and_the_shelf(app: Flask) -> None:
    lot = make_lot(quantity=3)

    for change in (
        update(StockMovement).values(quantity=4),
        StockMovement.__table__.delete(),
    ):
        with pytest.raises(DBAPIError, match="append-only"), db.session.begin_nested():
            db.session.execute(change)
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(update(StockLot).where(StockLot.id == lot.id).values(on_hand=-1))

    assert ledger_of(lot) == [(MovementKind.RECEIVE, 3)]


def test_counter_that_was_changed_by_hand_is_named(app: Flask) -> None:
    right, wrong = make_lot(quantity=3), make_lot(quantity=3)
    assert lots_that_differ() == []
    assert app.test_cli_runner().invoke(book, ["verify"]).exit_code == 0

    db.session.execute(update(StockLot).where(StockLot.id == wrong.id).values(on_hand=5))

    assert lots_that_differ() == [(wrong.id, 5, 3)]
    answer = app.test_cli_runner().invoke(book, ["verify"])
    assert (answer.exit_code, f"{wrong.id}: " in answer.output, "5" in answer.output) == (1, True, True)
    assert on_hand(right) == 3


STEPS = st.lists(st.tuples(st.sampled_from(["receive", "pack", "cancel", "count", "adjust"]), st.integers(1, 6)),
                 max_size=7)  # fmt: skip


@settings(
    max_examples=6, deadline=None, phases=[Phase.generate], suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(steps=STEPS)
def test_ledger_sums_to_the_shelf_whatever_happens(app: Flask, steps: list[tuple[str, int]]) -> None:
    item, by = make_item(), keeper()
    lot, packed = make_lot(item, 4), list[Delivery]()

    def act(step: str, units: int) -> None:
        if step == "receive":
            make_lot(item, units)
        elif step == "pack":
            pack(kit := make_kit((item, units)))
            packed.append(kit)
        elif step == "cancel" and packed:
            services.cancel(packed.pop(0), reason=Reason.OTHER, by=by, now=utcnow())
        elif step == "count":
            stock.count(lot, units, limit_usd=LIMIT, by=by, now=utcnow())
        elif step == "adjust":
            stock.adjust(lot, -units, AdjustReason.LOST, limit_usd=LIMIT, by=by, now=utcnow())

    for step, units in steps:
        with suppress(RuleBroken):
            act(step, units)

    assert lots_that_differ() == []
    lowest = db.session.scalar(select(func.min(StockLot.on_hand)))
    assert lowest is not None
    assert lowest >= 0


def phone_lot(quantity: int = 2) -> StockLot:
    return make_lot(make_item(needs_serial=True, has_imei=True, reference_price_usd=Decimal("150.00")), quantity)


def test_phone_is_registered_with_its_imei(app: Flask) -> None:
    lot = phone_lot()

    stock.register_devices(lot, [("sn 1", "49-015420-323751-8")], by=keeper(), now=utcnow())

    unit = db.session.scalars(select(DeviceUnit)).one()
    assert (unit.serial_number, unit.imei) == ("SN1", PHONE_IMEI)


@pytest.mark.parametrize(
    ("imei", "hint"),
    [
        ("490154203237519", "8"),  # the last digit alone is wrong
        ("490154203237581", "14–15"),  # the last two exchanged
        ("000000000000000", "*#06#"),  # nobody's phone
        ("222222222222222", "*#06#"),
        ("49015420323751", "14"),  # a digit is missing
        ("", "0"),
        ("４９０１５４２０３２３７５１８", "0"),  # full-width digits are no digits
    ],
)
def test_wrong_imei_is_refused_with_where_to_look(app: Flask, imei: str, hint: str) -> None:
    lot = phone_lot()

    with pytest.raises(RuleBroken) as refusal:
        stock.register_devices(lot, [("SN1", imei)], by=keeper(), now=utcnow())

    assert hint in str(refusal.value.message)
    assert refusal.value.field == "devices"
    assert db.session.scalar(select(func.count()).select_from(DeviceUnit)) == 0


def test_devices_are_registered_once_and_no_more_than_came(app: Flask) -> None:
    lot = make_lot(make_item(needs_serial=True), 2)
    stock.register_devices(lot, [("A1", "")], by=keeper(), now=utcnow())

    for typed in ([("a 1", "")], [("B1", ""), ("C1", "")], [("", "")], [("D1", PHONE_IMEI)]):
        with pytest.raises(RuleBroken):
            stock.register_devices(lot, typed, by=keeper(), now=utcnow())

    assert db.session.scalar(select(func.count()).select_from(DeviceUnit)) == 1


def test_device_leaves_the_lot_that_it_came_in(app: Flask) -> None:
    item = make_item(needs_serial=True, has_imei=True, reference_price_usd=Decimal("150.00"))
    first = make_lot(item, 1, unit_cost_usd=Decimal("140.00"), received_on=days_from_now(-5))
    second = make_lot(item, 1, unit_cost_usd=Decimal("145.50"))
    stock.register_devices(second, [("SN2", PHONE_IMEI)], by=keeper(), now=utcnow())
    delivery = make_kit((item, 1))

    pack(delivery, serials={1: PHONE_IMEI})

    assert (on_hand(first), on_hand(second)) == (1, 0)
    assert (delivery.lines[0].serial_number, delivery.cost_usd) == ("SN2", Decimal("145.50"))


def test_device_of_another_article_or_nobody_knows_is_not_packed(app: Flask) -> None:
    tablet, phone = make_item(needs_serial=True), make_item(needs_serial=True)
    lot = make_lot(tablet, 1)
    stock.register_devices(make_lot(phone, 1), [("SN9", "")], by=keeper(), now=utcnow())
    delivery = make_kit((tablet, 1))

    for serial in ("SN9", "SN-UNKNOWN", ""):
        with pytest.raises(RuleBroken) as refusal:
            pack(delivery, serials={1: serial})
        assert refusal.value.field == "serial_1"

    assert (delivery.state, on_hand(lot)) == (S.APPROVED, 1)


def test_two_devices_of_a_recipe_stand_in_two_lines(app: Flask) -> None:
    tablet = make_item(needs_serial=True, reference_price_usd=Decimal("90.00"))

    delivery = make_kit((make_item(), 3), (tablet, 2))

    assert [(line.quantity, line.needs_serial) for line in delivery.lines] == [(3, False), (1, True), (1, True)]
    assert delivery.value_usd == Decimal("210.00")


def test_awarded_line_that_is_an_article_comes_from_the_shelf(app: Flask) -> None:
    delivery, flour = make_delivery(), make_item("Quintal de harina", reference_price_usd=Decimal("15.00"))
    lot = make_lot(flour, 10, unit_cost_usd=Decimal("14.50"))

    substitution.match_items(delivery, {2: flour}, by=keeper(), now=utcnow())
    for _n in range(2):
        services.approve(delivery, by=make_user(Role.COORDINATOR), now=utcnow())
    pack(delivery)

    assert on_hand(lot) == 0
    # 10 sacks at USD 14.50 instead of the list's 15.50; the other lines at the list's 450.00 and 95.00.
    assert (delivery.value_usd, delivery.cost_usd) == (Decimal("700.00"), Decimal("690.00"))


def test_matching_a_device_call_asks_for_a_registered_device(app: Flask) -> None:
    tablet = make_item("Tableta", needs_serial=True, reference_price_usd=Decimal("690.00"))
    delivery = make_delivery(S.APPROVED, award=make_award(call=make_call(kind=CallKind.DEVICES)))
    stock.register_devices(
        make_lot(tablet, 1, unit_cost_usd=Decimal("680.00")), [("TB1", "")], by=keeper(), now=utcnow()
    )

    substitution.match_items(delivery, {1: tablet}, by=keeper(), now=utcnow())
    with pytest.raises(RuleBroken):
        pack(delivery, serials={1: "XX1"})
    pack(delivery, serials={1: "tb1"})

    assert (delivery.state, delivery.lines[0].live_serial) == (S.PACKED, "TB1")


def test_matched_devices_get_a_line_each(app: Flask) -> None:
    delivery, scale = make_delivery(), make_item(needs_serial=True, reference_price_usd=Decimal("15.50"))

    substitution.match_items(delivery, {2: scale}, by=keeper(), now=utcnow())

    assert len(delivery.lines) == 12  # an oven, ten devices, a pair of scales
    assert sum(line.total_usd for line in delivery.lines) == delivery.value_usd


def test_packed_kit_is_not_matched(app: Flask) -> None:
    delivery = make_delivery(S.PACKED)

    with pytest.raises(RuleBroken):
        substitution.match_items(delivery, {1: make_item()}, by=keeper(), now=utcnow())

    assert delivery.lines[0].item_id is None


def test_names_are_told_apart_by_more_than_capitals_and_spaces(app: Flask) -> None:
    make_item("Harina  Integral")

    with pytest.raises(RuleBroken) as refusal:
        make_item("harina integral")

    assert refusal.value.field == "name"
    assert make_supplier("Comercial Andes").key == "comercial andes"


def test_article_keeps_its_serial_numbers_for_good(app: Flask) -> None:
    item = make_item(needs_serial=True)
    facts = catalogue.ItemFacts(item.name, item.unit, item.category, Decimal("12.00"))

    with pytest.raises(RuleBroken):
        catalogue.save_item(item, facts, by=keeper(), now=utcnow())

    assert item.needs_serial


def test_recipe_holds_each_article_once(app: Flask) -> None:
    item = make_item()

    for lines in ([], [(item, 1), (item, 2)]):
        with pytest.raises(RuleBroken):
            catalogue.save_recipe(None, name="Kit panadería", lines=lines, by=keeper(), now=utcnow())


THREADS, KITS = 20, 6


def together(app: Flask, act: Callable[[int, User], None]) -> Counter[str]:
    """Run `act(number, keeper)` in many threads that start at one moment; how each ended."""
    keepers = [keeper().id for _n in range(THREADS)]

    def one(number: int) -> None:
        act(number, get_or_refuse(User, keepers[number]))

    return at_once(app, [partial(one, number) for number in range(THREADS)])


@pytest.mark.no_rollback
def test_twenty_threads_take_exactly_the_last_units(real_app: Flask) -> None:
    item = make_item()
    lots = [make_lot(item, units, received_on=days_from_now(-units)).id for units in (KITS, 2 * KITS - 1, 1)]
    kits = [make_kit((item, 3)).id for _n in range(THREADS)]  # 18 units in three lots: six kits of three

    ended = together(real_app, lambda number, by: pack(queries.get_delivery(kits[number]), by=by))

    assert ended == Counter(done=KITS, refused=THREADS - KITS)
    assert [get_or_refuse(StockLot, lot).on_hand for lot in lots] == [0, 0, 0]
    assert lots_that_differ() == []


@pytest.mark.no_rollback
def test_of_twenty_decisions_at_once_one_counts(real_app: Flask) -> None:
    """Ten confirm the same correction while ten approve the same substitution."""
    correction_id, found = make_correction(lot := make_lot(quantity=10)).id, make_substitution()
    found_id, lot_id, kit_id = found.id, lot.id, found.delivery_id

    def decide(number: int, by: User) -> None:
        if number % 2:
            stock.confirm_correction(get_correction(correction_id), by=by, now=utcnow())
        else:
            substitution.approve_substitution(get_substitution(found_id), by=by, now=utcnow())

    assert together(real_app, decide) == Counter(done=2, refused=THREADS - 2)
    assert get_or_refuse(StockLot, lot_id).on_hand == 0
    assert get_or_refuse(Delivery, kit_id).value_usd == Decimal("20.00")
    assert lots_that_differ() == []


@pytest.mark.no_rollback
def test_corrections_of_one_keeper_at_one_moment_count_together(real_app: Flask) -> None:
    lots, one = [make_lot(quantity=10).id for _n in range(THREADS)], keeper().id

    def take_two(number: int, _by: User) -> None:  # USD 20.00 of the 50.00 that one may correct alone in a month
        stock.adjust(get_or_refuse(StockLot, lots[number]), -2, AdjustReason.LOST, limit_usd=LIMIT,
                     by=get_or_refuse(User, one), now=utcnow())  # fmt: skip

    assert together(real_app, take_two) == Counter(done=THREADS)
    states = Counter(db.session.scalars(select(StockCorrection.state)))
    assert states == {CorrectionState.APPLIED: 2, CorrectionState.OPEN: THREADS - 2}
    assert lots_that_differ() == []
