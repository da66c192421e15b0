"""The pages of evaluators and of the coordinator."""

import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import ApplicationState
from grants.calls.models import Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.evaluation.models import Assignment, ConflictOfInterest, ScoreSheet, SheetState
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_sheet

SignIn = Callable[[User], FlaskClient]


def posted(assignment: Assignment, *levels: object, **more: str) -> dict[str, str]:
    """Levels for the criteria in order, each with a comment."""
    given = list(zip(assignment.application.rubric.criteria_of(assignment.stage), levels, strict=False))
    comments = {f"comment_{c.id}": "Por lo que dice el plan." for c, _level in given}
    return comments | {f"level_{c.id}": str(level) for c, level in given} | more


def sheets() -> list[tuple[str, list[int]]]:
    db.session.expire_all()
    found = db.session.query(ScoreSheet).order_by(ScoreSheet.id)
    return [(sheet.state.value, sorted(sheet.levels.values())) for sheet in found]


def confirm(client: FlaskClient, call_id: int, **fields: str) -> str:
    """Look at the proposal for the plans, then confirm what is shown; the page that was shown."""
    path = f"/calls/{call_id}/evaluation/propose"
    shown = client.get(client.post(path, data={"stage": "plan", **fields}).location).text
    found = re.search(r'name="digest"[^>]*value="([0-9a-f]{64})"', shown)
    if found is not None:
        client.post(path, data={"stage": "plan", **fields, "digest": found[1]})
    return shown


def queries_of(client: FlaskClient, path: str) -> int:
    statements: list[str] = []

    def note(_conn: object, _cursor: object, statement: str, *_rest: object) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            statements.append(statement)

    from sqlalchemy import Engine

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert client.get(path).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return len(statements)


