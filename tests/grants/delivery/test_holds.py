"""Holding a delivery or a canton, bringing the kit home, and going on with two signatures."""

from collections.abc import Callable
from datetime import datetime
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import Delivery, DeliveryEvent, DeliveryState, KitLine, Permit, PermitKind, Reason, Run
from grants.delivery.queries import areas, permits, risk
from grants.delivery.services.clearance import RESCHEDULED
from tests.factories.access import make_user
from tests.factories.delivery import DESK, make_card, make_carried, make_delivery, make_run, stop_at, totp_at
from tests.factories.outcomes import bring_home
from tests.factories.people import make_canton
from tests.factories.risk import (
    DAY,
    HOUR,
    MINUTE,
    make_held,
    make_held_on_the_road,
    make_hub,
    make_permit,
    make_resume,
    signed,
    take,
)
from tests.factories.selection import make_award

S = DeliveryState
CANTON = "1001"


def desk() -> User:
    return make_user(Role.DESK)


def director() -> User:
    return make_user(Role.DIRECTOR)


def in_state(state: DeliveryState) -> Delivery:
    return make_carried(state).delivery if state in (S.IN_TRANSIT, S.AT_POINT) else make_delivery(state)


@pytest.mark.parametrize("state", [S.CLEARED, S.SCHEDULED, S.IN_TRANSIT, S.AT_POINT])
def test_desk_holds_and_the_stop_is_gone(app: Flask, state: DeliveryState) -> None:
    delivery = in_state(state)

    services.hold(delivery, by=desk(), now=utcnow())

    assert (delivery.state, delivery.stop_position) == (S.HELD, None)
    assert (delivery.place, delivery.scheduled_for, delivery.window_until) == (None, None, None)
    is_out = state in (S.IN_TRANSIT, S.AT_POINT)
    assert [(delivery.run_id is not None), (delivery.officer_id is not None)] == [is_out, is_out]


@pytest.mark.parametrize("state", [S.PLANNED, S.APPROVED, S.PACKED, S.SEALED])
def test_what_was_not_cleared_is_not_held(app: Flask, state: DeliveryState) -> None:
    delivery = in_state(state)

    with pytest.raises(RuleBroken):
        services.hold(delivery, by=desk(), now=utcnow())

    assert delivery.state is state


def test_area_is_held_at_once_and_no_other(app: Flask) -> None:
    here = [in_state(state) for state in (S.CLEARED, S.SCHEDULED, S.IN_TRANSIT, S.AT_POINT)]
    sealed, elsewhere = make_delivery(S.SEALED), make_delivery(S.CLEARED, award=make_award(canton="2101"))
    now = utcnow()

    held = services.hold_area(make_canton(CANTON), by=desk(), now=now)

    assert held == 4
    assert [one.state for one in here] == [S.HELD] * 4
    assert (sealed.state, elsewhere.state) == (S.SEALED, S.CLEARED)
    assert queries.snapshot_in_force(CANTON, now) is None
    with pytest.raises(RuleBroken):
        services.clear(sealed, by=desk(), now=now)
    assert services.hold_area(make_canton(CANTON), by=desk(), now=now) == 0


def test_reason_of_a_hold_is_the_same_word_whatever_the_cause(app: Flask) -> None:
    by_hand, by_area, by_level, by_job = (make_delivery(S.CLEARED) for _n in range(4))
    now = utcnow()
    services.hold(by_hand, by=desk(), now=now)
    by_level.level, by_job.level = 1, 1
    by_area.canton_code = make_canton("1004").code
    by_job.canton_code = make_canton("2105").code
    db.session.flush()
    services.hold_area(make_canton("1004"), by=desk(), now=now)
    take(CANTON, 2, at=now)
    services.hold_unknown(now=now)

    events = db.session.scalars(select(DeliveryEvent).where(DeliveryEvent.to_state == S.HELD)).all()

    assert {one.delivery_id for one in events} == {by_hand.id, by_area.id, by_level.id, by_job.id}
    assert {(one.reason, one.duty, one.from_state) for one in events} == {(Reason.RESCHEDULED, None, S.CLEARED)}


