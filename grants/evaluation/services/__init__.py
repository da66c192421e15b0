"""Verbs of evaluation."""

from grants.evaluation.services.assigning import (
    Proposal,
    assign,
    declare_conflict,
    end_assignment,
    propose_assignments,
)
from grants.evaluation.services.calibration import become_reviews, hand_out_calibration, mark_calibration_set
from grants.evaluation.services.sheets import Entries, SheetChanged, Stamp, begin_amendment, save_draft, submit

__all__ = [
    "Entries",
    "Proposal",
    "SheetChanged",
    "Stamp",
    "assign",
    "become_reviews",
    "begin_amendment",
    "declare_conflict",
    "end_assignment",
    "hand_out_calibration",
    "mark_calibration_set",
    "propose_assignments",
    "save_draft",
    "submit",
]
