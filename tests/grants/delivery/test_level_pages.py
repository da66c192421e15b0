"""Pages and API of the levels: the form asks for what the level takes, the control room shows its code once."""

import re
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Permission, Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery import queries
from grants.delivery.models import AlternateCollector, ControlCode, DeliveryState, PhoneCode
from tests.factories.access import make_token, make_user
from tests.factories.delivery import make_card, make_carried, make_delivery
from tests.factories.levels import Team, make_at_point, make_old_phone, with_alternate

SignIn = Callable[[User], FlaskClient]
FIELDS = {
    1: {"card", "totp", "pin"},
    2: {"card", "totp", "pin", "second_officer", "second_totp"},
    3: {"card", "totp", "pin", "second_officer", "second_totp", "second_pin", "control"},
}


def typed(team: Team, **changed: Any) -> dict[str, str]:
    codes = {name: value for name, value in asdict(team.codes(utcnow(), **changed)).items() if value not in ("", None)}
    return {"key": "a-key-of-the-form", **{name: str(value) for name, value in codes.items()}}


def fields(page: str) -> set[str]:
    return set(re.findall(r'<(?:input|select)[^>]* name="([a-z_]+)"', page)) - {"csrf_token", "key", "folio", "next"}


@pytest.mark.parametrize("level", [1, 2, 3])
def test_form_asks_for_what_the_level_takes_and_confirms(
    app: Flask, desk_key: Path, sign_in: SignIn, level: int
) -> None:
    team = make_at_point(level)
    client = sign_in(team.carried.officer)
    address = f"/deliveries/{team.delivery.id}/handover"

    asked = fields(client.get(address).text)
    wrong = client.post(address, data=typed(team, totp="000000"))
    right = client.post(address, data=typed(team))

    assert asked == FIELDS[level]
    assert 'role="alert"' in wrong.text
    assert right.status_code == 200
    assert team.delivery.state is DeliveryState.CONFIRMED
    assert len(right.data) == len(wrong.data)


@pytest.mark.parametrize("missing", sorted(FIELDS[3]))
def test_field_left_empty_is_said_beside_it(app: Flask, desk_key: Path, sign_in: SignIn, missing: str) -> None:
    team = make_at_point(3)
    data = {**typed(team), missing: ""}

    answer = sign_in(team.carried.officer).post(f"/deliveries/{team.delivery.id}/handover", data=data)

    assert f'id="{missing}-error"' in answer.text
    assert team.delivery.state is DeliveryState.AT_POINT


@pytest.mark.parametrize("chosen", ["0", "abc", "99999999999999999999", "\x00", "½"])
def test_second_officer_that_was_not_offered_is_refused(
    app: Flask, desk_key: Path, sign_in: SignIn, chosen: str
) -> None:
    team = make_at_point(2)
    data = {**typed(team), "second_officer": chosen}

    answer = sign_in(team.carried.officer).post(f"/deliveries/{team.delivery.id}/handover", data=data)

    assert answer.status_code == 200
    assert 'id="second_officer-error"' in answer.text
    assert team.delivery.state is DeliveryState.AT_POINT


def test_code_by_phone_is_asked_for_at_the_point_and_confirms(app: Flask, desk_key: Path, sign_in: SignIn) -> None:
    team = make_at_point(1)
    make_old_phone(team.delivery)
    client = sign_in(team.carried.officer)
    address = f"/deliveries/{team.delivery.id}"

    sent = client.post(f"{address}/phone-code")
    asked = fields(client.get(f"{address}/handover").text)
    data = typed(team)
    del data["card"]
    empty = client.post(f"{address}/handover", data=data)
    wrong = client.post(f"{address}/handover", data={**data, "phone": "0000 0000"})

    assert sent.status_code == 302
    assert asked == FIELDS[1] | {"phone"}
    assert 'id="card-error"' in empty.text
    assert 'role="alert"' in wrong.text
    assert queries.failures("phone_code", str(team.delivery.id)) == 1
    assert queries.failures("card", str(team.carried.card.id)) == 0


def test_refused_code_by_phone_is_said_and_nothing_is_sent(app: Flask, desk_key: Path, sign_in: SignIn) -> None:
    team = make_at_point(1)

    client = sign_in(team.carried.officer)

    client.post(f"/deliveries/{team.delivery.id}/phone-code")

    with client.session_transaction() as cookie:
        assert [tone for tone, _sentence in cookie["_flashes"]] == ["bad"]
    assert db.session.scalar(select(func.count()).select_from(PhoneCode)) == 0


def test_control_room_sees_who_waits_and_its_code_once(app: Flask, sign_in: SignIn) -> None:
    team, low = make_at_point(3), make_at_point(1)
    client = sign_in(team.desk)
    address = f"/deliveries/{team.delivery.id}/control-code"

    waiting = client.get("/deliveries/control-codes").text
    made = client.post(address)
    again = client.get(address).text

    assert team.delivery.folio in waiting
    assert low.delivery.folio not in waiting
    (code,) = re.findall(r"\b[0-9]{4} [0-9]{4}\b", made.text)
    assert code not in again
    assert "no-store" in made.headers["Cache-Control"]
    assert db.session.scalar(select(func.count()).select_from(ControlCode)) == 1


