"""The verbs of a delivery, from its plan to the handover."""

from grants.delivery.services.alternates import AlternateFacts, register_alternate, revoke_alternate
from grants.delivery.services.arrival import Reading, arrive_with, bring_back, note_difference, note_look
from grants.delivery.services.attempts import charge_attempt, charge_card
from grants.delivery.services.cards import ask_replacement, choose_picture, issue_card, print_card, replace_card
from grants.delivery.services.clearance import clear, refuse_unless_current
from grants.delivery.services.confirmation import answer_before, confirm
from grants.delivery.services.disputes import open_dispute, propose, sign
from grants.delivery.services.entered import Codes
from grants.delivery.services.factors import factors_of
from grants.delivery.services.flags import lift_flag, normal_serial
from grants.delivery.services.incidents import FollowUp, Report, follow_up, report
from grants.delivery.services.outcomes import Evidence, Left, nobody_came, partly, refused, taken
from grants.delivery.services.pins import set_pin
from grants.delivery.services.planning import approve, cancel, plan_delivery
from grants.delivery.services.receipts import make_receipt, receipt_document
from grants.delivery.services.reconciliation import close, comparisons, reconcile, reconcile_many
from grants.delivery.services.returns import Counted, count_again, count_back, sign_return
from grants.delivery.services.road import arrive, turn_back
from grants.delivery.services.runs import ReleaseCodes, Stop, charge_officer, dispatch, plan_run, schedule
from grants.delivery.services.spoken import give_control_code, send_phone_code
from grants.delivery.services.visits import answer, no_consent, note_attempt, plan_visits
from grants.delivery.services.warehouse import pack, seal

__all__ = [
    "AlternateFacts",
    "Codes",
    "Counted",
    "Evidence",
    "FollowUp",
    "Left",
    "Reading",
    "ReleaseCodes",
    "Report",
    "Stop",
    "answer",
    "answer_before",
    "approve",
    "arrive",
    "arrive_with",
    "ask_replacement",
    "bring_back",
    "cancel",
    "charge_attempt",
    "charge_card",
    "charge_officer",
    "choose_picture",
    "clear",
    "close",
    "comparisons",
    "confirm",
    "count_again",
    "count_back",
    "dispatch",
    "factors_of",
    "follow_up",
    "give_control_code",
    "issue_card",
    "lift_flag",
    "make_receipt",
    "no_consent",
    "nobody_came",
    "normal_serial",
    "note_attempt",
    "note_difference",
    "note_look",
    "open_dispute",
    "pack",
    "partly",
    "plan_delivery",
    "plan_run",
    "plan_visits",
    "print_card",
    "propose",
    "receipt_document",
    "reconcile",
    "reconcile_many",
    "refuse_unless_current",
    "refused",
    "register_alternate",
    "replace_card",
    "report",
    "revoke_alternate",
    "schedule",
    "seal",
    "send_phone_code",
    "set_pin",
    "sign",
    "sign_return",
    "taken",
    "turn_back",
]
