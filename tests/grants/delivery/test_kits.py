"""Kits on their way to be sealed and at the point: substitutions, the award's ceiling, the check before the codes."""

from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.delivery import services
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    Duty,
    DutyHeld,
    HandoverCheck,
    Item,
    KitSubstitution,
    Reason,
    SubstitutionReason,
    SubstitutionState,
)
from grants.delivery.services import catalogue, checks, recipes, substitution
from grants.delivery.services.substitution import Instead
from tests.factories.access import make_user
from tests.factories.delivery import make_carried, make_delivery
from tests.factories.goods import keeper, line_at, make_item, make_kit, make_lot, make_recipe, on_hand, pack
from tests.factories.selection import make_award

S = DeliveryState
FIVE = Decimal(5)
OUT = SubstitutionReason.OUT_OF_STOCK


def replace(delivery: Delivery, position: int, **more: Any) -> KitSubstitution:
    """Another price for a line, unless told otherwise."""
    line = line_at(delivery, position)
    percent, by = more.pop("percent", FIVE), more.pop("by", None) or keeper()
    values = {"name": line.name, "quantity": line.quantity, "unit_price_usd": line.unit_price_usd,
              "item": line.item, **more}  # fmt: skip
    return substitution.substitute(line, Instead(**values), OUT, percent=percent, by=by, now=utcnow())


# The kit is worth USD 700.00, its oven 450.00. 4.99 % of 700.00 is 34.93, 5.00 % is 35.00, 5.01 % is 35.07.
@pytest.mark.parametrize(
    ("oven_usd", "waits"), [("415.07", False), ("415.00", False), ("414.99", True), ("414.93", True)]
)
def test_substitution_beyond_five_percent_waits_for_approval(app: Flask, oven_usd: str, waits: bool) -> None:
    delivery = make_delivery(S.APPROVED)

    found = replace(delivery, 1, unit_price_usd=Decimal(oven_usd))

    assert found.state is (SubstitutionState.OPEN if waits else SubstitutionState.APPLIED)
    assert delivery.value_usd == (Decimal("700.00") if waits else Decimal(oven_usd) + Decimal("250.00"))
    assert delivery.kit_version == 2


def test_small_steps_do_not_add_up_to_an_unseen_large_one(app: Flask) -> None:
    delivery = make_delivery(S.APPROVED)

    first = replace(delivery, 1, unit_price_usd=Decimal("430.00"))
    second = replace(delivery, 1, unit_price_usd=Decimal("410.00"))

    assert (first.state, second.state) == (SubstitutionState.APPLIED, SubstitutionState.OPEN)
    assert delivery.value_usd == Decimal("680.00")


def test_share_is_a_setting(app: Flask) -> None:
    found = replace(make_delivery(S.APPROVED), 1, unit_price_usd=Decimal("400.00"), percent=Decimal(10))

    assert found.state is SubstitutionState.APPLIED


def test_substitution_that_waits_holds_the_packing_until_somebody_else_decides(app: Flask) -> None:
    delivery, proposer = make_delivery(S.APPROVED), make_user(Role.COORDINATOR)
    found = replace(delivery, 1, name="Horno semindustrial", unit_price_usd=Decimal("300.00"), by=proposer)

    with pytest.raises(RuleBroken):
        pack(delivery)
    with pytest.raises(RuleBroken):
        replace(delivery, 2, quantity=9)
    with pytest.raises(RuleBroken):
        substitution.approve_substitution(found, by=proposer, now=utcnow())
    assert (delivery.state, line_at(delivery, 1).name) == (S.APPROVED, "Horno industrial")
    substitution.approve_substitution(found, by=make_user(Role.COORDINATOR), now=utcnow())
    pack(delivery)

    assert (delivery.state, delivery.value_usd, delivery.kit_version) == (S.PACKED, Decimal("550.00"), 3)
    assert (delivery.agreed_usd, line_at(delivery, 1).name) == (Decimal("550.00"), "Horno semindustrial")


def test_refused_substitution_leaves_the_kit(app: Flask) -> None:
    delivery = make_delivery(S.APPROVED)
    found = replace(delivery, 1, unit_price_usd=Decimal("300.00"))
    decider = make_user(Role.COORDINATOR)

    substitution.refuse_substitution(found, by=decider, now=utcnow())
    with pytest.raises(RuleBroken):
        substitution.approve_substitution(found, by=make_user(Role.COORDINATOR), now=utcnow())
    pack(delivery)

    assert (found.state, delivery.value_usd) == (SubstitutionState.REFUSED, Decimal("700.00"))