def test_control_code_of_a_low_level_is_refused_in_words(app: Flask, sign_in: SignIn) -> None:
    team = make_at_point(1)

    answer = sign_in(team.desk).post(f"/deliveries/{team.delivery.id}/control-code")

    assert 'role="alert"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(ControlCode)) == 0


def test_list_of_the_control_room_costs_the_same_with_three(app: Flask, sign_in: SignIn) -> None:
    from tests.grants.delivery.test_duress import statements_noted

    client = sign_in(make_user(Role.DESK))
    numbers = []
    for _n in range(2):
        make_at_point(3)
        with statements_noted() as noted:
            client.get("/deliveries/control-codes")
        numbers.append(sum(one.startswith("SELECT") for one in noted))

    assert numbers[0] == numbers[1] <= 8


def test_coordinator_registers_who_receives_and_ends_it(app: Flask, sign_in: SignIn) -> None:
    delivery = make_delivery(DeliveryState.SEALED)
    client = sign_in(make_user(Role.COORDINATOR))
    address = f"/deliveries/{delivery.id}/alternate"
    who = {"name": "Rosa Quishpe", "document": "1712345678", "phone": "0991234567", "relation": "sibling"}

    unasked = client.post(address, data=who)
    before = db.session.scalar(select(func.count()).select_from(AlternateCollector))
    kept = client.post(address, data={**who, "asked": "y"})
    shown = client.get(address).text
    ended = client.post(f"{address}/revoke")

    assert 'id="asked-error"' in unasked.text
    assert before == 0
    assert kept.status_code == 302
    assert "Rosa Quishpe" in shown
    assert ended.status_code == 302
    assert db.session.scalars(select(AlternateCollector.revoked_at)).one() is not None


@pytest.mark.parametrize("value", ["\x00", "a" * 10_000, "\ud800", "   "])
def test_odd_words_about_who_receives_are_said_beside_the_field(app: Flask, sign_in: SignIn, value: str) -> None:
    delivery = make_delivery(DeliveryState.SEALED)
    client = sign_in(make_user(Role.COORDINATOR))
    who = {"name": value, "document": value, "phone": value, "relation": "sibling", "asked": "y"}
    data = "&".join(f"{name}={_quoted(text)}" for name, text in who.items())

    answer = client.post(
        f"/deliveries/{delivery.id}/alternate", data=data, content_type="application/x-www-form-urlencoded"
    )

    assert answer.status_code == 200
    assert "-error" in answer.text
    assert db.session.scalar(select(func.count()).select_from(AlternateCollector)) == 0


def _quoted(text: str) -> str:
    from urllib.parse import quote

    return quote(text, errors="surrogatepass")


def test_card_page_speaks_of_the_one_who_receives(app: Flask, sign_in: SignIn) -> None:
    delivery = make_delivery(DeliveryState.SEALED)
    own, _codes = make_card(delivery.award)
    with_alternate(delivery, at=utcnow())

    page = sign_in(make_user(Role.COORDINATOR)).get(f"/deliveries/cards/{delivery.award_id}").text

    assert own.serial not in page
    assert f"/deliveries/{delivery.id}/alternate" in page


@pytest.mark.parametrize("level", [1, 2, 3])
def test_api_confirms_at_each_level(app: Flask, desk_key: Path, level: int) -> None:
    team = make_at_point(level)
    token = make_token(team.carried.officer, Permission.CONFIRM_HANDOVER)
    body: dict[str, Any] = {name: value for name, value in typed(team).items() if name != "key"}
    if "second_officer" in body:
        body["second_officer"] = int(body["second_officer"])

    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "a-key-of-my-own-0"}
    address = f"/api/v1/deliveries/{team.delivery.folio}/confirm"
    first = app.test_client().post(address, json=body, headers=headers)
    again = app.test_client().post(address, json=body, headers=headers)
    other = app.test_client().post(address, json={**body, "control": "1"}, headers=headers)

    assert first.status_code == 200
    assert again.json == first.json
    assert other.status_code == 422


def test_api_sends_a_code_by_phone(app: Flask) -> None:
    carried = make_carried()
    make_old_phone(carried.delivery)
    token = make_token(carried.officer, Permission.CONFIRM_HANDOVER)
    address = f"/api/v1/deliveries/{carried.delivery.folio}/phone-code"

    answer = app.test_client().post(address, headers={"Authorization": f"Bearer {token}"})

    assert (answer.status_code, answer.json["state"]) == (200, "at_point")
    assert db.session.scalar(select(func.count()).select_from(PhoneCode)) == 1
