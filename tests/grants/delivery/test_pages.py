"""Pages of deliveries: who opens them, what they show and hide, and what they cost."""

import base64
import logging
import re
import secrets
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.engine import Engine

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import Model, db
from grants.delivery import queries
from grants.delivery.models import DeliveryState, Receipt, StoredAnswer, SymbolCard
from grants.delivery.services.receipts import hash_of
from tests.factories.access import current_code, make_user
from tests.factories.delivery import (
    DURESS_PIN,
    PIN,
    make_card,
    make_carried,
    make_confirmed,
    make_delivery,
    make_officer,
    make_snapshot,
)
from tests.factories.selection import make_award

S = DeliveryState
SignIn = Callable[[User], FlaskClient]


def selects(client: FlaskClient, address: str) -> int:
    noted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        noted.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert client.get(address).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return sum(statement.startswith("SELECT") for statement in noted)


@pytest.fixture
def coordinator(app: Flask, sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.COORDINATOR))


@pytest.fixture
def warehouse(app: Flask, sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.WAREHOUSE))


@pytest.mark.parametrize("address", ["/deliveries/", "/deliveries/to-plan"])
def test_list_costs_the_same_with_one_row_and_with_three(coordinator: FlaskClient, address: str) -> None:
    make_delivery()
    make_award()
    with_one = selects(coordinator, address)
    for _n in range(2):
        make_delivery()
        make_award()

    assert selects(coordinator, address) == with_one
    assert with_one <= 8


def test_page_of_a_delivery_costs_at_most_fifteen(coordinator: FlaskClient) -> None:
    delivery = make_delivery(S.SEALED)

    assert selects(coordinator, f"/deliveries/{delivery.id}") <= 15


def test_list_is_filtered_by_state(coordinator: FlaskClient) -> None:
    planned, sealed = make_delivery(), make_delivery(S.SEALED)

    page = coordinator.get("/deliveries/?state=sealed").get_data(as_text=True)

    assert sealed.folio in page
    assert planned.folio not in page


@pytest.mark.parametrize("query", ["state=nothing", "after=%00~1", "after=x~99999999999", "state=%00", "after=~"])
def test_odd_query_shows_a_list(coordinator: FlaskClient, query: str) -> None:
    assert coordinator.get(f"/deliveries/?{query}").status_code == 200


def test_place_time_and_name_are_on_no_page_of_the_office(coordinator: FlaskClient, warehouse: FlaskClient) -> None:
    carried = make_carried(S.IN_TRANSIT)
    secrets_of_it = (carried.delivery.place, carried.delivery.person.given_names, carried.officer.name)

    for client in (coordinator, warehouse):
        for address in ("/deliveries/", f"/deliveries/{carried.delivery.id}"):
            page = client.get(address).get_data(as_text=True)
            assert carried.delivery.folio in page
            assert [word for word in secrets_of_it if word and word in page] == []


