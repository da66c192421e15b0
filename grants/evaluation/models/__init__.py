"""Tables of evaluation."""

from grants.evaluation.models.assigning import Assignment, ConflictOfInterest
from grants.evaluation.models.calibration import CalibrationSetItem
from grants.evaluation.models.moderation import (
    OUTCOME_NAMES,
    Answer,
    Moderation,
    ModerationReply,
    Outcome,
)
from grants.evaluation.models.sheets import Score, ScoreSheet, SheetState

__all__ = [
    "OUTCOME_NAMES",
    "Answer",
    "Assignment",
    "CalibrationSetItem",
    "ConflictOfInterest",
    "Moderation",
    "ModerationReply",
    "Outcome",
    "Score",
    "ScoreSheet",
    "SheetState",
]
