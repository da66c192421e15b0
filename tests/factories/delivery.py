"""Deliveries in any state, symbol cards, PINs and the desk's key, for tests."""

import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import pyotp

from grants.access.models import FactorKind, User
from grants.access.permissions import Role
from grants.core.clock import PROGRAMME_ZONE, local_day, utcnow
from grants.core.db import db
from grants.delivery import queries, services
from grants.delivery.desk.boxes import new_desk_keys
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    Duty,
    DutyHeld,
    OfficerPin,
    Picture,
    RiskSnapshot,
    Run,
    SymbolCard,
    Team,
    TeamMember,
    Vehicle,
)
from grants.delivery.services import Codes, ReleaseCodes, Stop
from grants.delivery.signals import Desk
from grants.delivery.symbols import HashCost
from grants.people.folio import new_folio
from grants.selection.models import Award
from tests.factories.access import factor_of, make_user
from tests.factories.selection import make_award

CHEAP = HashCost(memory_kib=8, time_cost=1)
PIN = "4715"
DURESS_PIN = "4790"  # the same first two digits
STRANGE_PIN = "9999"

DESK_PRIVATE, DESK_PUBLIC = new_desk_keys()
DESK = Desk(DESK_PUBLIC, "desk")
S = DeliveryState


@dataclass(slots=True)
class Carried:
    """A delivery with everybody who had a part in it."""

    delivery: Delivery
    officer: User
    card: SymbolCard
    card_codes: list[str]
    true_picture: Picture

    @property
    def true_code(self) -> str:
        return self.card_codes[list(Picture).index(self.true_picture)]

    @property
    def other_codes(self) -> list[str]:
        return [code for code in self.card_codes if code != self.true_code]

    def codes(self, now: datetime, *, pin: str = PIN, card: str = "") -> Codes:
        """The right three codes at a moment, unless told otherwise."""
        return Codes(totp=totp_at(self.officer, now), pin=pin, card=card or self.true_code)


def totp_at(user: User, now: datetime) -> str:
    """What the user's phone shows at a moment."""
    return pyotp.TOTP(factor_of(user, FactorKind.DELIVERY).seed).at(now)


def make_officer(pin: str = PIN) -> User:
    """A logistics officer with a delivery seed and a PIN."""
    officer = make_user(Role.OFFICER)
    row = OfficerPin(user_id=officer.id, set_at=utcnow())
    row.pin = pin
    db.session.add(row)
    db.session.flush()
    return officer


def make_card(
    award: Award, *, picture: Picture | None = Picture.TREE, by: User | None = None
) -> tuple[SymbolCard, list[str]]:
    """A printed card whose true picture is chosen; `picture=None` leaves it unprinted and unchosen."""
    coordinator, now = by or make_user(Role.COORDINATOR), utcnow()
    card, codes = services.issue_card(award, cost=CHEAP, by=coordinator, now=now)
    if picture is not None:
        services.print_card(card, by=coordinator, now=now)
        services.choose_picture(card, picture, by=coordinator, now=now)
    return card, codes


def make_snapshot(canton_code: str, level: int = 1, *, at: datetime | None = None, **overrides: Any) -> RiskSnapshot:
    """A snapshot in force, from a day before a moment to six days after it."""
    at = at or utcnow()
    snapshot = RiskSnapshot(
        folio=new_folio("Z"), canton_code=canton_code, level=level, taken_at=at - timedelta(days=1),
        expires_at=at + timedelta(days=6), taken_by_id=make_user(Role.DESK).id, in_force_at=at - timedelta(days=1),
    )  # fmt: skip
    snapshot.reason = "Reunión con líderes"
    for name, value in overrides.items():
        setattr(snapshot, name, value)
    db.session.add(snapshot)
    db.session.flush()
    return snapshot


def make_team(*officers: User) -> Team:
    """A team of these officers; of a new one when none is named."""
    team = Team(name=f"Equipo {secrets.token_hex(4)}", value_out_cents=0, created_at=utcnow())
    team.members = [TeamMember(user=officer) for officer in officers or (make_officer(),)]
    db.session.add(team)
    db.session.flush()
    return team


def make_vehicle() -> Vehicle:
    vehicle = Vehicle(name=f"Camioneta {secrets.token_hex(4)}", created_at=utcnow())
    vehicle.plate = "IBA-1234"
    db.session.add(vehicle)
    db.session.flush()
    return vehicle


