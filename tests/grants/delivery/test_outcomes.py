"""At the point and back: what is written down, who may, and what a refusal leaves as it was."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from grants.access.permissions import Role
from grants.calls.models import CallKind
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    FlagReason,
    Incident,
    IncidentKind,
    LineOutcome,
    Reason,
    ReturnCount,
    RoadOutcome,
    SealState,
    SubstitutionReason,
    Team,
)
from grants.delivery.queries import goods
from grants.delivery.services import Evidence, Left, ReleaseCodes, recipes, stock, substitution
from grants.delivery.services.substitution import Instead
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import (
    DESK,
    clear,
    make_card,
    make_carried,
    make_delivery,
    make_officer,
    make_run,
    make_team,
    release_to,
    stop_at,
    totp_at,
)
from tests.factories.goods import make_item, make_kit, make_lot, make_recipe, on_hand, pack
from tests.factories.outcomes import keeper, make_returning, sign_return, whole
from tests.factories.people import make_canton
from tests.factories.selection import make_award

S = DeliveryState
SAID = Evidence(said="Faltaba un quintal")


def count_of(table: type[Any]) -> int:
    return db.session.scalar(select(func.count()).select_from(table)) or 0


def value_out(delivery: Delivery) -> int:
    assert delivery.run is not None
    return db.session.scalar(select(Team.value_out_cents).where(Team.id == delivery.run.team_id)) or 0


def device_award() -> Any:
    return make_award(call=make_call(kind=CallKind.DEVICES))


def partly(carried: Any, left: dict[int, Left], **changed: Any) -> Incident:
    given = {"reason": Reason.SOME_MISSING, "evidence": SAID, "by": carried.officer, "now": utcnow(), **changed}
    return services.partly(carried.delivery, left, **given)


def test_nobody_came_keeps_how_long_the_officer_waited(app: Flask) -> None:
    carried = make_carried()

    services.nobody_came(carried.delivery, evidence=Evidence(30, 2, "Llovía"), by=carried.officer, now=utcnow())

    seen = queries.road_outcome(carried.delivery)
    assert seen is not None
    assert (seen.state, seen.waited_minutes, seen.calls, seen.said) == (S.NO_SHOW, 30, 2, "Llovía")
    assert b"Llov" not in bytes(seen.said_sealed)  # type: ignore[attr-defined]
    assert carried.card.used_at is None


@pytest.mark.parametrize("verb", ["nobody_came", "refused", "partly", "taken"])
def test_only_the_carrying_officer_says_what_happened(app: Flask, verb: str) -> None:
    carried, stranger = make_carried(), make_officer()
    more: dict[str, Any] = {
        "nobody_came": {}, "refused": {"reason": Reason.DAMAGED}, "taken": {"said": "Nos pararon"},
        "partly": {"left": {1: Left(missing=1)}, "reason": Reason.SOME_MISSING, "evidence": SAID},
    }[verb]  # fmt: skip

    with pytest.raises(RuleBroken):
        getattr(services, verb)(carried.delivery, by=stranger, now=utcnow(), **more)

    assert carried.delivery.state is S.AT_POINT
    assert (count_of(RoadOutcome), count_of(Incident), count_of(LineOutcome)) == (0, 0, 0)


def test_partial_handover_opens_an_incident_and_uses_nothing_up(app: Flask) -> None:
    carried = make_carried()
    out = value_out(carried.delivery)

    incident = partly(carried, {2: Left(with_person=3, missing=1)})

    assert carried.delivery.state is S.PARTIAL
    assert (incident.kind, incident.delivery_id) == (IncidentKind.LOST_KIT, carried.delivery.id)
    kept = {
        one.line.position: (one.with_person, one.missing) for one in queries.line_outcomes(carried.delivery).values()
    }
    assert kept == {2: (3, 1)}
    assert carried.card.used_at is None
    assert value_out(carried.delivery) == out > 0


@pytest.mark.parametrize(
    "left",
    [{}, {1: Left(missing=2)}, {1: Left(1, 1)}, {1: Left(-1)}, {1: Left(1), 2: Left(10), 3: Left(1)}],
    ids=["nothing", "more than there is", "both more than there is", "negative", "everything with the person"],
)
def test_partial_handover_that_cannot_be_is_refused(app: Flask, left: dict[int, Left]) -> None:
    carried = make_carried()

    with pytest.raises(RuleBroken):
        partly(carried, left)

    assert carried.delivery.state is S.AT_POINT
    assert (count_of(Incident), count_of(LineOutcome)) == (0, 0)


def test_what_stayed_with_the_person_is_counted_and_left_out_of_the_next_kit(app: Flask) -> None:
    carried = make_carried()
    delivery, back = carried.delivery, keeper()
    partly(carried, {1: Left(with_person=1), 2: Left(with_person=3, missing=1)})
    services.turn_back(delivery, reason=None, by=carried.officer, now=utcnow())
    found = whole(delivery, units={1: 0, 2: 6, 3: 1}, seal_state=SealState.BROKEN)

    services.count_back(delivery, found, reason=Reason.SOME_MISSING, by=back, now=utcnow())
    sign_return(delivery, by=keeper(), now=utcnow())

    # Of ten sacks three stayed, six came back: one of USD 15.50 is nowhere. The oven stayed, the scales came back.
    lost = {
        one.line.position: (one.unaccounted, one.unaccounted_usd) for one in queries.line_outcomes(delivery).values()
    }
    assert lost == {1: (0, Decimal(0)), 2: (1, Decimal("15.50")), 3: (0, Decimal(0))}
    assert delivery.state is S.RETURNED
    assert value_out(delivery) == 0
    # The count agrees with what the officer wrote, so that the first incident is the only one.
    assert count_of(Incident) == 1
    again = make_delivery(award=delivery.award)
    assert [(line.position, line.name, line.quantity) for line in again.lines] == [
        (1, "Quintal de harina", 7), (2, "Balanza digital", 1),
    ]  # fmt: skip
    assert again.value_usd == 7 * Decimal("15.50") + Decimal("95.00")


def bring_back_rest(delivery: Delivery, officer: Any, left: dict[int, Left]) -> None:
    """A part stays with the person; the rest comes back and is counted whole."""
    services.partly(delivery, left, reason=Reason.DID_NOT_WANT, evidence=SAID, by=officer, now=utcnow())
    services.turn_back(delivery, reason=None, by=officer, now=utcnow())
    units = {one.position: one.quantity - left.get(one.position, Left()).with_person for one in delivery.lines}
    counted = whole(delivery, units=units, seal_state=SealState.BROKEN)
    services.count_back(delivery, counted, reason=Reason.DID_NOT_WANT, by=keeper(), now=utcnow())
    sign_return(delivery, by=keeper(), now=utcnow())


def make_recipe_kit_that_came_back(award: Any) -> None:
    """A recipe's kit of 650.00, of which the machine of 600.00 stayed with the person."""
    machine = make_item("Máquina industrial", reference_price_usd=Decimal("600.00"))
    thread = make_item("Hilo", reference_price_usd=Decimal("10.00"))
    make_lot(machine, 1)
    make_lot(thread, 5)
    delivery, officer = make_kit((machine, 1), (thread, 5), award=award), make_officer()
    pack(delivery)
    services.seal(delivery, seal_number="PR-77", weight_grams=900, by=keeper(), now=utcnow())
    make_card(award)
    release_to(delivery, officer)
    services.arrive(delivery, by=officer, now=utcnow())
    bring_back_rest(delivery, officer, {1: Left(with_person=1)})


