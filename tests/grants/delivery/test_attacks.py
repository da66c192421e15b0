"""Ways around the protocol that were open once: who left a team, planted numbers, midnight, curfews, kits that stay."""

import secrets
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import PROGRAMME_ZONE, local_day, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    MissedCheckIn,
    PhoneCode,
    Reason,
    ReturnCount,
    Run,
    RunState,
    SealState,
    StopAnswer,
    SubstitutionReason,
)
from grants.delivery.queries import checkins
from grants.delivery.queries.stops import Asking
from grants.delivery.services import Assessment, Evidence, Left, ReleaseCodes, substitution
from grants.delivery.services.checkins import open_cases
from grants.delivery.services.clearance import RESCHEDULED
from grants.people.models import ContactKind, ContactPoint
from grants.people.services import ContactFacts, add_contact_point
from tests.factories.access import make_user
from tests.factories.delivery import (
    CHEAP,
    DESK,
    clear,
    make_card,
    make_carried,
    make_confirmed,
    make_delivery,
    make_officer,
    make_run,
    make_team,
    release_to,
    stop_at,
    totp_at,
)
from tests.factories.levels import make_at_point, with_alternate
from tests.factories.outcomes import keeper, make_dispute, sign_return, whole
from tests.factories.people import make_canton
from tests.factories.risk import HOUR, MINUTE, make_held_on_the_road, take
from tests.factories.road import let_go, make_stop, send_out

S = DeliveryState
NOW = datetime(2026, 5, 4, 15, 0, tzinfo=UTC)  # ten in the morning in Guayaquil
CANTON = "1001"


def leave(officer: User) -> None:
    place = queries.member_of(officer)
    assert place is not None
    services.leave_team(officer, place.team, by=make_user(Role.COORDINATOR), now=utcnow())


def test_who_left_the_team_learns_of_no_stop_and_speaks_for_no_run(app: Flask) -> None:
    lead, gone = make_officer(), make_officer()
    stop = make_stop(NOW + MINUTE, officer=lead, team=make_team(lead, gone), at=NOW - HOUR)
    send_out(stop, at=NOW - HOUR)
    assert queries.may_see_place(stop, gone, NOW)
    assert len(checkins.runs_on_the_road(of=gone)) == 1

    leave(gone)

    assert not queries.may_see_place(stop, gone, NOW)
    assert queries.may_see_place(stop, lead, NOW)
    assert checkins.runs_on_the_road(of=gone) == []


def test_who_left_the_team_is_no_second_officer_and_gives_no_control_code(app: Flask) -> None:
    team, now = make_at_point(2), utcnow()
    codes = team.codes(now)
    leave(team.second)

    with pytest.raises(RuleBroken) as refusal:
        services.confirm(
            team.delivery, codes, key=secrets.token_urlsafe(12), desk=DESK, by=team.carried.officer, now=now
        )

    assert refusal.value.field == "second_officer"
    assert team.delivery.state is S.AT_POINT


@pytest.mark.parametrize("still_there", [True, False])
def test_nobody_who_went_out_with_the_kit_gives_its_control_code(app: Flask, still_there: bool) -> None:
    team = make_at_point(3)
    if not still_there:
        leave(team.second)

    with pytest.raises(RuleBroken):
        services.give_control_code(team.delivery, cost=CHEAP, by=team.second, now=utcnow())

    assert len(team.control_code(utcnow())) == 8


def test_run_ends_when_its_last_kit_is_received_held(app: Flask) -> None:
    delivery = make_held_on_the_road()
    run = delivery.run
    assert run is not None

    services.receive_held(delivery, seal_number=delivery.seal_number or "", by=keeper(), now=utcnow())

    db.session.refresh(run)
    assert (run.state, run.ended_at is not None) == (RunState.ENDED, True)
    assert run.id not in {one.run.id for one in checkins.runs_on_the_road()}


