"""Incidents: anyone reports, what was told is sealed, and the follow-up ends with an outcome."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import NotFound, RuleBroken
from grants.core.journal import JournalEntry
from grants.delivery import queries, services
from grants.delivery.models import Incident, IncidentEntry, IncidentKind, IncidentOutcome, IncidentState, TeamMember
from grants.delivery.services import FollowUp
from grants.delivery.services.incidents import open_about
from tests.factories.access import make_user
from tests.factories.delivery import make_confirmed, make_delivery, make_officer, make_run
from tests.factories.outcomes import make_answered, make_incident

State = IncidentState


def follow(incident: Incident, **changed: Any) -> None:
    step = FollowUp(**{"state": State.FOLLOWING, "entries_read": incident.entries_written, "note": "Se llamó",
                       **changed})  # fmt: skip
    services.follow_up(incident, step, by=make_user(Role.DESK), now=utcnow())


def test_report_is_sealed_and_neither_journal_nor_columns_hold_its_words(app: Flask) -> None:
    incident = make_incident(said="Pidieron cincuenta dólares")

    assert incident.said == "Pidieron cincuenta dólares"
    assert b"cincuenta" not in bytes(incident.said_sealed)  # type: ignore[attr-defined]
    db.session.commit()  # the journal is written at the end of a transaction
    entry = db.session.scalars(select(JournalEntry).order_by(JournalEntry.id.desc())).first()
    assert entry is not None
    assert (entry.action, "cincuenta" in str(entry.details)) == ("incident.reported", False)


def test_report_finds_the_delivery_or_the_run_it_names(app: Flask) -> None:
    delivery, run = make_delivery(), make_run()

    about = [make_incident(about=folio) for folio in (delivery.folio.lower(), run.folio, "", "D-00000000X")]

    assert [(one.delivery_id, one.run_id) for one in about] == [
        (delivery.id, None), (None, run.id), (None, None), (None, None),
    ]  # fmt: skip
    assert [one.said for one in about[2:]] == ["Llamaron dos veces", "Llamaron dos veces\n[D-00000000X]"]


@pytest.mark.parametrize("bad", [{"said": " "}, {"happened_at": utcnow() + timedelta(days=1)}])
def test_report_without_words_or_from_the_future_is_refused(app: Flask, bad: dict[str, Any]) -> None:
    with pytest.raises(RuleBroken):
        make_incident(**bad)

    assert db.session.scalar(select(func.count()).select_from(Incident)) == 0


def test_follow_up_from_new_to_closed_and_again(app: Flask) -> None:
    incident, director = make_incident(), make_user(Role.DIRECTOR)

    follow(incident, assigned_to=director)
    assert (incident.state, incident.assigned_to_id, incident.entries_written) == (State.FOLLOWING, director.id, 1)
    follow(incident, state=State.CLOSED, outcome=IncidentOutcome.REFERRED)
    assert (incident.state, incident.outcome) == (State.CLOSED, IncidentOutcome.REFERRED)
    assert incident.closed_at is not None
    follow(incident, note="Volvieron a llamar")

    assert (incident.state, incident.outcome, incident.closed_at) == (State.FOLLOWING, None, None)
    assert [(entry.state, entry.note) for entry in queries.get_incident(incident.id, reader=director).entries] == [
        (State.FOLLOWING, "Se llamó"), (State.CLOSED, "Se llamó"), (State.FOLLOWING, "Volvieron a llamar"),
    ]  # fmt: skip


@pytest.mark.parametrize(
    "bad",
    [
        {"state": State.OPEN},
        {"state": State.CLOSED},
        {"note": " "},
        {"entries_read": 7},
        {"assigned_to": Role.EVALUATOR},
    ],
    ids=["back to new", "closed without outcome", "no words", "not read", "not a follower"],
)
def test_step_that_is_not_complete_is_refused(app: Flask, bad: dict[str, Any]) -> None:
    incident = make_incident()
    if "assigned_to" in bad:
        bad = {"assigned_to": make_user(bad["assigned_to"])}

    with pytest.raises(RuleBroken):
        follow(incident, **bad)

    assert (incident.state, incident.entries_written) == (State.OPEN, 0)
    assert db.session.scalar(select(func.count()).select_from(IncidentEntry)) == 0


def test_closed_incident_is_not_closed_twice(app: Flask) -> None:
    incident = make_incident()
    follow(incident, state=State.CLOSED, outcome=IncidentOutcome.SOLVED)

    with pytest.raises(RuleBroken):
        follow(incident, state=State.CLOSED, outcome=IncidentOutcome.UNFOUNDED)

    assert incident.outcome is IncidentOutcome.SOLVED


def test_incidents_of_the_last_thirty_days_are_counted_by_canton(app: Flask) -> None:
    now = utcnow()
    for days, canton in ((1, "1001"), (29, "1001"), (31, "1001"), (2, "2101")):
        make_incident(canton_code=canton, happened_at=now - timedelta(days=days))

    assert queries.incidents_by_canton(now) == {"1001": 2, "2101": 1}


def test_new_incidents_come_before_those_being_followed(app: Flask) -> None:
    followed, closed, new = make_incident(), make_incident(), make_incident()
    follow(followed)
    follow(closed, state=State.CLOSED, outcome=IncidentOutcome.SOLVED)

    assert [one.id for one in queries.open_incidents(make_user(Role.DESK), limit=8)] == [new.id, followed.id]
    assert [one.id for one in queries.incidents_page(reader=make_user(Role.DESK), state=State.CLOSED).items] == [
        closed.id
    ]


def test_database_refuses_a_closed_incident_without_outcome(app: Flask) -> None:
    incident = make_incident()

    with pytest.raises(IntegrityError), db.session.begin_nested():
        incident.state, incident.closed_at = State.CLOSED, utcnow()
        db.session.flush()

    assert queries.incidents_page(reader=make_user(Role.DESK)).items[0].id == incident.id


def with_desk(user: User) -> User:
    user.roles = frozenset({*user.roles, Role.DESK})
    db.session.commit()
    return user


def test_what_the_person_tells_of_a_team_is_followed_up_by_others(
    app: Flask, sign_in: Callable[[User], FlaskClient]
) -> None:
    carried = make_confirmed()
    lead, mate, other = with_desk(carried.officer), with_desk(make_officer()), make_user(Role.DESK)
    db.session.add(TeamMember(team_id=carried.delivery.run.team_id, user_id=mate.id))
    make_answered(carried, asked_to_pay="yes")
    told = db.session.query(Incident).one()
    own = open_about(carried.delivery, IncidentKind.ACCIDENT, "Un choque", by=lead, now=utcnow())
    elsewhere = make_incident()
    db.session.commit()
    step = {"state": "closed", "outcome": "unfounded", "note": "No es cierto", "entries_read": "0", "assigned_to": ""}
    address = f"/deliveries/incidents/{told.id}"

    for reader in (lead, mate):
        client = sign_in(reader)
        assert (client.get(address).status_code, client.post(address, data=step).status_code) == (404, 404)
        pages = client.get("/deliveries/incidents").text + client.get("/").text
        assert [told.folio in pages, own.folio in pages, elsewhere.folio in pages] == [False, True, True]
        assert queries.open_incidents_count(reader) == 2
        with pytest.raises(NotFound):
            services.follow_up(told, FollowUp(State.FOLLOWING, 0, "No es cierto"), by=reader, now=utcnow())
        with pytest.raises(RuleBroken):
            follow(told, assigned_to=reader)
    client = sign_in(other)
    assert told.folio in client.get("/deliveries/incidents").text
    assert queries.open_incidents_count(other) == 3
    assert client.post(address, data=step).status_code == 302

    assert (told.state, told.entries_written) == (State.CLOSED, 1)
