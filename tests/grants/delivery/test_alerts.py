"""How the desk hears: two channels, acknowledgement, escalation, a beat. The same for every signal."""

import base64
import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select

from grants.access.models import User
from grants.access.permissions import GRANTED, Permission, Role
from grants.access.services.own import UNSCOPED
from grants.core import jobs, outbox
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.jobs import worker_for
from grants.core.journal import JournalEntry
from grants.core.outbox import MessageState, OutboxMessage
from grants.delivery.jobs import watch_signals
from grants.delivery.models import DeliveryState, RiskSnapshot, Signal
from grants.delivery.queries import desk as questions
from grants.delivery.services import alerts
from grants.delivery.signals import BOX_BYTES
from tests.factories.access import make_token, make_user
from tests.factories.delivery import make_delivery, make_snapshot
from tests.factories.desk import confirm_as, make_desk

FIVE = timedelta(minutes=5)


def messages() -> list[OutboxMessage]:
    return list(db.session.scalars(select(OutboxMessage).order_by(OutboxMessage.id)))


def newest() -> Signal:
    return db.session.scalars(select(Signal).order_by(Signal.id.desc()).limit(1)).one()


@pytest.mark.parametrize("kind", ["normal", "both"])
def test_every_handover_sends_two_messages_of_one_size(app: Flask, kind: str) -> None:
    confirm_as(kind)

    sent = messages()
    assert [one.address for one in sent] == ["desk", "desk-2"]
    assert {(one.kind, one.subject) for one in sent} == {("handover", "Semilla")}
    assert {len(base64.b64decode(one.body)) for one in sent} == {BOX_BYTES}


def test_acknowledging_says_nothing_of_what_a_box_holds(app: Flask) -> None:
    desk, now = make_desk(), utcnow()
    confirm_as("normal")
    confirm_as("both")
    ids = [one.id for one in questions.signals_page(waiting=True)]

    assert alerts.acknowledge(ids, by=desk, now=now) == 2
    assert alerts.acknowledge(ids, by=desk, now=now) == 0
    db.session.commit()

    rows = db.session.scalars(select(Signal).order_by(Signal.id)).all()
    assert [(one.acknowledged_at, one.acknowledged_by_id) for one in rows] == [(now, desk.id)] * 2
    entry = db.session.scalars(select(JournalEntry).where(JournalEntry.action == "signals.acknowledged")).one()
    assert (entry.subject, entry.subject_id, entry.details) == ("signal", None, '{"count":2}')


def test_what_nobody_acknowledged_in_time_is_escalated_once_whatever_it_says(app: Flask) -> None:
    now = utcnow()
    for kind in ("normal", "picture", "pin"):
        confirm_as(kind)
    alerts.acknowledge([newest().id], by=make_desk(), now=now)
    early = alerts.escalate("duty-officer", after=FIVE, now=now + timedelta(minutes=4))
    late = alerts.escalate("duty-officer", after=FIVE, now=now + timedelta(minutes=6))
    again = alerts.escalate("duty-officer", after=FIVE, now=now + timedelta(minutes=7))

    assert (early, late, again) == (0, 2, 0)
    assert Counter(one.address for one in messages()) == {"desk": 3, "desk-2": 3, "duty-officer": 2}
    assert len({len(one.body) for one in messages()}) == 1


def test_the_job_escalates_and_leaves_a_beat(app: Flask) -> None:
    confirm_as("normal")
    signal = newest()
    signal.created_at = utcnow() - timedelta(minutes=6)
    db.session.commit()

    watch_signals(app)
    watch_signals(app)

    assert [one.address for one in messages()][2:] == ["desk-escalation"]
    beat = questions.last_beat(alerts.ALERTS)
    assert not questions.beat_is_late(beat, utcnow())
    assert questions.beat_is_late(beat, utcnow() + timedelta(minutes=4))


def test_a_cut_channel_changes_no_handover_and_the_alert_arrives_on_return(app: Flask) -> None:
    def cut(_address: str, _subject: str, _body: str) -> None:
        raise OSError("no route")

    arrived: list[str] = []
    confirm_as("both")
    now = utcnow()
    sent_while_cut = outbox.deliver_due(cut, now=now)
    confirm_as("normal")

    sent = outbox.deliver_due(lambda address, *_rest: arrived.append(address), now=now + timedelta(minutes=10))

    assert (sent_while_cut, sent) == (0, 4)
    assert sorted(arrived) == ["desk", "desk", "desk-2", "desk-2"]
    assert {one.state for one in messages()} == {MessageState.SENT}


def test_alarms_are_sent_escalated_and_watched_by_threads_of_their_own(app: Flask) -> None:
    named = [{task.name for task in worker_for(app, urgent=own)._registry.periodic_tasks} for own in (True, False)]

    assert named[0] == {"urgent messages", "alerts", "check-ins"}
    assert "outbox" in named[1]
    assert named[0] & named[1] == set()


def test_alert_goes_before_letters_and_is_not_given_up(app: Flask) -> None:
    confirm_as("normal")
    outbox.add("letter", address="ana@example.org", subject="Aviso", body="Hola", now=utcnow() - FIVE)
    db.session.commit()
    tried: list[str] = []

    def cut(address: str, *_rest: str) -> None:
        tried.append(address)
        raise OSError

    for day in range(20):
        outbox.deliver_due(cut, now=utcnow() + timedelta(days=day))

    assert tried[:3] == ["desk", "desk-2", "ana@example.org"]
    assert (tried.count("desk"), tried.count("ana@example.org")) == (20, 12)


