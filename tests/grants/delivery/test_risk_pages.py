"""Pages of risk: who takes which step, what each role reads, and what they cost."""

import re
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.jobs import _jobs
from grants.delivery import queries, services
from grants.delivery.models import Delivery, DeliveryState, Hub, RiskSnapshot
from tests.factories.access import make_user
from tests.factories.delivery import make_carried, make_delivery
from tests.factories.people import make_canton
from tests.factories.risk import (
    HOUR,
    MINUTE,
    make_held,
    make_held_on_the_road,
    make_hub,
    make_lowering,
    make_permit,
    make_resume,
    take,
)
from tests.grants.delivery.test_pages import selects

S = DeliveryState
SignIn = Callable[[User], FlaskClient]
WORDS = "Lo dijo la junta parroquial"


@pytest.fixture
def desk(app: Flask, sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.DESK))


@pytest.fixture
def director(app: Flask, sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.DIRECTOR))


def test_each_step_is_for_its_role_alone(app: Flask, sign_in: SignIn) -> None:
    now = utcnow()
    held, sealed = make_held_on_the_road(), make_delivery(S.SEALED)
    lowering, permit = make_lowering("2101"), make_permit(at=now)
    steps = {
        "/deliveries/risk/areas/1001/record": Role.DESK, "/deliveries/risk/areas/1001/hold": Role.DESK,
        "/deliveries/clearance": Role.DESK, f"/deliveries/{sealed.id}/way": Role.DESK,
        f"/deliveries/{sealed.id}/ask-field": Role.DESK, f"/deliveries/{sealed.id}/hold": Role.DESK,
        "/deliveries/held": Role.DESK, "/deliveries/hubs": Role.DESK,
        f"/deliveries/signatures/levels/{lowering.id}": Role.DIRECTOR,
        f"/deliveries/signatures/permits/{permit.id}": Role.DIRECTOR,
        f"/deliveries/{held.id}/receive": Role.WAREHOUSE,
    }  # fmt: skip
    for role in Role:
        client = sign_in(make_user(role))
        answers = {path: client.post(path).status_code == 403 for path, own in steps.items() if own is not role}
        assert set(answers.values()) == {True}, role

    assert (lowering.in_force_at, permit.signed_at, held.carried_since is None) == (None, None, False)


def test_everybody_raises(app: Flask, sign_in: SignIn) -> None:
    for role in Role:
        canton = f"10{10 + list(Role).index(role)}"
        take(canton, 1, at=utcnow() - HOUR)
        client = sign_in(make_user(role))
        assert client.get(f"/deliveries/risk/raise?canton={canton}").status_code == 200, role

        answer = client.post("/deliveries/risk/raise", data={"canton": canton, "level": "3", "reason": "Disparos"})

        raised = queries.snapshot_in_force(canton, utcnow())
        assert answer.status_code == 302, role
        assert raised is not None
        assert (raised.level, raised.reason) == (3, "Disparos")


ODD_REPORTS = [
    {"canton": "9999", "level": "3", "reason": "x"}, {"canton": "1001", "level": "4", "reason": "x"},
    {"canton": "1001", "level": "３", "reason": "x"}, {"canton": "1001", "level": "3", "reason": " "},
    {"canton": "1001", "level": "3", "reason": "x\x00"}, {"canton": "1001", "level": "3", "reason": "x" * 10_000},
    {"canton": "", "level": "", "reason": ""}, {"canton": "1001", "level": "1", "reason": "x"},
]  # fmt: skip


def test_odd_report_gets_a_sentence_and_changes_nothing(desk: FlaskClient) -> None:
    take("1001", 1, at=utcnow() - HOUR)

    for typed in ODD_REPORTS:
        answer = desk.post("/deliveries/risk/raise", data=typed)
        assert answer.status_code == 200
        assert "field-error" in answer.text, typed
    assert db.session.query(RiskSnapshot).count() == 1


ODD_FIELDS = [
    ("hours", "0"), ("hours", "1e999"), ("hours", "9" * 400), ("curfew_from", "25:00"), ("curfew_from", "\x00"),
    ("curfew_until", "5"), ("decree", "x" * 81), ("sources", "x" * 10_000), ("level", "NaN"), ("reason", ""),
]  # fmt: skip