def test_timed_job_holds_where_nothing_is_known_and_twice_is_once(app: Flask) -> None:
    cleared, scheduled = make_delivery(S.CLEARED), make_delivery(S.SCHEDULED)
    carried, now = make_carried(S.IN_TRANSIT).delivery, utcnow()

    before = services.hold_unknown(now=now)
    late = [services.hold_unknown(now=now + 30 * DAY) for _n in range(2)]

    assert (before, late) == (0, [2, 0])
    assert [one.state for one in (cleared, scheduled, carried)] == [S.HELD, S.HELD, S.IN_TRANSIT]
    last = db.session.scalars(select(DeliveryEvent).order_by(DeliveryEvent.id.desc())).first()
    assert last is not None
    assert (last.by_id, last.to_state) == (None, S.HELD)


def test_officer_brings_a_held_kit_back_and_the_value_is_given_back(app: Flask) -> None:
    carried = make_carried(S.AT_POINT)
    delivery, team_run = carried.delivery, carried.delivery.run
    assert team_run is not None
    services.hold(delivery, by=desk(), now=utcnow())
    db.session.refresh(team_run.team)
    assert team_run.team.value_out_cents == int(delivery.value_usd * 100)

    services.turn_back(delivery, reason=None, by=carried.officer, now=utcnow())
    bring_home(delivery, reason=Reason.OTHER)

    db.session.refresh(team_run.team)
    assert (delivery.state, team_run.team.value_out_cents, team_run.team.cap_out_cents) == (S.RETURNED, 0, None)


def test_warehouse_receives_a_held_kit_sealed_once(app: Flask) -> None:
    delivery = make_held_on_the_road()
    team, seal, lines = delivery.run.team, delivery.seal_number or "", len(delivery.lines)  # type: ignore[union-attr]

    services.receive_held(delivery, seal_number=f" {seal.lower()} ", by=make_user(Role.WAREHOUSE), now=utcnow())

    db.session.refresh(team)
    assert (delivery.state, delivery.carried_since, delivery.run_id, delivery.officer_id) == (S.HELD, None, None, None)
    assert (team.value_out_cents, team.cap_out_cents) == (0, None)
    assert (delivery.seal_number, len(delivery.lines)) == (seal, lines)
    with pytest.raises(RuleBroken):
        services.receive_held(delivery, seal_number=seal, by=make_user(Role.WAREHOUSE), now=utcnow())
    db.session.refresh(team)
    assert team.value_out_cents == 0


def test_kit_with_another_seal_or_from_its_own_officer_is_not_received(app: Flask) -> None:
    delivery = make_held_on_the_road()
    officer = delivery.officer
    assert officer is not None

    with pytest.raises(RuleBroken) as refusal:
        services.receive_held(delivery, seal_number="PR-OTHER", by=make_user(Role.WAREHOUSE), now=utcnow())
    with pytest.raises(RuleBroken):
        services.receive_held(delivery, seal_number=delivery.seal_number or "", by=officer, now=utcnow())

    assert refusal.value.field == "seal_number"
    assert delivery.carried_since is not None


def test_held_kit_is_received_by_nobody_of_the_team_that_carried_it(app: Flask) -> None:
    delivery = make_held_on_the_road()
    mate, seal = make_user(Role.OFFICER, Role.WAREHOUSE), delivery.seal_number or ""
    services.join_team(mate, delivery.run.team, by=make_user(Role.COORDINATOR), now=utcnow())  # type: ignore[union-attr]

    with pytest.raises(RuleBroken):
        services.receive_held(delivery, seal_number=seal, by=mate, now=utcnow())
    assert delivery.carried_since is not None
    services.receive_held(delivery, seal_number=seal, by=make_user(Role.WAREHOUSE), now=utcnow())

    assert delivery.carried_since is None


def test_held_kit_on_the_road_is_neither_cancelled_nor_resumed(app: Flask) -> None:
    delivery = make_held_on_the_road()
    now = utcnow() + MINUTE
    take(delivery.canton_code, 1, at=now)

    with pytest.raises(RuleBroken):
        services.cancel(delivery, reason=Reason.OTHER, by=make_user(Role.COORDINATOR), now=now)
    with pytest.raises(RuleBroken):
        services.ask_resume(delivery, by=desk(), now=now)

    assert delivery.state is S.HELD
    assert db.session.scalar(select(func.count()).select_from(Permit)) == 0


