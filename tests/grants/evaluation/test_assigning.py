"""Assignments are balanced, conflicts are respected, and what was given stays."""

from collections import Counter
from datetime import date

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.calls.models import Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import NotFound, RuleBroken
from grants.evaluation import queries, services
from grants.evaluation.models import Assignment, ConflictOfInterest
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_sheet

pytestmark = pytest.mark.usefixtures("in_english")


def given(stage: Stage = Stage.PLAN) -> list[tuple[int, int]]:
    rows = db.session.query(Assignment).filter_by(stage=stage, ended_at=None).order_by(Assignment.id)
    return [(row.application_id, row.evaluator_id) for row in rows]


def test_proposal_gives_each_application_its_reviews_with_equal_loads(app: Flask) -> None:
    call, chair = make_call(reviews_per_application=2), make_user(Role.COORDINATOR)
    applications = [make_application(call) for _n in range(6)]
    evaluators = [make_user(Role.EVALUATOR) for _n in range(3)]

    done = services.propose_assignments(call, stage=Stage.PLAN, due_on=date(2024, 5, 2), by=chair, now=utcnow())

    assert (done.made, done.short) == (12, 0)
    assert Counter(app for app, _who in given()) == {one.id: 2 for one in applications}
    assert Counter(who for _app, who in given()) == {one.id: 4 for one in evaluators}
    assert len(set(given())) == 12


def test_proposal_leaves_drafts_conflicts_and_inactive_evaluators_out(app: Flask) -> None:
    call, chair = make_call(reviews_per_application=2), make_user(Role.COORDINATOR)
    application = make_application(call)
    make_application(call, submitted=False)
    free, conflicted, gone = (make_user(Role.EVALUATOR) for _n in range(3))
    make_conflict(application, conflicted)
    gone.deactivated_at = utcnow()

    done = services.propose_assignments(call, stage=Stage.PLAN, due_on=None, by=chair, now=utcnow())

    assert (done.made, done.short) == (1, 1)
    assert given() == [(application.id, free.id)]


def test_second_proposal_only_fills_what_is_missing(app: Flask) -> None:
    call, chair = make_call(reviews_per_application=1), make_user(Role.COORDINATOR)
    first, evaluator = make_application(call), make_user(Role.EVALUATOR)
    make_user(Role.EVALUATOR)
    make_assignment(first, evaluator)
    second = make_application(call)

    done = services.propose_assignments(call, stage=Stage.PLAN, due_on=None, by=chair, now=utcnow())

    assert done.made == 1
    assert sorted(app for app, _who in given()) == sorted([first.id, second.id])


def test_whoever_lost_a_task_does_not_get_it_again_from_a_proposal(app: Flask) -> None:
    call, chair = make_call(reviews_per_application=1), make_user(Role.COORDINATOR)
    assignment = make_assignment(make_application(call))
    services.end_assignment(assignment, by=chair, now=utcnow())

    done = services.propose_assignments(call, stage=Stage.PLAN, due_on=None, by=chair, now=utcnow())

    assert (done.made, done.short) == (0, 1)


def test_proposal_without_evaluators_or_applications_is_refused(app: Flask) -> None:
    call, chair = make_call(), make_user(Role.COORDINATOR)

    with pytest.raises(RuleBroken, match="no active evaluator"):
        services.propose_assignments(call, stage=Stage.PLAN, due_on=None, by=chair, now=utcnow())
    make_user(Role.EVALUATOR)
    with pytest.raises(RuleBroken, match="Nobody has submitted"):
        services.propose_assignments(call, stage=Stage.PLAN, due_on=None, by=chair, now=utcnow())
    assert given() == []


def test_same_sheet_is_given_once_and_given_back_after_it_was_taken_away(app: Flask) -> None:
    application, evaluator, chair = make_application(), make_user(Role.EVALUATOR), make_user(Role.COORDINATOR)
    when = utcnow()

    services.assign(application, evaluator=evaluator, stage=Stage.PITCH, due_on=None, by=chair, now=when)
    with pytest.raises(RuleBroken, match="already has this sheet"):
        services.assign(application, evaluator=evaluator, stage=Stage.PITCH, due_on=None, by=chair, now=when)
    services.end_assignment(db.session.query(Assignment).one(), by=chair, now=when)
    services.assign(application, evaluator=evaluator, stage=Stage.PITCH, due_on=None, by=chair, now=when)

    assert given(Stage.PITCH) == [(application.id, evaluator.id)]


def test_conflict_ends_every_task_and_hides_the_application(app: Flask) -> None:
    application, evaluator, chair = make_application(), make_user(Role.EVALUATOR), make_user(Role.COORDINATOR)
    plan, pitch = make_assignment(application, evaluator), make_assignment(application, evaluator, Stage.PITCH)
    other = make_assignment(make_application(application.call), evaluator)

    services.declare_conflict(plan, reason="Es mi prima.", by=evaluator, now=utcnow())

    db.session.expire_all()
    for hidden in (plan, pitch):
        with pytest.raises(NotFound):
            queries.get_my_assignment(hidden.id, evaluator)
    assert queries.get_my_assignment(other.id, evaluator) is other
    with pytest.raises(RuleBroken, match="declared a conflict"):
        services.assign(application, evaluator=evaluator, stage=Stage.PLAN, due_on=None, by=chair, now=utcnow())
    assert queries.left_to_score(evaluator).sheets == 1


def test_conflict_is_declared_once_and_its_reason_is_sealed(app: Flask) -> None:
    assignment = make_assignment()
    services.declare_conflict(assignment, reason="Es mi prima.", by=assignment.evaluator, now=utcnow())

    with pytest.raises(RuleBroken, match="already declared"):
        services.declare_conflict(assignment, reason="Otra vez.", by=assignment.evaluator, now=utcnow())

    conflict = db.session.query(ConflictOfInterest).one()
    assert conflict.reason == "Es mi prima."
    assert b"prima" not in conflict.reason_sealed


def test_nobody_declares_the_conflict_of_another(app: Flask) -> None:
    assignment = make_assignment()

    with pytest.raises(RuleBroken, match="Only the evaluator"):
        services.declare_conflict(assignment, reason="x", by=make_user(Role.EVALUATOR), now=utcnow())
    assert db.session.query(ConflictOfInterest).count() == 0


def test_task_is_taken_away_once(app: Flask) -> None:
    assignment, chair = make_assignment(), make_user(Role.COORDINATOR)
    services.end_assignment(assignment, by=chair, now=utcnow())

    with pytest.raises(RuleBroken, match="already taken away"):
        services.end_assignment(assignment, by=chair, now=utcnow())


def test_progress_counts_sheets_that_count(app: Flask) -> None:
    call = make_call(reviews_per_application=2)
    first, second = make_application(call), make_application(call)
    done, recused = make_user(Role.EVALUATOR), make_user(Role.EVALUATOR)
    make_assignment(first, done)
    make_sheet(first, done)
    make_assignment(first, recused)
    make_sheet(first, recused)
    make_conflict(first, recused)
    make_assignment(second, done, due_on=date(2024, 5, 2))

    progress = queries.call_progress(call)
    loads = {load.evaluator.id: load for load in queries.evaluator_loads(call)}

    # 2 applications × 2 reviews × 2 stages
    assert (progress.applications, progress.needed) == (2, 8)
    assert (progress.assigned, progress.submitted, progress.conflicts) == (2, 1, 1)
    assert (loads[done.id].assigned, loads[done.id].submitted, loads[done.id].next_due_on) == (2, 1, date(2024, 5, 2))
    assert (loads[recused.id].assigned, loads[recused.id].conflicts) == (0, 1)
