"""The value that a team carries: capped in the transaction of dispatch, and always the sum of its kits."""

import random
import threading
from collections import Counter
from contextlib import nullcontext
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import delete, select, update

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.db import db, get_or_refuse
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.levels import DEFAULT_LEVELS
from grants.delivery.models import Delivery, DeliveryState, Duty, DutyHeld, ProtocolVersion, Reason, Run, RunState, Team
from grants.delivery.services import ReleaseCodes
from grants.delivery.services.moves import give_back_value, move
from tests.factories.access import make_user
from tests.factories.delivery import (
    DESK,
    Carried,
    clear,
    make_card,
    make_carried,
    make_delivery,
    make_officer,
    make_run,
    make_snapshot,
    make_team,
    stop_at,
    totp_at,
)
from tests.factories.outcomes import bring_home
from tests.factories.selection import make_award
from tests.grants.delivery.test_races import RUNS, THREADS, together

S = DeliveryState
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def run_with_kit(team: Team, officer: User, *, level: int, at: datetime = NOW) -> Run:
    """A planned run of the team with one kit of USD 700 whose card is ready."""
    kit = make_delivery(S.SEALED)
    make_card(kit.award)
    clear(kit, level=level, at=at)
    run = make_run(officer, at=at, team=team)
    services.schedule(kit, run, stop_at(at), by=make_user(Role.COORDINATOR), now=at)
    return run


def dispatch(run: Run, keeper: User, at: datetime) -> None:
    codes = ReleaseCodes(totp_at(keeper, at), totp_at(run.officer, at))
    services.dispatch(run, codes, desk=DESK, by=keeper, now=at)


class Dispatches:
    """Each thread sends another run of one team out."""

    def __init__(self, runs: list[Run], keepers: list[User]) -> None:
        self.pairs = [(run.id, keeper.id) for run, keeper in zip(runs, keepers, strict=True)]
        self.lock = threading.Lock()

    def begin(self, at: datetime) -> None:
        self.at, self.left = at, iter(self.pairs)

    def act(self) -> None:
        with self.lock:
            run_id, keeper_id = next(self.left)
        dispatch(queries.get_run(run_id), get_or_refuse(User, keeper_id), self.at)


def all_back(runs: list[int]) -> None:
    """As before the round: every kit on its stop, nothing carried."""
    kits = select(Delivery.id).where(Delivery.run_id.in_(runs))
    db.session.execute(delete(DutyHeld).where(DutyHeld.delivery_id.in_(kits), DutyHeld.duty == Duty.RELEASE))
    db.session.execute(update(Delivery).where(Delivery.run_id.in_(runs)).values(state=S.SCHEDULED, carried_since=None))
    db.session.execute(update(Run).where(Run.id.in_(runs)).values(state=RunState.PLANNED, dispatched_at=None))
    db.session.execute(update(Team).values(value_out_cents=0, cap_out_cents=None))
    db.session.commit()
    db.session.remove()


@pytest.mark.no_rollback
def test_twenty_dispatches_at_once_take_exactly_what_the_cap_allows(real_app: Flask) -> None:
    officers = [make_officer() for _n in range(THREADS)]
    team = make_team(*officers)
    runs = [run_with_kit(team, officer, level=3) for officer in officers]
    work = Dispatches(runs, [make_user(Role.WAREHOUSE) for _n in runs])
    run_ids = [run.id for run in runs]
    db.session.commit()
    db.session.remove()

    for turn in range(RUNS):
        work.begin(NOW + turn * MINUTE)
        ended = together(real_app, work)  # type: ignore[arg-type]

        # Level 3 lets a team carry USD 1,400: two kits of 700.
        assert ended == Counter(done=2, refused=THREADS - 2)
        (balance,) = queries.balances()
        assert (balance.counted_usd, balance.carried_usd) == (Decimal(1400), Decimal(1400))
        assert db.session.query(Run).filter_by(state=RunState.OUT).count() == 2
        assert db.session.query(Delivery).filter_by(state=S.IN_TRANSIT).count() == 2
        all_back(run_ids)
    assert journal.verify().holds


