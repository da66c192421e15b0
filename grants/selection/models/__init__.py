"""Tables of selection."""

from grants.selection.models.awards import Award, AwardState, WaitingListEntry
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
    "SELECTION_MOVES",
    "Award",
    "AwardState",
    "Outcome",
    "Reason",
    "Selection",
    "SelectionApproval",
    "SelectionRow",
    "SelectionState",
    "WaitingListEntry",
]