def test_two_kits_of_other_articles_never_pass_the_award_together(app: Flask) -> None:
    award = make_award()
    make_recipe_kit_that_came_back(award)

    again = services.plan_delivery(award, by=make_user(Role.COORDINATOR), now=utcnow())

    # 700.00 less the machine's 600.00. Of the list the oven costs 450.00; six sacks of 15.50 fit into 100.00.
    assert again.ceiling_usd == Decimal("100.00")
    assert [(line.position, line.name, line.quantity) for line in again.lines] == [(1, "Quintal de harina", 6)]
    assert again.value_usd == Decimal("93.00")


def test_recipe_and_substitution_stay_under_what_is_left_of_the_award(app: Flask) -> None:
    award, sack = make_award(), make_item(reference_price_usd=Decimal("30.00"))
    make_recipe_kit_that_came_back(award)

    again = make_kit((sack, 5), award=award)
    line = again.lines[0]
    with pytest.raises(RuleBroken):
        substitution.substitute(line, Instead(line.name, 1, Decimal("100.01")), SubstitutionReason.OTHER,
                                percent=Decimal(100), by=keeper(), now=utcnow())  # fmt: skip

    assert [(one.quantity, one.total_usd) for one in again.lines] == [(3, Decimal("90.00"))]
    assert (again.value_usd, again.ceiling_usd) == (Decimal("90.00"), Decimal("100.00"))


