"""Shapes of what evaluators and coordinators enter."""

from grants.evaluation.forms.assigning import AssignForm, ChangeForm, ProposalForm
from grants.evaluation.forms.calibration import CalibrationForm
from grants.evaluation.forms.fields import (
    STAGE_NAMES,
    clock,
    comment_field,
    plain_text,
    reason_field,
    strip,
    two_decimals,
)
from grants.evaluation.forms.moderation import DIMENSION_NAMES, DecisionForm, QualityForm, ReplyForm, StageForm
from grants.evaluation.forms.panel import AddForm, AnswersForm, CallConflictForm, SeatForm, StopForm, seat_form
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
    "DIMENSION_NAMES",
    "STAGE_NAMES",
    "AddForm",
    "AmendmentForm",
    "AnswersForm",
    "AssignForm",
    "AvailabilityForm",
    "CalibrationForm",
    "CallConflictForm",
    "ChangeForm",
    "ConflictForm",
    "DecisionForm",
    "GiveSlotForm",
    "KeyForm",
    "PitchSessionForm",
    "ProposalForm",
    "QualityForm",
    "ReplyForm",
    "SeatForm",
    "SheetForm",
    "StageForm",
    "StopForm",
    "SwapForm",
    "clock",
    "comment_field",
    "filled_with",
    "plain_text",
    "reason_field",
    "seat_form",
    "sheet_form",
    "strip",
    "two_decimals",
]
