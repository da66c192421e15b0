"""Pages of runs and teams: who opens them, what they show and hide, and what they cost."""

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from html import unescape
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import AttemptCounter, User
from grants.access.permissions import Role
from grants.access.second_factor import DELIVERY_CODE
from grants.core import journal
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.delivery import queries, services
from grants.delivery.models import Delivery, DeliveryState, Run, RunState, Team, TeamMember, Vehicle
from tests.factories.access import current_code, make_user
from tests.factories.delivery import (
    make_card,
    make_delivery,
    make_officer,
    make_run,
    make_team,
    make_vehicle,
    stop_at,
)
from tests.factories.risk import take
from tests.factories.selection import make_award
from tests.grants.delivery.test_pages import selects

S = DeliveryState
SignIn = Callable[[User], FlaskClient]


@pytest.fixture
def coordinator(app: Flask, sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.COORDINATOR))


def stop(run: Run, at: datetime | None = None) -> Delivery:
    """A delivery on its stop in this run, its card ready."""
    kit = make_delivery(S.CLEARED)
    make_card(kit.award)
    services.schedule(kit, run, stop_at(at or utcnow()), by=make_user(Role.COORDINATOR), now=utcnow())
    return kit


def test_plan_a_run_and_give_it_stops(coordinator: FlaskClient) -> None:
    officer = make_officer()
    team, vehicle = make_team(officer), make_vehicle()
    one, two, third = (make_delivery(S.CLEARED) for _n in range(3))
    tomorrow = local_day(utcnow()) + timedelta(days=1)
    data = {"day": str(tomorrow), "officer": officer.id, "vehicle": vehicle.id}

    answer = coordinator.post("/deliveries/runs/new", data=data)
    run = db.session.query(Run).one()
    assert answer.headers["Location"].endswith(f"/deliveries/runs/{run.id}")
    assert (run.team_id, run.officer_id, run.day) == (team.id, officer.id, tomorrow)
    rows = {
        f"place_{one.id}": "Plaza", f"scheduled_for_{one.id}": "00:01", f"until_{one.id}": "23:58",
        f"place_{two.id}": "Parque", f"scheduled_for_{two.id}": "00:02", f"until_{two.id}": "23:59",
    }  # fmt: skip
    half = coordinator.post(f"/deliveries/runs/{run.id}/stops", data={**rows, f"place_{third.id}": "Mercado"})
    assert half.status_code == 200
    assert "Mercado" in half.text  # what was typed stays until it is saved
    assert queries.kits_of(run) == []
    assert coordinator.post(f"/deliveries/runs/{run.id}/stops", data=rows).status_code == 302

    assert [kit.id for kit in queries.kits_of(run)] == [one.id, two.id]
    assert db.session.get_one(Delivery, third.id).state is S.CLEARED


def test_wrong_stop_is_said_beside_its_field_and_nothing_is_saved(coordinator: FlaskClient) -> None:
    run, kit = make_run(), make_delivery(S.CLEARED)
    data = {f"place_{kit.id}": "Plaza", f"scheduled_for_{kit.id}": "12:00", f"until_{kit.id}": "11:00"}

    page = coordinator.post(f"/deliveries/runs/{run.id}/stops", data=data)
    nothing = coordinator.post(f"/deliveries/runs/{run.id}/stops", data={})

    assert f'id="until_{kit.id}-error"' in page.text
    assert 'class="notice notice-bad"' in nothing.text
    assert queries.kits_of(run) == []


def test_page_of_stops_names_the_curfew_that_holds_now(coordinator: FlaskClient) -> None:
    kit, run = make_delivery(S.CLEARED), make_run()
    canton, now = kit.canton_code, utcnow()
    take(canton, 1, at=now - timedelta(minutes=2), curfew_from=time(22), curfew_until=time(5))
    address = f"/deliveries/runs/{run.id}/stops"
    assert "22:00–05:00" in coordinator.get(address).text

    take(canton, 1, at=now - timedelta(minutes=1), curfew_from=time(18), curfew_until=time(6))
    later = coordinator.get(address).text
    take(canton, 1, at=now)

    assert "18:00–06:00" in later
    assert "22:00" not in later
    assert "18:00" not in coordinator.get(address).text