def test_kit_of_which_nothing_fits_is_not_planned(app: Flask) -> None:
    award, oven = make_award(), make_item(reference_price_usd=Decimal("100.01"))
    make_recipe_kit_that_came_back(award)

    with pytest.raises(RuleBroken):
        recipes.plan_by_recipe(award, make_recipe((oven, 1)), by=make_user(Role.COORDINATOR), now=utcnow())

    assert queries.live_delivery(award.id) is None


def test_kit_is_counted_by_one_and_signed_by_another(app: Flask) -> None:
    carried = make_returning()
    delivery, first = carried.delivery, keeper()

    with pytest.raises(RuleBroken):
        sign_return(delivery, by=first, now=utcnow())
    services.count_back(delivery, whole(delivery), reason=Reason.NOBODY_CAME, by=first, now=utcnow())
    for refused in (first, carried.officer):
        with pytest.raises(RuleBroken):
            sign_return(delivery, by=refused, now=utcnow())
    assert delivery.state is S.RETURNING
    sign_return(delivery, by=keeper(), now=utcnow())

    assert delivery.state is S.RETURNED
    assert count_of(Incident) == 0
    assert make_delivery(award=delivery.award).state is S.PLANNED


def test_count_can_be_thrown_away_by_who_does_not_agree(app: Flask) -> None:
    delivery = make_returning().delivery
    services.count_back(delivery, whole(delivery), reason=Reason.OTHER, by=keeper(), now=utcnow())

    with pytest.raises(RuleBroken):
        services.count_back(delivery, whole(delivery), reason=Reason.OTHER, by=keeper(), now=utcnow())
    services.count_again(delivery, by=keeper(), now=utcnow())

    assert queries.return_count(delivery) is None
    services.count_back(delivery, whole(delivery), reason=Reason.OTHER, by=keeper(), now=utcnow())
    assert count_of(ReturnCount) == 1


def test_whole_team_neither_counts_nor_signs(app: Flask) -> None:
    officer, mate = make_officer(), make_officer()
    carried = make_carried(officer=officer, team=make_team(officer, mate))
    delivery = carried.delivery
    services.nobody_came(delivery, by=officer, now=utcnow())
    services.turn_back(delivery, reason=None, by=officer, now=utcnow())

    for one in (officer, mate):
        with pytest.raises(RuleBroken):
            services.count_back(delivery, whole(delivery), reason=Reason.OTHER, by=one, now=utcnow())

    assert queries.return_count(delivery) is None


@pytest.mark.parametrize(
    "found",
    [
        {"units": {1: 1, 2: 9, 3: 1}},
        {"seal_state": SealState.BROKEN},
        {"seal_state": SealState.GONE, "units": {1: 0, 2: 0, 3: 0}},
    ],
    ids=["a sack less", "broken seal", "nothing came back"],
)
def test_difference_must_be_said_twice_and_opens_an_incident(app: Flask, found: dict[str, Any]) -> None:
    delivery = make_returning().delivery
    for more in ({}, {"really_differs": True}, {"note": "Roto"}):
        with pytest.raises(RuleBroken):
            services.count_back(
                delivery, whole(delivery, **found, **more), reason=Reason.OTHER, by=keeper(), now=utcnow()
            )
    assert count_of(ReturnCount) == 0
    said = {**found, "really_differs": True, "note": "Roto en la esquina"}

    services.count_back(delivery, whole(delivery, **said), reason=Reason.OTHER, by=keeper(), now=utcnow())
    assert count_of(Incident) == 0
    sign_return(delivery, by=keeper(), now=utcnow())

    assert delivery.state is S.RETURNED
    assert [one.kind for one in db.session.scalars(select(Incident))] == [IncidentKind.LOST_KIT]


