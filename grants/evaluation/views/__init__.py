"""Pages of evaluation: the evaluator's sheets and the coordinator's board."""

from grants.evaluation.views import (  # noqa: F401 -- their routes
    assigning,
    calibration,
    conflicts,
    moderation,
    panel,
    pitch,
    pitch_day,
    pitch_panel,
    quality,
    sheets,
)
from grants.evaluation.views.blueprint import bp

__all__ = [
    "bp",
]
