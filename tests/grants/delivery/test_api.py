"""The API of deliveries: the same rules, permissions and silence as the pages, and a truthful description."""

import secrets
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from grants.access.models import ApiToken, User
from grants.access.permissions import Permission, Role
from grants.core.clock import utcnow
from grants.core.crypto import token_hash
from grants.core.db import db
from grants.delivery.models import DeliveryState, Receipt
from tests.factories.access import make_user
from tests.factories.delivery import DURESS_PIN, make_carried, make_officer

S = DeliveryState
BASE = "/api/v1/deliveries"
SCOPES = frozenset({Permission.VIEW_DELIVERY, Permission.CARRY_DELIVERY, Permission.CONFIRM_HANDOVER})


def bearer(user: User) -> dict[str, str]:
    token, now = secrets.token_urlsafe(32), utcnow()
    db.session.add(
        ApiToken(
            user_id=user.id, label="prueba", token_hash=token_hash(token), scopes=SCOPES,
            created_at=now, expires_at=now + timedelta(days=1),
        )
    )  # fmt: skip
    db.session.commit()
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def call(app: Flask) -> Callable[..., Any]:
    """Call the API as a user: call(user, "GET", "/", json=…)."""
    client = app.test_client()

    def send(user: User, method: str, path: str, *, key: str = "", **more: Any) -> Any:
        headers = bearer(user) | ({"Idempotency-Key": key} if key else {})
        return client.open(BASE + path, method=method, headers=headers, **more)

    return send


def test_list_and_one_delivery_hold_no_place_time_or_name(call: Callable[..., Any]) -> None:
    carried, reader = make_carried(S.IN_TRANSIT), make_user(Role.COORDINATOR)
    folio = carried.delivery.folio

    page, one = call(reader, "GET", "?state=in_transit"), call(reader, "GET", f"/{folio.lower()}")

    assert [item["folio"] for item in page.json["items"]] == [folio]
    assert one.json["value_usd"] == "700.00"
    assert len(one.json["lines"]) == 3
    for word in ("Parque", carried.delivery.person.given_names, carried.officer.name):
        assert word not in page.get_data(as_text=True) + one.get_data(as_text=True)


def test_arrive_and_confirm(call: Callable[..., Any], desk_key: Path) -> None:
    carried = make_carried(S.IN_TRANSIT)
    officer, path = carried.officer, f"/{carried.delivery.folio}"
    kit = {"seal_number": carried.delivery.seal_number}
    assert call(officer, "POST", f"{path}/at-point", json=kit).json["state"] == "at_point"
    codes = carried.codes(utcnow())
    body = {"totp": codes.totp, "pin": codes.pin, "card": codes.card}

    first = call(officer, "POST", f"{path}/confirm", key="a-key-of-my-own-0", json=body)
    again = call(officer, "POST", f"{path}/confirm", key="a-key-of-my-own-0", json=body)
    other = call(officer, "POST", f"{path}/confirm", key="a-key-of-my-own-0", json={**body, "pin": DURESS_PIN})

    assert (first.status_code, again.status_code, other.status_code) == (200, 200, 422)
    assert first.json == again.json
    assert first.json["state"] == "confirmed"
    assert db.session.query(Receipt).filter_by(number=first.json["receipt"]).count() == 1


@pytest.mark.parametrize(
    "changed", [{"pin": "9911"}, {"card": "0000000000"}, {"totp": "０００００６"}, {"totp": "x"}, {"card": "\x00"}]
)
def test_wrong_codes_are_409_and_confirm_nothing(
    call: Callable[..., Any], desk_key: Path, changed: dict[str, str]
) -> None:
    carried = make_carried()
    codes = carried.codes(utcnow())
    body = {"totp": codes.totp, "pin": codes.pin, "card": codes.card, **changed}

    answer = call(carried.officer, "POST", f"/{carried.delivery.folio}/confirm", key="a-key-of-my-own-0", json=body)

    assert answer.status_code == 409
    db.session.refresh(carried.delivery)
    assert carried.delivery.state is S.AT_POINT


@pytest.mark.parametrize("key", ["", "short", "fifteen-letters", "has a space in its middle", "x" * 81])
def test_confirm_without_a_good_key_is_422(call: Callable[..., Any], desk_key: Path, key: str) -> None:
    carried = make_carried()
    codes = carried.codes(utcnow())
    body = {"totp": codes.totp, "pin": codes.pin, "card": codes.card}

    answer = call(carried.officer, "POST", f"/{carried.delivery.folio}/confirm", key=key, json=body)

    assert answer.status_code == 422
    assert not key or "UUID4" in str(answer.json["errors"]["headers"]["Idempotency-Key"])
    assert db.session.query(Receipt).count() == 0


def test_another_officers_delivery_is_not_found(call: Callable[..., Any]) -> None:
    carried, stranger = make_carried(), make_officer()

    kit = {"seal_number": carried.delivery.seal_number}
    assert call(stranger, "POST", f"/{carried.delivery.folio}/at-point", json=kit).status_code == 404
    assert call(stranger, "GET", f"/{carried.delivery.folio}").status_code == 403


def test_without_a_token_nothing_is_shown(app: Flask) -> None:
    assert app.test_client().get(BASE).status_code == 401
