"""What a run was computed from and gave, and where the people who sign departed from its order."""

from datetime import datetime
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import ForeignKey, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.applications.models import Application
from grants.core.crypto import SealedRow, sealed_text
from grants.core.db import Model, state_column
from grants.selection.models.runs import Selection


class SelectionRecord(SealedRow, Model):
    """The run's inputs and result whole, as canonical JSON. Sealed: they say which groups each folio counts for."""

    __tablename__ = "selection_record"

    id: Mapped[int] = mapped_column(primary_key=True)
    selection_id: Mapped[int] = mapped_column(ForeignKey("selection.id"), unique=True)
    inputs = sealed_text()
    result = sealed_text()
    summary = sealed_text()  # the result without its lines
    result_hash: Mapped[str] = mapped_column(String(64))
    software: Mapped[str] = mapped_column(String(40))


class Direction(StrEnum):
    PUT_IN = "put_in"
    PUT_OUT = "put_out"


DIRECTION_NAMES = {Direction.PUT_IN: _("Gets a place"), Direction.PUT_OUT: _("Gets no place")}


class DepartureReason(StrEnum):
    """Why the order was left, as the act names it."""

    FALSE_DATA = "false_data"
    CANNOT_RECEIVE = "cannot_receive"
    SAFETY = "safety"
    ERROR = "error"
    DOUBLE_SUPPORT = "double_support"
    OTHER = "other"


DEPARTURE_REASON_NAMES = {
    DepartureReason.FALSE_DATA: _("The application says what is not true"),
    DepartureReason.CANNOT_RECEIVE: _("The person cannot receive it now"),
    DepartureReason.SAFETY: _("Receiving it would put the person in danger"),
    DepartureReason.ERROR: _("An error in the evaluation that can no longer be corrected there"),
    DepartureReason.DOUBLE_SUPPORT: _("The same support was given by another programme"),
    DepartureReason.OTHER: _("Another reason, written below"),
}


class Departure(SealedRow, Model):
    """One application put in or out by decision. Written before the run is proposed; both signatures cover it."""

    __tablename__ = "selection_departure"
    __table_args__ = (UniqueConstraint("selection_id", "application_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    selection_id: Mapped[int] = mapped_column(ForeignKey("selection.id"))
    selection: Mapped[Selection] = relationship()
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    application: Mapped[Application] = relationship()
    direction: Mapped[Direction] = mapped_column(state_column(Direction))
    reason: Mapped[DepartureReason] = mapped_column(state_column(DepartureReason))
    words = sealed_text()  # written to be printed in the act
    decided_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    decided_by: Mapped[User] = relationship()
    decided_at: Mapped[datetime]
