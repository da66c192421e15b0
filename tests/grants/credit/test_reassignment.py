"""What becomes of a referral that nobody took on: opened once, expired once, sent on once, without a word of it."""

import threading
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from grants.access.models import User
from grants.access.permissions import Permission, Role
from grants.core import jobs as core_jobs
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import NotFound, RuleBroken
from grants.core.journal import JournalEntry
from grants.credit import queries, services
from grants.credit.jobs import end_unanswered
from grants.credit.models import (
    DeclineReason,
    Institution,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    Referral,
    ReferralState,
    WebhookEvent,
)
from grants.credit.queries import reassignment as questions
from grants.credit.services import reassignment
from grants.credit.services.referrals import Request, acknowledge
from grants.people.models import Consent, ConsentPurpose, ConsentText
from tests.factories.access import make_token, make_user, signed_in_client
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.credit_products import make_product
from tests.factories.credit_webhooks import make_webhook
from tests.factories.people import make_consent_text, make_document, make_person, make_phone
from tests.grants.credit.counting import queries_of
from tests.grants.credit.test_races import ONE_WINS, at_once

S = ReferralState


def request_to(institution: Institution, **changes: Any) -> Request:
    facts = {"kinds": [LinkageKind.CREDIT], "need": "Un horno", "text": make_consent_text(ConsentPurpose.REFERRAL),
             **changes}  # fmt: skip
    return Request(institution, **facts)


def send_on(old: Referral, to: Institution | None = None) -> Referral:
    by = make_user(Role.COORDINATOR)
    return reassignment.reassign(old, request_to(to or make_institution()), by=by, now=utcnow())


def journaled(action: str) -> int:
    db.session.commit()
    return db.session.query(JournalEntry).filter_by(action=action).count()


def overdue(days: int = 1, **facts: Any) -> Referral:
    referral = make_referral(state=S.SENT, **facts)
    referral.expires_on = local_day(utcnow()) - timedelta(days=days)
    db.session.flush()
    return referral


# Opened


def test_a_referral_is_acknowledged_when_first_opened(app: Flask, sign_in: Any) -> None:
    referral = make_referral(state=S.SENT)
    sign_in(make_user(Role.COORDINATOR)).get(f"/referrals/{referral.id}")
    assert db.session.get(Referral, referral.id).acknowledged_at is None
    client = sign_in(make_liaison(referral.institution))
    client.get(f"/referrals/{referral.id}")
    first = db.session.get(Referral, referral.id).acknowledged_at
    client.get(f"/referrals/{referral.id}")
    assert first is not None
    assert db.session.get(Referral, referral.id).acknowledged_at == first
    assert journaled("referral.acknowledged") == 1


