"""Tables of selection."""

from grants.selection.models.awards import Award, AwardState, WaitingListEntry
from grants.selection.models.records import (
    DEPARTURE_REASON_NAMES,
    DIRECTION_NAMES,
    Departure,
    DepartureReason,
    Direction,
    SelectionRecord,
)
from grants.selection.models.runs import (
    SELECTION_MOVES,
    Outcome,
    Reason,
    Selection,
    SelectionApproval,
    SelectionRow,
    SelectionState,
)

__all__ = [
    "DEPARTURE_REASON_NAMES",
    "DIRECTION_NAMES",
    "SELECTION_MOVES",
    "Award",
    "AwardState",
    "Departure",
    "DepartureReason",
    "Direction",
    "Outcome",
    "Reason",
    "Selection",
    "SelectionApproval",
    "SelectionRecord",
    "SelectionRow",
    "SelectionState",
    "WaitingListEntry",
]
