"""Pages of selection: runs, signatures, awards, the waiting list, the act, files to take away."""

from grants.selection.views import appeals, awards, deciding, export, letters, mine, runs  # noqa: F401 -- their routes
from grants.selection.views.blueprint import bp

__all__ = [
    "bp",
]
