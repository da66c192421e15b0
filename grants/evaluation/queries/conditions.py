"""Conditions about calibration sets, for any statement over assignments or sheets."""

from sqlalchemy import ColumnElement, select

from grants.evaluation.models import Assignment, CalibrationSetItem, ScoreSheet


def in_calibration_set() -> ColumnElement[bool]:
    """Whether the assignment's application is one that all evaluators of the stage score first."""
    return (
        select(CalibrationSetItem.id)
        .where(
            CalibrationSetItem.application_id == Assignment.application_id,
            CalibrationSetItem.stage == Assignment.stage,
        )
        .exists()
    )


def sheet_beside_reviews() -> ColumnElement[bool]:
    """Whether a sheet was written because of a calibration set, and not as one of the application's reviews."""
    given = select(Assignment.id).where(
        Assignment.application_id == ScoreSheet.application_id,
        Assignment.evaluator_id == ScoreSheet.evaluator_id,
        Assignment.stage == ScoreSheet.stage,
        Assignment.is_calibration,
    )
    # The few common applications first: that spares looking up the task of every other sheet.
    return ScoreSheet.application_id.in_(select(CalibrationSetItem.application_id)) & given.exists()


def sheet_is_practice() -> ColumnElement[bool]:
    """Whether a sheet was written beside the reviews for a calibration set that does not count."""
    counted = select(CalibrationSetItem.id).where(
        CalibrationSetItem.application_id == ScoreSheet.application_id,
        CalibrationSetItem.stage == ScoreSheet.stage,
        CalibrationSetItem.counts,
    )
    return sheet_beside_reviews() & ~counted.exists()
