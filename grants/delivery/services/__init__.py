"""The verbs of a delivery, from its plan to the handover."""

from grants.delivery.services.alternates import AlternateFacts, register_alternate, revoke_alternate
from grants.delivery.services.arrival import Reading, arrive_with, bring_back, note_difference, note_look
from grants.delivery.services.attempts import charge_attempt
from grants.delivery.services.cards import ask_replacement, choose_picture, issue_card, print_card, replace_card
from grants.delivery.services.clearance import clear, clear_all, refuse_unless_current
from grants.delivery.services.confirmation import answer_before, confirm
from grants.delivery.services.disputes import open_dispute, propose, sign
from grants.delivery.services.entered import Codes
from grants.delivery.services.factors import factors_of
from grants.delivery.services.flags import lift_flag, normal_serial
from grants.delivery.services.holds import (
    ask_resume,
    ask_resume_of_all,
    hold,
    hold_area,
    hold_unfit,
    hold_unknown,
    receive_held,
    sign_resume,
)
from grants.delivery.services.incidents import FollowUp, Report, follow_up, report
from grants.delivery.services.many import Outcome, approve_many, plan_many
from grants.delivery.services.outcomes import Evidence, Left, nobody_came, partly, refused, taken
from grants.delivery.services.papers import (
    card_data,
    card_paper,
    document_pdf,
    make_picking_list,
    make_return_note,
    make_waybill,
)
from grants.delivery.services.permits import add_hub, ask_field, choose_hub, end_hub, sign_permit
from grants.delivery.services.pins import set_pin
from grants.delivery.services.plan_import import apply_import, discard_import, preview_import
from grants.delivery.services.planning import approve, cancel, plan_delivery
from grants.delivery.services.printing import approve_batch, ask_batch, end_batch, take_file
from grants.delivery.services.protocol import change_levels, refuse_levels, sign_levels, withdraw_levels
from grants.delivery.services.receipts import make_receipt, receipt_document
from grants.delivery.services.reconciliation import close, comparisons, reconcile, reconcile_many
from grants.delivery.services.returns import Counted, count_again, count_back, sign_return
from grants.delivery.services.risk import Assessment, raise_level, record_snapshot, sign_lowering
from grants.delivery.services.road import arrive, turn_back
from grants.delivery.services.run_stops import Stop, cancel_run, move_stop, schedule, schedule_many, take_off
from grants.delivery.services.runs import ReleaseCodes, charge_officer, dispatch, plan_run, refuse_unprepared
from grants.delivery.services.spoken import give_control_code, send_phone_code
from grants.delivery.services.teams import (
    add_vehicle,
    end_team,
    end_vehicle,
    join_team,
    leave_team,
    make_team,
    note_plate_seen,
)
from grants.delivery.services.visits import answer, is_kept, no_consent, note_attempt, plan_visits
from grants.delivery.services.warehouse import pack, seal

__all__ = [
    "AlternateFacts",
    "Assessment",
    "Codes",
    "Counted",
    "Evidence",
    "FollowUp",
    "Left",
    "Outcome",
    "Reading",
    "ReleaseCodes",
    "Report",
    "Stop",
    "add_hub",
    "add_vehicle",
    "answer",
    "answer_before",
    "apply_import",
    "approve",
    "approve_batch",
    "approve_many",
    "arrive",
    "arrive_with",
    "ask_batch",
    "ask_field",
    "ask_replacement",
    "ask_resume",
    "ask_resume_of_all",
    "bring_back",
    "cancel",
    "cancel_run",
    "card_data",
    "card_paper",
    "change_levels",
    "charge_attempt",
    "charge_officer",
    "choose_hub",
    "choose_picture",
    "clear",
    "clear_all",
    "close",
    "comparisons",
    "confirm",
    "count_again",
    "count_back",
    "discard_import",
    "dispatch",
    "document_pdf",
    "end_batch",
    "end_hub",
    "end_team",
    "end_vehicle",
    "factors_of",
    "follow_up",
    "give_control_code",
    "hold",
    "hold_area",
    "hold_unfit",
    "hold_unknown",
    "is_kept",
    "issue_card",
    "join_team",
    "leave_team",
    "lift_flag",
    "make_picking_list",
    "make_receipt",
    "make_return_note",
    "make_team",
    "make_waybill",
    "move_stop",
    "no_consent",
    "nobody_came",
    "normal_serial",
    "note_attempt",
    "note_difference",
    "note_look",
    "note_plate_seen",
    "open_dispute",
    "pack",
    "partly",
    "plan_delivery",
    "plan_many",
    "plan_run",
    "plan_visits",
    "preview_import",
    "print_card",
    "propose",
    "raise_level",
    "receipt_document",
    "receive_held",
    "reconcile",
    "reconcile_many",
    "record_snapshot",
    "refuse_levels",
    "refuse_unless_current",
    "refuse_unprepared",
    "refused",
    "register_alternate",
    "replace_card",
    "report",
    "revoke_alternate",
    "schedule",
    "schedule_many",
    "seal",
    "send_phone_code",
    "set_pin",
    "sign",
    "sign_levels",
    "sign_lowering",
    "sign_permit",
    "sign_resume",
    "sign_return",
    "take_file",
    "take_off",
    "taken",
    "turn_back",
    "withdraw_levels",
]