def make_run(officer: User | None = None, *, at: datetime | None = None, team: Team | None = None) -> Run:
    """A planned run of the day of a moment, led by this officer."""
    officer, at = officer or make_officer(), at or utcnow()
    return services.plan_run(
        team or make_team(officer), officer=officer, vehicle=make_vehicle(), day=local_day(at),
        by=make_user(Role.COORDINATOR), now=at,
    )  # fmt: skip


def stop_at(moment: datetime) -> Stop:
    """A stop from a moment until the end of its day."""
    evening = moment.astimezone(PROGRAMME_ZONE).replace(hour=23, minute=59, second=59, microsecond=999_999)
    return Stop("Parque central, junto a la iglesia", moment, evening)


def make_delivery(
    state: DeliveryState = S.PLANNED, *, award: Award | None = None, level: int = 1, run: Run | None = None,
    **overrides: Any,
) -> Delivery:  # fmt: skip
    """A delivery walked to a state before the road by as many people as it takes; `level` of its canton's risk."""
    now = utcnow()
    delivery = services.plan_delivery(award or make_award(), by=make_user(Role.COORDINATOR), now=now)
    if state is not S.PLANNED:
        for _n in range(2):
            services.approve(delivery, by=make_user(Role.COORDINATOR), now=now)
    if state in (S.PACKED, S.SEALED, S.CLEARED, S.SCHEDULED):
        counted = {line.position: line.quantity for line in delivery.lines}
        serials = {line.position: f"SN-{secrets.token_hex(6)}" for line in delivery.lines if line.needs_serial}
        services.pack(delivery, counted=counted, serials=serials, by=make_user(Role.WAREHOUSE), now=now)
    if state in (S.SEALED, S.CLEARED, S.SCHEDULED):
        number = f"PR-{secrets.token_hex(6)}"
        services.seal(delivery, seal_number=number, weight_grams=12_500, by=make_user(Role.WAREHOUSE), now=now)
    if state in (S.CLEARED, S.SCHEDULED):
        clear(delivery, level=level)
    if state is S.SCHEDULED:
        services.schedule(delivery, run or make_run(), stop_at(now), by=make_user(Role.COORDINATOR), now=now)
    for name, value in overrides.items():
        setattr(delivery, name, value)
    db.session.flush()
    return delivery


def clear(delivery: Delivery, *, level: int = 1, at: datetime | None = None) -> None:
    """Clear a sealed delivery at a level of risk."""
    at = at or utcnow()
    known = queries.snapshot_in_force(delivery.canton_code, at)
    if known is None or known.level != level:
        make_snapshot(delivery.canton_code, level, at=at)
    services.clear(delivery, by=make_user(Role.DESK), now=at)


def release_to(
    delivery: Delivery, officer: User, *, at: datetime | None = None, level: int = 1, team: Team | None = None
) -> None:
    """Put a sealed delivery on the road in a run of its own, an hour ago unless told otherwise."""
    keeper, now = make_user(Role.WAREHOUSE), at or utcnow() - timedelta(hours=1)
    clear(delivery, level=level, at=now)
    run = make_run(officer, at=now, team=team)
    services.schedule(delivery, run, stop_at(now), by=make_user(Role.COORDINATOR), now=now)
    codes = ReleaseCodes(warehouse=totp_at(keeper, now), officer=totp_at(officer, now))
    services.dispatch(run, codes, desk=DESK, by=keeper, now=now)
    db.session.refresh(delivery)


def make_carried(
    state: DeliveryState = S.AT_POINT,
    *,
    officer: User | None = None,
    award: Award | None = None,
    picture: Picture = Picture.TREE,
    at: datetime | None = None,
    level: int = 1,
    team: Team | None = None,
) -> Carried:
    """A delivery on the road or at the point, with its officer, card and codes."""
    officer = officer or make_officer()
    delivery = make_delivery(S.SEALED, award=award)
    card, codes = make_card(delivery.award, picture=picture)
    release_to(delivery, officer, at=at, level=level, team=team)
    if state is S.AT_POINT:
        services.arrive(delivery, by=officer, now=at or utcnow())
    return Carried(delivery, officer, card, codes, picture)


def make_confirmed(award: Award | None = None, *, now: datetime | None = None) -> Carried:
    """A delivery that was handed over."""
    carried, now = make_carried(award=award), now or utcnow()
    services.confirm(
        carried.delivery, carried.codes(now), key=secrets.token_urlsafe(12), desk=DESK, by=carried.officer, now=now
    )
    return carried


def hold(delivery: Delivery, user: User, duty: Duty) -> None:
    """Write a duty past the services, to see what the database says."""
    db.session.add(DutyHeld(delivery_id=delivery.id, user_id=user.id, duty=duty))
    db.session.flush()