@pytest.mark.parametrize("found", [{"seal_number": "PR-OTHER"}, {"seal_number": ""}, {"units": {1: 2, 2: 10, 3: 1}},
                                   {"units": {}}, {"units": {1: -1, 2: 10, 3: 1}}])  # fmt: skip
def test_count_that_cannot_be_is_refused_however_it_is_marked(app: Flask, found: dict[str, Any]) -> None:
    delivery = make_returning().delivery

    with pytest.raises(RuleBroken):
        marked = whole(delivery, **found, really_differs=True, note="Así es")
        services.count_back(delivery, marked, reason=Reason.OTHER, by=keeper(), now=utcnow())

    assert count_of(ReturnCount) == 0


def test_another_device_in_the_box_is_a_difference(app: Flask) -> None:
    delivery = make_returning(device_award()).delivery

    with pytest.raises(RuleBroken):
        services.count_back(
            delivery, whole(delivery, serials={1: "SN-FALSE"}), reason=Reason.OTHER, by=keeper(), now=utcnow()
        )

    assert count_of(ReturnCount) == 0


def test_device_that_came_back_instead_of_another_is_no_stock(app: Flask) -> None:
    tablet = make_item("Tableta", needs_serial=True, reference_price_usd=Decimal("300.00"))
    lot = make_lot(tablet, 1)
    stock.register_devices(lot, [("AAA1", "")], by=keeper(), now=utcnow())
    delivery, officer = make_kit((tablet, 1)), make_officer()
    pack(delivery, serials={1: "AAA1"})
    services.seal(delivery, seal_number="PR-78", weight_grams=900, by=keeper(), now=utcnow())
    make_card(delivery.award)
    release_to(delivery, officer)
    services.turn_back(delivery, reason=Reason.ROAD_CLOSED, by=officer, now=utcnow())

    other = whole(delivery, serials={1: " zzz9"}, seal_state=SealState.BROKEN, really_differs=True, note="Otra tableta")
    services.count_back(delivery, other, reason=Reason.OTHER, by=keeper(), now=utcnow())
    sign_return(delivery, by=keeper(), now=utcnow())

    (outcome,) = queries.line_outcomes(delivery).values()
    assert (outcome.came_back, outcome.unaccounted, outcome.read_serial) == (0, 1, "ZZZ9")
    assert on_hand(lot) == 0
    assert [(flag.serial_number, flag.why) for flag in queries.flags()] == [("AAA1", FlagReason.MISSING)]
    assert [unit.serial_number for unit in goods.devices_of(lot)] == ["AAA1"]


def test_device_that_did_not_come_back_goes_into_no_other_kit(app: Flask) -> None:
    delivery = make_returning(device_award()).delivery
    serial = delivery.lines[0].serial_number or ""
    gone = whole(delivery, units={1: 0}, serials={}, really_differs=True, note="La caja estaba vacía")
    services.count_back(delivery, gone, reason=Reason.OTHER, by=keeper(), now=utcnow())
    sign_return(delivery, by=keeper(), now=utcnow())
    other = make_delivery(S.APPROVED, award=device_award())

    with pytest.raises(RuleBroken):
        services.pack(other, counted={1: 1}, serials={1: serial.lower()}, by=keeper(), now=utcnow())
    assert other.state is S.APPROVED
    flag = queries.flags(serial)[0]
    assert (flag.why, flag.delivery_id) == (FlagReason.MISSING, delivery.id)
    services.lift_flag(flag, by=make_user(Role.DESK), now=utcnow())
    with pytest.raises(RuleBroken):
        services.lift_flag(flag, by=make_user(Role.DESK), now=utcnow())
    services.pack(other, counted={1: 1}, serials={1: serial}, by=keeper(), now=utcnow())

    assert other.state is S.PACKED


