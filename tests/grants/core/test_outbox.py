import http.client
import threading
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from flask import Flask

from grants.core import outbox
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.outbox import MAX_ATTEMPTS, MessageState, OutboxMessage


def add_message(address: str = "ana@example.org", kind: str = "test") -> OutboxMessage:
    with transaction():
        return outbox.add(kind, address=address, subject="Aviso", body="Hola", now=utcnow())


@pytest.fixture
def bell() -> Iterator[str]:
    """A kind of messages that is urgent."""
    outbox.carry("bell", urgent=True)
    yield "bell"
    outbox._urgent.discard("bell")


def broken(_address: str, _subject: str, _body: str) -> None:
    raise OSError("no network")


def test_a_message_goes_out_once(app: Flask) -> None:
    message, sent = add_message(), []
    first = outbox.deliver_due(lambda *parts: sent.append(parts), now=utcnow())
    again = outbox.deliver_due(lambda *parts: sent.append(parts), now=utcnow() + timedelta(hours=1))
    assert (first, again) == (1, 0)
    assert sent == [("ana@example.org", "Aviso", "Hola")]
    assert message.state is MessageState.SENT


def test_a_message_of_a_rolled_back_change_never_goes_out(app: Flask) -> None:
    try:
        with transaction():
            outbox.add("test", address="a", subject="b", body="c", now=utcnow())
            raise ZeroDivisionError
    except ZeroDivisionError:
        db.session.expire_all()
    assert outbox.deliver_due(broken, now=utcnow()) == 0


def test_a_cut_channel_delays_and_loses_nothing(app: Flask) -> None:
    message, now, sent = add_message(), utcnow(), []
    assert outbox.deliver_due(broken, now=now) == 0
    assert outbox.deliver_due(lambda *parts: sent.append(parts), now=now) == 0
    later = now + timedelta(minutes=2)
    assert outbox.deliver_due(lambda *parts: sent.append(parts), now=later) == 1
    assert (message.state, message.attempts) == (MessageState.SENT, 2)


def test_a_message_that_never_goes_is_given_up_and_kept(app: Flask) -> None:
    message, now = add_message(), utcnow()
    for attempt in range(MAX_ATTEMPTS):
        outbox.deliver_due(broken, now=now + timedelta(days=attempt))
    assert (message.state, message.attempts) == (MessageState.FAILED, MAX_ATTEMPTS)
    assert message.body == "Hola"


def test_the_table_shows_neither_address_nor_text(app: Flask) -> None:
    add_message("beatriz@example.org")
    row = db.session.execute(db.text("SELECT * FROM outbox_message")).mappings().one()
    shown = " ".join(str(bytes(v)) if isinstance(v, bytes | memoryview) else str(v) for v in row.values())
    assert "beatriz" not in shown
    assert "Hola" not in shown


def test_files_in_the_outbox_are_private(app: Flask, tmp_path: Path) -> None:
    add_message()
    send = outbox.sender({"MAIL_BACKEND": "file"}, tmp_path)
    assert outbox.deliver_due(send, now=utcnow()) == 1
    [file] = (tmp_path / "outbox").iterdir()
    assert file.read_text() == "ana@example.org\nAviso\n\nHola\n"
    assert file.stat().st_mode & 0o777 == 0o600


def test_urgent_ones_go_before_a_hundred_letters_that_were_there_first(app: Flask, bell: str) -> None:
    for number in range(100):
        add_message(f"a{number}@example.org")
    add_message("desk@example.org", bell)
    order: list[str] = []

    outbox.deliver_due(lambda address, *_rest: order.append(address), now=utcnow())

    assert (len(order), order[:2]) == (100, ["desk@example.org", "a0@example.org"])


def test_urgent_ones_are_tried_every_minute_and_never_given_up(app: Flask, bell: str) -> None:
    message, now, tries = add_message(kind=bell), utcnow(), []

    def cut(*_parts: str) -> None:
        tries.append(1)
        raise OSError

    for minute in range(3 * MAX_ATTEMPTS):
        outbox.deliver_due(cut, now=now + timedelta(minutes=minute))

    assert (len(tries), message.state) == (3 * MAX_ATTEMPTS, MessageState.WAITING)


