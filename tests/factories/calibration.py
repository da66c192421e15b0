"""Calibration sets for tests."""

from grants.applications.models import Application
from grants.calls.models import Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.evaluation.models import CalibrationSetItem


def make_calibration_set(
    *applications: Application, stage: Stage = Stage.PLAN, counts: bool = False
) -> list[CalibrationSetItem]:
    """A marked set of these applications, in this order; who gets it is for the test to say."""
    items = [
        CalibrationSetItem(
            call=application.call,
            stage=stage,
            application=application,
            position=position,
            counts=counts,
            marked_by_id=application.call.created_by_id,
            marked_at=utcnow(),
        )
        for position, application in enumerate(applications, 1)
    ]
    db.session.add_all(items)
    db.session.flush()
    return items
