"""The demo's handovers: every award reached its person, under the protocol's separation of duties.

Rows are written as the delivery services leave them. Nobody can use a demo card again: its codes were never kept.
"""

import hashlib
import json
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from sqlalchemy import inspect

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import Model, db
from grants.delivery.models import (
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Duty,
    DutyHeld,
    KitLine,
    OfficerPin,
    Receipt,
    Signal,
    SymbolCard,
)
from grants.demo.facts import Chance, morning
from grants.demo.staff import ARRIVED, Staff
from grants.people.folio import ALPHABET
from grants.people.models import Canton
from grants.selection.models import Award

BOX_BYTES = 304  # a sealed box as every confirmation leaves it
TAG_BITS = 10
DEMO_PIN = "2468"
KITS_FROM, DEVICES_FROM = date(2023, 8, 7), date(2023, 7, 24)
NO_SNAPSHOT = "none"


@dataclass(frozen=True, slots=True)
class _Step:
    """A transition: to which state, by whom, with which duty, how long after planning."""

    to: DeliveryState
    by: User
    duty: Duty | None
    hours: int


def build_deliveries(chance: Chance, staff: Staff, awards: Sequence[Award], *, first: date) -> None:
    """One confirmed delivery per award, with kit, events, card, signal and receipt."""
    places = {canton.code: canton.name for canton in db.session.query(Canton)}
    for number, award in enumerate(awards):
        planned_at = morning(first + timedelta(days=number // 4), minutes=45 * (number % 4))
        steps = _steps(staff, chance.choice(staff[Role.OFFICER]))
        delivery = _delivery(chance, award, planned_at, steps)
        db.session.add(delivery)
        db.session.flush()
        _events(delivery, planned_at, steps)
        _proofs(chance, delivery, award, steps[1].by, places)
    db.session.flush()


def build_pins(staff: Staff) -> None:
    """Every officer of the demo starts with one documented PIN."""
    for officer in staff[Role.OFFICER]:
        pin = OfficerPin(user_id=officer.id, set_at=ARRIVED)
        pin.pin = DEMO_PIN
        db.session.add(pin)


def _steps(staff: Staff, officer: User) -> list[_Step]:
    """From plan to handover, each duty in other hands."""
    planner, first_signer, second_signer = staff[Role.COORDINATOR]
    packer, sealer, gate = staff[Role.WAREHOUSE]
    state = DeliveryState
    return [
        _Step(state.PLANNED, planner, None, 0),
        _Step(state.PLANNED, first_signer, Duty.APPROVE, 20),
        _Step(state.APPROVED, second_signer, Duty.APPROVE, 22),
        _Step(state.PACKED, packer, Duty.PACK, 48),
        _Step(state.SEALED, sealer, Duty.PACK, 50),
        _Step(state.IN_TRANSIT, gate, Duty.RELEASE, 72),
        _Step(state.AT_POINT, officer, None, 74),
        _Step(state.CONFIRMED, officer, Duty.CONFIRM, 75),
    ]


def _delivery(chance: Chance, award: Award, planned_at: datetime, steps: Sequence[_Step]) -> Delivery:
    person, lines = award.application.person, _lines(chance, award)
    confirmed_at = planned_at + timedelta(hours=steps[-1].hours)
    delivery: Delivery = _row(
        Delivery, folio=chance.folio("D"), award_id=award.id, person=person, state=DeliveryState.CONFIRMED,
        canton_code=person.canton_code, officer_id=steps[-1].by.id, lines=lines, approvals=2,
        created_by_id=steps[0].by.id, created_at=planned_at, kit_version=1, confirmed_at=confirmed_at,
        value_usd=sum((line.total_usd for line in lines), Decimal("0.00")),
        seal_number=f"PR{chance.randrange(10**9):09d}", weight_grams=chance.randrange(600, 30_000),
    )  # fmt: skip
    delivery.place, delivery.scheduled_for = "Casa comunal", confirmed_at.isoformat()
    delivery.digest = _digest(delivery)
    return delivery


def _lines(chance: Chance, award: Award) -> list[KitLine]:
    """The awarded item list; a device carries its serial number."""
    is_device = award.selection.call.kind == "devices"
    return [
        _row(
            KitLine, position=item.position, name=item.name, quantity=item.quantity, unit_price_usd=item.unit_price_usd,
            needs_serial=is_device, serial_number=f"SN{chance.randrange(10**10):010d}" if is_device else None,
        )
        for item in award.application.plan.items
    ]  # fmt: skip


def _digest(delivery: Delivery) -> str:
    """What the factors are bound to (DELIVERY_PROTOCOL §1)."""
    serials = ",".join(sorted(line.serial_number for line in delivery.lines if line.serial_number))
    parts = (
        delivery.folio,
        delivery.person.folio,
        str(delivery.kit_version),
        serials,
        delivery.seal_number,
        NO_SNAPSHOT,
    )
    return hashlib.sha256("|".join(map(str, parts)).encode()).hexdigest()


def _events(delivery: Delivery, planned_at: datetime, steps: Sequence[_Step]) -> None:
    came_from, digest = DeliveryState.DRAFT, None
    for step in steps:
        at = planned_at + timedelta(hours=step.hours)
        digest = delivery.digest if step.to is DeliveryState.SEALED else digest
        db.session.add(
            DeliveryEvent(
                delivery_id=delivery.id, from_state=came_from, to_state=step.to, duty=step.duty, at=at,
                by_id=step.by.id, digest=digest,
            )
        )  # fmt: skip
        if step.duty is not None:
            db.session.add(DutyHeld(delivery_id=delivery.id, user_id=step.by.id, duty=step.duty))
        action = "handover.confirmed" if step.to is DeliveryState.CONFIRMED else f"delivery.{step.to.value}"
        journal.record(step.by, action, delivery, at=at, came_from=came_from.value)
        came_from = step.to


def _proofs(chance: Chance, delivery: Delivery, award: Award, issuer: User, places: dict[str, str]) -> None:
    confirmed_at = delivery.confirmed_at or delivery.created_at
    card = _row(
        SymbolCard, serial=chance.folio("S"), person_id=delivery.person_id, award_id=award.id,
        salt=secrets.token_bytes(16), tag=chance.getrandbits(TAG_BITS), hash_memory_kib=8, hash_time_cost=1,
        code_hashes=secrets.token_bytes(128), issued_by_id=issuer.id, issued_at=award.awarded_at,
        printed_at=award.awarded_at, chosen_at=award.awarded_at, used_at=confirmed_at,
    )  # fmt: skip
    card.codes, card.true_picture = None, str(chance.randrange(4))
    signal = Signal(delivery_id=delivery.id, created_at=confirmed_at, box=secrets.token_bytes(BOX_BYTES))
    receipt = Receipt(delivery_id=delivery.id, number=_receipt_number(chance), created_at=confirmed_at)
    receipt.content = _receipt_content(delivery, award, receipt.number, places)
    receipt.content_hash = _content_hash(receipt.content)
    db.session.add_all([card, signal, receipt])
    journal.record(issuer, "symbol_card.issued", card, at=card.issued_at)


def _receipt_number(chance: Chance) -> str:
    letters = "".join(chance.choices(ALPHABET, k=16))
    return "-".join(letters[start : start + 4] for start in range(0, 16, 4))


def _content_hash(content: dict[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def _receipt_content(delivery: Delivery, award: Award, number: str, places: dict[str, str]) -> dict[str, Any]:
    confirmed_at, call = delivery.confirmed_at or delivery.created_at, award.selection.call
    return {
        "number": number,
        "salt": secrets.token_hex(16),
        "folio": delivery.folio,
        "day": local_day(confirmed_at).isoformat(),
        "confirmed_at": confirmed_at.isoformat(timespec="seconds"),
        "person": {"folio": delivery.person.folio, "name": delivery.person.full_name},
        "call": {"code": call.code, "name": call.name},
        "canton": places[delivery.canton_code],
        "seal": delivery.seal_number,
        "value_usd": f"{delivery.value_usd:.2f}",
        "lines": [_receipt_line(line) for line in delivery.lines],
    }


def _receipt_line(line: KitLine) -> dict[str, Any]:
    return {
        "name": line.name,
        "quantity": line.quantity,
        "unit_price_usd": f"{line.unit_price_usd:.2f}",
        "total_usd": f"{line.total_usd:.2f}",
        "serial": line.serial_number or "",
    }


def _row(model: type[Model], **values: Any) -> Any:
    """A row with those of the values that its table has."""
    known = set(inspect(model).attrs.keys())
    return model(**{name: value for name, value in values.items() if name in known})
