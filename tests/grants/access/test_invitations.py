"""From the link to the first page."""

from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grants.access import queries
from grants.access.models import Factor, FactorKind, Invitation, LoginSession, RecoveryCode, User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.journal import JournalEntry
from grants.core.outbox import OutboxMessage
from tests.factories.access import PASSWORD, current_code, factor_of, invitation_of, make_invitation

ENGLISH = {"Accept-Language": "en"}


def choose(client: FlaskClient, token: str, password: str = PASSWORD):  # type: ignore[no-untyped-def]
    return client.post(f"/invitation/{token}", data={"password": password})


def confirm(client: FlaskClient, token: str, code: str):  # type: ignore[no-untyped-def]
    return client.post(f"/invitation/{token}/factor", data={"code": code})


def finished(client: FlaskClient, *roles: Role) -> tuple[User, str]:
    user, token = make_invitation(*roles)
    choose(client, token)
    confirm(client, token, current_code(user, FactorKind.LOGIN))
    return user, token


def test_password_then_factor_then_recovery_codes_then_signed_in(app: Flask, visitor: FlaskClient) -> None:
    user, token = make_invitation(Role.EVALUATOR)
    assert visitor.get(f"/invitation/{token}").status_code == 200
    assert choose(visitor, token).location == f"/invitation/{token}/factor"

    page = visitor.get(f"/invitation/{token}/factor").text
    seed = factor_of(user, FactorKind.LOGIN).seed
    assert 'src="data:image/svg+xml;base64,' in page
    assert " ".join(seed[at : at + 4] for at in range(0, 32, 4)) in page
    assert f"secret={seed}" in page

    assert confirm(visitor, token, current_code(user, FactorKind.LOGIN)).location == "/account/recovery-codes"
    shown = visitor.get("/account/recovery-codes").text
    assert shown.count("<code") == 10
    assert visitor.get("/account").status_code == 200


def test_recovery_codes_survive_a_reload_and_go_when_written_down(app: Flask, visitor: FlaskClient) -> None:
    finished(visitor)
    assert visitor.get("/account/recovery-codes").text.count("<code") == 10
    assert visitor.get("/account/recovery-codes").text.count("<code") == 10
    assert visitor.post("/account/recovery-codes/written-down").location == "/"
    assert visitor.get("/account/recovery-codes").text.count("<code") == 0


def test_recovery_codes_are_not_readable_in_the_cookie_nor_in_the_database(app: Flask, visitor: FlaskClient) -> None:
    finished(visitor)
    page = visitor.get("/account/recovery-codes").text
    code = page.split('translate="no">')[1].split("<")[0]
    with visitor.session_transaction() as cookie:
        assert code not in str(dict(cookie))
    kept = db.session.scalars(select(RecoveryCode.code_hash)).all()
    assert len(kept) == 10
    assert all(one.startswith("$argon2id$") for one in kept)


def test_officer_goes_on_to_the_delivery_code(app: Flask, visitor: FlaskClient) -> None:
    finished(visitor, Role.OFFICER)
    assert visitor.post("/account/recovery-codes/written-down").location == "/account/delivery-factor"


def test_reloading_the_factor_page_keeps_the_seed(app: Flask, visitor: FlaskClient) -> None:
    user, token = make_invitation()
    choose(visitor, token)
    seed = factor_of(user, FactorKind.LOGIN).seed
    visitor.get(f"/invitation/{token}/factor")
    visitor.get(f"/invitation/{token}/factor")
    assert factor_of(user, FactorKind.LOGIN).seed == seed


def test_going_back_to_choose_another_password_keeps_the_seed(app: Flask, visitor: FlaskClient) -> None:
    user, token = make_invitation()
    choose(visitor, token)
    seed, first = factor_of(user, FactorKind.LOGIN).seed, user.password_hash
    choose(visitor, token, "otra frase que recuerdo")
    db.session.refresh(user)
    assert factor_of(user, FactorKind.LOGIN).seed == seed
    assert user.password_hash != first


def test_factor_step_cannot_be_reached_without_password(app: Flask, visitor: FlaskClient) -> None:
    user, token = make_invitation()
    assert visitor.get(f"/invitation/{token}/factor").location == f"/invitation/{token}"
    assert confirm(visitor, token, "123456").location == f"/invitation/{token}"
    assert queries.factor(user, FactorKind.LOGIN) is None


def test_wrong_code_leaves_the_link_open(app: Flask, visitor: FlaskClient) -> None:
    user, token = make_invitation()
    choose(visitor, token)
    assert confirm(visitor, token, "000 00x").status_code == 200
    assert invitation_of(user).used_at is None
    assert factor_of(user, FactorKind.LOGIN).confirmed_at is None
    assert confirm(visitor, token, current_code(user, FactorKind.LOGIN)).status_code == 302


