"""Telling an institution's core system that something concerns it: a folio, and nothing about the person."""

import json
import secrets
from datetime import datetime, timedelta
from typing import Protocol
from urllib.parse import SplitResult, urlsplit

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal, outbox
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.models import Institution, Webhook, WebhookEvent, WebhookEventKind
from grants.credit.queries import webhooks as queries

KIND = "webhook"  # of the outbox's messages
OVERLAP = timedelta(hours=24)
LONGEST_ADDRESS = 500
AT_HOME = frozenset({"127.0.0.1", "localhost", "::1"})


class Concerned(Protocol):
    """What an event is about: a referral or a linkage."""

    @property
    def folio(self) -> str: ...
    @property
    def institution_id(self) -> int: ...


def tell(kind: WebhookEventKind, about: Concerned, *, now: datetime) -> None:
    """Let the core system of the institution concerned know, in the transaction of what it is told."""
    webhook = queries.told_webhook(about.institution_id)
    if webhook is not None:
        _add(webhook, kind, about.folio, now=now)


def register(
    institution: Institution, address: str, *, plain_at_home: bool, by: User, now: datetime
) -> tuple[Webhook, str | None]:
    """Take this address from now on, stopped or not before; with the secret the first time only, to be shown once.

    `plain_at_home`: http to this machine is allowed, for who writes a receiver.
    """
    check_address(address, plain_at_home=plain_at_home)
    webhook = queries.webhook_of(institution)
    if webhook is not None:
        webhook.address, webhook.stopped_at, webhook.failures = address, None, 0
        journal.record(by, "webhook.changed", webhook, at=now, fields=["address"])
        return webhook, None
    secret = _new_secret()
    webhook = Webhook(institution_id=institution.id, failures=0, registered_by_id=by.id, registered_at=now,
                      secret_at=now)  # fmt: skip
    webhook.address, webhook.secret = address, secret
    try:
        with db.session.begin_nested():
            db.session.add(webhook)
    except IntegrityError:
        raise RuleBroken(_("Somebody registered an address at this moment. Look at it, then try again.")) from None
    journal.record(by, "webhook.registered", webhook, at=now, institution_id=institution.id)
    return webhook, secret


def replace_secret(webhook: Webhook, *, by: User, now: datetime) -> str:
    """Sign with a new secret, which is shown once; for 24 hours the old one signs as well."""
    hit = db.session.execute(
        update(Webhook)
        .where(Webhook.id == webhook.id, Webhook.secret_at == webhook.secret_at)
        .values(secret_at=now)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(hit):
        raise RuleBroken(_("Somebody replaced the secret at this moment. Ask them for it, or replace it again."))
    fresh = _new_secret()
    webhook.old_secret, webhook.old_secret_until = webhook.secret, now + OVERLAP
    webhook.secret, webhook.secret_at = fresh, now
    journal.record(by, "webhook.secret_replaced", webhook, at=now)
    return fresh


def stop(webhook: Webhook, *, by: User, now: datetime) -> None:
    """Tell this address nothing more, until it is saved again."""
    hit = db.session.execute(
        update(Webhook)
        .where(Webhook.id == webhook.id, Webhook.stopped_at.is_(None))
        .values(stopped_at=now)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(hit):
        raise RuleBroken(_("This address is told nothing already."))
    db.session.refresh(webhook)
    journal.record(by, "webhook.stopped", webhook, at=now)


def send_test(webhook: Webhook, *, by: User, now: datetime) -> WebhookEvent:
    """Send an event that means nothing, to see that it arrives."""
    if not webhook.is_active:
        raise RuleBroken(_("Nothing is sent to this address now. Save it again first."))
    if queries.waiting_test(webhook, now=now):
        raise RuleBroken(_("A test is on its way already. Look at how it went before you send another."))
    event = _add(webhook, WebhookEventKind.TEST, None, now=now)
    journal.record(by, "webhook.tested", webhook, at=now)
    return event


def check_address(address: str, *, plain_at_home: bool) -> None:
    """Refuse what could never be sent to. Where the name leads is looked at anew at each sending."""
    if not address.isascii() or not address.isprintable() or " " in address or len(address) > LONGEST_ADDRESS:
        raise RuleBroken(_("Write the whole address, beginning with https:// and without spaces."), field="address")
    parts = _parts(address)
    is_home = plain_at_home and parts.scheme == "http" and parts.hostname in AT_HOME
    if parts.scheme != "https" and not is_home:
        raise RuleBroken(_("The address must begin with https://, so that nobody reads along."), field="address")
    if parts.username is not None or parts.password is not None or parts.fragment:
        raise RuleBroken(_("Write the address without a name, password or # in it. The signature shows who sends."),
                         field="address")  # fmt: skip


def _parts(address: str) -> SplitResult:
    try:
        parts = urlsplit(address)
        complete = bool(parts.hostname) and parts.port != 0
    except ValueError:  # half a bracket, a port beyond the last
        complete = False
    if not complete:
        raise RuleBroken(_("Write the whole address, beginning with https:// and without spaces."), field="address")
    return parts


def _add(webhook: Webhook, kind: WebhookEventKind, folio: str | None, *, now: datetime) -> WebhookEvent:
    event_id = f"evt_{secrets.token_urlsafe(18)}"
    body = {"id": event_id, "kind": kind.value, "folio": folio, "occurred_at": now.isoformat()}
    # To which address, and under which secret, is looked up when it is sent.
    message = outbox.add(KIND, address=KIND, subject=event_id, body=json.dumps(body), now=now)
    event = WebhookEvent(event_id=event_id, webhook_id=webhook.id, kind=kind, folio=folio, occurred_at=now,
                         message=message)  # fmt: skip
    db.session.add(event)
    db.session.flush()
    return event


def _new_secret() -> str:
    return f"whsec_{secrets.token_urlsafe(32)}"
