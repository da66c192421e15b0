"""What is to be sent: written in the transaction that decides it, sent later by the worker.

Address, subject and text are encrypted; logs name a message by its id and kind only.
"""

import json
import logging
import secrets
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime, timedelta
from email.message import EmailMessage
from enum import StrEnum
from pathlib import Path
from smtplib import SMTPServerDisconnected
from typing import Any
from urllib.request import Request

from sqlalchemy import String, case, select, update
from sqlalchemy.orm import Mapped, mapped_column

from grants.core.bounded import Smtp, any_certificate, opener
from grants.core.crypto import SealedRow, sealed_text, write_private
from grants.core.db import Model, db, rows_hit, state_column

log = logging.getLogger(__name__)

CLAIM = timedelta(minutes=5)
FIRST_WAIT = timedelta(seconds=30)
MAX_ATTEMPTS = 12
LONGEST_RUN = 30  # seconds, after which no further message is begun; well within CLAIM
LONGEST_SEND = 20  # seconds for one message
SILENT = (TimeoutError, SMTPServerDisconnected)
PUSH = "https://"


class MessageState(StrEnum):
    WAITING = "waiting"
    SENT = "sent"
    FAILED = "failed"


class OutboxMessage(SealedRow, Model):
    """One message to one address."""

    __tablename__ = "outbox_message"

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[str] = mapped_column(String(60))
    state: Mapped[MessageState] = mapped_column(state_column(MessageState), default=MessageState.WAITING, index=True)
    address = sealed_text()
    subject = sealed_text()
    body = sealed_text()
    created_at: Mapped[datetime]
    next_attempt_at: Mapped[datetime] = mapped_column(index=True)
    attempts: Mapped[int] = mapped_column(default=0)
    sent_at: Mapped[datetime | None]


Send = Callable[[str, str, str], None]
Gateway = Callable[[dict[str, Any], Path], Send]
_gateways: dict[str, Gateway] = {}
_patient: set[str] = set()
_urgent: set[str] = set()


straight = opener()


class TooLate(Exception):
    """The message is no longer worth sending."""


def carry(kind: str, gateway: Gateway | None = None, *, patient: bool = False, urgent: bool = False) -> None:
    """How messages of this kind go. `gateway`: from config and instance folder to a sender; None: by mail.

    `patient`: they go after all others that are due, since nobody knows how long their receivers take.
    `urgent`: they go before all others, in a job of their own, and are tried every minute until they arrive.
    """
    if gateway is not None:
        _gateways[kind] = gateway
    if patient:
        _patient.add(kind)
    if urgent:
        _urgent.add(kind)


def add(kind: str, *, address: str, subject: str, body: str, now: datetime) -> OutboxMessage:
    """Put a message in the outbox, inside the caller's transaction. Texts are already in the reader's language."""
    message = OutboxMessage(kind=kind, created_at=now, next_attempt_at=now)
    message.address, message.subject, message.body = address, subject, body
    db.session.add(message)
    return message


def deliver_due(
    send: Send,
    *,
    now: datetime,
    others: Mapping[str, Send] | None = None,
    urgent: bool | None = None,
    limit: int = 100,
) -> int:
    """Send what is due and return how many went out. Commits after each message, by design.

    `others`: how messages of a kind go that do not go by `send`. `urgent`: only those kinds, or only the others.
    """
    sent, begun, silent = 0, time.monotonic(), set[str]()
    for message_id in _due(now, urgent, limit):
        db.session.commit()
        # What is left goes with the next run: a claim that is older than CLAIM would be anybody's.
        if time.monotonic() - begun > LONGEST_RUN:
            break
        try:
            sent += _claimed(message_id, now) and _send_one(message_id, send, others or {}, silent, now)
        except Exception as error:  # one message must not keep the others from going
            db.session.rollback()
            _log(message_id, error)
    db.session.commit()
    return sent


def _due(now: datetime, urgent: bool | None, limit: int) -> Sequence[int]:
    """Ids of what is due: urgent ones first, and of those the ones that were tried least."""
    is_urgent = OutboxMessage.kind.in_(_urgent)
    due = select(OutboxMessage.id).where(
        OutboxMessage.state == MessageState.WAITING, OutboxMessage.next_attempt_at <= now
    )
    if urgent is not None:
        due = due.where(is_urgent if urgent else ~is_urgent)
    tries = case((is_urgent, OutboxMessage.attempts), else_=0)
    in_order = due.order_by(~is_urgent, OutboxMessage.kind.in_(_patient), tries, OutboxMessage.id)
    return db.session.scalars(in_order.limit(limit)).all()


