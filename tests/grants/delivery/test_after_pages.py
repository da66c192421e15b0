"""Pages of what follows a delivery: who opens them, a journey through each, and what they cost."""

import re
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery import queries, services
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    DisputeOutcome,
    Incident,
    IncidentState,
    Reason,
    SealState,
    Visit,
    VisitState,
)
from grants.delivery.services import Evidence, Left
from tests.factories.access import make_user
from tests.factories.delivery import make_carried, make_confirmed, make_officer
from tests.factories.outcomes import (
    ALL_WELL,
    keeper,
    make_answered,
    make_dispute,
    make_incident,
    make_returning,
    make_visit,
    whole,
)
from tests.factories.people import make_canton
from tests.grants.delivery.test_pages import selects

S = DeliveryState
SignIn = Callable[[User], FlaskClient]


@pytest.fixture
def as_role(app: Flask, sign_in: SignIn) -> Callable[[Role], FlaskClient]:
    return lambda role: sign_in(make_user(role))


AsRole = Callable[[Role], FlaskClient]


def state_of(delivery: Delivery) -> DeliveryState:
    db.session.refresh(delivery)
    return delivery.state


def test_officer_says_that_nobody_came(app: Flask, sign_in: SignIn) -> None:
    carried = make_carried()
    client, path = sign_in(carried.officer), f"/deliveries/{carried.delivery.id}/otherwise"
    assert f"{path}/partial" in client.get(path).text

    assert client.post(f"{path}/nobody-came", data={"waited_minutes": "", "calls": "2"}).status_code == 200
    assert state_of(carried.delivery) is S.AT_POINT
    assert client.post(f"{path}/nobody-came", data={"waited_minutes": "45", "calls": "2"}).status_code == 302

    assert state_of(carried.delivery) is S.NO_SHOW
    assert client.get(f"{path}/nobody-came").status_code == 404
    assert f"/deliveries/{carried.delivery.id}/turn-back" in client.get(path).text


def test_officer_tells_which_lines_were_taken(app: Flask, sign_in: SignIn) -> None:
    carried = make_carried()
    client, path = sign_in(carried.officer), f"/deliveries/{carried.delivery.id}/otherwise/partial"
    data = {"reason": "some_missing", "said": "Faltaba uno", "with_person_2": "11"}

    assert client.post(path, data=data).status_code == 200
    assert state_of(carried.delivery) is S.AT_POINT
    assert client.post(path, data={**data, "with_person_2": "4", "missing_2": "1"}).status_code == 302

    assert state_of(carried.delivery) is S.PARTIAL
    assert [(one.with_person, one.missing) for one in queries.line_outcomes(carried.delivery).values()] == [(4, 1)]


def test_officer_on_the_way_can_only_say_that_it_was_taken(app: Flask, sign_in: SignIn) -> None:
    carried = make_carried(S.IN_TRANSIT)
    client, path = sign_in(carried.officer), f"/deliveries/{carried.delivery.id}/otherwise"
    page = client.get(path).text

    assert f"{path}/taken" in page
    assert f"{path}/refused" not in page
    assert client.post(f"{path}/taken", data={"said": "Nos pararon en la vía"}).status_code == 302
    assert state_of(carried.delivery) is S.SEIZED


def test_officer_tells_that_a_kit_was_taken_on_the_way_back(app: Flask, sign_in: SignIn) -> None:
    carried = make_returning()
    client, path = sign_in(carried.officer), f"/deliveries/{carried.delivery.id}/otherwise/taken"
    assert path in client.get("/deliveries/my-day").text
    assert sign_in(make_officer()).get(path).status_code == 404

    assert client.post(path, data={"said": "Nos pararon al volver"}).status_code == 302

    assert state_of(carried.delivery) is S.SEIZED
    assert path not in client.get("/deliveries/my-day").text
    assert client.get(path).status_code == 404


def test_officer_at_a_point_whose_risk_was_raised_is_told_to_bring_it_back(app: Flask, sign_in: SignIn) -> None:
    carried = make_carried()
    client, path = sign_in(carried.officer), f"/deliveries/{carried.delivery.id}"
    assert f"{path}/handover" in client.get("/deliveries/my-day").text
    assert f"{path}/turn-back" not in client.get(f"{path}/otherwise").text
    raised = services.Assessment(3, "Balacera")
    canton = make_canton(carried.delivery.canton_code)
    services.raise_level(canton, raised, by=make_user(Role.ENUMERATOR), now=utcnow())
    db.session.commit()

    day = client.get("/deliveries/my-day").text

    assert f"{path}/handover" not in day
    assert "/deliveries/bring-back" in day
    assert f"{path}/turn-back" in client.get(f"{path}/otherwise").text
    client.post("/deliveries/bring-back")
    assert state_of(carried.delivery) is S.RETURNING


