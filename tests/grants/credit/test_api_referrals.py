"""Referrals for programs."""

import threading
from datetime import timedelta

import pytest
from flask import Flask

from grants.access.permissions import Permission, Role
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.journal import JournalEntry
from grants.credit.models import DeclineReason, Linkage, LinkageState, Referral, ReferralState
from grants.credit.services import programs
from tests.factories.access import make_token, make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.people import make_person, make_phone
from tests.grants.credit.counting import queries_of
from tests.grants.credit.test_races import at_once

LIST = "/api/v1/referrals"


def bearer(institution: object, *scopes: Permission) -> dict[str, str]:
    token = make_token(make_liaison(institution), *(scopes or (Permission.LOG_LINKAGE,)))  # type: ignore[arg-type]
    return {"Authorization": f"Bearer {token}", "Accept-Language": "en"}


def sent() -> Linkage:
    return make_linkage(make_referral(state=ReferralState.SENT))


def journaled(action: str) -> int:
    return db.session.query(JournalEntry).filter_by(action=action).count()


def test_a_liaison_lists_those_of_the_own_institution_by_state(app: Flask) -> None:
    waiting, _other = sent(), sent()
    institution = waiting.institution
    accepted = make_referral(institution=institution)
    client, token = app.test_client(), bearer(institution)

    everybody = client.get(LIST, headers=token).json
    those_waiting = client.get(f"{LIST}?state=sent", headers=token).json

    assert [one["folio"] for one in everybody["items"]] == [waiting.referral.folio, accepted.folio]
    assert [one["folio"] for one in those_waiting["items"]] == [waiting.referral.folio]
    assert everybody["next_after"] is None


def test_pages_of_the_list_hold_everybody_once(app: Flask) -> None:
    institution = make_institution()
    folios = [make_referral(institution=institution).folio for _n in range(27)]
    client, token = app.test_client(), bearer(institution)

    first = client.get(LIST, headers=token).json
    second = client.get(f"{LIST}?after={first['next_after']}", headers=token).json

    assert [one["folio"] for one in first["items"] + second["items"]] == folios
    assert (len(first["items"]), second["next_after"]) == (25, None)


def test_a_coordinators_token_lists_across_institutions(app: Flask) -> None:
    folios = {sent().referral.folio, sent().referral.folio}
    token = make_token(make_user(Role.COORDINATOR), Permission.VIEW_LINKAGE)
    answer = app.test_client().get(LIST, headers={"Authorization": f"Bearer {token}"})
    assert {one["folio"] for one in answer.json["items"]} == folios


def test_one_referral_holds_the_minimum_and_its_linkages(app: Flask) -> None:
    person = make_person(given_names="Luz Marina", first_surname="Ortiz", second_surname="Vera")
    make_phone(person, "+593990000002")
    linkage = make_linkage(make_referral(person, state=ReferralState.SENT))

    answer = app.test_client().get(f"{LIST}/{linkage.referral.folio}", headers=bearer(linkage.institution))

    assert answer.status_code == 200
    assert answer.json["state"] == "sent"
    assert answer.json["linkages"] == [{"folio": linkage.folio, "kind": "credit", "state": "referred"}]
    assert answer.json["person"] == {"folio": person.folio, "name": "Luz Ortiz", "contact": "+593990000002",
                                     "canton": "Ibarra", "need": "Un horno para la panadería"}  # fmt: skip
    for secret in ("Marina", "Vera", "1990"):
        assert secret not in answer.text


def test_the_first_look_is_kept_and_later_ones_change_nothing(app: Flask) -> None:
    referral = sent().referral
    client, token = app.test_client(), bearer(referral.institution)

    client.get(LIST, headers=token)
    unopened = db.session.get(Referral, referral.id).acknowledged_at
    first = client.get(f"{LIST}/{referral.folio}", headers=token).json["acknowledged_at"]
    second = client.get(f"{LIST}/{referral.folio}", headers=token).json["acknowledged_at"]

    assert unopened is None
    assert first == second is not None
    assert journaled("referral.acknowledged") == 1


def test_a_coordinators_look_acknowledges_nothing(app: Flask) -> None:
    referral = sent().referral
    token = make_token(make_user(Role.COORDINATOR), Permission.VIEW_LINKAGE)
    app.test_client().get(f"{LIST}/{referral.folio}", headers={"Authorization": f"Bearer {token}"})
    assert db.session.get(Referral, referral.id).acknowledged_at is None


def test_accepting_twice_answers_the_same_and_is_journaled_once(app: Flask) -> None:
    referral = sent().referral
    client, token = app.test_client(), bearer(referral.institution)

    first, second = (client.post(f"{LIST}/{referral.folio}/accept", headers=token) for _n in range(2))

    assert (first.status_code, second.status_code) == (200, 200)
    assert first.data == second.data
    assert first.json["state"] == "accepted"
    assert journaled("referral.accepted") == 1


