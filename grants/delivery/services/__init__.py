"""The verbs of a delivery, from its plan to the handover."""

from grants.delivery.services.cards import (
    ask_replacement,
    choose_picture,
    issue_card,
    print_card,
    replace_card,
)
from grants.delivery.services.clearance import clear, clear_all, refuse_unless_current
from grants.delivery.services.confirmation import Codes, answer_before, charge_card, confirm
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
from grants.delivery.services.permits import add_hub, ask_field, choose_hub, end_hub, sign
from grants.delivery.services.pins import set_pin
from grants.delivery.services.planning import approve, cancel, plan_delivery
from grants.delivery.services.protocol import change_levels
from grants.delivery.services.receipts import make_receipt, receipt_document
from grants.delivery.services.risk import Assessment, raise_level, record_snapshot, sign_lowering
from grants.delivery.services.road import arrive, nobody_came, refused, turn_back
from grants.delivery.services.runs import ReleaseCodes, Stop, charge_officer, dispatch, plan_run, schedule
from grants.delivery.services.warehouse import pack, seal, take_back

__all__ = [
    "Assessment",
    "Codes",
    "ReleaseCodes",
    "Stop",
    "add_hub",
    "answer_before",
    "approve",
    "arrive",
    "ask_field",
    "ask_replacement",
    "ask_resume",
    "ask_resume_of_all",
    "cancel",
    "change_levels",
    "charge_card",
    "charge_officer",
    "choose_hub",
    "choose_picture",
    "clear",
    "clear_all",
    "confirm",
    "dispatch",
    "end_hub",
    "hold",
    "hold_area",
    "hold_unfit",
    "hold_unknown",
    "issue_card",
    "make_receipt",
    "nobody_came",
    "pack",
    "plan_delivery",
    "plan_run",
    "print_card",
    "raise_level",
    "receipt_document",
    "receive_held",
    "record_snapshot",
    "refuse_unless_current",
    "refused",
    "replace_card",
    "schedule",
    "seal",
    "set_pin",
    "sign",
    "sign_lowering",
    "sign_resume",
    "take_back",
    "turn_back",
]
