"""Reminders: counts and a link, once a week or a day, to those who work with credit now."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import time_machine
from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db, transaction
from grants.core.outbox import OutboxMessage
from grants.credit.models import CreditReminder, LiaisonPost, LinkageState, ReferralState, ReminderKind
from grants.credit.reminder_jobs import remind
from grants.credit.services import reminders
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_referral
from tests.factories.credit_money import make_credit
from tests.factories.people import make_person
from tests.grants.credit.test_races import THREADS, at_once

MONDAY = datetime(2026, 11, 30, 14, tzinfo=UTC)  # 09:00 in Ibarra
EARLY = datetime(2026, 11, 30, 11, 59, tzinfo=UTC)  # 06:59
SUNDAY = datetime(2026, 12, 6, 14, tzinfo=UTC)
NEXT_MONDAY = datetime(2026, 12, 7, 14, tzinfo=UTC)


@pytest.fixture
def run(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Callable[[datetime], list[OutboxMessage]]:
    """The job at a moment; what it put into the outbox for people with a role."""
    monkeypatch.setitem(app.config, "PUBLIC_URL", "https://semilla.example/")

    def at(moment: datetime, role: Role = Role.LIAISON) -> list[OutboxMessage]:
        before = {one.id for one in sent()}
        with time_machine.travel(moment):
            remind(app)
        wanted = {user.email for user in db.session.query(User) if role in user.roles}
        return [one for one in sent() if one.id not in before and one.address in wanted]

    return at


def sent() -> list[OutboxMessage]:
    found = db.session.query(OutboxMessage).filter_by(kind=reminders.MAIL).order_by(OutboxMessage.id)
    return list(found)


def liaison_of(institution: Any, **facts: Any) -> User:
    user = make_liaison(institution)
    for name, value in facts.items():
        setattr(user, name, value)
    db.session.flush()
    return user


def busy_institution() -> Any:
    with time_machine.travel(MONDAY):
        institution = make_institution("Cooperativa del Norte")
        make_linkage(make_referral(make_person(given_names="Luz"), institution, state=ReferralState.SENT))
        make_linkage(institution=institution)
        make_linkage(institution=institution, state=LinkageState.APPROVED)
        make_credit(institution, disbursed=70, reported=50)
    return institution


def test_a_liaison_gets_counts_and_a_link_in_spanish(app: Flask, run: Any) -> None:
    institution = busy_institution()
    user = liaison_of(institution, language="es")

    (message,) = run(MONDAY)

    assert message.address == user.email
    assert message.body == (
        "1 derivación espera su respuesta.\n"
        "2 personas esperan el siguiente paso.\n"
        "Falta reportar 1 crédito este mes.\n"
        "1 crédito está atrasado.\n"
        "\n"
        "Abra Semilla: https://semilla.example/my-linkages"
    )
    for secret in ("Luz", "Norte", "R-", "L-", "P-"):
        assert secret not in message.subject + message.body


def test_a_week_is_told_once_and_the_next_week_again(app: Flask, run: Any) -> None:
    make_liaison(busy_institution())
    moments = (MONDAY, MONDAY + timedelta(minutes=30), SUNDAY, NEXT_MONDAY)
    assert [len(run(moment)) for moment in moments] == [1, 0, 0, 1]


def test_a_worker_that_stood_still_on_monday_makes_up_for_it(app: Flask, run: Any) -> None:
    make_liaison(busy_institution())
    assert run(EARLY) == []
    assert len(run(MONDAY + timedelta(days=2))) == 1


def test_nobody_is_written_to_about_nothing(app: Flask, run: Any) -> None:
    make_liaison(make_institution())
    make_user(Role.COORDINATOR)
    assert (run(MONDAY), run(MONDAY, Role.COORDINATOR)) == ([], [])
    assert db.session.query(CreditReminder).count() == 0


def test_who_no_longer_works_there_hears_nothing(app: Flask, run: Any) -> None:
    institution = busy_institution()
    liaison_of(institution, deactivated_at=utcnow())
    liaison_of(institution, suspended_at=utcnow())
    released = make_liaison(institution)
    db.session.query(LiaisonPost).filter_by(user_id=released.id).delete()
    now_something_else = make_liaison(institution)
    now_something_else.roles = frozenset({Role.MONITORING})
    institution.is_active = False
    make_liaison(institution)
    db.session.flush()
    assert run(MONDAY) == []


def test_a_referral_about_to_expire_is_told_three_days_before(app: Flask, run: Any, monkeypatch: Any) -> None:
    monkeypatch.setitem(app.config, "CREDIT_DIGEST_WEEKDAY", 7)
    institution = make_institution()
    liaison_of(institution, language="es")
    for days in (3, 3, 9):
        with time_machine.travel(MONDAY):
            referral = make_referral(institution=institution, state=ReferralState.SENT)
            referral.expires_on = date(2026, 11, 30) + timedelta(days=days)
    db.session.flush()

    assert run(MONDAY - timedelta(days=1)) == []
    (message,) = run(MONDAY)
    assert message.body.splitlines()[0] == "2 derivaciones vencen en tres días o menos. Respóndalas antes."
    assert [len(run(MONDAY + timedelta(days=n))) for n in (1, 2, 3, 4)] == [0, 0, 0, 0]
    assert len(run(datetime(2026, 12, 7, 14, tzinfo=UTC))) == 1  # the third one, on 9 December


def test_a_coordinator_hears_what_is_stuck(app: Flask, run: Any) -> None:
    user = make_user(Role.COORDINATOR)
    user.language = "en"
    with time_machine.travel(MONDAY):
        make_linkage()
        make_credit(disbursed=70, reported=50)
        make_referral(state=ReferralState.DECLINED)
    db.session.flush()

    told = [one for one in run(MONDAY, Role.COORDINATOR) if one.address == user.email]

    assert [one.body for one in told] == [
        "1 linkage had no step for two weeks.\n1 credit was not reported for 45 days.\n"
        "1 person is to be sent on to another institution.\n\nOpen Semilla: https://semilla.example/linkages/board"
    ]


def test_reminders_can_be_turned_off(app: Flask, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    make_liaison(busy_institution())
    monkeypatch.setitem(app.config, "CREDIT_REMINDERS", False)
    assert run(MONDAY) == []


def test_without_a_public_address_no_link_is_made_up(app: Flask, run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(app.config, "PUBLIC_URL", "")
    make_liaison(busy_institution())
    (message,) = run(MONDAY, Role.LIAISON)
    assert "http" not in message.body


def test_one_of_many_workers_writes_the_message(real_app: Flask) -> None:
    institution = make_institution()
    make_linkage(institution=institution)
    user = make_liaison(institution)
    db.session.commit()
    ids, now = (user.id, institution.id), utcnow()

    def send() -> None:
        liaison, place = db.session.get(type(user), ids[0]), db.session.get(type(institution), ids[1])
        reminders.send_week(liaison, place, link="", now=now)

    assert at_once(real_app, send) == ["done"] * THREADS
    assert db.session.query(OutboxMessage).count() == 1
    with transaction():
        assert db.session.query(CreditReminder).one().about == reminders.week_of(local_day(now))
        assert db.session.query(CreditReminder).one().kind is ReminderKind.WEEK


def test_weeks_are_those_of_iso() -> None:
    assert [reminders.week_of(day) for day in (date(2026, 12, 31), date(2027, 1, 1), date(2027, 1, 4))] == [
        "2026-W53", "2026-W53", "2027-W01",
    ]  # fmt: skip