def test_run_goes_on_while_another_kit_is_in_the_vehicle(app: Flask) -> None:
    officer, now = make_officer(), utcnow()
    run = make_run(officer, at=now)
    kits = [make_delivery(S.CLEARED) for _n in range(2)]
    for kit in kits:
        make_card(kit.award)
        services.schedule(kit, run, stop_at(now), by=make_user(Role.COORDINATOR), now=now)
    by = keeper()
    services.dispatch(run, ReleaseCodes(totp_at(by, now), totp_at(officer, now)), desk=DESK, by=by, now=now)
    for kit in kits:
        db.session.refresh(kit)
        services.hold(kit, by=make_user(Role.DESK), now=now)

    services.receive_held(kits[0], seal_number=kits[0].seal_number or "", by=keeper(), now=now)
    db.session.refresh(run)
    between = run.state
    services.receive_held(kits[1], seal_number=kits[1].seal_number or "", by=keeper(), now=now)
    db.session.refresh(run)

    assert (between, run.state) == (RunState.OUT, RunState.ENDED)


def resumed(delivery: Delivery, at: datetime) -> None:
    take(delivery.canton_code, 1, at=at)
    permit = services.ask_resume(delivery, by=make_user(Role.DESK), now=at)
    services.sign_resume(permit, by=make_user(Role.DIRECTOR), now=at)


def test_kit_that_came_home_is_released_again_by_the_same_person_and_not_by_its_packer(app: Flask) -> None:
    # At noon: a run does not leave on the day after its own.
    now = datetime.combine(local_day(utcnow()) + timedelta(days=1), time(12), PROGRAMME_ZONE)
    delivery, officer, by = make_delivery(S.SEALED), make_officer(), keeper()
    make_card(delivery.award)
    release_to(delivery, officer, at=now - HOUR)
    first = next(event.by for event in delivery.events if event.to_state is S.IN_TRANSIT)
    assert first is not None
    packer = next(event.by for event in delivery.events if event.to_state is S.PACKED)
    assert packer is not None
    services.hold(delivery, by=make_user(Role.DESK), now=now)
    services.receive_held(delivery, seal_number=delivery.seal_number or "", by=by, now=now)
    resumed(delivery, now + MINUTE)
    out = now + MINUTE
    run = make_run(at=out)
    services.schedule(delivery, run, stop_at(out), by=make_user(Role.COORDINATOR), now=out)

    with pytest.raises(RuleBroken), db.session.begin_nested():
        codes = ReleaseCodes(totp_at(packer, out), totp_at(run.officer, out))
        services.dispatch(run, codes, desk=DESK, by=packer, now=out)
    later = out + MINUTE
    codes = ReleaseCodes(totp_at(first, later), totp_at(run.officer, later))
    services.dispatch(run, codes, desk=DESK, by=first, now=later)

    db.session.refresh(delivery)
    assert (delivery.state, delivery.officer_id) == (S.IN_TRANSIT, run.officer_id)


def test_whoever_raises_a_level_does_not_end_a_curfew(app: Flask) -> None:
    take(CANTON, 1, at=NOW - HOUR, decree="493", curfew_from=time(22), curfew_until=time(5))

    raised = services.raise_level(
        make_canton(CANTON), Assessment(2, "Disparos en el puente"), by=make_user(Role.OFFICER), now=NOW
    )

    assert (raised.curfew_from, raised.curfew_until, raised.decree) == (time(22), time(5), "493")
    assert queries.snapshot_in_force(CANTON, NOW) is raised