def test_who_decides_about_a_kit_takes_no_other_part(app: Flask) -> None:
    delivery, decider = make_delivery(S.APPROVED), make_user(Role.COORDINATOR, Role.WAREHOUSE)
    found = replace(delivery, 1, unit_price_usd=Decimal("300.00"))
    substitution.approve_substitution(found, by=decider, now=utcnow())

    with pytest.raises(RuleBroken):
        pack(delivery, by=decider)

    held = select(DutyHeld.duty).where(DutyHeld.delivery_id == delivery.id, DutyHeld.user_id == decider.id)
    assert db.session.scalars(held).all() == [Duty.APPROVE]
    assert delivery.state is S.APPROVED


def test_history_says_what_it_was_and_what_it_is(app: Flask) -> None:
    delivery, by, scale = (
        make_delivery(S.APPROVED),
        keeper(),
        make_item("Balanza de 40 kg", reference_price_usd=Decimal("90.00")),
    )

    replace(delivery, 3, name=scale.name, item=scale, by=by)

    found = db.session.scalars(select(KitSubstitution)).one()
    assert (found.name_before, found.price_before_usd, found.value_before_usd) == (
        "Balanza digital", Decimal("95.00"), Decimal("700.00"),
    )  # fmt: skip
    assert (found.name_after, found.price_after_usd, found.value_after_usd) == (
        "Balanza de 40 kg", Decimal("90.00"), Decimal("695.00"),
    )  # fmt: skip
    assert (found.made_by_id, found.reason, found.kit_version, found.item_after) == (by.id, OUT, 2, scale)
    assert line_at(delivery, 3).item is scale


def test_article_put_in_by_substitution_comes_from_the_shelf(app: Flask) -> None:
    delivery, scale = make_delivery(S.APPROVED), make_item(reference_price_usd=Decimal("95.00"))
    lot = make_lot(scale, 1, unit_cost_usd=Decimal("92.00"))

    replace(delivery, 3, name=scale.name, item=scale)
    pack(delivery)

    assert (on_hand(lot), delivery.cost_usd) == (0, Decimal("697.00"))


# An article of the catalogue is worth what the catalogue says: an oven of 450.00 is no needle of 1.00.


def test_article_put_in_by_substitution_has_its_own_price(app: Flask) -> None:
    delivery, needle = make_delivery(S.APPROVED), make_item("Aguja", reference_price_usd=Decimal("1.00"))

    found = replace(delivery, 1, name="Aguja", item=needle, unit_price_usd=Decimal("450.00"))

    assert (found.state, found.price_after_usd) == (SubstitutionState.OPEN, Decimal("1.00"))
    assert (found.value_after_usd, line_at(delivery, 1).name) == (Decimal("251.00"), "Horno industrial")


# The oven's line is worth 450.00: five percent are 22.50.
@pytest.mark.parametrize(("price", "is_it"), [("472.50", True), ("427.50", True), ("472.51", False), ("427.49", False)])
def test_line_is_matched_to_an_article_of_about_its_price(app: Flask, price: str, is_it: bool) -> None:
    delivery, oven = make_delivery(S.APPROVED), make_item(reference_price_usd=Decimal(price))

    if is_it:
        substitution.match_items(delivery, {1: oven}, by=keeper(), now=utcnow())
    else:
        with pytest.raises(RuleBroken) as refusal:
            substitution.match_items(delivery, {1: oven}, by=keeper(), now=utcnow())
        assert refusal.value.field == "item_1"

    assert line_at(delivery, 1).item == (oven if is_it else None)
    assert (delivery.value_usd, delivery.kit_version) == (Decimal("700.00"), 2 if is_it else 1)


@pytest.mark.parametrize("other", [True, False], ids=["another article", "no article"])
def test_article_that_was_approved_is_changed_by_substitution_only(app: Flask, other: bool) -> None:
    delivery, bicycle = make_kit((oven := make_item(), 2), (make_item(), 3)), make_item() if other else None

    with pytest.raises(RuleBroken) as refusal:
        substitution.match_items(delivery, {1: bicycle, 2: line_at(delivery, 2).item}, by=keeper(), now=utcnow())
    assert refusal.value.field == "item_1"
    assert (line_at(delivery, 1).item_id, delivery.kit_version) == (oven.id, 1)

    found = replace(delivery, 1, name="Bicicleta", item=bicycle)
    assert (found.state, found.item_before_id, found.item_after) == (SubstitutionState.APPLIED, oven.id, bicycle)
    assert (line_at(delivery, 1).item, line_at(delivery, 1).name) == (bicycle, "Bicicleta")


