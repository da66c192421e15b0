"""What belongs to another institution answers as if it did not exist: every route, every id."""

import re
from itertools import product
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.routing import Rule

from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import db
from grants.credit.models import (
    Institution,
    LiaisonPost,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    Referral,
    ReferralState,
)
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.credit_offers import make_caja
from tests.factories.people import make_person
from tests.grants.credit.counting import queries_of

BODY = {"happened_on": "2026-01-05", "decline_reason": "age", "kind": "credit", "amount_usd": "850"}
MISSING = 1_000_000
TOKEN = re.compile(r'(?<=name="csrf_token" value=")[^"]+')


def rules_with_ids(app: Flask) -> list[tuple[Rule, str]]:
    """The routes about credit that a liaison may open and that name a row."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        if rule.endpoint.startswith("credit.") and rule.arguments
        and Permission.LOG_LINKAGE in app.view_functions[rule.endpoint].permissions  # type: ignore[attr-defined]
        for method in ("GET", "POST")
        if method in (rule.methods or ())
    ]  # fmt: skip


def path_of(app: Flask, rule: Rule, number: int, step: str) -> str:
    words = {"step": step, "kind": "balance" if step == "disbursed" else "repayment"}
    values: dict[str, Any] = {name: words.get(name, number) for name in rule.arguments}
    with app.test_request_context():
        return app.url_for(rule.endpoint, **values).removeprefix("http://127.0.0.1")


def ask(client: FlaskClient, method: str, path: str) -> tuple[int, str]:
    """The answer, without the address that the page repeats and the token that every page holds anew."""
    answer = client.open(path, method=method, data=BODY if method == "POST" else None)
    return answer.status_code, TOKEN.sub("token", answer.text.replace(path, ""))


def row_of(rule: Rule, linkage: Linkage) -> int:
    if "institution_id" in rule.arguments:
        return linkage.institution_id
    return linkage.id if "linkage_id" in rule.arguments else linkage.referral_id


@pytest.fixture
def others(app: Flask) -> list[Linkage]:
    """Linkages of other institutions in every state that a route could act on."""
    institution = make_caja()
    sent = make_linkage(make_referral(institution=institution, state=ReferralState.SENT))
    return [
        sent,
        *(make_linkage(institution=institution, state=state)
          for state in (LinkageState.REFERRED, LinkageState.APPROVED, LinkageState.DISBURSED)),
        make_linkage(institution=institution, kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED),
    ]  # fmt: skip


def snapshot() -> list[Any]:
    rows = [(one.id, one.state, one.last_step_on) for one in db.session.query(Linkage).order_by(Linkage.id)]
    referrals = [(one.id, one.state) for one in db.session.query(Referral).order_by(Referral.id)]
    return [rows, referrals, db.session.query(LinkageEvent).count()]


def test_there_are_routes_to_check(app: Flask) -> None:
    found = {rule.endpoint for rule, _method in rules_with_ids(app)}
    assert found == {"credit.referral", "credit.linkage", "credit.log", "credit.accept", "credit.decline",
                     "credit.add_linkage", "credit.savings_bank_figures", "credit.log_movement", "credit.refinance",
                     "credit.mark_lost", "credit.mark_found", "credit.credit_import", "credit.map_import",
                     "credit.go_on_with_import", "credit.apply_credit_import", "credit.discard_credit_import",
                     "credit.import_errors", "credit.export_mapping", "credit.quick"}  # fmt: skip


def test_rows_of_another_institution_answer_as_missing_ones(app: Flask, sign_in: Any, others: list[Linkage]) -> None:
    client = sign_in(make_liaison(make_institution()))
    before = snapshot()
    for (rule, method), linkage, step in product(rules_with_ids(app), others, ("contacted", "disbursed")):
        there = ask(client, method, path_of(app, rule, row_of(rule, linkage), step))
        missing = ask(client, method, path_of(app, rule, MISSING + linkage.id, step))
        assert there[0] == 404, (method, rule.rule)
        assert there == missing, (method, rule.rule)
        assert len(there[1].encode()) == len(missing[1].encode())
    assert snapshot() == before


def refused_liaisons(linkage: Linkage) -> dict[str, Any]:
    """Liaisons who may not see the linkage although something speaks for them."""
    closed = make_institution(is_active=False)
    lost = make_linkage(institution=closed)
    return {
        "without a post": (make_liaison(None), linkage),
        "of a deactivated institution": (make_liaison(closed), lost),
        "after the withdrawal": (make_liaison(linkage.institution), withdrawn(linkage.institution)),
        "released": (released(linkage.institution), linkage),
    }


def withdrawn(institution: Institution) -> Linkage:
    referral = make_referral(institution=institution, state=ReferralState.WITHDRAWN)
    referral.consent.revoked_at = utcnow()
    return make_linkage(referral, state=LinkageState.WITHDRAWN)


def released(institution: Institution) -> Any:
    user = make_liaison(institution)
    db.session.query(LiaisonPost).filter_by(user_id=user.id).delete()
    return user


@pytest.mark.parametrize("who", ["without a post", "of a deactivated institution", "after the withdrawal", "released"])
def test_a_liaison_without_a_right_sees_missing_rows(app: Flask, sign_in: Any, who: str) -> None:
    user, linkage = refused_liaisons(make_linkage())[who]
    client = sign_in(user)
    for rule, method in rules_with_ids(app):
        there = ask(client, method, path_of(app, rule, row_of(rule, linkage), "contacted"))
        assert there == ask(client, method, path_of(app, rule, MISSING, "contacted"))
        assert there[0] == 404


def test_the_own_list_and_export_name_nobody_elses_people(app: Flask, sign_in: Any) -> None:
    both = make_person(given_names="Luz", first_surname="Ortiz")
    own, other = make_linkage(person=both), make_linkage(person=both, reference="OTHER-7")
    only_theirs = make_linkage(institution=other.institution)
    client = sign_in(make_liaison(own.institution))

    pages = [client.get(path).text for path in ("/my-referrals", "/my-linkages/export", f"/referrals/{own.referral_id}",
                                                f"/linkages/{own.id}")]  # fmt: skip

    for page in pages:
        assert own.referral.folio in page
        for secret in (other.folio, other.referral.folio, "OTHER-7", other.institution.name, only_theirs.folio):
            assert secret not in page


def test_pages_for_a_liaison_hold_only_the_minimum(app: Flask, sign_in: Any) -> None:
    person = make_person(given_names="Luz Marina", first_surname="Ortiz", second_surname="Vera")
    own = make_linkage(person=person)
    client = sign_in(make_liaison(own.institution))
    for path in (f"/referrals/{own.referral_id}", f"/linkages/{own.id}", "/my-referrals", "/my-linkages/export"):
        page = client.get(path).text
        assert "Luz Ortiz" in page
        for secret in ("Marina", "Vera", "Migrant", "Migrante", "Venezuela", "1990"):
            assert secret not in page


def test_another_institutions_reference_is_not_revealed(app: Flask, sign_in: Any) -> None:
    make_linkage(state=LinkageState.DISBURSED, reference="OP-1")
    own = make_linkage(state=LinkageState.APPROVED)
    client = sign_in(make_liaison(own.institution))
    body = {"happened_on": own.last_step_on.isoformat(), "amount_usd": "850", "term_months": "12",
            "rate_percent": "25,12", "rate_kind": "nominal", "reference": "OP-1"}  # fmt: skip

    answer = client.post(f"/linkages/{own.id}/log/disbursed", data=body)

    assert answer.status_code == 302
    assert db.session.get(Linkage, own.id).reference == "OP-1"


QUICK = {"happened_on": "2026-01-05", "amount_usd": "850", "balance_usd": "1", "form_key": "k" * 22}


@pytest.mark.parametrize("do", ["contacted", "disbursed", "repayment", "balance", "nonsense", ""])
def test_a_quick_form_for_another_institution_answers_as_for_a_missing_row(
    app: Flask, sign_in: Any, others: list[Linkage], do: str
) -> None:
    client = sign_in(make_liaison(make_institution()))
    before = snapshot()
    for linkage, method in product(others, ("GET", "POST")):
        there, missing = (f"/linkages/{number}/quick?do={do}" for number in (linkage.id, MISSING + linkage.id))
        answers = [client.open(path, method=method, data=QUICK if method == "POST" else None)
                   for path in (there, missing)]  # fmt: skip
        assert [one.status_code for one in answers] == [404, 404]
        plain = [TOKEN.sub("", one.text.replace(path.split("?")[0], ""))
                 for one, path in zip(answers, (there, missing), strict=True)]  # fmt: skip
        assert plain[0] == plain[1]
    assert snapshot() == before


def test_a_search_asks_the_same_whoever_knows_the_person(app: Flask, sign_in: Any) -> None:
    theirs = make_linkage(person=make_person(given_names="Luz", first_surname="Ortiz"), state=LinkageState.DISBURSED)
    own = make_institution()
    client = sign_in(make_liaison(own))
    client.get("/my-linkages/search?q=zz")
    asked = {
        typed: queries_of(lambda typed=typed: client.get("/my-linkages/search", query_string={"q": typed}))
        for typed in ("Luz", "Nobody", theirs.folio, theirs.person.folio, theirs.reference)
    }
    assert len(set(asked.values())) == 1


def test_lists_counts_and_suggestions_know_the_own_institution_only(app: Flask, sign_in: Any) -> None:
    """Another institution's rate and term are no suggestion, its people no number."""
    make_linkage(state=LinkageState.DISBURSED)  # 12 months at 25,12
    own = make_linkage(state=LinkageState.APPROVED)
    client = sign_in(make_liaison(own.institution))

    page = client.get(f"/linkages/{own.id}/quick?do=disbursed").text

    assert "25,12" not in page.replace("25,12.", "")  # the hint's example
    home = client.get("/").text
    assert "owed" in client.get("/my-linkages?show=owed").text
    assert home.count('href="/linkages/') == 2  # one line, its name and its button
