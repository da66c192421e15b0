"""Tables of selection."""

from grants.selection.models.appeals import (
    PANEL_LEAST,
    PANEL_MOST,
    Appeal,
    AppealOutcome,
    AppealPanelist,
)
from grants.selection.models.awards import (
    Award,
    AwardState,
    CalledBecause,
    WaitingListEntry,
)
from grants.selection.models.letters import (
    Channel,
    Letter,
    LetterKind,
    LetterRelease,
    ResultCode,
    ResultSession,
)
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
    "PANEL_LEAST",
    "PANEL_MOST",
    "SELECTION_MOVES",
    "Appeal",
    "AppealOutcome",
    "AppealPanelist",
    "Award",
    "AwardState",
    "CalledBecause",
    "Channel",
    "Departure",
    "DepartureReason",
    "Direction",
    "Letter",
    "LetterKind",
    "LetterRelease",
    "Outcome",
    "Reason",
    "ResultCode",
    "ResultSession",
    "Selection",
    "SelectionApproval",
    "SelectionRecord",
    "SelectionRow",
    "SelectionState",
    "WaitingListEntry",
]
