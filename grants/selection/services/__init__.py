"""Verbs of selection."""

from grants.selection.services.awards import Ended, decline_award, withdraw_award
from grants.selection.services.runs import APPROVALS, approve, check_act, discard, propose, publish, simulate

__all__ = [
    "APPROVALS",
    "Ended",
    "approve",
    "check_act",
    "decline_award",
    "discard",
    "propose",
    "publish",
    "simulate",
    "withdraw_award",
]
