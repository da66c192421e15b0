"""Verbs of evaluation."""

from grants.evaluation.services.assigning import (
    Proposal,
    assign,
    declare_conflict,
    end_assignment,
    propose_assignments,
)
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
from grants.evaluation.services.sheets import Entries, begin_amendment, save_draft, submit

__all__ = [
    "Entries",
    "Filled",
    "Proposal",
    "SessionFields",
    "arrive_late",
    "assign",
    "begin_amendment",
    "call_off",
    "change_pitch_session",
    "close_session",
    "create_pitch_session",
    "declare_conflict",
    "deliver",
    "end",
    "end_assignment",
    "fill_slots",
    "give_slot",
    "mark_absent",
    "mark_present",
    "note_availability",
    "open_session",
    "propose_assignments",
    "put_back",
    "save_draft",
    "start",
    "submit",
    "swap",
]
