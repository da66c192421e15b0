"""One attempt to tell a core system something: what it needs, and what came of it."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, select, update

from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.outbox import CLAIM, MessageState, OutboxMessage
from grants.credit.models import Webhook, WebhookEvent, WebhookProblem
from grants.credit.queries import webhooks as queries

WORTH_SENDING = timedelta(days=3)
SHORTEST_REST = timedelta(seconds=30)


@dataclass(frozen=True, slots=True)
class Target:
    """Where one event goes now, and under which secrets it is signed."""

    address: str
    secrets: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Attempt:
    """What came of it. `problem` None: it arrived. `slow`: the receiver deserves a rest."""

    status: int | None = None
    problem: WebhookProblem | None = None
    slow: bool = False


def target_of(event_id: str, *, now: datetime) -> Target | None:
    """Where to send it now; None when it is too late or nobody is to be told any more."""
    event = queries.event_to_send(event_id)
    if event is None or event.occurred_at < now - WORTH_SENDING:
        return None
    return Target(event.webhook.address, event.webhook.secrets_at(now))


def note(event_id: str, attempt: Attempt, *, now: datetime) -> None:
    """Keep what came of it. A receiver that fails or is slow rests, so that it holds up nobody else's messages."""
    event = queries.event_to_send(event_id)
    if event is None:
        return
    event.last_status, event.last_problem, event.last_tried_at = attempt.status, attempt.problem, now
    webhook, failures_before = event.webhook, event.webhook.failures
    _count(webhook, attempt)
    if attempt.problem is WebhookProblem.GONE:
        _stop(webhook, now=now)
    elif attempt.problem is not None or attempt.slow:
        _let_wait(webhook, SHORTEST_REST * 2 ** min(webhook.failures, 7), now=now)
    elif failures_before:
        _let_go(webhook, now=now)


def _count(webhook: Webhook, attempt: Attempt) -> None:
    webhook.failures = 0 if attempt.problem is None else webhook.failures + 1
    db.session.flush()


def _stop(webhook: Webhook, *, now: datetime) -> None:
    statement = (
        update(Webhook)
        .where(Webhook.id == webhook.id, Webhook.stopped_at.is_(None))
        .values(stopped_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(db.session.execute(statement)):
        journal.record(None, "webhook.stopped", webhook, at=now)


def _let_wait(webhook: Webhook, rest: timedelta, *, now: datetime) -> None:
    """Put off what else is due for it, without counting that as an attempt."""
    _move(webhook, OutboxMessage.next_attempt_at <= now, now + rest)


def _let_go(webhook: Webhook, *, now: datetime) -> None:
    """It answers again: what was put off is due."""
    # What comes due within a claim's time may be under way in another worker.
    _move(webhook, OutboxMessage.next_attempt_at > now + CLAIM, now)


def _move(webhook: Webhook, those: ColumnElement[bool], due_at: datetime) -> None:
    mine = select(WebhookEvent.message_id).where(WebhookEvent.webhook_id == webhook.id)
    db.session.execute(
        update(OutboxMessage)
        .where(OutboxMessage.id.in_(mine), OutboxMessage.state == MessageState.WAITING, those)
        .values(next_attempt_at=due_at)
        .execution_options(synchronize_session=False)
    )
