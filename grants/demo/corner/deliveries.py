"""Four kits of the pilot: to approve, to pack, to seal, and on the way with an officer."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import pyotp

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.core.db import db
from grants.delivery import services
from grants.delivery.models import PICTURES, Delivery, RiskSnapshot, Run, Team, TeamMember, Vehicle
from grants.delivery.queries import delivery_factor
from grants.delivery.services import ReleaseCodes, Stop
from grants.delivery.signals import Desk
from grants.demo.corner.setting import Setting
from grants.demo.deliveries import CARD_COST
from grants.selection.models import Award

PLANNED_ON, APPROVED_ON, PACKED_ON, SEALED_ON, CLEARED_ON = -12, -10, -6, -5, -1
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
    """Sealed by a second keeper, cleared, and released by the third to the first officer two hours before loading."""
    _packer, sealer, gate = setting.staff[Role.WAREHOUSE]
    officer, now = setting.staff[Role.OFFICER][0], setting.now - timedelta(hours=2)
    number = f"PR{setting.chance.randrange(10**9):09d}"
    services.seal(delivery, seal_number=number, weight_grams=8_400, by=sealer, now=setting.morning(SEALED_ON))
    _snapshot(setting, delivery.canton_code)
    services.clear(delivery, by=setting.staff[Role.DESK][0], now=setting.morning(CLEARED_ON))
    run = _run(setting, officer, now)
    services.schedule(delivery, run, _stop(now), by=setting.coordinator, now=now)
    codes = ReleaseCodes(_code(gate, now), _code(officer, now))
    services.dispatch(run, codes, desk=desk, by=gate, now=now)


def _snapshot(setting: Setting, canton_code: str) -> None:
    """The canton is calm, and known to be so for a week."""
    at = setting.morning(CLEARED_ON)
    snapshot = RiskSnapshot(
        canton_code=canton_code, level=1, taken_at=at, expires_at=at + timedelta(days=7), in_force_at=at,
        taken_by_id=setting.staff[Role.DESK][0].id,
    )  # fmt: skip
    snapshot.folio = setting.chance.folio("Z")
    snapshot.reason, snapshot.sources = "Sin novedades en la semana", "Líderes del barrio; Policía comunitaria"
    db.session.add(snapshot)
    db.session.flush()


def _run(setting: Setting, officer: User, now: datetime) -> Run:
    """The demo's only team, out today."""
    team = Team(name="Equipo Norte", value_out_cents=0, created_at=now)
    team.members = [TeamMember(user=one) for one in setting.staff[Role.OFFICER]]
    vehicle = Vehicle(name="Camioneta blanca", created_at=now)
    vehicle.plate = "IBA-0000"
    db.session.add_all((team, vehicle))
    db.session.flush()
    run = services.plan_run(team, officer=officer, vehicle=vehicle, day=local_day(now), by=setting.coordinator, now=now)
    setting.name(run, "R")
    return run


def _stop(moment: datetime) -> Stop:
    """From now to the end of the day, so that a newcomer meets it at any hour."""
    evening = moment.astimezone(PROGRAMME_ZONE).replace(hour=23, minute=59, second=59)
    return Stop(PLACE, moment, evening)


def _code(user: User, at: datetime) -> str:
    """What the user's phone showed at that moment."""
    factor = delivery_factor(user)
    return "" if factor is None else pyotp.TOTP(factor.seed).at(at)
