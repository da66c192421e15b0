"""Incidents: reported by anyone, followed up by the desk and the director. What is told is sealed."""

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, String
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_optional_text, sealed_text
from grants.core.db import Model, state_column
from grants.delivery.models.deliveries import Delivery
from grants.delivery.models.runs import Run
from grants.delivery.told import in_english
from grants.people.models import Canton

# What the programme itself writes into an incident. It is kept as it stands here and translated when shown.
IN_A_VISIT = _("Told in a visit after the delivery.")
IN_PART_ONLY = _("A kit was handed over in part only. Its page says which lines.")
NOT_AS_SEALED = _("What came back is not what was sealed. The delivery's page says what was counted.")
OWN_WORDS = {in_english(one): one for one in (IN_A_VISIT, IN_PART_ONLY, NOT_AS_SEALED)}


class IncidentKind(StrEnum):
    EXTORTION = "extortion"
    THREAT = "threat"
    ROBBERY = "robbery"
    SEIZURE = "seizure"
    ACCIDENT = "accident"
    LOST_KIT = "lost_kit"
    LOST_CARD = "lost_card"
    LOST_PHONE = "lost_phone"
    DATA_LEAK = "data_leak"
    OTHER = "other"


KIND_NAMES = {
    IncidentKind.EXTORTION: _("Somebody asked for money or goods"),
    IncidentKind.THREAT: _("Threat"),
    IncidentKind.ROBBERY: _("Robbery"),
    IncidentKind.SEIZURE: _("A kit was taken on the road"),
    IncidentKind.ACCIDENT: _("Accident"),
    IncidentKind.LOST_KIT: _("A kit or a part of it is missing"),
    IncidentKind.LOST_CARD: _("A symbol card was lost"),
    IncidentKind.LOST_PHONE: _("A work phone was lost"),
    IncidentKind.DATA_LEAK: _("Personal data got out"),
    IncidentKind.OTHER: _("Something else"),
}


class Urgency(StrEnum):
    NOW = "now"
    TODAY = "today"
    WEEK = "week"


URGENCY_NAMES = {
    Urgency.NOW: _("Somebody is in danger now"),
    Urgency.TODAY: _("It needs an answer today"),
    Urgency.WEEK: _("It can wait some days"),
}


class IncidentState(StrEnum):
    OPEN = "open"
    FOLLOWING = "following"
    CLOSED = "closed"


INCIDENT_STATE_NAMES = {
    IncidentState.OPEN: _("New"),
    IncidentState.FOLLOWING: _("Being followed"),
    IncidentState.CLOSED: _("Closed"),
}


class IncidentOutcome(StrEnum):
    SOLVED = "solved"
    REFERRED = "referred"
    RECOVERED = "recovered"
    NOT_RECOVERED = "not_recovered"
    UNFOUNDED = "unfounded"


OUTCOME_NAMES = {
    IncidentOutcome.SOLVED: _("Solved"),
    IncidentOutcome.REFERRED: _("Handed to an authority or another organisation"),
    IncidentOutcome.RECOVERED: _("What was lost was found"),
    IncidentOutcome.NOT_RECOVERED: _("What was lost stays lost"),
    IncidentOutcome.UNFOUNDED: _("It did not happen so"),
}


class Incident(SealedRow, Model):
    """Something that went wrong. Whoever reported it learns only that it was received."""

    __tablename__ = "incident"
    __table_args__ = (
        CheckConstraint("(state = 'closed') = (closed_at IS NOT NULL)", name="closed"),
        CheckConstraint("(state = 'closed') = (outcome IS NOT NULL)", name="outcome"),
        Index("ix_incident_state_id", "state", "id"),
        Index("ix_incident_canton_happened", "canton_code", "happened_at"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    kind: Mapped[IncidentKind] = mapped_column(state_column(IncidentKind))
    urgency: Mapped[Urgency] = mapped_column(state_column(Urgency))
    canton_code: Mapped[str] = mapped_column(ForeignKey("canton.code"))
    canton: Mapped[Canton] = relationship()
    happened_at: Mapped[datetime]
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"), index=True)
    delivery: Mapped[Delivery | None] = relationship()
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"), index=True)
    run: Mapped[Run | None] = relationship()
    said = sealed_text()
    reported_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    reported_by: Mapped[User] = relationship(foreign_keys=[reported_by_id])
    reported_at: Mapped[datetime]
    desk_told_at: Mapped[datetime | None]  # by a message, where it cannot wait
    escalated_at: Mapped[datetime | None]  # and the next person, as nobody had written a step
    state: Mapped[IncidentState] = mapped_column(state_column(IncidentState), default=IncidentState.OPEN)
    outcome: Mapped[IncidentOutcome | None] = mapped_column(state_column(IncidentOutcome))
    assigned_to_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    assigned_to: Mapped[User | None] = relationship(foreign_keys=[assigned_to_id])
    entries_written: Mapped[int] = mapped_column(default=0)  # grows: nobody writes over what they have not read
    closed_at: Mapped[datetime | None]

    entries: Mapped[list["IncidentEntry"]] = relationship(back_populates="incident", order_by="IncidentEntry.id")


class IncidentEntry(SealedRow, Model):
    """A step of the follow-up: what was done, by whom, and where the incident stands after it."""

    __tablename__ = "incident_entry"

    id: Mapped[int] = mapped_column(primary_key=True)
    incident_id: Mapped[int] = mapped_column(ForeignKey("incident.id"), index=True)
    incident: Mapped[Incident] = relationship(back_populates="entries")
    state: Mapped[IncidentState] = mapped_column(state_column(IncidentState))
    note = sealed_optional_text()
    at: Mapped[datetime]
    by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    by: Mapped[User] = relationship()
