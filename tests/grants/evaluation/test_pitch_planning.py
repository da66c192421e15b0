"""Sessions are planned, slots given out by public lottery as far as people can come, sheets given to the panel once."""

from dataclasses import replace
from datetime import datetime, timedelta
from itertools import combinations, permutations

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from grants.access.permissions import Role
from grants.calls.models import Call, CallState, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.evaluation import queries, services
from grants.evaluation.models import Assignment, PitchSession, PitchSlot, PitchState, PitchUnavailability, SlotState
from grants.evaluation.services import SessionFields
from grants.evaluation.services.pitch_filling import seat_people
from scoring import lottery_order
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_conflict, make_sheet
from tests.factories.people import make_canton, make_person
from tests.factories.pitch import make_pitch_session, make_running, make_slot

pytestmark = pytest.mark.usefixtures("in_english")


def order_of(session: PitchSession) -> list[str]:
    """Folios by position."""
    found = db.session.query(PitchSlot).filter_by(session_id=session.id).order_by(PitchSlot.position)
    return [slot.application.folio for slot in found if slot.is_live]


def by_lottery(call: Call, folios: list[str]) -> list[str]:
    """What anybody computes from the public seed and the folios."""
    return [key.partition("|")[2] for key in lottery_order(call.tie_seed, [f"{call.code}|{one}" for one in folios])]


def sheets_to_write(state: bool = True) -> set[tuple[int, int]]:
    rows = db.session.query(Assignment).filter_by(stage=Stage.PITCH)
    return {(row.application_id, row.evaluator_id) for row in rows if row.is_open is state}


def some_fields(*panel: int, starts_at: datetime | None = None) -> SessionFields:
    make_canton("1001")
    return SessionFields("1001", "Casa comunal", starts_at or utcnow() + timedelta(days=2), 6, 8, 4, frozenset(panel))


@given(st.integers(1, 5), st.lists(st.integers(0, 2), min_size=3, max_size=3), st.data())
def test_as_many_people_are_seated_as_any_choice_could_seat(people: int, sizes: list[int], data: st.DataObject) -> None:
    places = dict(enumerate(sizes))
    wishes = {
        person: data.draw(st.lists(st.sampled_from([0, 1, 2]), unique=True, max_size=3)) for person in range(people)
    }

    seats = seat_people(list(range(people)), places, wishes)

    assert all(session in wishes[person] for person, session in seats.items())
    assert all(list(seats.values()).count(session) <= places[session] for session in places)
    chairs = [session for session, size in places.items() for _n in range(size)]
    best = max(
        size
        for size in range(min(people, len(chairs)) + 1)
        for group in combinations(range(people), size)
        for chosen in permutations(chairs, size)
        if all(session in wishes[person] for person, session in zip(group, chosen, strict=True))
    )
    assert len(seats) == best


def test_session_is_planned_with_its_panel_and_its_place_is_sealed(app: Flask) -> None:
    call, chair, evaluator = make_call(), make_user(Role.COORDINATOR), make_user(Role.EVALUATOR)

    made = services.create_pitch_session(call, some_fields(evaluator.id), by=chair, now=utcnow())

    assert (made.state, made.place, [one.id for one in made.panel]) == (
        PitchState.PLANNED, "Casa comunal", [evaluator.id],
    )  # fmt: skip
    assert b"comunal" not in made.place_sealed
    assert (made.time_of(3) - made.starts_at) == timedelta(minutes=24)


def test_session_is_refused_for_a_draft_a_call_without_pitch_a_day_over_or_no_panel(app: Flask) -> None:
    chair, evaluator, now = make_user(Role.COORDINATOR), make_user(Role.EVALUATOR), utcnow()
    fields = some_fields(evaluator.id)
    cases = (
        (make_call(state=CallState.DRAFT), fields, "Publish the call first"),
        (make_call(plan_weight=100, pitch_weight=0), fields, "judges no pitches"),
        (make_call(), some_fields(evaluator.id, starts_at=now - timedelta(days=2)), "day is over"),
        (make_call(), some_fields(chair.id), "who sits on the panel"),
    )

    for call, entered, sentence in cases:
        with pytest.raises(RuleBroken, match=sentence):
            services.create_pitch_session(call, entered, by=chair, now=now)
    assert db.session.query(PitchSession).count() == 0


