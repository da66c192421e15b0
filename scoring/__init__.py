"""Turn score sheets into a ranking. Knows nothing of Flask, SQL or people."""

from scoring.agreement import Ac2, gwet_ac2, krippendorff_alpha
from scoring.intraclass import Icc, icc
from scoring.lottery import lottery_order, rfc3797_order, tie_key
from scoring.misfit import Misfit, misfit
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

__all__ = [
    "Ac2",
    "Choice",
    "Combined",
    "Criterion",
    "Icc",
    "Incomplete",
    "Misfit",
    "Ranked",
    "Rubric",
    "Stage",
    "as_points",
    "choose",
    "combine",
    "gwet_ac2",
    "icc",
    "krippendorff_alpha",
    "lottery_order",
    "mean_points",
    "misfit",
    "on_grid",
    "rank",
    "rfc3797_order",
    "tie_key",
    "weighted_total",
]
