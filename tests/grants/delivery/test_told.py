"""Whoever handed a kit over is told for good that it is handed over, whatever the person or others say of it."""

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from grants.access.models import User
from grants.access.permissions import Permission, Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import Delivery, DeliveryState, DisputeOutcome, Reason, TeamMember
from tests.factories.access import make_token, make_user
from tests.factories.delivery import Carried, make_carried, make_confirmed, make_officer
from tests.factories.outcomes import decide, make_dispute
from tests.pairs import masked

S = DeliveryState
# What is new on every page, and the programme's figures.
ONCE = re.compile(r'name="(csrf_token|once)"[^>]*value="[^"]*"|value">[^<]*</span>\s*<a class="figure-name"')
SignIn = Callable[[User], FlaskClient]
LATER = (S.DISPUTED, S.REPLACEMENT, S.RECONCILED, S.MONITORED, S.CLOSED)


def become(carried: Carried, state: DeliveryState) -> None:
    db.session.execute(update(Delivery).where(Delivery.id == carried.delivery.id).values(state=state))
    db.session.commit()
    db.session.expire_all()


def with_role(user: User, role: Role) -> User:
    user.roles = frozenset({*user.roles, role})
    db.session.commit()
    return user


@pytest.mark.parametrize("state", LATER)
def test_repeated_request_gets_what_the_first_one_got(app: Flask, desk_key: Path, state: DeliveryState) -> None:
    carried = make_carried()
    codes = carried.codes(utcnow())
    token = make_token(carried.officer, Permission.CONFIRM_HANDOVER)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "a-key-of-mine-0001"}

    def send() -> Any:
        body = {"totp": codes.totp, "pin": codes.pin, "card": codes.card}
        return app.test_client().post(
            f"/api/v1/deliveries/{carried.delivery.folio}/confirm", headers=headers, json=body
        )

    first = send()
    become(carried, state)
    again = send()

    assert first.json["state"] == "confirmed"
    assert (again.status_code, again.json) == (200, first.json)


def answers_of(client: FlaskClient, carried: Carried) -> list[tuple[int, bytes]]:
    """What every page and button of an officer answers about a delivery that they handed over, to the last word."""
    base = f"/deliveries/{carried.delivery.id}"
    looks = [f"{base}/handover", f"{base}/otherwise", f"{base}/photo", f"{base}/arrive", base, "/deliveries/my-day",
             f"{base}/otherwise/taken", f"/search?folio={carried.delivery.folio}", "/"]  # fmt: skip
    acts = [f"{base}/turn-back", f"{base}/arrive", f"{base}/phone-code", f"{base}/otherwise/taken"]
    found = [client.get(path) for path in looks]
    for path in acts:
        found += [client.post(path, data={"seal_number": carried.delivery.seal_number}), client.get(f"{base}/handover")]
    return [(one.status_code, masked(one.data)) for one in found]


@pytest.mark.parametrize("state", LATER)
def test_officer_reads_the_same_whatever_became_of_it(
    app: Flask, sign_in: SignIn, desk_key: Path, state: DeliveryState
) -> None:
    carried = make_confirmed()
    before = answers_of(sign_in(carried.officer), carried)

    become(carried, state)
    after = answers_of(sign_in(carried.officer), carried)

    assert after == before


def test_officer_learns_of_no_dispute_by_saying_that_something_else_happened(app: Flask, sign_in: SignIn) -> None:
    carried = make_confirmed()
    client = sign_in(carried.officer)
    address = f"/deliveries/{carried.delivery.id}/otherwise"
    assert client.get(address).status_code == 404

    make_dispute(carried)

    assert client.get(address).status_code == 404


def test_member_of_the_team_who_has_an_office_too_is_told_the_same(app: Flask, sign_in: SignIn) -> None:
    carried = make_confirmed()
    mate = with_role(make_officer(), Role.COORDINATOR)
    db.session.add(TeamMember(team_id=carried.delivery.run.team_id, user_id=mate.id))
    db.session.commit()
    make_dispute(carried)
    db.session.commit()
    stranger = make_user(Role.COORDINATOR)
    folio, base = carried.delivery.folio, "/deliveries/"

    for reader, told in ((mate, "confirmed"), (with_role(carried.officer, Role.COORDINATOR), "confirmed"),
                         (stranger, "disputed")):  # fmt: skip
        client = sign_in(reader)
        headers = {"Authorization": f"Bearer {make_token(reader, Permission.VIEW_DELIVERY)}"}
        api = app.test_client()
        one = api.get(f"/api/v1/deliveries/{folio}", headers=headers).json
        listed = [
            [found["folio"] for found in api.get(f"/api/v1/deliveries?state={state}", headers=headers).json["items"]]
            for state in ("confirmed", "disputed")
        ]
        hidden = told == "confirmed"
        assert one["state"] == told
        assert listed == ([[folio], []] if hidden else [[], [folio]])
        assert (folio in client.get(f"{base}?state=disputed").text) is not hidden
        assert (folio in client.get(f"{base}disputes").text) is not hidden
        assert ("En reclamo" in client.get(f"{base}{carried.delivery.id}").text.split("<table")[-1]) is not hidden