def test_slots_are_in_the_order_of_the_public_lottery_and_each_of_the_panel_gets_each_sheet_once(app: Flask) -> None:
    call, chair = make_call(), make_user(Role.COORDINATOR)
    applications = [make_application(call) for _n in range(5)]
    make_application(call, submitted=False)
    session = make_pitch_session(call)

    done = services.fill_slots(call, by=chair, now=utcnow())
    again = services.fill_slots(call, by=chair, now=utcnow())

    assert (done.placed, done.short, again.placed) == (5, 0, 0)
    assert order_of(session) == by_lottery(call, [one.folio for one in applications])
    expected = {(one.id, evaluator.id) for one in applications for evaluator in session.panel}
    assert sheets_to_write() == expected
    assert db.session.query(Assignment).count() == 10


def test_nobody_is_sent_where_they_cannot_come_and_what_was_given_stays(app: Flask) -> None:
    call, chair, now = make_call(), make_user(Role.COORDINATOR), utcnow()
    first, second = make_application(call), make_application(call)
    one = make_pitch_session(call, turns=1)
    services.note_availability(second, [one.id], by=chair, now=now)

    before = services.fill_slots(call, by=chair, now=now)
    other = make_pitch_session(call, turns=1)
    after = services.fill_slots(call, by=chair, now=now)

    assert ((before.placed, before.short), (after.placed, after.short)) == ((1, 1), (1, 0))
    assert (order_of(one), order_of(other)) == ([first.folio], [second.folio])


def test_somebody_flexible_makes_room_for_somebody_who_can_only_come_once(app: Flask) -> None:
    call, chair, now = make_call(), make_user(Role.COORDINATOR), utcnow()
    near, far = make_pitch_session(call, turns=1), make_pitch_session(call, turns=1, canton=make_canton("2101"))
    flexible, bound = sorted(
        (make_application(call) for _n in range(2)), key=lambda found: by_lottery(call, [found.folio])
    )
    services.note_availability(bound, [far.id], by=chair, now=now)

    services.fill_slots(call, by=chair, now=now)

    assert (order_of(near), order_of(far)) == ([bound.folio], [flexible.folio])


def test_people_pitch_near_home_where_there_is_room(app: Flask) -> None:
    call, chair = make_call(), make_user(Role.COORDINATOR)
    ibarra, lago = make_pitch_session(call), make_pitch_session(call, canton=make_canton("2101"))
    at_home = make_application(call, make_person(canton=make_canton("2101")))
    neighbour = make_application(call, make_person(canton=make_canton("1004")))  # Otavalo, in the province of Ibarra

    services.fill_slots(call, by=chair, now=utcnow())

    assert (order_of(ibarra), order_of(lago)) == ([neighbour.folio], [at_home.folio])


def test_conflict_recuses_one_of_the_panel_and_a_panel_all_in_conflict_is_avoided(app: Flask) -> None:
    call, chair = make_call(), make_user(Role.COORDINATOR)
    session = make_pitch_session(call)
    known, unknown = make_application(call), make_application(call)
    for evaluator in session.panel:
        make_conflict(known, evaluator)
    make_conflict(unknown, session.panel[0])

    done = services.fill_slots(call, by=chair, now=utcnow())

    assert (done.placed, done.short) == (1, 1)
    assert order_of(session) == [unknown.folio]
    assert sheets_to_write() == {(unknown.id, session.panel[1].id)}
    recused = queries.recused_of(session, queries.live_slots(session))
    assert {key: [one.id for one in who] for key, who in recused.items()} == {unknown.id: [session.panel[0].id]}


