"""How a delivery is told to whoever carried it: as handed over, for good, whatever others say of it afterwards.

That the person disputes the handover is a reason for retaliation, and what comes after a dispute gives it away.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ColumnElement, Select, or_, select

from grants.access.models import User
from grants.core.db import db
from grants.delivery.models import Delivery, DeliveryEvent, DeliveryState, Run, TeamMember

S = DeliveryState
AFTER_HANDOVER = (S.CONFIRMED, S.DISPUTED, S.REPLACEMENT, S.RECONCILED, S.MONITORED, S.CLOSED)


@dataclass(frozen=True, slots=True)
class Told:
    """A delivery as its team is told of it; everything else is the delivery's own."""

    delivery: Delivery
    state: DeliveryState = S.CONFIRMED
    is_live: bool = True

    @property
    def events(self) -> list[DeliveryEvent]:
        return [one for one in self.delivery.events if as_handed_over(one.to_state) is one.to_state]

    def __getattr__(self, name: str) -> Any:
        return getattr(self.delivery, name)


def as_handed_over(state: DeliveryState) -> DeliveryState:
    """What the team is told of a state: after the handover it stays confirmed."""
    return S.CONFIRMED if state in AFTER_HANDOVER else state


def told(deliveries: Iterable[Delivery], reader: User) -> list[Any]:
    """These deliveries as this reader is told of them, in their order. One question, however many there are."""
    found = list(deliveries)
    hidden = carried_among(reader, [one for one in found if one.state is not as_handed_over(one.state)])
    return [Told(one) if one.id in hidden else one for one in found]


def carried_among(reader: User, deliveries: Iterable[Delivery]) -> set[int]:
    """Of these deliveries, the ids of those that the reader or a team of theirs carried."""
    ids = [one.id for one in deliveries]
    return set(db.session.scalars(select(Delivery.id).where(Delivery.id.in_(ids), carried_by(reader))))


def handed_over_by(reader: User) -> Select[int]:
    """The awards whose kit the reader or a team of theirs handed over. Others plan them again, if need be."""
    return select(Delivery.award_id).where(Delivery.state.in_(AFTER_HANDOVER), carried_by(reader))


def carried_by(reader: User) -> ColumnElement[bool]:
    """Whether a row of `delivery` was carried by the reader or a team that they belong or belonged to."""
    runs = select(Run.id).join(TeamMember, TeamMember.team_id == Run.team_id).where(TeamMember.user_id == reader.id)
    return or_(
        Delivery.officer_id.is_not(None) & (Delivery.officer_id == reader.id),
        Delivery.run_id.is_not(None) & Delivery.run_id.in_(runs),
    )