def test_the_machine_that_watches_sees_whether_the_worker_lives(app: Flask, visitor: FlaskClient) -> None:
    before = visitor.get("/deliveries/desk/alive")
    watch_signals(app)
    sends_nothing = visitor.get("/deliveries/desk/alive")
    work(app, "urgent messages")
    after = visitor.get("/deliveries/desk/alive")

    assert (before.status_code, before.json) == (503, {"status": "unavailable"})
    assert sends_nothing.status_code == 503
    assert (after.status_code, after.json) == (200, {"status": "ok"})


def work(app: Flask, name: str) -> None:
    """The worker runs one of its jobs."""
    job = next(one for one in jobs._jobs if one.name == name)
    jobs._in_context(app, job)()
    db.session.expire_all()


def test_a_worker_that_cannot_send_leaves_no_beat(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    watch_signals(app)
    monkeypatch.delitem(app.config, "MAIL_BACKEND")

    with pytest.raises(KeyError):
        work(app, "urgent messages")

    assert questions.worker_beat() is None


@pytest.mark.parametrize(
    ("kind", "state", "minutes", "stuck"),
    [
        ("handover", MessageState.WAITING, 4, False),
        ("handover", MessageState.WAITING, 6, True),
        ("handover", MessageState.FAILED, 4, True),
        ("handover", MessageState.FAILED, 8 * 24 * 60, False),
        ("handover", MessageState.SENT, 6, False),
        ("selection_result", MessageState.FAILED, 4, False),
    ],
)
def test_the_desk_reads_when_messages_to_it_do_not_leave(
    app: Flask, sign_in: Callable[[User], FlaskClient], kind: str, state: MessageState, minutes: int, stuck: bool
) -> None:
    message = outbox.add(kind, address="desk", subject="s", body="b", now=utcnow() - timedelta(minutes=minutes))
    message.state = state
    db.session.commit()
    client = sign_in(make_desk())

    for job in (questions.ALERTS, "urgent messages"):
        alerts.beat(job, now=utcnow())
    db.session.commit()

    page, home = client.get("/deliveries/desk").text, client.get("/").text
    alive = app.test_client().get("/deliveries/desk/alive")

    assert ("una alarma podría no llegar" in page) is stuck
    assert ("Los mensajes no salen" in home) is stuck
    assert alive.status_code == (503 if stuck else 200)  # the worker runs all the same


def test_areas_read_one_snapshot_of_each_canton(app: Flask) -> None:
    delivery, now = make_delivery(DeliveryState.CLEARED), utcnow()
    for hours in range(1, 10):
        newest = make_snapshot(delivery.canton_code, 2, at=now + timedelta(hours=hours))
    expected = [questions.Area(delivery.canton_code, 2, newest.expires_at)]
    db.session.commit()
    db.session.expunge_all()
    loaded: list[int] = []

    def note(one: RiskSnapshot, _how: object) -> None:
        loaded.append(one.id)

    event.listen(RiskSnapshot, "load", note)
    try:
        found = questions.areas(now)
    finally:
        event.remove(RiskSnapshot, "load", note)

    assert found == expected
    assert len(loaded) == 1


@pytest.fixture
def bearer(app: Flask) -> Callable[[User], dict[str, str]]:
    return lambda user: {"Authorization": f"Bearer {make_token(user, Permission.ANSWER_STOPS)}"}


def test_the_api_answers_numbers_and_boxes_and_nothing_else(app: Flask, bearer: Callable[..., dict[str, str]]) -> None:
    confirm_as("normal")
    confirm_as("both")
    headers, client = bearer(make_desk()), app.test_client()

    items = client.get("/api/v1/desk/signals", headers=headers).json["items"]
    later = client.get(f"/api/v1/desk/signals?after={items[0]['id']}", headers=headers).json["items"]
    said = client.post("/api/v1/desk/signals/acknowledge", json={"ids": [items[0]["id"]]}, headers=headers)
    waiting = client.get("/api/v1/desk/signals?waiting=true", headers=headers).json["items"]

    assert [sorted(one) for one in items] == [["box", "id"]] * 2
    assert {len(one["box"]) for one in items} == {len(base64.b64encode(bytes(BOX_BYTES)))}
    assert later == waiting == items[1:]
    assert said.json == {"acknowledged": 1}


def test_nobody_but_the_desk_reads_boxes(app: Flask) -> None:
    client = app.test_client()
    scopes = {role: GRANTED[role] - {Permission.ANSWER_STOPS} for role in Role}
    for role, given in scopes.items():
        token = make_token(make_user(role), *(given - UNSCOPED)) if given - UNSCOPED else "none"
        answer = client.get("/api/v1/desk/signals", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == (403 if given - UNSCOPED else 401), role
    assert client.get("/api/v1/desk/signals").status_code == 401


def test_export_of_the_console_holds_boxes_only(app: Flask) -> None:
    confirm_as("both")

    lines = app.test_cli_runner().invoke(args=["signals", "export"]).output.splitlines()

    assert len(lines) == 1
    assert set(json.loads(lines[0])) == {"id", "box"}


def test_second_channel_may_be_a_push_over_https(tmp_path: Path) -> None:
    send = outbox.sender({"MAIL_BACKEND": "file"}, tmp_path)

    send("https://push.example.org/desk", "Semilla", "body")

    written = next((tmp_path / "outbox").iterdir()).read_text()
    assert written.splitlines()[0] == "https://push.example.org/desk"
