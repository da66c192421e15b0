"""Where each device of a lot is: on the shelf, with a kit, or taken out by a correction."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from sqlalchemy import Select, func, select
from sqlalchemy.orm import aliased, joinedload

from grants.core.db import db
from grants.delivery.models import (
    CorrectionState,
    DeviceAbsence,
    DeviceUnit,
    KitLine,
    StockCorrection,
    StockLot,
    StockMovement,
)
from grants.delivery.queries.goods import devices_of


class DevicePlace(StrEnum):
    SHELF = "shelf"
    WITH_KIT = "with_kit"  # it left with one and did not come back
    LEAVING = "leaving"  # a correction that takes it out waits for a second person
    GONE = "gone"


@dataclass(frozen=True, slots=True)
class PlacedDevice:
    """A device, where it is, and the correction that took it out."""

    unit: DeviceUnit
    place: DevicePlace
    correction: StockCorrection | None = None


def placed(lot: StockLot) -> list[PlacedDevice]:
    """The lot's devices in the order of their writing, each with its place."""
    units, with_kits = devices_of(lot), _serials_with_kits(lot)
    absences = absences_of(unit.id for unit in units)
    return [_placed(unit, with_kits, absences.get(unit.id)) for unit in units]


def on_books(found: Iterable[PlacedDevice]) -> list[DeviceUnit]:
    """Devices that the lot's balance counts."""
    return [one.unit for one in found if one.place in (DevicePlace.SHELF, DevicePlace.LEAVING)]


def absences_of(unit_ids: Iterable[int]) -> dict[int, DeviceAbsence]:
    """Device's id → what took it off the shelf, unless that was refused or it was put back since."""
    asked = list(unit_ids)
    if not asked:
        return {}
    found = db.session.scalars(_absent().where(DeviceAbsence.unit_id.in_(asked)).order_by(DeviceAbsence.id))
    return {absence.unit_id: absence for absence in found}


def _absent() -> Select[DeviceAbsence]:
    gone, back = aliased(StockCorrection), aliased(StockCorrection)
    return (
        select(DeviceAbsence)
        .join(gone, gone.id == DeviceAbsence.gone_with_id)
        .outerjoin(back, back.id == DeviceAbsence.back_with_id)
        .where(gone.state != CorrectionState.REFUSED, back.id.is_(None) | (back.state != CorrectionState.APPLIED))
        .options(joinedload(DeviceAbsence.gone_with))
    )


def _placed(unit: DeviceUnit, with_kits: set[str], absence: DeviceAbsence | None) -> PlacedDevice:
    if absence is not None:
        waits = absence.gone_with.state is CorrectionState.OPEN
        return PlacedDevice(unit, DevicePlace.LEAVING if waits else DevicePlace.GONE, absence.gone_with)
    return PlacedDevice(unit, DevicePlace.WITH_KIT if unit.serial_number in with_kits else DevicePlace.SHELF)


def _serials_with_kits(lot: StockLot) -> set[str]:
    """By the ledger, not by the kits: one that was lost on the road is in no kit and did not come back."""
    found = (
        select(KitLine.serial_number)
        .join(StockMovement, StockMovement.kit_line_id == KitLine.id)
        .where(StockMovement.lot_id == lot.id, KitLine.serial_number.is_not(None))
        .group_by(KitLine.serial_number)
        .having(func.sum(StockMovement.quantity) < 0)
        .order_by(KitLine.serial_number)
    )
    return {str(serial) for serial in db.session.scalars(found)}