def test_desk_writes_a_seizure_down_and_finds_the_device_list(app: Flask, as_role: AsRole) -> None:
    carried, desk = make_carried(S.IN_TRANSIT), as_role(Role.DESK)
    assert f"/deliveries/{carried.delivery.id}/seized" in desk.get(f"/deliveries/{carried.delivery.id}").text

    assert desk.post(f"/deliveries/{carried.delivery.id}/seized", data={"said": "Aviso del equipo"}).status_code == 302

    assert state_of(carried.delivery) is S.SEIZED
    assert desk.get("/deliveries/flagged-devices?serial=sn-1").status_code == 200


def test_return_is_counted_by_one_and_signed_by_another(app: Flask, as_role: AsRole) -> None:
    delivery = make_returning().delivery
    first, second, path = as_role(Role.WAREHOUSE), as_role(Role.WAREHOUSE), f"/deliveries/{delivery.id}/take-back"
    counts = {f"count_{line.position}": line.quantity for line in delivery.lines}
    data = {**counts, "seal_state": SealState.WHOLE.value, "seal_number": delivery.seal_number, "reason": "nobody_came"}

    assert first.post(path, data={**data, "count_2": 9}).status_code == 200
    assert queries.return_count(delivery) is None
    assert first.post(path, data=data).status_code == 302
    read = hidden(second.get(path).text)
    first.post(f"{path}/sign", data=read)
    assert state_of(delivery) is S.RETURNING
    second.post(f"{path}/sign", data=read)

    assert state_of(delivery) is S.RETURNED
    assert second.get(path).status_code == 200


def hidden(page: str) -> dict[str, str]:
    """What a page's forms carry unseen."""
    return dict(re.findall(r'<input[^>]*type="hidden" name="([^"]+)" value="([^"]*)"', page))


@pytest.mark.parametrize("sent", [None, "", "1", "x" * 500])
def test_second_signature_is_for_the_count_that_its_signer_read(app: Flask, as_role: AsRole, sent: str | None) -> None:
    delivery = make_returning().delivery
    path, second = f"/deliveries/{delivery.id}/take-back", as_role(Role.WAREHOUSE)
    services.count_back(delivery, whole(delivery), reason=Reason.NOBODY_CAME, by=keeper(), now=utcnow())
    db.session.commit()
    read = hidden(second.get(path).text) if sent is None else {"stamp": sent}

    nothing = whole(delivery, units={1: 0, 2: 0, 3: 0}, really_differs=True, note="No hay nada")
    services.count_again(delivery, by=(third := keeper()), now=utcnow())
    services.count_back(delivery, nothing, reason=Reason.NOBODY_CAME, by=third, now=utcnow())
    db.session.commit()
    second.post(f"{path}/sign", data=read)

    count = queries.return_count(delivery)
    assert count is not None
    assert (state_of(delivery), count.signed_at) == (S.RETURNING, None)
    second.post(f"{path}/sign", data=hidden(second.get(path).text))
    assert state_of(delivery) is S.RETURNED


def test_dispute_from_opening_to_decision(app: Flask, as_role: AsRole) -> None:
    delivery = make_confirmed().delivery
    opener, first, second = as_role(Role.MONITORING), as_role(Role.COORDINATOR), as_role(Role.DIRECTOR)
    said = {"reason": "not_complete", "said": "Faltó la balanza"}
    assert opener.post(f"/deliveries/{delivery.id}/dispute", data={**said, "said": ""}).status_code == 200
    assert opener.post(f"/deliveries/{delivery.id}/dispute", data=said).status_code == 302
    dispute = queries.open_dispute_of(delivery)
    assert dispute is not None
    path = f"/deliveries/disputes/{dispute.id}"

    assert "Faltó la balanza" in first.get(path).text
    assert opener.post(f"{path}/propose", data={}).status_code == 403
    kept = {"with_person_1": "1", "with_person_2": "10", "with_person_3": "0"}
    decision = {"outcome": "replacement", "answer": "La balanza sigue en bodega", **kept}
    first.post(f"{path}/propose", data=decision)
    first.post(f"{path}/sign", data={"proposal": "1"})
    assert state_of(delivery) is S.DISPUTED
    second.post(f"{path}/sign", data={"proposal": "1"})

    assert state_of(delivery) is S.REPLACEMENT
    assert services.planning.ceiling_of(delivery.award) == Decimal("95.00")  # the scales' price
    assert dispute.folio in first.get("/deliveries/disputes?show=decided").text


