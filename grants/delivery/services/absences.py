"""Devices that a correction takes off the shelf or puts back, by name: the book never holds more than are there."""

from collections.abc import Collection, Iterable

from flask_babel import lazy_gettext as _

from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery.models import DeviceAbsence, DeviceUnit, StockCorrection, StockLot
from grants.delivery.queries import devices
from grants.delivery.queries.devices import DevicePlace


def named(lot: StockLot, change: int, unit_ids: Collection[int], *, expected: int) -> list[DeviceUnit]:
    """The devices that this change of the lot takes out or puts back. RuleBroken when they do not fit it.

    `expected`: units in the book. Those of them that were never written down as devices have no name to give.
    """
    found = devices.placed(lot)
    wanted = DevicePlace.SHELF if change < 0 else DevicePlace.GONE
    chosen = [one.unit for one in found if one.place is wanted and one.unit.id in set(unit_ids)]
    if len(chosen) != len(set(unit_ids)):
        raise RuleBroken(
            _("To take units out, choose devices that are on the shelf; to put some back, devices that are out."),
            field="devices",
        )
    if len(chosen) > abs(change):
        raise RuleBroken(
            _("You chose more devices than units. Write how many units differ, and choose no more devices than that."),
            field="devices",
        )
    lacking = len(devices.on_books(found)) - len(chosen) - (expected + change) if change < 0 else 0
    if lacking > 0:
        raise RuleBroken(_("Choose which devices leave: all units of this lot, or nearly all, are written down one by "
                           "one."), field="devices")  # fmt: skip
    return chosen


def refuse_count(lot: StockLot, counted: int, *, expected: int) -> None:
    """RuleBroken for a count of devices that leaves open which of them are missing or came back."""
    refuse_unnamed(lot, counted, field=f"lot_{lot.id}")
    if counted > expected and any(one.place is DevicePlace.GONE for one in devices.placed(lot)):
        raise RuleBroken(
            _("Devices of this lot were taken out before. Adjust the lot with “Found”, and choose which came back."),
            field=f"lot_{lot.id}",
        )


def refuse_unnamed(lot: StockLot, units: int, *, field: str | None = None) -> None:
    """RuleBroken when the lot would hold fewer units than devices that stand in the book by name."""
    known = len(devices.on_books(devices.placed(lot)))
    if units < known:
        raise RuleBroken(
            _("Devices of this lot that are written down as on the shelf: %(known)s. Adjust the lot, and choose which "
              "ones are missing.", known=known), field=field
        )  # fmt: skip


def write(correction: StockCorrection, units: Iterable[DeviceUnit]) -> None:
    """Keep with a correction which devices it takes out or puts back."""
    chosen = list(units)
    if correction.variance < 0:
        db.session.add_all(DeviceAbsence(unit=unit, gone_with=correction) for unit in chosen)
    else:
        for absence in devices.absences_of(unit.id for unit in chosen).values():
            absence.back_with = correction
    db.session.flush()


def refuse_absent(units: Iterable[DeviceUnit]) -> None:
    """RuleBroken for a device that a correction took out. Asked once its lot is held, so no correction slips in."""
    if devices.absences_of(unit.id for unit in units):
        raise RuleBroken(
            _("This device was taken out of the book. Put it aside; if it may be used, adjust its lot with “Found”.")
        )
