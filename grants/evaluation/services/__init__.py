"""Verbs of evaluation."""

from grants.evaluation.services.assigning import (
    Proposal,
    assign,
    declare_conflict,
    end_assignment,
    propose_assignments,
)
from grants.evaluation.services.calibration import become_reviews, hand_out_calibration, mark_calibration_set
from grants.evaluation.services.moderation import (
    amend_sheet,
    confirm_sheet,
    decide,
    open_moderation,
    request_review,
)
from grants.evaluation.services.sheets import Entries, SheetChanged, Stamp, begin_amendment, save_draft, submit

__all__ = [
    "Entries",
    "Proposal",
    "SheetChanged",
    "Stamp",
    "amend_sheet",
    "assign",
    "become_reviews",
    "begin_amendment",
    "confirm_sheet",
    "decide",
    "declare_conflict",
    "end_assignment",
    "hand_out_calibration",
    "mark_calibration_set",
    "open_moderation",
    "propose_assignments",
    "request_review",
    "save_draft",
    "submit",
]