@pytest.mark.no_rollback
def test_one_run_is_sent_out_once_by_twenty(real_app: Flask) -> None:
    officer = make_officer()
    run = run_with_kit(make_team(officer), officer, level=1)
    keepers = [make_user(Role.WAREHOUSE) for _n in range(THREADS)]
    work = Dispatches([run] * THREADS, keepers)
    db.session.commit()
    db.session.remove()

    work.begin(NOW)
    ended = together(real_app, work)  # type: ignore[arg-type]

    assert ended == Counter(done=1, refused=THREADS - 1)
    assert queries.balances()[0].counted_usd == Decimal(700)
    assert db.session.query(DutyHeld).filter_by(duty=Duty.RELEASE).count() == 1


@pytest.mark.no_rollback
def test_last_two_kits_of_a_run_confirmed_at_once_end_it(real_app: Flask) -> None:
    officer, keeper = make_officer(), make_user(Role.WAREHOUSE)
    first = run_with_kit(make_team(officer), officer, level=1)
    second = make_delivery(S.SEALED)
    make_card(second.award)
    clear(second, at=NOW)
    services.schedule(second, first, stop_at(NOW), by=make_user(Role.COORDINATOR), now=NOW)
    dispatch(first, keeper, NOW)
    kits = [kit.id for kit in queries.kits_of(first)]
    desk_worker, run_id = make_user(Role.DESK).id, first.id
    db.session.commit()
    left, lock = iter(kits * (THREADS // 2)), threading.Lock()

    class Seizure:
        def act(self) -> None:
            with lock:
                kit_id = next(left)
            kit = get_or_refuse(Delivery, kit_id)
            move(kit, S.SEIZED, by=get_or_refuse(User, desk_worker), now=NOW)

    db.session.remove()
    ended = together(real_app, Seizure())  # type: ignore[arg-type]

    assert ended == Counter(done=2, refused=THREADS - 2)
    run = queries.get_run(run_id)
    assert (run.state, run.team.value_out_cents, run.team.cap_out_cents) == (RunState.ENDED, 0, None)


def test_lowest_cap_counts_when_the_higher_level_left_first(app: Flask) -> None:
    officer, keeper = make_officer(), make_user(Role.WAREHOUSE)
    team = make_team(officer)
    dispatch(run_with_kit(team, officer, level=3), keeper, NOW)
    # 1,400 in all: still within the cap of level 3.
    dispatch(run_with_kit(team, officer, level=1), keeper, NOW + MINUTE)
    third = run_with_kit(team, officer, level=1)

    with pytest.raises(RuleBroken), db.session.begin_nested():
        dispatch(third, keeper, NOW + 2 * MINUTE)

    db.session.refresh(team)
    assert (team.value_out_cents, team.cap_out_cents) == (140_000, 140_000)


def test_lowest_cap_counts_when_the_higher_level_comes_second(app: Flask) -> None:
    officer, keeper = make_officer(), make_user(Role.WAREHOUSE)
    team = make_team(officer)
    for turn in range(2):
        dispatch(run_with_kit(team, officer, level=1), keeper, NOW + turn * MINUTE)
    dangerous = run_with_kit(team, officer, level=3)

    # 2,100 would be above the 1,400 of level 3.
    with pytest.raises(RuleBroken), db.session.begin_nested():
        dispatch(dangerous, keeper, NOW + 2 * MINUTE)

    db.session.refresh(team)
    assert (team.value_out_cents, team.cap_out_cents) == (140_000, 700_000)


def test_cap_rises_again_when_the_higher_level_is_back(app: Flask) -> None:
    officer, keeper = make_officer(), make_user(Role.WAREHOUSE)
    team = make_team(officer)
    dangerous = run_with_kit(team, officer, level=3)
    dispatch(dangerous, keeper, NOW)
    dispatch(run_with_kit(team, officer, level=1), keeper, NOW + MINUTE)
    (kit,) = queries.kits_of(dangerous)

    bring_back(kit, officer)
    for turn in range(2, 5):
        dispatch(run_with_kit(team, officer, level=1), keeper, NOW + turn * MINUTE)

    db.session.refresh(team)
    assert (team.value_out_cents, team.cap_out_cents) == (280_000, 700_000)


def test_caps_of_another_version_count_at_once(app: Flask) -> None:
    officer, keeper = make_officer(), make_user(Role.WAREHOUSE)
    run = run_with_kit(make_team(officer), officer, level=1)
    levels = {str(level): {**rules.as_json(), "cap_usd": 699} for level, rules in DEFAULT_LEVELS.items()}
    version = ProtocolVersion(
        number=1, levels=levels, note="", created_at=NOW, created_by_id=make_user(Role.ADMINISTRATOR).id
    )
    db.session.add(version)
    db.session.flush()

    with pytest.raises(RuleBroken):
        dispatch(run, keeper, NOW)


def bring_back(kit: Delivery, officer: User) -> None:
    services.turn_back(kit, reason=Reason.ROAD_CLOSED, by=officer, now=NOW)
    bring_home(kit, at=NOW)


def hand_over(one: Carried) -> None:
    at = NOW + timedelta(days=1)
    services.confirm(one.delivery, one.codes(at), key="a-key-of-mine", desk=DESK, by=one.officer, now=at)


def test_value_comes_back_at_handover_return_and_seizure(app: Flask) -> None:
    ways = {
        S.CONFIRMED: hand_over,
        S.SEIZED: lambda one: move(one.delivery, S.SEIZED, by=one.officer, now=NOW),
        S.RETURNED: lambda one: (
            services.nobody_came(one.delivery, by=one.officer, now=NOW),
            bring_back(one.delivery, one.officer),
        ),
    }
    for state, way in ways.items():
        carried = make_carried(at=NOW)
        team = carried.delivery.run.team if carried.delivery.run else None
        assert team is not None
        db.session.refresh(team)
        assert team.value_out_cents == 70_000

        way(carried)  # type: ignore[no-untyped-call]

        db.session.refresh(team)
        assert carried.delivery.state is state
        assert (team.value_out_cents, team.cap_out_cents) == (0, None)
        give_back_value(carried.delivery)  # once only
        db.session.refresh(team)
        assert team.value_out_cents == 0


CAPS = {1: Decimal(7000), 2: Decimal(2800), 3: Decimal(1400)}  # of the protocol


@pytest.mark.parametrize("seed", [1])
def test_counter_is_the_sum_of_what_is_carried_after_any_walk(app: Flask, seed: int) -> None:
    chance, keepers = random.Random(seed), [make_user(Role.WAREHOUSE) for _n in range(2)]
    officers = [make_officer() for _n in range(2)]
    teams = [make_team(officer) for officer in officers]
    waiting = [run_with_kit(teams[n % 2], officers[n % 2], level=1 + n % 3) for n in range(6)]
    out: list[Delivery] = []
    refused = 0

    for turn in range(40):
        at = NOW + turn * MINUTE
        db.session.expire_all()
        if waiting and chance.random() < 0.4:
            run = chance.choice(waiting)
            raise_to_its_level(run, at)
            try:
                with db.session.begin_nested():
                    dispatch(run, keepers[turn % 2], at)
                waiting.remove(run)
                out += queries.kits_of(run)
            except RuleBroken:
                refused += 1
        elif out:
            kit = chance.choice(out)
            step = chance.choice([S.AT_POINT, S.NO_SHOW, S.RETURNING, S.RETURNED, S.HELD, S.SEIZED])
            if kit.can_become(step):
                move(kit, step, by=officers[0], now=at)
        check(teams, out)

    assert refused > 0 or not waiting


def raise_to_its_level(run: Run, at: datetime) -> None:
    """The canton is as it was when the run's kit was cleared."""
    (kit,) = queries.kits_of(run)
    make_snapshot(kit.canton_code, kit.level or 1, at=at)


def check(teams: list[Team], out: list[Delivery]) -> None:
    gone = (S.RETURNED, S.SEIZED)
    db.session.expire_all()
    for balance, team in zip(queries.balances(), teams, strict=True):
        carried = [kit for kit in out if kit.state not in gone and kit.run and kit.run.team_id == team.id]
        assert balance.counted_usd == balance.carried_usd == sum((kit.value_usd for kit in carried), Decimal(0))
        assert team.cap_out_usd == min((CAPS[kit.level or 0] for kit in carried), default=None)
        assert team.cap_out_usd is None or balance.counted_usd <= team.cap_out_usd


def test_check_command_names_a_counter_that_differs(app: Flask) -> None:
    from grants.delivery.runs_cli import group

    carried = make_carried(S.IN_TRANSIT)
    team = carried.delivery.run.team if carried.delivery.run else None
    assert team is not None
    console = app.test_cli_runner()
    right = console.invoke(group, ["check"])
    team.value_out_cents = 69_999
    db.session.flush()

    wrong = console.invoke(group, ["check"])

    assert (right.exit_code, wrong.exit_code) == (0, 1)
    assert f"{team.name}\t699.99\t700.00" in wrong.output


def test_stricter_table_counts_for_what_is_on_the_road_already(app: Flask) -> None:
    first, second = make_officer(), make_officer()
    team, keeper = make_team(first, second), make_user(Role.WAREHOUSE)
    dispatch(run_with_kit(team, first, level=3), keeper, NOW)
    stricter = {**DEFAULT_LEVELS, 3: replace(DEFAULT_LEVELS[3], cap_usd=1399)}
    services.change_levels(stricter, note="Menos", by=make_user(Role.ADMINISTRATOR), now=NOW)
    run = run_with_kit(team, second, level=1)

    # 700 on the road at level 3 and 700 more: a dollar above the new cap.
    assert queries.load_of(run, queries.kits_of(run)).headroom_usd == Decimal(-1)
    with pytest.raises(RuleBroken), db.session.begin_nested():
        dispatch(run, keeper, NOW + MINUTE)
    looser = {**DEFAULT_LEVELS, 3: replace(DEFAULT_LEVELS[3], cap_usd=1400)}
    in_force = {str(level): rules.as_json() for level, rules in looser.items()}
    db.session.add(ProtocolVersion(number=2, levels=in_force, note="", created_at=NOW, created_by_id=keeper.id))
    db.session.flush()
    dispatch(run, keeper, NOW + 2 * MINUTE)

    assert queries.balances()[0].counted_usd == Decimal(1400)


@pytest.mark.parametrize(("raised_to", "leaves"), [(1, True), (2, True), (3, False)])
def test_kits_on_the_road_count_at_the_level_their_canton_was_raised_to(
    app: Flask, raised_to: int, leaves: bool
) -> None:
    first, second = make_officer(), make_officer()
    team, keeper = make_team(first, second), make_user(Role.WAREHOUSE)
    for turn in range(2):  # 1,400 in all
        dispatch(run_with_kit(team, first, level=1), keeper, NOW + turn * MINUTE)
    kit = make_delivery(S.SEALED, award=make_award(canton="2101"))  # of a canton that stays at level 1
    make_card(kit.award)
    clear(kit, at=NOW)
    run = make_run(second, at=NOW, team=team)
    services.schedule(kit, run, stop_at(NOW), by=make_user(Role.COORDINATOR), now=NOW)
    make_snapshot("1001", raised_to, at=NOW, in_force_at=NOW)

    with nullcontext() if leaves else pytest.raises(RuleBroken), db.session.begin_nested():
        dispatch(run, keeper, NOW + 2 * MINUTE)

    # 2,100 is within the 7,000 and the 2,800 of levels 1 and 2, and above the 1,400 of level 3.
    assert queries.balances()[0].counted_usd == Decimal(2100 if leaves else 1400)