@pytest.mark.parametrize(("begins", "leaves"), [(time(20), True), (time(18, 30), False)])
def test_kit_does_not_leave_into_a_curfew_that_became_known_since(app: Flask, begins: time, leaves: bool) -> None:
    stop = make_stop(NOW + HOUR, at=NOW - HOUR)
    stop.window_until = datetime(2026, 5, 5, 0, 0, tzinfo=UTC).isoformat()  # seven in the evening
    db.session.flush()
    take(stop.canton_code, 1, at=NOW, curfew_from=begins, curfew_until=time(5))

    if leaves:
        send_out(stop, at=NOW)
    else:
        with pytest.raises(RuleBroken) as refusal, db.session.begin_nested():
            send_out(stop, at=NOW)
        assert refusal.value.message == RESCHEDULED

    db.session.refresh(stop)
    assert stop.state is (S.IN_TRANSIT if leaves else S.SCHEDULED)


@pytest.mark.parametrize("answer", [None, StopAnswer.RESCHEDULED])
def test_midnight_on_the_road_answers_no_question(app: Flask, answer: StopAnswer | None) -> None:
    evening = datetime(2026, 5, 5, 4, 30, tzinfo=UTC)  # half past eleven at night in Guayaquil
    midnight, lead = evening + 31 * MINUTE, make_officer()
    first = make_stop(evening + MINUTE, officer=lead, at=evening)
    second = make_delivery(S.CLEARED)
    make_card(second.award)
    assert first.run is not None
    services.schedule(second, first.run, stop_at(evening + 2 * MINUTE), by=make_user(Role.COORDINATOR), now=evening)
    send_out(first, at=evening)
    services.arrive(first, by=lead, now=evening + MINUTE)
    first.state, first.confirmed_at = S.CONFIRMED, evening + 2 * MINUTE
    db.session.flush()
    if answer is not None:
        let_go(lead, asked_at=evening + 3 * MINUTE, answer=answer)

    expected = Asking.RESCHEDULED if answer is not None else Asking.MUST_ASK
    assert queries.shown_to(lead, midnight).asking is expected
    assert not queries.may_see_place(second, lead, midnight)


def test_day_after_a_trip_that_came_home_begins_anew(app: Flask) -> None:
    carried = make_carried(at=NOW)
    let_go(carried.officer, asked_at=NOW, answer=StopAnswer.RESCHEDULED)
    services.nobody_came(carried.delivery, by=carried.officer, now=NOW)
    services.turn_back(carried.delivery, reason=Reason.RESCHEDULED, by=carried.officer, now=NOW)

    assert queries.shown_to(carried.officer, NOW + HOUR).asking is Asking.RESCHEDULED
    assert queries.shown_to(carried.officer, NOW + 24 * HOUR).asking is Asking.FREE


def planted(delivery: Delivery, by: User) -> ContactPoint:
    """A number that this user wrote down a month ago."""
    facts = ContactFacts(kind=ContactKind.PHONE, value="0991234567", country="EC")
    point = add_contact_point(delivery.person, facts, by=by, now=NOW - timedelta(days=30))
    db.session.commit()
    return point


@pytest.mark.parametrize("own", [True, False])
def test_code_by_phone_does_not_go_to_a_number_that_the_officer_planted(app: Flask, own: bool) -> None:
    carried = make_carried(at=NOW)
    planted(carried.delivery, carried.officer if own else make_user(Role.ENUMERATOR))

    if own:
        with pytest.raises(RuleBroken):
            services.send_phone_code(carried.delivery, cost=CHEAP, by=carried.officer, now=NOW)
    else:
        services.send_phone_code(carried.delivery, cost=CHEAP, by=carried.officer, now=NOW)

    assert (queries.live_code(PhoneCode, carried.delivery) is None) is own


def test_officer_who_named_the_collector_does_not_carry_to_them(app: Flask) -> None:
    now, officer, delivery = utcnow(), make_officer(), make_delivery(S.SEALED)
    alternate = with_alternate(delivery, at=now - 48 * HOUR)
    alternate.registered_by_id = officer.id
    db.session.refresh(delivery, ["alternate"])
    make_card(delivery.award)

    with pytest.raises(RuleBroken), db.session.begin_nested():
        release_to(delivery, officer, at=now)
    db.session.refresh(delivery)
    assert delivery.carried_since is None
    alternate.registered_by_id = make_user(Role.COORDINATOR).id
    db.session.flush()
    run = make_run(officer, at=now)
    clear(delivery, at=now)
    services.schedule(delivery, run, stop_at(now), by=make_user(Role.COORDINATOR), now=now)
    send_out(delivery, at=now)

    assert delivery.state is S.IN_TRANSIT


