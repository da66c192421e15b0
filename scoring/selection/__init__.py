"""Who is in, who waits and in which order, and the numbers that prove that no other set has more points."""

from scoring.selection.check import check_certificate
from scoring.selection.choice import Choice, choose
from scoring.selection.model import Candidate, Quota, Relaxed, Selection, Step
from scoring.selection.selecting import Substitution, select, substitute

__all__ = [
    "Candidate",
    "Choice",
    "Quota",
    "Relaxed",
    "Selection",
    "Step",
    "Substitution",
    "check_certificate",
    "choose",
    "select",
    "substitute",
]
