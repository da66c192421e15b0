"""The next stop by asking: after every handover, answered after the same wait, with neutral words."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Permission, Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import services
from grants.delivery.models import StopAnswer, StopRequest
from grants.delivery.queries import stops as questions
from grants.delivery.queries.stops import Asking
from grants.delivery.services import stops
from tests.factories.access import make_token
from tests.factories.delivery import make_officer, make_run, make_team
from tests.factories.desk import confirm_as, make_desk, make_request
from tests.factories.road import make_stop, send_out

pytestmark = pytest.mark.usefixtures("in_english")

NOON = datetime(2026, 3, 2, 17, 0, tzinfo=UTC)  # noon in Guayaquil
TEN = timedelta(minutes=10)


def test_before_the_first_handover_of_a_day_nobody_has_to_ask_but_at_level_three(app: Flask) -> None:
    officer = make_officer()

    assert questions.asking(officer, NOON) is Asking.FREE
    assert questions.asking(officer, NOON, always=True) is Asking.MUST_ASK


@pytest.mark.parametrize("kind", ["normal", "both"])
def test_after_every_handover_the_officer_asks_and_waits(app: Flask, kind: str) -> None:
    now = utcnow()
    officer = confirm_as(kind, now=now).officer
    assert questions.asking(officer, now) is Asking.MUST_ASK

    request = stops.ask_next_stop(by=officer, now=now)
    assert questions.asking(officer, now) is Asking.WAITING

    stops.answer_stop(request, StopAnswer.GO, by=make_desk(), now=now + TEN)
    assert questions.asking(officer, now + TEN) is Asking.GO


def test_a_handover_before_midnight_is_asked_after_until_the_morning(app: Flask) -> None:
    late = datetime(2026, 3, 3, 4, 55, tzinfo=UTC)  # five to midnight in Guayaquil
    officer = confirm_as("both", now=late).officer

    assert questions.asking(officer, late + TEN) is Asking.MUST_ASK
    assert questions.asking(officer, late + timedelta(hours=7)) is Asking.FREE


def test_go_holds_until_the_next_handover(app: Flask) -> None:
    now = utcnow() - timedelta(minutes=1)
    officer = make_officer()
    request = stops.ask_next_stop(by=officer, now=now, wait=timedelta(0))
    stops.answer_stop(request, StopAnswer.GO, by=make_desk(), now=now)

    confirm_as("normal", officer=officer, now=now + timedelta(seconds=30))

    assert questions.asking(officer, now + timedelta(seconds=40)) is Asking.MUST_ASK


def test_rescheduled_ends_the_trip_for_the_day(app: Flask) -> None:
    officer = make_officer()
    request = make_request(officer, now=NOON)
    stops.answer_stop(request, StopAnswer.RESCHEDULED, by=make_desk(), now=NOON + TEN)

    with pytest.raises(RuleBroken, match="rescheduled"):
        stops.ask_next_stop(by=officer, now=NOON + 2 * TEN)

    assert questions.asking(officer, NOON + 2 * TEN) is Asking.RESCHEDULED
    assert questions.asking(officer, NOON + timedelta(days=1)) is Asking.FREE
    assert db.session.query(StopRequest).count() == 1


def test_no_answer_comes_before_ten_minutes(app: Flask) -> None:
    request = make_request(now=NOON)

    with pytest.raises(RuleBroken, match="waits"):
        stops.answer_stop(request, StopAnswer.GO, by=make_desk(), now=NOON + TEN - timedelta(seconds=1))
    db.session.refresh(request)
    assert request.answer is None

    stops.answer_stop(request, StopAnswer.GO, by=make_desk(), now=NOON + TEN)
    assert request.answer is StopAnswer.GO


def test_the_database_refuses_an_early_answer(app: Flask) -> None:
    request = make_request(now=NOON)
    request.answer, request.answered_at, request.answered_by_id = StopAnswer.GO, NOON, make_desk().id

    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.flush()


def test_one_open_question_at_a_time_and_one_answer(app: Flask) -> None:
    request = make_request(now=NOON)
    with pytest.raises(RuleBroken, match="asked already"):
        stops.ask_next_stop(by=request.officer, now=NOON)
    stops.answer_stop(request, StopAnswer.GO, by=make_desk(), now=NOON + TEN)

    with pytest.raises(RuleBroken, match="already answered"):
        stops.answer_stop(request, StopAnswer.RESCHEDULED, by=make_desk(), now=NOON + TEN)

    db.session.refresh(request)
    assert request.answer is StopAnswer.GO


def test_a_question_that_nobody_answered_blocks_none_of_the_next_day(app: Flask) -> None:
    old, tomorrow = make_request(now=NOON), NOON + timedelta(days=1)
    officer = old.officer
    assert list(questions.open_requests(NOON)) == [old]
    assert list(questions.open_requests(tomorrow)) == []
    assert questions.open_request_of(officer, tomorrow) is None

    fresh = stops.ask_next_stop(by=officer, now=tomorrow)
    with pytest.raises(RuleBroken, match="asked already"):
        stops.ask_next_stop(by=officer, now=tomorrow)
    with pytest.raises(RuleBroken, match="newer question"):
        db.session.refresh(old)
        stops.answer_stop(old, StopAnswer.GO, by=make_desk(), now=tomorrow)

    assert (old.answer, old.lapsed_at) == (None, tomorrow)
    assert list(questions.open_requests(tomorrow)) == [fresh]
    assert questions.asking(officer, tomorrow) is Asking.WAITING


def test_a_question_of_a_trip_over_midnight_still_counts(app: Flask) -> None:
    late = datetime(2026, 3, 3, 4, 50, tzinfo=UTC)  # ten to midnight in Guayaquil
    delivery = make_stop(late, level=1, at=late - timedelta(hours=2))
    send_out(delivery, at=late)
    request = stops.ask_next_stop(by=delivery.officer, now=late)

    with pytest.raises(RuleBroken, match="asked already"):
        stops.ask_next_stop(by=delivery.officer, now=late + 2 * TEN)

    assert list(questions.open_requests(late + 2 * TEN)) == [request]
    assert questions.open_request_of(delivery.officer, late + 2 * TEN) is request


def test_nobody_answers_their_own_question(app: Flask) -> None:
    request = make_request(now=NOON)

    with pytest.raises(RuleBroken, match="Somebody else"):
        stops.answer_stop(request, StopAnswer.GO, by=request.officer, now=NOON + TEN)

    assert request.answer is None


def with_desk(user: User) -> User:
    user.roles = frozenset({*user.roles, Role.DESK})
    db.session.commit()
    return user


def test_nobody_of_the_team_answers_its_question(app: Flask, sign_in: Callable[[User], FlaskClient]) -> None:
    mate, gone = with_desk(make_officer()), with_desk(make_officer())
    run = make_run(team=make_team(officer := make_officer(), mate, gone), officer=officer)
    now = utcnow()
    request = make_request(officer, now=now - TEN)
    request.run_id = run.id
    services.leave_team(gone, run.team, by=make_desk(), now=now)
    db.session.commit()

    for by in (mate, gone):
        client = sign_in(by)
        assert officer.name in client.get("/deliveries/desk").text  # listed, as for everybody at the desk
        client.post(f"/deliveries/desk/stop-requests/{request.id}", data={"answer": "go"})
        headers = {"Authorization": f"Bearer {make_token(by, Permission.ANSWER_STOPS)}"}
        refused = app.test_client().post(
            f"/api/v1/desk/stop-requests/{request.id}/answer", headers=headers, json={"answer": "go"}
        )
        db.session.refresh(request)
        assert (refused.status_code, request.answer) == (409, None)
    request.run_id = None  # asked when no run was out: the officer's team of now
    with pytest.raises(RuleBroken, match="of the team"):
        stops.answer_stop(request, StopAnswer.GO, by=mate, now=now)
    stops.answer_stop(request, StopAnswer.GO, by=gone, now=now)

    assert request.answer is StopAnswer.GO


def test_officer_asks_on_the_page_and_the_desk_answers_with_neutral_buttons(
    app: Flask, sign_in: Callable[[User], FlaskClient]
) -> None:
    officer, desk = confirm_as("both").officer, make_desk()
    client, desk_client = sign_in(officer), sign_in(desk)
    assert "/deliveries/ask-next-stop" in client.get("/deliveries/my-day").text

    client.post("/deliveries/ask-next-stop")
    request = db.session.query(StopRequest).one()
    early = desk_client.get("/deliveries/desk").text
    refused = desk_client.post(f"/deliveries/desk/stop-requests/{request.id}", data={"answer": "go"})
    db.session.refresh(request)
    assert (refused.status_code, request.answer) == (302, None)

    request.asked_at -= TEN
    request.answerable_at -= TEN
    db.session.commit()
    page = desk_client.get("/deliveries/desk").text
    desk_client.post(f"/deliveries/desk/stop-requests/{request.id}", data={"answer": "rescheduled"})

    assert 'value="go"' not in early
    assert page.index('value="go"') < page.index('value="rescheduled"')
    assert db.session.query(StopRequest).one().answer is StopAnswer.RESCHEDULED


@pytest.mark.parametrize("answer", ["", "stop", "\x00", "x" * 10_000, "1e999"])
def test_odd_answers_change_nothing(app: Flask, sign_in: Callable[[User], FlaskClient], answer: str) -> None:
    request = make_request(now=utcnow() - TEN)

    sent = sign_in(make_desk()).post(f"/deliveries/desk/stop-requests/{request.id}", data={"answer": answer})

    assert sent.status_code == 302
    db.session.refresh(request)
    assert request.answer is None
