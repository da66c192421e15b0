"""Simulate, propose, sign, publish: what was computed is what is published, once."""

import hashlib
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import Engine, event

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, CallKind, CallState, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.selection import queries, services
from grants.selection.models import Award, Outcome, Reason, Selection, SelectionRow, SelectionState, WaitingListEntry
from grants.training.models import CourseKind
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_reviews, make_sheet
from tests.factories.people import make_person
from tests.factories.training import make_completion, make_course

pytestmark = pytest.mark.usefixtures("in_english")


def chair() -> User:
    return make_user(Role.COORDINATOR)


def small_call(**overrides: object) -> Call:
    values = {"places": 2, "budget_usd": Decimal("1400.00"), "reviews_per_application": 2, **overrides}
    return make_call(**values)


def run_of(call: Call, by: User | None = None) -> Selection:
    return services.simulate(call, by=by or chair(), now=utcnow())


def rows_of(selection: Selection) -> dict[int, SelectionRow]:
    rows = db.session.query(SelectionRow).filter_by(selection_id=selection.id)
    return {row.application_id: row for row in rows}


def approved_run(call: Call) -> Selection:
    selection = run_of(call)
    services.propose(selection, by=chair(), now=utcnow())
    for _n in range(services.APPROVALS):
        services.approve(selection, by=chair(), now=utcnow())
    return selection


def test_points_follow_the_declared_weights_and_rank_decides(app: Flask) -> None:
    """Plan, 60 %: levels 4, 2, 1 of 4 under 50, 30, 20 % are 70. Pitch, 40 %: 4, 2 under 60, 40 % are 80. 74 in all."""
    call = small_call(places=1)
    better, worse = make_application(call), make_application(call)
    make_reviews(better, plan=(4, 2, 1), pitch=(4, 2))
    make_reviews(worse, plan=1, pitch=1)

    selection = run_of(call)

    rows = rows_of(selection)
    first, second = rows[better.id], rows[worse.id]
    assert (first.plan_points, first.pitch_points, first.points) == (7000, 8000, 7400)
    assert (first.place, first.outcome, first.reason, first.reviews) == (1, Outcome.CHOSEN, Reason.BY_POINTS, 4)
    assert (second.points, second.place, second.outcome) == (2500, 2, Outcome.WAITING)
    assert second.reason == Reason.BELOW_CUT
    assert selection.state is SelectionState.SIMULATED


def test_sheets_of_a_stage_count_by_their_mean(app: Flask) -> None:
    """Plan sheets of 100 and 25 points are 62.5; 60 % of it and 40 % of 100 are 77.5."""
    call = small_call()
    application = make_application(call)
    make_sheet(application, levels=4)
    make_sheet(application, levels=1)
    make_reviews(application, plan=(), pitch=4, reviews=0)
    make_sheet(application, stage=Stage.PITCH)
    make_sheet(application, stage=Stage.PITCH)

    row = rows_of(run_of(call))[application.id]

    assert (row.plan_points, row.pitch_points, row.points) == (6250, 10000, 7750)


def test_missing_sheet_is_not_ranked_never_zero(app: Flask) -> None:
    call = small_call()
    whole, short, drafted = (make_application(call) for _n in range(3))
    make_reviews(whole)
    make_reviews(short, reviews=1)
    make_reviews(drafted, reviews=1)
    make_sheet(drafted, submitted=False)
    make_sheet(drafted, stage=Stage.PITCH, submitted=False)

    rows = rows_of(run_of(call))

    for application in (short, drafted):
        row = rows[application.id]
        assert (row.outcome, row.reason, row.reviews) == (Outcome.NOT_RANKED, Reason.SHEETS_MISSING, 2)
        assert (row.place, row.points) == (None, None)
    assert rows[whole.id].reason == Reason.ALL_FIT


def test_sheet_with_a_gap_and_sheet_under_a_conflict_do_not_count(app: Flask) -> None:
    call = small_call()
    gap, conflict = make_application(call), make_application(call)
    for application in (gap, conflict):
        make_reviews(application)
    make_sheet(gap, levels=(0, 0))  # as no page makes it
    recused = make_user(Role.EVALUATOR)
    make_sheet(conflict, recused, levels=0)
    make_conflict(conflict, recused)

    rows = rows_of(run_of(call))

    assert [rows[one.id].points for one in (gap, conflict)] == [10000, 10000]
    assert rows[conflict.id].reviews == 4


