"""Tables of evaluation."""

from grants.evaluation.models.assigning import Assignment, ConflictOfInterest
from grants.evaluation.models.calibration import CalibrationSetItem
from grants.evaluation.models.sheets import Score, ScoreSheet, SheetState

__all__ = ["Assignment", "CalibrationSetItem", "ConflictOfInterest", "Score", "ScoreSheet", "SheetState"]