def test_article_of_a_planned_kit_is_changed_freely(app: Flask) -> None:
    delivery, other = make_kit((make_item(), 2), approved=False), make_item()

    for article in (other, None):
        substitution.match_items(delivery, {1: article}, by=keeper(), now=utcnow())
        assert line_at(delivery, 1).item == article


def test_articles_are_not_chosen_while_a_substitution_waits(app: Flask) -> None:
    delivery, oven = make_delivery(S.APPROVED), make_item(reference_price_usd=Decimal("450.00"))
    found = replace(delivery, 1, unit_price_usd=Decimal("300.00"))

    with pytest.raises(RuleBroken):
        substitution.match_items(delivery, {1: oven}, by=keeper(), now=utcnow())
    substitution.approve_substitution(found, by=make_user(Role.COORDINATOR), now=utcnow())
    assert line_at(delivery, 1).item is None
    assert sum(line.total_usd for line in delivery.lines) == delivery.value_usd == Decimal("550.00")

    substitution.match_items(delivery, {2: make_item(reference_price_usd=Decimal("15.50"))}, by=keeper(), now=utcnow())
    assert line_at(delivery, 2).item is not None


# Two of 200.00: five percent of the kit's 400.00 are 20.00.
@pytest.mark.parametrize(("cost", "packed"), [("210.00", True), ("190.00", True), ("210.01", False), ("189.99", False)])
def test_goods_that_cost_far_from_the_list_are_not_packed(app: Flask, cost: str, packed: bool) -> None:
    item = make_item(reference_price_usd=Decimal("200.00"))
    delivery, lot = make_kit((item, 2)), make_lot(item, 2, unit_cost_usd=Decimal(cost))

    if packed:
        pack(delivery)
    else:
        with pytest.raises(RuleBroken):
            pack(delivery)

    assert (delivery.state, on_hand(lot)) == ((S.PACKED, 0) if packed else (S.APPROVED, 2))


@pytest.mark.parametrize(("cost", "sealed"), [("665.00", True), ("664.99", False)])
def test_kit_whose_goods_cost_far_from_the_list_is_not_sealed(app: Flask, cost: str, sealed: bool) -> None:
    delivery = make_delivery(S.PACKED)
    delivery.cost_usd = Decimal(cost)
    db.session.flush()

    if sealed:
        services.seal(delivery, seal_number="PR-9", weight_grams=900, by=keeper(), now=utcnow())
    else:
        with pytest.raises(RuleBroken):
            services.seal(delivery, seal_number="PR-9", weight_grams=900, by=keeper(), now=utcnow())

    assert (delivery.state, delivery.seal_number) == ((S.SEALED, "PR-9") if sealed else (S.PACKED, None))


def test_stale_price_is_corrected_in_the_catalogue_and_agreed_to(app: Flask) -> None:
    item = make_item(reference_price_usd=Decimal("200.00"))
    delivery, lot = make_kit((item, 2)), make_lot(item, 2, unit_cost_usd=Decimal("180.00"))
    item.reference_price_usd = Decimal("180.00")

    found = replace(delivery, 1)
    substitution.approve_substitution(found, by=make_user(Role.COORDINATOR), now=utcnow())
    pack(delivery)

    assert (delivery.value_usd, delivery.cost_usd, on_hand(lot)) == (Decimal("360.00"), Decimal("360.00"), 0)


@pytest.mark.parametrize("state", [S.PLANNED, S.PACKED, S.SEALED])
def test_only_an_approved_kit_is_changed(app: Flask, state: DeliveryState) -> None:
    delivery = make_delivery(state)

    with pytest.raises(RuleBroken):
        replace(delivery, 1, unit_price_usd=Decimal("449.00"))

    assert (delivery.value_usd, delivery.kit_version) == (Decimal("700.00"), 1)


