"""Verbs of selection."""

from grants.selection.services.appeals import confirm_decision, file_appeal, grant_place, name_panel, propose_decision
from grants.selection.services.awards import (
    Ended,
    asked_before_end,
    claim_active_award,
    decline_award,
    give_free_place,
    withdraw_award,
)
from grants.selection.services.codes import (
    NO_MATCH,
    RESULT_CODE,
    RESULT_LIMIT,
    WrongCode,
    attempt_subject,
    close_result,
    has_mailbox,
    issue_code,
    open_result,
)
from grants.selection.services.computing import Replayed, compute, replay, replay_text
from grants.selection.services.departures import depart, take_back
from grants.selection.services.export import note_export
from grants.selection.services.letters import (
    APPEAL_DAYS,
    DECISION_DAYS,
    end_of_day,
    preview_letters,
    record_told,
    release_letters,
    tell_change,
)
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
from grants.selection.services.sentences import called_sentence, notice_text, when

__all__ = [
    "APPEAL_DAYS",
    "APPROVALS",
    "DECISION_DAYS",
    "NO_MATCH",
    "RESULT_CODE",
    "RESULT_LIMIT",
    "Ended",
    "Replayed",
    "WrongCode",
    "approve",
    "asked_before_end",
    "attempt_subject",
    "called_sentence",
    "check_act",
    "check_changes",
    "claim_active_award",
    "close_result",
    "compute",
    "confirm_decision",
    "decline_award",
    "depart",
    "discard",
    "end_of_day",
    "file_appeal",
    "give_free_place",
    "grant_place",
    "has_mailbox",
    "issue_code",
    "name_panel",
    "note_export",
    "notice_text",
    "open_result",
    "preview_letters",
    "propose",
    "propose_decision",
    "publish",
    "record_told",
    "release_letters",
    "replay",
    "replay_text",
    "simulate",
    "take_back",
    "tell_change",
    "when",
    "withdraw_award",
]
