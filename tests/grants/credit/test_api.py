"""Linkages for other programs."""

import secrets
from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from grants.access.models import ApiToken, User
from grants.access.permissions import Permission, Role
from grants.core.clock import local_day, utcnow
from grants.core.crypto import token_hash
from grants.core.db import db
from grants.credit.models import Linkage, LinkageEvent, LinkageState
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.people import make_person, make_phone

LIST = "/api/v1/linkages"


def make_token(user: User, *scopes: Permission) -> dict[str, str]:
    """The header of a fresh token of this user."""
    token, now = secrets.token_urlsafe(32), utcnow()
    db.session.add(
        ApiToken(user_id=user.id, label="core", token_hash=token_hash(token), scopes=frozenset(scopes),
                 created_at=now, expires_at=now + timedelta(days=1))
    )  # fmt: skip
    db.session.commit()
    return {"Authorization": f"Bearer {token}"}


def liaison_token(institution: Any) -> dict[str, str]:
    return make_token(make_liaison(institution), Permission.LOG_LINKAGE)


def today() -> str:
    return local_day(utcnow()).isoformat()


def events_of(linkage: Linkage) -> int:
    return db.session.query(LinkageEvent).filter_by(linkage_id=linkage.id).count()


def test_a_liaison_lists_the_own_institution_only(app: Flask) -> None:
    own, other = make_linkage(), make_linkage()
    answer = app.test_client().get(LIST, headers=liaison_token(own.institution))

    assert answer.status_code == 200
    assert [item["folio"] for item in answer.json["items"]] == [own.folio]
    assert other.folio not in answer.text


def test_a_coordinator_lists_across_institutions_and_by_state(app: Flask) -> None:
    first, _second = make_linkage(state=LinkageState.DISBURSED), make_linkage()
    token = make_token(make_user(Role.COORDINATOR), Permission.VIEW_LINKAGE)

    everything = app.test_client().get(LIST, headers=token).json["items"]
    disbursed = app.test_client().get(f"{LIST}?state=disbursed", headers=token).json["items"]

    assert len(everything) == 2
    assert [(item["folio"], item["amount_usd"]) for item in disbursed] == [(first.folio, "850.00")]


def test_a_page_of_the_list_leads_to_the_next(app: Flask) -> None:
    institution = make_institution()
    folios = {make_linkage(institution=institution).folio for _n in range(27)}
    client, token = app.test_client(), liaison_token(institution)

    first = client.get(LIST, headers=token).json
    second = client.get(f"{LIST}?after={first['next_after']}", headers=token).json

    assert (len(first["items"]), len(second["items"]), second["next_after"]) == (25, 2, None)
    assert {item["folio"] for item in first["items"] + second["items"]} == folios


def test_only_the_minimum_about_the_person_is_given(app: Flask) -> None:
    person = make_person(given_names="Luz Marina", first_surname="Ortiz", second_surname="Vera")
    make_phone(person, "+593990000001", safe_to_call=False)
    make_phone(person, "+593990000002")
    linkage = make_linkage(person=person)

    answer = app.test_client().get(f"{LIST}/{linkage.folio}", headers=liaison_token(linkage.institution))

    assert answer.json["person"] == {
        "folio": person.folio,
        "name": "Luz Ortiz",
        "contact": "+593990000002",
        "canton": "Ibarra",
        "need": "Un horno para la panadería",
    }
    for secret in ("Vera", "Marina", "+593990000001", "migrant", "1990"):
        assert secret not in answer.text


def test_no_token_and_a_token_without_the_scope_are_refused(app: Flask) -> None:
    linkage = make_linkage()
    client = app.test_client()
    narrow = make_token(make_liaison(linkage.institution), Permission.VIEW_CALL)
    stranger = make_token(make_user(Role.ENUMERATOR), Permission.VIEW_PERSON)

    assert client.get(LIST).status_code == 401
    assert client.get(f"{LIST}?state=nonsense").status_code == 401
    for token in (narrow, stranger):
        assert client.get(LIST, headers=token).status_code == 403
        assert client.get(f"{LIST}/{linkage.folio}", headers=token).status_code == 403
        assert client.post(f"{LIST}/{linkage.folio}/events", headers=token, json={}).status_code == 403


