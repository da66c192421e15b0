"""Pages of selection: runs, signatures, awards, the waiting list, the act, letters, appeals."""

from grants.selection.views import appeals, awards, deciding, letters, mine, runs  # noqa: F401 -- their routes
from grants.selection.views.blueprint import bp

__all__ = ["bp"]
