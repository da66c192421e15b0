"""The pages about credit."""

from grants.credit.views import (  # noqa: F401 -- their routes
    board,
    ceilings,
    core_systems,
    figures,
    following,
    imports,
    institutions,
    linkages,
    matching,
    movements,
    offers,
    openings,
    own,
    refer,
    referrals,
    satisfaction,
    savings_banks,
    support,
)
from grants.credit.views.blueprint import bp

__all__ = ["bp"]