def test_serials_stay_in_the_held_kit(app: Flask) -> None:
    delivery = make_delivery(S.CLEARED)
    delivery.lines[0].live_serial = "SN-1"
    db.session.flush()
    services.hold(delivery, by=desk(), now=utcnow())

    with pytest.raises(IntegrityError), db.session.begin_nested():
        make_delivery(S.PLANNED).lines[0].live_serial = "SN-1"
        db.session.flush()

    kept = db.session.scalars(select(KitLine.delivery_id).where(KitLine.live_serial == "SN-1")).all()
    assert kept == [delivery.id]


def test_desk_and_director_resume_under_a_snapshot_taken_after_the_hold(app: Flask) -> None:
    now = utcnow()
    delivery = make_held(at=now)
    old = (delivery.digest, delivery.risk_snapshot_id)

    with pytest.raises(RuleBroken):
        services.ask_resume(delivery, by=desk(), now=now + MINUTE)
    taken = take(CANTON, 2, at=now + MINUTE)
    permit = services.ask_resume(delivery, by=desk(), now=now + 2 * MINUTE)
    assert delivery.state is S.HELD
    services.sign_resume(permit, by=director(), now=now + 3 * MINUTE)

    assert (delivery.state, delivery.risk_snapshot_id, delivery.level) == (S.CLEARED, taken.id, 2)
    assert delivery.digest == delivery.digest_over(delivery.person.folio)
    assert delivery.digest != old[0]
    assert delivery.seal_number is not None


def test_snapshot_of_the_very_moment_of_the_hold_is_not_enough(app: Flask) -> None:
    now = utcnow()
    delivery = make_held(at=now)
    take(CANTON, 1, at=now)

    with pytest.raises(RuleBroken):
        services.ask_resume(delivery, by=desk(), now=now + MINUTE)


def test_one_person_does_not_resume_alone(app: Flask) -> None:
    now, both = utcnow(), make_user(Role.DESK, Role.DIRECTOR)
    delivery = make_held(at=now)
    take(CANTON, 1, at=now + MINUTE)
    permit = services.ask_resume(delivery, by=both, now=now + 2 * MINUTE)

    with pytest.raises(RuleBroken):
        services.sign_resume(permit, by=both, now=now + 3 * MINUTE)
    with pytest.raises(IntegrityError), db.session.begin_nested():
        permit.signed_by_id, permit.signed_at = both.id, now
        db.session.flush()

    assert delivery.state is S.HELD


def test_resume_asked_under_one_snapshot_is_not_signed_under_another(app: Flask) -> None:
    now = utcnow()
    permit = make_resume(at=now)
    take(CANTON, 2, at=now + 3 * MINUTE)

    with pytest.raises(RuleBroken):
        services.sign_resume(permit, by=director(), now=now + 4 * MINUTE)

    assert permit.delivery.state is S.HELD
    again = services.ask_resume(permit.delivery, by=desk(), now=now + 5 * MINUTE)
    services.sign_resume(again, by=director(), now=now + 6 * MINUTE)
    assert permit.delivery.state is S.CLEARED


def test_same_resume_is_asked_once_and_signed_once(app: Flask) -> None:
    now = utcnow()
    permit = make_resume(at=now)
    with pytest.raises(RuleBroken):
        services.ask_resume(permit.delivery, by=desk(), now=now + HOUR)
    services.sign_resume(permit, by=director(), now=now + HOUR)

    with pytest.raises(RuleBroken):
        services.sign_resume(permit, by=director(), now=now + HOUR)

    assert permit.delivery.state is S.CLEARED


def test_held_delivery_is_not_cleared_by_the_desk_alone(app: Flask) -> None:
    now = utcnow()
    delivery = make_held(at=now)
    take(CANTON, 1, at=now + MINUTE)

    with pytest.raises(RuleBroken):
        services.clear(delivery, by=desk(), now=now + 2 * MINUTE)

    assert delivery.state is S.HELD


