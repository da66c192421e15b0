"""Where parts meet: a conflict about a whole call counts in every room, and panels reach every calibration."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import delete

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.evaluation import queries, services
from grants.evaluation.models import CallConflict, ConflictAnswer
from grants.evaluation.quality import severities
from grants.selection.queries import selection_inputs
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.evaluation import make_assignment, make_panelist
from tests.factories.pitch import make_pitch_session, make_slot
from tests.grants.evaluation.test_quality import plan_only, scored

SignIn = Callable[[User], FlaskClient]


def in_conflict_with(call: Call) -> CallConflict:
    conflict = CallConflict(call_id=call.id, evaluator_id=make_user(Role.EVALUATOR).id, declared_at=utcnow())
    conflict.reason = "Asesoré a todo el grupo."
    db.session.add(conflict)
    db.session.flush()
    return conflict


def test_whole_call_conflict_recuses_in_every_slot(app: Flask) -> None:
    session = make_pitch_session()
    slot = make_slot(session)
    member = session.panel[0]
    conflict = CallConflict(call_id=session.call_id, evaluator_id=member.id, declared_at=utcnow())
    conflict.reason = "Asesoré a todo el grupo."
    db.session.add(conflict)
    db.session.flush()

    assert queries.recused_of(session, [slot]) == {slot.application_id: [member]}


def test_whole_call_conflict_keeps_third_reviews_away(app: Flask) -> None:
    application = make_application()
    conflict, other = in_conflict_with(application.call), make_user(Role.EVALUATOR)

    found = queries.next_reader(application, Stage.PLAN)

    assert found == other
    assert found.id != conflict.evaluator_id


def test_whole_call_conflict_keeps_the_calibration_set_away(app: Flask) -> None:
    call = plan_only()
    common = [make_application(call) for _ in range(2)]
    conflict, other = in_conflict_with(call), make_user(Role.EVALUATOR)
    for evaluator in (conflict.evaluator, other):
        make_assignment(make_application(call), evaluator)
    folios = [application.folio for application in common]

    services.mark_calibration_set(
        call, Stage.PLAN, folios, counts=False, due_on=None, by=make_user(Role.COORDINATOR), now=utcnow()
    )

    given = queries.pairs_among([application.id for application in common])
    assert given == {(application.id, conflict.evaluator_id) for application in common}
    assert [task.application_id for task in queries.calibration_left(other)] == [one.id for one in common]
    assert list(queries.calibration_left(conflict.evaluator)) == []


@pytest.mark.parametrize(("labels", "stored"), [(("", ""), [None]), (("A", "A"), [None]), (("A", "B"), ["A", "B"])])
def test_panels_reach_a_run_once_there_are_two(app: Flask, labels: tuple[str, str], stored: list[str | None]) -> None:
    call = plan_only()
    evaluators = [make_user(Role.EVALUATOR) for _ in labels]
    for evaluator, label in zip(evaluators, labels, strict=True):
        make_panelist(call, evaluator, panel=label)
    scored(call, evaluators, 2, 3)

    inputs = selection_inputs(call)

    assert sorted({sheet.panel for sheet in inputs.entries[0].sheets}, key=str) == stored


def test_panels_without_a_bridge_are_named_on_the_board(app: Flask) -> None:
    call = plan_only()
    evaluators = [make_user(Role.EVALUATOR) for _ in range(4)]
    for evaluator, label in zip(evaluators, ("Ibarra", "Ibarra", "Lago Agrio", "Lago Agrio"), strict=True):
        make_panelist(call, evaluator, panel=label)
    for first, second in ((2, 3), (4, 3), (1, 2)):
        scored(call, evaluators[:2], first, second)
        scored(call, evaluators[2:], second, first)

    problem = severities(queries.evidence_of(call, reader=make_user(Role.COORDINATOR)), Stage.PLAN).problem

    assert problem is not None
    assert sorted(problem.parts) == [("Ibarra",), ("Lago Agrio",)]


def test_panel_asks_about_conflicts_before_its_sheets_open(app: Flask, sign_in: SignIn) -> None:
    session = make_pitch_session()
    slot, later = make_slot(session), make_slot(session)
    member = session.panel[0]
    db.session.execute(delete(ConflictAnswer))
    client, path = sign_in(member), f"/pitch-sessions/{session.id}"

    asked = client.get(f"{path}/panel").text
    client.post(f"{path}/no-conflict", data={"application": str(slot.application_id)})
    answered = client.get(f"{path}/panel").text

    assert "data-gate" in asked
    assert f'action="/pitch-slots/{slot.id}/sheet"' not in asked
    assert f'action="/pitch-slots/{slot.id}/sheet"' in answered
    # Whoever did not stand on the page that was answered is still asked about.
    assert f'name="application" value="{later.application_id}"' in answered
    assert f'name="application" value="{slot.application_id}"' not in answered