def test_odd_record_gets_a_sentence_and_changes_nothing(desk: FlaskClient) -> None:
    make_canton("1001")
    good = {"level": "2", "reason": WORDS, "curfew_from": "23:00", "curfew_until": "05:00", "hours": "3"}

    for field, bad in ODD_FIELDS:
        answer = desk.post("/deliveries/risk/areas/1001/record", data={**good, field: bad})
        assert answer.status_code == 200
        assert f'id="{field}-error"' in answer.text
    assert db.session.query(RiskSnapshot).count() == 0


def test_desk_records_and_director_signs_on_their_pages(desk: FlaskClient, director: FlaskClient) -> None:
    take("1001", 3, at=utcnow() - HOUR)
    typed = {"level": "1", "reason": "Volvió la calma", "decree": "Decreto 493", "curfew_from": "23:00",
             "curfew_until": "05:00", "hours": "24"}  # fmt: skip

    assert desk.post("/deliveries/risk/areas/1001/record", data=typed).status_code == 302
    asked = db.session.query(RiskSnapshot).filter_by(level=1).one()
    page = director.get("/deliveries/signatures").text
    assert "Volvió la calma" in page
    assert desk.post(f"/deliveries/signatures/levels/{asked.id}").status_code == 403
    director.post(f"/deliveries/signatures/levels/{asked.id}")

    in_force = queries.snapshot_in_force("1001", utcnow())
    assert in_force is not None
    assert (in_force.id, in_force.decree, str(in_force.curfew_until)) == (asked.id, "Decreto 493", "05:00:00")
    assert "Volvió la calma" not in director.get("/deliveries/signatures").text


def test_why_is_for_desk_and_director_only(app: Flask, sign_in: SignIn) -> None:
    take("1001", 2, at=utcnow() - HOUR, sources="Una vecina")
    for role in (Role.COORDINATOR, Role.OFFICER, Role.WAREHOUSE, Role.DESK, Role.DIRECTOR, Role.MONITORING):
        client = sign_in(make_user(role))
        page = client.get("/deliveries/risk/areas/1001").text + client.get("/deliveries/risk").text
        reads = role in (Role.DESK, Role.DIRECTOR)
        assert "2 · " in page
        assert [words in page for words in (WORDS, "Una vecina")] == [reads, reads], role


def test_officer_reads_no_counts_of_deliveries(app: Flask, sign_in: SignIn) -> None:
    make_delivery(S.CLEARED)
    office, officer = sign_in(make_user(Role.COORDINATOR)), sign_in(make_user(Role.OFFICER))

    shown = [("(1 " in client.get("/deliveries/risk").text) for client in (office, officer)]

    assert shown == [True, False]


def test_whole_canton_is_held_on_its_page_with_the_road_listed(desk: FlaskClient) -> None:
    cleared, carried = make_delivery(S.CLEARED), make_carried(S.IN_TRANSIT).delivery

    page = desk.get("/deliveries/risk/areas/1001").text
    assert carried.folio in page
    assert f"/deliveries/{carried.id}/hold" in page
    desk.post("/deliveries/risk/areas/1001/hold")

    assert {one.state for one in (cleared, carried)} == {S.HELD}
    assert queries.snapshot_in_force("1001", utcnow()) is None


def test_several_kits_are_cleared_with_ticks(desk: FlaskClient) -> None:
    kits = [make_delivery(S.SEALED) for _n in range(3)]
    take("1001", 1, at=utcnow() - MINUTE)

    page = desk.get("/deliveries/clearance").text
    assert all(one.folio in page for one in kits)
    assert desk.post("/deliveries/clearance", data={}).status_code == 200
    desk.post("/deliveries/clearance", data={"chosen": [str(kits[0].id), str(kits[2].id)]})

    assert [one.state for one in kits] == [S.CLEARED, S.SEALED, S.CLEARED]


