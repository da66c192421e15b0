"""What the sheets of a call say about its evaluators: agreement, spread, severity, groups, and who is in by a hair."""

from grants.evaluation.quality.agreement import Agreement, agreements
from grants.evaluation.quality.evidence import DIMENSIONS, Evidence, Judged, Sheet
from grants.evaluation.quality.groups import GroupContrasts, contrasts_by
from grants.evaluation.quality.severity import Problem, RaterRow, Severity, severities
from grants.evaluation.quality.spread import DISCREPANT, Spread, spreads
from grants.evaluation.quality.third import Review, ThirdReviews, third_reviews

__all__ = [
    "DIMENSIONS",
    "DISCREPANT",
    "Agreement",
    "Evidence",
    "GroupContrasts",
    "Judged",
    "Problem",
    "RaterRow",
    "Review",
    "Severity",
    "Sheet",
    "Spread",
    "ThirdReviews",
    "agreements",
    "contrasts_by",
    "severities",
    "spreads",
    "third_reviews",
]