def test_stops_are_ordered_and_taken_off_through_pages(coordinator: FlaskClient) -> None:
    run = make_run()
    now = utcnow()
    one, two = stop(run, now), stop(run, now)

    coordinator.post(f"/deliveries/runs/{run.id}/stops/{two.id}/move", data={"place": "1"})
    assert [kit.id for kit in queries.kits_of(run)] == [two.id, one.id]
    coordinator.post(f"/deliveries/runs/{run.id}/stops/{two.id}/move", data={"place": "x"})
    assert [kit.id for kit in queries.kits_of(run)] == [two.id, one.id]
    coordinator.post(f"/deliveries/runs/{run.id}/stops/{two.id}/take-off")
    assert [kit.id for kit in queries.kits_of(run)] == [one.id]
    assert coordinator.post(f"/deliveries/runs/{run.id}/stops/{two.id}/move", data={"place": "1"}).status_code == 404
    coordinator.post(f"/deliveries/runs/{run.id}/cancel")

    assert queries.get_run(run.id).state is RunState.CANCELLED
    assert db.session.get_one(Delivery, one.id).state is S.CLEARED


def seen_on(page: str) -> str:
    """Which kits a page lists, as its form says."""
    return re.findall(r'name="seen" type="hidden" value="([0-9a-f]+)"', page)[0]


@pytest.mark.parametrize("change", ["one more", "one less", "another version"])
def test_only_what_the_page_listed_is_sent_out(app: Flask, sign_in: SignIn, desk_key: Path, change: str) -> None:
    run, keeper = make_run(), make_user(Role.WAREHOUSE)
    kits, client = [stop(run), stop(run)], sign_in(keeper)
    address = f"/deliveries/runs/{run.id}/dispatch"
    old = seen_on(client.get(address).text)
    if change == "one more":
        kits.append(stop(run))
    elif change == "one less":
        services.take_off(kits.pop(), run, by=make_user(Role.COORDINATOR), now=utcnow())
    else:
        kits[0].kit_version += 1
        kits[0].digest = kits[0].digest_over(kits[0].receiver_folio)
    db.session.flush()
    codes = {"warehouse_code": current_code(keeper), "officer_code": current_code(run.officer)}

    refused = [client.post(address, data={**codes, **sent}) for sent in ({"seen": old}, {})]

    for answer in refused:
        assert (answer.status_code, queries.get_run(run.id).state) == (200, RunState.PLANNED)
        assert 'role="alert"' in answer.text
        assert all(str(kit.seal_number) in answer.text for kit in kits)
    # No code was looked at: nothing was used up, and nobody charged.
    assert all(row.fails == 0 for row in db.session.query(AttemptCounter).filter_by(kind=DELIVERY_CODE))
    assert client.post(address, data={**codes, "seen": seen_on(refused[0].text)}).status_code == 302
    assert {kit.state for kit in queries.kits_of(run)} == {S.IN_TRANSIT}


def test_warehouse_sends_a_run_out_with_both_codes(app: Flask, sign_in: SignIn, desk_key: Path) -> None:
    run, keeper = make_run(), make_user(Role.WAREHOUSE)
    kit, client = stop(run), sign_in(keeper)
    address = f"/deliveries/runs/{run.id}/dispatch"
    page = client.get(address).text
    assert kit.seal_number in page  # type: ignore[operator]

    seen = seen_on(page)
    wrong = client.post(address, data={"warehouse_code": current_code(keeper), "officer_code": "000000", "seen": seen})
    assert wrong.status_code == 200
    assert queries.get_run(run.id).state is RunState.PLANNED
    # Both attempts were charged before they were checked, and the refused dispatch gave neither back.
    charged = {row.subject: row.fails for row in db.session.query(AttemptCounter).filter_by(kind=DELIVERY_CODE)}
    assert charged == {str(keeper.id): 1, str(run.officer_id): 1}
    codes = {"warehouse_code": current_code(keeper), "officer_code": current_code(run.officer)}
    assert client.post(address, data={**codes, "seen": seen_on(wrong.text)}).status_code == 302

    assert queries.get_run(run.id).state is RunState.OUT
    assert db.session.get_one(Delivery, kit.id).state is S.IN_TRANSIT
    assert not any(code in wrong.text for code in codes.values())


