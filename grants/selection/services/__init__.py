"""Verbs of selection."""

from grants.selection.services.awards import (
    Ended,
    asked_before_end,
    claim_active_award,
    decline_award,
    withdraw_award,
)
from grants.selection.services.computing import Replayed, compute, replay, replay_text
from grants.selection.services.departures import depart, take_back
from grants.selection.services.runs import (
    APPROVALS,
    approve,
    check_act,
    check_changes,
    discard,
    propose,
    publish,
    simulate,
)

__all__ = [
    "APPROVALS",
    "Ended",
    "Replayed",
    "approve",
    "asked_before_end",
    "check_act",
    "check_changes",
    "claim_active_award",
    "compute",
    "decline_award",
    "depart",
    "discard",
    "propose",
    "publish",
    "replay",
    "replay_text",
    "simulate",
    "take_back",
    "withdraw_award",
]