def test_filling_without_a_session_is_refused(app: Flask) -> None:
    call, chair = make_call(), make_user(Role.COORDINATOR)
    make_application(call)
    make_running(call)

    with pytest.raises(RuleBroken, match="Plan a session first"):
        services.fill_slots(call, by=chair, now=utcnow())
    assert db.session.query(PitchSlot).count() == 0


def test_sheets_follow_a_changed_panel_and_those_that_are_in_stay(app: Flask) -> None:
    session, chair, newcomer = make_pitch_session(), make_user(Role.COORDINATOR), make_user(Role.EVALUATOR)
    slot, other = make_slot(session), make_slot(session)
    stays, leaves = session.panel
    make_sheet(slot.application, leaves, Stage.PITCH)
    fields = some_fields(stays.id, newcomer.id)

    services.change_pitch_session(session, fields, by=chair, now=utcnow())

    both = {slot.application_id, other.application_id}
    assert sheets_to_write() == {
        *((one, stays.id) for one in both), *((one, newcomer.id) for one in both), (slot.application_id, leaves.id),
    }  # fmt: skip
    assert sheets_to_write(False) == {(other.application_id, leaves.id)}


def test_session_with_people_behind_the_new_number_of_slots_is_not_changed(app: Flask) -> None:
    session, chair = make_pitch_session(), make_user(Role.COORDINATOR)
    for _n in range(3):
        make_slot(session)
    fields = replace(some_fields(*(one.id for one in session.panel)), turns=2)

    with pytest.raises(RuleBroken, match="Move those people first"):
        services.change_pitch_session(session, fields, by=chair, now=utcnow())
    with pytest.raises(RuleBroken, match="not at that point"):
        services.change_pitch_session(make_running(), fields, by=chair, now=utcnow())
    assert session.turns == 10


def test_availability_can_be_taken_back_and_knows_only_sessions_of_the_call(app: Flask) -> None:
    call, chair, now = make_call(), make_user(Role.COORDINATOR), utcnow()
    application, session, elsewhere = make_application(call), make_pitch_session(call), make_pitch_session()

    services.note_availability(application, [session.id, elsewhere.id], by=chair, now=now)
    noted = [(row.application_id, row.session_id) for row in db.session.query(PitchUnavailability)]
    services.note_availability(application, [], by=chair, now=now)

    assert noted == [(application.id, session.id)]
    assert db.session.query(PitchUnavailability).count() == 0
    with pytest.raises(RuleBroken, match="submitted application"):
        services.note_availability(make_application(call, submitted=False), [session.id], by=chair, now=now)


def test_slot_by_hand_moves_somebody_who_waits_with_their_sheets(app: Flask) -> None:
    session, chair = make_pitch_session(), make_user(Role.COORDINATOR)
    slot, other = make_slot(session), make_pitch_session(session.call)

    given_slot = services.give_slot(slot.application, other, by=chair, now=utcnow())

    assert (slot.state, given_slot.state, given_slot.session_id) == (SlotState.MOVED, SlotState.PLANNED, other.id)
    assert sheets_to_write() == {(slot.application_id, one.id) for one in other.panel}
    assert sheets_to_write(False) == {(slot.application_id, one.id) for one in session.panel}
    with pytest.raises(RuleBroken, match="already has a slot in that session"):
        services.give_slot(slot.application, other, by=chair, now=utcnow())


def test_slot_by_hand_is_refused_elsewhere_and_after_the_pitch(app: Flask) -> None:
    chair, now = make_user(Role.COORDINATOR), utcnow()
    slot = make_slot(state=SlotState.DONE)
    closed = make_pitch_session(slot.session.call, state=PitchState.CLOSED)
    waiting = make_application(slot.session.call)

    with pytest.raises(RuleBroken, match="session of this call"):
        services.give_slot(slot.application, make_pitch_session(), by=chair, now=now)
    with pytest.raises(RuleBroken, match="done already"):
        services.give_slot(slot.application, make_pitch_session(slot.session.call), by=chair, now=now)
    with pytest.raises(RuleBroken, match="not at that point"):
        services.give_slot(waiting, closed, by=chair, now=now)
    assert db.session.query(PitchSlot).count() == 1
