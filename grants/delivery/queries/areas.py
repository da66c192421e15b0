"""The risk page: each canton with what is known of it, and what waits there."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from grants.core.db import Page, db, keyset_page
from grants.delivery.models import MAY_BE_HELD, Delivery, DeliveryEvent, DeliveryState, RiskSnapshot
from grants.delivery.queries.risk import newest_snapshots, risk_signs
from grants.people.models import Canton

S = DeliveryState
WAITING = (S.PLANNED, S.APPROVED, S.PACKED, S.SEALED, S.CLEARED, S.SCHEDULED, S.IN_TRANSIT, S.AT_POINT, S.HELD)
MOST_LISTED = 100
SOON = timedelta(hours=6)


@dataclass(frozen=True, slots=True)
class Area:
    """A canton on the risk page."""

    canton: Canton
    snapshot: RiskSnapshot | None  # the last one that came into force
    waiting: int  # deliveries that have not ended
    live: int  # of these, cleared and on until the point
    held: int
    now: datetime
    signs: tuple[tuple[str, int | None, int | None], ...] = ()  # no number: protected

    @property
    def is_current(self) -> bool:
        return self.snapshot is not None and self.snapshot.is_live(self.now)

    @property
    def is_rescheduled(self) -> bool:
        """What everybody may know, whether the risk expired, was raised or the canton was held."""
        return self.held > 0 or not self.is_current

    @property
    def ends_soon(self) -> bool:
        return self.is_current and self.snapshot is not None and self.snapshot.expires_at <= self.now + SOON

    @property
    def needs_care(self) -> bool:
        """Nothing current is known, or soon, while deliveries wait there."""
        return self.waiting > 0 and (not self.is_current or self.ends_soon)


def areas(now: datetime, *, with_signs: bool = False) -> list[Area]:
    """Cantons with a snapshot or a delivery: first those that need care, with most live deliveries first."""
    counted = _counts()
    snapshots = newest_snapshots()
    signs = [(str(sign.name), sign.count(now)) for sign in risk_signs] if with_signs else []
    codes = {*counted, *snapshots, *(code for _name, found in signs for code in found)}
    cantons = db.session.scalars(select(Canton).where(Canton.code.in_(codes)).order_by(Canton.code))
    found = [
        Area(canton, snapshots.get(canton.code), sum(counted.get(canton.code, {}).values()),
             sum(counted.get(canton.code, {}).get(state, 0) for state in MAY_BE_HELD),
             counted.get(canton.code, {}).get(S.HELD, 0), now,
             tuple((name, *(by_canton[canton.code] or (None, None)))
                   for name, by_canton in signs if canton.code in by_canton))
        for canton in cantons
    ]  # fmt: skip
    return sorted(found, key=lambda area: (not area.needs_care, -area.live, -area.waiting, area.canton.code))


def areas_to_renew(now: datetime) -> list[Area]:
    """Cantons whose risk has expired, or soon does, while deliveries wait there; live deliveries first."""
    return [area for area in areas(now) if area.needs_care]


def deliveries_of(canton_code: str, *states: DeliveryState) -> Sequence[Delivery]:
    """A canton's deliveries in these states in the order of runs and stops, with kit and person: to hold them."""
    statement = select(Delivery).options(joinedload(Delivery.person), joinedload(Delivery.canton))
    own = statement.where(Delivery.canton_code == canton_code, Delivery.state.in_(states))
    return db.session.scalars(own.order_by(Delivery.run_id, Delivery.stop_position, Delivery.id)).all()


def unfit(canton_code: str, level: int | None) -> Sequence[Delivery]:
    """A canton's cleared and scheduled deliveries below a level; all of them when the level is None."""
    found = deliveries_of(canton_code, S.CLEARED, S.SCHEDULED)
    return [one for one in found if level is None or one.level is None or one.level < level]


def cantons_with_live() -> Sequence[str]:
    """Codes of the cantons that have a cleared or scheduled delivery."""
    statement = select(Delivery.canton_code).where(Delivery.state.in_((S.CLEARED, S.SCHEDULED))).distinct()
    return db.session.scalars(statement.order_by(Delivery.canton_code)).all()


def to_clear(*, after: str | None = None) -> Page[Delivery]:
    """A page of sealed kits that wait for clearance, by folio, with canton, hub and award."""
    statement = select(Delivery).options(
        joinedload(Delivery.canton), joinedload(Delivery.hub), joinedload(Delivery.award), joinedload(Delivery.person)
    )
    return keyset_page(statement.where(Delivery.state == S.SEALED), Delivery.folio, Delivery.id, after=after)


def held(*, after: str | None = None) -> Page[Delivery]:
    """A page of held deliveries, by folio, with canton, hub and officer."""
    statement = select(Delivery).options(
        joinedload(Delivery.canton), joinedload(Delivery.hub), joinedload(Delivery.officer), joinedload(Delivery.award),
        joinedload(Delivery.person), joinedload(Delivery.risk_snapshot),
    )  # fmt: skip
    return keyset_page(statement.where(Delivery.state == S.HELD), Delivery.folio, Delivery.id, after=after)


def held_at(deliveries: Sequence[Delivery]) -> dict[int, datetime]:
    """When each of these deliveries was held last, by its id."""
    found = (
        select(DeliveryEvent.delivery_id, func.max(DeliveryEvent.at))
        .where(
            DeliveryEvent.delivery_id.in_([one.id for one in deliveries]),
            DeliveryEvent.to_state == S.HELD,
            DeliveryEvent.from_state != S.HELD,
        )
        .group_by(DeliveryEvent.delivery_id)
        .order_by(DeliveryEvent.delivery_id)
    )
    return dict(db.session.execute(found).all())


def count_in(state: DeliveryState) -> int:
    """How many deliveries are in a state."""
    return db.session.scalar(select(func.count()).select_from(Delivery).where(Delivery.state == state)) or 0


def counts_of(canton_code: str) -> dict[DeliveryState, int]:
    """How many deliveries of a canton are in each state that waits, in the order of their way."""
    counted = _counts(canton_code).get(canton_code, {})
    return {state: counted[state] for state in WAITING if state in counted}


def _counts(canton_code: str | None = None) -> dict[str, dict[DeliveryState, int]]:
    """How many deliveries are in each state that waits, by canton code; of one canton where it is named."""
    statement = (
        select(Delivery.canton_code, Delivery.state, func.count())
        .where(Delivery.state.in_(WAITING))
        .group_by(Delivery.canton_code, Delivery.state)
        .order_by(Delivery.canton_code, Delivery.state)
    )
    if canton_code is not None:
        statement = statement.where(Delivery.canton_code == canton_code)
    counted: dict[str, dict[DeliveryState, int]] = {}
    for code, state, number in db.session.execute(statement):
        counted.setdefault(code, {})[state] = number
    return counted
