"""Tables of evaluation."""

from grants.evaluation.models.assigning import Assignment, ConflictOfInterest
from grants.evaluation.models.calibration import CalibrationSetItem
from grants.evaluation.models.moderation import OUTCOME_NAMES, Answer, Moderation, ModerationReply, Outcome
from grants.evaluation.models.panel import (
    CHANGE_REASON_NAMES,
    CHOSEN_BY_HAND,
    AssignmentChange,
    CallConflict,
    ChangeReason,
    ConflictAnswer,
    Panelist,
)
from grants.evaluation.models.pitch import (
    LIVE,
    SESSION_MOVES,
    SESSION_NAMES,
    SLOT_MOVES,
    SLOT_NAMES,
    WAITING,
    PitchSession,
    PitchSlot,
    PitchState,
    PitchUnavailability,
    SheetDelivery,
    SlotState,
    pitch_panel,
)
from grants.evaluation.models.sheets import Score, ScoreSheet, SheetState

__all__ = [
    "CHANGE_REASON_NAMES",
    "CHOSEN_BY_HAND",
    "LIVE",
    "OUTCOME_NAMES",
    "SESSION_MOVES",
    "SESSION_NAMES",
    "SLOT_MOVES",
    "SLOT_NAMES",
    "WAITING",
    "Answer",
    "Assignment",
    "AssignmentChange",
    "CalibrationSetItem",
    "CallConflict",
    "ChangeReason",
    "ConflictAnswer",
    "ConflictOfInterest",
    "Moderation",
    "ModerationReply",
    "Outcome",
    "Panelist",
    "PitchSession",
    "PitchSlot",
    "PitchState",
    "PitchUnavailability",
    "Score",
    "ScoreSheet",
    "SheetDelivery",
    "SheetState",
    "SlotState",
    "pitch_panel",
]