def test_drafts_and_withdrawn_applications_take_no_part_and_the_untrained_are_not_ranked(app: Flask) -> None:
    call = small_call(required_course=CourseKind.DIGITAL, minimum_grade=Decimal("60"))
    course = make_course(kind=CourseKind.DIGITAL, has_grade=True)
    trained, failed, untrained = (make_person() for _n in range(3))
    make_completion(course, trained, grade=Decimal("60.00"))
    make_completion(course, failed, grade=Decimal("59.99"))
    applications = [make_application(call, person) for person in (trained, failed, untrained)]
    for application in applications:
        make_reviews(application)
    make_application(call, submitted=False)
    make_application(call, state=ApplicationState.WITHDRAWN, withdrawn_at=utcnow())

    rows = rows_of(run_of(call))

    assert set(rows) == {one.id for one in applications}
    assert [rows[one.id].reason for one in applications] == ["all_fit", "not_eligible", "not_eligible"]


def test_tie_at_the_cut_follows_the_public_lottery(app: Flask) -> None:
    call = small_call(places=1, tie_seed="semilla publica")
    tied = [make_application(call) for _n in range(3)]
    for application in tied:
        make_reviews(application)

    rows = rows_of(run_of(call))

    keys = {one.id: hashlib.sha256(f"semilla publica|{call.code}|{one.folio}".encode()).hexdigest() for one in tied}
    expected = sorted(keys, key=lambda number: keys[number])
    assert sorted(rows, key=lambda number: rows[number].place or 0) == expected
    assert {number: row.tie_key for number, row in rows.items()} == keys
    assert [rows[number].reason for number in expected] == ["by_lottery", "lottery_lost", "lottery_lost"]
    assert all(row.settled_by_lottery for row in rows.values())


def test_devices_go_by_lottery_among_the_eligible_without_any_sheet(app: Flask) -> None:
    call = small_call(kind=CallKind.DEVICES, required_course=CourseKind.DIGITAL)
    course = make_course(kind=CourseKind.DIGITAL)
    people = [make_person() for _n in range(4)]
    for person in people[:3]:
        make_completion(course, person)
    applications = [make_application(call, person) for person in people]

    rows = rows_of(run_of(call))

    outcomes = sorted(row.outcome.value for row in rows.values())
    assert outcomes == ["chosen", "chosen", "not_ranked", "waiting"]
    assert rows[applications[3].id].reason == Reason.NOT_ELIGIBLE
    assert {row.points for row in rows.values()} == {None}


def test_same_inputs_give_the_same_hash_and_any_change_another(app: Flask) -> None:
    call = small_call()
    application = make_application(call)
    make_reviews(application)
    first, again = run_of(call), run_of(call)
    assert first.inputs_hash == again.inputs_hash
    db.session.expire_all()
    assert queries.selection_inputs(call).hash == first.inputs_hash

    make_sheet(application, levels=0)
    assert run_of(call).inputs_hash != first.inputs_hash


def test_simulation_is_refused_while_ones_own_sheets_are_missing(app: Flask) -> None:
    call = small_call()
    assignment = make_assignment(make_application(call), make_user(Role.COORDINATOR, Role.EVALUATOR))

    with pytest.raises(RuleBroken, match="your own sheets"):
        run_of(call, by=assignment.evaluator)
    assert db.session.query(Selection).count() == 0


def test_simulation_needs_a_published_call_with_applications(app: Flask) -> None:
    with pytest.raises(RuleBroken, match="Nobody has submitted"):
        run_of(small_call())
    with pytest.raises(RuleBroken, match="Publish the call"):
        run_of(small_call(state=CallState.DRAFT))


def test_two_others_sign_and_a_third_signature_comes_too_late(app: Flask) -> None:
    call, author, first = small_call(), chair(), chair()
    make_reviews(make_application(call))
    selection = run_of(call, by=author)
    with pytest.raises(RuleBroken, match="changed meanwhile"):
        services.approve(selection, by=first, now=utcnow())
    services.propose(selection, by=author, now=utcnow())

    with pytest.raises(RuleBroken, match="cannot sign it"):
        services.approve(selection, by=author, now=utcnow())
    services.approve(selection, by=first, now=utcnow())
    with pytest.raises(RuleBroken, match="You have signed"):
        services.approve(selection, by=first, now=utcnow())
    assert queries.get_selection(selection.id).state is SelectionState.PROPOSED

    services.approve(selection, by=chair(), now=utcnow())
    assert queries.get_selection(selection.id).state is SelectionState.APPROVED
    with pytest.raises(RuleBroken, match="changed meanwhile"):
        services.approve(selection, by=chair(), now=utcnow())
    assert len(queries.get_selection(selection.id).approvals) == 2


