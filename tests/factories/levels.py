"""Deliveries at the point of any level, with everybody who has a factor."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery import services
from grants.delivery.models import AlternateCollector, Delivery, DeliveryState, Relation
from grants.delivery.services import AlternateFacts, Codes
from grants.people.models import ContactPoint
from grants.selection.models import Award
from tests.factories.access import make_user
from tests.factories.delivery import CHEAP, PIN, Carried, make_carried, make_delivery, make_officer, make_team, totp_at
from tests.factories.people import make_phone

SECOND_PIN = "8306"
SECOND_DURESS_PIN = "8361"
ALTERNATE = AlternateFacts("Rosa Elvira Quishpe", "1712345678", "0991234567", Relation.SIBLING)


@dataclass(slots=True)
class Team:
    """A delivery at its point, the second officer beside the first, and somebody at the desk."""

    carried: Carried
    second: User
    desk: User
    level: int

    @property
    def delivery(self) -> Delivery:
        return self.carried.delivery

    def codes(self, now: datetime, *, control: str = "", **changed: Any) -> Codes:
        """Everything right that the level asks for, unless told otherwise. A control code is given when none is."""
        codes = self.carried.codes(now)
        if self.level >= 2:
            codes = replace(codes, second_officer=self.second.id, second_totp=totp_at(self.second, now))
        if self.level == 3:
            codes = replace(codes, second_pin=SECOND_PIN, control=control or self.control_code(now))
        return replace(codes, **changed)

    def control_code(self, now: datetime) -> str:
        return services.give_control_code(self.delivery, cost=CHEAP, by=self.desk, now=now)


def make_at_point(level: int, *, at: datetime | None = None, award: Award | None = None, pin: str = PIN) -> Team:
    """A delivery of a level at its point, carried by a team of two."""
    first, second = make_officer(pin), make_officer(SECOND_PIN)
    team = make_team(first, second)
    carried = make_carried(officer=first, at=at, award=award, level=level, team=team)
    return Team(carried, second, make_user(Role.DESK), level)


def make_old_phone(delivery: Delivery, number: str = "+593991234567", *, days: int = 30, **values: Any) -> ContactPoint:
    """A phone of the beneficiary that is there since so many days."""
    phone = make_phone(delivery.person, number, **values)
    phone.added_at = utcnow() - timedelta(days=days)
    db.session.flush()
    return phone


def with_alternate(delivery: Delivery, *, at: datetime) -> AlternateCollector:
    return services.register_alternate(delivery, ALTERNATE, by=make_user(Role.COORDINATOR), now=at)


def make_sealed_with_alternate(*, at: datetime) -> tuple[Delivery, AlternateCollector]:
    delivery = make_delivery(DeliveryState.SEALED)
    return delivery, with_alternate(delivery, at=at)