def test_sixth_wrong_code_waits(app: Flask, visitor: FlaskClient) -> None:
    user, token = make_invitation()
    choose(visitor, token)
    for _try in range(5):
        confirm(visitor, token, "abcdef")
    answer = confirm(visitor, token, current_code(user, FactorKind.LOGIN))
    assert "Try again in 1 minute." in answer.text
    assert invitation_of(user).used_at is None


def test_used_link_does_not_open_again(app: Flask, visitor: FlaskClient) -> None:
    user, token = finished(visitor)
    password = user.password_hash
    stranger = app.test_client()
    assert stranger.get(f"/invitation/{token}", headers=ENGLISH).status_code == 404
    assert choose(stranger, token, "una frase de otra persona").status_code == 404
    assert stranger.get(f"/invitation/{token}/factor").status_code == 404
    db.session.refresh(user)
    assert user.password_hash == password


def test_owner_who_reloads_or_goes_back_at_the_end_goes_on(app: Flask, visitor: FlaskClient) -> None:
    user, token = finished(visitor)
    again = confirm(visitor, token, current_code(user, FactorKind.LOGIN))
    assert again.location == "/account/recovery-codes"
    assert visitor.get(f"/invitation/{token}").location == "/account/recovery-codes"
    assert db.session.scalar(select(func.count()).where(RecoveryCode.user_id == user.id)) == 10


def test_link_ends_after_72_hours(app: Flask, visitor: FlaskClient) -> None:
    user, token = make_invitation()
    invitation = invitation_of(user)
    assert invitation.expires_at - invitation.created_at == timedelta(hours=72)
    invitation.expires_at = utcnow() - timedelta(seconds=1)
    answer = visitor.get(f"/invitation/{token}", headers=ENGLISH)
    assert answer.status_code == 404
    assert "ask an administrator for a new link" in answer.text
    assert choose(visitor, token).status_code == 404
    assert user.password_hash is None


def test_link_of_a_deactivated_account_is_closed(app: Flask, visitor: FlaskClient) -> None:
    user, token = make_invitation()
    user.deactivated_at = utcnow()
    assert choose(visitor, token).status_code == 404


@pytest.mark.parametrize("token", ["x", "a" * 500, "%00", "ñ", "..%2f"])
def test_invented_link_is_closed(visitor: FlaskClient, token: str) -> None:
    assert visitor.get(f"/invitation/{token}").status_code == 404


def test_weak_password_is_refused_beside_the_field(app: Flask, visitor: FlaskClient) -> None:
    user, token = make_invitation(email="rosario.paz@example.org")
    for weak in ("corta", "rosario.paz2024", "password1234", "x" * 129):
        page = choose(visitor, token, weak)
        assert page.status_code == 200
        assert 'id="password-error"' in page.text
    assert user.password_hash is None
    assert queries.factor(user, FactorKind.LOGIN) is None


def test_page_speaks_the_language_chosen_for_the_person(app: Flask, visitor: FlaskClient) -> None:
    _user, token = make_invitation(language="en")
    assert "Choose your password" in visitor.get(f"/invitation/{token}", headers={"Accept-Language": "es"}).text


def test_message_waits_in_the_outbox_with_the_link(app: Flask) -> None:
    user, token = make_invitation()
    message = db.session.scalars(select(OutboxMessage).where(OutboxMessage.kind == "invitation")).one()
    assert (message.address, message.subject) == (user.email, "Your account in Semilla")
    assert token in message.body


def test_link_is_kept_hashed(app: Flask) -> None:
    user, token = make_invitation()
    assert token not in invitation_of(user).token_hash
    assert len(invitation_of(user).token_hash) == 64


def test_journal_holds_neither_name_nor_address_nor_link(app: Flask, visitor: FlaskClient) -> None:
    user, token = finished(visitor)
    entries = db.session.scalars(select(JournalEntry).order_by(JournalEntry.id)).all()
    assert [entry.action for entry in entries if entry.subject_id == user.id] == [
        "user.invited", "invitation.sent", "password.chosen", "factor.confirmed", "recovery_codes.made",
    ]  # fmt: skip
    written = " ".join(entry.details + entry.subject for entry in entries)
    assert not any(secret in written for secret in (user.email, user.name, token))


def test_finishing_signs_in_once(app: Flask, visitor: FlaskClient) -> None:
    user, _token = finished(visitor)
    assert db.session.scalar(select(func.count()).where(LoginSession.user_id == user.id)) == 1
    assert db.session.scalar(select(func.count()).where(Invitation.used_at.is_not(None))) == 1
    assert db.session.scalar(select(func.count()).where(Factor.confirmed_at.is_not(None))) == 1


def test_code_of_the_confirmation_does_not_sign_in_again(app: Flask, visitor: FlaskClient) -> None:
    user, token = make_invitation()
    choose(visitor, token)
    totp = pyotp.TOTP(factor_of(user, FactorKind.LOGIN).seed)
    code = totp.now()
    confirm(visitor, token, code)
    other = app.test_client()
    other.post("/sign-in", data={"email": user.email, "password": PASSWORD})
    assert "already used" in other.post("/sign-in/code", data={"code": code}, headers=ENGLISH).text