def test_declining_ends_the_linkages_and_may_be_repeated_with_the_same_reason_only(app: Flask) -> None:
    linkage = sent()
    client, token = app.test_client(), bearer(linkage.institution)
    path = f"{LIST}/{linkage.referral.folio}/decline"

    first, again = (client.post(path, headers=token, json={"reason": "age"}) for _n in range(2))
    other = client.post(path, headers=token, json={"reason": "no_guarantor"})
    accepted = client.post(f"{LIST}/{linkage.referral.folio}/accept", headers=token)

    assert (first.status_code, again.status_code, other.status_code, accepted.status_code) == (200, 200, 409, 409)
    assert first.data == again.data
    assert (first.json["state"], first.json["decline_reason"]) == ("declined", "age")
    assert db.session.get(Linkage, linkage.id).state is LinkageState.DECLINED
    assert journaled("referral.declined") == 1


@pytest.mark.parametrize("body", [{}, {"reason": "because"}, {"reason": None}, {"reason": "age", "more": 1}])
def test_a_reason_that_is_no_code_is_refused(app: Flask, body: dict[str, object]) -> None:
    referral = sent().referral
    answer = app.test_client().post(f"{LIST}/{referral.folio}/decline", headers=bearer(referral.institution), json=body)
    assert answer.status_code == 422
    assert db.session.get(Referral, referral.id).state is ReferralState.SENT


def test_withdrawn_expired_and_reassigned_referrals_are_not_found(app: Flask) -> None:
    institution = make_institution()
    client, token = app.test_client(), bearer(institution)
    for state in (ReferralState.WITHDRAWN, ReferralState.EXPIRED, ReferralState.REASSIGNED):
        referral = make_referral(institution=institution, state=state)
        db.session.commit()
        assert client.get(f"{LIST}/{referral.folio}", headers=token).status_code == 404
        assert client.post(f"{LIST}/{referral.folio}/accept", headers=token).status_code == 404
    assert client.get(LIST, headers=token).json["items"] == []


def test_a_token_without_the_scope_answers_nothing(app: Flask) -> None:
    referral = sent().referral
    reader = make_token(make_user(Role.COORDINATOR), Permission.VIEW_LINKAGE)
    client = app.test_client()
    answer = client.post(f"{LIST}/{referral.folio}/accept", headers={"Authorization": f"Bearer {reader}"})
    assert answer.status_code == 403
    assert client.get(LIST).status_code == 401
    assert db.session.get(Referral, referral.id).state is ReferralState.SENT


def test_two_accepts_at_once_are_one(real_app: Flask) -> None:
    referral = sent().referral
    user = make_liaison(referral.institution)
    db.session.commit()
    ids = (referral.id, user.id)

    def accept() -> None:
        from grants.access.models import User

        found, by = db.session.get(Referral, ids[0]), db.session.get(User, ids[1])
        programs.accept_again(found, by=by, now=utcnow())

    assert at_once(real_app, accept) == ["done"] * 8
    assert journaled("referral.accepted") == 1


def test_an_accept_that_meets_a_decline_is_refused(real_app: Flask) -> None:
    referral = sent().referral
    user = make_liaison(referral.institution)
    db.session.commit()
    stale = db.session.get(Referral, referral.id)
    db.session.commit()

    def meanwhile() -> None:
        from grants.access.models import User

        with real_app.app_context(), transaction():
            programs.decline_again(db.session.get(Referral, referral.id), DeclineReason.AGE,
                                   by=db.session.get(User, user.id), now=utcnow())  # fmt: skip

    thread = threading.Thread(target=meanwhile)
    thread.start()
    thread.join()
    from grants.core.errors import RuleBroken

    with pytest.raises(RuleBroken), transaction():
        programs.accept_again(stale, by=user, now=utcnow() + timedelta(seconds=1))
    db.session.expire_all()
    assert db.session.get(Referral, referral.id).state is ReferralState.DECLINED


def test_the_list_costs_the_same_with_one_row_and_with_three(app: Flask) -> None:
    institution = make_institution()
    client, token = app.test_client(), bearer(institution)

    def add() -> None:
        person = make_person()
        make_phone(person)
        make_linkage(make_referral(person, institution))

    add()
    one = queries_of(lambda: client.get(LIST, headers=token))
    add()
    add()
    assert one == queries_of(lambda: client.get(LIST, headers=token)) <= 8


@pytest.mark.parametrize(
    "after", ["x", "1", "~", "x~1", "1~x", "1~", "2147483648~1", "1~2147483648", "2026-13-30~1", "1~1\n"]
)
def test_a_page_that_cannot_be_read_is_refused(app: Flask, after: str) -> None:
    """It began at the first page: who asks so reads everything anew and does not see why."""
    linkage = make_linkage()
    headers = bearer(linkage.institution)
    for path in (LIST, "/api/v1/linkages", f"/api/v1/linkages/{linkage.folio}/movements"):
        answer = app.test_client().get(path, query_string={"after": after}, headers=headers)
        assert (answer.status_code, list(answer.json["errors"]["query"])) == (422, ["after"])
