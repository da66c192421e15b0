"""Pages of selection: runs, signatures, awards, the waiting list, the act."""

from grants.selection.views import awards, deciding, runs  # noqa: F401 -- their routes
from grants.selection.views.blueprint import bp

__all__ = ["bp"]
