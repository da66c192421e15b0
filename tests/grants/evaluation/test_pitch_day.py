"""The day of a session: each step once, whoever taps; a sheet sent twice is one sheet."""

import threading
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Stage
from grants.core.clock import utcnow
from grants.core.db import db, get_or_refuse, transaction
from grants.core.errors import RuleBroken
from grants.evaluation import queries, services
from grants.evaluation.models import (
    LIVE,
    Assignment,
    PitchSession,
    PitchSlot,
    PitchState,
    ScoreSheet,
    SheetDelivery,
    SlotState,
)
from grants.evaluation.services import Entries
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.evaluation import make_assignment, make_sheet
from tests.factories.pitch import make_pitch_session, make_running, make_slot

S = SlotState
in_english = pytest.mark.usefixtures("in_english")


def order_of(session: PitchSession) -> list[tuple[int, int, str]]:
    """Position, application and state of what counts."""
    found = db.session.query(PitchSlot).filter_by(session_id=session.id).order_by(PitchSlot.position)
    return [(slot.position, slot.application_id, slot.state.value) for slot in found if slot.state in LIVE]


def whole(assignment: Assignment, level: int = 3) -> Entries:
    return Entries({criterion.id: level for criterion in queries.criteria_for(assignment)})


def owed(session: PitchSession) -> list[int]:
    return [queries.left_to_score(one).sheets for one in session.panel]


@in_english
def test_person_arrives_pitches_and_is_done(app: Flask) -> None:
    session, chair, now = make_pitch_session(), make_user(Role.COORDINATOR), utcnow()
    slot = make_slot(session)

    services.open_session(session, by=chair, now=now)
    services.mark_present(slot, by=chair, now=now)
    services.start(slot, by=chair, now=now)
    services.end(slot, by=chair, now=now + timedelta(minutes=7, seconds=59))
    services.close_session(session, by=chair, now=now)

    assert (slot.state, session.state, session.revision) == (S.DONE, PitchState.CLOSED, 5)
    assert slot.minutes_gone(now + timedelta(hours=1)) == 7


@in_english
@pytest.mark.parametrize(
    ("step", "allowed"),
    [
        (services.mark_present, {S.PLANNED}),
        (services.start, {S.PRESENT}),
        (services.put_back, {S.PITCHING}),
        (services.end, {S.PITCHING}),
        (services.mark_absent, {S.PLANNED, S.PRESENT}),
        (services.arrive_late, {S.ABSENT}),
    ],
)
def test_each_step_is_taken_from_its_own_state_only(
    app: Flask, step: Callable[..., object], allowed: set[SlotState]
) -> None:
    chair = make_user(Role.COORDINATOR)

    taken = set()
    for state in S:
        slot = make_slot(state=state)
        try:
            step(slot, by=chair, now=utcnow())
            taken.add(state)
        except RuleBroken:
            assert (slot.state, slot.session.revision) == (state, 1)
    assert taken == allowed


@in_english
@pytest.mark.parametrize("state", [PitchState.PLANNED, PitchState.CLOSED])
def test_no_step_is_taken_while_the_session_is_not_running(app: Flask, state: PitchState) -> None:
    slot, chair = make_slot(make_pitch_session(state=state)), make_user(Role.COORDINATOR)

    for step in (services.mark_present, services.mark_absent):
        with pytest.raises(RuleBroken, match="not at that point"):
            step(slot, by=chair, now=utcnow())
    assert slot.state is S.PLANNED


@in_english
def test_one_pitches_at_a_time(app: Flask) -> None:
    session, chair = make_running(), make_user(Role.COORDINATOR)
    first, second = make_slot(session, state=S.PITCHING), make_slot(session, state=S.PRESENT)

    with pytest.raises(RuleBroken, match="Somebody is pitching"):
        services.start(second, by=chair, now=utcnow())

    assert (first.state, second.state) == (S.PITCHING, S.PRESENT)


@in_english
def test_nobody_owes_a_sheet_about_who_is_absent_until_they_come_late(app: Flask) -> None:
    session, chair, now = make_running(), make_user(Role.COORDINATOR), utcnow()
    slot, other = make_slot(session), make_slot(session)

    services.mark_absent(slot, by=chair, now=now)
    assert owed(session) == [1, 1]
    late = services.arrive_late(slot, by=chair, now=now)

    assert owed(session) == [2, 2]
    assert (slot.state, late.state, late.position) == (S.MOVED, S.PRESENT, 1)  # their own place was still ahead
    assert order_of(session) == [(1, slot.application_id, "present"), (2, other.application_id, "planned")]


@in_english
def test_late_arrival_takes_a_free_place_ahead_else_the_end(app: Flask) -> None:
    session, chair, now = make_running(turns=4), make_user(Role.COORDINATOR), utcnow()
    missed = make_slot(session)
    gone = [make_slot(session, state=S.DONE), make_slot(session, state=S.PITCHING)]
    services.mark_absent(missed, by=chair, now=now)

    ahead = services.arrive_late(missed, by=chair, now=now)
    missed_again = make_slot(session, state=S.ABSENT, position=2)
    last = services.arrive_late(missed_again, by=chair, now=now)

    assert [slot.position for slot in gone] == [2, 3]
    assert (ahead.position, last.position) == (4, 5)  # place 4 was free; the session had four