def test_odd_tick_clears_nothing(desk: FlaskClient) -> None:
    kit = make_delivery(S.SEALED)
    take("1001", 1, at=utcnow() - MINUTE)

    for bad in ("0", "-1", "9" * 400, "x", "\x00", "１"):
        assert desk.post("/deliveries/clearance", data={"chosen": [bad]}).status_code == 200

    assert kit.state is S.SEALED


def test_level_three_on_the_pages_of_desk_and_director(desk: FlaskClient, director: FlaskClient) -> None:
    kit, other, hub = make_delivery(S.SEALED), make_delivery(S.SEALED), make_hub()
    take("1001", 3, at=utcnow() - MINUTE)

    assert desk.post("/deliveries/clearance", data={"chosen": [str(kit.id)]}).status_code == 200
    assert kit.state is S.SEALED
    desk.post(f"/deliveries/{kit.id}/ask-field")
    assert kit.folio in director.get("/deliveries/signatures").text
    director.post(f"/deliveries/signatures/permits/{db.session.query(services.permits.Permit).one().id}")
    desk.post(f"/deliveries/{other.id}/way", data={"hub": str(hub.id)})
    desk.post("/deliveries/clearance", data={"chosen": [str(kit.id), str(other.id)]})

    assert (kit.state, other.state, other.hub_id) == (S.CLEARED, S.CLEARED, hub.id)


def test_hub_is_added_and_ended_on_its_page(desk: FlaskClient) -> None:
    make_canton("1001")
    desk.post("/deliveries/hubs", data={"name": "Casa", "canton": "1001", "address": "Calle Larga 1"})
    hub = db.session.query(Hub).one()
    assert "Calle Larga 1" in desk.get("/deliveries/hubs").text

    desk.post(f"/deliveries/hubs/{hub.id}/end")

    assert hub.ended_at is not None
    assert "Calle Larga 1" not in desk.get("/deliveries/hubs").text


def test_held_deliveries_resume_through_pages(desk: FlaskClient, director: FlaskClient) -> None:
    now = utcnow()
    held = make_held(at=now - HOUR)
    assert desk.post("/deliveries/held", data={"chosen": [str(held.id)]}).status_code == 200
    take("1001", 1, at=now - MINUTE)
    assert desk.post("/deliveries/held", data={"chosen": [str(held.id)]}).status_code == 302
    assert held.state is S.HELD

    permit = services.permits.Permit
    director.post(f"/deliveries/signatures/permits/{db.session.query(permit).one().id}")

    assert held.state is S.CLEARED


def test_page_says_that_a_raise_holds_only_where_it_does(app: Flask, sign_in: SignIn) -> None:
    officer = sign_in(make_user(Role.OFFICER))
    make_canton("1003"), make_canton("1004")
    take("1003", 1, at=utcnow())
    take("1004", 1, at=utcnow() - timedelta(days=30))

    told = []
    for canton in ("1003", "1004"):
        answer = officer.post("/deliveries/risk/raise", data={"canton": canton, "level": "3", "reason": "Disparos"})
        assert answer.status_code == 302
        told.append(officer.get("/").text)

    assert ["Vale desde ahora" in one for one in told] == [True, False]
    assert ["lee lo que usted escribió antes" in one for one in told] == [False, True]


def test_officer_reads_neutral_words_and_brings_the_kit_back(app: Flask, sign_in: SignIn) -> None:
    left_at = utcnow() - timedelta(hours=1)  # the page tells the minute
    by_hand, by_area = make_carried(S.IN_TRANSIT, at=left_at), make_carried(S.IN_TRANSIT, at=left_at)
    services.hold(by_hand.delivery, by=make_user(Role.DESK), now=utcnow())
    services.hold_area(make_canton("1001"), by=make_user(Role.DESK), now=utcnow())
    pages = []
    for carried in (by_hand, by_area):
        client = sign_in(carried.officer)
        page = client.get("/deliveries/my-day").text
        shown = page[page.index("<main") : page.index("</main>")]
        pages.append(re.sub(r'name="csrf_token" value="[^"]+"', "", shown).replace(carried.delivery.folio, ""))
        assert "Parque central" not in page
        client.post("/deliveries/bring-back")

    assert pages[0] == pages[1]
    assert [one.delivery.state for one in (by_hand, by_area)] == [S.RETURNING, S.RETURNING]


