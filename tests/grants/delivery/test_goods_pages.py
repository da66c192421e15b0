"""The warehouse's pages: who opens them, what they do and cost, and what they take away as a file."""

import re
from collections.abc import Callable
from decimal import Decimal
from io import BytesIO

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.delivery import buying
from grants.delivery.models import (
    CorrectionState,
    DeliveryState,
    DeviceUnit,
    Item,
    KitRecipe,
    KitSubstitution,
    StockCorrection,
    StockLot,
    Supplier,
)
from grants.delivery.queries import live_delivery
from tests.factories.access import make_user
from tests.factories.delivery import make_delivery
from tests.factories.goods import (
    PHONE_IMEI,
    days_from_now,
    line_at,
    make_correction,
    make_item,
    make_kit,
    make_lot,
    make_recipe,
    make_substitution,
    make_supplier,
    on_hand,
    pack,
)
from tests.factories.selection import make_award
from tests.grants.delivery.test_pages import selects

S = DeliveryState
SignIn = Callable[[User], FlaskClient]


@pytest.fixture
def warehouse(app: Flask, sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.WAREHOUSE))


@pytest.fixture
def coordinator(app: Flask, sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.COORDINATOR))


def arrival_of(units: str = "12", **more: str) -> dict[str, str]:
    return {"supplier": str(make_supplier().id), "quantity": units, "unit_cost_usd": "14.90", "invoice": "001",
            "received_on": days_from_now(0).isoformat(), **more}  # fmt: skip


def test_the_same_form_sent_again_puts_one_lot_on_the_shelf(warehouse: FlaskClient) -> None:
    address, sent = f"/deliveries/items/{make_item().id}/receive", arrival_of(form_key="k" * 22)

    said = []
    for _n in range(2):
        assert warehouse.post(address, data=sent).status_code == 302
        said.append("Ya estaba escrito" in warehouse.get("/").text)

    assert [lot.on_hand for lot in db.session.scalars(select(StockLot))] == [12]
    assert said == [False, True]


def test_a_form_sent_again_with_something_else_in_it_asks_before_it_counts(warehouse: FlaskClient) -> None:
    address, sent = f"/deliveries/items/{make_item().id}/receive", arrival_of(form_key="k" * 22)
    warehouse.post(address, data=sent)

    other = warehouse.post(address, data={**sent, "quantity": "3"})
    fresh = re.search(r'name="form_key"[^>]* value="([^"]+)"', other.text)[1]  # type: ignore[index]
    lots = [lot.on_hand for lot in db.session.scalars(select(StockLot))]
    again = warehouse.post(address, data={**sent, "quantity": "3", "form_key": fresh})

    assert (other.status_code, lots, fresh != "k" * 22) == (200, [12], True)
    assert again.status_code == 302
    assert sorted(lot.on_hand for lot in db.session.scalars(select(StockLot))) == [3, 12]


def test_a_refused_form_may_be_corrected_and_sent_again(warehouse: FlaskClient) -> None:
    address, sent = f"/deliveries/items/{make_item().id}/receive", arrival_of(form_key="k" * 22)

    refused = warehouse.post(address, data={**sent, "received_on": days_from_now(3).isoformat()})

    assert refused.status_code == 200
    assert "k" * 22 in refused.text
    assert warehouse.post(address, data=sent).status_code == 302
    assert [lot.on_hand for lot in db.session.scalars(select(StockLot))] == [12]


def test_the_same_adjustment_sent_again_takes_the_units_out_once(warehouse: FlaskClient) -> None:
    lot = make_lot(quantity=10)
    data = {"way": "fewer", "quantity": "2", "reason": "damaged", "form_key": "k" * 22}

    for _n in range(2):
        assert warehouse.post(f"/deliveries/lots/{lot.id}/adjust", data=data).status_code == 302

    assert on_hand(lot) == 8


def test_supplier_article_and_lot_through_pages(warehouse: FlaskClient) -> None:
    assert warehouse.post("/deliveries/suppliers/new", data={"name": "Comercial Andes"}).status_code == 302
    supplier = db.session.scalars(select(Supplier)).one()
    item_data = {
        "name": "Quintal de harina", "unit": "quintal", "category": "food", "reference_price_usd": "15,50",
        "reorder_level": "20", "supplier": str(supplier.id),
    }  # fmt: skip
    assert warehouse.post("/deliveries/items/new", data=item_data).status_code == 302
    item = db.session.scalars(select(Item)).one()
    lot_data = {
        "supplier": str(supplier.id), "quantity": "12", "unit_cost_usd": "14.90", "invoice": "001-001-000000123",
        "received_on": days_from_now(0).isoformat(),
    }  # fmt: skip
    assert warehouse.post(f"/deliveries/items/{item.id}/receive", data=lot_data).status_code == 302

    page = warehouse.get(f"/deliveries/items/{item.id}").text
    lot = db.session.scalars(select(StockLot)).one()
    assert (item.reference_price_usd, item.reorder_level, lot.on_hand) == (Decimal("15.50"), 20, 12)
    assert "001-001-000000123" in page
    assert "+12" in page


