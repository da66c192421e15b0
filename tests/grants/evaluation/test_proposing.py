"""A proposal is planned, shown and then written as shown; panels, provinces, languages and loads are kept."""

import math
from collections import Counter
from collections.abc import Callable
from datetime import date

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.evaluation import services
from grants.evaluation.models import Assignment, ScoreSheet
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_panelist, make_sheet
from tests.factories.people import make_person
from tests.grants.evaluation.test_views import confirm

SignIn = Callable[[User], FlaskClient]
IBARRA, LAGO_AGRIO = "1001", "2101"  # DPA codes of INEC

pytestmark = pytest.mark.usefixtures("in_english")


def given() -> list[tuple[int, int]]:
    return [(a.application_id, a.evaluator_id) for a in db.session.query(Assignment).order_by(Assignment.id)]


def propose(call: Call, **options: object) -> services.Proposal:
    chair = make_user(Role.COORDINATOR)
    return services.propose_assignments(call, stage=Stage.PLAN, due_on=None, by=chair, now=utcnow(), **options)


def applications_of(call: Call, number: int, canton: str = IBARRA, **person: object) -> list[Application]:
    return [make_application(call, make_person(canton_code=canton, **person)) for _n in range(number)]


def test_nobody_reads_an_application_of_their_own_province(app: Flask) -> None:
    call = make_call(reviews_per_application=1)
    north, east = applications_of(call, 2), applications_of(call, 2, LAGO_AGRIO)
    ibarra = make_panelist(call, canton_code="1002").evaluator
    lago = make_panelist(call, canton_code=LAGO_AGRIO).evaluator

    propose(call)

    assert set(given()) == {(a.id, lago.id) for a in north} | {(a.id, ibarra.id) for a in east}


def test_an_applicants_language_finds_somebody_who_reads_it(app: Flask) -> None:
    call = make_call(reviews_per_application=1)
    applications_of(call, 2)
    quichua = applications_of(call, 1, language="qvi")[0]
    make_panelist(call, languages="es")
    both = make_panelist(call, languages="es qvi").evaluator

    done = propose(call)

    assert (done.made, done.short) == (3, 0)
    assert (quichua.id, both.id) in given()


def test_declared_loads_are_kept_and_the_rest_is_equal(app: Flask) -> None:
    call = make_call(reviews_per_application=2)
    applications_of(call, 6)
    little = make_panelist(call, load_max=1).evaluator
    much = make_panelist(call, load_min=5).evaluator
    others = [make_panelist(call).evaluator for _n in range(2)]

    propose(call)

    # 12 sheets: one at most for the first, five at least for the second, three each for the two others.
    assert Counter(who for _a, who in given()) == {little.id: 1, much.id: 5, others[0].id: 3, others[1].id: 3}


def test_share_of_applications_is_read_by_two_panels_and_makes_them_comparable(app: Flask) -> None:
    call = make_call(reviews_per_application=2)
    applications_of(call, 12)
    for name in ("Norte", "Norte", "Norte", "Oriente", "Oriente", "Oriente"):
        make_panelist(call, panel=name)

    least = services.plan_assignments(call, stage=Stage.PLAN, bridge=0)
    linked = services.plan_assignments(call, stage=Stage.PLAN, bridge=25)

    # With no share asked for, two panels are linked by one exchange: two applications read once by each.
    assert (least.bridges, least.is_comparable, least.cross_panel_se) == (2, True, pytest.approx(1))
    # Three applications read once by each panel: the variance of the difference is 2 / 3.
    assert (linked.bridges, linked.cross_panel_se) == (3, pytest.approx(math.sqrt(2 / 3)))
    assert given() == []


def test_evaluator_who_stopped_and_one_outside_the_panel_get_nothing(app: Flask) -> None:
    call = make_call(reviews_per_application=1)
    applications_of(call, 3)
    make_user(Role.EVALUATOR)
    make_panelist(call, stopped_at=utcnow())
    reads = make_panelist(call).evaluator

    propose(call)

    assert {who for _a, who in given()} == {reads.id}


def test_extra_review_asked_by_hand_stays(app: Flask) -> None:
    call = make_call(reviews_per_application=1)
    application = applications_of(call, 1)[0]
    extra = [make_assignment(application) for _n in range(3)]

    plan = services.plan_assignments(call, stage=Stage.PLAN)

    assert plan.pairs == ()
    assert given() == [(application.id, one.evaluator_id) for one in extra]


