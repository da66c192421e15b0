"""The shape of programmes, calls, rubrics and quotas; fields that read what people type strictly."""

from grants.calls.forms.calls import (
    BIGGEST_USD,
    CallForm,
    CriterionForm,
    ExtendForm,
    LocalMomentField,
    PercentField,
    ProgrammeForm,
    RubricForm,
    StrictField,
    UsdField,
    WholeNumberField,
    given,
    line,
    needed,
    text,
)
from grants.calls.forms.quotas import QuotasForm, ShareField

__all__ = [
    "BIGGEST_USD",
    "CallForm",
    "CriterionForm",
    "ExtendForm",
    "LocalMomentField",
    "PercentField",
    "ProgrammeForm",
    "QuotasForm",
    "RubricForm",
    "ShareField",
    "StrictField",
    "UsdField",
    "WholeNumberField",
    "given",
    "line",
    "needed",
    "text",
]