@pytest.mark.parametrize("role", [Role.COORDINATOR, Role.WAREHOUSE, Role.DESK])
def test_place_time_and_person_are_on_no_page_of_a_run(app: Flask, sign_in: SignIn, role: Role) -> None:
    run, client = make_run(), sign_in(make_user(role))
    kit = stop(run)
    hidden = (kit.place, kit.person.given_names, kit.person.first_surname, run.vehicle.plate, kit.person.folio,
              f"{kit.stop_at:%H:%M}", "23:59")  # fmt: skip
    mine = {Role.COORDINATOR: [f"/{run.id}/stops"], Role.WAREHOUSE: [f"/{run.id}/dispatch"], Role.DESK: []}

    for address in ["", f"/{run.id}", *mine[role]]:
        page = client.get(f"/deliveries/runs{address}").text
        assert run.folio in page
        assert [word for word in hidden if word and word in page] == []


@pytest.mark.parametrize("role", sorted(set(Role) - {Role.COORDINATOR, Role.WAREHOUSE, Role.DESK}))
def test_other_roles_see_no_run(app: Flask, sign_in: SignIn, role: Role) -> None:
    run, client = make_run(), sign_in(make_user(role))

    assert {client.get(f"/deliveries/runs{end}").status_code for end in ("", f"/{run.id}")} == {403}


def test_list_and_pages_of_runs_cost_the_same_with_one_row_and_with_many(
    app: Flask, sign_in: SignIn, coordinator: FlaskClient
) -> None:
    warehouse = sign_in(make_user(Role.WAREHOUSE))
    run = make_run()
    stop(run), make_delivery(S.CLEARED)
    pages = {
        "/deliveries/runs": (coordinator, 8),
        "/deliveries/teams": (coordinator, 8),
        "/deliveries/runs/new": (coordinator, 15),
        f"/deliveries/runs/{run.id}": (coordinator, 15),
        f"/deliveries/runs/{run.id}/stops": (coordinator, 15),
        f"/deliveries/runs/{run.id}/dispatch": (warehouse, 15),
        f"/deliveries/teams/{run.team_id}": (coordinator, 15),
    }
    with_one = {address: selects(client, address) for address, (client, _most) in pages.items()}
    for _n in range(3):
        stop(run), make_run(), make_delivery(S.CLEARED), make_team()
    services.join_team(make_officer(), run.team, by=make_user(Role.COORDINATOR), now=utcnow())

    assert {address: selects(client, address) for address, (client, _most) in pages.items()} == with_one
    assert [address for address, (_client, most) in pages.items() if with_one[address] > most] == []


def test_team_is_made_joined_and_ended_through_pages(coordinator: FlaskClient) -> None:
    officer = make_officer()
    coordinator.post("/deliveries/teams", data={"name": " Equipo   Sur "})
    team = db.session.query(Team).one()
    assert team.name == "Equipo Sur"
    again = coordinator.post("/deliveries/teams", data={"name": "Equipo Sur"})
    assert 'id="name-error"' in again.text

    coordinator.post(f"/deliveries/teams/{team.id}", data={"officer": officer.id})
    assert [one.user_id for one in queries.get_team(team.id).members] == [officer.id]
    coordinator.post(f"/deliveries/teams/{team.id}/members/{officer.id}/leave")
    assert queries.get_team(team.id).members == []
    assert coordinator.post(f"/deliveries/teams/{team.id}/members/{officer.id}/leave").status_code == 404
    coordinator.post(f"/deliveries/teams/{team.id}/end")

    assert queries.get_team(team.id).ended_at is not None
    assert db.session.query(TeamMember).one().left_at is not None  # who was on the team is still known