def test_sheet_shows_the_plan_and_nothing_about_the_person(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    person = assignment.application.person

    page = sign_in(assignment.evaluator).get(f"/score-sheets/{assignment.id}").text

    assert assignment.application.folio in page
    assert "Panadería La Espiga" in page
    assert "Viabilidad" in page
    assert "Muy bien" in page
    assert person.first_surname not in page
    assert person.folio not in page


def test_draft_is_saved_with_gaps_then_submitted(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    client, path = sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}"

    assert client.post(f"{path}/save", data=posted(assignment, 3)).status_code == 302
    assert sheets() == [("draft", [3])]
    assert client.post(f"{path}/submit", data=posted(assignment, 3, 2, 1)).status_code == 302
    assert sheets() == [("submitted", [1, 2, 3])]


def test_submitting_with_a_gap_keeps_the_draft_and_names_the_gap(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()

    answer = sign_in(assignment.evaluator).post(
        f"/score-sheets/{assignment.id}/submit", data=posted(assignment, 3, 2, comment="Buen plan")
    )

    assert answer.status_code == 200
    assert answer.text.count("field-error") == 1
    assert "Buen plan" in answer.text
    assert sheets() == [("draft", [2, 3])]


def test_second_tap_on_submit_changes_nothing(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    client, path = sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}/submit"
    client.post(path, data=posted(assignment, 3, 2, 1))

    again = client.post(path, data=posted(assignment, 0, 0, 0))

    assert again.status_code == 200
    assert sheets() == [("submitted", [1, 2, 3])]


@pytest.mark.parametrize("level", ["99", "-1", "1e999", "NaN", "Infinity", "9" * 5000, "\x00", "ñ"])
def test_hostile_level_gets_a_sentence(app: Flask, sign_in: SignIn, level: str) -> None:
    assignment = make_assignment()

    answer = sign_in(assignment.evaluator).post(
        f"/score-sheets/{assignment.id}/submit", data=posted(assignment, level, 1, 1)
    )

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert sheets() == []


@pytest.mark.parametrize("comment", ["a\x00b", "x" * 10_000])
def test_hostile_comment_gets_a_sentence(app: Flask, sign_in: SignIn, comment: str) -> None:
    assignment = make_assignment()
    client, path = sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}"

    assert "field-error" in client.post(f"{path}/save", data=posted(assignment, 1, comment=comment)).text
    assert client.post(f"{path}/autosave", data=posted(assignment, 1, comment=comment)).status_code == 422
    assert sheets() == []


def test_autosave_keeps_the_draft_and_answers_with_a_sentence(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    client, path = sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}"

    answer = client.post(f"{path}/autosave", data=posted(assignment, 4)).json
    assert answer is not None
    assert (answer["version"], answer["saves"]) == (1, 1)
    assert re.fullmatch(r"\S+ \d\d:\d\d\.", answer["message"])
    client.post(f"{path}/submit", data=posted(assignment, 4, 4, 4))
    late = client.post(f"{path}/autosave", data=posted(assignment, 0))

    assert late.status_code == 409
    assert sheets() == [("submitted", [4, 4, 4])]


def test_evaluator_sees_only_their_own_open_sheets(app: Flask, sign_in: SignIn) -> None:
    mine, theirs = make_assignment(), make_assignment()
    ended = make_assignment(evaluator=mine.evaluator, ended_at=utcnow())
    withdrawn = make_assignment(evaluator=mine.evaluator)
    withdrawn.application.state, withdrawn.application.withdrawn_at = ApplicationState.WITHDRAWN, utcnow()
    client = sign_in(mine.evaluator)

    page = client.get("/score-sheets").text

    assert mine.application.folio in page
    for hidden in (theirs, ended, withdrawn):
        assert hidden.application.folio not in page
        assert client.get(f"/score-sheets/{hidden.id}").status_code == 404
        assert client.post(f"/score-sheets/{hidden.id}/save", data=posted(hidden, 1)).status_code == 404
    assert client.get(f"/score-sheets/{10**12}").status_code == 404
    assert sheets() == []


def test_declared_conflict_closes_every_door(app: Flask, sign_in: SignIn) -> None:
    me = make_user(Role.EVALUATOR, Role.COORDINATOR)
    assignment = make_assignment(evaluator=me)
    application, client, path = assignment.application, sign_in(me), f"/score-sheets/{assignment.id}"

    refused = client.post(f"{path}/declare-conflict", data={"conflict_reason": " "})
    assert "field-error" in refused.text
    assert db.session.query(ConflictOfInterest).count() == 0

    client.post(f"{path}/declare-conflict", data={"conflict_reason": "Es mi prima."})

    assert client.get(path).status_code == 404
    for verb in ("save", "autosave", "submit", "amend", "declare-conflict"):
        assert client.post(f"{path}/{verb}", data=posted(assignment, 1, 1, 1)).status_code == 404
    assert client.get(f"/applications/{application.id}/assignments").status_code == 404
    assert application.folio not in client.get(f"/calls/{application.call_id}/evaluation").text
    assert application.folio not in client.get("/score-sheets").text


def test_board_shows_that_there_is_a_conflict_but_neither_why_nor_scores(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    make_conflict(assignment.application, assignment.evaluator, "Es mi prima.")
    call_id = assignment.application.call_id

    page = sign_in(make_user(Role.COORDINATOR)).get(f"/calls/{call_id}/evaluation").text

    assert assignment.evaluator.name in page
    assert "badge-bad" in page
    assert "Es mi prima" not in page


def test_others_appear_without_names_after_ones_own_sheet(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    other = make_user(Role.EVALUATOR, name="Rosa Ajena")
    make_sheet(assignment.application, other, levels=(2, 2, 1))
    client, path = sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}"
    assert "Viabilidad: 2" not in client.get(path).text

    client.post(f"{path}/submit", data=posted(assignment, 3, 2, 1))

    page = client.get(path).text
    assert "Viabilidad: 2" in page
    assert "Rosa Ajena" not in page


def test_amendment_through_the_page(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    make_sheet(assignment.application, assignment.evaluator)
    client, path = sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}"

    assert "field-error" in client.post(f"{path}/amend", data={"amendment_reason": "x" * 301}).text
    client.post(f"{path}/amend", data={"amendment_reason": "Leí mal el costo"})
    client.post(f"{path}/submit", data=posted(assignment, 1, 1, 1))

    assert sheets() == [("superseded", [4, 4, 4]), ("submitted", [1, 1, 1])]


def test_coordinator_assigns_by_proposal_and_by_hand_and_takes_away(app: Flask, sign_in: SignIn) -> None:
    call = make_call(reviews_per_application=1)
    application, evaluator = make_application(call), make_user(Role.EVALUATOR)
    second = make_user(Role.EVALUATOR)
    client = sign_in(make_user(Role.COORDINATOR))

    confirm(client, call.id, due_on="2024-05-02")
    page = f"/applications/{application.id}/assignments"
    client.post(page, data={"stage": "plan", "evaluator": str(second.id), "reason": "extra_review"})

    rows = db.session.query(Assignment).order_by(Assignment.id).all()
    assert [row.evaluator_id for row in rows] == [evaluator.id, second.id]
    assert "field-error" in client.post(f"/assignments/{rows[1].id}/end").text
    reason = {"reason": "workload", "note": "Tiene demasiadas hojas"}
    assert client.post(f"/assignments/{rows[1].id}/end", data=reason).status_code == 302
    assert "notice-bad" in client.post(f"/assignments/{rows[1].id}/end", data=reason).text
    db.session.expire_all()
    assert [row.is_open for row in db.session.query(Assignment).order_by(Assignment.id)] == [True, False]


@pytest.mark.parametrize(
    "data",
    [
        {"stage": "finale", "evaluator": "1"},
        {"stage": "plan", "evaluator": "1e999"},
        {"stage": "plan", "evaluator": "9" * 30},
        {"stage": "plan", "due_on": "2024-99-99", "evaluator": "\x00"},
        {},
    ],
)
def test_hostile_assignment_is_refused(app: Flask, sign_in: SignIn, data: dict[str, str]) -> None:
    application = make_application()
    make_user(Role.EVALUATOR)
    client = sign_in(make_user(Role.COORDINATOR))

    assert client.post(f"/applications/{application.id}/assignments", data=data).status_code == 200
    assert (
        client.post(f"/calls/{application.call_id}/evaluation/propose", data={**data, "stage": "x"}).status_code == 200
    )
    assert db.session.query(Assignment).count() == 0


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.EVALUATOR])
def test_only_evaluators_open_sheets(app: Flask, sign_in: SignIn, role: Role) -> None:
    client = sign_in(make_user(role))

    assert client.get("/score-sheets").status_code == 403
    assert client.get("/score-sheets/1").status_code == 403


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COORDINATOR])
def test_only_coordinators_assign(app: Flask, sign_in: SignIn, role: Role) -> None:
    client, call = sign_in(make_user(role)), make_call()

    assert client.get(f"/calls/{call.id}/evaluation").status_code == 403
    assert client.post(f"/calls/{call.id}/evaluation/propose", data={"stage": "plan"}).status_code == 403


def test_lists_cost_the_same_with_one_row_and_with_three(app: Flask, sign_in: SignIn) -> None:
    call, me = make_call(), make_user(Role.EVALUATOR)
    make_assignment(make_application(call), me)
    evaluator, chair = sign_in(me), sign_in(make_user(Role.COORDINATOR))
    board = f"/calls/{call.id}/evaluation"
    one = queries_of(evaluator, "/score-sheets"), queries_of(chair, board)

    for _n in range(2):
        application = make_application(call)
        make_assignment(application, me)
        make_assignment(application, stage=Stage.PITCH)
        make_sheet(application, me, submitted=False)

    assert (queries_of(evaluator, "/score-sheets"), queries_of(chair, board)) == one
    assert one[0] <= 8
    assert one[1] <= 15


def test_sheet_page_stays_within_its_queries(app: Flask, sign_in: SignIn) -> None:
    assignment = make_assignment()
    make_sheet(assignment.application, assignment.evaluator)
    client = sign_in(assignment.evaluator)

    assert queries_of(client, f"/score-sheets/{assignment.id}") <= 15
    assert db.session.query(ScoreSheet).filter_by(state=SheetState.SUBMITTED).count() == 1
