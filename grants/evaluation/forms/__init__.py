"""Shapes of what evaluators and coordinators enter."""

from grants.evaluation.forms.assigning import AssignForm, ChangeForm, ProposalForm
from grants.evaluation.forms.fields import STAGE_NAMES, comment_field, plain_text, reason_field, strip, two_decimals
from grants.evaluation.forms.panel import (
    AddForm,
    AnswersForm,
    CallConflictForm,
    SeatForm,
    StopForm,
    seat_form,
)
from grants.evaluation.forms.sheets import AmendmentForm, ConflictForm, SheetForm, sheet_form

__all__ = [
    "STAGE_NAMES",
    "AddForm",
    "AmendmentForm",
    "AnswersForm",
    "AssignForm",
    "CallConflictForm",
    "ChangeForm",
    "ConflictForm",
    "ProposalForm",
    "SeatForm",
    "SheetForm",
    "StopForm",
    "comment_field",
    "plain_text",
    "reason_field",
    "seat_form",
    "sheet_form",
    "strip",
    "two_decimals",
]