@in_english
def test_absent_person_gets_a_slot_in_another_session_after_this_one_closed(app: Flask) -> None:
    session, chair, now = make_running(), make_user(Role.COORDINATOR), utcnow()
    slot = make_slot(session)
    services.mark_absent(slot, by=chair, now=now)
    services.close_session(session, by=chair, now=now)
    other = make_pitch_session(session.call)

    assert [one.id for one in queries.without_slot_page(session.call, reader=chair).items] == [slot.application_id]
    services.give_slot(slot.application, other, by=chair, now=now)

    db.session.flush()
    db.session.expire_all()
    assert slot.state is S.MOVED
    assert order_of(other) == [(1, slot.application_id, "planned")]
    assert (owed(session), owed(other)) == ([0, 0], [1, 1])


@in_english
def test_two_who_wait_change_places_and_the_second_tap_does_not_change_them_back(app: Flask) -> None:
    session, chair, now = make_pitch_session(), make_user(Role.COORDINATOR), utcnow()
    first, second = make_slot(session), make_slot(session, state=S.PRESENT)

    services.swap(first, second, seen_at=1, by=chair, now=now)
    swapped = order_of(session)
    with pytest.raises(RuleBroken, match="order changed"):
        services.swap(first, second, seen_at=1, by=chair, now=now)
    db.session.rollback()

    assert swapped == [(1, second.application_id, "present"), (2, first.application_id, "planned")]


@in_english
def test_who_has_pitched_is_not_swapped_nor_anybody_with_themselves(app: Flask) -> None:
    session, chair, now = make_running(), make_user(Role.COORDINATOR), utcnow()
    done, waits, elsewhere = make_slot(session, state=S.DONE), make_slot(session), make_slot()

    for other in (done, waits, elsewhere):
        with pytest.raises(RuleBroken), db.session.begin_nested():
            services.swap(waits, other, seen_at=2, by=chair, now=now)

    assert [(position, state) for position, _app, state in order_of(session)] == [(1, "done"), (2, "planned")]


@in_english
def test_session_is_closed_when_nobody_waits(app: Flask) -> None:
    session, chair, now = make_running(), make_user(Role.COORDINATOR), utcnow()
    make_slot(session, state=S.DONE)
    waits = make_slot(session)

    with pytest.raises(RuleBroken, match="still wait"):
        services.close_session(session, by=chair, now=now)
    assert session.state is PitchState.RUNNING
    services.mark_absent(waits, by=chair, now=now)
    services.close_session(session, by=chair, now=now)

    assert (session.state, session.closed_at) == (PitchState.CLOSED, now)


@in_english
def test_session_called_off_sets_who_waits_free_and_keeps_what_was_scored(app: Flask) -> None:
    session, chair, now = make_running(), make_user(Role.COORDINATOR), utcnow()
    done, waits = make_slot(session, state=S.DONE), make_slot(session, state=S.PRESENT)
    make_sheet(done.application, session.panel[0], Stage.PITCH)

    services.call_off(session, by=chair, now=now)

    db.session.flush()
    db.session.expire_all()
    assert (session.state, done.state, waits.state) == (PitchState.CLOSED, S.DONE, S.MOVED)
    assert owed(session) == [0, 1]  # the other member still owes the sheet of who has pitched
    assert [one.id for one in queries.without_slot_page(session.call, reader=chair).items] == [waits.application_id]


@in_english
def test_session_is_not_called_off_during_a_pitch(app: Flask) -> None:
    slot, chair = make_slot(state=S.PITCHING), make_user(Role.COORDINATOR)

    with pytest.raises(RuleBroken, match="Somebody is pitching"):
        services.call_off(slot.session, by=chair, now=utcnow())
    assert (slot.state, slot.session.state) == (S.PITCHING, PitchState.RUNNING)


@in_english
def test_sheet_sent_again_under_its_key_is_one_sheet_and_no_error(app: Flask) -> None:
    assignment = make_assignment(stage=Stage.PITCH)
    evaluator, now = assignment.evaluator, utcnow()

    first = services.deliver(assignment, whole(assignment, 3), key="k" * 24, by=evaluator, now=now)
    again = services.deliver(assignment, whole(assignment, 0), key="k" * 24, by=evaluator, now=now)

    sheet = db.session.query(ScoreSheet).one()
    assert (first, again) == (True, False)
    assert (sheet.state.value, sheet.version, set(sheet.levels.values())) == ("submitted", 1, {3})
    assert db.session.query(SheetDelivery).count() == 1


@in_english
def test_refused_sheet_can_be_sent_again_under_its_key(app: Flask) -> None:
    assignment = make_assignment(stage=Stage.PITCH)
    evaluator, now = assignment.evaluator, utcnow()

    with pytest.raises(RuleBroken, match="Scores are missing"), db.session.begin_nested():
        services.deliver(assignment, Entries({}), key="k" * 24, by=evaluator, now=now)

    assert services.deliver(assignment, whole(assignment), key="k" * 24, by=evaluator, now=now)


