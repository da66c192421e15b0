"""Four kits of the pilot: to approve, to pack, to seal, and on the way with an officer."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pyotp

from grants.access.models import User
from grants.access.permissions import Role
from grants.delivery import services
from grants.delivery.models import PICTURES, Delivery
from grants.delivery.queries import delivery_factor
from grants.delivery.services import ReleaseCodes, Stop
from grants.delivery.signals import Desk
from grants.demo.corner.setting import Setting
from grants.demo.deliveries import CARD_COST
from grants.selection.models import Award

PLANNED_ON, APPROVED_ON, PACKED_ON, SEALED_ON = -12, -10, -6, -5
PLACE = "Casa comunal, puerta principal"


def build_kits(setting: Setting, awards: Sequence[Award], desk: Desk) -> None:
    """The first is on the way, the next is packed, the next approved, the last one planned; each by other hands."""
    on_the_way, packed, approved, planned = awards
    for award in (on_the_way, packed, approved):
        _card(setting, award)
    _carry(setting, _packed(setting, on_the_way), desk)
    _packed(setting, packed)
    _approved(setting, approved)
    _plan(setting, planned, by=setting.staff[Role.COORDINATOR][2])


def _card(setting: Setting, award: Award) -> None:
    """Issued and printed at the signing; the person has chosen their picture."""
    by, now = setting.coordinator, setting.morning(-20)
    card, _codes = services.issue_card(award, cost=CARD_COST, by=by, now=now)
    services.print_card(card, by=by, now=now)
    services.choose_picture(card, setting.chance.choice(PICTURES), by=by, now=now)


def _plan(setting: Setting, award: Award, *, by: User) -> Delivery:
    delivery = services.plan_delivery(award, by=by, now=setting.morning(PLANNED_ON))
    setting.name(delivery, "D")
    return delivery


def _approved(setting: Setting, award: Award) -> Delivery:
    planner, *signers = setting.staff[Role.COORDINATOR]
    delivery = _plan(setting, award, by=planner)
    for signer in signers[:2]:
        services.approve(delivery, by=signer, now=setting.morning(APPROVED_ON))
    return delivery


def _packed(setting: Setting, award: Award) -> Delivery:
    delivery = _approved(setting, award)
    counted = {line.position: line.quantity for line in delivery.lines}
    packer = setting.staff[Role.WAREHOUSE][0]
    services.pack(delivery, counted=counted, serials={}, by=packer, now=setting.morning(PACKED_ON))
    return delivery


def _carry(setting: Setting, delivery: Delivery, desk: Desk) -> None:
    """Sealed by a second keeper, released by the third to the first officer, two hours before loading."""
    _packer, sealer, gate = setting.staff[Role.WAREHOUSE]
    officer, now = setting.staff[Role.OFFICER][0], setting.now - timedelta(hours=2)
    number = f"PR{setting.chance.randrange(10**9):09d}"
    services.seal(delivery, seal_number=number, weight_grams=8_400, by=sealer, now=setting.morning(SEALED_ON))
    services.release(
        delivery, officer=officer, stop=Stop(PLACE, setting.now + timedelta(hours=1)),
        codes=ReleaseCodes(_code(gate, now), _code(officer, now)), desk=desk, by=gate, now=now,
    )  # fmt: skip


def _code(user: User, at: datetime) -> str:
    """What the user's phone showed at that moment."""
    factor = delivery_factor(user)
    return "" if factor is None else pyotp.TOTP(factor.seed).at(at)