def test_taken_kit_flags_its_devices_and_leaves_the_award_free(app: Flask) -> None:
    carried = make_carried(S.IN_TRANSIT, award=device_award())
    delivery, serial = carried.delivery, carried.delivery.lines[0].serial_number or ""

    incident = services.taken(delivery, said="Dos motos nos pararon", by=carried.officer, now=utcnow())

    assert delivery.state is S.SEIZED
    assert value_out(delivery) == 0
    assert (incident.kind, incident.said) == (IncidentKind.SEIZURE, "Dos motos nos pararon")
    assert [(flag.serial_number, flag.why) for flag in queries.flags()] == [(serial, FlagReason.SEIZED)]
    assert make_delivery(award=delivery.award).state is S.PLANNED


def test_desk_says_that_a_kit_was_taken_and_others_do_not(app: Flask) -> None:
    carried = make_carried()
    for role in (Role.COORDINATOR, Role.WAREHOUSE, Role.MONITORING, Role.DIRECTOR):
        with pytest.raises(RuleBroken):
            services.taken(carried.delivery, said="Se lo llevaron", by=make_user(role), now=utcnow())
    with pytest.raises(RuleBroken):
        services.taken(carried.delivery, said="  ", by=make_user(Role.DESK), now=utcnow())
    assert carried.delivery.state is S.AT_POINT

    services.taken(carried.delivery, said="Se lo llevaron", by=make_user(Role.DESK), now=utcnow())

    assert carried.delivery.state is S.SEIZED


def test_everything_in_the_vehicle_is_taken_at_once(app: Flask) -> None:
    officer = make_officer()
    run = make_run(officer)
    kits = [make_delivery(S.SCHEDULED, run=run) for _n in range(3)]
    now = utcnow()
    db.session.execute(
        Delivery.__table__.update().where(Delivery.run_id == run.id).values(state="in_transit", carried_since=now)
    )
    db.session.execute(Team.__table__.update().values(value_out_cents=3 * 700_00, cap_out_cents=7_000_00))
    db.session.expire_all()

    services.taken(kits[0], said="Todo", everything=True, by=officer, now=now + timedelta(minutes=5))

    db.session.expire_all()
    assert [kit.state for kit in kits] == [S.SEIZED] * 3
    assert value_out(kits[0]) == 0
    assert count_of(Incident) == 1


def run_of_five() -> tuple[Any, dict[str, Delivery]]:
    """One run with a kit in each state in which a team carries one, and a kit that was handed over on the way."""
    officer, now = make_officer(), utcnow()
    run = make_run(officer)
    kits = {}
    for name in ("in_transit", "no_show", "partial", "returning", "held", "confirmed"):
        kits[name] = make_delivery(S.SEALED)
        make_card(kits[name].award)
        clear(kits[name])
        services.schedule(kits[name], run, stop_at(now), by=make_user(Role.COORDINATOR), now=now)
    gate = keeper()
    codes = ReleaseCodes(warehouse=totp_at(gate, now), officer=totp_at(officer, now))
    services.dispatch(run, codes, desk=DESK, by=gate, now=now)
    for kit in kits.values():
        db.session.refresh(kit)
    for name in ("no_show", "partial"):
        services.arrive(kits[name], by=officer, now=now)
    services.nobody_came(kits["no_show"], by=officer, now=now)
    left = {1: Left(with_person=1)}
    services.partly(kits["partial"], left, reason=Reason.DID_NOT_WANT, evidence=SAID, by=officer, now=now)
    services.turn_back(kits["returning"], reason=Reason.ROAD_CLOSED, by=officer, now=now)
    services.hold(kits["held"], by=make_user(Role.DESK), now=now)
    db.session.execute(
        Delivery.__table__.update().where(Delivery.id == kits["confirmed"].id)
        .values(state="confirmed", confirmed_at=now, carried_since=None)
    )  # fmt: skip
    db.session.expire_all()
    return officer, kits