def test_a_coordinator_logs_nothing(app: Flask) -> None:
    linkage = make_linkage()
    token = make_token(make_user(Role.COORDINATOR), Permission.VIEW_LINKAGE)
    body = {"to_state": "contacted", "happened_on": today()}

    assert app.test_client().post(f"{LIST}/{linkage.folio}/events", headers=token, json=body).status_code == 403
    assert events_of(linkage) == 0


def test_another_institutions_folio_answers_as_a_missing_one(app: Flask) -> None:
    linkage, own = make_linkage(), make_institution()
    token, client = liaison_token(own), app.test_client()
    body = {"to_state": "contacted", "happened_on": today()}

    answers = [client.get(f"{LIST}/{folio}", headers=token) for folio in (linkage.folio, "L-000000000")]
    posts = [client.post(f"{LIST}/{folio}/events", headers=token, json=body)
             for folio in (linkage.folio, "L-000000000")]  # fmt: skip

    for there, missing in (answers, posts):
        assert there.status_code == missing.status_code == 404
        assert there.data == missing.data
    assert events_of(linkage) == 0


def test_a_program_logs_a_credit_from_contact_to_disbursement(app: Flask) -> None:
    linkage = make_linkage()
    token, client = liaison_token(linkage.institution), app.test_client()
    steps = [
        {"to_state": "contacted"},
        {"to_state": "documents"},
        {"to_state": "applied", "amount_usd": "1200.00"},
        {"to_state": "approved", "amount_usd": "1000.00"},
        {"to_state": "disbursed", "amount_usd": "980.50", "term_months": 12, "rate_percent": "25.12",
         "rate_kind": "nominal", "reference": "OP 77/A"},
    ]  # fmt: skip

    answers = [client.post(f"{LIST}/{linkage.folio}/events", headers=token, json={"happened_on": today(), **step})
               for step in steps]  # fmt: skip

    assert [answer.status_code for answer in answers] == [201] * 5
    assert answers[-1].json["linkage"] == linkage.folio
    shown = client.get(f"{LIST}/{linkage.folio}", headers=token).json
    assert (shown["requested_usd"], shown["approved_usd"], shown["amount_usd"]) == ("1200.00", "1000.00", "980.50")
    assert (shown["reference"], shown["rate_kind"], shown["next_states"]) == ("OP 77/A", "nominal", [])
    assert [event["to_state"] for event in shown["events"]] == [step["to_state"] for step in steps]
    assert db.session.get(Linkage, linkage.id).amount_usd == Decimal("980.50")


def test_the_same_key_and_body_bring_the_same_answer_once(app: Flask) -> None:
    linkage = make_linkage()
    headers = {**liaison_token(linkage.institution), "Idempotency-Key": "a-1"}
    client, body = app.test_client(), {"to_state": "contacted", "happened_on": today()}

    first = client.post(f"{LIST}/{linkage.folio}/events", headers=headers, json=body)
    again = client.post(f"{LIST}/{linkage.folio}/events", headers=headers, json=dict(reversed(body.items())))

    assert (first.status_code, again.status_code) == (201, 201)
    assert first.data == again.data
    assert events_of(linkage) == 1


def test_the_same_key_with_another_body_is_refused(app: Flask) -> None:
    linkage = make_linkage()
    headers = {**liaison_token(linkage.institution), "Idempotency-Key": "a-1"}
    client, body = app.test_client(), {"to_state": "contacted", "happened_on": today()}
    client.post(f"{LIST}/{linkage.folio}/events", headers=headers, json=body)

    other = client.post(f"{LIST}/{linkage.folio}/events", headers=headers, json={**body, "to_state": "documents"})

    assert other.status_code == 422
    assert "Idempotency-Key" in other.json["errors"]["headers"]
    assert events_of(linkage) == 1