def test_warehouse_receives_on_its_page(app: Flask, sign_in: SignIn) -> None:
    held, client = make_held_on_the_road(), sign_in(make_user(Role.WAREHOUSE))
    assert f"/deliveries/{held.id}/receive" in client.get(f"/deliveries/{held.id}").text

    assert client.post(f"/deliveries/{held.id}/receive", data={"seal_number": "X"}).status_code == 200
    assert client.post(f"/deliveries/{held.id}/receive", data={"seal_number": held.seal_number}).status_code == 302

    assert (held.state, held.carried_since) == (S.HELD, None)


def test_office_reads_that_it_was_rescheduled_and_no_more(app: Flask, sign_in: SignIn) -> None:
    held = make_delivery(S.SCHEDULED)
    now = utcnow()
    take("1001", 3, at=now)

    page = sign_in(make_user(Role.COORDINATOR)).get(f"/deliveries/{held.id}").text

    assert (held.state, WORDS in page) == (S.HELD, False)
    assert not any(word in page.lower() for word in ("riesgo alto", "3 · ", "extors", "amenaza"))


def test_home_pages_of_desk_and_director(desk: FlaskClient, director: FlaskClient) -> None:
    make_delivery(S.SEALED)
    resume = make_resume(at=utcnow() - HOUR)
    make_delivery(S.PLANNED).canton_code = make_canton("2105").code
    make_lowering("1004", at=utcnow())
    db.session.flush()

    home_of_desk, home_of_director = desk.get("/").text, director.get("/").text

    assert "/deliveries/risk/areas/2105" in home_of_desk
    assert "/deliveries/clearance" in home_of_desk
    assert resume.delivery.folio in home_of_director
    assert "Otavalo" in home_of_director


MOST_QUERIES = {
    "/deliveries/risk": 8, "/deliveries/clearance": 8, "/deliveries/held": 8, "/deliveries/hubs": 8,
    "/deliveries/risk/areas/1001": 15,
}  # fmt: skip


def test_pages_cost_the_same_with_one_row_and_with_three(desk: FlaskClient) -> None:
    def add(canton: str) -> None:
        make_hub(canton)
        make_delivery(S.SEALED).canton_code = make_canton(canton).code
        make_held(at=utcnow())
        make_carried(S.IN_TRANSIT)
        take(canton, 1, at=utcnow())

    add("1001")
    with_one = {address: selects(desk, address) for address in MOST_QUERIES}
    for canton in ("1004", "2101"):
        add(canton)

    assert {address: selects(desk, address) for address in MOST_QUERIES} == with_one
    assert {address: cost for address, cost in with_one.items() if cost > MOST_QUERIES[address]} == {}


def test_signatures_cost_the_same_with_one_and_with_three(director: FlaskClient) -> None:
    now = utcnow()
    make_resume(at=now - HOUR)
    make_lowering("1004")
    with_one = selects(director, "/deliveries/signatures")
    services.ask_field(_sealed_at_level_3(), by=make_user(Role.DESK), now=utcnow())
    make_lowering("2105")

    assert selects(director, "/deliveries/signatures") == with_one
    assert with_one <= 15


def _sealed_at_level_3() -> Delivery:
    kit = make_delivery(S.SEALED)
    kit.canton_code = make_canton("2101").code
    take("2101", 3, at=utcnow())
    return kit


def test_strange_canton_is_no_page(desk: FlaskClient) -> None:
    for code in ("9999", "x", "１００１", "%00", "1001x", "9" * 500):
        assert desk.get(f"/deliveries/risk/areas/{code}").status_code == 404


def test_the_timed_job_is_registered_and_holds(app: Flask) -> None:
    cleared = make_delivery(S.CLEARED)
    for one in db.session.query(RiskSnapshot):
        one.taken_at, one.expires_at = utcnow() - timedelta(days=9), utcnow() - timedelta(days=2)
    db.session.flush()
    job = next(one for one in _jobs if one.name == "risk")

    for _n in range(2):
        job.run(app)

    assert cleared.state is S.HELD
    assert len([event for event in cleared.events if event.to_state is S.HELD]) == 1
