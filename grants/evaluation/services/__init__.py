"""Verbs of evaluation."""

from grants.evaluation.services.calibration import become_reviews, hand_out_calibration, mark_calibration_set
from grants.evaluation.services.conflicts import answer_many, answer_no_conflict, declare_conflict, declare_for_call
from grants.evaluation.services.giving import assign, end_assignment
from grants.evaluation.services.moderation import amend_sheet, confirm_sheet, decide, open_moderation, request_review
from grants.evaluation.services.panel import SeatFields, save_seat, seat_everyone
from grants.evaluation.services.pitch import (
    Filled,
    SessionFields,
    change_pitch_session,
    create_pitch_session,
    fill_slots,
    note_availability,
)
from grants.evaluation.services.pitch_day import (
    arrive_late,
    call_off,
    close_session,
    deliver,
    end,
    give_slot,
    mark_absent,
    mark_present,
    open_session,
    put_back,
    start,
    swap,
)
from grants.evaluation.services.proposing import Plan, Proposal, plan_assignments, propose_assignments, usual_bridge
from grants.evaluation.services.replacing import stop_evaluator
from grants.evaluation.services.sheets import Entries, SheetChanged, Stamp, begin_amendment, save_draft, submit

__all__ = [
    "Entries",
    "Filled",
    "Plan",
    "Proposal",
    "SeatFields",
    "SessionFields",
    "SheetChanged",
    "Stamp",
    "amend_sheet",
    "answer_many",
    "answer_no_conflict",
    "arrive_late",
    "assign",
    "become_reviews",
    "begin_amendment",
    "call_off",
    "change_pitch_session",
    "close_session",
    "confirm_sheet",
    "create_pitch_session",
    "decide",
    "declare_conflict",
    "declare_for_call",
    "deliver",
    "end",
    "end_assignment",
    "fill_slots",
    "give_slot",
    "hand_out_calibration",
    "mark_absent",
    "mark_calibration_set",
    "mark_present",
    "note_availability",
    "open_moderation",
    "open_session",
    "plan_assignments",
    "propose_assignments",
    "put_back",
    "request_review",
    "save_draft",
    "save_seat",
    "seat_everyone",
    "start",
    "stop_evaluator",
    "submit",
    "swap",
    "usual_bridge",
]
