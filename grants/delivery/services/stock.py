"""Receiving, counting and adjusting. A large difference takes a second person."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, hold_row, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery.imei import LENGTH, misread, normal_imei
from grants.delivery.models import (
    AdjustReason,
    CorrectionState,
    DeviceUnit,
    Item,
    MovementKind,
    StockCorrection,
    StockLot,
    Supplier,
)
from grants.delivery.queries import devices
from grants.delivery.queries.goods import corrected_alone_usd
from grants.delivery.services import absences
from grants.delivery.services.flags import normal_serial, refuse_odd_number
from grants.delivery.services.ledger import post

OPEN_ALREADY = _("A correction of this lot waits for a second person. Decide that one first.")
TOGETHER = timedelta(days=30)  # what one keeper corrects alone within these days counts together
CHANGED_MEANWHILE = _("The stock of this lot changed while you counted. Count it again.")


@dataclass(frozen=True, slots=True)
class Arrival:
    """What a supplier brought: so many units of one article at one cost."""

    item: Item
    supplier: Supplier
    quantity: int
    unit_cost_usd: Decimal
    invoice: str
    received_on: date
    best_before: date | None = None


def receive(arrival: Arrival, *, by: User, now: datetime) -> StockLot:
    """Put a new lot on the shelf. Devices get their serial numbers afterwards, one by one."""
    if arrival.received_on > local_day(now):
        raise RuleBroken(_("This day has not come yet. Write the day on which the goods arrived."), field="received_on")
    if arrival.item.retired_at is not None:
        raise RuleBroken(_("This article is offered no more. Choose another one, or offer it again."), field="item")
    lot = StockLot(
        item=arrival.item, supplier=arrival.supplier, unit_cost_usd=arrival.unit_cost_usd, received=arrival.quantity,
        invoice=arrival.invoice.strip(), best_before=arrival.best_before, received_on=arrival.received_on, on_hand=0,
        received_by_id=by.id, created_at=now,
    )  # fmt: skip
    db.session.add(lot)
    db.session.flush()
    post(lot.id, MovementKind.RECEIVE, arrival.quantity, by=by, now=now)
    db.session.refresh(lot)
    journal.record(by, "stock.received", lot, at=now, units=arrival.quantity)
    return lot


def register_devices(lot: StockLot, typed: Sequence[tuple[str, str]], *, by: User, now: datetime) -> None:
    """Write down devices of a lot: serial number and, for a phone, IMEI. All of them or none."""
    if not lot.item.needs_serial:
        raise RuleBroken(_("This article has no serial numbers."))
    units = _held_units(lot)
    known = len(devices.on_books(devices.placed(lot)))
    if known + len(typed) > units:
        raise RuleBroken(
            _("The lot has %(units)d units on the shelf, and %(known)d are written down. You wrote %(new)d more: leave "
              "some out.", units=units, known=known, new=len(typed)), field="devices"
        )  # fmt: skip
    for number, (serial, imei) in enumerate(typed, 1):
        _register(lot, number, serial, imei, by=by, now=now)
    journal.record(by, "stock.devices_registered", lot, at=now, units=len(typed))


def count(lot: StockLot, counted: int, *, limit_usd: Decimal, by: User, now: datetime) -> StockCorrection:
    """Write down what was counted in a lot. A difference above the limit waits for a second person; what this one
    corrected alone in the last 30 days counts with it."""
    expected = _held_units(lot)
    if lot.item.needs_serial:
        absences.refuse_count(lot, counted, expected=expected)
    correction = StockCorrection(
        lot=lot, expected=expected, counted=counted, variance=counted - expected, made_by_id=by.id, made_at=now
    )
    return _enter(correction, limit_usd=limit_usd, by=by, now=now)


def adjust(
    lot: StockLot,
    change: int,
    reason: AdjustReason,
    *,
    device_ids: Collection[int] = (),
    limit_usd: Decimal,
    by: User,
    now: datetime,
) -> StockCorrection:
    """Take units out of a lot or put some back in (signed), with the reason; `device_ids`: which devices."""
    if (reason is AdjustReason.FOUND and change < 0) or (
        reason not in (AdjustReason.FOUND, AdjustReason.WRONG_ENTRY) and change > 0
    ):
        raise RuleBroken(_("This reason goes the other way. Choose another reason, or change more and fewer."),
                         field="reason")  # fmt: skip
    if change == 0:
        raise RuleBroken(_("Write how many units differ."), field="quantity")
    expected = _held_units(lot)
    if expected + change < 0:
        raise RuleBroken(_("The lot has %(units)d units: no more can leave it.", units=expected), field="quantity")
    chosen = absences.named(lot, change, device_ids, expected=expected) if lot.item.needs_serial else []
    correction = StockCorrection(
        lot=lot, expected=expected, variance=change, reason=reason, made_by_id=by.id, made_at=now
    )
    _enter(correction, limit_usd=limit_usd, by=by, now=now)
    absences.write(correction, chosen)
    return correction


def confirm_correction(correction: StockCorrection, *, by: User, now: datetime) -> None:
    """The second person looked at the shelf and agrees: the difference enters the book."""
    _decide(correction, CorrectionState.APPLIED, by=by, now=now)
    if not post(correction.lot_id, _kind(correction), correction.variance, by=by, now=now, correction_id=correction.id):
        raise RuleBroken(_("The lot does not hold these units any more. Refuse the correction and count again."))
    if correction.lot.item.needs_serial and correction.variance < 0:  # somebody may have written down the rest
        absences.refuse_unnamed(correction.lot, _on_hand(correction.lot))
    journal.record(by, "stock.correction_confirmed", correction, at=now)


def refuse_correction(correction: StockCorrection, *, by: User, now: datetime) -> None:
    """The second person does not agree: the book stays as it is, and the lot is counted again."""
    _decide(correction, CorrectionState.REFUSED, by=by, now=now)
    journal.record(by, "stock.correction_refused", correction, at=now)


def _held_units(lot: StockLot) -> int:
    """The lot's balance. Devices are told one by one, so whoever else moves them waits until this is done."""
    if lot.item.needs_serial:
        hold_row(StockLot.received, lot.id)
    return _on_hand(lot)


