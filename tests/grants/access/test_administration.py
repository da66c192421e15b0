"""Administrators and other people's accounts."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, func, select

from grants.access import queries, services
from grants.access.models import (
    AttemptCounter,
    Factor,
    FactorKind,
    FactorReset,
    LoginSession,
    RecoveryCode,
    UsedStep,
    User,
)
from grants.access.permissions import Permission, Role
from grants.access.queries import Risk
from grants.access.second_factor import DELIVERY_CODE, LOGIN_CODE, PASSWORD
from grants.access.services.invitations import replace_recovery_codes
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.core.outbox import OutboxMessage
from tests.factories.access import (
    factor_of,
    invitation_of,
    make_invitation,
    make_token,
    make_user,
    signed_in_client,
    with_password,
)

INVITE = {"email": "Nueva@Example.org", "name": "Nueva  Persona", "roles": ["evaluator", "officer"], "language": "en"}


@pytest.fixture
def boss(app: Flask) -> User:
    user = make_user(Role.ADMINISTRATOR)
    user.language = "en"
    return user


def english(app: Flask, user: User) -> FlaskClient:
    client = signed_in_client(app, user)
    with client.session_transaction() as cookie:
        cookie["language"] = "en"
    return client


@pytest.fixture
def browser(app: Flask, boss: User) -> FlaskClient:
    return english(app, boss)


@pytest.fixture
def ana(app: Flask) -> User:
    return with_password(make_user(Role.EVALUATOR, name="Ana Ruiz"))


def count_queries(action: Callable[[], Any]) -> int:
    seen: list[str] = []

    def note(_c: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if statement.startswith("SELECT"):
            seen.append(statement)

    event.listen(db.engine, "before_cursor_execute", note)
    try:
        action()
    finally:
        event.remove(db.engine, "before_cursor_execute", note)
    return len(seen)


def test_invitation_shows_the_link_once_and_writes_a_message(browser: FlaskClient) -> None:
    answer = browser.post("/users/invite", data=INVITE)
    user = queries.user_of_email("nueva@example.org")
    assert user is not None
    assert answer.location == f"/users/{user.id}"
    assert (user.name, user.roles, user.language) == ("Nueva Persona", {Role.EVALUATOR, Role.OFFICER}, "en")
    link = (
        browser.get(answer.location).text.split('<code class="text-reset text-break" translate="no">')[1].split("<")[0]
    )
    assert "/invitation/" in link
    assert link not in browser.get(answer.location).text
    message = db.session.scalars(select(OutboxMessage)).one()
    assert message.address == "nueva@example.org"
    assert link in message.body


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"email": "no es"}, "email"),
        ({"email": ""}, "email"),
        ({"email": "a" * 300 + "@example.org"}, "email"),
        ({"name": ""}, "name"),
        ({"name": "a\x00b"}, "name"),
        ({"name": "x" * 10_000}, "name"),
        ({"roles": []}, "roles"),
        ({"roles": ["king"]}, "roles"),
        ({"language": "xx"}, "language"),
    ],
)
def test_invitation_with_a_mistake_is_refused_beside_its_field(
    browser: FlaskClient, change: dict[str, Any], field: str
) -> None:
    answer = browser.post("/users/invite", data={**INVITE, **change})
    assert answer.status_code == 200
    assert f'id="{field}-error"' in answer.text
    assert db.session.scalar(select(func.count()).select_from(User)) == 1


def test_same_email_is_refused_in_any_case(browser: FlaskClient) -> None:
    browser.post("/users/invite", data=INVITE)
    answer = browser.post("/users/invite", data={**INVITE, "email": "NUEVA@example.org"})
    assert "There is already an account with that e-mail." in answer.text
    assert db.session.scalar(select(func.count()).select_from(User)) == 2


def test_new_link_ends_the_earlier_one_and_the_seed_it_showed(app: Flask, boss: User, browser: FlaskClient) -> None:
    user, token = make_invitation()
    services.choose_password(invitation_of(user), "una frase que recuerdo", now=utcnow())
    assert browser.post(f"/users/{user.id}/reinvite").status_code == 302
    assert app.test_client().get(f"/invitation/{token}").status_code == 404
    db.session.refresh(user)
    assert user.password_hash is None
    assert queries.factor(user, FactorKind.LOGIN) is None


def test_account_in_use_gets_no_new_link(ana: User, browser: FlaskClient) -> None:
    assert browser.post(f"/users/{ana.id}/reinvite").status_code == 409
    assert factor_of(ana, FactorKind.LOGIN).confirmed_at is not None


def test_roles_take_effect_at_once(app: Flask, ana: User, browser: FlaskClient) -> None:
    hers = signed_in_client(app, ana)
    assert hers.get("/users").status_code == 403
    browser.post(f"/users/{ana.id}", data={"roles": ["administrator"]})
    assert hers.get("/users").status_code == 200
    browser.post(f"/users/{ana.id}", data={"roles": ["evaluator"]})
    assert hers.get("/users").status_code == 403


def test_account_keeps_at_least_one_role(ana: User, browser: FlaskClient) -> None:
    answer = browser.post(f"/users/{ana.id}", data={"roles": [], "other": "x"})
    assert "Choose at least one role." in answer.text
    db.session.refresh(ana)
    assert ana.roles == {Role.EVALUATOR}


def test_own_roles_are_changed_by_another(boss: User, browser: FlaskClient) -> None:
    answer = browser.post(f"/users/{boss.id}", data={"roles": ["administrator", "coordinator"]})
    assert answer.status_code == 200
    db.session.refresh(boss)
    assert boss.roles == {Role.ADMINISTRATOR}


def test_administrator_who_was_just_deactivated_changes_nothing(boss: User, ana: User) -> None:
    with transaction():
        boss.deactivated_at = utcnow()
    with pytest.raises(RuleBroken), transaction():
        services.change_roles(ana, frozenset({Role.ADMINISTRATOR}), by=boss, now=utcnow())
    with pytest.raises(RuleBroken), transaction():
        services.deactivate(ana, by=boss, now=utcnow())
    db.session.refresh(ana)
    assert (ana.roles, ana.deactivated_at) == ({Role.EVALUATOR}, None)


def test_deactivation_ends_sessions_tokens_and_links(app: Flask, ana: User, browser: FlaskClient) -> None:
    hers = signed_in_client(app, ana)
    make_token(ana, Permission.VIEW_CALL)
    assert browser.post(f"/users/{ana.id}/deactivate").status_code == 302
    assert hers.get("/account").status_code == 302
    assert [token.revoked_at is not None for token in queries.tokens(ana)] == [True]
    assert queries.open_sessions(ana, now=utcnow()) == []


def test_reactivated_account_may_sign_in_again_but_its_sessions_stay_ended(
    app: Flask, ana: User, browser: FlaskClient
) -> None:
    hers = signed_in_client(app, ana)
    browser.post(f"/users/{ana.id}/deactivate")
    assert browser.post(f"/users/{ana.id}/reactivate").status_code == 302
    assert hers.get("/account").status_code == 302
    db.session.refresh(ana)
    assert ana.is_active


def test_nobody_deactivates_themselves(boss: User, browser: FlaskClient) -> None:
    make_user(Role.ADMINISTRATOR)
    assert browser.post(f"/users/{boss.id}/deactivate").status_code == 409
    db.session.refresh(boss)
    assert boss.deactivated_at is None


def test_unlock_forgets_wrong_attempts_of_this_account_only(ana: User, browser: FlaskClient) -> None:
    bea, now = make_user(Role.EVALUATOR), utcnow()
    for user in (ana, bea):
        for kind, subject in (
            (LOGIN_CODE, str(user.id)),
            (DELIVERY_CODE, str(user.id)),
            (PASSWORD, user.email_lookup.hex()),
        ):
            db.session.add(AttemptCounter(kind=kind, subject=subject, fails=100, day_fails=10, day_started_at=now))
    ana.suspended_at = now
    assert queries.is_locked(ana, now=now)
    assert browser.post(f"/users/{ana.id}/unlock").status_code == 302
    db.session.refresh(ana)
    assert ana.suspended_at is None
    assert not queries.is_locked(ana, now=utcnow())
    assert queries.is_locked(bea, now=utcnow())


def test_nobody_unlocks_themselves(boss: User, browser: FlaskClient) -> None:
    db.session.add(
        AttemptCounter(kind=LOGIN_CODE, subject=str(boss.id), fails=10, day_fails=10, day_started_at=utcnow())
    )
    assert browser.post(f"/users/{boss.id}/unlock").status_code == 409
    assert queries.is_locked(boss, now=utcnow())


def test_reset_takes_two_administrators(app: Flask, ana: User, browser: FlaskClient) -> None:
    hers, second = signed_in_client(app, ana), english(app, make_user(Role.ADMINISTRATOR))
    replace_recovery_codes(ana, now=utcnow())
    db.session.add(UsedStep(factor_id=factor_of(ana, FactorKind.LOGIN).id, step=1, used_at=utcnow()))
    browser.post(f"/users/{ana.id}/reset", data={"reason": "Perdió el teléfono"})
    reset = db.session.scalars(select(FactorReset)).one()

    assert browser.post(f"/users/{ana.id}/reset/{reset.id}/approve").status_code == 409
    assert hers.get("/account").status_code == 200
    answer = second.post(f"/users/{ana.id}/reset/{reset.id}/approve")
    assert answer.location == f"/users/{ana.id}"
    assert "/invitation/" in second.get(answer.location).text

    db.session.refresh(ana)
    assert ana.password_hash is None
    assert hers.get("/account").status_code == 302
    assert db.session.scalar(select(func.count()).where(Factor.user_id == ana.id)) == 0
    assert db.session.scalar(select(func.count()).where(RecoveryCode.user_id == ana.id)) == 0
    assert db.session.scalar(select(func.count()).where(LoginSession.user_id == ana.id,
                                                        LoginSession.ended_at.is_(None))) == 0  # fmt: skip
    assert invitation_of(ana).is_open(utcnow())


def test_reset_is_not_approved_by_the_owner_of_the_account(app: Flask, boss: User, browser: FlaskClient) -> None:
    owner = with_password(make_user(Role.ADMINISTRATOR))
    browser.post(f"/users/{owner.id}/reset", data={"reason": "Perdió el teléfono"})
    reset = db.session.scalars(select(FactorReset)).one()
    assert english(app, owner).post(f"/users/{owner.id}/reset/{reset.id}/approve").status_code == 409
    assert factor_of(owner, FactorKind.LOGIN).confirmed_at is not None


def test_nobody_asks_for_their_own_reset(boss: User, browser: FlaskClient) -> None:
    browser.post(f"/users/{boss.id}/reset", data={"reason": "Perdí el teléfono"})
    assert db.session.scalar(select(func.count()).select_from(FactorReset)) == 0


def test_reset_is_asked_for_once_and_with_a_reason(ana: User, browser: FlaskClient) -> None:
    assert 'id="reason-error"' in browser.post(f"/users/{ana.id}/reset", data={"reason": ""}).text
    browser.post(f"/users/{ana.id}/reset", data={"reason": "Perdió el teléfono"})
    browser.post(f"/users/{ana.id}/reset", data={"reason": "Otra vez"})
    assert db.session.scalars(select(FactorReset.reason)).all() == ["Perdió el teléfono"]


def test_reset_is_carried_out_once(app: Flask, ana: User, browser: FlaskClient) -> None:
    second = english(app, make_user(Role.ADMINISTRATOR))
    browser.post(f"/users/{ana.id}/reset", data={"reason": "Perdió el teléfono"})
    reset = db.session.scalars(select(FactorReset)).one()
    second.post(f"/users/{ana.id}/reset/{reset.id}/approve")
    first_link = invitation_of(ana).id
    assert second.post(f"/users/{ana.id}/reset/{reset.id}/approve").status_code == 404
    assert invitation_of(ana).id == first_link


def test_withdrawn_reset_cannot_be_approved(app: Flask, ana: User, browser: FlaskClient) -> None:
    second = english(app, make_user(Role.ADMINISTRATOR))
    browser.post(f"/users/{ana.id}/reset", data={"reason": "Perdió el teléfono"})
    reset_id = db.session.scalars(select(FactorReset.id)).one()
    assert browser.post(f"/users/{ana.id}/reset/{reset_id}/withdraw").status_code == 302
    assert second.post(f"/users/{ana.id}/reset/{reset_id}/approve").status_code == 404
    assert factor_of(ana, FactorKind.LOGIN).confirmed_at is not None


def test_reset_of_one_account_does_not_open_under_another(ana: User, browser: FlaskClient) -> None:
    bea = make_user(Role.EVALUATOR)
    browser.post(f"/users/{ana.id}/reset", data={"reason": "Perdió el teléfono"})
    reset_id = db.session.scalars(select(FactorReset.id)).one()
    assert browser.post(f"/users/{bea.id}/reset/{reset_id}/withdraw").status_code == 404


@pytest.mark.parametrize("path", ["/users/999999", f"/users/{10**40}"])
def test_unknown_user_is_not_found(browser: FlaskClient, path: str) -> None:
    assert browser.get(path).status_code == 404


def test_list_pages_through_all_users(browser: FlaskClient) -> None:
    names = {make_user(Role.EVALUATOR, name=f"Persona {number:02}").name for number in range(30)}
    first = browser.get("/users").text
    address = first.split('rel="next" href="')[1].split('"')[0]
    second = browser.get(address).text
    assert all(name in first or name in second for name in names)
    assert 'rel="next"' not in second


def test_list_and_user_page_cost_the_same_queries_for_one_and_for_many(ana: User, browser: FlaskClient) -> None:
    one = count_queries(lambda: browser.get("/users")), count_queries(lambda: browser.get(f"/users/{ana.id}"))
    for _n in range(3):
        user, _token = make_invitation()
        db.session.add(AttemptCounter(kind=LOGIN_CODE, subject=str(user.id), fails=9, day_fails=10,
                                      day_started_at=utcnow()))  # fmt: skip
    many = count_queries(lambda: browser.get("/users")), count_queries(lambda: browser.get(f"/users/{ana.id}"))
    assert many[0] == one[0] <= 8
    assert many[1] == one[1] <= 15


def test_accounts_at_risk_names_each_reason(boss: User) -> None:
    now = utcnow()
    blocked, suspended, asked, unused, gone, calm = (make_user(Role.EVALUATOR) for _n in range(6))
    invited, _token = make_invitation()
    db.session.add(AttemptCounter(kind=PASSWORD, subject=blocked.email_lookup.hex(), fails=5, day_fails=5,
                                  day_started_at=now, blocked_until=now + timedelta(seconds=30)))  # fmt: skip
    suspended.suspended_at = now
    services.request_reset(asked, "Perdió el teléfono", by=boss, now=now)
    unused.created_at = now - timedelta(days=61)
    gone.deactivated_at = now
    calm.created_at = now - timedelta(days=61)
    db.session.add(LoginSession(token_hash="x", user_id=calm.id, created_at=now - timedelta(days=59),
                                expires_at=now))  # fmt: skip
    db.session.flush()

    found = {one.user.id: one.risks for one in queries.accounts_at_risk(now=now)}
    assert found == {
        blocked.id: (Risk.BLOCKED,),
        suspended.id: (Risk.SUSPENDED,),
        asked.id: (Risk.RESET_OPEN,),
        unused.id: (Risk.UNUSED,),
        invited.id: (Risk.WITHOUT_FACTOR,),
    }


def test_pages_are_closed_to_other_roles(app: Flask, ana: User) -> None:
    client = signed_in_client(app, ana)
    for path in ("/users", "/users/invite", f"/users/{ana.id}", "/journal"):
        assert client.get(path).status_code == 403
    assert client.post(f"/users/{ana.id}", data={"roles": ["administrator"]}).status_code == 403
    db.session.refresh(ana)
    assert ana.roles == {Role.EVALUATOR}
