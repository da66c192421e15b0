"""The verbs of a delivery, from its plan to the handover."""

from grants.delivery.services.alternates import AlternateFacts, register_alternate, revoke_alternate
from grants.delivery.services.arrival import Reading, arrive_with, bring_back, note_difference, note_look
from grants.delivery.services.attempts import charge_attempt, charge_card
from grants.delivery.services.cards import (
    ask_replacement,
    choose_picture,
    issue_card,
    print_card,
    replace_card,
)
from grants.delivery.services.clearance import clear, refuse_unless_current
from grants.delivery.services.confirmation import answer_before, confirm
from grants.delivery.services.entered import Codes
from grants.delivery.services.factors import factors_of
from grants.delivery.services.pins import set_pin
from grants.delivery.services.planning import approve, cancel, plan_delivery
from grants.delivery.services.receipts import make_receipt, receipt_document
from grants.delivery.services.road import arrive, nobody_came, refused, turn_back
from grants.delivery.services.runs import ReleaseCodes, Stop, charge_officer, dispatch, plan_run, schedule
from grants.delivery.services.spoken import give_control_code, send_phone_code
from grants.delivery.services.warehouse import pack, seal, take_back

__all__ = [
    "AlternateFacts",
    "Codes",
    "Reading",
    "ReleaseCodes",
    "Stop",
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
    "confirm",
    "dispatch",
    "factors_of",
    "give_control_code",
    "issue_card",
    "make_receipt",
    "nobody_came",
    "note_difference",
    "note_look",
    "pack",
    "plan_delivery",
    "plan_run",
    "print_card",
    "receipt_document",
    "refuse_unless_current",
    "refused",
    "register_alternate",
    "replace_card",
    "revoke_alternate",
    "schedule",
    "seal",
    "send_phone_code",
    "set_pin",
    "take_back",
    "turn_back",
]