def test_plan_approve_and_cancel_through_pages(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    one, two, three = (sign_in(make_user(Role.COORDINATOR)) for _n in range(3))

    assert one.post(f"/deliveries/plan/{award.id}").status_code == 302
    delivery = queries.live_delivery(award.id)
    assert delivery is not None
    for client in (one, two, three):
        client.post(f"/deliveries/{delivery.id}/approve")
    db.session.refresh(delivery)
    assert delivery.state is S.APPROVED
    assert one.post(f"/deliveries/{delivery.id}/cancel", data={"reason": "planned_by_mistake"}).status_code == 302

    db.session.refresh(delivery)
    assert delivery.state is S.CANCELLED


def test_pack_seal_and_clear_through_pages(app: Flask, sign_in: SignIn) -> None:
    delivery, desk = make_delivery(S.APPROVED), sign_in(make_user(Role.DESK))
    packer, sealer = sign_in(make_user(Role.WAREHOUSE)), sign_in(make_user(Role.WAREHOUSE))
    counts = {f"count_{line.position}": line.quantity for line in delivery.lines}

    assert packer.post(f"/deliveries/{delivery.id}/pack", data={**counts, "count_2": "9"}).status_code == 200
    assert packer.post(f"/deliveries/{delivery.id}/pack", data=counts).status_code == 302
    seal = {"seal_number": "PR-77", "weight_grams": "12500"}
    assert packer.post(f"/deliveries/{delivery.id}/seal", data=seal).status_code == 200
    assert sealer.post(f"/deliveries/{delivery.id}/seal", data=seal).status_code == 302
    desk.post(f"/deliveries/{delivery.id}/clear")
    db.session.refresh(delivery)
    assert delivery.state is S.SEALED  # nothing is known of the canton
    make_snapshot(delivery.canton_code, 2)
    desk.post(f"/deliveries/{delivery.id}/clear")

    db.session.refresh(delivery)
    assert (delivery.state, delivery.level, delivery.seal_number) == (S.CLEARED, 2, "PR-77")


BAD = ["", "\x00", "x" * 10_000, "-1", "1e999", "NaN", "Infinity", "9" * 400, "９", "\ud800", "1.5"]


@pytest.mark.parametrize("bad", BAD)
def test_odd_input_gets_a_sentence_and_changes_nothing(warehouse: FlaskClient, bad: str) -> None:
    approved, packed = make_delivery(S.APPROVED), make_delivery(S.PACKED)
    bad = bad.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if bad == "\ud800" else bad

    answers = [
        warehouse.post(f"/deliveries/{approved.id}/pack", data=dict.fromkeys(("count_1", "count_2", "count_3"), bad)),
        warehouse.post(f"/deliveries/{packed.id}/seal", data={"seal_number": bad, "weight_grams": bad}),
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert [one.state for one in (approved, packed)] == [S.APPROVED, S.PACKED]


@pytest.mark.parametrize("step", ["arrive", "handover", "otherwise/nobody-came", "otherwise/taken", "turn-back"])
def test_another_officers_delivery_is_not_found(app: Flask, sign_in: SignIn, desk_key: Path, step: str) -> None:
    carried, stranger = make_carried(), sign_in(make_officer())

    assert stranger.post(f"/deliveries/{carried.delivery.id}/{step}").status_code == 404
    assert stranger.post(f"/deliveries/{2**40}/{step}").status_code == 404
    assert stranger.get(f"/deliveries/{carried.delivery.id}").status_code == 403
    db.session.refresh(carried.delivery)
    assert carried.delivery.state is S.AT_POINT


def handover_data(carried: object, **changed: str) -> dict[str, str]:
    codes = carried.codes(utcnow())  # type: ignore[attr-defined]
    return {"totp": codes.totp, "pin": codes.pin, "card": codes.card, "key": secrets.token_urlsafe(18), **changed}


def test_handover_through_the_page(app: Flask, sign_in: SignIn, desk_key: Path) -> None:
    carried = make_carried(S.IN_TRANSIT)
    client, address = sign_in(carried.officer), f"/deliveries/{carried.delivery.id}"
    kit = {"seal_number": carried.delivery.seal_number}
    assert client.post(f"{address}/arrive", data=kit).headers["Location"].endswith("/handover")
    form = client.get(f"{address}/handover").get_data(as_text=True)
    assert 'name="card"' in form

    data = handover_data(carried)
    first, again = client.post(f"{address}/handover", data=data), client.post(f"{address}/handover", data=data)
    other = client.post(f"{address}/handover", data={**data, "pin": DURESS_PIN})

    receipt = db.session.query(Receipt).filter_by(delivery_id=carried.delivery.id).one()
    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 422)
    assert receipt.number in first.get_data(as_text=True)
    assert receipt.number in again.get_data(as_text=True)
    assert db.session.query(StoredAnswer).filter_by(delivery_id=carried.delivery.id).count() == 1


def test_handover_sent_again_under_a_new_key_leads_to_the_receipt(
    app: Flask, sign_in: SignIn, desk_key: Path, in_english: None
) -> None:
    carried = make_carried(S.AT_POINT)
    client, address = sign_in(carried.officer), f"/deliveries/{carried.delivery.id}/handover"
    client.post(address, data=handover_data(carried))

    again = client.post(address, data=handover_data(carried)).text

    assert "Este kit ya se entregó" in again or "handed over already" in again
    assert f'href="{address}"' in again
    assert "not at the point" not in again
    assert db.session.query(Receipt).filter_by(delivery_id=carried.delivery.id).count() == 1


def test_wrong_code_leaves_delivery_at_the_point_and_shows_no_code_again(
    app: Flask, sign_in: SignIn, desk_key: Path
) -> None:
    carried = make_carried()
    data = handover_data(carried, pin="9911")

    answer = sign_in(carried.officer).post(f"/deliveries/{carried.delivery.id}/handover", data=data)

    page = answer.get_data(as_text=True)
    assert answer.status_code == 200
    assert data["card"] not in page
    assert data["totp"] not in page
    db.session.refresh(carried.delivery)
    assert carried.delivery.state is S.AT_POINT


@pytest.mark.parametrize("bad", ["", "x", "fifteen-letters", "\x00" * 20, "y" * 10_000, "a key with spaces"])
def test_odd_idempotency_key_is_refused(app: Flask, sign_in: SignIn, desk_key: Path, bad: str) -> None:
    carried = make_carried()

    answer = sign_in(carried.officer).post(
        f"/deliveries/{carried.delivery.id}/handover", data=handover_data(carried, key=bad)
    )

    assert answer.status_code == 200
    db.session.refresh(carried.delivery)
    assert carried.delivery.state is S.AT_POINT


def test_key_of_the_form_is_random_for_each_form_and_kept_nowhere(
    app: Flask, sign_in: SignIn, desk_key: Path, caplog: pytest.LogCaptureFixture
) -> None:
    carried = make_carried()
    client, address = sign_in(carried.officer), f"/deliveries/{carried.delivery.id}/handover"
    keys = [re.findall(r'name="key"[^>]*value="([^"]+)"', client.get(address).text)[0] for _n in range(5)]

    with caplog.at_level(logging.DEBUG):
        answer = client.post(address, data=handover_data(carried, key=keys[0]))

    assert len(set(keys)) == 5
    assert {len(base64.urlsafe_b64decode(key)) for key in keys} == {18}  # 144 random bits
    assert (answer.status_code, answer.request.query_string) == (200, b"")
    rows = [db.session.execute(select(table)).all() for table in Model.metadata.sorted_tables]
    assert keys[0] not in repr(rows) + caplog.text + str(answer.headers)


def test_officer_sets_a_pin_with_the_delivery_code(app: Flask, sign_in: SignIn) -> None:
    officer = make_user(Role.OFFICER)
    client = sign_in(officer)
    data = {"pin": PIN, "again": PIN, "code": "000000"}

    assert client.post("/deliveries/pin", data=data).status_code == 200
    assert queries.pin_of(officer) is None
    assert client.post("/deliveries/pin", data={**data, "code": current_code(officer)}).status_code == 302

    pin = queries.pin_of(officer)
    assert pin is not None
    assert pin.pin == PIN


@pytest.mark.parametrize("bad", ["", "123", "12345", "１２３４", "12a4", "\x00\x00\x00\x00", "9" * 5000])
def test_pin_of_another_shape_is_refused(app: Flask, sign_in: SignIn, bad: str) -> None:
    officer = make_user(Role.OFFICER)

    answer = sign_in(officer).post("/deliveries/pin", data={"pin": bad, "again": bad, "code": current_code(officer)})

    assert answer.status_code == 200
    assert queries.pin_of(officer) is None


def test_card_is_issued_printed_once_and_chosen(app: Flask, sign_in: SignIn) -> None:
    award = make_award()
    client, address = sign_in(make_user(Role.COORDINATOR)), f"/deliveries/cards/{award.id}"
    assert client.get(address).status_code == 200
    client.post(f"{address}/issue")
    card = queries.get_card(award.id)
    codes = card.codes

    printed, again = client.post(f"{address}/print"), client.post(f"{address}/print")

    assert printed.mimetype == "application/pdf"
    assert printed.data.startswith(b"%PDF")
    assert printed.headers["Cache-Control"].startswith("no-") or "no-store" in printed.headers["Cache-Control"]
    assert again.status_code == 302
    db.session.refresh(card)
    assert card.codes is None
    assert client.get(f"{address}/choose").status_code == 200
    chosen = client.post(f"{address}/choose", data={"picture": "fish"})
    after = client.get(address).get_data(as_text=True)
    db.session.refresh(card)
    assert card.true_picture == "2"
    assert "fish" not in chosen.headers["Location"]
    assert not re.search(r"fish|pez", after, re.IGNORECASE)
    assert not any(code in after for code in codes)
    assert client.post(f"{address}/choose", data={"picture": "sun"}).status_code == 200
    db.session.refresh(card)
    assert card.true_picture == "2"


def test_choice_is_answered_alike_whatever_was_chosen(app: Flask, sign_in: SignIn) -> None:
    user = make_user(Role.COORDINATOR)
    client, seen = sign_in(user), set()
    for picture in ("sun", "tree", "fish", "house"):
        card, _codes = make_card(make_award(), picture=None)
        card.printed_at, card.codes = utcnow(), None
        answer = client.post(f"/deliveries/cards/{card.award_id}/choose", data={"picture": picture})
        page = client.get(f"/deliveries/cards/{card.award_id}").get_data(as_text=True)
        page = re.sub(r"[ADPS]-[0-9A-Z]{9}|cards/[0-9]+|value=\"[^\"]*\"", "", page)
        seen.add((answer.status_code, page))

    assert len(seen) == 1


def test_card_is_replaced_by_two_people(app: Flask, sign_in: SignIn) -> None:
    card, _codes = make_card(make_award())
    one, two = sign_in(make_user(Role.COORDINATOR)), sign_in(make_user(Role.COORDINATOR))
    address = f"/deliveries/cards/{card.award_id}"

    two.post(f"{address}/replace")
    assert queries.get_card(card.award_id).id == card.id
    one.post(f"{address}/ask-replacement")
    one.post(f"{address}/replace")
    assert queries.get_card(card.award_id).id == card.id
    two.post(f"{address}/replace")

    new = queries.get_card(card.award_id)
    assert new.id != card.id
    assert new.codes is not None
    assert db.session.query(SymbolCard).filter_by(award_id=card.award_id).count() == 2


def test_receipt_is_the_same_bytes_each_time_and_anyone_verifies_it(
    coordinator: FlaskClient, visitor: FlaskClient
) -> None:
    carried = make_confirmed()
    receipt = db.session.query(Receipt).filter_by(delivery_id=carried.delivery.id).one()

    first = coordinator.get(f"/deliveries/{carried.delivery.id}/receipt")
    second = coordinator.get(f"/deliveries/{carried.delivery.id}/receipt")
    public = visitor.get(f"/deliveries/receipts/{receipt.number}")

    page = public.get_data(as_text=True)
    assert first.data.startswith(b"%PDF")
    assert first.data == second.data
    assert receipt.content_hash == hash_of(receipt.content)
    assert receipt.content_hash in page
    assert carried.delivery.person.given_names not in page
    assert carried.delivery.folio not in page


@pytest.mark.parametrize("number", ["0000-0000-0000-0000", "%00", "x" * 300, "%ED%A0%80"])
def test_unknown_receipt_is_not_found(visitor: FlaskClient, number: str) -> None:
    assert visitor.get(f"/deliveries/receipts/{number}").status_code == 404


@pytest.mark.parametrize("role", [Role.OFFICER, Role.LIAISON, Role.EVALUATOR, Role.AUDITOR])
def test_other_roles_see_no_list(app: Flask, sign_in: SignIn, role: Role) -> None:
    client = sign_in(make_user(role))

    assert client.get("/deliveries/").status_code == 403
    assert client.get("/deliveries/to-plan").status_code == 403