def test_person_is_in_one_live_team_at_a_time(app: Flask) -> None:
    from sqlalchemy.exc import IntegrityError

    from grants.core.errors import RuleBroken

    officer, by, now = make_officer(), make_user(Role.COORDINATOR), utcnow()
    first, second = make_team(officer), make_team()

    with pytest.raises(RuleBroken) as refusal:
        services.join_team(officer, second, by=by, now=now)
    assert refusal.value.field == "officer"
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.add(TeamMember(team_id=second.id, user_id=officer.id))
        db.session.flush()
    services.leave_team(officer, first, by=by, now=now)
    services.join_team(officer, second, by=by, now=now)
    services.leave_team(officer, second, by=by, now=now)
    services.join_team(officer, first, by=by, now=now)

    place = queries.member_of(officer)
    assert place is not None
    assert place.team_id == first.id


def test_team_or_vehicle_of_a_run_does_not_end_and_its_leader_does_not_leave(app: Flask) -> None:
    from grants.core.errors import RuleBroken

    run, by, now = make_run(), make_user(Role.COORDINATOR), utcnow()

    for refused in (
        lambda: services.end_team(run.team, by=by, now=now),
        lambda: services.end_vehicle(run.vehicle, by=by, now=now),
        lambda: services.leave_team(run.officer, run.team, by=by, now=now),
    ):
        with pytest.raises(RuleBroken), db.session.begin_nested():
            refused()
    db.session.expire_all()
    assert (run.team.ended_at, run.vehicle.ended_at, run.team.members[0].left_at) == (None, None, None)
    services.cancel_run(run, by=by, now=now)
    services.end_vehicle(run.vehicle, by=by, now=now)
    services.end_team(run.team, by=by, now=now)

    assert run.team.members == []


def test_plate_is_sealed_and_every_look_is_journaled(app: Flask, sign_in: SignIn, coordinator: FlaskClient) -> None:
    coordinator.post("/deliveries/vehicles/new", data={"name": "Camioneta azul", "plate": "pba-4321"})
    vehicle, driver = db.session.query(Vehicle).one(), make_officer()
    assert vehicle.plate == "PBA-4321"
    assert b"PBA" not in bytes(vehicle.plate_sealed)  # type: ignore[attr-defined]
    address, now = f"/deliveries/vehicles/{vehicle.id}", utcnow()
    services.plan_run(make_team(driver), officer=driver, vehicle=vehicle, day=local_day(now), by=make_user(), now=now)
    people = {
        "coordinator": coordinator, "desk": sign_in(make_user(Role.DESK)), "team": sign_in(driver),
        "another officer": sign_in(make_officer()), "warehouse": sign_in(make_user(Role.WAREHOUSE)),
        "monitoring": sign_in(make_user(Role.MONITORING)),
    }  # fmt: skip

    seen = {who: client.get(address) for who, client in people.items()}

    assert {who: answer.status_code for who, answer in seen.items()} == {
        "coordinator": 200, "desk": 200, "team": 200, "another officer": 404, "warehouse": 403, "monitoring": 403,
    }  # fmt: skip
    assert {who for who, answer in seen.items() if "PBA-4321" in answer.text} == {"coordinator", "desk", "team"}
    looks = [entry for entry in journal._entries() if entry.action == "vehicle.plate_seen"]
    assert [entry.subject_id for entry in looks] == [vehicle.id] * 3
    assert "PBA-4321" not in coordinator.get("/deliveries/teams").text


def test_home_shows_runs_to_plan_and_to_send(app: Flask, sign_in: SignIn, coordinator: FlaskClient) -> None:
    today, later = make_run(), make_run(at=utcnow() + timedelta(days=5))
    stop(today)
    make_delivery()
    warehouse = sign_in(make_user(Role.WAREHOUSE))

    planning, loading = coordinator.get("/").text, warehouse.get("/").text

    assert f"/deliveries/runs/{today.id}" in planning
    assert "/deliveries/to-approve" in planning
    assert f"/deliveries/runs/{today.id}/dispatch" in loading
    assert later.folio not in planning + loading


BAD = ["", "\x00", "x" * 10_000, "-1", "1e999", "NaN", "9" * 400, "９", "25:00", "0001-01-01", "2147483648"]


