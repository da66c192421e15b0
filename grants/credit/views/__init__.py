"""The pages about credit."""

from grants.credit.views import board, institutions, linkages, own, referrals  # noqa: F401 -- their routes
from grants.credit.views.blueprint import bp

__all__ = ["bp"]
