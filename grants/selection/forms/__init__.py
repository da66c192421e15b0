"""Shapes of what is entered about selections, letters and appeals."""

from grants.selection.forms.after import (
    AppealForm,
    CodeForm,
    ConfirmForm,
    DecisionForm,
    PanelForm,
    ReleaseForm,
)
from grants.selection.forms.deciding import (
    DepartureForm,
    WhatIfForm,
)
from grants.selection.forms.runs import (
    EndForm,
    StepForm,
)

__all__ = [
    "AppealForm",
    "CodeForm",
    "ConfirmForm",
    "DecisionForm",
    "DepartureForm",
    "EndForm",
    "PanelForm",
    "ReleaseForm",
    "StepForm",
    "WhatIfForm",
]
