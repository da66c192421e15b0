"""The pages about referrals and linkages: the way that works, and each refusal."""

from datetime import timedelta
from typing import Any

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.models import (
    Institution,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    RateKind,
    Referral,
    ReferralState,
)
from grants.people.models import ConsentPurpose, Person
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.people import make_consent_text, make_person, make_phone
from tests.grants.credit.counting import queries_of


@pytest.fixture
def coordinator(sign_in: Any) -> Any:
    return sign_in(make_user(Role.COORDINATOR))


def today() -> str:
    return local_day(utcnow()).isoformat()


def refer_form(institution: Institution, **changes: object) -> dict[str, object]:
    text = make_consent_text(ConsentPurpose.REFERRAL)
    form = {"institution_id": str(institution.id), "kinds": ["credit", "membership"], "need": "Un horno",
            "text_id": str(text.id), "consent": "y"}  # fmt: skip
    return {**form, **changes}


def refused(client: Any, path: str, form: dict[str, object]) -> str:
    """The page with the refusal."""
    answer = client.post(path, data=form)
    assert answer.status_code == 200
    assert "field-error" in answer.text or "notice-bad" in answer.text
    return str(answer.text)


def test_a_coordinator_refers_a_person(app: Flask, coordinator: Any) -> None:
    person, institution = make_person(), make_institution()
    make_phone(person, "+593990000002")
    form = refer_form(institution)

    page = coordinator.get(f"/people/{person.id}/refer").text
    answer = coordinator.post(f"/people/{person.id}/refer", data=form)

    assert "Texto sobre referral." in page
    assert "+593990000002" in page
    referral = db.session.query(Referral).one()
    assert answer.location.endswith(f"/referrals/{referral.id}")
    assert sorted(one.kind for one in referral.linkages) == [LinkageKind.CREDIT, LinkageKind.MEMBERSHIP]


@pytest.mark.parametrize(
    "changes",
    [
        {"consent": ""},
        {"kinds": []},
        {"kinds": ["house"]},
        {"institution_id": "999999"},
        {"institution_id": "9" * 400},
        {"text_id": "1e9"},
        {"need": ""},
        {"need": "x" * 10_000},
        {"need": "a\x00b"},
    ],
)
def test_a_referral_that_lacks_something_is_refused(app: Flask, coordinator: Any, changes: dict[str, object]) -> None:
    person = make_person()
    form = refer_form(make_institution(), **changes)
    refused(coordinator, f"/people/{person.id}/refer", form)
    assert db.session.query(Referral).count() == 0


def test_an_open_referral_is_linked_from_the_refusal(app: Flask, coordinator: Any) -> None:
    old = make_referral(state=ReferralState.SENT)
    page = refused(coordinator, f"/people/{old.person_id}/refer", refer_form(old.institution))
    assert f'href="/referrals/{old.id}"' in page.split("field-error")[1].split("kinds")[0]
    assert db.session.query(Referral).count() == 1


def test_an_inactive_institution_is_not_offered(app: Flask, coordinator: Any) -> None:
    closed = make_institution("Caja Cerrada", is_active=False)
    make_institution()
    person = make_person()
    form = refer_form(closed)
    assert "Caja Cerrada" not in coordinator.get(f"/people/{person.id}/refer").text
    refused(coordinator, f"/people/{person.id}/refer", form)
    assert db.session.query(Referral).count() == 0


def test_nobody_is_referred_without_institution_or_text(app: Flask, coordinator: Any) -> None:
    person = make_person()
    assert '<form action="/people' not in coordinator.get(f"/people/{person.id}/refer").text
    make_institution()
    assert '<form action="/people' not in coordinator.get(f"/people/{person.id}/refer").text
    assert coordinator.get("/people/999999999999/refer").status_code == 404


def test_a_coordinator_withdraws_a_referral(app: Flask, coordinator: Any) -> None:
    linkage = make_linkage()
    client = coordinator
    assert client.post(f"/referrals/{linkage.referral_id}/withdraw").status_code == 302
    assert db.session.get(Referral, linkage.referral_id).state is ReferralState.WITHDRAWN
    assert client.post(f"/referrals/{linkage.referral_id}/withdraw").status_code == 409
    assert client.get(f"/referrals/{linkage.referral_id}").status_code == 200