def test_everything_in_the_vehicle_is_taken_whatever_its_state(app: Flask) -> None:
    officer, kits = run_of_five()
    value = sum(kit.value_usd for kit in kits.values() if kit.carried_since is not None)
    before = value_out(kits["held"])

    services.taken(kits["in_transit"], said="Todo", everything=True, by=officer, now=utcnow())

    db.session.expire_all()
    states = {name: kit.state for name, kit in kits.items()}
    assert states.pop("confirmed") is S.CONFIRMED
    assert set(states.values()) == {S.SEIZED}
    assert before - value_out(kits["held"]) == int(value * 100)
    assert make_delivery(award=kits["returning"].award).state is S.PLANNED
    # What stayed with the person was not taken: the next kit is without it.
    again = services.plan_delivery(kits["partial"].award, by=make_user(Role.COORDINATOR), now=utcnow())
    assert again.ceiling_usd == Decimal("250.00")


def test_what_the_warehouse_has_was_not_taken(app: Flask) -> None:
    officer, kits = run_of_five()
    counted, held = kits["returning"], kits["held"]
    services.count_back(counted, whole(counted), reason=Reason.ROAD_CLOSED, by=keeper(), now=utcnow())
    services.receive_held(held, seal_number=held.seal_number or "", by=keeper(), now=utcnow())

    for kit in (counted, held):
        with pytest.raises(RuleBroken):
            services.taken(kit, said="Se lo llevaron", by=make_user(Role.DESK), now=utcnow())
    services.taken(kits["no_show"], said="Todo", everything=True, by=officer, now=utcnow())
    sign_return(counted, by=keeper(), now=utcnow())

    assert (counted.state, held.state) == (S.RETURNED, S.HELD)
    assert (kits["in_transit"].state, kits["partial"].state) == (S.SEIZED, S.SEIZED)


@pytest.mark.parametrize("state", [S.NO_SHOW, S.RETURNING, S.HELD])
def test_devices_of_a_kit_taken_on_the_way_back_are_flagged(app: Flask, state: DeliveryState) -> None:
    carried = make_carried(award=device_award())
    delivery, serial = carried.delivery, carried.delivery.lines[0].serial_number
    if state is S.HELD:
        services.hold(delivery, by=make_user(Role.DESK), now=utcnow())
    else:
        services.nobody_came(delivery, by=carried.officer, now=utcnow())
    if state is S.RETURNING:
        services.turn_back(delivery, reason=None, by=carried.officer, now=utcnow())
    assert delivery.state is state

    services.taken(delivery, said="Nos pararon", by=carried.officer, now=utcnow())

    assert (delivery.state, value_out(delivery), carried.card.used_at) == (S.SEIZED, 0, None)
    assert [(flag.serial_number, flag.why) for flag in queries.flags()] == [(serial, FlagReason.SEIZED)]


def test_at_a_point_whose_risk_was_raised_the_kit_goes_back(app: Flask) -> None:
    carried = make_carried()
    delivery, officer = carried.delivery, carried.officer
    with pytest.raises(RuleBroken):  # while the stop holds
        services.turn_back(delivery, reason=Reason.RESCHEDULED, by=officer, now=utcnow())
    canton = make_canton(delivery.canton_code)
    services.raise_level(canton, services.Assessment(3, "Balacera"), by=make_user(Role.ENUMERATOR), now=utcnow())

    shown = queries.shown_to(officer, utcnow())
    services.bring_back(shown.bring_back, by=officer, now=utcnow())

    assert (list(shown.stops), list(shown.bring_back)) == ([], [delivery])
    assert (delivery.state, delivery.events[-1].reason) == (S.RETURNING, Reason.RESCHEDULED)
    assert [one.id for one in queries.shown_to(officer, utcnow()).going_back] == [delivery.id]


def test_database_refuses_a_count_signed_by_its_own_author(app: Flask) -> None:
    delivery, one = make_returning().delivery, keeper()
    count = services.count_back(delivery, whole(delivery), reason=Reason.OTHER, by=one, now=utcnow())

    with pytest.raises(IntegrityError), db.session.begin_nested():
        count.signed_by_id, count.signed_at = one.id, utcnow()
        db.session.flush()

    assert delivery.state is S.RETURNING
