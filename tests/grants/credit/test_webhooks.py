"""What a core system is told: in the transaction, signed, tried again, and never into our own network."""

import hashlib
import hmac
import json
import logging
import socket
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.orm.attributes import set_committed_value

from grants.access.permissions import Role
from grants.core import outbox
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.core.outbox import MessageState, OutboxMessage
from grants.credit import hooks, services
from grants.credit.models import LinkageKind, Webhook, WebhookEvent, WebhookEventKind, WebhookProblem
from grants.credit.services import webhooks
from grants.people.models import ConsentPurpose
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.credit_webhooks import SECRET, inbox, make_webhook, odd_server
from tests.factories.people import make_consent_text, make_person

HOUR = timedelta(hours=1)


def work(app: Flask, *, now: datetime | None = None, **config: Any) -> int:
    """What the worker does once a minute."""
    ways = outbox.other_senders({**app.config, **config}, Path(app.instance_path))
    return outbox.deliver_due(lambda *_mail: None, others=ways, now=now or utcnow() + timedelta(seconds=1))


def events() -> list[WebhookEvent]:
    db.session.expire_all()
    return db.session.query(WebhookEvent).order_by(WebhookEvent.id).all()


def a_test(webhook: Webhook) -> WebhookEvent:
    event = webhooks.send_test(webhook, by=webhook.registered_by, now=utcnow())
    db.session.commit()
    return event


def told(webhook: Webhook, number: int = 1) -> list[WebhookEvent]:
    """So many referrals were sent, of which nothing has left yet."""
    for _n in range(number):
        referral = make_referral(institution=webhook.institution)
        webhooks.tell(WebhookEventKind.REFERRAL_SENT, referral, now=utcnow())
    db.session.commit()
    return events()


def refer(institution: Any) -> Any:
    person, by = make_person(given_names="Luz"), make_user(Role.COORDINATOR)
    return services.refer(person, to=institution, kinds=[LinkageKind.CREDIT], need="Un horno", by=by, now=utcnow(),
                          text=make_consent_text(ConsentPurpose.REFERRAL))  # fmt: skip


def test_a_referral_and_its_withdrawal_are_told_to_its_institution_only(app: Flask) -> None:
    mine, theirs = make_webhook(), make_webhook()
    referral = refer(mine.institution)
    services.withdraw(referral, by=make_user(Role.COORDINATOR), now=utcnow())
    db.session.commit()

    assert [(one.webhook_id, one.kind, one.folio) for one in events()] == [
        (mine.id, WebhookEventKind.REFERRAL_SENT, referral.folio),
        (mine.id, WebhookEventKind.REFERRAL_WITHDRAWN, referral.folio),
    ]
    assert theirs.id not in {one.webhook_id for one in events()}


def test_what_is_taken_back_was_not_told(app: Flask) -> None:
    webhook = make_webhook()
    db.session.commit()
    with pytest.raises(ZeroDivisionError), transaction():
        refer(webhook.institution)
        raise ZeroDivisionError
    assert events() == []
    assert db.session.query(OutboxMessage).count() == 0


def test_the_body_names_the_folio_and_nothing_about_the_person(app: Flask) -> None:
    webhook = make_webhook()
    referral = refer(webhook.institution)
    db.session.commit()
    event = events()[0]
    assert json.loads(event.message.body) == {
        "id": event.event_id, "kind": "referral.sent", "folio": referral.folio,
        "occurred_at": event.occurred_at.isoformat(),
    }  # fmt: skip


def test_nobody_is_told_without_an_address_after_a_stop_or_while_the_institution_is_closed(app: Flask) -> None:
    bare, stopped, closed = make_institution(), make_webhook(), make_webhook()
    webhooks.stop(stopped, by=stopped.registered_by, now=utcnow())
    closed.institution.is_active = False
    db.session.flush()
    for institution in (bare, stopped.institution, closed.institution):
        webhooks.tell(WebhookEventKind.REFERRAL_ENDED, make_referral(institution=institution), now=utcnow())
    assert events() == []


def test_an_event_arrives_signed_with_its_id(app: Flask) -> None:
    with inbox() as box:
        event = a_test(make_webhook(address=box.address))
        assert work(app) == 1

    headers, body = box.came[0]
    parts = dict(part.split("=") for part in headers["Semilla-Signature"].split(","))
    expected = hmac.new(SECRET.encode(), parts["t"].encode() + b"." + body, hashlib.sha256).hexdigest()
    assert parts["v1"] == expected
    assert abs(int(parts["t"]) - utcnow().timestamp()) < 60
    assert headers["Semilla-Event-Id"] == event.event_id == json.loads(body)["id"]
    assert (events()[0].message.state, events()[0].last_status, events()[0].last_problem) == ("sent", 200, None)