def test_change_after_the_simulation_stops_every_later_step(app: Flask) -> None:
    call = small_call()
    application = make_application(call)
    make_reviews(application)
    simulated, proposed, approved = run_of(call), run_of(call), approved_run(call)
    services.propose(proposed, by=chair(), now=utcnow())

    make_sheet(application, levels=0)

    for step, selection in (
        (services.propose, simulated),
        (services.approve, proposed),
        (services.publish, approved),
    ):
        with pytest.raises(RuleBroken, match="Simulate again"):
            step(selection, by=chair(), now=utcnow())
    states = [queries.get_selection(one.id).state.value for one in (simulated, proposed, approved)]
    assert states == ["simulated", "proposed", "approved"]
    assert db.session.query(Award).count() == 0


def test_withdrawal_after_the_simulation_stops_publication(app: Flask) -> None:
    call = small_call()
    application = make_application(call)
    make_reviews(application)
    selection = approved_run(call)
    application.state, application.withdrawn_at = ApplicationState.WITHDRAWN, utcnow()
    db.session.flush()

    with pytest.raises(RuleBroken, match="Simulate again"):
        services.publish(selection, by=chair(), now=utcnow())
    assert db.session.query(Award).count() == 0


def test_publication_gives_awards_and_an_ordered_waiting_list_once(app: Flask) -> None:
    call = small_call()
    applications = [make_application(call) for _n in range(5)]
    for level, application in zip((4, 3, 2, 1), applications, strict=False):
        make_reviews(application, plan=level, pitch=level)
    selection, rival = approved_run(call), approved_run(call)

    services.publish(selection, by=chair(), now=utcnow())

    awards = db.session.query(Award).order_by(Award.id).all()
    assert [award.application_id for award in awards] == [one.id for one in applications[:2]]
    assert {award.value_usd for award in awards} == {Decimal("700.00")}
    entries = db.session.query(WaitingListEntry).order_by(WaitingListEntry.position).all()
    assert [(entry.position, entry.application_id) for entry in entries] == [
        (1, applications[2].id),
        (2, applications[3].id),
    ]
    for late in (selection, rival):
        with pytest.raises(RuleBroken):
            services.publish(late, by=chair(), now=utcnow())
    assert db.session.query(Award).count() == 2


def test_run_that_is_not_approved_is_not_published_and_a_published_one_not_discarded(app: Flask) -> None:
    call = small_call()
    make_reviews(make_application(call))
    simulated, approved = run_of(call), approved_run(call)

    with pytest.raises(RuleBroken, match="changed meanwhile"):
        services.publish(simulated, by=chair(), now=utcnow())
    services.discard(simulated, by=chair(), now=utcnow())
    services.publish(approved, by=chair(), now=utcnow())
    with pytest.raises(RuleBroken, match="no longer be discarded"):
        services.discard(queries.get_selection(approved.id), by=chair(), now=utcnow())
    with pytest.raises(RuleBroken, match="already published"):
        services.propose(simulated, by=chair(), now=utcnow())


def test_run_without_anybody_in_it_is_not_proposed(app: Flask) -> None:
    call = small_call()
    make_application(call)
    empty = run_of(call)

    with pytest.raises(RuleBroken, match="Nobody would be in yet"):
        services.propose(empty, by=chair(), now=utcnow())

    assert queries.get_selection(empty.id).state is SelectionState.SIMULATED


def statements_of(call: Call) -> int:
    count, author = 0, chair()

    def note(*_event: object) -> None:
        nonlocal count
        count += 1

    event.listen(Engine, "before_cursor_execute", note)
    try:
        run_of(call, by=author)
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return count


def test_programme_of_251_with_three_evaluators_takes_constant_queries(app: Flask) -> None:
    call = make_call(places=129, budget_usd=Decimal("90300.00"), reviews_per_application=3)
    enumerator, evaluators = make_user(Role.ENUMERATOR), [make_user(Role.EVALUATOR) for _n in range(3)]

    def apply() -> Application:
        return make_application(call, make_person(registered_by=enumerator), created_by=enumerator)

    def score(application: Application, number: int) -> None:
        for stage in Stage:
            for turn, evaluator in enumerate(evaluators):
                make_sheet(application, evaluator, stage, levels=(number + turn) % 5)

    score(apply(), 0)
    few = statements_of(call)
    for number in range(1, 251):
        score(apply(), number)

    many = statements_of(call)

    assert db.session.query(SelectionRow).filter_by(outcome=Outcome.CHOSEN).count() == 129 + 1
    assert many == few <= 15


def test_rows_keep_their_reading_after_the_sheets_change(app: Flask) -> None:
    call = small_call()
    application = make_application(call)
    make_reviews(application)
    selection = run_of(call)
    make_sheet(application, levels=0, saved_at=utcnow() + timedelta(days=1))

    assert rows_of(selection)[application.id].points == 10000
