"""The applications that all evaluators of a call score first."""

from datetime import datetime

from sqlalchemy import ForeignKey, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.applications.models import Application
from grants.calls.models import Call, Stage
from grants.core.db import Model, state_column

SMALLEST_SET, LARGEST_SET, USUAL_SET = 2, 5, 3


class CalibrationSetItem(Model):
    """One common application of a call's stage.

    `counts` says whether everybody's sheet of it is official. Where it is not, only those count whose evaluator was
    given the application as one of its reviews (not `Assignment.is_calibration`): it competes like the others.
    """

    __tablename__ = "calibration_set_item"
    __table_args__ = (
        UniqueConstraint("application_id", "stage"),
        UniqueConstraint("call_id", "stage", "position"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    call: Mapped[Call] = relationship()
    stage: Mapped[Stage] = mapped_column(state_column(Stage))
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"))
    application: Mapped[Application] = relationship()
    position: Mapped[int]  # from 1; two sets marked at once collide on it
    counts: Mapped[bool] = mapped_column(default=False)
    marked_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    marked_at: Mapped[datetime]
