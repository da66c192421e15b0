"""Tables of evaluation."""

from grants.evaluation.models.assigning import Assignment, ConflictOfInterest
from grants.evaluation.models.sheets import Score, ScoreSheet, SheetState

__all__ = ["Assignment", "ConflictOfInterest", "Score", "ScoreSheet", "SheetState"]
