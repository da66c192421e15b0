"""One's own account, through its pages."""

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grants.access import queries
from grants.access.models import AttemptCounter, Factor, FactorKind, LoginSession, RecoveryCode, User
from grants.access.passwords import passwords
from grants.access.permissions import Role
from grants.access.second_factor import PASSWORD as PASSWORD_COUNTER
from grants.access.services.invitations import replace_recovery_codes
from grants.core.clock import utcnow
from grants.core.db import db
from tests.factories.access import PASSWORD, current_code, factor_of, make_user, signed_in_client, with_password

NEW = "cinco palabras muy distintas hoy"


@pytest.fixture
def ana(app: Flask) -> User:
    user = with_password(make_user(Role.OFFICER, email="ana@example.org"))
    user.language = "en"
    db.session.commit()
    return user


@pytest.fixture
def browser(app: Flask, ana: User) -> FlaskClient:
    client = signed_in_client(app, ana)
    with client.session_transaction() as cookie:
        cookie["language"] = "en"
    return client


def without_delivery_factor(user: User) -> None:
    db.session.delete(factor_of(user, FactorKind.DELIVERY))
    db.session.commit()


def change(client: FlaskClient, old: str, new: str):  # type: ignore[no-untyped-def]
    return client.post("/account/password", data={"old_password": old, "password": new})


def test_account_page_shows_who_i_am(ana: User, browser: FlaskClient) -> None:
    page = browser.get("/account").text
    assert ana.email in page
    assert "This browser" in page


def test_password_is_changed_and_other_browsers_are_signed_out(app: Flask, ana: User, browser: FlaskClient) -> None:
    other = signed_in_client(app, ana)
    assert change(browser, PASSWORD, NEW).location == "/account"
    db.session.refresh(ana)
    assert passwords().matches(ana.password_hash, NEW)
    assert browser.get("/account").status_code == 200
    assert other.get("/account").status_code == 302


def test_wrong_present_password_changes_nothing_and_is_charged(ana: User, browser: FlaskClient) -> None:
    answer = change(browser, "no es esta la clave", NEW)
    assert "That is not your present password." in answer.text
    db.session.refresh(ana)
    assert passwords().matches(ana.password_hash, PASSWORD)
    assert db.session.scalar(select(AttemptCounter.fails).where(AttemptCounter.kind == PASSWORD_COUNTER)) == 1


def test_present_password_cannot_be_guessed_without_end(ana: User, browser: FlaskClient) -> None:
    for _try in range(5):
        change(browser, "no es esta la clave", NEW)
    assert "Try again in 1 minute." in change(browser, PASSWORD, NEW).text
    db.session.refresh(ana)
    assert passwords().matches(ana.password_hash, PASSWORD)


def test_weak_new_password_is_refused(ana: User, browser: FlaskClient) -> None:
    assert "Use at least 12 characters." in change(browser, PASSWORD, "corta").text
    db.session.refresh(ana)
    assert passwords().matches(ana.password_hash, PASSWORD)


def test_language_is_changed_at_once(ana: User, browser: FlaskClient) -> None:
    browser.post("/account/language", data={"language": "es"})
    db.session.refresh(ana)
    assert ana.language == "es"
    assert '<html lang="es">' in browser.get("/account").text


def test_unknown_language_changes_nothing(ana: User, browser: FlaskClient) -> None:
    browser.post("/account/language", data={"language": "xx"})
    db.session.refresh(ana)
    assert ana.language == "en"


def test_one_other_browser_is_signed_out(app: Flask, ana: User, browser: FlaskClient) -> None:
    other = signed_in_client(app, ana)
    newest = db.session.scalars(select(LoginSession.id).order_by(LoginSession.id.desc())).first()
    assert browser.post(f"/account/sessions/{newest}/end").status_code == 302
    assert other.get("/account").status_code == 302
    assert browser.get("/account").status_code == 200


def test_browser_of_somebody_else_is_not_found(app: Flask, browser: FlaskClient) -> None:
    bea = make_user(Role.OFFICER)
    theirs = signed_in_client(app, bea)
    newest = db.session.scalars(select(LoginSession.id).order_by(LoginSession.id.desc())).first()
    assert browser.post(f"/account/sessions/{newest}/end").status_code == 404
    assert browser.post(f"/account/sessions/{10**30}/end").status_code == 404
    assert theirs.get("/account").status_code == 200


