"""Institution × route × folio: for a token, what is another institution's does not exist. Nothing tells them apart.

Compared are status, bytes, headers, size, and the statements sent to the database; the time that they take is compared
in `tests/bench/credit_isolation.py`.
"""

from itertools import product
from typing import Any

import pytest
from flask import Flask

from grants.access.permissions import Permission
from grants.core.db import db
from grants.core.journal import JournalEntry
from grants.credit.models import (
    CreditMovement,
    Institution,
    LinkageKind,
    LinkageRequestKey,
    LinkageState,
    Referral,
    ReferralState,
)
from grants.people.folio import new_folio
from tests.factories.access import make_token
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.people import make_person
from tests.grants.credit.probes import Seen, ask_api, ask_page, routes
from tests.grants.credit.test_isolation import BODY, MISSING, path_of, row_of, rules_with_ids, snapshot

MALFORMED = ["x", "0", "R-000000000", "L-00000000Z", "9" * 400, "%27--", "%00", "%2e%2e", "%F0%9F%98%80", "r l"]


def of_each_state(institution: Institution) -> list[Any]:
    """Linkages in every state that a route could act on, each under a referral of its own."""
    return [
        make_linkage(make_referral(institution=institution, state=ReferralState.SENT)),
        make_linkage(make_referral(institution=institution, state=ReferralState.DECLINED), state=LinkageState.DECLINED),
        *(make_linkage(make_referral(institution=institution), state=state)
          for state in (LinkageState.REFERRED, LinkageState.APPROVED, LinkageState.DISBURSED, LinkageState.REPAYING,
                        LinkageState.REPAID, LinkageState.WRITTEN_OFF)),
        make_linkage(make_referral(institution=institution), kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED),
    ]  # fmt: skip


def folios(rule: Any, linkages: list[Any]) -> list[str]:
    """The folios that this route would name, and those of the other kind."""
    referrals = [one.referral.folio for one in linkages]
    own = [one.folio for one in linkages]
    return referrals + own[:1] if "referrals" in rule.rule else own + referrals[:1]


def state() -> list[Any]:
    """All that an answer might have changed."""
    acknowledged = [(one.id, one.acknowledged_at) for one in db.session.query(Referral).order_by(Referral.id)]
    counts = [db.session.query(table).count() for table in (CreditMovement, LinkageRequestKey, JournalEntry)]
    return [snapshot(), acknowledged, counts]


def test_there_are_doors_to_check(app: Flask) -> None:
    doors = {f"{method} {rule.rule.split('/v1')[1]}" for rule, method in routes(app) if method != "HEAD"}
    one, credit = "/referrals/<string:folio>", "/linkages/<string:folio>"
    assert doors == {
        f"GET {one}", f"POST {one}/accept", f"POST {one}/decline", f"GET {credit}", f"POST {credit}/events",
        f"GET {credit}/movements", f"POST {credit}/movements", f"GET {credit}/schedule",
    }  # fmt: skip


def test_what_is_another_institutions_answers_as_nobodys_and_as_nonsense(app: Flask) -> None:
    first, second = make_institution(), make_institution()
    rows = {first: of_each_state(first), second: of_each_state(second)}
    tokens = {one: make_token(make_liaison(one), Permission.LOG_LINKAGE) for one in rows}
    client, before, tried = app.test_client(), state(), 0

    for (rule, method), (mine, theirs) in product(routes(app), ((first, second), (second, first))):
        nobodys = {ask_api(client, rule, method, new_folio(prefix), tokens[mine]) for prefix in "RLP"}
        others = {ask_api(client, rule, method, folio, tokens[mine]) for folio in folios(rule, rows[theirs])}
        nonsense = {ask_api(client, rule, method, folio, tokens[mine]) for folio in MALFORMED}
        seen = nobodys | others | nonsense
        assert len(seen) == 1, (method, rule.rule, seen)
        assert seen.pop().status == 404
        tried += 1

    assert tried == 2 * len(routes(app)) >= 24
    assert state() == before


def test_the_same_person_at_two_institutions_is_two_strangers(app: Flask) -> None:
    person = make_person(given_names="Luz", first_surname="Ortiz")
    own, other = make_linkage(person=person, state=LinkageState.REPAYING), make_linkage(person=person)
    token = make_token(make_liaison(own.institution), Permission.LOG_LINKAGE)
    client, header = app.test_client(), {"Authorization": f"Bearer {token}"}
    paths = ["referrals", f"referrals/{own.referral.folio}", "linkages", f"linkages/{own.folio}",
             f"linkages/{own.folio}/movements", f"linkages/{own.folio}/schedule"]  # fmt: skip

    for path in paths:
        answer = client.get(f"/api/v1/{path}", headers=header)
        assert answer.status_code == 200
        for secret in (other.folio, other.referral.folio, other.institution.name):
            assert secret not in answer.text


@pytest.mark.parametrize("state_after", [ReferralState.WITHDRAWN, ReferralState.EXPIRED, ReferralState.REASSIGNED])
def test_what_ended_answers_as_what_never_was(app: Flask, state_after: ReferralState) -> None:
    linkage = make_linkage(make_referral(state=state_after), state=LinkageState.REPAYING)
    token = make_token(make_liaison(linkage.institution), Permission.LOG_LINKAGE)
    client = app.test_client()
    for rule, method in routes(app):
        folio = linkage.referral.folio if "referrals" in rule.rule else linkage.folio
        gone = ask_api(client, rule, method, folio, token)
        assert gone == ask_api(client, rule, method, new_folio(folio[0]), token)
        assert gone.status == 404


def test_another_institutions_receipt_and_key_are_not_revealed(app: Flask) -> None:
    """The same receipt number and the same key, one after the other in two institutions: both are new."""
    first, second = (make_linkage(state=LinkageState.DISBURSED) for _n in range(2))
    body = {"kind": "repayment", "happened_on": first.last_step_on.isoformat(), "amount_usd": "5.00", "reference": "9"}
    answers = []
    for linkage in (first, second):
        token = make_token(make_liaison(linkage.institution), Permission.LOG_LINKAGE)
        headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "k-1"}
        answers.append(
            app.test_client().post(f"/api/v1/linkages/{linkage.folio}/movements", headers=headers, json=body)
        )
    assert [answer.status_code for answer in answers] == [201, 201]


def test_a_liaisons_pages_cost_the_same_for_anothers_row_and_for_none(app: Flask, sign_in: Any) -> None:
    rows, client = of_each_state(make_institution()), sign_in(make_liaison(make_institution()))
    for (rule, method), step in product(rules_with_ids(app), ("contacted", "disbursed")):
        missing = ask_page(client, method, path_of(app, rule, MISSING, step), BODY)
        there = {ask_page(client, method, path_of(app, rule, row_of(rule, linkage), step), BODY) for linkage in rows}
        assert {_without_length(one) for one in there} == {_without_length(missing)}, (method, rule.rule)
        assert missing.status == 404
        assert missing.statements


def _without_length(seen: Seen) -> tuple[Any, ...]:
    """The page repeats its address, whose number may be longer: the size is compared without it."""
    headers = tuple(pair for pair in seen.headers if pair[0] != "Content-Length")
    return seen.status, seen.body, seen.size, headers, seen.statements
