"""Tables of evaluation."""

from grants.evaluation.models.assigning import Assignment, ConflictOfInterest
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
    "LIVE",
    "SESSION_MOVES",
    "SESSION_NAMES",
    "SLOT_MOVES",
    "SLOT_NAMES",
    "WAITING",
    "Assignment",
    "ConflictOfInterest",
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
