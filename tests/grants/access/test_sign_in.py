"""Signing in through the pages."""

from datetime import timedelta

import pyotp
import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grants.access.models import AttemptCounter, FactorKind, LoginSession, RecoveryCode, User
from grants.access.passwords import passwords, use_password_settings
from grants.access.permissions import Role
from grants.access.second_factor import LOGIN_CODE, PASSWORD
from grants.access.services import email_subject
from grants.access.services.invitations import replace_recovery_codes
from grants.access.sessions import SEEN
from grants.access.views.sign_in import PENDING
from grants.core.clock import utcnow
from grants.core.crypto import token_hash
from grants.core.db import db
from grants.core.journal import JournalEntry
from tests.factories.access import PASSWORD as RIGHT
from tests.factories.access import current_code, factor_of, make_user, with_password
from tests.pairs import masked

ENGLISH = {"Accept-Language": "en"}
NOT_RIGHT = "The e-mail or the password is wrong."


@pytest.fixture
def ana(app: Flask) -> User:
    user = with_password(make_user(Role.EVALUATOR, email="ana@example.org"))
    db.session.commit()
    return user


def give_password(client: FlaskClient, password: str = RIGHT, email: str = "ana@example.org"):  # type: ignore[no-untyped-def]
    return client.post("/sign-in", data={"email": email, "password": password}, headers=ENGLISH)


def give_code(client: FlaskClient, code: str):  # type: ignore[no-untyped-def]
    return client.post("/sign-in/code", data={"code": code}, headers=ENGLISH)


def sessions_of(user: User) -> int:
    return db.session.scalar(select(func.count()).where(LoginSession.user_id == user.id)) or 0


def test_page_opens_for_visitors(visitor: FlaskClient) -> None:
    answer = visitor.get("/sign-in", headers=ENGLISH)
    assert answer.status_code == 200
    assert "E-mail" in answer.text


def test_password_and_code_sign_in(ana: User, visitor: FlaskClient) -> None:
    first = give_password(visitor)
    assert (first.status_code, first.location) == (302, "/sign-in/code")
    second = give_code(visitor, current_code(ana, FactorKind.LOGIN))
    assert (second.status_code, second.location) == (302, "/")
    assert visitor.get("/account").status_code == 200


def test_email_is_found_in_any_case_and_with_blanks_around(ana: User, visitor: FlaskClient) -> None:
    assert give_password(visitor, email="  ANA@Example.ORG ").location == "/sign-in/code"


def test_password_alone_opens_nothing(ana: User, visitor: FlaskClient) -> None:
    give_password(visitor)
    assert visitor.get("/account").location == "/sign-in"
    assert sessions_of(ana) == 0


def test_code_page_without_password_leads_back(ana: User, visitor: FlaskClient) -> None:
    answer = give_code(visitor, current_code(ana, FactorKind.LOGIN))
    assert answer.location == "/sign-in"
    assert sessions_of(ana) == 0


def test_unknown_email_and_wrong_password_get_the_same_page(ana: User, visitor: FlaskClient) -> None:
    wrong = give_password(visitor, "no es esta la clave")
    unknown = give_password(visitor, email="bea@example.org")
    assert NOT_RIGHT in wrong.text
    assert masked(wrong.data) == masked(unknown.data.replace(b"bea@example.org", b"ana@example.org"))
    assert wrong.status_code == unknown.status_code == 200


@pytest.mark.parametrize("column", ["deactivated_at", "suspended_at"])
def test_closed_account_gets_the_same_answer_as_a_wrong_password(ana: User, visitor: FlaskClient, column: str) -> None:
    setattr(ana, column, utcnow())
    assert NOT_RIGHT in give_password(visitor).text


def test_invited_account_without_password_cannot_sign_in(app: Flask, visitor: FlaskClient) -> None:
    make_user(Role.EVALUATOR, email="ana@example.org")
    assert NOT_RIGHT in give_password(visitor, "cualquier cosa aquí").text


def test_wrong_password_is_charged_and_the_sixth_try_waits(ana: User, visitor: FlaskClient) -> None:
    for _try in range(5):
        assert NOT_RIGHT in give_password(visitor, "no es esta la clave").text
    sixth = give_password(visitor)
    assert "Try again in 1 minute." in sixth.text
    counter = db.session.scalar(select(AttemptCounter).where(AttemptCounter.kind == PASSWORD))
    assert counter is not None
    assert (counter.fails, counter.subject) == (5, email_subject("ana@example.org"))


def test_attempts_at_an_unknown_email_are_charged_alike(ana: User, visitor: FlaskClient) -> None:
    for _try in range(5):
        give_password(visitor, email="bea@example.org")
    assert "Try again in 1 minute." in give_password(visitor, email="bea@example.org").text
    assert give_password(visitor).location == "/sign-in/code"


