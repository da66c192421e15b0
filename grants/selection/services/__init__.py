"""Verbs of selection."""

from grants.selection.services.awards import (
    Ended,
    asked_before_end,
    claim_active_award,
    decline_award,
    withdraw_award,
)
from grants.selection.services.export import note_export
from grants.selection.services.runs import APPROVALS, approve, check_act, discard, propose, publish, simulate

__all__ = [
    "APPROVALS",
    "Ended",
    "approve",
    "asked_before_end",
    "check_act",
    "claim_active_award",
    "decline_award",
    "discard",
    "note_export",
    "propose",
    "publish",
    "simulate",
    "withdraw_award",
]