def test_article_is_edited_and_offered_no_more(warehouse: FlaskClient) -> None:
    supplier = make_supplier()
    item = make_item("Pala", supplier=supplier)
    page = warehouse.get(f"/deliveries/items/{item.id}/edit").text
    data = {"name": "Pala ancha", "unit": "unidad", "category": "tools", "reference_price_usd": "11.00",
            "supplier": "0"}  # fmt: skip

    warehouse.post(f"/deliveries/items/{item.id}/edit", data=data)
    warehouse.post(f"/deliveries/items/{item.id}/retire")

    db.session.refresh(item)
    assert f'<option selected value="{supplier.id}">' in page
    assert (item.name, item.supplier_id, item.retired_at is None) == ("Pala ancha", None, False)


def test_counts_are_confirmed_by_another_person(app: Flask, sign_in: SignIn) -> None:
    lot = make_lot(quantity=10)
    counter, second = sign_in(make_user(Role.WAREHOUSE)), sign_in(make_user(Role.WAREHOUSE))
    address = f"/deliveries/items/{lot.item_id}"

    form = counter.get(f"{address}/count").text
    counter.post(f"{address}/count", data={f"lot_{lot.id}": "1"})
    correction = db.session.scalars(select(StockCorrection)).one()
    counter.post(f"/deliveries/corrections/{correction.id}/confirm")
    assert (on_hand(lot), correction.state) == (10, CorrectionState.OPEN)
    second.post(f"/deliveries/corrections/{correction.id}/confirm")

    assert on_hand(lot) == 1
    assert 'value="10"' not in form  # a count is made without knowing the book


def test_lot_is_adjusted_and_a_large_correction_refused(app: Flask, sign_in: SignIn) -> None:
    lot = make_lot(quantity=10)
    first, second = sign_in(make_user(Role.WAREHOUSE)), sign_in(make_user(Role.WAREHOUSE))
    address = f"/deliveries/lots/{lot.id}/adjust"

    assert first.post(address, data={"way": "more", "quantity": "1", "reason": "damaged"}).status_code == 200
    assert first.post(address, data={"way": "fewer", "quantity": "2", "reason": "damaged"}).status_code == 302
    assert first.post(address, data={"way": "fewer", "quantity": "8", "reason": "stolen"}).status_code == 302
    waiting = db.session.scalars(select(StockCorrection).where(StockCorrection.state == CorrectionState.OPEN)).one()
    second.post(f"/deliveries/corrections/{waiting.id}/refuse")

    assert on_hand(lot) == 8


def test_devices_are_written_down_line_by_line(warehouse: FlaskClient) -> None:
    lot = make_lot(make_item(needs_serial=True, has_imei=True), 2)
    address = f"/deliveries/lots/{lot.id}/devices"

    wrong = warehouse.post(address, data={"devices": f"SN1, {PHONE_IMEI}\nSN2, 490154203237581"})
    assert wrong.status_code == 200
    assert "14–15" in wrong.text
    assert db.session.scalar(select(func.count()).select_from(DeviceUnit)) == 0
    assert warehouse.post(address, data={"devices": f"SN1; {PHONE_IMEI}\n\n"}).status_code == 302

    assert "SN1" in warehouse.get(address).text


def test_recipe_is_written_and_planned(app: Flask, warehouse: FlaskClient, coordinator: FlaskClient) -> None:
    flour, award = make_item("Harina", reference_price_usd=Decimal("15.50")), make_award()
    data = {"name": "Kit panadería", "item_1": str(flour.id), "quantity_1": "4"}

    assert warehouse.post("/deliveries/recipes/new", data={**data, "quantity_1": ""}).status_code == 200
    assert warehouse.post("/deliveries/recipes/new", data=data).status_code == 302
    recipe = db.session.scalars(select(KitRecipe)).one()
    assert warehouse.post(f"/deliveries/recipes/{recipe.id}", data={**data, "quantity_1": "5"}).status_code == 302
    planned = coordinator.post(f"/deliveries/plan/{award.id}/recipe", data={"recipe": str(recipe.id)})

    delivery = live_delivery(award.id)
    assert planned.status_code == 302
    assert delivery is not None
    assert [(line.name, line.quantity, line.item_id) for line in delivery.lines] == [("Harina", 5, flour.id)]