def test_plan_says_what_is_short_and_why_and_fills_the_rest(app: Flask) -> None:
    call = make_call(reviews_per_application=2)
    first, second = applications_of(call, 2)
    one, other = make_panelist(call).evaluator, make_panelist(call).evaluator
    make_conflict(first, one)

    plan = services.plan_assignments(call, stage=Stage.PLAN)

    assert set(plan.pairs) == {(first.id, other.id), (second.id, one.id), (second.id, other.id)}
    assert plan.short == {first.id: 1}
    assert [(limit.kind, limit.key, limit.given, limit.needed) for limit in plan.limits] == [
        ("application", first.id, 1, 2)
    ]


def test_confirmed_proposal_is_the_one_that_was_shown(app: Flask, sign_in: SignIn) -> None:
    call = make_call(reviews_per_application=2)
    applications_of(call, 4)
    people = [make_panelist(call).evaluator for _n in range(3)]
    client = sign_in(make_user(Role.COORDINATOR))
    plan = services.plan_assignments(call, stage=Stage.PLAN)

    shown = confirm(client, call.id, due_on="2024-05-02")

    assert all(user.name in shown for user in people)
    assert plan.digest in shown
    assert sorted(given()) == sorted(plan.pairs)
    assert {a.due_on for a in db.session.query(Assignment)} == {date(2024, 5, 2)}


def test_looking_writes_nothing_and_a_second_tap_does_not_double(app: Flask, sign_in: SignIn) -> None:
    call = make_call(reviews_per_application=1)
    applications_of(call, 3)
    make_user(Role.EVALUATOR)
    client, path = sign_in(make_user(Role.COORDINATOR)), f"/calls/{call.id}/evaluation/propose"
    digest = services.plan_assignments(call, stage=Stage.PLAN).digest

    assert client.get(client.post(path, data={"stage": "plan"}).location).status_code == 200
    assert given() == []
    assert client.post(path, data={"stage": "plan", "digest": digest}).status_code == 302
    again = client.post(path, data={"stage": "plan", "digest": digest})

    assert again.status_code == 200
    assert "notice-bad" in again.text
    assert len(given()) == 3


def test_proposal_is_refused_when_its_inputs_changed_after_it_was_shown(app: Flask, sign_in: SignIn) -> None:
    call = make_call(reviews_per_application=1)
    application = applications_of(call, 2)[0]
    one, _other = make_user(Role.EVALUATOR), make_user(Role.EVALUATOR)
    digest = services.plan_assignments(call, stage=Stage.PLAN).digest
    make_conflict(application, one)
    make_application(call)

    with pytest.raises(RuleBroken, match="Something changed"):
        propose(call, digest=digest)

    assert given() == []


def test_evaluator_who_stops_keeps_submitted_sheets_and_hands_the_open_ones_on(app: Flask) -> None:
    call, chair = make_call(reviews_per_application=1), make_user(Role.COORDINATOR)
    done, begun, untouched = applications_of(call, 3)
    leaving = make_user(Role.EVALUATOR)
    for application in (done, begun, untouched):
        make_assignment(application, leaving)
    make_sheet(done, leaving)
    make_sheet(begun, leaving, submitted=False)
    others = [make_user(Role.EVALUATOR) for _n in range(2)]

    result = services.stop_evaluator(call, leaving, note="Se mudó", by=chair, now=utcnow())

    assert (result.made, result.short) == (2, 0)
    db.session.expire_all()
    still = db.session.query(Assignment).filter_by(evaluator_id=leaving.id, ended_at=None).one()
    assert still.application_id == done.id
    assert db.session.query(ScoreSheet).filter_by(evaluator_id=leaving.id).count() == 2
    new = [pair for pair in given() if pair[1] != leaving.id]
    assert Counter(who for _a, who in new) == {others[0].id: 1, others[1].id: 1}
    assert {a for a, _who in new} == {begun.id, untouched.id}
    with pytest.raises(RuleBroken, match="already stopped"):
        services.stop_evaluator(call, leaving, note="", by=chair, now=utcnow())


def test_reason_of_a_change_by_hand_is_kept_and_its_words_are_sealed(app: Flask) -> None:
    from grants.evaluation.models import AssignmentChange, ChangeReason

    assignment, chair = make_assignment(), make_user(Role.COORDINATOR)

    services.end_assignment(assignment, reason=ChangeReason.ABSENCE, note="Está enferma", by=chair, now=utcnow())

    change = db.session.query(AssignmentChange).one()
    assert (change.given, change.reason, change.note) == (False, ChangeReason.ABSENCE, "Está enferma")
    assert b"enferma" not in change.note_sealed


def test_same_inputs_give_the_same_plan(app: Flask) -> None:
    call = make_call(reviews_per_application=2)
    applications_of(call, 8)
    for _n in range(4):
        make_panelist(call)

    plans = [services.plan_assignments(call, stage=Stage.PLAN) for _n in range(2)]

    assert plans[0] == plans[1]