@pytest.mark.parametrize(
    "more", [{}, {"quantity": 0}, {"quantity": -1}, {"unit_price_usd": Decimal("0.00")}]
)  # fmt: skip
def test_odd_substitution_is_refused(app: Flask, more: dict[str, Any]) -> None:
    delivery = make_delivery(S.APPROVED)

    with pytest.raises(RuleBroken):
        replace(delivery, 1, **more)

    assert db.session.scalars(select(KitSubstitution)).all() == []


def test_stale_kit_is_not_changed(app: Flask) -> None:
    delivery = make_delivery(S.APPROVED)
    db.session.execute(Delivery.__table__.update().where(Delivery.__table__.c.id == delivery.id).values(kit_version=2))

    with pytest.raises(RuleBroken):
        replace(delivery, 1, unit_price_usd=Decimal("449.00"))
    with pytest.raises(RuleBroken):
        pack(delivery)

    assert delivery.state is S.APPROVED


# The ceiling, at every step.


def test_recipe_above_the_award_is_not_planned(app: Flask) -> None:
    award, oven = make_award(), make_item(reference_price_usd=Decimal("350.01"))

    with pytest.raises(RuleBroken) as refusal:
        recipes.plan_by_recipe(award, make_recipe((oven, 2)), by=make_user(Role.COORDINATOR), now=utcnow())
    assert refusal.value.field == "recipe"
    assert db.session.scalars(select(Delivery)).all() == []

    oven.reference_price_usd = Decimal("350.00")
    delivery = recipes.plan_by_recipe(award, make_recipe((oven, 2)), by=make_user(Role.COORDINATOR), now=utcnow())
    assert (delivery.value_usd, delivery.ceiling_usd) == (Decimal("700.00"), Decimal("700.00"))


def test_retired_recipe_is_not_planned(app: Flask) -> None:
    recipe = make_recipe()
    catalogue.retire(recipe, by=keeper(), now=utcnow())

    with pytest.raises(RuleBroken):
        recipes.plan_by_recipe(make_award(), recipe, by=make_user(Role.COORDINATOR), now=utcnow())


def test_substitution_above_the_award_is_refused(app: Flask) -> None:
    delivery = make_delivery(S.APPROVED)

    with pytest.raises(RuleBroken):
        replace(delivery, 1, unit_price_usd=Decimal("450.01"))

    assert (delivery.value_usd, delivery.kit_version) == (Decimal("700.00"), 1)


def kit_at_the_ceiling() -> tuple[Delivery, Item]:
    item = make_item(reference_price_usd=Decimal("70.00"))
    return make_kit((item, 10)), item


@pytest.mark.parametrize(("cost", "packed"), [("70.00", True), ("70.01", False)])
def test_goods_that_cost_more_than_the_award_are_not_packed(app: Flask, cost: str, packed: bool) -> None:
    delivery, item = kit_at_the_ceiling()
    lot = make_lot(item, 10, unit_cost_usd=Decimal(cost))

    if packed:
        pack(delivery)
    else:
        with pytest.raises(RuleBroken):
            pack(delivery)

    assert (delivery.state, on_hand(lot)) == ((S.PACKED, 0) if packed else (S.APPROVED, 10))


def test_two_lines_of_one_article_are_costed_lot_after_lot(app: Flask) -> None:
    delivery, item = make_kit((make_item(), 1), (flour := make_item(), 3), approved=False), flour
    substitution.match_items(delivery, {1: item}, by=keeper(), now=utcnow())
    for _n in range(2):
        services.approve(delivery, by=make_user(Role.COORDINATOR), now=utcnow())
    make_lot(item, 2, unit_cost_usd=Decimal("8.00"))
    make_lot(item, 2, unit_cost_usd=Decimal("11.00"))

    pack(delivery)

    assert delivery.cost_usd == Decimal("38.00")  # 2 × 8.00 + 2 × 11.00


def test_kit_whose_list_was_changed_behind_its_back_is_neither_packed_nor_sealed(app: Flask) -> None:
    approved, packed = make_delivery(S.APPROVED), make_delivery(S.PACKED)
    for delivery in (approved, packed):
        line_at(delivery, 3).unit_price_usd = Decimal("95.01")
    db.session.flush()

    with pytest.raises(RuleBroken):
        pack(approved)
    with pytest.raises(RuleBroken):
        services.seal(packed, seal_number="PR-9", weight_grams=900, by=keeper(), now=utcnow())

    assert (approved.state, packed.state, packed.seal_number) == (S.APPROVED, S.PACKED, None)


