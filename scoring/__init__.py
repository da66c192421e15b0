"""Turn score sheets into a ranking. Knows nothing of Flask, SQL or people."""

from scoring.lottery import lottery_order, rfc3797_order, tie_key
from scoring.ranking import Ranked, rank
from scoring.rubric import (
    Combined,
    Criterion,
    Incomplete,
    Rubric,
    Stage,
    as_points,
    combine,
    mean_points,
    on_grid,
    weighted_total,
)
from scoring.selection import (
    Candidate,
    Choice,
    Quota,
    Relaxed,
    Selection,
    Step,
    Substitution,
    check_certificate,
    choose,
    select,
    substitute,
)

__all__ = [
    "Candidate",
    "Choice",
    "Combined",
    "Criterion",
    "Incomplete",
    "Quota",
    "Ranked",
    "Relaxed",
    "Rubric",
    "Selection",
    "Stage",
    "Step",
    "Substitution",
    "as_points",
    "check_certificate",
    "choose",
    "combine",
    "lottery_order",
    "mean_points",
    "on_grid",
    "rank",
    "rfc3797_order",
    "select",
    "substitute",
    "tie_key",
    "weighted_total",
]
