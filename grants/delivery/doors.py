"""What the pages and the API of a handover share: one order of charging, confirming and answering."""

from datetime import datetime
from pathlib import Path

from flask import Response, current_app, make_response

from grants.access.models import User
from grants.core.db import transaction
from grants.core.errors import RuleBroken
from grants.delivery import services
from grants.delivery.models import Delivery, Receipt
from grants.delivery.services import Codes, KitDiffers, Reading
from grants.delivery.signals import Desk, load_desk
from grants.delivery.symbols import HashCost

ANSWER_BYTES = 32 * 1024


def desk() -> Desk | None:
    """The security desk's key and addresses, read at use."""
    config = current_app.config
    return load_desk(Path(current_app.instance_path), str(config["DESK_ADDRESS"]), str(config["DESK_SECOND_ADDRESS"]))


def card_cost() -> HashCost:
    """What checking a card costs: the installation's setting for argon2id."""
    return HashCost(int(current_app.config["ARGON2_MEMORY_KIB"]), int(current_app.config["ARGON2_TIME_COST"]))


def hand_over(delivery: Delivery, codes: Codes, *, key: str, by: User, now: datetime) -> Receipt:
    """The answer given before, or the card charged and the handover confirmed (§4)."""
    before = _answer_before(delivery, codes, key=key, by=by)
    if before is not None:
        return before
    services.charge_card(delivery, now=now)
    try:
        with transaction():
            return services.confirm(delivery, codes, key=key, desk=desk(), by=by, now=now)
    except RuleBroken:
        # The same request may have been sent twice and have won the race against itself.
        before = _answer_before(delivery, codes, key=key, by=by)
        if before is None:
            raise
        return before


def arrive(delivery: Delivery, reading: Reading, *, by: User, now: datetime) -> None:
    """The kit read again at the point. That it did not agree is kept, though the step is refused."""
    try:
        with transaction():
            services.arrive_with(delivery, reading, by=by, now=now)
    except KitDiffers as error:
        with transaction():
            services.note_difference(delivery, field=error.field, by=by, now=now)
        raise


def of_fixed_size(page: str) -> Response:
    """The page padded with spaces to one size, not to be stored, changed or compressed on its way."""
    body = page.encode()
    size = -(-len(body) // ANSWER_BYTES) * ANSWER_BYTES
    answer = make_response(body.ljust(size))
    answer.headers["Cache-Control"] = "no-store, no-transform"
    return answer


def _answer_before(delivery: Delivery, codes: Codes, *, key: str, by: User) -> Receipt | None:
    with transaction():
        return services.answer_before(delivery, codes, key=key, by=by)
