"""Pages of evaluation: the evaluator's sheets and the coordinator's board."""

from grants.evaluation.views import assigning, conflicts, panel, sheets  # noqa: F401 -- their routes
from grants.evaluation.views.blueprint import bp

__all__ = ["bp"]