def test_recipe_above_the_award_gets_a_sentence(coordinator: FlaskClient) -> None:
    award, recipe = make_award(), make_recipe((make_item(reference_price_usd=Decimal("700.01")), 1))

    answer = coordinator.post(f"/deliveries/plan/{award.id}/recipe", data={"recipe": str(recipe.id)})

    assert answer.status_code == 200
    assert "700.01" in answer.text
    assert live_delivery(award.id) is None


def test_articles_of_a_kit_are_offered_by_name_and_chosen(warehouse: FlaskClient) -> None:
    delivery, flour = make_delivery(S.APPROVED), make_item("quintal de HARINA", reference_price_usd=Decimal("15.00"))
    make_lot(flour, 10)
    address = f"/deliveries/{delivery.id}/articles"

    assert f'<option selected value="{flour.id}">' in warehouse.get(address).text
    assert warehouse.post(address, data={"item_1": "0", "item_2": str(flour.id), "item_3": "0"}).status_code == 302

    db.session.refresh(line_at(delivery, 2))
    assert [line.item_id for line in delivery.lines] == [None, flour.id, None]


def test_line_is_not_matched_to_an_article_of_another_price(warehouse: FlaskClient) -> None:
    delivery, needle = make_delivery(S.APPROVED), make_item("Aguja", reference_price_usd=Decimal("1.00"))

    page = warehouse.post(f"/deliveries/{delivery.id}/articles", data={"item_1": str(needle.id)})

    assert page.status_code == 200
    assert "450.00" in page.text
    db.session.refresh(line_at(delivery, 1))
    assert line_at(delivery, 1).item_id is None


def test_substitution_without_article_and_price_asks_for_the_price(warehouse: FlaskClient) -> None:
    line = line_at(make_delivery(S.APPROVED), 2)
    data = {"item": "0", "name": "Avena", "quantity": "5", "unit_price_usd": "", "reason": "out_of_stock"}

    page = warehouse.post(f"/deliveries/lines/{line.id}/substitute", data=data)

    assert page.status_code == 200
    assert db.session.scalars(select(KitSubstitution)).all() == []


def test_substitution_is_proposed_by_the_warehouse_and_approved(app: Flask, sign_in: SignIn) -> None:
    delivery = make_delivery(S.APPROVED)
    warehouse, coordinator = sign_in(make_user(Role.WAREHOUSE)), sign_in(make_user(Role.COORDINATOR))
    line, flour = line_at(delivery, 2), make_item("Harina integral", reference_price_usd=Decimal("15.50"))
    data = {"item": str(flour.id), "quantity": "5", "unit_price_usd": "", "reason": "out_of_stock"}

    assert warehouse.get(f"/deliveries/lines/{line.id}/substitute").status_code == 200
    assert warehouse.post(f"/deliveries/lines/{line.id}/substitute", data=data).status_code == 302
    found = db.session.scalars(select(KitSubstitution)).one()
    assert warehouse.post(f"/deliveries/substitutions/{found.id}/approve").status_code == 403
    assert delivery.folio in coordinator.get("/deliveries/substitutions").text
    coordinator.post(f"/deliveries/substitutions/{found.id}/approve")

    db.session.refresh(delivery)
    db.session.refresh(line)
    assert (delivery.value_usd, line.name, line.quantity) == (Decimal("622.50"), "Harina integral", 5)
    assert "Harina integral" in coordinator.get(f"/deliveries/{delivery.id}").text


def test_refused_substitution_through_the_page(app: Flask, sign_in: SignIn) -> None:
    delivery, proposer = make_delivery(S.APPROVED), sign_in(make_user(Role.COORDINATOR))
    line = line_at(delivery, 1)
    data = {"item": "0", "name": "Horno usado", "quantity": "1", "unit_price_usd": "200.00", "reason": "other"}
    proposer.post(f"/deliveries/lines/{line.id}/substitute", data=data)
    found = db.session.scalars(select(KitSubstitution)).one()

    proposer.post(f"/deliveries/substitutions/{found.id}/refuse")
    db.session.refresh(found)
    assert found.state.value == "open"
    sign_in(make_user(Role.COORDINATOR)).post(f"/deliveries/substitutions/{found.id}/refuse")

    db.session.refresh(found)
    assert (found.state.value, line.name) == ("refused", "Horno industrial")


def test_day_of_the_warehouse_says_what_lacks(warehouse: FlaskClient) -> None:
    flour, salt = make_item("Harina"), make_item("Sal", reorder_level=5)
    make_lot(flour, 5)
    first, second = make_kit((flour, 3)), make_kit((flour, 4))
    packed = make_delivery(S.PACKED)

    page = warehouse.get("/deliveries/warehouse").text

    assert {first.folio, second.folio, packed.folio} <= set(page.replace("<", " ").replace(">", " ").split())
    assert "Harina (2)" in page  # the second of the two kits finds 2 of its 4 units
    assert salt.name in page


