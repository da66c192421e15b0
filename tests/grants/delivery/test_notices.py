"""What the beneficiary hears of a stop: each thing once, at its time, in neutral words, and nothing of a held one."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime, time, timedelta
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select, update

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import outbox
from grants.core.clock import local_day, utcnow
from grants.core.crypto import lookup_hash
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.core.outbox import MessageState, OutboxMessage, Send
from grants.delivery import services
from grants.delivery.gateways import while_true
from grants.delivery.models import Delivery, DeliveryNotice, DeliveryState, NoticeKind, Permit, StopAnswer
from grants.delivery.queries import notices as questions
from grants.delivery.queries import shown_to
from grants.delivery.services import notices
from grants.delivery.services.notices import BY_MAIL, BY_PHONE
from grants.people.models import ContactKind, ContactPoint
from tests.factories.access import make_user
from tests.factories.delivery import make_officer, make_run, make_snapshot
from tests.factories.people import make_phone
from tests.factories.risk import take
from tests.factories.road import PLACE, let_go, make_stop, move_stop, put_in, send_out

S, K = DeliveryState, NoticeKind
SignIn = Callable[[User], FlaskClient]
NOW = datetime(2026, 5, 4, 15, 0, tzinfo=UTC)
MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)
ALL = (ContactKind.PHONE, ContactKind.WHATSAPP, ContactKind.EMAIL)

# "beneficiary learns the place": 24 h before; zone 24 h, place 2 h; 30 min.
LEARNS = [(1, K.PLACE, 24 * HOUR), (2, K.ZONE, 24 * HOUR), (2, K.PLACE, 2 * HOUR), (3, K.PLACE, timedelta(minutes=30))]


def reachable(delivery: Delivery, at: datetime = NOW, *, number: str = "+593991234567") -> Delivery:
    make_phone(delivery.person, number, verified_on=local_day(at) - timedelta(days=1))
    db.session.expire(delivery.person)
    return delivery


def run_job(now: datetime, kinds: tuple[ContactKind, ...] = ALL) -> None:
    """What the timed job does, at a moment of our choice."""
    for told in notices.no_longer_true(now):
        notices.call_off(told, kinds=kinds, now=now)
    for delivery, kind in notices.due_now(now):
        notices.tell(delivery, kind, kinds=kinds, now=now)
    db.session.flush()


def told(delivery: Delivery) -> list[NoticeKind]:
    found = select(DeliveryNotice.kind).where(DeliveryNotice.delivery_id == delivery.id)
    return list(db.session.scalars(found.order_by(DeliveryNotice.id)))


def messages() -> list[OutboxMessage]:
    found = select(OutboxMessage).where(OutboxMessage.kind.startswith("stop_notice"))
    return list(db.session.scalars(found.order_by(OutboxMessage.id)))


@pytest.mark.parametrize(("level", "kind", "before"), LEARNS)
@pytest.mark.parametrize(
    "start",
    [
        NOW + timedelta(days=2),
        datetime(2026, 3, 1, 5, 10, tzinfo=UTC),  # ten past midnight on 1 March where the programme works
        datetime(2027, 1, 1, 5, 20, tzinfo=UTC),  # twenty past midnight on New Year's Day
    ],
)
def test_notice_goes_out_at_its_minute_and_not_before(
    app: Flask, level: int, kind: NoticeKind, before: timedelta, start: datetime
) -> None:
    delivery = reachable(make_stop(start, level=level, at=start - 30 * HOUR), start)

    run_job(start - before - MINUTE)
    early = told(delivery)
    run_job(start - before)

    assert kind not in early
    assert told(delivery)[len(early) :] == [kind]


def test_zone_is_told_first_and_the_place_later(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + 24 * HOUR, level=2, at=NOW))

    run_job(NOW)
    run_job(NOW + 10 * HOUR)
    run_job(NOW + 22 * HOUR)

    zone, place = messages()
    assert told(delivery) == [K.ZONE, K.PLACE]
    assert (delivery.canton.name in zone.body, PLACE in zone.body, PLACE in place.body) == (True, False, True)


def test_words_are_neutral_and_sealed(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + 2 * HOUR, at=NOW))

    run_job(NOW)

    (message,) = messages()
    said = message.body.lower()
    person = delivery.person
    private = [
        person.given_names,
        person.first_surname,
        delivery.folio,
        person.folio,
        *(one.name for one in delivery.lines),
    ]
    assert (message.kind, message.address) == ("stop_notice_phone", "+593991234567")
    # By which the gateway asks whether it is still true.
    assert message.subject == str(db.session.scalars(select(DeliveryNotice.id)).one())
    # From noon to the end of the day in Guayaquil.
    assert "12:00" in said
    assert [word for word in [*private, "usd", "kit", "700"] if word.lower() in said] == []
    stored = db.session.execute(select(OutboxMessage.__table__)).mappings().all()
    assert all(b"Parque" not in bytes(row["body_sealed"]) for row in stored)


def test_nothing_is_told_twice_or_after_the_window(app: Flask) -> None:
    delivery, late = (reachable(make_stop(NOW + one, at=NOW - HOUR)) for one in (2 * HOUR, MINUTE))
    move_stop(late, NOW - 3 * HOUR)

    for _n in range(3):
        run_job(NOW)

    assert (told(delivery), told(late)) == ([K.PLACE], [])
    assert len(messages()) == 1


def test_other_states_are_told_of_nothing(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + 2 * HOUR, at=NOW))

    for state in set(DeliveryState) - {S.SCHEDULED, S.IN_TRANSIT}:
        put_in(delivery, state)
        run_job(NOW)

    assert told(delivery) == []


def test_canton_that_is_held_is_told_of_nothing(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + 2 * HOUR, at=NOW - HOUR))
    make_snapshot(delivery.canton_code, 1, at=NOW, in_force_at=NOW, expires_at=NOW - MINUTE)

    run_job(NOW)

    assert told(delivery) == []


def test_delivery_held_while_the_job_runs_is_told_of_nothing(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + 2 * HOUR, at=NOW))
    due = notices.due_now(NOW)
    db.session.execute(Delivery.__table__.update().where(Delivery.id == delivery.id).values(state="held"))

    assert [notices.tell(one, kind, kinds=ALL, now=NOW) for one, kind in due] == [False]
    assert (told(delivery), messages()) == ([], [])


def test_changed_stop_is_called_off_and_told_anew(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + 2 * HOUR, at=NOW))
    run_job(NOW)
    move_stop(delivery, NOW + 5 * HOUR, place="Cancha cubierta")

    for _n in range(2):
        run_job(NOW + MINUTE)

    assert told(delivery) == [K.PLACE, K.RESCHEDULED, K.PLACE]
    bodies = [one.body for one in messages()]
    assert [("Parque" in body, "Cancha" in body) for body in bodies] == [(True, False), (False, False), (False, True)]


@pytest.mark.parametrize("state", [S.HELD, S.CANCELLED, S.CLEARED, S.RETURNING])
def test_stop_that_falls_is_called_off_once_in_neutral_words(app: Flask, state: DeliveryState) -> None:
    delivery = reachable(make_stop(NOW + 2 * HOUR, at=NOW))
    run_job(NOW)
    put_in(delivery, state)

    for _n in range(2):
        run_job(NOW + MINUTE)

    assert told(delivery) == [K.PLACE, K.RESCHEDULED]
    assert PLACE not in messages()[-1].body


def test_who_was_at_the_point_is_not_told_that_it_was_called_off(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + MINUTE, at=NOW - HOUR))
    run_job(NOW)
    send_out(delivery, at=NOW)
    officer = delivery.officer
    assert officer is not None
    services.arrive(delivery, by=officer, now=NOW + MINUTE)
    services.nobody_came(delivery, by=officer, now=NOW + HOUR)
    services.turn_back(delivery, reason=None, by=officer, now=NOW + HOUR)

    run_job(NOW + HOUR)

    assert told(delivery) == [K.PLACE]


@pytest.mark.parametrize("why", ["none", "not safe", "another's", "old", "failed", "kind"])
def test_without_a_usable_way_somebody_must_tell_them(app: Flask, sign_in: SignIn, why: str) -> None:
    now = utcnow()
    delivery = make_stop(now + 2 * HOUR)
    point = make_phone(delivery.person, verified_on=local_day(now), safe_to_call=why != "not safe")
    point.owner = "Su vecina" if why == "another's" else None
    point.verified_on = local_day(now) - timedelta(days=91) if why == "old" else point.verified_on
    point.failed_on = local_day(now) if why == "failed" else None
    if why == "none":
        db.session.delete(point)
    db.session.flush()
    db.session.expire(delivery.person)

    run_job(now, (ContactKind.EMAIL,) if why == "kind" else ALL)

    client = sign_in(make_user(Role.COORDINATOR))
    page = client.get("/deliveries/to-tell").text
    assert messages() == []
    assert delivery.person.folio in page
    assert [word for word in (PLACE, delivery.person.given_names) if word in page] == []


def test_email_of_their_own_is_written_to(app: Flask) -> None:
    delivery = make_stop(NOW + 2 * HOUR, at=NOW)
    point = ContactPoint(person_id=delivery.person_id, kind=ContactKind.EMAIL, verified_on=local_day(NOW),
                         value_lookup=lookup_hash("contact:email", "a@example.org"))  # fmt: skip
    point.value = "a@example.org"
    db.session.add(point)
    db.session.flush()
    db.session.expire(delivery.person)

    run_job(NOW, (ContactKind.EMAIL,))

    assert [one.address for one in messages()] == ["a@example.org"]


def test_telling_in_person_is_opened_journaled_and_done_once(app: Flask, sign_in: SignIn) -> None:
    now = utcnow()
    delivery = make_stop(now + 2 * HOUR)
    run_job(now)
    (notice,) = db.session.scalars(select(DeliveryNotice)).all()
    coordinator = make_user(Role.COORDINATOR)
    client, address = sign_in(coordinator), f"/deliveries/to-tell/{notice.id}"

    assert PLACE in client.get(address).text
    assert client.post(address).status_code == 302

    journaled = select(JournalEntry.action, JournalEntry.actor_id, JournalEntry.details).where(
        JournalEntry.action.in_(("notice.seen", "notice.told"))
    )
    rows = [tuple(row) for row in db.session.execute(journaled.order_by(JournalEntry.id))]
    details = f'{{"delivery_id":{delivery.id}}}'
    assert rows == [("notice.seen", coordinator.id, details), ("notice.told", coordinator.id, details)]
    assert client.get(address).status_code == client.post(address).status_code == 404
    with pytest.raises(RuleBroken):
        notices.note_told(notice, by=coordinator, now=now)


@pytest.mark.parametrize("change", ["held", "moved", "expired"])
def test_words_that_are_no_longer_true_cannot_be_opened(app: Flask, sign_in: SignIn, change: str) -> None:
    now = utcnow()
    delivery = make_stop(now + 2 * HOUR)
    run_job(now)
    (notice,) = db.session.scalars(select(DeliveryNotice)).all()
    if change == "held":
        put_in(delivery, S.HELD)
    elif change == "moved":
        move_stop(delivery, now + 30 * HOUR)
    else:
        make_snapshot(delivery.canton_code, 1, at=now, in_force_at=now, expires_at=now - MINUTE)
    client = sign_in(make_user(Role.COORDINATOR))

    assert client.get(f"/deliveries/to-tell/{notice.id}").status_code == 404
    assert delivery.person.folio not in client.get("/deliveries/to-tell").text


def test_message_that_was_given_up_is_told_in_person(app: Flask) -> None:
    reachable(make_stop(NOW + 2 * HOUR, at=NOW))
    run_job(NOW)
    assert questions.to_tell_in_person(NOW).items == []
    messages()[0].state = MessageState.FAILED
    db.session.flush()

    assert [one.kind for one in questions.to_tell_in_person(NOW).items] == [K.PLACE]


@pytest.mark.parametrize("role", [Role.OFFICER, Role.WAREHOUSE, Role.MONITORING, Role.DIRECTOR])
def test_others_do_not_open_the_list(app: Flask, sign_in: SignIn, role: Role) -> None:
    client = sign_in(make_user(role))

    assert [client.get(f"/deliveries/to-tell{one}").status_code for one in ("", "/1")] == [403, 403]


@pytest.mark.no_rollback
def test_two_workers_send_one_message(real_app: Flask) -> None:
    officer = make_officer()
    for number in range(3):
        reachable(make_stop(NOW + 2 * HOUR, officer=officer, at=NOW), number=f"+59399123456{number}")
    db.session.commit()
    gate = threading.Barrier(4)

    def work() -> None:
        with real_app.app_context():
            with transaction():
                due = notices.due_now(NOW)
            gate.wait()
            for delivery, kind in due:
                with transaction():
                    notices.tell(delivery, kind, kinds=ALL, now=NOW)
            db.session.remove()

    threads = [threading.Thread(target=work) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(one.address for one in messages()) == [f"+59399123456{number}" for number in range(3)]
    assert db.session.query(DeliveryNotice).count() == 3


def deliver(now: datetime, send: Send) -> None:
    """What the worker does with messages of stops, over a provider of our choice."""
    ways = {
        BY_PHONE: while_true(lambda *_given: send)({}, Path()),
        BY_MAIL: while_true(lambda *_given: send)({}, Path()),
    }
    outbox.deliver_due(send, now=now, others=ways)
    db.session.expire_all()


def down(*_parts: str) -> None:
    raise OSError


@pytest.mark.parametrize("channel", ["phone", "mail"])
def test_place_never_arrives_after_do_not_go(app: Flask, channel: str) -> None:
    now = utcnow()
    delivery = reachable(make_stop(now + 2 * HOUR, level=2, at=now), now)
    if channel == "mail":
        delivery.person.contact_points[0].kind, delivery.person.contact_points[0].value = ContactKind.EMAIL, "a@x.org"
    run_job(now)
    deliver(now, down)
    services.hold(delivery, by=make_user(Role.DESK), now=now)
    run_job(now + MINUTE)
    sent: list[str] = []

    for minutes in (2, 10, 60):
        deliver(now + minutes * MINUTE, lambda _address, _subject, body: sent.append(body))

    place, off = messages()
    assert (place.state, off.state) == (MessageState.FAILED, MessageState.SENT)
    assert sent == [off.body]


@pytest.mark.parametrize("what", ["held", "over", "reached", "nothing"])
def test_truth_is_asked_once_more_when_it_is_sent(app: Flask, what: str) -> None:
    now = utcnow()
    delivery = reachable(make_stop(now + HOUR, at=now), now)
    run_job(now)
    if what in ("held", "reached"):
        put_in(delivery, S.HELD if what == "held" else S.AT_POINT)
    elif what == "over":
        move_stop(delivery, now - 3 * HOUR)
        messages()[0].subject = str(db.session.scalars(select(DeliveryNotice.id)).one())
        db.session.scalars(select(DeliveryNotice)).one().stop_key = questions.stop_key(delivery)
        db.session.flush()
    sent: list[str] = []

    deliver(now, lambda _address, _subject, body: sent.append(body))

    (message,) = messages()
    arrives = what in ("reached", "nothing")
    assert (len(sent), message.state) == (int(arrives), MessageState.SENT if arrives else MessageState.FAILED)


def test_message_of_an_earlier_release_goes_as_it_was_written(app: Flask) -> None:
    for kind, subject in ((BY_MAIL, "Semilla"), (BY_PHONE, ""), (BY_PHONE, NOW.isoformat())):
        outbox.add(kind, address="a", subject=subject, body="b", now=NOW)
    db.session.flush()
    sent: list[str] = []

    deliver(NOW, lambda _address, subject, _body: sent.append(subject))

    assert sent == ["Semilla", "", NOW.isoformat()]


def test_mail_says_the_same_subject_as_ever(app: Flask, tmp_path: Path) -> None:
    now = utcnow()
    reachable(make_stop(now + HOUR, at=now), now)
    run_job(now)

    outbox.other_senders(app.config, tmp_path)[BY_MAIL]("a@example.org", messages()[0].subject, "Hola")

    (file,) = (tmp_path / "outbox").iterdir()
    assert file.read_text().splitlines()[:2] == ["a@example.org", "Semilla"]


def test_trip_that_was_rescheduled_is_called_off_and_nobody_else_is_told(app: Flask) -> None:
    """Without waiting for the officer to press anything; after an alarm and by lot alike."""
    officer = make_officer()
    first, second = (reachable(make_stop(NOW + hours * HOUR, level=2, officer=officer, at=NOW),
                               number=f"+59399123456{hours}") for hours in (2, 4))  # fmt: skip
    run_job(NOW)
    send_out(first, at=NOW)
    send_out(second, at=NOW + MINUTE)
    let_go(officer, asked_at=NOW + HOUR, answer=StopAnswer.RESCHEDULED)

    for minutes in (80, 81, 130):
        run_job(NOW + minutes * MINUTE)

    assert told(first) == [K.PLACE, K.RESCHEDULED]
    assert told(second) == [K.ZONE, K.RESCHEDULED]
    assert (first.state, second.state) == (S.IN_TRANSIT, S.IN_TRANSIT)


@pytest.mark.parametrize("answer", [StopAnswer.GO, None])
def test_trip_that_goes_on_or_waits_is_told_as_ever(app: Flask, answer: StopAnswer | None) -> None:
    delivery = reachable(make_stop(NOW + 2 * HOUR, level=2, at=NOW))
    send_out(delivery, at=NOW)
    let_go(delivery.officer, asked_at=NOW, answer=answer)  # type: ignore[arg-type]

    run_job(NOW + 30 * MINUTE)

    assert told(delivery) == [K.PLACE]


def test_stop_of_another_day_of_that_officer_stands(app: Flask) -> None:
    officer = make_officer()
    today = make_stop(NOW + HOUR, officer=officer, at=NOW)
    tomorrow = reachable(make_stop(NOW + 23 * HOUR, officer=officer, at=NOW))
    send_out(today, at=NOW)
    let_go(officer, asked_at=NOW, answer=StopAnswer.RESCHEDULED)

    run_job(NOW + 30 * MINUTE)

    assert told(tomorrow) == [K.PLACE]


@pytest.mark.parametrize("out", [False, True], ids=["scheduled", "on the road"])
@pytest.mark.parametrize("change", ["curfew", "raised", "expired", "area held"])
def test_stop_that_no_longer_stands_is_called_off_wherever_the_kit_is(app: Flask, change: str, out: bool) -> None:
    delivery = reachable(make_stop(NOW + 2 * HOUR, at=NOW))
    canton, later = delivery.canton_code, NOW + 10 * MINUTE
    run_job(NOW)
    if out:
        send_out(delivery, at=NOW)
    if change == "curfew":
        take(canton, 1, at=later, curfew_from=time(10, 0), curfew_until=time(13, 0))
    elif change == "raised":
        make_snapshot(canton, 2, at=later, in_force_at=later)
    elif change == "expired":
        make_snapshot(canton, 1, at=later, in_force_at=later, expires_at=later + MINUTE)
    else:
        make_snapshot(canton, 1, at=later, in_force_at=later, withdrawn_at=later,
                      withdrawn_by_id=make_user(Role.DESK).id)  # fmt: skip

    for minutes in (12, 13):
        run_job(NOW + minutes * MINUTE)

    assert told(delivery) == [K.PLACE, K.RESCHEDULED]
    officer = delivery.officer
    assert officer is not None
    assert delivery not in shown_to(officer, NOW + HOUR).stops


def test_nobody_is_told_to_come_in_a_curfew(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + 2 * HOUR, level=2, at=NOW - HOUR))
    take(delivery.canton_code, 2, at=NOW - MINUTE, curfew_from=time(10, 0), curfew_until=time(13, 0))

    run_job(NOW)

    assert told(delivery) == []


def test_nobody_is_told_to_come_in_the_field_without_a_permit(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + 20 * MINUTE, level=3, at=NOW))
    db.session.execute(update(Permit).values(signed_at=None, signed_by_id=None))
    db.session.execute(update(Delivery).where(Delivery.id == delivery.id).values(hub_id=None))
    db.session.expire_all()

    run_job(NOW)

    assert told(delivery) == []


def test_who_was_told_not_to_come_is_not_told_to_come_again_nor_visited(app: Flask) -> None:
    """Known anew a moment later: the person stays at home, so the officer does not go there either."""
    delivery = reachable(make_stop(NOW + 20 * HOUR, level=2, at=NOW))
    run_job(NOW)
    make_snapshot(delivery.canton_code, 2, at=NOW, in_force_at=NOW + MINUTE, expires_at=NOW + 2 * MINUTE)
    run_job(NOW + 3 * MINUTE)
    make_snapshot(delivery.canton_code, 2, at=NOW + 4 * MINUTE, in_force_at=NOW + 4 * MINUTE,
                  expires_at=NOW + 30 * HOUR)  # fmt: skip

    run_job(NOW + 19 * HOUR)

    assert told(delivery) == [K.ZONE, K.RESCHEDULED]
    officer = delivery.officer
    assert officer is not None
    assert shown_to(officer, NOW + 19 * HOUR).stops == []
    with pytest.raises(RuleBroken, match=delivery.folio):
        send_out(delivery, at=NOW + 19 * HOUR)
    assert delivery.state is S.SCHEDULED


def test_stop_that_is_over_is_not_called_off_when_the_risk_expires(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + MINUTE, at=NOW))
    run_job(NOW)
    send_out(delivery, at=NOW)

    run_job(NOW + 30 * 24 * HOUR)

    assert told(delivery) == [K.PLACE]


def test_same_place_and_time_on_another_run_is_told_anew(app: Flask) -> None:
    delivery = reachable(make_stop(NOW + HOUR, at=NOW))
    start, end, run = delivery.stop_at, delivery.window_ends_at, delivery.run
    assert start is not None
    assert end is not None
    assert run is not None
    stop, coordinator = services.Stop(PLACE, start, end), make_user(Role.COORDINATOR)
    run_job(NOW)
    services.take_off(delivery, run, by=coordinator, now=NOW)
    run_job(NOW + MINUTE)
    services.schedule(delivery, make_run(at=NOW), stop, by=coordinator, now=NOW + 2 * MINUTE)

    for minutes in (3, 4):
        run_job(NOW + minutes * MINUTE)

    assert told(delivery) == [K.PLACE, K.RESCHEDULED, K.PLACE]


def test_stop_that_an_earlier_release_told_of_is_told_of_already(app: Flask) -> None:
    """Its notices do not hold the run."""
    delivery = reachable(make_stop(NOW + HOUR, at=NOW))
    run_job(NOW)
    db.session.scalars(select(DeliveryNotice)).one().stop_key = questions.stop_keys(delivery)[1]
    db.session.flush()

    run_job(NOW + MINUTE)

    assert told(delivery) == [K.PLACE]
