"""Tables of evaluation."""

from grants.evaluation.models.assigning import Assignment, ConflictOfInterest
from grants.evaluation.models.panel import (
    CHANGE_REASON_NAMES,
    CHOSEN_BY_HAND,
    AssignmentChange,
    CallConflict,
    ChangeReason,
    ConflictAnswer,
    Panelist,
)
from grants.evaluation.models.sheets import Score, ScoreSheet, SheetState

__all__ = [
    "CHANGE_REASON_NAMES",
    "CHOSEN_BY_HAND",
    "Assignment",
    "AssignmentChange",
    "CallConflict",
    "ChangeReason",
    "ConflictAnswer",
    "ConflictOfInterest",
    "Panelist",
    "Score",
    "ScoreSheet",
    "SheetState",
]
