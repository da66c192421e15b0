from datetime import timedelta
from pathlib import Path

from flask import Flask

from grants.core import outbox
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.outbox import MAX_ATTEMPTS, MessageState, OutboxMessage


def add_message(address: str = "ana@example.org") -> OutboxMessage:
    with transaction():
        return outbox.add("test", address=address, subject="Aviso", body="Hola", now=utcnow())


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
