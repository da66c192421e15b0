"""API tokens: made on a page, recognised by the API, limited and ended."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from flask_login import current_user
from sqlalchemy import func, select

from grants.access import services
from grants.access.models import ApiToken, User
from grants.access.permissions import Permission, Role
from grants.core.clock import utcnow
from grants.core.crypto import token_hash
from grants.core.db import db
from grants.core.errors import RuleBroken
from tests.factories.access import make_token, make_user, signed_in_client

P = Permission


@pytest.fixture
def ana(app: Flask) -> User:
    return make_user(Role.COORDINATOR)


def permissions_with(app: Flask, token: str, path: str = "/api/v1/anything") -> frozenset[Permission]:
    """What a request that carries this token may do."""
    db.session.commit()
    db.session.expire_all()
    with app.test_request_context(path, headers={"Authorization": f"Bearer {token}"}):
        return current_user.permissions if current_user.is_authenticated else frozenset()


def test_token_is_shown_once_and_kept_hashed(app: Flask, ana: User) -> None:
    client = signed_in_client(app, ana)
    data = {"label": "Hoja de cálculo", "scopes": ["view_call", "view_results"], "days": "30"}
    assert client.post("/account/tokens", data=data).location == "/account/tokens"
    shown = (
        client.get("/account/tokens").text.split('<code class="text-reset text-break" translate="no">')[1].split("<")[0]
    )
    row = db.session.scalars(select(ApiToken)).one()
    assert row.token_hash == token_hash(shown)
    assert row.scopes == {P.VIEW_CALL, P.VIEW_RESULTS}
    assert row.expires_at - row.created_at == timedelta(days=30)
    assert shown not in client.get("/account/tokens").text
    assert permissions_with(app, shown) == {P.PUBLIC, P.VIEW_CALL, P.VIEW_RESULTS}


@pytest.mark.parametrize(
    ("data", "field"),
    [
        ({"scopes": ["manage_users"], "days": "30", "label": "x"}, "scopes"),
        ({"scopes": ["signed_in"], "days": "30", "label": "x"}, "scopes"),
        ({"scopes": ["no_such"], "days": "30", "label": "x"}, "scopes"),
        ({"scopes": [], "days": "30", "label": "x"}, "scopes"),
        ({"scopes": ["view_call"], "days": "366", "label": "x"}, "days"),
        ({"scopes": ["view_call"], "days": "0", "label": "x"}, "days"),
        ({"scopes": ["view_call"], "days": "9" * 400, "label": "x"}, "days"),
        ({"scopes": ["view_call"], "days": "NaN", "label": "x"}, "days"),
        ({"scopes": ["view_call"], "days": "30", "label": ""}, "label"),
        ({"scopes": ["view_call"], "days": "30", "label": "a\x00b"}, "label"),
    ],
)
def test_token_beyond_the_rules_is_refused_beside_its_field(
    app: Flask, ana: User, data: dict[str, str], field: str
) -> None:
    answer = signed_in_client(app, ana).post("/account/tokens", data=data)
    assert answer.status_code == 200
    assert f'id="{field}-error"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(ApiToken)) == 0


@pytest.mark.parametrize("scope", [P.MANAGE_USERS, P.SIGNED_IN, P.PUBLIC])
def test_service_refuses_scopes_that_are_not_ones_own(ana: User, scope: Permission) -> None:
    with pytest.raises(RuleBroken) as refusal:
        services.create_token(ana, label="x", scopes=frozenset({scope}), days=1, now=utcnow())
    assert refusal.value.field == "scopes"


def test_expired_token_opens_nothing(app: Flask, ana: User) -> None:
    token = make_token(ana, P.VIEW_CALL)
    db.session.scalars(select(ApiToken)).one().expires_at = utcnow() - timedelta(seconds=1)
    assert permissions_with(app, token) == frozenset()


def test_revoked_token_opens_nothing_and_stays_revoked(app: Flask, ana: User) -> None:
    token = make_token(ana, P.VIEW_CALL)
    client, row = signed_in_client(app, ana), db.session.scalars(select(ApiToken)).one()
    assert client.post(f"/account/tokens/{row.id}/revoke").status_code == 302
    assert client.post(f"/account/tokens/{row.id}/revoke").status_code == 409
    assert permissions_with(app, token) == frozenset()


def test_token_of_somebody_else_is_not_found(app: Flask, ana: User) -> None:
    token = make_token(ana, P.VIEW_CALL)
    row = db.session.scalars(select(ApiToken)).one()
    stranger = signed_in_client(app, make_user(Role.COORDINATOR))
    assert stranger.post(f"/account/tokens/{row.id}/revoke").status_code == 404
    assert permissions_with(app, token) == {P.PUBLIC, P.VIEW_CALL}


def test_token_loses_what_its_owner_loses(app: Flask, ana: User) -> None:
    token = make_token(ana, P.VIEW_CALL, P.VIEW_RESULTS)
    ana.roles = frozenset({Role.EVALUATOR})
    assert permissions_with(app, token) == {P.PUBLIC, P.VIEW_CALL}


@pytest.mark.parametrize("column", ["deactivated_at", "suspended_at"])
def test_token_of_a_closed_account_opens_nothing(app: Flask, ana: User, column: str) -> None:
    token = make_token(ana, P.VIEW_CALL)
    setattr(ana, column, utcnow())
    assert permissions_with(app, token) == frozenset()


def test_token_opens_no_page(app: Flask, ana: User, visitor: FlaskClient) -> None:
    token = make_token(ana, P.VIEW_CALL)
    assert permissions_with(app, token, "/account") == frozenset()
    assert visitor.get("/account", headers={"Authorization": f"Bearer {token}"}).status_code == 302


def test_cookie_opens_nothing_in_the_api(app: Flask, ana: User) -> None:
    client = signed_in_client(app, ana)
    with client.session_transaction() as cookie:
        kept = dict(cookie)
    with app.app_context(), app.test_request_context("/api/v1/anything") as request:
        request.session.update(kept)
        assert not current_user.is_authenticated
    with app.app_context(), app.test_request_context("/account") as request:
        request.session.update(kept)
        assert current_user.is_authenticated


@pytest.mark.parametrize("token", ["", "x", "a" * 10_000, "ñ"])
def test_invented_token_opens_nothing(app: Flask, ana: User, token: str) -> None:
    assert permissions_with(app, token) == frozenset()


def test_a_token_may_hold_every_permission_there_is(app: Flask) -> None:
    everything = frozenset(Permission) - {Permission.PUBLIC, Permission.SIGNED_IN}
    make_token(make_user(*Role), *everything)
    db.session.expire_all()
    assert db.session.scalars(select(ApiToken)).one().scopes == everything
