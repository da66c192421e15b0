"""The verbs of a delivery, from its plan to the handover."""

from grants.delivery.services.cards import (
    ask_replacement,
    choose_picture,
    issue_card,
    print_card,
    replace_card,
)
from grants.delivery.services.catalogue import ItemFacts, retire, save_item, save_recipe, save_supplier
from grants.delivery.services.checks import Tolerance, check_kit
from grants.delivery.services.confirmation import Codes, answer_before, charge_card, confirm
from grants.delivery.services.pins import set_pin
from grants.delivery.services.planning import approve, cancel, plan_delivery
from grants.delivery.services.receipts import make_receipt, receipt_document
from grants.delivery.services.recipes import plan_by_recipe
from grants.delivery.services.road import (
    ReleaseCodes,
    Stop,
    arrive,
    charge_officer,
    nobody_came,
    refused,
    release,
    turn_back,
)
from grants.delivery.services.stock import (
    Arrival,
    adjust,
    confirm_correction,
    count,
    receive,
    refuse_correction,
    register_devices,
)
from grants.delivery.services.substitution import (
    Instead,
    approve_substitution,
    match_items,
    refuse_substitution,
    substitute,
)
from grants.delivery.services.warehouse import pack, seal, take_back

__all__ = [
    "Arrival",
    "Codes",
    "Instead",
    "ItemFacts",
    "ReleaseCodes",
    "Stop",
    "Tolerance",
    "adjust",
    "answer_before",
    "approve",
    "approve_substitution",
    "arrive",
    "ask_replacement",
    "cancel",
    "charge_card",
    "charge_officer",
    "check_kit",
    "choose_picture",
    "confirm",
    "confirm_correction",
    "count",
    "issue_card",
    "make_receipt",
    "match_items",
    "nobody_came",
    "pack",
    "plan_by_recipe",
    "plan_delivery",
    "print_card",
    "receipt_document",
    "receive",
    "refuse_correction",
    "refuse_substitution",
    "refused",
    "register_devices",
    "release",
    "replace_card",
    "retire",
    "save_item",
    "save_recipe",
    "save_supplier",
    "seal",
    "set_pin",
    "substitute",
    "take_back",
    "turn_back",
]
