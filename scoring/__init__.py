"""Turn score sheets into a ranking. Knows nothing of Flask, SQL or people."""

from scoring.calibration import Calibration, NotComparable, NotEstimable, calibrate
from scoring.lottery import lottery_order, rfc3797_order, tie_key
from scoring.ranking import Ranked, rank
from scoring.ratings import Ratings
from scoring.reml import Variance
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
from scoring.uncertainty import RankUncertainty, combined_measure, posterior_draws, rank_uncertainty

__all__ = [
    "Calibration",
    "Choice",
    "Combined",
    "Criterion",
    "Incomplete",
    "NotComparable",
    "NotEstimable",
    "RankUncertainty",
    "Ranked",
    "Ratings",
    "Rubric",
    "Stage",
    "Variance",
    "as_points",
    "calibrate",
    "choose",
    "combine",
    "combined_measure",
    "lottery_order",
    "mean_points",
    "on_grid",
    "posterior_draws",
    "rank",
    "rank_uncertainty",
    "rfc3797_order",
    "tie_key",
    "weighted_total",
]
