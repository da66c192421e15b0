"""An institution's webhook, and what it was told."""

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grants.core.db import db
from grants.core.outbox import MessageState, OutboxMessage
from grants.credit.models import Institution, Webhook, WebhookEvent, WebhookEventKind

MOST_SHOWN = 25


def webhook_of(institution: Institution) -> Webhook | None:
    """The institution's webhook, stopped or not."""
    return db.session.scalars(select(Webhook).where(Webhook.institution_id == institution.id)).one_or_none()


def told_webhook(institution_id: int) -> Webhook | None:
    """The webhook that an event of this institution goes to now: not stopped, and its institution is active."""
    statement = (
        select(Webhook)
        .join(Webhook.institution)
        .where(Webhook.institution_id == institution_id, Webhook.stopped_at.is_(None), Institution.is_active)
    )
    return db.session.scalars(statement).one_or_none()


def event_to_send(event_id: str) -> WebhookEvent | None:
    """The event with its webhook as it is now; None when nobody is to be told any more."""
    statement = (
        select(WebhookEvent)
        .join(WebhookEvent.webhook)
        .join(Webhook.institution)
        .options(joinedload(WebhookEvent.webhook))
        .where(WebhookEvent.event_id == event_id, Webhook.stopped_at.is_(None), Institution.is_active)
        .execution_options(populate_existing=True)
    )
    return db.session.scalars(statement).one_or_none()


def last_events(webhook: Webhook) -> list[WebhookEvent]:
    """What was told last, the newest first, with how far it came."""
    statement = (
        select(WebhookEvent)
        .options(joinedload(WebhookEvent.message))
        .where(WebhookEvent.webhook_id == webhook.id)
        .order_by(WebhookEvent.id.desc())
        .limit(MOST_SHOWN)
    )
    return list(db.session.scalars(statement))


def waiting_test(webhook: Webhook, *, now: datetime) -> bool:
    """Whether a test is on its way and may still arrive."""
    statement = (
        select(WebhookEvent.id)
        .join(WebhookEvent.message)
        .where(
            WebhookEvent.webhook_id == webhook.id,
            WebhookEvent.kind == WebhookEventKind.TEST,
            WebhookEvent.occurred_at <= now,
            OutboxMessage.state == MessageState.WAITING,
        )
        .limit(1)
    )
    return db.session.scalar(statement) is not None