def mate_of(carried: Carried) -> User:
    """Somebody of the team that carried it who coordinates too."""
    mate = with_role(make_officer(), Role.COORDINATOR)
    db.session.add(TeamMember(team_id=carried.delivery.run.team_id, user_id=mate.id))
    db.session.commit()
    return mate


def office_answers(client: FlaskClient, carried: Carried, *, acts: bool = True) -> list[tuple[int, str]]:
    """What the pages and buttons of an office answer about a handover."""
    delivery = carried.delivery
    one, card = f"/deliveries/{delivery.id}", f"/deliveries/cards/{delivery.award_id}"
    looks = ["/", f"/deliveries/runs/{delivery.run_id}", f"{one}/comparison", "/deliveries/to-reconcile",
             "/deliveries/to-plan", card, f"/awards/{delivery.award_id}", f"{card}/choose"]  # fmt: skip
    forms = {f"{one}/dispute": {"reason": "not_received", "said": "Nada"}, f"{one}/reconcile": {}, f"{one}/close": {},
             f"/deliveries/plan/{delivery.award_id}": {}, f"{card}/issue": {}, f"{card}/print": {},
             f"{card}/replace": {}, f"{card}/ask-replacement": {}, f"{card}/choose": {"picture": "tree"}}  # fmt: skip
    found = [client.get(path) for path in looks]
    for path, said in forms.items() if acts else ():
        answer = client.post(path, data=said)
        found += [answer, client.get(answer.location or path)]
    return [(page.status_code, ONCE.sub("", page.text.split("<main")[-1].split("</main")[0])) for page in found]


@pytest.mark.parametrize("leads", [True, False])
def test_office_pages_of_whoever_carried_it_stay_as_they_were(app: Flask, sign_in: SignIn, leads: bool) -> None:
    carried = make_confirmed()
    reader = with_role(carried.officer, Role.COORDINATOR) if leads else mate_of(carried)
    others = with_role(make_user(Role.MONITORING), Role.COORDINATOR)
    client = sign_in(reader)
    before = office_answers(client, carried)
    seen_by_others = office_answers(sign_in(others), carried, acts=False)

    dispute = make_dispute(carried)
    db.session.commit()
    disputed = office_answers(client, carried)
    decide(dispute, DisputeOutcome.REPLACEMENT)
    db.session.commit()

    assert disputed == before
    assert office_answers(client, carried) == before
    assert "D-" in before[6][1]
    assert office_answers(sign_in(others), carried, acts=False) != seen_by_others
    assert db.session.query(Delivery).count() == 1


@pytest.mark.parametrize("state", [S.CONFIRMED, S.DISPUTED, S.REPLACEMENT, S.RECONCILED, S.MONITORED, S.CLOSED])
def test_team_neither_disputes_nor_signs_nor_closes_its_own_handover(
    app: Flask, in_english: None, state: DeliveryState
) -> None:
    carried = make_confirmed()
    mate, now = mate_of(carried), utcnow()
    become(carried, state)

    for attempt, sentence in (
        (lambda: services.open_dispute(carried.delivery, reason=Reason.NOT_RECEIVED, said="Nada", by=mate, now=now),
         "Your team carried this delivery. Somebody else must write the dispute down."),
        (lambda: services.reconcile(queries.get_to_compare(carried.delivery.id), by=mate, now=now),
         "Your team carried this delivery. Somebody else must do this step."),
        (lambda: services.close(carried.delivery, by=mate, now=now),
         "Your team carried this delivery. Somebody else must do this step."),
    ):  # fmt: skip
        with pytest.raises(RuleBroken) as refusal:
            attempt()
        assert refusal.value.message == sentence
    assert carried.delivery.state is state
