"""Turn score sheets into a ranking. Knows nothing of Flask, SQL or people."""

from scoring.agreement import Ac2, gwet_ac2, krippendorff_alpha
from scoring.assignment import Assignment, assign
from scoring.calibration import Calibration, NotComparable, NotEstimable, calibrate
from scoring.dif import Contrast, group_contrasts, panel_contrasts
from scoring.intraclass import Icc, icc
from scoring.links import connected, cross_panel_se
from scoring.lottery import lottery_order, rfc3797_order, tie_key
from scoring.misfit import Misfit, misfit
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
from scoring.shortage import Infeasible, Limit
from scoring.uncertainty import RankUncertainty, combined_measure, posterior_draws, rank_uncertainty

__all__ = [
    "Ac2",
    "Assignment",
    "Calibration",
    "Candidate",
    "Choice",
    "Combined",
    "Contrast",
    "Criterion",
    "Icc",
    "Incomplete",
    "Infeasible",
    "Limit",
    "Misfit",
    "NotComparable",
    "NotEstimable",
    "Quota",
    "RankUncertainty",
    "Ranked",
    "Ratings",
    "Relaxed",
    "Rubric",
    "Selection",
    "Stage",
    "Step",
    "Substitution",
    "Variance",
    "as_points",
    "assign",
    "calibrate",
    "check_certificate",
    "choose",
    "combine",
    "combined_measure",
    "connected",
    "cross_panel_se",
    "group_contrasts",
    "gwet_ac2",
    "icc",
    "krippendorff_alpha",
    "lottery_order",
    "mean_points",
    "misfit",
    "on_grid",
    "panel_contrasts",
    "posterior_draws",
    "rank",
    "rank_uncertainty",
    "rfc3797_order",
    "select",
    "substitute",
    "tie_key",
    "weighted_total",
]
