"""Verbs of evaluation."""

from grants.evaluation.services.conflicts import answer_many, answer_no_conflict, declare_conflict, declare_for_call
from grants.evaluation.services.giving import assign, end_assignment
from grants.evaluation.services.panel import SeatFields, save_seat, seat_everyone
from grants.evaluation.services.proposing import Plan, Proposal, plan_assignments, propose_assignments, usual_bridge
from grants.evaluation.services.replacing import stop_evaluator
from grants.evaluation.services.sheets import Entries, begin_amendment, save_draft, submit

__all__ = [
    "Entries",
    "Plan",
    "Proposal",
    "SeatFields",
    "answer_many",
    "answer_no_conflict",
    "assign",
    "begin_amendment",
    "declare_conflict",
    "declare_for_call",
    "end_assignment",
    "plan_assignments",
    "propose_assignments",
    "save_draft",
    "save_seat",
    "seat_everyone",
    "stop_evaluator",
    "submit",
    "usual_bridge",
]