def _on_hand(lot: StockLot) -> int:
    return db.session.execute(select(StockLot.on_hand).where(StockLot.id == lot.id)).scalar_one()


def _kind(correction: StockCorrection) -> MovementKind:
    return MovementKind.ADJUST if correction.counted is None else MovementKind.COUNT


def _enter(correction: StockCorrection, *, limit_usd: Decimal, by: User, now: datetime) -> StockCorrection:
    waiting = select(StockCorrection.id).where(
        StockCorrection.lot_id == correction.lot.id, StockCorrection.state == CorrectionState.OPEN
    )
    with db.session.no_autoflush:
        if db.session.scalar(waiting) is not None:
            raise RuleBroken(OPEN_ALREADY)
        hold_row(User.language, by.id)  # of two corrections at one moment the second counts with the first
        alone_usd = corrected_alone_usd(by, since=now - TOGETHER)
    is_large = correction.variance != 0 and alone_usd + correction.value_usd > limit_usd
    correction.state = CorrectionState.OPEN if is_large else CorrectionState.APPLIED
    try:
        with db.session.begin_nested():
            db.session.add(correction)
    except IntegrityError as error:
        raise RuleBroken(OPEN_ALREADY) from error
    action = "stock.counted" if correction.counted is not None else "stock.adjusted"
    journal.record(by, action, correction, at=now, variance=correction.variance)
    if is_large or not correction.variance:
        return correction
    moved = post(correction.lot_id, _kind(correction), correction.variance, by=by, now=now,
                 correction_id=correction.id, expected=correction.expected)  # fmt: skip
    if not moved:
        raise RuleBroken(CHANGED_MEANWHILE)
    return correction


def _decide(correction: StockCorrection, state: CorrectionState, *, by: User, now: datetime) -> None:
    if correction.made_by_id == by.id:
        raise RuleBroken(_("You wrote this correction. Somebody else must look at the shelf and decide."))
    decided = (
        update(StockCorrection)
        .where(StockCorrection.id == correction.id, StockCorrection.state == CorrectionState.OPEN)
        .values(state=state, decided_by_id=by.id, decided_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(db.session.execute(decided)) != 1:
        raise RuleBroken(_("Somebody already decided about this correction. Reload the page."))
    db.session.refresh(correction)


def _register(lot: StockLot, number: int, serial: str, imei: str, *, by: User, now: datetime) -> None:
    unit = DeviceUnit(
        lot_id=lot.id, serial_number=normal_serial(serial), imei=_imei(lot, number, imei), registered_by_id=by.id,
        registered_at=now,
    )  # fmt: skip
    if not unit.serial_number:
        raise RuleBroken(_("Line %(line)d: write the serial number.", line=number), field="devices")
    refuse_odd_number(unit.serial_number, field="devices")
    try:
        with db.session.begin_nested():
            db.session.add(unit)
    except IntegrityError as error:
        raise RuleBroken(
            _("Line %(line)d: this serial number or IMEI is written down already. Look at the device again.",
              line=number), field="devices"
        ) from error  # fmt: skip


def _imei(lot: StockLot, number: int, typed: str) -> str | None:
    """The IMEI of a phone as stored, None for another device; RuleBroken says where to look again."""
    imei = normal_imei(typed)
    if not lot.item.has_imei:
        if imei:
            raise RuleBroken(_("Line %(line)d: this article has no IMEI. Write the serial number only.", line=number),
                             field="devices")  # fmt: skip
        return None
    wrong = misread(imei)
    if wrong is None:
        return imei
    if wrong.length is not None:
        raise RuleBroken(
            _("Line %(line)d: an IMEI has %(wanted)d digits and nothing else; %(found)d are there.",
              line=number, wanted=LENGTH, found=wrong.length), field="devices"
        )  # fmt: skip
    if wrong.repeated:
        raise RuleBroken(
            _("Line %(line)d: no phone has an IMEI of one digit only. Dial *#06# on the phone and copy what it shows.",
              line=number), field="devices"
        )  # fmt: skip
    raise RuleBroken(_where_to_look(number, wrong.swapped, wrong.check_digit), field="devices")


def _where_to_look(number: int, swapped: Sequence[int], check_digit: int) -> object:
    pairs = ", ".join(f"{place}–{place + 1}" for place in swapped)
    if pairs:
        return _("Line %(line)d: the IMEI does not hold. Look again at the last digit (it would be %(digit)d if the "
                 "others are right) and at these neighbours, which may be the wrong way round: %(pairs)s.",
                 line=number, digit=check_digit, pairs=pairs)  # fmt: skip
    return _("Line %(line)d: the IMEI does not hold. Look again at the last digit: it would be %(digit)d if the others "
             "are right. Else read the fifteen digits one by one.", line=number, digit=check_digit)  # fmt: skip
