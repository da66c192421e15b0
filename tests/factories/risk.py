"""Snapshots through the services, hubs, permits and held deliveries, for tests."""

import secrets
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery import queries, services
from grants.delivery.levels import DEFAULT_LEVELS
from grants.delivery.models import Delivery, DeliveryState, Hub, Permit, PermitKind, RiskSnapshot
from grants.delivery.services import Assessment, permits
from tests.factories.access import make_user
from tests.factories.delivery import make_carried, make_delivery
from tests.factories.people import make_canton

MINUTE, HOUR, DAY = timedelta(minutes=1), timedelta(hours=1), timedelta(days=1)


def take(canton_code: str, level: int = 1, *, at: datetime, by: User | None = None, **said: Any) -> RiskSnapshot:
    """What the security desk records of a canton at a moment."""
    assessment = Assessment(level, "Lo dijo la junta parroquial", **said)
    return services.record_snapshot(make_canton(canton_code), assessment, by=by or make_user(Role.DESK), now=at)


def make_lowering(canton_code: str = "1004", *, at: datetime | None = None, to: int = 1) -> RiskSnapshot:
    """A canton at level 3 whose lower level waits for the director."""
    at = at or utcnow()
    take(canton_code, 3, at=at - HOUR)
    return take(canton_code, to, at=at)


def make_hub(canton_code: str = "1001") -> Hub:
    return services.add_hub(
        make_canton(canton_code), name=f"Casa {secrets.token_hex(4)}", address="Av. Siempre Viva 742",
        by=make_user(Role.DESK), now=utcnow(),
    )  # fmt: skip


def make_permit(kind: PermitKind = PermitKind.FIELD, *, at: datetime | None = None) -> Permit:
    """A permission that waits for the director, for a sealed kit of a canton at level 3."""
    at, delivery = at or utcnow(), make_delivery(DeliveryState.SEALED)
    known = queries.snapshot_in_force(delivery.canton_code, at) or take(delivery.canton_code, 3, at=at)
    return permits.ask(delivery, kind, known, by=make_user(Role.DESK), now=at)


def make_held_on_the_road(*, at: datetime | None = None) -> Delivery:
    """A kit that its officer still has, held."""
    delivery = make_carried(DeliveryState.IN_TRANSIT).delivery
    services.hold(delivery, by=make_user(Role.DESK), now=at or utcnow())
    return delivery


def make_held(level: int = 1, *, at: datetime) -> Delivery:
    """A cleared kit in the warehouse, held at a moment."""
    delivery = make_delivery(DeliveryState.CLEARED, level=level)
    services.hold(delivery, by=make_user(Role.DESK), now=at)
    return delivery


def make_resume(*, at: datetime) -> Permit:
    """A held delivery whose going on waits for the director, under a snapshot taken a minute after the hold."""
    delivery = make_held(at=at)
    take(delivery.canton_code, delivery.level or 1, at=at + MINUTE)
    return services.ask_resume(delivery, by=make_user(Role.DESK), now=at + 2 * MINUTE)


def levels(**of_level_1: Any) -> dict[int, Any]:
    """The starting table with other values at level 1."""
    return {**DEFAULT_LEVELS, 1: replace(DEFAULT_LEVELS[1], **of_level_1)}


def signed(permit: Permit, *, at: datetime) -> None:
    """The director's signature."""
    services.sign_permit(permit, by=make_user(Role.DIRECTOR), now=at)
    db.session.flush()