def test_right_password_forgets_the_wrong_ones(ana: User, visitor: FlaskClient) -> None:
    for _try in range(4):
        give_password(visitor, "no es esta la clave")
    give_password(visitor)
    counter = db.session.scalar(select(AttemptCounter).where(AttemptCounter.kind == PASSWORD))
    assert counter is not None
    assert counter.fails == 0


def test_outdated_hash_is_renewed_at_sign_in(app: Flask, ana: User, visitor: FlaskClient) -> None:
    before = ana.password_hash
    use_password_settings({**app.config, "ARGON2_MEMORY_KIB": 16})
    try:
        give_password(visitor)
        db.session.refresh(ana)
        assert ana.password_hash != before
        assert ana.password_hash is not None
        assert "m=16," in ana.password_hash
        assert passwords().matches(ana.password_hash, RIGHT)
    finally:
        use_password_settings(app.config)


def test_current_hash_is_left_alone(ana: User, visitor: FlaskClient) -> None:
    before = ana.password_hash
    give_password(visitor)
    db.session.refresh(ana)
    assert ana.password_hash == before


def test_pending_sign_in_ends_after_five_minutes(ana: User, visitor: FlaskClient) -> None:
    give_password(visitor)
    with visitor.session_transaction() as cookie:
        cookie[PENDING] = [ana.id, int(utcnow().timestamp()) - 301]
    assert give_code(visitor, current_code(ana, FactorKind.LOGIN)).location == "/sign-in"
    assert sessions_of(ana) == 0


def test_used_code_is_refused_also_in_other_clothes(ana: User, app: Flask) -> None:
    code = current_code(ana, FactorKind.LOGIN)
    first = app.test_client()
    give_password(first)
    assert give_code(first, code).status_code == 302
    wide = code.translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    for again in (code, f" {code} ", f"{code[:3]} {code[3:]}", f"\t{code}", f"{code[:3]}\u00a0{code[3:]}"):
        other = app.test_client()
        give_password(other)
        assert "already used" in give_code(other, again).text
    other = app.test_client()
    give_password(other)
    assert "Too many wrong attempts" in give_code(other, wide).text
    assert sessions_of(ana) == 1


def test_full_width_digits_are_no_code(ana: User, visitor: FlaskClient) -> None:
    code = current_code(ana, FactorKind.LOGIN)
    give_password(visitor)
    wide = code.translate({ord("0") + digit: ord("０") + digit for digit in range(10)})
    assert "That code is wrong." in give_code(visitor, wide).text
    assert sessions_of(ana) == 0


def test_right_code_with_a_blank_between_is_accepted(ana: User, visitor: FlaskClient) -> None:
    code = current_code(ana, FactorKind.LOGIN)
    give_password(visitor)
    assert give_code(visitor, f"{code[:3]} {code[3:]}").status_code == 302


def test_clock_out_of_step_is_told_apart_from_a_wrong_code(ana: User, visitor: FlaskClient) -> None:
    totp = pyotp.TOTP(factor_of(ana, FactorKind.LOGIN).seed)
    now = utcnow()
    late = totp.at(now - timedelta(minutes=5))
    near = {totp.at(now + timedelta(seconds=30 * step)) for step in range(-25, 26)}
    wrong = next(code for number in range(100) if (code := f"{number:06}") not in near)
    give_password(visitor)
    assert "clock to automatic" in give_code(visitor, late).text
    assert "That code is wrong." in give_code(visitor, wrong).text
    assert sessions_of(ana) == 0


def test_wrong_code_is_charged_before_it_is_checked(ana: User, visitor: FlaskClient) -> None:
    give_password(visitor)
    for _try in range(5):
        give_code(visitor, "abc")
    answer = give_code(visitor, current_code(ana, FactorKind.LOGIN))
    assert "Try again in 1 minute." in answer.text
    assert sessions_of(ana) == 0


def test_ten_wrong_codes_in_a_day_suspend_until_unlocked(ana: User, visitor: FlaskClient) -> None:
    now = utcnow()
    db.session.add(AttemptCounter(kind=LOGIN_CODE, subject=str(ana.id), fails=10, day_fails=10,
                                  day_started_at=now - timedelta(hours=2)))  # fmt: skip
    give_password(visitor)
    answer = give_code(visitor, current_code(ana, FactorKind.LOGIN))
    assert "Ask an administrator to unlock this." in answer.text
    assert sessions_of(ana) == 0


def test_recovery_code_signs_in_once(ana: User, app: Flask) -> None:
    codes = replace_recovery_codes(ana, now=utcnow())
    first, second = app.test_client(), app.test_client()
    give_password(first)
    give_password(second)
    assert give_code(first, codes[3].lower().replace("-", " ")).status_code == 302
    assert "already used" in give_code(second, codes[3]).text
    assert give_code(second, codes[4]).status_code == 302
    left = db.session.scalar(select(func.count()).where(RecoveryCode.used_at.is_(None)))
    assert left == 8