def test_a_liaison_accepts_and_logs_in_three_taps(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage(make_referral(state=ReferralState.SENT))
    client = sign_in(make_liaison(linkage.institution))

    assert f'href="/referrals/{linkage.referral_id}"' in client.get("/my-referrals").text
    assert client.post(f"/referrals/{linkage.referral_id}/accept").location.endswith(f"/linkages/{linkage.id}")

    tap_one = f"/linkages/{linkage.id}"
    assert f'href="{tap_one}"' in client.get("/my-referrals").text
    tap_two = f"/linkages/{linkage.id}/log/contacted"
    assert f'href="{tap_two}"' in client.get(tap_one).text
    assert f'value="{today()}"' in client.get(tap_two).text
    assert client.post(tap_two, data={"happened_on": today()}).status_code == 302
    assert db.session.get(Linkage, linkage.id).state is LinkageState.CONTACTED


def test_a_liaison_declines_with_a_reason(app: Flask, sign_in: Any) -> None:
    referral = make_referral(state=ReferralState.SENT)
    client = sign_in(make_liaison(referral.institution))
    path = f"/referrals/{referral.id}/decline"

    refused(client, path, {})
    refused(client, path, {"decline_reason": "because"})
    assert db.session.get(Referral, referral.id).state is ReferralState.SENT
    assert client.post(path, data={"decline_reason": "document_not_accepted"}).status_code == 302
    assert db.session.get(Referral, referral.id).decline_reason == "document_not_accepted"
    assert client.post(f"/referrals/{referral.id}/accept").status_code == 409


DISBURSED = {"amount_usd": "1.234,56", "term_months": "12", "rate_percent": "25,12 %", "rate_kind": "effective",
             "reference": "OP 7/A"}  # fmt: skip


def test_a_liaison_logs_a_disbursement(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage(state=LinkageState.APPROVED)
    client = sign_in(make_liaison(linkage.institution))
    answer = client.post(f"/linkages/{linkage.id}/log/disbursed", data={"happened_on": today(), **DISBURSED})

    found = db.session.get(Linkage, linkage.id)
    assert answer.status_code == 302
    assert (str(found.amount_usd), found.term_months, str(found.rate_percent)) == ("1234.56", 12, "25.1200")
    assert (found.rate_kind, found.reference) == (RateKind.EFFECTIVE, "OP 7/A")


@pytest.mark.parametrize(
    "changes",
    [
        {"amount_usd": "1.234"},
        {"amount_usd": "1e999"},
        {"amount_usd": "NaN"},
        {"amount_usd": "-850"},
        {"amount_usd": "850\x00"},
        {"amount_usd": "9" * 10_000},
        {"amount_usd": ""},
        {"term_months": "12.5"},
        {"term_months": "9" * 5_000},
        {"rate_percent": "Infinity"},
        {"rate_percent": "101"},
        {"rate_kind": "flat"},
        {"reference": "=1+1"},
        {"reference": "a\x00b"},
        {"reference": "x" * 61},
        {"reference": ""},
        {"happened_on": "31/02/2026"},
        {"happened_on": "0000-00-00"},
        {"happened_on": ""},
        {"happened_on": "2999-01-01"},
        {"happened_on": "1/1/2020"},
        {"happened_on": (utcnow() + timedelta(days=2)).date().isoformat()},
    ],
)
def test_bad_input_gets_a_sentence_and_changes_nothing(app: Flask, sign_in: Any, changes: dict[str, str]) -> None:
    linkage = make_linkage(state=LinkageState.APPROVED)
    client = sign_in(make_liaison(linkage.institution))
    page = refused(client, f"/linkages/{linkage.id}/log/disbursed", {"happened_on": today(), **DISBURSED, **changes})
    assert 'aria-invalid="true"' in page or 'fieldset class="field field-options has-error"' in page
    assert db.session.get(Linkage, linkage.id).state is LinkageState.APPROVED
    assert db.session.query(LinkageEvent).count() == 1


def test_a_refused_amount_stays_in_its_field(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage(state=LinkageState.CONTACTED)
    client = sign_in(make_liaison(linkage.institution))
    page = refused(client, f"/linkages/{linkage.id}/log/applied", {"happened_on": "5/3/2020", "amount_usd": "1.234"})
    assert 'value="1.234"' in page
    assert 'value="5/3/2020"' in page


def test_a_step_that_does_not_follow_gets_a_sentence(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage()
    client = sign_in(make_liaison(linkage.institution))
    refused(client, f"/linkages/{linkage.id}/log/documents", {"happened_on": today()})
    assert client.get(f"/linkages/{linkage.id}/log/nonsense").status_code == 404
    assert client.get("/linkages/99999999999999999999/log/contacted").status_code == 404
    assert db.session.get(Linkage, linkage.id).state is LinkageState.REFERRED


def test_a_liaison_adds_a_credit_to_a_membership(app: Flask, sign_in: Any) -> None:
    opened = make_linkage(kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED)
    client = sign_in(make_liaison(opened.institution))
    path = f"/referrals/{opened.referral_id}/add"

    assert client.post(path, data={"kind": "credit"}).status_code == 302
    refused(client, path, {"kind": "credit"})
    refused(client, path, {"kind": ""})
    assert db.session.query(Linkage).count() == 2


def test_a_liaison_without_a_post_is_told_whom_to_ask(app: Flask, sign_in: Any) -> None:
    lost, closed = make_liaison(None), make_liaison(make_institution(is_active=False))
    for user in (lost, closed):
        page = sign_in(user).get("/my-referrals")
        assert page.status_code == 200
        assert "coordina" in page.text
        assert "<table" not in page.text


def test_a_referral_without_a_linkage_says_what_to_do(app: Flask, sign_in: Any) -> None:
    referral = make_referral()
    client = sign_in(make_liaison(referral.institution))
    assert f'href="/referrals/{referral.id}"' in client.get("/my-referrals").text
    page = client.get(f"/referrals/{referral.id}").text
    assert 'class="empty"' in page
    assert f'action="/referrals/{referral.id}/add"' in page


def test_the_text_is_shown_line_by_line_in_its_language(app: Flask, coordinator: Any) -> None:
    person, _institution = make_person(), make_institution()
    make_consent_text(ConsentPurpose.REFERRAL).body = "Le pedimos permiso.\n\nPuede decir que no."
    page = coordinator.get(f"/people/{person.id}/refer").text
    assert '<div class="card-paper" lang="es"><p>Le pedimos permiso.</p><p>Puede decir que no.</p></div>' in page


def test_referrals_are_shown_by_state(app: Flask, sign_in: Any) -> None:
    institution = make_institution()
    sent, declined = (make_referral(institution=institution, state=state)
                      for state in (ReferralState.SENT, ReferralState.DECLINED))  # fmt: skip
    client = sign_in(make_liaison(institution))
    assert sent.folio in client.get("/my-referrals?state=sent").text
    assert declined.folio not in client.get("/my-referrals?state=sent").text
    both = client.get("/my-referrals?state=withdrawn&after=%00~1").text
    assert sent.folio in both
    assert declined.folio in both


def test_a_coordinator_sees_who_is_stuck_longest_first(app: Flask, coordinator: Any) -> None:
    day = local_day(utcnow())
    recent = make_linkage(state=LinkageState.CONTACTED, happened_on=day - timedelta(days=2))
    old = make_linkage(state=LinkageState.APPLIED, happened_on=day - timedelta(days=20))
    done = make_linkage(state=LinkageState.DISBURSED)
    page = coordinator.get("/linkages").text

    assert page.index(old.folio) < page.index(recent.folio)
    assert done.folio not in page
    assert done.folio in coordinator.get("/linkages?state=all").text
    assert done.folio in coordinator.get("/linkages?state=disbursed").text
    filtered = coordinator.get(f"/linkages?institution={old.institution_id}").text
    assert old.folio in filtered
    assert recent.folio not in filtered
    assert coordinator.get(f"/linkages?institution={'9' * 50}&state=%00&after=x~9").status_code == 200


def test_a_linkage_is_read_only_for_a_coordinator(app: Flask, coordinator: Any) -> None:
    linkage = make_linkage()
    page = coordinator.get(f"/linkages/{linkage.id}")
    assert page.status_code == 200
    assert "/log/" not in page.text
    assert coordinator.post(f"/linkages/{linkage.id}/log/contacted").status_code == 403


@pytest.mark.parametrize("role", [Role.ENUMERATOR, Role.EVALUATOR, Role.AUDITOR, Role.ADMINISTRATOR, Role.OFFICER])
def test_other_roles_see_no_linkage(app: Flask, sign_in: Any, role: Role) -> None:
    linkage = make_linkage()
    client = sign_in(make_user(role))
    assert client.get(f"/linkages/{linkage.id}").status_code == 403
    assert client.get(f"/linkages/{linkage.id + 1000}").status_code == 403
    assert client.get(f"/referrals/{linkage.referral_id}").status_code == 403
    assert client.get("/linkages").status_code == 403
    assert client.get("/my-referrals").status_code == 403


@pytest.mark.parametrize(
    "path", ["/linkages", "/my-referrals", "/institutions", "/my-linkages/export", "/linkages/export"]
)
def test_a_list_costs_the_same_with_one_row_and_with_three(app: Flask, sign_in: Any, path: str) -> None:
    institution = make_institution()
    own = path.startswith("/my-")
    client = sign_in(make_liaison(institution) if own else make_user(Role.COORDINATOR))
    make_linkage(institution=institution)

    one = queries_of(lambda: client.get(path))
    for _n in range(2):
        make_linkage(institution=institution if own else make_institution())
    three = queries_of(lambda: client.get(path))

    assert one == three <= 8


def test_pages_of_one_row_cost_at_most_fifteen_queries(app: Flask, sign_in: Any) -> None:
    linkage = make_linkage(state=LinkageState.CONTACTED)
    make_phone(db.session.get(Person, linkage.person_id))
    make_consent_text(ConsentPurpose.REFERRAL)
    liaison, boss = sign_in(make_liaison(linkage.institution)), sign_in(make_user(Role.COORDINATOR))
    for client in (liaison, boss):
        for path in (f"/referrals/{linkage.referral_id}", f"/linkages/{linkage.id}"):
            assert queries_of(lambda client=client, path=path: client.get(path)) <= 15
    assert queries_of(lambda: boss.get(f"/people/{linkage.person_id}/refer")) <= 15
    assert queries_of(lambda: liaison.get(f"/linkages/{linkage.id}/log/documents")) <= 15