def _claimed(message_id: int, now: datetime) -> bool:
    """Take the message for a while, so that a second worker does not send it too."""
    taken = db.session.execute(
        update(OutboxMessage)
        .where(
            OutboxMessage.id == message_id,
            OutboxMessage.state == MessageState.WAITING,
            OutboxMessage.next_attempt_at <= now,
        )
        .values(next_attempt_at=now + CLAIM, attempts=OutboxMessage.attempts + 1)
        .execution_options(synchronize_session=False)
    )
    db.session.commit()
    return rows_hit(taken) == 1


def _send_one(message_id: int, send: Send, others: Mapping[str, Send], silent: set[str], now: datetime) -> bool:
    """Send a claimed message and write down what came of it. True: it went out.

    `silent`: addresses that did not answer in this run. They are not waited for again, so that the others hear in time.
    """
    address, is_urgent = "", False
    try:
        message = db.session.get_one(OutboxMessage, message_id, populate_existing=True)
        kind, parts = message.kind, (message.address, message.subject, message.body)
        db.session.commit()  # nobody is waited for while SQLite's one writer is held
        address, is_urgent = parts[0], kind in _urgent
        if address in silent:
            raise TimeoutError
        others.get(kind, send)(*parts)
    except TooLate:
        _finish(message_id, MessageState.FAILED)
        return False
    except Exception as error:  # whatever it is, it counts as a try
        db.session.rollback()
        if isinstance(error, SILENT) and is_urgent:
            silent.add(address)
        _log(message_id, error)
        _put_off(message_id, now)
        return False
    _finish(message_id, MessageState.SENT, sent_at=now)
    return True


def _finish(message_id: int, state: MessageState, **values: Any) -> None:
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.state != MessageState.SENT)
        .values(state=state, **values)
    )
    db.session.commit()


def _put_off(message_id: int, now: datetime) -> None:
    """Later ones wait twice as long each time, and are given up; urgent ones neither."""
    kind, attempts = db.session.execute(
        select(OutboxMessage.kind, OutboxMessage.attempts).where(OutboxMessage.id == message_id)
    ).one()
    is_urgent = kind in _urgent
    wait = FIRST_WAIT if is_urgent else FIRST_WAIT * 2 ** min(attempts, 10)
    given_up = attempts >= MAX_ATTEMPTS and not is_urgent
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id == message_id, OutboxMessage.state == MessageState.WAITING)
        .values(next_attempt_at=now + wait, state=MessageState.FAILED if given_up else MessageState.WAITING)
    )
    db.session.commit()


def _log(message_id: int, error: Exception) -> None:
    # Not its text: it may hold the address.
    log.warning("message not sent", extra={"message_id": message_id, "error": type(error).__name__})


def sender(config: dict[str, Any], folder: Path) -> Send:
    """How this installation sends: SMTP and HTTPS when configured, else files in instance/outbox."""
    if config["MAIL_BACKEND"] == "smtp":
        return lambda address, subject, body: _send_out(config, address, subject, body)
    return lambda address, subject, body: _write_file(folder / "outbox", address, subject, body)


def other_senders(config: dict[str, Any], folder: Path, *, urgent: bool | None = None) -> dict[str, Send]:
    """How this installation sends the kinds that do not go by mail; only the urgent ones, or only the others."""
    return {
        kind: gateway(config, folder)
        for kind, gateway in _gateways.items()
        if urgent is None or (kind in _urgent) is urgent
    }


def _send_out(config: dict[str, Any], address: str, subject: str, body: str) -> None:
    if address.startswith(PUSH):
        _push(address, subject, body)
    else:
        _send_mail(config, address, subject, body)


def _push(address: str, subject: str, body: str) -> None:
    """POST the message to an address of its own: a second way that does not depend on mail."""
    data = json.dumps({"subject": subject, "body": body}).encode()
    asked = Request(address, data, {"Content-Type": "application/json"})  # noqa: S310 -- https only
    straight.open(asked, timeout=LONGEST_SEND).close()


def _send_mail(config: dict[str, Any], address: str, subject: str, body: str) -> None:
    mail = EmailMessage()
    mail["From"], mail["To"], mail["Subject"] = config["MAIL_FROM"], address, subject
    mail.set_content(body)
    with Smtp(config["SMTP_HOST"], int(config["SMTP_PORT"]), timeout=LONGEST_SEND) as server:
        server.starttls(context=any_certificate())
        if config["SMTP_USER"]:
            server.login(config["SMTP_USER"], config["SMTP_PASSWORD"])
        server.send_message(mail)


def _write_file(folder: Path, address: str, subject: str, body: str) -> None:
    write_private(folder / f"{secrets.token_hex(8)}.txt", f"{address}\n{subject}\n\n{body}\n")
