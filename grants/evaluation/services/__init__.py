"""Verbs of evaluation."""

from grants.evaluation.services.assigning import (
    Proposal,
    assign,
    declare_conflict,
    end_assignment,
    propose_assignments,
)
from grants.evaluation.services.moderation import (
    amend_sheet,
    confirm_sheet,
    decide,
    open_moderation,
    request_review,
)
from grants.evaluation.services.sheets import Entries, begin_amendment, save_draft, submit

__all__ = [
    "Entries",
    "Proposal",
    "amend_sheet",
    "assign",
    "begin_amendment",
    "confirm_sheet",
    "decide",
    "declare_conflict",
    "end_assignment",
    "open_moderation",
    "propose_assignments",
    "request_review",
    "save_draft",
    "submit",
]
