"""Check-ins: each stop, every 60 minutes, every 20 minutes (§2); what does not come is a case for the desk."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, update
from sqlalchemy.engine import Engine

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.delivery import services
from grants.delivery.models import CheckIn, Delivery, DeliveryState, MissedCheckIn
from grants.delivery.queries.checkins import runs_on_the_road
from grants.delivery.services import checkins
from tests.factories.access import make_user
from tests.factories.delivery import DESK, Carried, make_carried, make_officer, make_team
from tests.factories.road import make_stop, put_in, send_out

S = DeliveryState
SignIn = Callable[[User], FlaskClient]
NOW = datetime(2026, 5, 4, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
GRACE = 5 * MINUTE


def out_at(level: int, *, left: datetime = NOW, start: datetime | None = None) -> Delivery:
    """A kit on the road since a moment."""
    delivery = make_stop(start or left + timedelta(hours=3), level=level, at=left)
    send_out(delivery, at=left)
    return delivery


def cases_at(now: datetime) -> int:
    return checkins.open_cases(grace=GRACE, now=now)


@pytest.mark.parametrize(
    ("level", "last_quiet", "first_case"),
    [(2, timedelta(minutes=65), timedelta(minutes=66)), (3, timedelta(minutes=20), timedelta(minutes=21))],
)
def test_case_opens_after_the_grace_and_at_the_highest_level_at_once(
    app: Flask, level: int, last_quiet: timedelta, first_case: timedelta
) -> None:
    delivery = out_at(level)

    assert cases_at(NOW + last_quiet) == 0
    assert cases_at(NOW + first_case) == 1
    assert cases_at(NOW + first_case + MINUTE) == 0

    (case,) = db.session.query(MissedCheckIn).all()
    assert (case.run_id, case.level, case.closed_at) == (delivery.run_id, level, None)
    assert case.due_at == NOW + timedelta(minutes={2: 60, 3: 20}[level])


def test_lowest_level_checks_in_at_each_stop(app: Flask) -> None:
    delivery = out_at(1)
    ends = delivery.window_ends_at
    assert ends is not None

    assert cases_at(ends + GRACE) == 0
    assert cases_at(ends + GRACE + MINUTE) == 1


def test_tap_of_anybody_of_the_team_moves_the_next_one(app: Flask) -> None:
    lead, mate = make_officer(), make_officer()
    delivery = make_stop(NOW + timedelta(hours=3), level=2, officer=lead, team=make_team(lead, mate), at=NOW)
    send_out(delivery, at=NOW)

    checkins.check_in(by=mate, now=NOW + 50 * MINUTE)

    (standing,) = runs_on_the_road(of=lead)
    assert standing.due_at == NOW + 110 * MINUTE
    assert cases_at(NOW + 100 * MINUTE) == 0


@pytest.mark.parametrize("who", ["stranger", "before leaving", "after the run"])
def test_nobody_checks_in_for_a_run_that_is_not_theirs_or_not_out(app: Flask, who: str) -> None:
    delivery = make_stop(NOW + timedelta(hours=3), at=NOW) if who == "before leaving" else out_at(1)
    officer = make_officer() if who == "stranger" else delivery.officer
    if who == "after the run":
        db.session.execute(delivery.run.__table__.update().values(state="ended", ended_at=NOW))  # type: ignore[union-attr]

    with pytest.raises(RuleBroken):
        checkins.check_in(by=officer, now=NOW)  # type: ignore[arg-type]

    assert db.session.query(CheckIn).count() == 0


def test_arrival_and_handover_count_and_write_no_row_of_their_own(app: Flask) -> None:
    carried: Carried = make_carried(S.IN_TRANSIT, at=NOW, level=1)
    # Another kit in the vehicle: the run is not over with this handover.
    later = make_carried(S.IN_TRANSIT, at=NOW, level=1).delivery
    db.session.execute(
        update(Delivery).where(Delivery.id == later.id).values(run_id=carried.delivery.run_id, stop_position=2)
    )
    services.arrive(carried.delivery, by=carried.officer, now=NOW + 10 * MINUTE)
    there = next(one for one in runs_on_the_road() if one.run.id == carried.delivery.run_id)
    services.confirm(carried.delivery, carried.codes(NOW + 20 * MINUTE), key="a-key-of-mine", desk=DESK,
                     by=carried.officer, now=NOW + 20 * MINUTE)  # fmt: skip
    done = next(one for one in runs_on_the_road() if one.run.id == carried.delivery.run_id)

    assert (there.last_at, done.last_at) == (NOW + 10 * MINUTE, NOW + 20 * MINUTE)
    assert (there.kits, done.kits) == (2, 1)
    assert db.session.query(CheckIn).count() == 0


def test_held_kit_in_the_vehicle_still_asks_for_check_ins(app: Flask) -> None:
    delivery = out_at(2)
    put_in(delivery, S.HELD)

    assert cases_at(NOW + 66 * MINUTE) == 1


@pytest.mark.parametrize("state", [S.RETURNING, S.NO_SHOW, S.REFUSED, S.PARTIAL])
def test_check_ins_are_due_until_the_kit_is_back(app: Flask, state: DeliveryState) -> None:
    delivery = out_at(3)
    put_in(delivery, state)

    (standing,) = runs_on_the_road()

    assert (standing.level, standing.kits, standing.due_at) == (3, 1, NOW + 20 * MINUTE)
    assert cases_at(NOW + 21 * MINUTE) == 1


def test_team_that_says_that_it_brings_the_kit_back_is_watched_on_its_way(app: Flask) -> None:
    delivery = out_at(3)
    services.bring_back([delivery], by=delivery.officer, now=NOW + 5 * MINUTE)  # type: ignore[arg-type]

    assert [cases_at(NOW + minutes * MINUTE) for minutes in (20, 21, 22)] == [0, 1, 0]


def test_highest_level_in_the_vehicle_counts_on_the_way_back_too(app: Flask) -> None:
    high, low = out_at(3), out_at(1)
    db.session.execute(update(Delivery).where(Delivery.id == low.id).values(run_id=high.run_id, stop_position=2))
    put_in(high, S.RETURNING)

    standing = next(one for one in runs_on_the_road() if one.run.id == high.run_id)

    assert (standing.level, standing.kits, standing.due_at) == (3, 2, NOW + 20 * MINUTE)


def test_nothing_is_due_once_the_kit_is_received(app: Flask) -> None:
    delivery = out_at(3)
    db.session.execute(update(Delivery).where(Delivery.id == delivery.id).values(carried_since=None))

    assert [one.due_at for one in runs_on_the_road()] == [None]


def test_closing_a_case_starts_the_clock_again(app: Flask) -> None:
    out_at(3)
    cases_at(NOW + 21 * MINUTE)
    (case,) = db.session.query(MissedCheckIn).all()
    checkins.close_case(case, word="Sin señal", by=make_user(Role.DESK), now=NOW + 30 * MINUTE)

    opened = [cases_at(NOW + minutes * MINUTE) for minutes in (31, 50, 51, 52)]

    assert opened == [0, 0, 1, 0]
    dues = [one.due_at for one in db.session.query(MissedCheckIn).order_by(MissedCheckIn.id)]
    assert dues == [NOW + 20 * MINUTE, NOW + 50 * MINUTE]
    (standing,) = runs_on_the_road()
    assert standing.last_at == NOW  # what the desk wrote is no sign of the team


def test_desk_follows_up_and_closes_with_a_word_once(app: Flask, sign_in: SignIn) -> None:
    out_at(3)
    cases_at(NOW + 21 * MINUTE)
    (case,) = db.session.query(MissedCheckIn).all()
    desk = make_user(Role.DESK)
    client, address = sign_in(desk), f"/deliveries/missed-check-ins/{case.id}"
    assert "Call the team by voice" in client.get(address, headers={"Accept-Language": "en"}).text

    for bad in ("", "\x00", "x" * 10_000):
        assert client.post(address, data={"word": bad}).status_code == 200
    db.session.refresh(case)
    assert case.closed_at is None
    assert client.post(address, data={"word": "Sin señal; llegaron bien"}).status_code == 302
    assert client.post(address, data={"word": "Otra cosa"}).status_code == 200

    db.session.refresh(case)
    assert (case.word, case.closed_by_id) == ("Sin señal; llegaron bien", desk.id)
    assert "Sin señal" in client.get("/deliveries/on-the-road").text


def test_officer_checks_in_with_one_tap_through_the_page(app: Flask, sign_in: SignIn) -> None:
    carried = make_carried(S.IN_TRANSIT)
    client = sign_in(carried.officer)
    assert 'action="/deliveries/check-in"' in client.get("/deliveries/my-day").text

    assert client.post("/deliveries/check-in").status_code == 302

    assert [one.by_id for one in db.session.query(CheckIn).all()] == [carried.officer.id]


@pytest.mark.parametrize("role", [Role.OFFICER, Role.COORDINATOR, Role.WAREHOUSE, Role.MONITORING])
def test_others_see_neither_teams_nor_cases(app: Flask, sign_in: SignIn, role: Role) -> None:
    client = sign_in(make_user(role))

    addresses = ("/deliveries/on-the-road", "/deliveries/missed-check-ins/1")
    assert [client.get(address).status_code for address in addresses] == [403, 403]


def selects(client: FlaskClient, address: str) -> int:
    noted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        noted.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert client.get(address).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return sum(statement.startswith("SELECT") for statement in noted)


def test_page_of_the_road_costs_the_same_with_one_run_and_with_three(app: Flask, sign_in: SignIn) -> None:
    client, now = sign_in(make_user(Role.DESK)), utcnow()
    out_at(3, left=now - timedelta(hours=1), start=now)
    cases_at(now)
    with_one = selects(client, "/deliveries/on-the-road")
    for _n in range(2):
        out_at(3, left=now - timedelta(hours=1), start=now)
    cases_at(now)

    assert selects(client, "/deliveries/on-the-road") == with_one
    assert with_one <= 15


@pytest.mark.no_rollback
def test_two_workers_open_one_case(real_app: Flask) -> None:
    out_at(3)
    db.session.commit()
    gate, opened = threading.Barrier(4), []

    def work() -> None:
        with real_app.app_context():
            gate.wait()
            with transaction():
                opened.append(cases_at(NOW + 30 * MINUTE))
            db.session.remove()

    threads = [threading.Thread(target=work) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(opened) == [0, 0, 0, 1]
    assert db.session.query(MissedCheckIn).count() == 1