@in_english
def test_key_of_another_sheet_is_refused_and_the_key_of_another_evaluator_is_free(app: Flask) -> None:
    evaluator, now = make_user(Role.EVALUATOR), utcnow()
    one, two = (make_assignment(evaluator=evaluator, stage=Stage.PITCH) for _n in range(2))
    of_another = make_assignment(stage=Stage.PITCH)
    services.deliver(one, whole(one), key="k" * 24, by=evaluator, now=now)

    with pytest.raises(RuleBroken, match="belongs to another slot"):
        services.deliver(two, whole(two), key="k" * 24, by=evaluator, now=now)

    assert services.deliver(of_another, whole(of_another), key="k" * 24, by=of_another.evaluator, now=now)
    assert db.session.query(ScoreSheet).count() == 2


def together(app: Flask, threads: int, act: Callable[[int], object]) -> Counter[str]:
    """Run the act in many threads that start at one moment; how each ended."""
    ended: list[str] = []
    gate = threading.Barrier(threads)

    def run(number: int) -> None:
        with app.app_context():
            gate.wait()
            try:
                with transaction():
                    answer = act(number)
                ended.append("replayed" if answer is False else "done")
            except RuleBroken:
                ended.append("refused")
            except Exception as error:  # what a thread dies of must reach the test
                ended.append(type(error).__name__)
            finally:
                db.session.remove()

    running = [threading.Thread(target=run, args=(number,)) for number in range(threads)]
    for thread in running:
        thread.start()
    for thread in running:
        thread.join()
    return Counter(ended)


@pytest.mark.no_rollback
def test_two_phones_at_once_do_each_step_once(real_app: Flask) -> None:
    chair, session = make_user(Role.COORDINATOR), make_running()
    first, second, third = make_slot(session, state=S.PRESENT), make_slot(session, state=S.PRESENT), make_slot(session)
    fourth = make_slot(session, state=S.ABSENT)
    evaluator = session.panel[0]
    assignment = db.session.query(Assignment).filter_by(application_id=first.application_id, evaluator=evaluator).one()
    entries = whole(assignment)
    db.session.commit()
    names = {"chair": chair.id, "evaluator": evaluator.id, "assignment": assignment.id, "session": session.id}
    slots = [first.id, second.id, third.id, fourth.id]

    def by() -> User:
        return get_or_refuse(User, names["chair"])

    def slot(number: int) -> PitchSlot:
        return get_or_refuse(PitchSlot, slots[number])

    started = together(real_app, 4, lambda n: services.start(slot(n % 2), by=by(), now=utcnow()))
    swapped = together(
        real_app, 4, lambda _n: services.swap(slot(2), _waiting(slots), seen_at=3, by=by(), now=utcnow())
    )
    late = together(real_app, 4, lambda _n: services.arrive_late(slot(3), by=by(), now=utcnow()))
    sent = together(
        real_app,
        4,
        lambda _n: services.deliver(
            get_or_refuse(Assignment, names["assignment"]), entries, key="same-key-of-a-phone",
            by=get_or_refuse(User, names["evaluator"]), now=utcnow(),
        ),
    )  # fmt: skip

    assert started == swapped == late == {"done": 1, "refused": 3}
    assert sent == {"done": 1, "replayed": 3}
    db.session.expire_all()
    states = Counter(one.state.value for one in db.session.query(PitchSlot))
    assert states == {"pitching": 1, "present": 2, "planned": 1, "moved": 1}
    assert (db.session.query(ScoreSheet).count(), db.session.query(SheetDelivery).count()) == (1, 1)
    assert get_or_refuse(PitchSession, names["session"]).revision == 3


def _waiting(slots: list[int]) -> PitchSlot:
    """Whoever of the first two was not started."""
    return next(
        one for one in (get_or_refuse(PitchSlot, slots[0]), get_or_refuse(PitchSlot, slots[1])) if one.is_waiting
    )


@pytest.mark.no_rollback
def test_slots_given_out_by_two_at_once_are_given_once(real_app: Flask) -> None:
    chair, session = make_user(Role.COORDINATOR), make_pitch_session()
    for _n in range(3):
        make_application(session.call)
    db.session.commit()
    chair_id, session_id = chair.id, session.id

    def fill(_number: int) -> object:
        call = get_or_refuse(PitchSession, session_id).call
        return services.fill_slots(call, by=get_or_refuse(User, chair_id), now=utcnow())

    ended = together(real_app, 3, fill)

    assert ended["done"] + ended["refused"] == 3
    assert ended["done"] >= 1
    assert [(position, state) for position, _app, state in order_of(get_or_refuse(PitchSession, session_id))] == [
        (1, "planned"), (2, "planned"), (3, "planned"),
    ]  # fmt: skip
    assert db.session.query(Assignment).count() == 6
