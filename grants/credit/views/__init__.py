"""The pages about credit."""

from grants.credit.views import figures, institutions, linkages, referrals, satisfaction  # noqa: F401 -- their routes
from grants.credit.views.blueprint import bp

__all__ = ["bp"]