def test_buying_list_takes_the_shelf_off_what_kits_need(app: Flask) -> None:
    andes = make_supplier("Andes")
    flour = make_item("Quintal de harina", reference_price_usd=Decimal("15.50"), supplier=andes)
    make_lot(flour, 3)
    make_lot(flour, 50, best_before=days_from_now(-1))
    make_award()  # nobody planned it: 1 oven at 450.00, 10 sacks, 1 pair of scales at 95.00
    make_kit((flour, 4))
    pack(make_kit((flour, 2)))  # packed: needs nothing more

    found = buying.buying_list(days_from_now(0))

    assert [(need.name, need.supplier, need.needed, need.free, need.to_buy, need.cost_usd) for need in found.needs] == [
        ("Quintal de harina", "Andes", 14, 1, 13, Decimal("201.50")),
        ("Balanza digital", "", 1, 0, 1, Decimal("95.00")),
        ("Horno industrial", "", 1, 0, 1, Decimal("450.00")),
    ]
    assert found.cost_usd == Decimal("746.50")


def test_buying_list_as_a_workbook_holds_no_formula(coordinator: FlaskClient) -> None:
    flour = make_item("=1+1", reorder_level=5, supplier=make_supplier("@Comercial"))
    make_kit((flour, 4))

    answer = coordinator.get("/deliveries/what-to-buy.xlsx")

    book = openpyxl.load_workbook(BytesIO(answer.data))
    needs, low = book.worksheets
    assert [cell.value for cell in needs[2]] == ["'@Comercial", "'=1+1", "unidad", 4, 0, 4, 10, 40]
    assert [cell.value for cell in low[2]] == ["'@Comercial", "'=1+1", "unidad", 0, 5]
    assert {cell.data_type for sheet in book.worksheets for row in sheet for cell in row} <= {"s", "n"}


PAGES = ["/deliveries/warehouse", "/deliveries/what-to-buy", "/deliveries/items", "/deliveries/suppliers",
         "/deliveries/recipes"]  # fmt: skip


def fill() -> None:
    """One of everything: articles with lots below their level, kits to pack, a correction and a substitution."""
    item = make_item(reorder_level=50, supplier=make_supplier())
    make_lot(item, 3)
    make_kit((item, 2))
    make_delivery(S.PACKED)
    make_award()
    make_correction()
    make_substitution()


def test_pages_cost_the_same_with_one_row_and_with_three(warehouse: FlaskClient) -> None:
    fill()
    with_one = [selects(warehouse, address) for address in PAGES]
    for _n in range(2):
        fill()

    assert [selects(warehouse, address) for address in PAGES] == with_one
    assert with_one[0] <= 15
    assert max(with_one[1:]) <= 8


def test_page_of_an_article_costs_at_most_fifteen(warehouse: FlaskClient) -> None:
    item = make_item()
    for _n in range(3):
        make_lot(item)
    pack(make_kit((item, 12)))

    assert selects(warehouse, f"/deliveries/items/{item.id}") <= 15


@pytest.mark.parametrize("role", [Role.OFFICER, Role.MONITORING])
def test_stock_is_the_warehouses(app: Flask, sign_in: SignIn, role: Role) -> None:
    client, lot = sign_in(make_user(role)), make_lot()

    for address in (*PAGES, f"/deliveries/items/{lot.item_id}", f"/deliveries/lots/{lot.id}/adjust"):
        assert client.get(address).status_code == 403


BAD = ["", "\x00", "x" * 10_000, "1e999", "９"]


@pytest.mark.parametrize("bad", BAD)
def test_odd_input_gets_a_sentence_and_moves_nothing(warehouse: FlaskClient, bad: str) -> None:
    lot = make_lot(make_item(needs_serial=True), 5)
    kit = make_kit((make_item(), 1))
    forms = {
        f"/deliveries/items/{lot.item_id}/receive": ["supplier", "quantity", "unit_cost_usd", "invoice", "received_on"],
        f"/deliveries/items/{lot.item_id}/count": [f"lot_{lot.id}"],
        f"/deliveries/lots/{lot.id}/adjust": ["way", "quantity", "reason"],
        f"/deliveries/lines/{kit.lines[0].id}/substitute": ["item", "name", "quantity", "unit_price_usd", "reason"],
        f"/deliveries/{kit.id}/articles": ["item_1"],
        "/deliveries/recipes/new": ["name", "item_1", "quantity_1"],
        "/deliveries/items/new": ["name", "unit", "category", "reference_price_usd", "reorder_level"],
    }

    answers = {path: warehouse.post(path, data=dict.fromkeys(names, bad)).status_code for path, names in forms.items()}

    assert answers == dict.fromkeys(forms, 200)
    assert (on_hand(lot), kit.kit_version, db.session.scalar(select(func.count()).select_from(StockLot))) == (5, 1, 1)
