"""Shapes of what is entered about selections and awards."""

from grants.selection.forms.deciding import DepartureForm, WhatIfForm
from grants.selection.forms.runs import EndForm, StepForm

__all__ = ["DepartureForm", "EndForm", "StepForm", "WhatIfForm"]