def test_urgent_ones_that_were_tried_least_go_first(app: Flask, bell: str) -> None:
    add_message("old", bell)
    now = utcnow()
    outbox.deliver_due(broken, now=now)
    add_message("new", bell)
    order: list[str] = []

    outbox.deliver_due(lambda address, *_rest: order.append(address), now=now + timedelta(minutes=1))

    assert order == ["new", "old"]


def test_each_job_sends_its_own_and_leaves_the_rest(app: Flask, bell: str) -> None:
    add_message("letter")
    add_message("alarm", bell)
    order: list[str] = []
    keep = lambda address, *_rest: order.append(address)  # noqa: E731

    outbox.deliver_due(keep, now=utcnow(), urgent=True)
    assert order == ["alarm"]
    outbox.deliver_due(keep, now=utcnow(), urgent=False)
    assert order == ["alarm", "letter"]


@pytest.mark.parametrize(
    "error",
    [http.client.BadStatusLine("to ana@example.org"), ValueError("Header values may not contain linefeed"),
     UnicodeEncodeError("ascii", "á", 0, 1, "ordinal not in range"), KeyError("x")],
    ids=lambda error: type(error).__name__,
)  # fmt: skip
def test_whatever_one_message_raises_counts_and_the_others_go(
    app: Flask, error: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good, arrived, now = add_message("bad@example.org"), add_message("good@example.org"), [], utcnow()

    def send(address: str, _subject: str, _body: str) -> None:
        if address == "bad@example.org":
            raise error
        arrived.append(address)

    for attempt in range(MAX_ATTEMPTS):
        outbox.deliver_due(send, now=now + timedelta(days=attempt))

    assert (arrived, good.state) == (["good@example.org"], MessageState.SENT)
    assert (bad.state, bad.attempts) == (MessageState.FAILED, MAX_ATTEMPTS)
    assert "example.org" not in caplog.text


def test_row_that_cannot_be_opened_keeps_no_other_from_going(app: Flask) -> None:
    bad, good = add_message(), add_message()
    db.session.execute(OutboxMessage.__table__.update().where(OutboxMessage.id == bad.id).values(body_sealed=b"torn"))
    db.session.commit()

    assert outbox.deliver_due(lambda *_parts: None, now=utcnow()) == 1

    db.session.refresh(good)
    assert good.state is MessageState.SENT


def test_no_transaction_is_open_while_a_message_is_on_its_way(real_app: Flask) -> None:
    add_message()
    open_ones: list[bool] = []

    outbox.deliver_due(lambda *_parts: open_ones.append(db.session().in_transaction()), now=utcnow())

    assert open_ones == [False]


def test_run_ends_in_time_and_the_next_goes_on(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    """A dead host costs so long for each: claims of one run must not grow old."""
    for _n in range(2):
        add_message()
    monkeypatch.setattr(outbox, "LONGEST_RUN", -1)
    assert outbox.deliver_due(lambda *_parts: None, now=utcnow()) == 0
    monkeypatch.undo()
    assert outbox.deliver_due(lambda *_parts: None, now=utcnow()) == 2


@pytest.mark.no_rollback
def test_two_workers_send_each_message_once(real_app: Flask) -> None:
    for number in range(10):
        add_message(f"a{number}@example.org")
    gate, sent = threading.Barrier(3), []

    def work() -> None:
        with real_app.app_context():
            gate.wait()
            outbox.deliver_due(lambda address, *_rest: sent.append(address), now=utcnow())
            db.session.remove()

    threads = [threading.Thread(target=work) for _n in range(3)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(sent) == [f"a{number}@example.org" for number in range(10)]


def test_address_that_does_not_answer_is_waited_for_once_in_a_run(app: Flask, bell: str) -> None:
    for _turn in range(3):
        add_message("silent", kind=bell)
        add_message("awake", kind=bell)
    tried: list[str] = []

    def send(address: str, _subject: str, _body: str) -> None:
        tried.append(address)
        if address == "silent":
            raise TimeoutError

    now = utcnow()
    assert outbox.deliver_due(send, now=now, urgent=True) == 3
    assert sorted(tried) == ["awake"] * 3 + ["silent"]
    assert outbox.deliver_due(lambda *_parts: None, now=now + timedelta(minutes=1), urgent=True) == 3  # nothing is lost
