"""Shapes of what evaluators and coordinators enter."""

from grants.evaluation.forms.assigning import AssignForm, ProposalForm
from grants.evaluation.forms.fields import STAGE_NAMES, comment_field, plain_text, reason_field, strip, two_decimals
from grants.evaluation.forms.pitch import (
    AvailabilityForm,
    GiveSlotForm,
    KeyForm,
    PitchSessionForm,
    SwapForm,
    filled_with,
)
from grants.evaluation.forms.sheets import AmendmentForm, ConflictForm, SheetForm, sheet_form

__all__ = [
    "STAGE_NAMES",
    "AmendmentForm",
    "AssignForm",
    "AvailabilityForm",
    "ConflictForm",
    "GiveSlotForm",
    "KeyForm",
    "PitchSessionForm",
    "ProposalForm",
    "SheetForm",
    "SwapForm",
    "comment_field",
    "filled_with",
    "plain_text",
    "reason_field",
    "sheet_form",
    "strip",
    "two_decimals",
]
