"""Turn score sheets into a ranking. Knows nothing of Flask, SQL or people."""

from scoring.assignment import Assignment, assign
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
from scoring.selection import Choice, choose
from scoring.shortage import Infeasible, Limit

__all__ = [
    "Assignment",
    "Choice",
    "Combined",
    "Criterion",
    "Incomplete",
    "Infeasible",
    "Limit",
    "Ranked",
    "Rubric",
    "Stage",
    "as_points",
    "assign",
    "choose",
    "combine",
    "lottery_order",
    "mean_points",
    "on_grid",
    "rank",
    "rfc3797_order",
    "tie_key",
    "weighted_total",
]