def test_device_that_stayed_with_the_person_is_not_missing(app: Flask) -> None:
    carried = make_carried()
    delivery = carried.delivery
    line = delivery.lines[0]
    line.serial_number, line.needs_serial = "SN-WITH-PERSON", True
    delivery.digest = delivery.digest_over(delivery.receiver_folio)
    db.session.flush()
    left = {line.position: Left(with_person=line.quantity)}
    services.partly(delivery, left, reason=Reason.WRONG_GOODS, evidence=Evidence(said="Tomó una parte"),
                    by=carried.officer, now=utcnow())  # fmt: skip
    services.turn_back(delivery, reason=None, by=carried.officer, now=utcnow())
    back = {one.position: 0 if one is line else one.quantity for one in delivery.lines}
    counted = whole(delivery, units=back, seal_state=SealState.BROKEN)
    count: ReturnCount = services.count_back(delivery, counted, reason=Reason.OTHER, by=keeper(), now=utcnow())
    sign_return(delivery, by=keeper(), now=utcnow())

    assert (count.differs, delivery.state) == (False, S.RETURNED)
    assert queries.live_flag("SN-WITH-PERSON") is None


def test_who_planned_a_kit_does_not_agree_to_its_substitution(app: Flask) -> None:
    delivery = make_delivery(S.APPROVED)
    planner = db.session.get(User, delivery.created_by_id)
    assert planner is not None
    line = delivery.lines[0]
    instead = substitution.Instead(line.name, line.quantity, line.unit_price_usd / 2)
    found = substitution.substitute(
        line, instead, next(iter(SubstitutionReason)), percent=Decimal(5), by=make_user(Role.WAREHOUSE), now=utcnow()
    )

    with pytest.raises(RuleBroken):
        substitution.approve_substitution(found, by=planner, now=utcnow())
    substitution.approve_substitution(found, by=make_user(Role.COORDINATOR), now=utcnow())

    assert delivery.value_usd == found.value_after_usd


def test_no_late_run_is_overlooked_behind_many_others(app: Flask) -> None:
    late = make_stop(NOW + HOUR, level=3, at=NOW)
    send_out(late, at=NOW)
    assert late.run is not None
    like = late.run
    db.session.add_all(
        Run(folio=f"R-{number}", team=like.team, vehicle=like.vehicle, officer=like.officer, day=like.day,
            state=RunState.OUT, created_by_id=like.created_by_id, created_at=NOW, dispatched_at=NOW - HOUR)
        for number in range(checkins.MOST_RUNS)
    )  # fmt: skip
    db.session.flush()

    assert open_cases(grace=5 * MINUTE, now=NOW + 21 * MINUTE) == 1
    assert db.session.scalars(select(MissedCheckIn.run_id)).all() == [late.run_id]


def test_team_does_not_read_what_the_person_says_of_it(app: Flask, sign_in: Callable[[User], FlaskClient]) -> None:
    carried = make_confirmed()
    dispute = make_dispute(carried)
    carried.officer.roles = frozenset(Role)
    db.session.commit()
    path = f"/deliveries/disputes/{dispute.id}"

    reader = sign_in(carried.officer)
    said = [reader.get(path), reader.post(f"{path}/propose", data={"outcome": "reconciled", "answer": "Todo bien"})]

    assert [one.status_code for one in said] == [404, 404]
    assert "no recibió nada" not in "".join(one.text for one in said)
    assert "no recibió nada" in sign_in(make_user(Role.COORDINATOR)).get(path).text
