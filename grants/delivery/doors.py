"""What the pages and the API of a handover share: one order of charging, confirming and answering."""

from datetime import datetime
from decimal import Decimal
from pathlib import Path

from flask import Response, current_app, make_response

from grants.access.models import User
from grants.access.second_factor import Charge, compared, take_back
from grants.core.db import transaction
from grants.core.errors import RuleBroken
from grants.core.outbox import carry, sender
from grants.delivery import queries, services
from grants.delivery.forms import HandoverForm
from grants.delivery.gateways import sms_gateway, while_true
from grants.delivery.levels import Factors
from grants.delivery.models import Delivery, PhoneCode, Receipt, Run
from grants.delivery.queries.desk import ALERT_KINDS
from grants.delivery.services import Codes, Reading, ReleaseCodes
from grants.delivery.services.alerts import NEUTRAL_SUBJECT
from grants.delivery.services.arrival import KIT_PARTS
from grants.delivery.services.attempts import PHONE
from grants.delivery.services.checks import Tolerance
from grants.delivery.services.notices import BY_MAIL, BY_PHONE
from grants.delivery.services.runs import OFFICER_CODE
from grants.delivery.signals import Desk, load_desk
from grants.delivery.symbols import HashCost

carry(PHONE, sms_gateway)  # here, so that every process that sends knows it
carry(BY_PHONE, while_true(sms_gateway))
carry(BY_MAIL, while_true(sender, NEUTRAL_SUBJECT))
for kind in ALERT_KINDS:
    carry(kind, urgent=True)

ANSWER_BYTES = 32 * 1024


def desk() -> Desk | None:
    """The security desk's key and addresses, read at use."""
    config = current_app.config
    return load_desk(Path(current_app.instance_path), str(config["DESK_ADDRESS"]), str(config["DESK_SECOND_ADDRESS"]))


def card_cost() -> HashCost:
    """What checking a card costs: the installation's setting for argon2id."""
    return HashCost(int(current_app.config["ARGON2_MEMORY_KIB"]), int(current_app.config["ARGON2_TIME_COST"]))


def substitution_percent() -> Decimal:
    """How far a kit's value may move before somebody else agrees."""
    return Decimal(str(current_app.config["SUBSTITUTION_PERCENT"]))


def correction_limit_usd() -> Decimal:
    """Above this worth a difference of stock waits for a second person."""
    return Decimal(str(current_app.config["CORRECTION_LIMIT_USD"]))


def weight_tolerance() -> Tolerance:
    """How far two weighings of a sealed kit may differ."""
    percent = Decimal(str(current_app.config["WEIGHT_TOLERANCE_PERCENT"]))
    return Tolerance(percent, int(current_app.config["WEIGHT_TOLERANCE_GRAMS"]))


def hand_over(delivery: Delivery, codes: Codes, *, key: str, by: User, now: datetime) -> Receipt:
    """The answer given before, or every factor charged and the handover confirmed (§4)."""
    before = _answer_before(delivery, codes, key=key, by=by)
    if before is not None:
        return before
    charged: list[Charge] = []
    try:
        charged = services.charge_attempt(delivery, codes, now=now)
        with transaction():
            return services.confirm(delivery, codes, key=key, desk=desk(), by=by, now=now)
    except RuleBroken:
        # The same request may have been sent twice and have won the race against itself.
        before = _answer_before(delivery, codes, key=key, by=by, all_charged=bool(charged))
        if before is None:
            _take_back_unless_compared(charged)
            raise
        return before


def release(run: Run, codes: ReleaseCodes, *, seen: str, by: User, now: datetime) -> None:
    """The run sent out with the kits that were `seen`.

    What needs no code is asked before the officer, who types nothing here, is charged. The guard
    charged whoever sends. The officer's attempt counts only if the officer's code was looked at.
    """
    services.refuse_unprepared(run, desk=desk(), seen=seen, by=by, now=now)
    charged = services.charge_officer(run.officer, now=now)
    try:
        with transaction():
            services.dispatch(run, codes, desk=desk(), seen=seen, by=by, now=now)
    except RuleBroken as error:
        if error.field != OFFICER_CODE:
            with transaction():
                take_back([charged])
        raise


def arrive(delivery: Delivery, reading: Reading, *, by: User, now: datetime) -> None:
    """The kit read again at the point. That it did not agree is kept, though the step is refused."""
    try:
        with transaction():
            services.arrive_with(delivery, reading, tolerance=weight_tolerance(), by=by, now=now)
    except RuleBroken as error:
        if error.field in KIT_PARTS:
            with transaction():
                services.note_difference(delivery, part=error.field, by=by, now=now)
        raise


def handover_form(delivery: Delivery) -> HandoverForm:
    """The form that asks for what the delivery's level takes."""
    factors = services.factors_of(delivery)
    officers = queries.second_officers(delivery) if factors is not Factors.A_B else []
    sent = factors is Factors.A_B and queries.live_code(PhoneCode, delivery) is not None
    return HandoverForm.for_level(factors, officers=officers, phone=sent)


def of_fixed_size(page: str) -> Response:
    """The page padded with spaces to one size, not to be stored, changed or compressed on its way."""
    body = page.encode()
    size = -(-len(body) // ANSWER_BYTES) * ANSWER_BYTES
    answer = make_response(body.ljust(size))
    answer.headers["Cache-Control"] = "no-store, no-transform"
    return answer


def _answer_before(
    delivery: Delivery, codes: Codes, *, key: str, by: User, all_charged: bool = False
) -> Receipt | None:
    was_compared = compared.get()
    compared.set(True)  # with what the key was used for before
    with transaction():
        before = services.answer_before(delivery, codes, key=key, by=by, all_charged=all_charged)
    if before is None:
        compared.set(was_compared)
    return before


def _take_back_unless_compared(charged: list[Charge]) -> None:
    if charged and not compared.get():
        with transaction():
            take_back(charged)


def contact() -> str:
    """Whom to tell about a card that was found; empty where none is set."""
    return str(current_app.config["SUPPORT_CONTACT"])
