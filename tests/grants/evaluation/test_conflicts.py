"""Reading opens with an answer; a conflict closes every door and loses no review; the records suggest whom to ask."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Permission, Role
from grants.calls.models import Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.evaluation import queries, services
from grants.evaluation.models import Assignment, CallConflict, ConflictAnswer, ConflictOfInterest, ScoreSheet
from tests.factories.access import make_token, make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_panelist, make_sheet
from tests.factories.people import make_person
from tests.factories.selection import make_award

SignIn = Callable[[User], FlaskClient]
SECRET = "Panadería de mi barrio"


def counts() -> tuple[int, int, int]:
    return tuple(db.session.query(table).count() for table in (ConflictAnswer, ConflictOfInterest, CallConflict))


def unread(**overrides: object) -> Assignment:
    """A task about which the evaluator did not answer yet; its plan has a text to look for."""
    assignment = make_assignment(answered=False, **overrides)
    assignment.application.plan.description = SECRET
    db.session.flush()
    return assignment


def test_plan_is_closed_until_the_evaluator_answers_with_one_tap(app: Flask, sign_in: SignIn) -> None:
    assignment = unread()
    client, path = sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}"

    gate = client.get(path).text
    assert assignment.application.folio in gate
    assert "Panadería La Espiga" in gate
    assert assignment.application.person.canton.name in gate
    assert SECRET not in gate
    for verb in ("save", "autosave", "submit", "amend"):
        assert client.post(f"{path}/{verb}", data={"comment": "x"}).status_code == 404
    assert client.get(f"{path}/attachments/1").status_code == 404
    assert db.session.query(ScoreSheet).count() == 0

    assert [client.post(f"{path}/no-conflict").status_code for _tap in range(2)] == [302, 302]

    assert SECRET in client.get(path).text
    assert counts() == (1, 0, 0)


def test_gate_closes_the_other_doors_of_somebody_with_two_roles(app: Flask, sign_in: SignIn) -> None:
    both = make_user(Role.EVALUATOR, Role.COORDINATOR)
    application = unread(evaluator=both).application
    client = sign_in(both)
    api = {"Authorization": f"Bearer {make_token(both, Permission.VIEW_APPLICATION)}"}

    assert client.get(f"/applications/{application.id}").status_code == 404
    assert application.folio not in client.get("/applications").text
    assert app.test_client().get(f"/api/v1/applications/{application.folio}", headers=api).status_code == 404
    services.answer_no_conflict(db.session.query(Assignment).one(), by=both, now=utcnow())
    db.session.commit()
    assert client.get(f"/applications/{application.id}").status_code == 200


def test_nobody_answers_for_another(app: Flask, sign_in: SignIn) -> None:
    assignment = unread()

    answer = sign_in(make_user(Role.EVALUATOR)).post(f"/score-sheets/{assignment.id}/no-conflict")

    assert answer.status_code == 404
    assert counts() == (0, 0, 0)


def test_conflict_is_declared_at_the_gate(app: Flask, sign_in: SignIn) -> None:
    assignment = unread()
    client, path = sign_in(assignment.evaluator), f"/score-sheets/{assignment.id}"

    assert "field-error" in client.post(f"{path}/declare-conflict", data={"conflict_reason": " "}).text
    assert counts() == (0, 0, 0)
    assert client.post(f"{path}/declare-conflict", data={"conflict_reason": "Es mi prima."}).status_code == 302

    assert client.get(path).status_code == 404
    assert counts() == (0, 1, 0)


def test_list_is_answered_at_once_and_only_what_was_shown(app: Flask, sign_in: SignIn) -> None:
    me, call = make_user(Role.EVALUATOR), make_call()
    tasks = [unread(application=make_application(call), evaluator=me) for _n in range(3)]
    mine, known, not_shown = (task.application for task in tasks)
    client, path = sign_in(me), f"/calls/{call.id}/conflicts"
    page = client.get(path).text
    assert all(task.application.folio in page for task in tasks)
    assert SECRET not in page

    data = {"shown": [mine.folio, known.folio], "conflicts": [known.folio]}
    assert "field-error" in client.post(path, data=data).text
    assert counts() == (0, 0, 0)
    client.post(path, data={**data, "reason": "Es mi vecina"})

    assert counts() == (1, 1, 0)
    assert [a.id for a in queries.to_answer_page(me, call).items] == [not_shown.id]
    assert queries.may_read(tasks[0])


def test_conflict_with_the_whole_call_closes_all_of_it_and_what_comes_later(app: Flask, sign_in: SignIn) -> None:
    both, call = make_user(Role.EVALUATOR, Role.COORDINATOR), make_call(reviews_per_application=1)
    other = make_user(Role.EVALUATOR)
    task = make_assignment(make_application(call), both)
    make_sheet(task.application, both)
    client = sign_in(both)

    reason = {"conflict_reason": "Mi hermana se postula"}
    assert client.post(f"/calls/{call.id}/conflicts/whole", data=reason).status_code == 302

    later = make_application(call)
    for application in (task.application, later):
        assert client.get(f"/applications/{application.id}").status_code == 404
        assert client.get(f"/applications/{application.id}/assignments").status_code == 404
        assert application.folio not in client.get(f"/calls/{call.id}/evaluation").text
    assert queries.official_sheets(call) == []
    assert [a.evaluator_id for a in db.session.query(Assignment).filter_by(ended_at=None)] == [other.id]
    services.propose_assignments(call, stage=Stage.PLAN, due_on=None, by=both, now=utcnow())
    assert db.session.query(Assignment).filter_by(application_id=later.id).one().evaluator_id == other.id
    assert client.post(f"/calls/{call.id}/conflicts/whole", data=reason).status_code == 404
    assert counts()[2] == 1


def test_somebody_outside_the_call_cannot_declare_about_it(app: Flask, sign_in: SignIn) -> None:
    call, me = make_call(), make_user(Role.EVALUATOR)

    assert sign_in(me).get(f"/calls/{call.id}/conflicts").status_code == 404
    with pytest.raises(RuleBroken):
        services.declare_for_call(call, reason="x", by=me, now=utcnow())
    assert counts() == (0, 0, 0)


def test_recusal_gives_the_review_to_the_least_loaded_of_the_same_panel(app: Flask) -> None:
    call = make_call(reviews_per_application=1)
    application = make_application(call)
    me = make_panelist(call, panel="Norte").evaluator
    busy, free = (make_panelist(call, panel="Norte").evaluator for _n in range(2))
    make_panelist(call, panel="Oriente")
    make_assignment(make_application(call), busy)

    services.declare_conflict(make_assignment(application, me), reason="Es mi prima.", by=me, now=utcnow())

    given = db.session.query(Assignment).filter_by(application_id=application.id, ended_at=None).one()
    assert given.evaluator_id == free.id


def test_recusal_that_leaves_nobody_is_short_on_the_board(app: Flask, sign_in: SignIn) -> None:
    call = make_call(reviews_per_application=1)
    task = make_assignment(make_application(call))

    services.declare_conflict(task, reason="Es mi prima.", by=task.evaluator, now=utcnow())

    cells = queries.cells_of([task.application])
    assert queries.shortages(cells, 1) == {task.application_id: [(Stage.PLAN, 1)]}
    page = sign_in(make_user(Role.COORDINATOR)).get(f"/calls/{call.id}/evaluation").text
    assert "badge-warn" in page
    assert "Es mi prima" not in page


def test_recusal_from_an_extra_review_takes_nobody_else(app: Flask) -> None:
    call = make_call(reviews_per_application=1)
    application = make_application(call)
    make_assignment(application)
    extra = make_assignment(application)
    make_user(Role.EVALUATOR)

    services.declare_conflict(extra, reason="Es mi prima.", by=extra.evaluator, now=utcnow())

    assert db.session.query(Assignment).filter_by(ended_at=None).count() == 1


@pytest.mark.parametrize(
    ("seat", "name", "surname", "expected"),
    [
        ({"canton_code": "1001"}, "Ana Chalá Ruiz", "Chala", True),
        ({"canton_code": "2101"}, "Ana Chalá Ruiz", "Chala", False),
        ({"canton_code": "1001"}, "Ana Ruiz", "Chala", False),
        ({"organisation": "La Espiga"}, "Ana Ruiz", "Chala", True),
        ({"organisation": "Espiga Dorada"}, "Ana Ruiz", "Chala", False),
        ({}, "Ana Ruiz", "Chala", False),
    ],
)
def test_records_suggest_a_relative_or_the_same_organisation(
    app: Flask, seat: dict[str, str], name: str, surname: str, expected: bool
) -> None:
    call = make_call()
    evaluator = make_user(Role.EVALUATOR, name=name)
    make_panelist(call, evaluator, **seat)
    person = make_person(canton_code="1001", first_surname=surname, second_surname="Mina")
    application = make_application(call, person)

    found = queries.possible_conflicts([(application.id, evaluator.id)])

    assert found == ({(application.id, evaluator.id)} if expected else frozenset())


def test_earlier_contact_on_record_is_suggested(app: Flask) -> None:
    registered, wrote, nobody = (make_user(Role.EVALUATOR, Role.ENUMERATOR) for _n in range(3))
    application = make_application(make_call(), make_person(registered_by=registered), created_by=wrote)

    found = queries.possible_conflicts((application.id, user.id) for user in (registered, wrote, nobody))

    assert found == {(application.id, registered.id), (application.id, wrote.id)}


def test_suggestion_says_neither_to_the_evaluator_nor_to_the_chair_what_it_rests_on(
    app: Flask, sign_in: SignIn
) -> None:
    evaluator = make_user(Role.EVALUATOR, name="Ana Chalá")
    application = make_application(make_call(), make_person(canton_code="1001", first_surname="Chalá"))
    make_panelist(application.call, evaluator, canton_code="1001")
    task = make_assignment(application, evaluator, answered=False)

    gate = sign_in(evaluator).get(f"/score-sheets/{task.id}").text
    board = sign_in(make_user(Role.COORDINATOR)).get(f"/applications/{application.id}/assignments").text

    assert "notice-warn" in gate
    assert application.person.given_names not in gate
    assert gate.count("Chalá") == gate.count("Ana Chalá")
    assert "badge-warn" in board


def test_conflict_hides_an_award_from_the_plan_of_deliveries(app: Flask, sign_in: SignIn) -> None:
    both = make_user(Role.COORDINATOR, Role.EVALUATOR)
    hidden, seen = make_award(), make_award()
    task = make_assignment(hidden.application, both)
    services.declare_conflict(task, reason="Es mi prima.", by=both, now=utcnow())
    db.session.commit()

    page = sign_in(both).get("/deliveries/to-plan").text

    assert hidden.application.folio not in page
    assert seen.application.folio in page