def test_a_signature_is_the_one_of_a_published_vector() -> None:
    # RFC 4231, test case 2: key "Jefe", data "what do ya want for nothing?"
    assert hmac.new(b"Jefe", b"what do ya want for nothing?", hashlib.sha256).hexdigest() == (
        "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
    )
    # The same by openssl: printf '1772719200.{}' | openssl dgst -sha256 -hmac Jefe
    header = hooks.headers_of("evt_1", "{}", ["Jefe"], at=1772719200)["Semilla-Signature"]
    assert header == "t=1772719200,v1=e591e1311074702618c73816117f1e161ff6635b3b95e8a5924eb1c1a33773d7"


def test_what_fails_is_sent_again_with_a_new_time_and_the_same_id(app: Flask) -> None:
    with inbox(500, 302, 200) as box:
        a_test(make_webhook(address=box.address))
        now = utcnow() + timedelta(seconds=1)
        sent = [work(app, now=now + n * HOUR) for n in range(4)]

    assert sent == [0, 0, 1, 0]
    assert len({headers["Semilla-Event-Id"] for headers, _body in box.came}) == 1
    assert (len(box.came), events()[0].message.attempts) == (3, 3)


def test_an_attempt_waits_longer_each_time_and_ends_after_twelve(app: Flask) -> None:
    with inbox(500) as box:
        a_test(make_webhook(address=box.address))
        first, now, waits = utcnow(), utcnow() + timedelta(seconds=1), []
        for _n in range(14):
            work(app, now=now)
            due = events()[0].message.next_attempt_at
            waits.append((due - now).total_seconds())
            now = due
    # 30 s × 2^n, n the number of attempts, at most 10.
    assert waits[:3] == [60, 120, 240]
    assert len(box.came) == 12
    assert events()[0].message.state is MessageState.FAILED
    assert now - first < timedelta(days=2)


def test_a_redirect_is_not_followed(app: Flask) -> None:
    with inbox() as elsewhere, inbox(307, location=elsewhere.address) as box:
        a_test(make_webhook(address=box.address))
        assert work(app) == 0
    assert (len(box.came), elsewhere.came) == (1, [])
    assert (events()[0].last_status, events()[0].last_problem) == (307, WebhookProblem.STATUS)


def test_410_stops_the_address_and_what_waits_for_it(app: Flask) -> None:
    with inbox(410) as box:
        webhook = make_webhook(address=box.address)
        told(webhook, 2)
        work(app)
        work(app, now=utcnow() + HOUR)

    assert len(box.came) == 1
    assert [one.message.state for one in events()] == [MessageState.FAILED] * 2
    assert db.session.get(Webhook, webhook.id).is_active is False
    assert db.session.query(JournalEntry).filter_by(action="webhook.stopped").count() == 1


def test_saving_the_address_again_goes_on_with_the_same_secret(app: Flask) -> None:
    webhook = make_webhook()
    by = webhook.registered_by
    webhooks.stop(webhook, by=by, now=utcnow())
    again, secret = webhooks.register(webhook.institution, webhook.address, plain_at_home=False, by=by, now=utcnow())
    assert (again.id, again.is_active, secret, again.secret) == (webhook.id, True, None, SECRET)


def test_a_receiver_that_fails_holds_up_nobody_and_gets_one_attempt_a_round(app: Flask) -> None:
    with inbox(500) as broken, inbox() as fine:
        told(make_webhook(address=broken.address), 5)
        told(make_webhook(address=fine.address), 3)
        mails: list[str] = []
        outbox.add("mail", address="ana@example.org", subject="s", body="b", now=utcnow())
        db.session.commit()
        ways = outbox.other_senders(app.config, Path(app.instance_path))
        outbox.deliver_due(lambda address, *_more: mails.append(f"{address} after {len(broken.came)}"), others=ways,
                           now=utcnow() + timedelta(seconds=1))  # fmt: skip

    assert (len(broken.came), len(fine.came)) == (1, 3)
    assert mails == ["ana@example.org after 0"]  # before any webhook
    assert sum(one.message.attempts for one in events()) == 4