@pytest.mark.parametrize("bad", BAD)
def test_odd_input_gets_a_sentence_and_changes_nothing(coordinator: FlaskClient, bad: str) -> None:
    run, kit = make_run(), make_delivery(S.CLEARED)
    rows = [f"{part}_{kit.id}" for part in ("place", "scheduled_for", "until")]
    teams = db.session.query(Team).count()

    answers = [
        coordinator.post("/deliveries/runs/new", data=dict.fromkeys(("day", "officer", "vehicle"), bad)),
        coordinator.post(f"/deliveries/runs/{run.id}/stops", data=dict.fromkeys(rows, bad)),
        coordinator.post(f"/deliveries/teams/{run.team_id}", data={"officer": bad}),
        coordinator.post("/deliveries/to-approve", data={"chosen": bad}),
        coordinator.post("/deliveries/plan-call", data={"call": bad}),
    ]

    assert [answer.status_code for answer in answers] == [200] * 5
    assert (db.session.query(Run).count(), db.session.query(Team).count()) == (1, teams)
    assert db.session.get_one(Delivery, kit.id).state is S.CLEARED


def test_no_page_holds_a_map_or_coordinates() -> None:
    root = Path(__file__).resolve().parents[3]
    files = [file for folder in ("templates", "grants/static") for file in (root / folder).rglob("*") if file.is_file()]
    words = (
        "leaflet",
        "maplibre",
        "mapbox",
        "openstreetmap",
        "google.com/maps",
        "geolocation",
        "latitude",
    )
    columns = {column.name for table in db.metadata.tables.values() for column in table.columns}

    told = [(file.name, word) for file in files for word in words if word in file.read_text("utf-8", "ignore").lower()]

    assert len(files) > 100
    assert told == []
    assert columns & {"latitude", "longitude", "lat", "lon", "lng", "coordinates", "location"} == set()


def test_page_offers_no_move_against_the_times(coordinator: FlaskClient) -> None:
    run, now = make_run(), utcnow()
    one, two = stop(run, now), stop(run, now)
    assert "/move" in coordinator.get(f"/deliveries/runs/{run.id}").text
    services.take_off(two, run, by=make_user(Role.COORDINATOR), now=now)
    stop(run, now + timedelta(seconds=1))

    assert f"/stops/{one.id}/move" not in coordinator.get(f"/deliveries/runs/{run.id}").text


def test_every_cleared_delivery_can_be_given_a_stop(coordinator: FlaskClient) -> None:
    run = make_run(at=utcnow() + timedelta(days=1))
    here = sorted((make_delivery(S.CLEARED) for _n in range(27)), key=lambda one: one.folio)
    elsewhere = make_delivery(S.CLEARED, award=make_award(canton="2101"))
    every = sorted([*here, elsewhere], key=lambda one: one.folio)
    address = f"/deliveries/runs/{run.id}/stops"

    def shown(page: str) -> list[str]:
        return [one.folio for one in every if f"<h2>{one.folio}</h2>" in page]

    first = coordinator.get(address).text
    second = coordinator.get(unescape(re.search(r'rel="next" href="([^"]+)"', first)[1])).text  # type: ignore[index]

    assert shown(first) + shown(second) == [one.folio for one in every]
    assert shown(coordinator.get(f"{address}?canton=2101").text) == [elsewhere.folio]
    last = here[-1]
    marker = re.search(r"after=([^&\"]+)", first)[1]  # type: ignore[index]
    row = {f"place_{last.id}": "Plaza", f"scheduled_for_{last.id}": "00:01", f"until_{last.id}": "23:59"}
    assert coordinator.post(f"{address}?canton={last.canton_code}&after={marker}", data=row).status_code == 302
    assert db.session.get_one(Delivery, last.id).state is S.SCHEDULED


@pytest.mark.parametrize("odd", ["\x00", "9" * 400, "１００１", "' OR 1"])
def test_odd_canton_of_the_stops_is_as_none(coordinator: FlaskClient, odd: str) -> None:
    run, kit = make_run(), make_delivery(S.CLEARED)

    page = coordinator.get(f"/deliveries/runs/{run.id}/stops", query_string={"canton": odd, "after": odd})

    assert page.status_code == 200
    assert kit.folio in page.text
