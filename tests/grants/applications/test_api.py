import secrets
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import ApiToken, User
from grants.access.permissions import Permission, Role
from grants.applications.models import Application, ApplicationState
from grants.core.clock import utcnow
from grants.core.crypto import token_hash
from grants.core.db import db
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.people import make_consent, make_person

BASE = "/api/v1/applications"
SCOPES = frozenset({Permission.VIEW_APPLICATION, Permission.EDIT_APPLICATION})
PLAN: dict[str, Any] = {
    "revision": 0,
    "venture": "Peluquería Norte",
    "sector": "S",
    "is_existing": False,
    "description": "Cortes.",
    "customers": "Vecinas.",
    "monthly_sales_usd": "0",
    "jobs": 1,
    "items": [{"name": "Secadora", "quantity": 2, "unit_price_usd": "49.99"}],
}


def token_of(user: User, scopes: frozenset[Permission] = SCOPES) -> dict[str, str]:
    """The header of a token of this user."""
    token, now = secrets.token_urlsafe(32), utcnow()
    db.session.add(
        ApiToken(user_id=user.id, label="Prueba", token_hash=token_hash(token), scopes=scopes,
                 created_at=now, expires_at=now + timedelta(days=1))
    )  # fmt: skip
    db.session.commit()
    return {"Authorization": f"Bearer {token}"}


@pytest.fixture
def rosa(app: Flask) -> User:
    return make_user(Role.ENUMERATOR)


@pytest.fixture
def key(rosa: User) -> dict[str, str]:
    return token_of(rosa)


@pytest.fixture
def draft(rosa: User) -> Application:
    application = make_application(submitted=False, created_by=rosa)
    make_consent(application.person)
    return application


def test_application_is_made_through_the_api(app: Flask, visitor: FlaskClient, key: dict[str, str]) -> None:
    call, person = make_call(), make_person()
    make_consent(person)

    made = visitor.post(BASE, json={"call": call.code, "person": person.folio}, headers=key)
    assert (made.status_code, made.json["state"], made.json["person"]) == (201, "draft", person.folio)
    path = f"{BASE}/{made.json['folio']}"
    saved = visitor.put(f"{path}/plan", json=PLAN, headers=key)
    assert (saved.json["plan"]["revision"], saved.json["plan"]["total_usd"]) == (1, "99.98")
    handed_in = visitor.post(f"{path}/submit", json={}, headers=key)
    assert (handed_in.status_code, handed_in.json["state"]) == (200, "submitted")
    taken_back = visitor.post(f"{path}/withdraw", json={"reason": "Se muda"}, headers=key)

    assert taken_back.json["state"] == "withdrawn"
    assert visitor.get(path, headers=key).json == taken_back.json


def test_refusals_say_what_to_do(app: Flask, visitor: FlaskClient, key: dict[str, str], draft: Application) -> None:
    path = f"{BASE}/{draft.folio}"
    visitor.put(f"{path}/plan", json=PLAN, headers=key)

    stale = visitor.put(f"{path}/plan", json=PLAN, headers=key)
    twice = visitor.post(BASE, json={"call": draft.call.code, "person": draft.person.folio}, headers=key)

    assert (stale.status_code, twice.status_code) == (409, 409)
    assert stale.json["message"]
    assert twice.json["field"] == "call_id"


def test_strangers_and_weak_tokens_are_refused(app: Flask, visitor: FlaskClient, draft: Application) -> None:
    path = f"{BASE}/{draft.folio}"
    stranger = token_of(make_user(Role.ENUMERATOR))
    reader = token_of(draft.created_by, frozenset({Permission.VIEW_APPLICATION}))

    assert visitor.get(path).status_code == 401
    assert visitor.get(path, headers=stranger).status_code == 404
    assert visitor.get(BASE, headers=stranger).json == {"applications": [], "next_after": None}
    assert visitor.get(path, headers=reader).status_code == 200
    assert visitor.post(f"{path}/submit", json={}, headers=reader).status_code == 403
    assert db.session.get_one(Application, draft.id).state is ApplicationState.DRAFT


@pytest.mark.parametrize("body", [
    None, [], "x", {**PLAN, "revision": None}, {**PLAN, "revision": 2**63}, {**PLAN, "revision": True},
    {**PLAN, "venture": "a\x00b"}, {**PLAN, "venture": "\ud800"}, {**PLAN, "venture": "x" * 161},
    {**PLAN, "sector": "Z"}, {**PLAN, "jobs": "1"}, {**PLAN, "jobs": -1},
    {**PLAN, "monthly_sales_usd": "NaN"}, {**PLAN, "monthly_sales_usd": 5}, {**PLAN, "monthly_sales_usd": "5\n"},
    {**PLAN, "items": [None]}, {**PLAN, "items": [{"name": "x", "quantity": 0, "unit_price_usd": "1"}]},
    {**PLAN, "items": [{"name": "x", "quantity": 1, "unit_price_usd": "0"}]}, {**PLAN, "unknown": 1},
    {**PLAN, "is_existing": "yes"},
])  # fmt: skip
def test_malformed_body_is_refused_and_changes_nothing(
    app: Flask, visitor: FlaskClient, key: dict[str, str], draft: Application, body: Any
) -> None:
    answer = visitor.put(f"{BASE}/{draft.folio}/plan", json=body, headers=key)

    assert answer.status_code == (400 if body is None else 422)  # nothing at all is no JSON document
    assert body is None or answer.json["errors"]
    db.session.refresh(draft.plan)
    assert draft.plan.revision == 0


def test_infinity_is_not_json(app: Flask, visitor: FlaskClient, key: dict[str, str], draft: Application) -> None:
    answer = visitor.put(f"{BASE}/{draft.folio}/plan", json={**PLAN, "jobs": 1e400}, headers=key)

    assert answer.status_code == 400
    db.session.refresh(draft.plan)
    assert draft.plan.revision == 0


def test_body_that_is_not_json_is_refused(
    app: Flask, visitor: FlaskClient, key: dict[str, str], draft: Application
) -> None:
    path = f"{BASE}/{draft.folio}/plan"

    assert visitor.put(path, data="{", content_type="application/json", headers=key).status_code == 400
    assert visitor.put(path, data=b"\xff\xfe", content_type="application/json", headers=key).status_code == 400
    assert visitor.put(path, data="<a/>", content_type="text/xml", headers=key).status_code == 415


def test_list_goes_on_where_the_page_before_ended(
    app: Flask, visitor: FlaskClient, key: dict[str, str], rosa: User
) -> None:
    call = make_call()
    folios = sorted(make_application(call, created_by=rosa).folio for _n in range(27))
    make_application(created_by=rosa)
    asked = {"call": call.code, "state": "submitted"}

    first = visitor.get(BASE, query_string=asked, headers=key).json
    second = visitor.get(BASE, query_string={**asked, "after": first["next_after"]}, headers=key).json

    assert [row["folio"] for row in first["applications"] + second["applications"]] == folios
    assert second["next_after"] is None