def test_resumed_kit_goes_out_again(app: Flask) -> None:
    now = utcnow()
    delivery = make_held_on_the_road(at=now)
    services.receive_held(delivery, seal_number=delivery.seal_number or "", by=make_user(Role.WAREHOUSE), now=now)
    take(CANTON, 1, at=now + MINUTE)
    permit = services.ask_resume(delivery, by=desk(), now=now + MINUTE)
    services.sign_resume(permit, by=director(), now=now + MINUTE)
    out = now + DAY
    run: Run = make_run(at=out)
    services.schedule(delivery, run, stop_at(out), by=make_user(Role.COORDINATOR), now=out)
    keeper = make_user(Role.WAREHOUSE)

    codes = services.ReleaseCodes(totp_at(keeper, out), totp_at(run.officer, out))
    services.dispatch(run, codes, desk=DESK, by=keeper, now=out)

    db.session.refresh(delivery)
    db.session.refresh(run.team)
    assert (delivery.state, delivery.officer_id) == (S.IN_TRANSIT, run.officer_id)
    assert Decimal(run.team.value_out_cents) / 100 == delivery.value_usd


def level_3(at: datetime) -> Delivery:
    delivery = make_delivery(S.SEALED)
    take(delivery.canton_code, 3, at=at)
    return delivery


def test_level_three_holds_by_default(app: Flask) -> None:
    delivery = level_3(utcnow() - MINUTE)

    with pytest.raises(RuleBroken):
        services.clear(delivery, by=desk(), now=utcnow())

    assert (delivery.state, delivery.level) == (S.SEALED, None)


def test_level_three_is_cleared_for_a_hub_whose_place_it_gets(app: Flask) -> None:
    now = utcnow()
    delivery, hub = level_3(now - MINUTE), make_hub()

    services.choose_hub(delivery, hub, by=desk(), now=now)
    services.clear(delivery, by=desk(), now=now)
    services.schedule(delivery, make_run(at=now), stop_at(now), by=make_user(Role.COORDINATOR), now=now)

    assert (delivery.state, delivery.level) == (S.SCHEDULED, 3)
    assert delivery.place == f"{hub.name}. Av. Siempre Viva 742"
    row = db.session.execute(Delivery.__table__.select().where(Delivery.id == delivery.id)).mappings().one()
    assert "Siempre" not in str(row)


def test_level_three_is_cleared_for_the_field_with_two_signatures(app: Flask) -> None:
    now = utcnow()
    delivery = level_3(now - MINUTE)
    permit = services.ask_field(delivery, by=desk(), now=now)
    with pytest.raises(RuleBroken):
        services.clear(delivery, by=desk(), now=now)

    services.sign_permit(permit, by=director(), now=now)
    services.clear(delivery, by=desk(), now=now)

    assert (delivery.state, delivery.level) == (S.CLEARED, 3)


def test_permission_of_an_earlier_snapshot_does_not_clear(app: Flask) -> None:
    now = utcnow()
    delivery = level_3(now - HOUR)
    signed(services.ask_field(delivery, by=desk(), now=now - HOUR), at=now - HOUR)
    take(CANTON, 3, at=now)

    with pytest.raises(RuleBroken):
        services.clear(delivery, by=desk(), now=now)

    assert delivery.state is S.SEALED


def test_new_snapshot_of_the_same_level_ends_what_was_signed_under_the_one_before(app: Flask) -> None:
    now = utcnow()
    cleared, scheduled = make_delivery(S.CLEARED, level=3), make_delivery(S.SCHEDULED, level=3)
    on_the_road = make_carried(level=3).delivery
    at_a_hub = make_delivery(S.SEALED)
    services.choose_hub(at_a_hub, make_hub(), by=desk(), now=now)
    services.clear(at_a_hub, by=desk(), now=now)

    take(CANTON, 3, at=now + MINUTE)

    assert [one.state for one in (cleared, scheduled, at_a_hub)] == [S.HELD, S.HELD, S.CLEARED]
    services.refuse_unless_current(at_a_hub, now=now + MINUTE)
    with pytest.raises(RuleBroken) as refusal:
        services.refuse_unless_current(on_the_road, now=now + MINUTE)
    assert (refusal.value.message, on_the_road.state) == (RESCHEDULED, S.AT_POINT)


def test_desk_reads_that_a_kit_on_the_road_lost_its_permission(
    app: Flask, sign_in: Callable[[User], FlaskClient]
) -> None:
    make_carried(level=3)
    client, address = sign_in(desk()), f"/deliveries/risk/areas/{CANTON}"
    words = ("Without a permission", "Sin permiso")
    assert not any(word in client.get(address).text for word in words)

    take(CANTON, 3, at=utcnow())

    assert any(word in client.get(address).text for word in words)


