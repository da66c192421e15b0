"""What the security desk and the director allowed together for one delivery."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from grants.core.db import db, one_or_refuse, plausible
from grants.delivery.levels import LevelRules
from grants.delivery.models import Delivery, DeliveryState, Permit, PermitKind, RiskSnapshot
from grants.delivery.queries.areas import MOST_LISTED

STILL_MATTERS = {PermitKind.FIELD: (DeliveryState.SEALED, DeliveryState.HELD), PermitKind.RESUME: (DeliveryState.HELD,)}


def permit_of(delivery: Delivery, kind: PermitKind, snapshot_id: int | None) -> Permit | None:
    """The delivery's permit of a kind under a snapshot, signed or not."""
    return db.session.scalar(
        select(Permit).where(
            Permit.delivery_id == delivery.id, Permit.kind == kind, Permit.snapshot_id == snapshot_id
        )
    )  # fmt: skip


def get_permit(permit_id: int) -> Permit:
    """A permit with its delivery and snapshot; NotFound otherwise."""
    return one_or_refuse(_whole().where(Permit.id == plausible(permit_id)))


def permits_to_sign(now: datetime) -> Sequence[Permit]:
    """Permits under a snapshot that has not expired which wait for the director, the oldest first."""
    statement = (
        _whole()
        .join(RiskSnapshot, Permit.snapshot_id == RiskSnapshot.id)
        .join(Delivery, Permit.delivery_id == Delivery.id)
        .where(
            Permit.signed_at.is_(None),
            RiskSnapshot.expires_at > now,
            RiskSnapshot.withdrawn_at.is_(None),
            Delivery.state.in_((DeliveryState.SEALED, DeliveryState.HELD)),
        )
    )
    found = db.session.scalars(statement.order_by(Permit.asked_at, Permit.id).limit(MOST_LISTED))
    return [one for one in found if one.delivery.state in STILL_MATTERS[one.kind]]


def permits_for(deliveries: Collection[Delivery]) -> dict[tuple[int, int, PermitKind], Permit]:
    """All permits of these deliveries, by delivery, snapshot and kind."""
    found = select(Permit).where(Permit.delivery_id.in_([one.id for one in deliveries])).order_by(Permit.id)
    return {(one.delivery_id, one.snapshot_id, one.kind): one for one in db.session.scalars(found)}


def without_way(
    deliveries: Collection[Delivery], snapshots: Mapping[str, RiskSnapshot], levels: Mapping[int, LevelRules]
) -> list[Delivery]:
    """Those in the field whose canton's snapshot holds by default, and that two people did not sign under it.

    The snapshot in force decides: what two people signed under an older one counts no more. One statement at most.
    """
    held = [one for one in deliveries if one.hub_id is None and _holds(snapshots.get(one.canton_code), levels)]
    if not held:
        return []
    signed = {key for key, permit in permits_for(held).items() if permit.signed_at is not None}
    return [one for one in held if (one.id, snapshots[one.canton_code].id, PermitKind.FIELD) not in signed]


def _holds(snapshot: RiskSnapshot | None, levels: Mapping[int, LevelRules]) -> bool:
    return snapshot is not None and levels[snapshot.level].hold_by_default


def _whole() -> Select[Permit]:
    return select(Permit).options(
        joinedload(Permit.delivery).joinedload(Delivery.canton),
        joinedload(Permit.delivery).joinedload(Delivery.person),
        joinedload(Permit.delivery).joinedload(Delivery.award),
        joinedload(Permit.snapshot),
        joinedload(Permit.asked_by),
    )