def test_pairs_are_shown_and_many_are_signed_at_once(app: Flask, as_role: AsRole) -> None:
    made = [make_confirmed().delivery for _n in range(2)]
    client = as_role(Role.COORDINATOR)
    page = client.get(f"/deliveries/{made[0].id}/comparison").text
    assert page.count(str(made[0].seal_number)) == 2

    client.post("/deliveries/to-reconcile", data={"deliveries": [one.id for one in made]})

    assert [state_of(one) for one in made] == [S.RECONCILED, S.RECONCILED]
    client.post(f"/deliveries/{made[0].id}/close")
    assert state_of(made[0]) is S.RECONCILED


def test_officer_who_carried_it_cannot_reconcile_through_the_page(app: Flask, sign_in: SignIn) -> None:
    carried = make_confirmed()
    carried.officer.roles = frozenset(Role)
    client = sign_in(carried.officer)

    for step in ("reconcile", "close"):
        client.post(f"/deliveries/{carried.delivery.id}/{step}")
    client.post("/deliveries/to-reconcile", data={"deliveries": [carried.delivery.id]})

    assert state_of(carried.delivery) is S.CONFIRMED


def test_reporter_learns_only_that_it_was_received(app: Flask, sign_in: SignIn, as_role: AsRole) -> None:
    make_canton("1001")
    reporter, desk = sign_in(make_officer()), as_role(Role.DESK)
    data = {
        "kind": "extortion", "urgency": "now", "canton_code": "1001", "said": "Pidieron plata en el mercado",
        "happened_at": (utcnow() - timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"),
    }  # fmt: skip

    assert reporter.post("/deliveries/incidents/report", data={**data, "urgency": ""}).status_code == 200
    assert reporter.post("/deliveries/incidents/report", data=data).status_code == 302
    incident = db.session.query(Incident).one()
    path = f"/deliveries/incidents/{incident.id}"
    step = {"entries_read": "0", "state": "closed", "outcome": "referred", "note": "Fiscalía", "assigned_to": ""}
    assert desk.post(path, data=step).status_code == 302

    mine = reporter.get("/deliveries/incidents/mine").text
    assert incident.folio in mine
    assert not any(word in mine for word in ("plata", "Fiscal"))
    assert reporter.get(path).status_code == 403
    assert "Fiscalía" in desk.get(path).text
    db.session.refresh(incident)
    assert incident.state is IncidentState.CLOSED


def test_visit_is_answered_through_the_page_and_the_desk_is_told(app: Flask, as_role: AsRole) -> None:
    visit, client = make_visit(), as_role(Role.ENUMERATOR)
    path = f"/deliveries/visits/{visit.id}"
    assert visit.delivery.person.full_name in client.get(path).text

    answers = {**ALL_WELL, "asked_to_pay": "yes"}
    assert client.post(f"{path}/interview", data=answers).status_code == 200
    assert client.post(f"{path}/interview", data={**answers, "consent": "yes", "satisfied": "9"}).status_code == 200
    assert db.session.get_one(Visit, visit.id).state is VisitState.DUE
    assert client.post(f"{path}/interview", data={**answers, "consent": "yes"}).status_code == 302

    assert db.session.get_one(Visit, visit.id).state is VisitState.ANSWERED
    assert client.get(path).headers["Location"] == "/deliveries/visits"
    assert as_role(Role.MONITORING).get(path).status_code == 200
    told = db.session.query(Incident).one()
    desk = as_role(Role.DESK)
    assert told.folio in desk.get("/deliveries/incidents").text
    assert told.said == "Told in a visit after the delivery."
    assert told.said not in desk.get(f"/deliveries/incidents/{told.id}").text  # read in Spanish


def told_to(client: FlaskClient) -> list[str]:
    """In which tone the next page speaks; it is heard once."""
    with client.session_transaction() as cookie:
        return [tone for tone, _sentence in cookie.pop("_flashes", [])]


KEPT, UNCHANGED = "good", "info"


@pytest.mark.parametrize(
    ("first", "again", "mine", "tone"),
    [
        ({"consent": "yes"}, {"consent": "yes"}, True, KEPT),
        ({"consent": "no"}, {"consent": "no"}, True, KEPT),
        ({"consent": "yes"}, {"consent": "yes", "satisfied": "1"}, True, UNCHANGED),
        ({"consent": "yes"}, {"consent": "no"}, True, UNCHANGED),
        ({"consent": "no"}, {"consent": "yes"}, True, UNCHANGED),
        ({"consent": "yes"}, {"consent": "yes"}, False, UNCHANGED),
        ({"consent": "yes"}, {"consent": "yes", "satisfied": "x"}, True, UNCHANGED),
    ],
)
def test_interview_that_is_sent_again_gets_a_sentence_and_shows_no_answers(
    app: Flask, as_role: AsRole, first: dict[str, str], again: dict[str, str], mine: bool, tone: str
) -> None:
    visit, client, other = make_visit(), as_role(Role.ENUMERATOR), as_role(Role.ENUMERATOR)
    path, sender = f"/deliveries/visits/{visit.id}", client if mine else other
    client.post(f"{path}/interview", data={**ALL_WELL, "comment": "Muy amable", **first})
    told_to(client)

    answer = sender.post(f"{path}/interview", data={**ALL_WELL, "comment": "Muy amable", **again})
    assert (answer.headers["Location"], told_to(sender)) == ("/deliveries/visits", [tone])

    state = VisitState.ANSWERED if first["consent"] == "yes" else VisitState.NO_CONSENT
    late = other.post(f"{path}/not-reached", data={"reason": "moved"})
    assert (late.status_code, told_to(other)) == (302, [UNCHANGED])
    db.session.refresh(visit)
    assert (visit.state, visit.tries, (visit.answers or ALL_WELL)["satisfied"]) == (state, 0, ALL_WELL["satisfied"])
    assert "Muy amable" not in answer.text + other.get(path).text


def test_team_learns_nothing_of_a_visit_that_ended(app: Flask, sign_in: SignIn) -> None:
    carried = make_confirmed()
    visit = make_answered(carried)
    carried.officer.roles = frozenset({Role.OFFICER, Role.ENUMERATOR})
    db.session.commit()

    assert sign_in(carried.officer).post(f"/deliveries/visits/{visit.id}/interview", data=ALL_WELL).status_code == 404


def test_only_what_may_stay_empty_is_called_optional(app: Flask, as_role: AsRole, in_english: None) -> None:
    visit, client = make_visit(), as_role(Role.MONITORING)
    page = client.get(f"/deliveries/visits/{visit.id}", headers={"Accept-Language": "en"}).text
    refused = client.post(f"/deliveries/visits/{visit.id}/interview", data={"consent": "yes"}).text

    assert page.count('class="optional"') == 2  # by whom, and anything else
    assert refused.count('class="field-error"') == 8
    assert db.session.get_one(Visit, visit.id).state is VisitState.DUE


def test_what_is_said_to_have_stayed_is_asked_about_on_the_page(app: Flask, as_role: AsRole) -> None:
    carried = make_carried()
    services.partly(
        carried.delivery, {1: Left(with_person=1)}, reason=Reason.DID_NOT_WANT, evidence=Evidence(said="Solo eso"),
        by=carried.officer, now=utcnow(),
    )  # fmt: skip
    (visit,) = queries.visits_of(carried.delivery)
    visit.due_from = visit.due_from - timedelta(1)
    db.session.commit()
    client, address = as_role(Role.MONITORING), f"/deliveries/visits/{visit.id}"

    page = client.get(address).text
    assert "1 × Horno industrial" in page
    assert 'name="received_what_stayed"' in page
    assert 'name="satisfied"' not in page
    said = {"received_what_stayed": "no", "asked_to_pay": "no", "felt_safe": "yes"}
    assert client.post(f"{address}/interview", data={"consent": "yes", **said}).status_code == 302

    db.session.refresh(visit)
    assert (visit.state, visit.version) == (VisitState.ANSWERED, 2)
    assert queries.stayed_with_person(carried.delivery.award_id) == []


def test_nobody_reached_and_no_consent_through_the_page(app: Flask, as_role: AsRole) -> None:
    one, other, client = make_visit(), make_visit(), as_role(Role.MONITORING)

    assert client.post(f"/deliveries/visits/{one.id}/not-reached", data={}).status_code == 200
    client.post(f"/deliveries/visits/{one.id}/not-reached", data={"reason": "moved"})
    client.post(f"/deliveries/visits/{other.id}/interview", data={"consent": "no"})

    assert (one.tries, other.state) == (1, VisitState.NO_CONSENT)


def test_visits_are_planned_and_their_results_read(app: Flask, as_role: AsRole) -> None:
    delivery = make_confirmed().delivery
    client, call = as_role(Role.MONITORING), delivery.award.selection.call
    make_answered(make_confirmed(), satisfied="3")
    assert f"/deliveries/visits/plan/{call.id}" in client.get("/deliveries/visits").text

    assert client.post(f"/deliveries/visits/plan/{call.id}", data={"share_percent": "0"}).status_code == 200
    assert client.post(f"/deliveries/visits/plan/{call.id}", data={"share_percent": "20"}).status_code == 302

    assert len(queries.visits_of(delivery)) == 1
    page = client.get("/deliveries/visits/results").text
    assert queries.draws()[0].seed in page
    assert client.get("/deliveries/visits/results.csv").mimetype == "text/csv"
    assert client.get("/deliveries/visits/results.xlsx").data[:2] == b"PK"
    assert as_role(Role.AUDITOR).get("/deliveries/visits/results").status_code == 200


@pytest.mark.parametrize("address", ["/deliveries/to-reconcile", "/deliveries/visits", "/deliveries/disputes",
                                     "/deliveries/visits/results"])  # fmt: skip
def test_list_costs_the_same_with_one_row_and_with_three(app: Flask, as_role: AsRole, address: str) -> None:
    client = as_role(Role.MONITORING)

    def row() -> None:
        make_confirmed()
        make_visit()
        make_dispute()
        make_answered(make_confirmed())

    row()
    one = selects(client, address)
    row()
    row()

    assert selects(client, address) == one
    # Signing in takes two of them.
    assert one <= 10


def test_incident_list_costs_the_same_with_one_row_and_with_three(app: Flask, as_role: AsRole) -> None:
    client = as_role(Role.DESK)
    make_incident()
    one = selects(client, "/deliveries/incidents")
    for _n in range(2):
        make_incident()

    assert selects(client, "/deliveries/incidents") == one <= 10


def test_home_pages_answer_what_waits(app: Flask, as_role: AsRole) -> None:
    visit, dispute, waiting = make_visit(), make_dispute(), make_confirmed()
    incident = make_incident()

    assert visit.delivery.person.folio in as_role(Role.ENUMERATOR).get("/").text
    home = as_role(Role.COORDINATOR).get("/").text
    assert dispute.folio in home
    assert waiting.delivery.folio in home
    assert incident.folio in as_role(Role.DESK).get("/").text
    assert dispute.folio in as_role(Role.DIRECTOR).get("/").text


@pytest.mark.parametrize("bad", ["\x00", "x" * 10_000, "-1", "1e999", "NaN", "9" * 400, "９", "\ud800"])
def test_odd_input_gets_a_sentence_and_changes_nothing(app: Flask, sign_in: SignIn, as_role: AsRole, bad: str) -> None:
    bad = bad.encode("utf-8", "surrogatepass").decode("utf-8", "replace") if bad == "\ud800" else bad
    carried, returning, visit = make_carried(), make_returning(), make_visit()
    officer, keeper, interviewer = sign_in(carried.officer), as_role(Role.WAREHOUSE), as_role(Role.MONITORING)
    path = f"/deliveries/{carried.delivery.id}/otherwise"
    fields = ("waited_minutes", "calls", "reason", "said", "missing_1", "with_person_1", "count_1", "seal_state",
              "consent", "satisfied", "share_percent")  # fmt: skip
    data = dict.fromkeys(fields, bad)

    answers = [
        *(officer.post(f"{path}/{what}", data=data) for what in ("nobody-came", "refused", "partial")),
        keeper.post(f"/deliveries/{returning.delivery.id}/take-back", data=data),
        interviewer.post(f"/deliveries/visits/{visit.id}/interview", data=data),
        interviewer.post(f"/deliveries/visits/{visit.id}/not-reached", data=data),
    ]

    assert {answer.status_code for answer in answers} == {200}
    assert (state_of(carried.delivery), state_of(returning.delivery)) == (S.AT_POINT, S.RETURNING)
    assert db.session.get_one(Visit, visit.id).state is VisitState.DUE


def test_replaced_delivery_no_longer_counts_as_handed_over(app: Flask) -> None:
    from grants.reports.queries import people_reached

    def reached() -> int:
        return len(people_reached(["1.2b"])["1.2b"])

    stands, again = make_dispute(), make_dispute()
    assert reached() == 2
    for dispute, outcome in ((stands, DisputeOutcome.RECONCILED), (again, DisputeOutcome.REPLACEMENT)):
        services.propose(dispute, outcome=outcome, answer="Visto", by=make_user(Role.COORDINATOR), now=utcnow())
        services.sign(dispute, proposal=1, by=make_user(Role.DIRECTOR), now=utcnow())
    assert reached() == 1

    visit = queries.visits_of(stands.delivery)[0]
    services.answer(visit, ALL_WELL, by=make_user(Role.MONITORING), now=utcnow() + timedelta(days=8))
    assert (stands.delivery.state, reached()) == (S.MONITORED, 1)