def test_level_three_without_a_way_is_not_scheduled_or_dispatched(app: Flask) -> None:
    now = utcnow()
    cleared, scheduled = make_delivery(S.CLEARED, level=3), make_delivery(S.SCHEDULED, level=3)
    make_card(scheduled.award)
    db.session.execute(Permit.__table__.delete())
    run, keeper = scheduled.run, make_user(Role.WAREHOUSE)
    assert run is not None
    codes = services.ReleaseCodes(totp_at(keeper, now), totp_at(run.officer, now))
    steps: list[Callable[[], None]] = [
        lambda: services.schedule(cleared, make_run(), stop_at(now), by=make_user(Role.COORDINATOR), now=now),
        lambda: services.dispatch(run, codes, desk=DESK, by=keeper, now=now),
    ]

    for step in steps:
        with pytest.raises(RuleBroken) as refusal:
            step()
        assert refusal.value.message == RESCHEDULED

    assert (cleared.state, scheduled.state) == (S.CLEARED, S.SCHEDULED)


def test_field_permission_needs_two_people_and_a_level_that_holds(app: Flask) -> None:
    now, both = utcnow(), make_user(Role.DESK, Role.DIRECTOR)
    delivery = level_3(now - MINUTE)
    permit = services.ask_field(delivery, by=both, now=now)

    with pytest.raises(RuleBroken):
        services.sign_permit(permit, by=both, now=now)
    with pytest.raises(RuleBroken):
        services.ask_field(delivery, by=desk(), now=now)
    calm = make_delivery(S.SEALED, award=make_award(canton="2101"))
    take("2101", 1, at=now)
    with pytest.raises(RuleBroken):
        services.ask_field(calm, by=desk(), now=now)

    assert permit.signed_at is None
    assert permits.permits_to_sign(now) == [permit]


def test_hub_of_another_canton_and_after_clearance_is_refused(app: Flask) -> None:
    sealed, cleared, hub = make_delivery(S.SEALED), make_delivery(S.CLEARED), make_hub("2101")

    with pytest.raises(RuleBroken) as refusal:
        services.choose_hub(sealed, hub, by=desk(), now=utcnow())
    with pytest.raises(RuleBroken):
        services.choose_hub(cleared, None, by=desk(), now=utcnow())

    assert refusal.value.field == "hub"
    assert (sealed.hub_id, cleared.hub_id) == (None, None)


def test_ended_hub_is_offered_no_more(app: Flask) -> None:
    kept, ended = make_hub(), make_hub()
    services.end_hub(ended, by=desk(), now=utcnow())

    with pytest.raises(RuleBroken):
        services.end_hub(ended, by=desk(), now=utcnow())
    with pytest.raises(RuleBroken):
        services.add_hub(make_canton(CANTON), name=kept.name, address="x", by=desk(), now=utcnow())

    assert risk.hubs(canton_code=CANTON) == [kept]


def test_several_are_cleared_together_or_not_at_all(app: Flask) -> None:
    now = utcnow()
    first, second = make_delivery(S.SEALED), make_delivery(S.SEALED)
    elsewhere = make_delivery(S.SEALED, award=make_award(canton="2101"))
    take(CANTON, 1, at=now)

    with pytest.raises(RuleBroken) as refusal, db.session.begin_nested():
        services.clear_all([first, second, elsewhere], by=desk(), now=now)
    assert str(refusal.value.message).startswith(elsewhere.folio)
    db.session.expire_all()
    assert {one.state for one in (first, second, elsewhere)} == {S.SEALED}
    services.clear_all([first, second], by=desk(), now=now)

    assert {first.state, second.state} == {S.CLEARED}
    with pytest.raises(RuleBroken):
        services.clear_all([], by=desk(), now=now)


def test_permits_to_sign_are_those_that_still_matter(app: Flask) -> None:
    now = utcnow()
    resume = make_resume(at=now)
    gone, expired = make_permit(at=now + 3 * MINUTE), resume.snapshot.expires_at
    services.cancel(gone.delivery, reason=Reason.OTHER, by=make_user(Role.COORDINATOR), now=now)

    assert permits.permits_to_sign(now + 5 * MINUTE) == [resume]
    assert permits.permits_to_sign(expired) == []
    assert PermitKind(gone.kind) is PermitKind.FIELD
    assert areas.held_at([resume.delivery]) == {resume.delivery_id: now}
