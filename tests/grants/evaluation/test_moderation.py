"""Sheets far apart: evaluators confirm or amend, the panel decides once."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Stage
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.evaluation import queries, services
from grants.evaluation.models import Answer, Assignment, Moderation, ModerationReply, Outcome, SheetState
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.evaluation import make_assignment, make_conflict, make_sheet
from tests.grants.evaluation.test_views import queries_of

SignIn = Callable[[User], FlaskClient]
REASON = "El plan no dice a quién vende."


def far_apart() -> tuple[Assignment, Assignment]:
    """Two evaluators whose sheets of one plan lie far apart."""
    application = make_application()
    tasks = (make_assignment(application), make_assignment(application))
    for task, level in zip(tasks, (4, 1), strict=True):
        make_sheet(application, task.evaluator, levels=level)
    return tasks


def opened(task: Assignment) -> Moderation:
    chair = make_user(Role.COORDINATOR)
    return services.open_moderation(task.application, stage=Stage.PLAN, by=chair, now=utcnow())


def reply_of(task: Assignment) -> ModerationReply:
    found = queries.reply_for(task)
    assert found is not None
    return found


def journal() -> list[str]:
    db.session.commit()
    return [entry.action for entry in db.session.query(JournalEntry).order_by(JournalEntry.id)]


def decide(moderation: Moderation, outcome: Outcome = Outcome.STANDS, by: User | None = None) -> None:
    chair = by or make_user(Role.COORDINATOR)
    services.decide(moderation, outcome=outcome, decision="Ambas lecturas caben.", by=chair, now=utcnow())


def test_everybody_whose_sheet_counts_is_asked(app: Flask) -> None:
    one, other = far_apart()
    conflicted = make_assignment(one.application)
    make_sheet(one.application, conflicted.evaluator)
    make_conflict(one.application, conflicted.evaluator)

    moderation = opened(one)

    assert [reply.evaluator_id for reply in moderation.replies] == [one.evaluator_id, other.evaluator_id]
    assert moderation.unanswered == 2
    assert "moderation.opened" in journal()


def test_one_sheet_is_nothing_to_moderate(app: Flask) -> None:
    task = make_assignment()
    make_sheet(task.application, task.evaluator)

    with pytest.raises(RuleBroken):
        opened(task)

    assert db.session.query(Moderation).count() == 0


def test_a_second_moderation_waits_for_the_first(app: Flask) -> None:
    one, _other = far_apart()
    first = opened(one)

    with pytest.raises(RuleBroken):
        opened(one)
    decide(first)
    again = opened(one)

    assert [m.is_open for m in queries.moderations_of(one.application.call_id)] == [True, False]
    assert again.id != first.id


def test_evaluator_confirms_once(app: Flask) -> None:
    one, _other = far_apart()
    moderation = opened(one)
    reply = reply_of(one)

    services.confirm_sheet(reply, reason=REASON, by=one.evaluator, now=utcnow())
    with pytest.raises(RuleBroken):
        services.amend_sheet(reply, one, reason="Otra cosa", by=one.evaluator, now=utcnow())

    db.session.expire_all()
    assert (reply.answer, reply.reason) == (Answer.CONFIRMED, REASON)
    assert moderation.unanswered == 1
    assert [s.version for s in queries.counting_sheets(one.application_id, Stage.PLAN)] == [1, 1]
    assert REASON.encode() not in (reply.reason_sealed or b"")


def test_evaluator_amends_with_the_reason_on_the_sheet(app: Flask) -> None:
    one, _other = far_apart()
    opened(one)

    services.amend_sheet(reply_of(one), one, reason=REASON, by=one.evaluator, now=utcnow())

    draft = queries.current_sheet(one)
    assert draft is not None
    assert (draft.version, draft.state, draft.amendment_reason) == (2, SheetState.DRAFT, REASON)
    assert reply_of(one).answer is Answer.AMENDED
    assert {"moderation.amended", "sheet.amendment_begun"} <= set(journal())


def test_nobody_answers_for_somebody_else(app: Flask) -> None:
    one, other = far_apart()
    opened(one)

    with pytest.raises(RuleBroken):
        services.confirm_sheet(reply_of(one), reason=REASON, by=other.evaluator, now=utcnow())

    assert reply_of(one).answer is None


def test_answer_after_the_decision_is_refused(app: Flask) -> None:
    one, _other = far_apart()
    moderation = opened(one)
    reply = reply_of(one)
    decide(moderation)

    with pytest.raises(RuleBroken):
        services.confirm_sheet(reply, reason=REASON, by=one.evaluator, now=utcnow())

    db.session.refresh(reply)
    assert reply.answer is None
    assert queries.asked_of(one.evaluator) == []


def test_decision_is_entered_once(app: Flask) -> None:
    one, _other = far_apart()
    moderation = opened(one)
    decide(moderation, Outcome.STANDS)

    with pytest.raises(RuleBroken):
        decide(moderation, Outcome.STANDS)

    db.session.expire_all()
    assert (moderation.outcome, moderation.decision) == (Outcome.STANDS, "Ambas lecturas caben.")
    assert journal().count("moderation.decided") == 1


def test_decision_for_a_third_review_asks_for_it(app: Flask) -> None:
    one, _other = far_apart()
    third = make_user(Role.EVALUATOR)

    decide(opened(one), Outcome.THIRD_REVIEW)

    given = db.session.query(Assignment).order_by(Assignment.id.desc()).first()
    assert given is not None
    assert (given.evaluator_id, given.stage) == (third.id, Stage.PLAN)
    assert given.due_on == local_day(utcnow()) + timedelta(days=7)


def test_third_review_without_a_reader_leaves_the_moderation_open(app: Flask, sign_in: SignIn) -> None:
    one, _other = far_apart()
    moderation = opened(one)

    answer = sign_in(make_user(Role.COORDINATOR)).post(
        f"/moderations/{moderation.id}/decide", data={"outcome": "third_review", "decision": "Hace falta otra lectura."}
    )

    assert answer.status_code == 200
    assert 'role="alert"' in answer.text
    assert db.session.get(Moderation, moderation.id).is_open  # type: ignore[union-attr]


def test_who_wrote_one_of_the_sheets_does_not_decide(app: Flask) -> None:
    one, _other = far_apart()
    moderation = opened(one)
    one.evaluator.roles = frozenset({Role.EVALUATOR, Role.COORDINATOR})

    with pytest.raises(RuleBroken):
        decide(moderation, by=one.evaluator)

    assert moderation.is_open


def test_who_owes_sheets_neither_opens_nor_decides(app: Flask, sign_in: SignIn) -> None:
    one, _other = far_apart()
    moderation = opened(one)
    chair = make_user(Role.COORDINATOR, Role.EVALUATOR)
    make_assignment(make_application(one.application.call), chair)

    with pytest.raises(RuleBroken):
        decide(moderation, by=chair)
    page = sign_in(chair).get(f"/moderations/{moderation.id}")

    assert page.status_code == 200
    assert one.evaluator.name not in page.text
    assert db.session.get(Moderation, moderation.id).is_open  # type: ignore[union-attr]


def test_database_keeps_decisions_whole(app: Flask) -> None:
    one, _other = far_apart()
    moderation = opened(one)

    with pytest.raises(IntegrityError), db.session.begin_nested():
        moderation.decided_at = utcnow()
        db.session.flush()


def test_through_the_pages(app: Flask, sign_in: SignIn) -> None:
    one, other = far_apart()
    chair = sign_in(make_user(Role.COORDINATOR))

    there = chair.post(f"/applications/{one.application_id}/moderations", data={"stage": "plan"}).location
    evaluator = sign_in(one.evaluator)
    question = f"/score-sheets/{one.id}/moderation"
    assert question in evaluator.get("/score-sheets").text
    assert question in evaluator.get(f"/score-sheets/{one.id}").text
    page = evaluator.get(question).text
    assert other.evaluator.name not in page
    assert evaluator.post(question, data={"answer": "confirmed", "reason": REASON}).status_code == 302
    assert question not in evaluator.get("/score-sheets").text

    page = chair.get(there).text
    assert REASON in page
    assert one.evaluator.name in page
    number = there.rsplit("/", 1)[1]
    chair.post(f"/moderations/{number}/decide", data={"outcome": "stands", "decision": "Ambas lecturas caben."})
    page = chair.get(there).text
    assert "Ambas lecturas caben." in page
    assert "<form" not in page.partition("<main")[2].partition("</main")[0]
    assert evaluator.get(question).status_code == 404


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"answer": "confirmed", "reason": " "},
        {"answer": "maybe", "reason": REASON},
        {"answer": "amended", "reason": "x" * 301},
        {"answer": "confirmed", "reason": "a\x00b"},
    ],
)
def test_incomplete_answer_gets_a_sentence(app: Flask, sign_in: SignIn, data: dict[str, str]) -> None:
    one, _other = far_apart()
    opened(one)

    answer = sign_in(one.evaluator).post(f"/score-sheets/{one.id}/moderation", data=data)

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert reply_of(one).answer is None


@pytest.mark.parametrize(
    "data",
    [
        {},
        {"outcome": "stands", "decision": ""},
        {"outcome": "1e999", "decision": "Sí"},
        {"outcome": "stands", "decision": "x" * 2001},
        {"outcome": "stands", "decision": "\x00"},
    ],
)
def test_incomplete_decision_gets_a_sentence(app: Flask, sign_in: SignIn, data: dict[str, str]) -> None:
    one, _other = far_apart()
    moderation = opened(one)

    answer = sign_in(make_user(Role.COORDINATOR)).post(f"/moderations/{moderation.id}/decide", data=data)

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.get(Moderation, moderation.id).is_open  # type: ignore[union-attr]


def test_conflict_closes_moderation_to_chair_and_evaluator(app: Flask, sign_in: SignIn) -> None:
    one, _other = far_apart()
    moderation = opened(one)
    chair = make_user(Role.COORDINATOR)
    make_conflict(one.application, chair)
    make_conflict(one.application, one.evaluator)
    reader, evaluator = sign_in(chair), sign_in(one.evaluator)

    assert reader.get(f"/moderations/{moderation.id}").status_code == 404
    decided = reader.post(f"/moderations/{moderation.id}/decide", data={"outcome": "stands", "decision": "Sí"})
    assert decided.status_code == 404
    assert reader.post(f"/applications/{one.application_id}/moderations", data={"stage": "plan"}).status_code == 404
    assert evaluator.get(f"/score-sheets/{one.id}/moderation").status_code == 404
    assert db.session.get(Moderation, moderation.id).is_open  # type: ignore[union-attr]


def test_who_is_not_asked_finds_no_question(app: Flask, sign_in: SignIn) -> None:
    one, _other = far_apart()
    stranger = make_assignment(one.application)
    moderation = opened(one)
    client = sign_in(stranger.evaluator)

    assert client.get(f"/score-sheets/{stranger.id}/moderation").status_code == 404
    assert client.get(f"/score-sheets/{one.id}/moderation").status_code == 404
    assert client.get(f"/moderations/{moderation.id}").status_code == 403
    assert client.get(f"/moderations/{2**31}").status_code in (403, 404)


def test_pages_cost_the_same_with_two_sheets_and_with_four(app: Flask, sign_in: SignIn) -> None:
    one, _other = far_apart()
    first = opened(one)
    db.session.commit()
    chair, evaluator = sign_in(make_user(Role.COORDINATOR)), sign_in(one.evaluator)
    few = (
        queries_of(chair, f"/moderations/{first.id}"),
        queries_of(evaluator, f"/score-sheets/{one.id}/moderation"),
        queries_of(evaluator, "/score-sheets"),
    )
    decide(first)
    for level in (0, 3):
        task = make_assignment(one.application)
        make_sheet(one.application, task.evaluator, levels=level)
    second = opened(one)
    db.session.commit()

    many = (
        queries_of(chair, f"/moderations/{second.id}"),
        queries_of(evaluator, f"/score-sheets/{one.id}/moderation"),
        queries_of(evaluator, "/score-sheets"),
    )
    assert many == few
    assert max(few[:2]) <= 15
    assert few[2] <= 8