def test_opening_the_linkage_acknowledges_too(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage(make_referral(state=S.SENT))
    sign_in(make_liaison(linkage.institution)).get(f"/linkages/{linkage.id}")
    assert db.session.get(Referral, linkage.referral_id).acknowledged_at is not None


def test_two_who_open_at_once_are_journaled_once(real_app: Flask) -> None:
    referral = make_referral(state=S.SENT)
    liaison = make_liaison(referral.institution)
    db.session.commit()
    ids = referral.id, liaison.id

    def open_it() -> None:
        user = db.session.get(User, ids[1])
        acknowledge(queries.get_own_referral(user, ids[0]), by=user, now=utcnow())

    assert at_once(real_app, open_it) == ["done"] * 8
    assert journaled("referral.acknowledged") == 1


def test_an_answer_without_opening_counts_as_opened(app: Flask) -> None:
    referral = make_referral(state=S.SENT)
    services.accept(referral, by=make_liaison(referral.institution), now=utcnow())
    assert referral.acknowledged_at == referral.answered_at


# Expired


def test_a_new_referral_can_be_answered_for_thirty_days(app: Flask) -> None:
    now = utcnow()
    referral = services.refer(make_person(), to=make_institution(), kinds=[LinkageKind.CREDIT], need="Un horno",
                              text=make_consent_text(ConsentPurpose.REFERRAL), by=make_user(Role.COORDINATOR),
                              now=now)  # fmt: skip
    assert referral.expires_on == local_day(now) + timedelta(days=30)


def test_the_installation_says_how_long(app: Flask, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "REFERRAL_ANSWER_DAYS", 7)
    institution, text = make_institution(), make_consent_text(ConsentPurpose.REFERRAL)
    form = {"institution_id": institution.id, "kinds": "credit", "need": "x", "text_id": text.id, "consent": "y"}
    sign_in(make_user(Role.COORDINATOR)).post(f"/people/{make_person().id}/refer", data=form)
    assert db.session.query(Referral).one().expires_on == local_day(utcnow()) + timedelta(days=7)


def test_the_job_ends_what_nobody_answered_and_nothing_else(app: Flask) -> None:
    late, today = overdue(), overdue(days=0)
    linkage = make_linkage(late)
    accepted = make_linkage(make_referral(state=S.ACCEPTED)).referral
    accepted.expires_on = late.expires_on
    old = make_referral(state=S.SENT)  # of before: without a last day
    db.session.commit()

    end_unanswered(app)
    end_unanswered(app)

    db.session.expire_all()
    assert [one.state for one in (late, today, accepted, old)] == [S.EXPIRED, S.SENT, S.ACCEPTED, S.SENT]
    assert linkage.state is LinkageState.WITHDRAWN
    assert db.session.query(LinkageEvent).filter_by(linkage_id=linkage.id).count() == 1
    assert late.consent.revoked_at is None
    assert journaled("referral.expired") == 1


def test_an_expired_referral_shows_nobody_and_takes_no_answer(app: Flask) -> None:
    referral = overdue()
    liaison = make_liaison(referral.institution)
    with pytest.raises(RuleBroken):  # its day has passed, and the job was not there yet
        services.accept(referral, by=liaison, now=utcnow())
    assert reassignment.expire(referral.id, now=utcnow())
    assert not reassignment.expire(referral.id, now=utcnow())
    with pytest.raises(NotFound):
        queries.get_own_referral(liaison, referral.id)


def test_the_worker_knows_the_job() -> None:
    assert "unanswered referrals" in [job.name for job in core_jobs._jobs]


@pytest.mark.parametrize(("days", "offered"), [(0, True), (1, False)])
def test_an_answer_is_offered_until_the_last_day(app: Flask, sign_in: Any, days: int, offered: bool) -> None:
    """Its day has passed, and the job was not there yet."""
    referral = overdue(days=days)
    liaison = sign_in(make_liaison(referral.institution))
    assert (f"/referrals/{referral.id}/accept" in liaison.get(f"/referrals/{referral.id}").text) is offered
    assert ("btn btn-primary" in liaison.get("/my-referrals").text.split("<table")[1]) is offered


# Sent on


@pytest.mark.parametrize(("state", "after"), [(S.SENT, S.REASSIGNED), (S.DECLINED, S.DECLINED), (S.EXPIRED, S.EXPIRED)])
def test_another_institution_is_asked_under_a_consent_of_its_own(app: Flask, state: S, after: S) -> None:
    old = make_referral(state=state)
    linkage = make_linkage(old, state=LinkageState.DECLINED if state is S.DECLINED else LinkageState.REFERRED)
    new = send_on(old)

    assert (old.state, new.state, new.reassigned_from_id) == (after, S.SENT, old.id)
    assert (new.person_id, new.consent.institution_id) == (old.person_id, new.institution_id)
    assert new.consent_id != old.consent_id
    assert len(new.linkages) == 1
    db.session.refresh(linkage)
    assert linkage.state is {S.SENT: LinkageState.WITHDRAWN, S.DECLINED: LinkageState.DECLINED,
                             S.EXPIRED: LinkageState.REFERRED}[state]  # fmt: skip
    assert journaled("referral.reassigned") == 1


@pytest.mark.parametrize("state", [S.ACCEPTED, S.WITHDRAWN, S.REASSIGNED])
def test_what_was_taken_on_or_back_is_not_sent_on(app: Flask, state: S) -> None:
    old = make_referral(state=state)
    with pytest.raises(RuleBroken):
        send_on(old)
    assert db.session.query(Referral).count() == 1


def test_not_to_the_same_nor_to_a_closed_one_nor_twice(app: Flask) -> None:
    old = make_referral(state=S.DECLINED)
    for wrong in (old.institution, make_institution(is_active=False)):
        with pytest.raises(RuleBroken) as refused:
            send_on(old, wrong)
        assert refused.value.field == "institution_id"
    new = send_on(old)
    with pytest.raises(RuleBroken):
        send_on(old)
    assert db.session.query(Referral).count() == 2
    services.decline(new, DeclineReason.AGE, by=make_liaison(new.institution), now=utcnow())
    assert send_on(new).reassigned_from_id == new.id


@pytest.mark.parametrize("state", [S.SENT, S.DECLINED])
def test_what_was_sent_on_is_gone_for_the_first_institution(app: Flask, sign_in: Any, state: S) -> None:
    old = make_referral(state=state)
    linkage = make_linkage(old, state=LinkageState.DECLINED if state is S.DECLINED else LinkageState.REFERRED)
    client, liaison = app.test_client(), make_liaison(old.institution)
    bearer = {"Authorization": f"Bearer {make_token(liaison, Permission.LOG_LINKAGE)}"}
    browser = sign_in(liaison)
    pages = (f"/referrals/{old.id}", f"/linkages/{linkage.id}")
    doors = (f"/api/v1/referrals/{old.folio}", f"/api/v1/linkages/{linkage.folio}")
    assert {browser.get(page).status_code for page in pages} == {200}
    assert {client.get(door, headers=bearer).status_code for door in doors} == {200}

    send_on(old)
    db.session.commit()

    assert {browser.get(page).status_code for page in pages} == {404}
    assert {client.get(door, headers=bearer).status_code for door in doors} == {404}
    answer = client.post(f"/api/v1/referrals/{old.folio}/decline", json={"reason": "age"}, headers=bearer)
    assert answer.status_code == 404
    assert client.get("/api/v1/referrals", headers=bearer).json["items"] == []
    assert sign_in(make_user(Role.COORDINATOR)).get(pages[0]).status_code == 200


def test_the_institution_is_told_that_a_declined_person_goes_on_elsewhere(app: Flask) -> None:
    old = make_referral(state=S.DECLINED)
    make_webhook(old.institution)
    send_on(old)
    told = db.session.query(WebhookEvent).one()
    assert (told.kind, told.folio) == ("referral.ended", old.folio)


def test_a_refused_reassignment_leaves_the_old_one_waiting(app: Flask, sign_in: Any) -> None:
    """The new institution has an open referral of this person: nothing may be half done."""
    old = make_referral(state=S.SENT)
    linkage = make_linkage(old)
    open_there = make_referral(old.person, state=S.SENT)
    text = make_consent_text(ConsentPurpose.REFERRAL)
    answer = sign_in(make_user(Role.COORDINATOR)).post(f"/referrals/{old.id}/reassign", data={
        "institution_id": open_there.institution_id, "kinds": "credit", "need": "x", "text_id": text.id,
        "consent": "y"})  # fmt: skip
    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.get(Referral, old.id).state is S.SENT
    assert db.session.get(Linkage, linkage.id).state is LinkageState.REFERRED
    assert db.session.query(Referral).count() == 2
    assert db.session.query(Consent).count() == 2


@pytest.mark.parametrize("state", [S.SENT, S.DECLINED])
def test_of_two_who_send_on_at_once_one_wins(real_app: Flask, state: S) -> None:
    """Each to another institution, so that only the old referral can decide."""
    old, by = make_referral(state=state), make_user(Role.COORDINATOR)
    make_linkage(old, state=LinkageState.DECLINED if state is S.DECLINED else LinkageState.REFERRED)
    places = [make_institution().id for _n in range(8)]
    text = make_consent_text(ConsentPurpose.REFERRAL)
    db.session.commit()
    ids, lock = (old.id, by.id, text.id), threading.Lock()

    def act() -> None:
        with lock:
            place = places.pop()
        request = Request(
            db.session.get(Institution, place), [LinkageKind.CREDIT], "x", db.session.get(ConsentText, ids[2])
        )
        reassignment.reassign(questions.to_reassign(ids[0]), request, by=db.session.get(User, ids[1]), now=utcnow())

    assert at_once(real_app, act) == ONE_WINS
    assert db.session.query(Referral).count() == 2
    assert db.session.query(Consent).count() == 2
    assert db.session.query(Linkage).count() == 2


def test_neither_institution_learns_of_the_other(app: Flask, sign_in: Any) -> None:
    person = make_person(given_names="Luz", first_surname="Ortiz")
    make_phone(person)
    first, second = make_institution("Cooperativa Primera"), make_institution("Cooperativa Segunda")
    old = make_referral(person, first, state=S.SENT, need="Secreto para la primera")
    old_linkage = make_linkage(old)
    before, after = make_liaison(first), make_liaison(second)
    new = send_on(old, second)
    (linkage,) = new.linkages
    db.session.commit()

    client = sign_in(after)
    pages = [client.get(path) for path in (f"/referrals/{new.id}", f"/linkages/{linkage.id}", "/my-referrals",
                                           "/my-linkages/export", "/")]  # fmt: skip
    token = make_token(after, Permission.LOG_LINKAGE)
    api = app.test_client().get("/api/v1/linkages", headers={"Authorization": f"Bearer {token}"})
    for answer in (*pages, api):
        assert answer.status_code == 200
        for word in ("Primera", "primera", old.folio, old_linkage.folio, "reassigned", f'/referrals/{old.id}"'):
            assert word not in answer.text
    assert client.get(f"/referrals/{old.id}").status_code == 404

    client = sign_in(before)
    for path in (f"/referrals/{old.id}", f"/linkages/{old_linkage.id}", f"/referrals/{new.id}"):
        assert client.get(path).status_code == 404
    for path in ("/my-referrals", "/my-linkages/export", "/my-referrals?state=reassigned"):
        page = client.get(path)
        assert page.status_code == 200
        for word in ("Luz", "Segunda", new.folio, person.folio):
            assert word not in page.text


def test_the_coordinator_sees_both_ends(app: Flask, sign_in: Any) -> None:
    old = make_referral(state=S.SENT)
    new = send_on(old)
    client = sign_in(make_user(Role.COORDINATOR))
    assert f'href="/referrals/{new.id}"' in client.get(f"/referrals/{old.id}").text
    assert f'href="/referrals/{old.id}"' in client.get(f"/referrals/{new.id}").text


def test_the_page_of_sending_on_keeps_what_was_wanted(app: Flask, sign_in: Any) -> None:
    old = make_referral(state=S.DECLINED, need="Un horno grande")
    make_linkage(old, state=LinkageState.DECLINED)
    make_product(old.institution, name="De la primera")
    other = make_institution("Otra")
    make_consent_text(ConsentPurpose.REFERRAL)
    client = sign_in(make_user(Role.COORDINATOR))
    page = client.get(f"/referrals/{old.id}/reassign").text
    assert 'value="Un horno grande"' in page
    assert f'value="{other.id}"' in page
    assert f'<option value="{old.institution_id}">' not in page
    assert "De la primera" not in page
    assert client.get("/referrals/999999/reassign").status_code == 404


def test_what_came_back_waits_to_be_sent_on(app: Flask, sign_in: Any) -> None:
    declined, expired = make_referral(state=S.DECLINED), make_referral(state=S.EXPIRED)
    unwilling, taken_back = make_referral(state=S.DECLINED), make_referral(state=S.DECLINED)
    unwilling.decline_reason = DeclineReason.CLIENT_WITHDREW.value
    taken_back.consent.revoked_at = utcnow()
    since = make_referral(state=S.DECLINED)
    make_referral(since.person, state=S.SENT)
    for state in (S.SENT, S.ACCEPTED, S.WITHDRAWN, S.REASSIGNED):
        make_referral(state=state)
    db.session.flush()

    assert questions.to_send_on(after=None).items == [declined, expired]
    client = sign_in(make_user(Role.COORDINATOR))
    page = client.get("/referrals/to-send-on").text
    assert f'href="/referrals/{declined.id}/reassign"' in page
    assert unwilling.folio not in page
    seen = queries_of(lambda: client.get("/referrals/to-send-on"))
    for _n in range(3):
        make_referral(state=S.EXPIRED)
    assert queries_of(lambda: client.get("/referrals/to-send-on")) == seen
    assert (
        f"/referrals/{declined.id}/reassign"
        not in sign_in(make_user(Role.MONITORING)).get("/referrals/to-send-on").text
    )


def test_a_consent_taken_back_hides_the_person_everywhere(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage(person=make_person(given_names="Luz", first_surname="Ortiz"))
    liaison = make_liaison(linkage.institution)
    make_document(linkage.person)
    services.withdraw(linkage.referral, by=make_user(Role.COORDINATOR), now=utcnow())
    db.session.commit()
    client, token = sign_in(liaison), make_token(liaison, Permission.LOG_LINKAGE)
    bearer = {"Authorization": f"Bearer {token}"}
    for path in (f"/referrals/{linkage.referral_id}", f"/linkages/{linkage.id}",
                 f"/linkages/{linkage.id}/log/contacted", f"/referrals/{linkage.referral_id}/decline"):  # fmt: skip
        assert client.get(path).status_code == 404
    for step in ("accept", "decline", "add"):
        assert client.post(f"/referrals/{linkage.referral_id}/{step}").status_code == 404
    assert app.test_client().get(f"/api/v1/linkages/{linkage.folio}", headers=bearer).status_code == 404
    for answer in (client.get("/my-referrals"), client.get("/my-linkages/export"),
                   app.test_client().get("/api/v1/linkages", headers=bearer)):  # fmt: skip
        assert answer.status_code == 200
        assert "Ortiz" not in answer.text
        assert linkage.folio not in answer.text


def test_a_liaison_cannot_send_on_nor_print(app: Flask) -> None:
    referral = make_referral(state=S.DECLINED)
    client = signed_in_client(app, make_liaison(referral.institution))
    for path in (f"/referrals/{referral.id}/reassign", f"/referrals/{referral.id}/receipt", "/referrals/to-send-on"):
        assert client.get(path).status_code == 403