def test_recovery_code_of_somebody_else_is_refused(ana: User, app: Flask, visitor: FlaskClient) -> None:
    codes = replace_recovery_codes(make_user(Role.EVALUATOR), now=utcnow())
    give_password(visitor)
    assert "recovery code is wrong" in give_code(visitor, codes[0]).text
    assert sessions_of(ana) == 0


def test_recovery_page_asks_for_letters(ana: User, visitor: FlaskClient) -> None:
    give_password(visitor)
    page = visitor.get("/sign-in/code?with=recovery", headers=ENGLISH).text
    assert "Recovery code" in page
    assert 'inputmode="numeric"' not in page


def test_signing_in_changes_the_session_and_drops_what_the_browser_held(ana: User, visitor: FlaskClient) -> None:
    with visitor.session_transaction() as cookie:
        cookie["_user_id"] = "planted"
        cookie["planted"] = "yes"
    give_password(visitor)
    give_code(visitor, current_code(ana, FactorKind.LOGIN))
    with visitor.session_transaction() as cookie:
        assert "planted" not in cookie
        assert PENDING not in cookie
        token = cookie["_user_id"]
    assert token != "planted"
    kept = db.session.scalars(select(LoginSession.token_hash).where(LoginSession.user_id == ana.id)).all()
    assert kept == [token_hash(token)]


def test_each_sign_in_has_a_session_of_its_own(ana: User, app: Flask) -> None:
    codes = replace_recovery_codes(ana, now=utcnow())
    tokens = set()
    for code in codes[:2]:
        client = app.test_client()
        give_password(client)
        give_code(client, code)
        with client.session_transaction() as cookie:
            tokens.add(cookie["_user_id"])
    assert len(tokens) == 2


def test_after_signing_in_the_page_asked_for_opens(ana: User, visitor: FlaskClient) -> None:
    assert visitor.get("/account/tokens").location == "/sign-in"
    give_password(visitor)
    assert give_code(visitor, current_code(ana, FactorKind.LOGIN)).location == "/account/tokens"


def test_sign_out_ends_the_session_in_the_database_too(ana: User, visitor: FlaskClient) -> None:
    give_password(visitor)
    give_code(visitor, current_code(ana, FactorKind.LOGIN))
    with visitor.session_transaction() as cookie:
        copied = dict(cookie)
    assert visitor.post("/sign-out").location == "/sign-in"
    with visitor.session_transaction() as cookie:
        cookie.update(copied)
    assert visitor.get("/account").location == "/sign-in"


def test_sign_out_by_a_visitor_is_harmless(visitor: FlaskClient) -> None:
    assert visitor.post("/sign-out").location == "/sign-in"


@pytest.mark.parametrize(
    ("role", "minutes", "status"),
    [(Role.COORDINATOR, 19, 200), (Role.COORDINATOR, 21, 302), (Role.OFFICER, 59, 200), (Role.OFFICER, 61, 302)],
)
def test_idle_session_ends(app: Flask, sign_in, role: Role, minutes: int, status: int) -> None:  # type: ignore[no-untyped-def]
    client = sign_in(make_user(role))
    with client.session_transaction() as cookie:
        cookie[SEEN] = int(utcnow().timestamp()) - minutes * 60
    assert client.get("/account").status_code == status


def test_session_ends_twelve_hours_after_signing_in(ana: User, visitor: FlaskClient) -> None:
    give_password(visitor)
    give_code(visitor, current_code(ana, FactorKind.LOGIN))
    row = db.session.scalars(select(LoginSession).where(LoginSession.user_id == ana.id)).one()
    assert row.expires_at - row.created_at == timedelta(hours=12)
    row.expires_at = utcnow() - timedelta(seconds=1)
    assert visitor.get("/account").location == "/sign-in"


def test_journal_tells_of_the_sign_in_without_names(ana: User, visitor: FlaskClient) -> None:
    give_password(visitor)
    give_code(visitor, current_code(ana, FactorKind.LOGIN))
    entry = db.session.scalars(select(JournalEntry).where(JournalEntry.action == "session.opened")).one()
    assert (entry.actor_id, entry.subject, entry.subject_id) == (ana.id, "user", ana.id)
    assert entry.details == '{"recovery_code":false}'


@pytest.mark.parametrize("value", ["", "\x00", "a" * 10_000, "１２３４５６", "'; --", "ana@example.org\x00", "1e999"])
def test_odd_input_gets_a_sentence(ana: User, visitor: FlaskClient, value: str) -> None:
    assert visitor.post("/sign-in", data={"email": value, "password": value}).status_code == 200
    give_password(visitor)
    assert give_code(visitor, value).status_code == 200
    assert sessions_of(ana) == 0
