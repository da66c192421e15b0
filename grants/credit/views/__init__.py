"""The pages about credit."""

from grants.credit.views import (  # noqa: F401 -- their routes
    institutions,
    linkages,
    matching,
    openings,
    refer,
    referrals,
)
from grants.credit.views.blueprint import bp

__all__ = ["bp"]
