"""What cannot wait is told to the desk at once, in the same words for everything, and to the next person in time."""

import base64
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from sqlalchemy import select

from grants.access.permissions import Role
from grants.core.db import db
from grants.core.outbox import OutboxMessage
from grants.delivery import queries, services
from grants.delivery.jobs import watch_signals
from grants.delivery.models import DeliveryState, Incident, IncidentKind, IncidentOutcome, IncidentState, Urgency
from grants.delivery.models import MissedCheckIn as Case
from grants.delivery.queries import desk
from grants.delivery.services import FollowUp, alerts, checkins
from grants.delivery.signals import BOX_BYTES
from grants.reports import home_after
from tests.factories.access import make_user
from tests.factories.delivery import make_carried
from tests.factories.desk import confirm_as
from tests.factories.outcomes import make_incident
from tests.factories.road import make_case

NOW = datetime(2026, 5, 4, 15, 0, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
BOTH = ("desk", "desk-2")
LATE = timedelta(minutes=5)


def messages(kind: str = "desk") -> list[OutboxMessage]:
    found = select(OutboxMessage).where(OutboxMessage.kind == kind)
    return list(db.session.scalars(found.order_by(OutboxMessage.id)))


def work(now: datetime) -> tuple[int, int]:
    """What the timed job does: how many the desk was told of, how many the next person."""
    called = alerts.tell_of_dangers(BOTH, now=now), alerts.escalate_dangers("next", after=LATE, now=now)
    db.session.expire_all()
    return called


def follow(incident: Incident, state: IncidentState = IncidentState.FOLLOWING) -> None:
    outcome = IncidentOutcome.SOLVED if state is IncidentState.CLOSED else None
    services.follow_up(incident, FollowUp(state, incident.entries_written, "Se llamó", outcome=outcome),
                       by=make_user(Role.DESK), now=NOW)  # fmt: skip


def a_seizure() -> Incident:
    carried = make_carried(DeliveryState.IN_TRANSIT)
    return services.taken(carried.delivery, said="Nos pararon", by=carried.officer, now=NOW)


DANGERS: dict[str, Callable[[], Incident | Case]] = {
    "now": lambda: make_incident(urgency=Urgency.NOW),
    "seizure": a_seizure,
    "told of a seizure": lambda: make_incident(kind=IncidentKind.SEIZURE, urgency=Urgency.TODAY),
    "missed": make_case,
}


@pytest.mark.parametrize("kind", DANGERS)
def test_desk_is_told_once_of_what_cannot_wait(app: Flask, kind: str) -> None:
    danger = DANGERS[kind]()

    told = [work(NOW), work(NOW + MINUTE)]

    assert told == [(1, 0), (0, 0)]
    assert danger.desk_told_at == NOW
    assert [one.address for one in messages()] == list(BOTH)


@pytest.mark.parametrize("kind", DANGERS)
def test_second_worker_who_looked_at_the_same_time_tells_nothing(
    app: Flask, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    looked_at = [DANGERS[kind]()]
    monkeypatch.setattr(desk, "dangers_untold", lambda: looked_at)
    monkeypatch.setattr(desk, "dangers_unanswered", lambda _before: looked_at)

    assert [work(NOW), work(NOW + MINUTE)] == [(1, 1), (0, 0)]
    assert [one.address for one in messages()] == [*BOTH, "next"]


@pytest.mark.parametrize("urgency", [Urgency.TODAY, Urgency.WEEK])
def test_what_can_wait_is_not_told_by_message(app: Flask, urgency: Urgency) -> None:
    make_incident(urgency=urgency)

    assert (work(NOW), messages()) == ((0, 0), [])


def test_all_are_told_in_the_same_words_and_as_long_as_a_handover(app: Flask) -> None:
    for make in DANGERS.values():
        make()
    confirm_as("both")
    work(NOW)
    work(NOW + 6 * MINUTE)

    of_dangers, of_handovers = messages(), messages("handover")
    assert len(of_dangers) == 4 * 3
    assert {one.subject for one in (*of_dangers, *of_handovers)} == {"Semilla"}
    assert len({one.body for one in of_dangers}) == 1
    sizes = {len(one.body.encode()) for one in (*of_dangers, *of_handovers)}
    assert sizes == {len(base64.b64encode(bytes(BOX_BYTES)))}
    assert of_dangers[0].body.isascii()


@pytest.mark.parametrize("kind", ["normal", "picture", "pin", "both"])
def test_handover_of_any_kind_tells_nothing_more_than_its_two_messages(app: Flask, kind: str) -> None:
    confirm_as(kind)

    assert work(NOW) == work(NOW + 6 * MINUTE) == (0, 0)
    assert (len(messages("handover")), messages()) == (2, [])


@pytest.mark.parametrize("kind", DANGERS)
def test_next_person_is_called_once_when_nobody_took_it_up_in_time(app: Flask, kind: str) -> None:
    danger = DANGERS[kind]()
    work(NOW)

    assert [work(NOW + minutes * MINUTE) for minutes in (4, 5, 6)] == [(0, 0), (0, 1), (0, 0)]
    assert danger.escalated_at == NOW + 5 * MINUTE
    assert [one.address for one in messages()] == [*BOTH, "next"]


def test_what_the_desk_took_up_is_not_escalated(app: Flask) -> None:
    incident, closed = make_incident(urgency=Urgency.NOW), make_case()
    work(NOW)
    follow(incident)
    checkins.close_case(closed, word="Llegaron", by=make_user(Role.DESK), now=NOW)

    assert work(NOW + 6 * MINUTE) == (0, 0)


def test_what_ended_before_anybody_was_told_is_not_told(app: Flask) -> None:
    follow(make_incident(urgency=Urgency.NOW), IncidentState.CLOSED)

    assert work(NOW) == (0, 0)


def test_the_job_tells_and_sends_at_once(app: Flask) -> None:
    make_case()
    db.session.commit()

    watch_signals(app)

    assert [(one.address, one.state.value) for one in messages()] == [("desk", "sent"), ("desk-2", "sent")]
    assert db.session.scalars(select(Case)).one().desk_told_at is not None


def test_desks_home_shows_the_most_urgent_first_and_counts_the_rest(app: Flask) -> None:
    weeks = [make_incident(urgency=Urgency.WEEK) for _n in range(home_after.SHOWN)]
    followed, now, today = (make_incident(urgency=one) for one in (Urgency.NOW, Urgency.NOW, Urgency.TODAY))
    follow(followed)
    db.session.commit()

    shown = queries.open_incidents(make_user(Role.DESK), limit=home_after.SHOWN)
    with app.test_request_context():
        (section,) = home_after.incidents(make_user(Role.DESK), NOW)

    assert [one.id for one in shown] == [now.id, followed.id, today.id, *(one.id for one in weeks[:5])]
    assert section.action is not None
    assert str(section.action[0]) in ("All incidents (3 more)", "Todos los incidentes (3 más)")