def test_what_waited_behind_a_failure_leaves_once_it_answers_again(app: Flask) -> None:
    with inbox(500, 500, 500, 200) as box:
        told(make_webhook(address=box.address), 4)
        now = utcnow() + timedelta(seconds=1)
        for _n in range(60):
            work(app, now=now)
            now += timedelta(minutes=10)
    assert {one.message.state for one in events()} == {MessageState.SENT}
    assert {headers["Semilla-Event-Id"] for headers, _body in box.came} == {one.event_id for one in events()}


def test_what_is_three_days_old_is_dropped(app: Flask) -> None:
    with inbox() as box:
        event = a_test(make_webhook(address=box.address))
        event.occurred_at = utcnow() - timedelta(days=3, seconds=1)
        db.session.commit()
        assert work(app) == 0
    assert box.came == []
    assert events()[0].message.state is MessageState.FAILED


def test_both_secrets_sign_for_24_hours_and_then_the_new_one_alone(app: Flask) -> None:
    webhook, now = make_webhook(), utcnow()
    fresh = webhooks.replace_secret(webhook, by=webhook.registered_by, now=now)
    assert webhook.secrets_at(now + timedelta(hours=23, minutes=59)) == (fresh, SECRET)
    assert webhook.secrets_at(now + timedelta(hours=24)) == (fresh,)
    assert fresh != SECRET
    header = hooks.headers_of("evt_1", "{}", [fresh, SECRET], at=1)["Semilla-Signature"]
    assert header.count("v1=") == 2


def test_a_secret_replaced_meanwhile_is_not_replaced_unseen(app: Flask) -> None:
    webhook = make_webhook()
    seen_at = webhook.secret_at
    webhooks.replace_secret(webhook, by=webhook.registered_by, now=utcnow())
    db.session.commit()
    set_committed_value(webhook, "secret_at", seen_at)  # as a page loaded before saw it
    with pytest.raises(RuleBroken):
        webhooks.replace_secret(webhook, by=webhook.registered_by, now=utcnow() + HOUR)


def test_one_test_at_a_time(app: Flask) -> None:
    webhook = make_webhook()
    a_test(webhook)
    with pytest.raises(RuleBroken):
        webhooks.send_test(webhook, by=webhook.registered_by, now=utcnow())
    webhooks.stop(webhook, by=webhook.registered_by, now=utcnow())
    with pytest.raises(RuleBroken):
        webhooks.send_test(webhook, by=webhook.registered_by, now=utcnow())


def test_the_secret_is_sealed_and_in_no_log_and_no_journal(app: Flask, caplog: pytest.LogCaptureFixture) -> None:
    institution = make_institution()
    with inbox(500) as box, caplog.at_level(logging.DEBUG):
        webhook, secret = webhooks.register(institution, box.address, plain_at_home=True, by=make_liaison(institution),
                                            now=utcnow())  # fmt: skip
        a_test(webhook)
        fresh = webhooks.replace_secret(webhook, by=webhook.registered_by, now=utcnow())
        db.session.commit()
        work(app)

    stored = db.session.execute(db.select(Webhook.__table__)).one()
    written = [caplog.text, *(entry.details for entry in db.session.query(JournalEntry)), repr(stored)]
    assert secret
    for text in written:
        for hidden in (secret, fresh, box.address):
            assert hidden not in text


def test_no_lock_is_held_while_a_receiver_is_waited_for(real_app: Flask) -> None:
    """Somebody writes while the receiver takes its time."""
    wrote: list[bool] = []

    def slow(line: socket.socket) -> None:
        with real_app.app_context(), transaction():
            make_institution("Written meanwhile")
        wrote.append(True)
        line.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")

    with odd_server(slow) as port:
        a_test(make_webhook(address=f"http://127.0.0.1:{port}/"))
        assert work(real_app) == 1
    assert wrote == [True]


def test_reassigned_and_reversed_have_their_words() -> None:
    assert {kind.value for kind in WebhookEventKind} == {"referral.sent", "referral.withdrawn", "referral.ended",
                                                         "reversal.decided", "test"}  # fmt: skip


def test_a_linkage_can_be_told_about(app: Flask) -> None:
    linkage = make_linkage()
    webhook = make_webhook(linkage.institution)
    webhooks.tell(WebhookEventKind.REVERSAL_DECIDED, linkage, now=utcnow())
    assert [(one.webhook_id, one.folio) for one in events()] == [(webhook.id, linkage.folio)]