def test_kit_that_does_not_hold_what_left_the_shelf_is_not_sealed(app: Flask) -> None:
    item = make_item()
    make_lot(item, 9)
    delivery = make_kit((item, 4), (make_item(), 1))
    make_lot(line_at(delivery, 2).item, 1)
    pack(delivery)
    line_at(delivery, 1).item_id, line_at(delivery, 2).item_id = line_at(delivery, 2).item_id, item.id
    line_at(delivery, 1).quantity, line_at(delivery, 2).quantity = 1, 4
    db.session.flush()

    with pytest.raises(RuleBroken):
        services.seal(delivery, seal_number="PR-9", weight_grams=900, by=keeper(), now=utcnow())

    assert delivery.state is S.PACKED


@pytest.mark.parametrize("column", ["value_usd", "cost_usd"])
def test_database_holds_the_ceiling(app: Flask, column: str) -> None:
    delivery = make_delivery(S.APPROVED)

    with pytest.raises(IntegrityError), db.session.begin_nested():
        setattr(delivery, column, Decimal("700.01"))
        db.session.flush()

    db.session.refresh(delivery)
    assert delivery.value_usd == Decimal("700.00")


# The check at the point.


def check(delivery: Delivery, by: Any, **changed: Any) -> HandoverCheck:
    values = {"seal_number": delivery.seal_number or "", "weight_grams": None, "serials": [], **changed}
    return checks.check_kit(delivery, by=by, now=utcnow(), **values)


def test_right_reading_is_written_down(app: Flask) -> None:
    carried = make_carried()

    found = check(carried.delivery, carried.officer, weight_grams=12_500)

    assert db.session.scalars(select(HandoverCheck)).all() == [found]
    assert (found.weight_grams, found.by_id, found.digest) == (12_500, carried.officer.id, carried.delivery.digest)


# Sealed at 12,500 g: three percent are 375 g.
@pytest.mark.parametrize(("grams", "right"), [(12_875, True), (12_125, True), (12_876, False), (12_124, False)])
def test_weight_may_differ_by_three_percent(app: Flask, grams: int, right: bool) -> None:
    carried = make_carried()

    if right:
        check(carried.delivery, carried.officer, weight_grams=grams)
    else:
        with pytest.raises(RuleBroken) as refusal, transaction():
            check(carried.delivery, carried.officer, weight_grams=grams)
        assert refusal.value.field == "weight_grams"

    assert (db.session.scalar(select(HandoverCheck.id)) is not None) is right


def test_light_kit_may_differ_by_fifty_grams(app: Flask) -> None:
    assert checks.Tolerance().holds(600, 650)
    assert not checks.Tolerance().holds(600, 651)
    assert not checks.Tolerance(Decimal(1), 10).holds(600, 611)


@pytest.mark.parametrize(
    ("changed", "field"),
    [
        ({"seal_number": "PR-0"}, "seal_number"),
        ({"seal_number": ""}, "seal_number"),
        ({"serials": ["SN-0"]}, "serials"),
    ],
)
def test_wrong_reading_is_refused_without_saying_what_is_right(app: Flask, changed: Any, field: str) -> None:
    carried = make_carried()

    with pytest.raises(RuleBroken) as refusal:
        check(carried.delivery, carried.officer, **changed)

    assert refusal.value.field == field
    assert (carried.delivery.seal_number or "?") not in str(refusal.value.message)
    assert db.session.scalars(select(HandoverCheck)).all() == []


def test_stranger_checks_nothing_and_neither_does_the_warehouse(app: Flask) -> None:
    carried, sealed = make_carried(), make_delivery(S.SEALED)

    with pytest.raises(RuleBroken):
        check(carried.delivery, make_user(Role.OFFICER))
    with pytest.raises(RuleBroken):
        check(sealed, make_user(Role.OFFICER))

    assert db.session.scalars(select(HandoverCheck)).all() == []


def test_kit_with_a_team_is_not_cancelled(app: Flask) -> None:
    carried = make_carried(S.IN_TRANSIT)
    carried.delivery.state = S.HELD
    db.session.flush()

    with pytest.raises(RuleBroken):
        services.cancel(carried.delivery, reason=Reason.OTHER, by=make_user(Role.COORDINATOR), now=utcnow())

    assert carried.delivery.state is S.HELD