def test_sign_out_everywhere_ends_every_browser(app: Flask, ana: User, browser: FlaskClient) -> None:
    others = [signed_in_client(app, ana) for _n in range(2)]
    stranger = signed_in_client(app, make_user(Role.OFFICER))
    assert browser.post("/account/sign-out-everywhere").location == "/sign-in"
    assert [client.get("/account").status_code for client in (browser, *others)] == [302, 302, 302]
    assert stranger.get("/account").status_code == 200


def test_new_recovery_codes_need_the_current_code(ana: User, browser: FlaskClient) -> None:
    old = replace_recovery_codes(ana, now=utcnow())
    kept = set(db.session.scalars(select(RecoveryCode.code_hash)))
    assert browser.post("/account/recovery-codes", data={"code": "abcdef"}).status_code == 200
    assert set(db.session.scalars(select(RecoveryCode.code_hash))) == kept

    code = current_code(ana, FactorKind.LOGIN)
    assert browser.post("/account/recovery-codes", data={"code": code}).status_code == 302
    page = browser.get("/account/recovery-codes").text
    assert page.count("<code") == 10
    assert not any(one in page for one in old)
    assert db.session.scalar(select(func.count()).select_from(RecoveryCode)) == 10


def test_recovery_code_does_not_make_new_ones(ana: User, browser: FlaskClient) -> None:
    code = replace_recovery_codes(ana, now=utcnow())[0]
    answer = browser.post("/account/recovery-codes", data={"code": code})
    assert "That code is wrong." in answer.text


def test_delivery_factor_is_enrolled_behind_the_login_code(ana: User, browser: FlaskClient) -> None:
    without_delivery_factor(ana)
    assert browser.get("/account/delivery-factor/seed").location == "/account/delivery-factor"
    code = current_code(ana, FactorKind.LOGIN)
    assert browser.post("/account/delivery-factor", data={"code": code}).location == "/account/delivery-factor/seed"

    page = browser.get("/account/delivery-factor/seed").text
    factor = factor_of(ana, FactorKind.DELIVERY)
    assert f"secret={factor.seed}" in page
    assert "Semilla%20entregas" in page
    assert factor.seed != factor_of(ana, FactorKind.LOGIN).seed

    code = current_code(ana, FactorKind.DELIVERY)
    assert browser.post("/account/delivery-factor/seed", data={"code": code}).location == "/account"
    assert factor_of(ana, FactorKind.DELIVERY).confirmed_at is not None


def test_delivery_seed_is_not_shown_without_the_login_code(ana: User, browser: FlaskClient) -> None:
    without_delivery_factor(ana)
    factor = Factor(user_id=ana.id, kind=FactorKind.DELIVERY, created_at=utcnow())
    factor.seed = "A" * 32
    db.session.add(factor)
    assert browser.get("/account/delivery-factor/seed").location == "/account/delivery-factor"
    assert browser.post("/account/delivery-factor", data={"code": "abcdef"}).status_code == 200
    assert browser.get("/account/delivery-factor/seed").location == "/account/delivery-factor"


def test_confirmed_delivery_factor_is_not_replaced(ana: User, browser: FlaskClient) -> None:
    seed = factor_of(ana, FactorKind.DELIVERY).seed
    code = current_code(ana, FactorKind.LOGIN)
    assert "already set up" in browser.post("/account/delivery-factor", data={"code": code}).text
    assert factor_of(ana, FactorKind.DELIVERY).seed == seed


def test_other_roles_have_no_delivery_factor(app: Flask) -> None:
    user = make_user(Role.EVALUATOR)
    without_delivery_factor(user)
    client = signed_in_client(app, user)
    client.post("/account/delivery-factor", data={"code": current_code(user, FactorKind.LOGIN)})
    assert queries.factor(user, FactorKind.DELIVERY) is None


@pytest.mark.parametrize("value", ["", "\x00", "a" * 10_000, "１２３４５６", "1e999"])
@pytest.mark.parametrize("path", ["recovery-codes", "delivery-factor", "password", "tokens"])
def test_odd_input_gets_a_sentence(browser: FlaskClient, path: str, value: str) -> None:
    names = ("code", "old_password", "password", "label", "days", "scopes")
    answer = browser.post(f"/account/{path}", data=dict.fromkeys(names, value))
    assert answer.status_code == 200


@pytest.mark.parametrize("path", ["/account", "/account/password", "/account/tokens", "/account/recovery-codes"])
def test_visitors_are_sent_to_sign_in(visitor: FlaskClient, path: str) -> None:
    assert visitor.get(path).location == "/sign-in"