def test_a_refused_request_does_not_use_its_key_up(app: Flask) -> None:
    linkage = make_linkage()
    headers = {**liaison_token(linkage.institution), "Idempotency-Key": "a-2"}
    client, path = app.test_client(), f"{LIST}/{linkage.folio}/events"

    refused = client.post(path, headers=headers, json={"to_state": "approved", "happened_on": today()})
    taken = client.post(path, headers=headers, json={"to_state": "contacted", "happened_on": today()})

    assert (refused.status_code, refused.json["field"]) == (409, "to_state")
    assert taken.status_code == 201


def test_two_users_may_use_the_same_key(app: Flask) -> None:
    first, second = make_linkage(), make_linkage()
    body = {"to_state": "contacted", "happened_on": today()}
    codes = [
        app.test_client()
        .post(f"{LIST}/{one.folio}/events", json=body,
              headers={**liaison_token(one.institution), "Idempotency-Key": "same"})
        .status_code
        for one in (first, second)
    ]  # fmt: skip
    assert codes == [201, 201]


HOSTILE = [
    {},
    {"to_state": "repaid", "happened_on": "2026-01-01"},
    {"to_state": "contacted", "happened_on": "20260101"},
    {"to_state": "contacted", "happened_on": "2026-02-30"},
    {"to_state": "contacted", "happened_on": None},
    {"to_state": "applied", "happened_on": "2026-01-01", "amount_usd": 850.0},
    {"to_state": "applied", "happened_on": "2026-01-01", "amount_usd": "1.234"},
    {"to_state": "applied", "happened_on": "2026-01-01", "amount_usd": "NaN"},
    {"to_state": "applied", "happened_on": "2026-01-01", "amount_usd": "9" * 10_000},
    {"to_state": "disbursed", "happened_on": "2026-01-01", "term_months": 10**30},
    {"to_state": "disbursed", "happened_on": "2026-01-01", "reference": "a\x00b"},
    {"to_state": "disbursed", "happened_on": "2026-01-01", "reference": "\ud800"},
    {"to_state": "contacted", "happened_on": "2026-01-01", "unknown": 1},
    {"to_state": ["contacted"], "happened_on": {"a": 1}},
]


@pytest.mark.parametrize("body", HOSTILE)
def test_hostile_bodies_are_refused_with_the_member_named(app: Flask, body: dict[str, Any]) -> None:
    linkage = make_linkage()
    answer = app.test_client().post(
        f"{LIST}/{linkage.folio}/events", headers=liaison_token(linkage.institution), json=body
    )  # fmt: skip
    assert answer.status_code == 422
    assert answer.json["errors"]["json"]
    assert events_of(linkage) == 0


def test_a_zero_amount_is_refused_in_words(app: Flask) -> None:
    linkage = make_linkage(state=LinkageState.CONTACTED)
    answer = app.test_client().post(
        f"{LIST}/{linkage.folio}/events",
        headers=liaison_token(linkage.institution),
        json={"to_state": "applied", "happened_on": today(), "amount_usd": "0.00"},
    )
    assert (answer.status_code, answer.json["field"]) == (409, "amount_usd")


def test_a_key_of_strange_letters_is_refused(app: Flask) -> None:
    linkage = make_linkage()
    headers = {**liaison_token(linkage.institution), "Idempotency-Key": "ñ" * 90}
    body = {"to_state": "contacted", "happened_on": today()}
    answer = app.test_client().post(f"{LIST}/{linkage.folio}/events", headers=headers, json=body)
    assert answer.status_code == 422
    assert events_of(linkage) == 0


def test_the_list_costs_the_same_with_one_row_and_with_three(app: Flask) -> None:
    from tests.grants.credit.counting import queries_of

    institution = make_institution()
    token = liaison_token(institution)
    client = app.test_client()

    def add() -> None:
        person = make_person()
        make_phone(person)
        make_linkage(make_referral(person, institution))

    add()
    one = queries_of(lambda: client.get(LIST, headers=token))
    add()
    add()
    three = queries_of(lambda: client.get(LIST, headers=token))
    assert one == three <= 8
