"""Runs and their stops: what each step asks for, and what a refusal leaves as it was."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from grants.access.models import Factor, FactorKind, User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import Delivery, DeliveryState, Duty, DutyHeld, OfficerPin, Reason, Run, RunState
from grants.delivery.services import ReleaseCodes, Stop
from tests.factories.access import make_user
from tests.factories.delivery import (
    DESK,
    clear,
    make_card,
    make_carried,
    make_delivery,
    make_officer,
    make_run,
    make_snapshot,
    make_team,
    make_vehicle,
    stop_at,
    totp_at,
)
from tests.factories.outcomes import sign_return, whole

S = DeliveryState
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)  # 10:00 in Guayaquil
HOUR = timedelta(hours=1)


def planner() -> User:
    return make_user(Role.COORDINATOR)


def cleared(level: int = 1) -> Delivery:
    delivery = make_delivery(S.SEALED)
    clear(delivery, level=level, at=NOW)
    return delivery


def give(run: Run, *deliveries: Delivery) -> None:
    for delivery in deliveries:
        services.schedule(delivery, run, stop_at(NOW), by=planner(), now=NOW)


def order(run: Run) -> list[int]:
    db.session.expire_all()
    return [kit.id for kit in queries.kits_of(run, S.SCHEDULED)]


def stored(delivery: Delivery) -> dict[str, Any]:
    row = db.session.execute(select(Delivery.__table__).where(Delivery.__table__.c.id == delivery.id)).mappings().one()
    return {name: row[name] for name in ("run_id", "officer_id", "stop_position", "place_sealed",
                                         "scheduled_for_sealed", "window_until_sealed")}  # fmt: skip


def test_run_needs_an_officer_of_the_team_with_code_and_pin(app: Flask) -> None:
    team, vehicle = make_team(), make_vehicle()
    able, stranger, without_pin = team.members[0].user, make_officer(), make_user(Role.OFFICER)
    services.join_team(without_pin, team, by=planner(), now=NOW)

    for officer in (stranger, without_pin, planner()):
        with pytest.raises(RuleBroken) as refusal:
            services.plan_run(team, officer=officer, vehicle=vehicle, day=NOW.date(), by=planner(), now=NOW)
        assert refusal.value.field == "officer"
    assert db.session.query(Run).count() == 0
    run = services.plan_run(team, officer=able, vehicle=vehicle, day=NOW.date(), by=planner(), now=NOW)

    assert run.state is RunState.PLANNED


def test_run_of_a_day_past_or_with_what_has_ended_is_refused(app: Flask) -> None:
    run = make_run(at=NOW)
    given: dict[str, Any] = {"officer": run.officer, "vehicle": make_vehicle(), "by": planner(), "now": NOW}
    ended = make_vehicle()
    services.end_vehicle(ended, by=planner(), now=NOW)

    with pytest.raises(RuleBroken) as past:
        services.plan_run(run.team, **{**given, "day": NOW.date() - timedelta(days=1)})
    with pytest.raises(RuleBroken) as unused:
        services.plan_run(run.team, **{**given, "vehicle": ended, "day": NOW.date()})

    assert (past.value.field, unused.value.field) == ("day", "vehicle")
    assert db.session.query(Run).count() == 1


def test_stop_encrypts_place_and_time_and_takes_the_next_position(app: Flask) -> None:
    run, first, second = make_run(at=NOW), cleared(), cleared()
    give(run, first)
    services.schedule(second, run, Stop(" Casa   comunal ", NOW + HOUR, NOW + 2 * HOUR), by=planner(), now=NOW)

    assert (first.stop_position, second.stop_position) == (1, 2)
    assert (second.state, second.officer_id, second.run_id) == (S.SCHEDULED, run.officer_id, run.id)
    assert second.place == "Casa comunal"
    assert b"comunal" not in bytes(stored(second)["place_sealed"])
    # 15:00 and an hour, two hours: in UTC.
    assert (second.scheduled_for, second.window_until) == ("2026-03-02T16:00:00+00:00", "2026-03-02T17:00:00+00:00")


@pytest.mark.parametrize(
    ("stop", "field"),
    [
        (Stop("Plaza", NOW + 2 * HOUR, NOW + HOUR), "until"),
        (Stop("Plaza", NOW + HOUR, NOW + HOUR), "until"),
        (Stop("Plaza", NOW + 24 * HOUR, NOW + 25 * HOUR), "until"),
        (Stop("Plaza", NOW + 13 * HOUR, NOW + 15 * HOUR), "until"),  # over midnight
        (Stop("Plaza", NOW - 3 * HOUR, NOW - HOUR), "until"),  # over already
        (Stop("  ", NOW, NOW + HOUR), "place"),
        (Stop("x" * 201, NOW, NOW + HOUR), "place"),
        (Stop("a\x00b", NOW, NOW + HOUR), "place"),
    ],
)
def test_stop_outside_its_run_or_without_place_is_refused(app: Flask, stop: Stop, field: str) -> None:
    run, delivery = make_run(at=NOW), cleared()

    with pytest.raises(RuleBroken) as refusal:
        services.schedule(delivery, run, stop, by=planner(), now=NOW)

    assert refusal.value.field == field
    assert delivery.state is S.CLEARED
    assert set(stored(delivery).values()) == {None}


@pytest.mark.parametrize(("start", "end", "is_free"), [(16, 17, True), (17, 19, False), (20, 21, False), (5, 7, False)])
def test_window_stays_outside_the_curfew(app: Flask, start: int, end: int, is_free: bool) -> None:
    delivery, at = make_delivery(S.SEALED), NOW.replace(hour=5)  # midnight in Guayaquil
    make_snapshot(delivery.canton_code, at=at, curfew_from=time(18), curfew_until=time(6))
    services.clear(delivery, by=make_user(Role.DESK), now=at)
    run = make_run(at=at)
    midnight = at

    def schedule() -> None:
        stop = Stop("Plaza", midnight + start * HOUR, midnight + end * HOUR)
        services.schedule(delivery, run, stop, by=planner(), now=at)

    if is_free:
        schedule()
    else:
        with pytest.raises(RuleBroken) as refusal:
            schedule()
        assert refusal.value.field == "scheduled_for"

    assert delivery.state is (S.SCHEDULED if is_free else S.CLEARED)


def test_curfew_that_came_after_the_clearance_counts(app: Flask) -> None:
    delivery, run = cleared(), make_run(at=NOW)
    make_snapshot(delivery.canton_code, at=NOW, in_force_at=NOW - HOUR, curfew_from=time(9), curfew_until=time(12))

    with pytest.raises(RuleBroken) as refusal:
        services.schedule(delivery, run, Stop("Plaza", NOW + HOUR, NOW + 2 * HOUR), by=planner(), now=NOW)

    assert refusal.value.field == "scheduled_for"


def test_run_is_filled_up_to_its_cap_and_no_further(app: Flask) -> None:
    # Level 3: USD 1,400, so two kits of 700.
    run, kits = make_run(at=NOW), [cleared(3) for _n in range(3)]
    give(run, *kits[:2])

    with pytest.raises(RuleBroken) as refusal:
        give(run, kits[2])

    assert refusal.value.field == "run"
    assert order(run) == [kit.id for kit in kits[:2]]


def test_nothing_is_scheduled_without_a_snapshot_in_force(app: Flask) -> None:
    run, delivery = make_run(at=NOW + 240 * HOUR), cleared()

    with pytest.raises(RuleBroken):
        services.schedule(delivery, run, stop_at(NOW + 240 * HOUR), by=planner(), now=NOW + 240 * HOUR)

    assert delivery.state is S.CLEARED


def test_many_stops_go_in_together_in_the_order_of_their_times_or_not_at_all(app: Flask) -> None:
    run, late, early = make_run(at=NOW), cleared(), cleared()
    plan = [(late, Stop("A", NOW + 2 * HOUR, NOW + 3 * HOUR)), (early, Stop("B", NOW, NOW + HOUR))]
    wrong = [plan[1], (late, replace(plan[0][1], until=NOW))]

    with pytest.raises(RuleBroken) as refusal, db.session.begin_nested():
        services.schedule_many(run, wrong, by=planner(), now=NOW)
    assert refusal.value.field == f"until_{late.id}"
    assert order(run) == []
    services.schedule_many(run, plan, by=planner(), now=NOW)

    assert order(run) == [early.id, late.id]


def test_stops_move_up_down_and_by_number(app: Flask) -> None:
    run, kits = make_run(at=NOW), [cleared() for _n in range(4)]
    give(run, *kits)
    a, b, c, d = (kit.id for kit in kits)

    for kit, place, expected in (
        (kits[0], 2, [b, a, c, d]),
        (kits[3], 1, [d, b, a, c]),
        (kits[1], 999, [d, a, c, b]),
        (kits[2], 0, [c, d, a, b]),
        (kits[2], 1, [c, d, a, b]),
    ):
        services.move_stop(kit, run, place, by=planner(), now=NOW)
        assert order(run) == expected

    assert sorted(kit.stop_position or 0 for kit in queries.kits_of(run)) == [1, 2, 3, 4]


def test_order_follows_the_times_and_no_stop_is_moved_against_them(app: Flask) -> None:
    run, kits = make_run(at=NOW), [cleared() for _n in range(3)]
    for kit, hours in zip(kits, (3, 1, 2), strict=True):
        services.schedule(kit, run, Stop("Plaza", NOW + hours * HOUR, NOW + 4 * HOUR), by=planner(), now=NOW)
    by_time = [kits[1].id, kits[2].id, kits[0].id]
    assert order(run) == by_time

    with pytest.raises(RuleBroken):
        services.move_stop(kits[0], run, 1, by=planner(), now=NOW)

    assert order(run) == by_time


def test_database_refuses_two_stops_at_one_position(app: Flask) -> None:
    run, kits = make_run(at=NOW), [cleared() for _n in range(2)]
    give(run, *kits)

    with pytest.raises(IntegrityError), db.session.begin_nested():
        kits[1].stop_position = 1
        db.session.flush()


def test_stop_taken_off_waits_again_and_keeps_no_place_nor_time(app: Flask) -> None:
    run, kits = make_run(at=NOW), [cleared() for _n in range(3)]
    give(run, *kits)

    services.take_off(kits[1], run, by=planner(), now=NOW)

    assert kits[1].state is S.CLEARED
    assert set(stored(kits[1]).values()) == {None}
    assert order(run) == [kits[0].id, kits[2].id]
    give(run, kits[1])
    assert order(run) == [kits[0].id, kits[2].id, kits[1].id]


def test_cancelled_delivery_keeps_no_place_nor_time(app: Flask) -> None:
    run, kit = make_run(at=NOW), cleared()
    give(run, kit)

    services.cancel(kit, reason=Reason.OTHER, by=planner(), now=NOW)

    assert set(stored(kit).values()) == {None}


def test_cancelled_run_gives_its_stops_back(app: Flask) -> None:
    run, kits = make_run(at=NOW), [cleared() for _n in range(2)]
    give(run, *kits)

    services.cancel_run(run, by=planner(), now=NOW)

    assert run.state is RunState.CANCELLED
    assert [kit.state for kit in kits] == [S.CLEARED, S.CLEARED]
    assert queries.kits_of(run) == []
    for refused in (lambda: give(run, kits[0]), lambda: services.cancel_run(run, by=planner(), now=NOW)):
        with pytest.raises(RuleBroken):
            refused()


def test_run_that_left_changes_no_more(app: Flask) -> None:
    carried = make_carried(S.IN_TRANSIT)
    run, other = carried.delivery.run, make_delivery(S.CLEARED)
    assert run is not None
    now = datetime.now(UTC)

    for refused in (
        lambda: services.schedule(other, run, stop_at(now), by=planner(), now=now),
        lambda: services.take_off(carried.delivery, run, by=planner(), now=now),
        lambda: services.move_stop(carried.delivery, run, 1, by=planner(), now=now),
        lambda: services.cancel_run(run, by=planner(), now=now),
    ):
        with pytest.raises(RuleBroken):
            refused()

    assert (carried.delivery.state, other.state, run.state) == (S.IN_TRANSIT, S.CLEARED, RunState.OUT)


def ready() -> dict[str, Any]:
    """A run with one stop and a ready card, and what its dispatch needs."""
    kit, by, run = cleared(), make_user(Role.WAREHOUSE), make_run(at=NOW)
    make_card(kit.award)
    give(run, kit)
    codes = ReleaseCodes(warehouse=totp_at(by, NOW), officer=totp_at(run.officer, NOW))
    return {"run": run, "codes": codes, "desk": DESK, "by": by, "now": NOW}


def refused_dispatch(**given: Any) -> str | None:
    """What field a dispatch is refused for, after looking that nothing left."""
    run = given.pop("run")
    with pytest.raises(RuleBroken) as refusal, db.session.begin_nested():
        services.dispatch(run, given.pop("codes"), **given)
    db.session.expire_all()
    assert (run.state, run.team.value_out_cents) == (RunState.PLANNED, 0)
    assert {kit.state for kit in queries.kits_of(run)} <= {S.SCHEDULED}
    return refusal.value.field


def test_dispatch_takes_every_stop_out_under_both_codes(app: Flask) -> None:
    given = ready()
    run, codes = given.pop("run"), given.pop("codes")

    services.dispatch(run, codes, **given)

    (kit,) = queries.kits_of(run)
    assert (run.state, run.dispatched_at, kit.state, kit.carried_since) == (RunState.OUT, NOW, S.IN_TRANSIT, NOW)
    assert run.team.value_out_cents == 70_000
    duty = db.session.scalars(select(DutyHeld.duty).where(DutyHeld.user_id == given["by"].id)).one()
    assert duty is Duty.RELEASE


def test_dispatch_needs_both_codes(app: Flask) -> None:
    given = ready()
    right = given["codes"]

    assert refused_dispatch(**{**given, "codes": ReleaseCodes("000000", right.officer)}) == "warehouse_code"
    assert refused_dispatch(**{**given, "codes": ReleaseCodes(right.warehouse, "000000")}) == "officer_code"


def test_dispatch_needs_the_desks_key_stops_and_the_day(app: Flask) -> None:
    given, empty = ready(), make_run(at=NOW)

    refused_dispatch(**{**given, "desk": None})
    refused_dispatch(**{**given, "run": empty})
    refused_dispatch(**{**given, "now": NOW + 24 * HOUR})


def test_dispatch_needs_a_ready_card(app: Flask) -> None:
    kit, run, by = cleared(), make_run(at=NOW), make_user(Role.WAREHOUSE)
    give(run, kit)

    codes = ReleaseCodes(totp_at(by, NOW), totp_at(run.officer, NOW))
    assert refused_dispatch(run=run, codes=codes, desk=DESK, by=by, now=NOW) is None


def test_dispatch_needs_an_officer_who_still_can_and_is_of_the_team(app: Flask) -> None:
    given = ready()
    officer, team = given["run"].officer, given["run"].team
    db.session.query(OfficerPin).filter_by(user_id=officer.id).delete()
    assert refused_dispatch(**given) == "officer"

    given = ready()
    officer = given["run"].officer
    db.session.query(Factor).filter_by(user_id=officer.id, kind=FactorKind.DELIVERY).one().confirmed_at = None
    assert refused_dispatch(**given) == "officer"

    given = ready()
    officer, team = given["run"].officer, given["run"].team
    team.members[0].left_at = NOW
    assert refused_dispatch(**given) == "officer"


def test_packer_and_the_officer_do_not_send_out(app: Flask) -> None:
    given = ready()
    (kit,) = queries.kits_of(given["run"])
    packer_id = db.session.scalars(
        select(DutyHeld.user_id).where(DutyHeld.delivery_id == kit.id, DutyHeld.duty == Duty.PACK)
    ).first()
    packer = db.session.get_one(User, packer_id)
    officer = given["run"].officer

    refused_dispatch(**{**given, "by": packer, "codes": ReleaseCodes(totp_at(packer, NOW), given["codes"].officer)})
    refused_dispatch(**{**given, "by": officer})


def test_dispatch_stops_when_the_risk_rose_since(app: Flask) -> None:
    given = ready()
    (kit,) = queries.kits_of(given["run"])
    make_snapshot(kit.canton_code, 2, at=NOW, in_force_at=NOW - HOUR)

    assert refused_dispatch(**given) is None


def test_kit_changed_since_its_clearance_does_not_leave(app: Flask) -> None:
    given = ready()
    (kit,) = queries.kits_of(given["run"])
    db.session.execute(Delivery.__table__.update().where(Delivery.__table__.c.id == kit.id).values(kit_version=2))
    db.session.expire_all()

    refused_dispatch(**given)


def test_run_ends_with_its_last_kit(app: Flask) -> None:
    officer, now = make_officer(), datetime.now(UTC)
    run, kits = make_run(officer, at=now), [make_delivery(S.CLEARED) for _n in range(2)]
    cards = []
    for kit in kits:
        cards.append(make_card(kit.award))
        services.schedule(kit, run, stop_at(now), by=planner(), now=now)
    keeper = make_user(Role.WAREHOUSE)
    services.dispatch(run, ReleaseCodes(totp_at(keeper, now), totp_at(officer, now)), desk=DESK, by=keeper, now=now)

    for kit in kits:
        assert run.state is RunState.OUT
        services.turn_back(kit, reason=Reason.ROAD_CLOSED, by=officer, now=now)
        services.count_back(kit, whole(kit), reason=Reason.ROAD_CLOSED, by=keeper, now=now)
        sign_return(kit, by=make_user(Role.WAREHOUSE), now=now)

    assert (run.state, run.ended_at) == (RunState.ENDED, now)
    db.session.commit()
    assert journal.last("run.ended") is not None


def test_run_leaves_on_its_day_and_while_no_stop_is_over(app: Flask) -> None:
    run, delivery, keeper = make_run(at=NOW), cleared(), make_user(Role.WAREHOUSE)
    make_card(delivery.award)
    services.schedule(delivery, run, Stop("Plaza", NOW, NOW + HOUR), by=planner(), now=NOW)
    day_before, at_the_end = NOW - timedelta(days=1), NOW + HOUR

    for now in (day_before, at_the_end):
        codes = ReleaseCodes(warehouse=totp_at(keeper, now), officer=totp_at(run.officer, now))
        with pytest.raises(RuleBroken):
            services.dispatch(run, codes, desk=DESK, by=keeper, now=now)
    assert (run.state, delivery.state) == (RunState.PLANNED, S.SCHEDULED)

    last = at_the_end - timedelta(seconds=1)
    codes = ReleaseCodes(warehouse=totp_at(keeper, last), officer=totp_at(run.officer, last))
    services.dispatch(run, codes, desk=DESK, by=keeper, now=last)

    assert run.state is RunState.OUT
