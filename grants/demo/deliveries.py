"""The demo's handovers: every award reached its person, under the protocol's separation of duties.

Rows are written as the delivery services leave them; cards, boxes and receipts come from the services themselves.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.db import db
from grants.delivery.models import (
    PICTURES,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    Duty,
    DutyHeld,
    KitLine,
    OfficerPin,
    Signal,
    SymbolCard,
)
from grants.delivery.services import choose_picture, issue_card, make_receipt, print_card
from grants.delivery.services.planning import kit_lines
from grants.delivery.signals import Desk, Facts, seal
from grants.delivery.symbols import HashCost
from grants.demo.facts import Chance, morning
from grants.demo.staff import ARRIVED, Staff
from grants.selection.models import Award

DEMO_PIN = "2468"
KITS_FROM, DEVICES_FROM = date(2023, 8, 7), date(2023, 7, 24)
# The least that argon2 takes: these codes guard nothing, and thousands of hashes must not delay a first start.
CARD_COST = HashCost(memory_kib=8, time_cost=1)


@dataclass(frozen=True, slots=True)
class _Step:
    """A transition: to which state, by whom, with which duty, how long after planning."""

    to: DeliveryState
    by: User
    duty: Duty | None
    hours: int


def build_deliveries(chance: Chance, staff: Staff, awards: Sequence[Award], desk: Desk, *, first: date) -> None:
    """One confirmed delivery per award, with kit, events, card, signal and receipt."""
    for number, award in enumerate(awards):
        planned_at = morning(first + timedelta(days=number // 4), minutes=45 * (number % 4))
        steps = _steps(staff, chance.choice(staff[Role.OFFICER]))
        delivery = _delivery(chance, award, planned_at, steps)
        db.session.add(delivery)
        db.session.flush()
        _events(delivery, planned_at, steps)
        _prove(delivery, _used_card(chance, award, steps[1].by, delivery), desk)
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
    delivery = Delivery(
        folio=chance.folio("D"), award_id=award.id, person=person, state=DeliveryState.CONFIRMED,
        canton_code=person.canton_code, officer_id=steps[-1].by.id, lines=lines, approvals=2,
        created_by_id=steps[0].by.id, created_at=planned_at, kit_version=1, confirmed_at=confirmed_at,
        value_usd=sum((line.total_usd for line in lines), Decimal("0.00")),
        seal_number=f"PR{chance.randrange(10**9):09d}", weight_grams=chance.randrange(600, 30_000),
    )  # fmt: skip
    delivery.ceiling_usd, delivery.agreed_usd = award.value_usd, delivery.value_usd
    delivery.place, delivery.scheduled_for = "Casa comunal", confirmed_at.isoformat()
    delivery.digest = delivery.digest_over(person.folio)
    return delivery


def _lines(chance: Chance, award: Award) -> list[KitLine]:
    """The awarded item list; a device carries its serial number."""
    lines = kit_lines(award)
    for line in lines:
        if line.needs_serial:
            line.serial_number = line.live_serial = f"SN{chance.randrange(10**10):010d}"
    return lines


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


def _used_card(chance: Chance, award: Award, issuer: User, delivery: Delivery) -> SymbolCard:
    """The person's card: issued and printed at the signing, its picture chosen, used up at the handover."""
    card, _codes = issue_card(award, cost=CARD_COST, by=issuer, now=award.awarded_at)
    print_card(card, by=issuer, now=award.awarded_at)
    choose_picture(card, chance.choice(PICTURES), by=issuer, now=award.awarded_at)
    card.used_at = delivery.confirmed_at
    return card


def _prove(delivery: Delivery, card: SymbolCard, desk: Desk) -> None:
    """What every handover leaves: a box that the desk alone opens, saying all was well, and the acta."""
    confirmed_at = delivery.confirmed_at or delivery.created_at
    true = int(card.true_picture or "0")
    facts = Facts(delivery.id, delivery.officer_id or 0, confirmed_at, True, true, true)
    acknowledged_at = confirmed_at + timedelta(minutes=2)
    db.session.add(
        Signal(delivery_id=delivery.id, created_at=confirmed_at, box=seal(facts, desk), acknowledged_at=acknowledged_at)
    )
    make_receipt(delivery, now=confirmed_at)
