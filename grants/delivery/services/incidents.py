"""Incidents: anyone reports, the desk and the director follow up until it is closed with an outcome."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import NotFound, RuleBroken
from grants.delivery import queries
from grants.delivery.models import (
    Delivery,
    Incident,
    IncidentEntry,
    IncidentKind,
    IncidentOutcome,
    IncidentState,
    Run,
    Urgency,
)
from grants.people.folio import new_folio

CLOCK_ERROR = timedelta(minutes=5)  # between a phone and the server


@dataclass(frozen=True, slots=True)
class Report:
    """What somebody tells. `about`: the folio of a delivery or a run, as they wrote it."""

    kind: IncidentKind
    urgency: Urgency
    canton_code: str
    happened_at: datetime
    said: str
    about: str = ""


@dataclass(frozen=True, slots=True)
class FollowUp:
    """A step of the follow-up; `entries_read`: how many entries its writer had before their eyes."""

    state: IncidentState
    entries_read: int
    note: str = ""
    assigned_to: User | None = None
    outcome: IncidentOutcome | None = None


def report(told: Report, *, by: User, now: datetime) -> Incident:
    """Receive a report. A folio that is not known stays in the text: nobody learns which folios exist."""
    if not told.said.strip():
        raise RuleBroken(_("Write what happened, in your own words."), field="said")
    if told.happened_at > now + CLOCK_ERROR:
        raise RuleBroken(_("This is in the future. Write when it happened."), field="happened_at")
    delivery, run = queries.named_delivery(told.about), queries.named_run(told.about)
    said = told.said.strip()
    if told.about.strip() and delivery is None and run is None:
        said = f"{said}\n[{told.about.strip()}]"
    return open_incident(
        told.kind, urgency=told.urgency, canton_code=told.canton_code, happened_at=told.happened_at, said=said,
        delivery=delivery, run=run, by=by, now=now,
    )  # fmt: skip


def open_incident(
    kind: IncidentKind, *, urgency: Urgency, canton_code: str, happened_at: datetime, said: str,
    delivery: Delivery | None = None, run: Run | None = None, by: User, now: datetime,
) -> Incident:  # fmt: skip
    """Write an incident down, for the desk and the director to see."""
    incident = Incident(
        folio=new_folio("I"), kind=kind, urgency=urgency, canton_code=canton_code, happened_at=happened_at,
        delivery_id=delivery.id if delivery else None, run_id=run.id if run else None, reported_by_id=by.id,
        reported_at=now, state=IncidentState.OPEN, entries_written=0,
    )  # fmt: skip
    incident.said = said
    db.session.add(incident)
    db.session.flush()
    journal.record(by, "incident.reported", incident, at=now)
    return incident


def open_about(
    delivery: Delivery, kind: IncidentKind, said: str, *, urgency: Urgency = Urgency.TODAY, by: User, now: datetime
) -> Incident:
    """An incident that a step of a delivery opens by itself, in neutral words."""
    return open_incident(
        kind, urgency=urgency, canton_code=delivery.canton_code, happened_at=now, said=said, delivery=delivery,
        run=delivery.run, by=by, now=now,
    )  # fmt: skip


def follow_up(incident: Incident, step: FollowUp, *, by: User, now: datetime) -> None:
    """Write the next step down: who takes it, what was done, or how it ended. A closed one may be taken up again."""
    if not queries.may_follow(incident, by):
        raise NotFound
    _refuse_incomplete(incident, step)
    closes = step.state is IncidentState.CLOSED
    written = db.session.execute(
        update(Incident)
        .where(Incident.id == incident.id, Incident.entries_written == step.entries_read)
        .values(
            state=step.state,
            outcome=step.outcome if closes else None,
            closed_at=now if closes else None,
            assigned_to_id=step.assigned_to.id if step.assigned_to else None,
            entries_written=Incident.entries_written + 1,
        )
        .execution_options(synchronize_session=False)
    )
    if rows_hit(written) != 1:
        raise RuleBroken(_("Somebody wrote a step meanwhile. Read it, then write yours."))
    entry = IncidentEntry(incident_id=incident.id, state=step.state, at=now, by_id=by.id)
    entry.note = step.note.strip() or None
    db.session.add(entry)
    db.session.flush()
    db.session.expire(incident)
    journal.record(by, f"incident.{step.state.value}", incident, at=now)


def _refuse_incomplete(incident: Incident, step: FollowUp) -> None:
    if step.state is IncidentState.OPEN:
        raise RuleBroken(_("Choose whether it is being followed or closed."), field="state")
    if step.state is IncidentState.CLOSED and step.outcome is None:
        raise RuleBroken(_("Choose how it ended."), field="outcome")
    if not step.note.strip():
        raise RuleBroken(_("Write what was done."), field="note")
    if step.assigned_to is not None and step.assigned_to.id not in {one.id for one in queries.followers(incident)}:
        raise RuleBroken(_("Choose somebody who follows incidents up."), field="assigned_to")
    if incident.state is IncidentState.CLOSED and step.state is IncidentState.CLOSED:
        raise RuleBroken(_("This incident is closed already. Take it up again first."), field="state")
