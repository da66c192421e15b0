"""Back in the warehouse: one person counts the kit, reads its seal and serial numbers; another signs the count."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import delete, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import (
    NOT_HANDED_OVER,
    Delivery,
    DeliveryState,
    FlagReason,
    IncidentKind,
    KitLine,
    LineOutcome,
    Reason,
    ReturnCount,
    SealState,
)
from grants.delivery.models.incidents import NOT_AS_SEALED
from grants.delivery.services import ledger
from grants.delivery.services.flags import as_in_the_kit, flag_serials, normal_serial
from grants.delivery.services.incidents import open_about
from grants.delivery.services.moves import move, refuse_unless_possible
from grants.delivery.services.planning import free_serials
from grants.delivery.told import in_english

DIFFERS = _("This is not as it was sealed. Count again. If it is really so, mark it below and write what you saw.")


@dataclass(frozen=True, slots=True)
class Counted:
    """What was found: units and serial numbers by the line's position, and the seal."""

    units: Mapping[int, int]
    serials: Mapping[int, str]
    seal_state: SealState
    seal_number: str = ""
    really_differs: bool = False
    note: str = ""


def count_back(delivery: Delivery, counted: Counted, *, reason: Reason, by: User, now: datetime) -> ReturnCount:
    """Write down what came back. A difference is taken only when it is said twice and in words.

    A kit that was not handed over is received with its count, where its officer did not say that it comes back.
    """
    is_expected = delivery.state not in NOT_HANDED_OVER
    refuse_unless_possible(delivery, DeliveryState.RETURNED if is_expected else DeliveryState.RETURNING)
    _refuse_carrier(delivery, by)
    outcomes = queries.line_outcomes(delivery)
    listed = as_in_the_kit(delivery, counted.serials.values())
    counted = replace(counted, serials=dict(zip(counted.serials, listed, strict=True)))
    _refuse_too_many(delivery, counted, outcomes)
    differs = _seal_differs(delivery, counted) or _lines_differ(delivery, counted, outcomes)
    if differs and not (counted.really_differs and counted.note.strip()):
        raise RuleBroken(DIFFERS, field="note" if counted.really_differs else None)
    if not is_expected:
        move(delivery, DeliveryState.RETURNING, by=by, now=now)
    count = _written(delivery, counted, reason=reason, differs=differs, by=by, now=now)
    _write_lines(delivery, counted, outcomes)
    journal.record(by, "return.counted", delivery, at=now, differs=differs)
    return count


def _written(
    delivery: Delivery, counted: Counted, *, reason: Reason, differs: bool, by: User, now: datetime
) -> ReturnCount:
    count = ReturnCount(
        delivery_id=delivery.id, seal_state=counted.seal_state, reason=reason, differs=differs,
        counted_by_id=by.id, counted_at=now,
    )  # fmt: skip
    count.note = counted.note.strip() or None
    try:
        with db.session.begin_nested():
            db.session.add(count)
    except IntegrityError as error:
        raise RuleBroken(_("Somebody counted this kit already. Another person signs that count.")) from error
    return count


def _write_lines(delivery: Delivery, counted: Counted, outcomes: Mapping[int, LineOutcome]) -> None:
    for line in delivery.lines:
        outcome = outcomes.get(line.id) or LineOutcome(line_id=line.id, with_person=0, missing=0)
        outcome.came_back = counted.units[line.position]
        if _is_other_device(line, counted):
            # What was read is kept; the device that left has not come back, and the other one is no stock of ours.
            outcome.came_back = 0
            outcome.read_serial = counted.serials.get(line.position) or None
        db.session.add(outcome)
    db.session.flush()


def sign_return(delivery: Delivery, *, stamp: str, by: User, now: datetime) -> None:
    """The second person agrees with the count that they read: the kit is back, and what did not come back is an
    incident."""
    count = _unsigned(delivery)
    _refuse_carrier(delivery, by)
    if count.stamp != stamp:
        raise RuleBroken(_("It was counted again since. Look at the new count, then sign."))
    if count.counted_by_id == by.id:
        raise RuleBroken(_("You counted this kit. Another person must look and sign."))
    signed = db.session.execute(
        update(ReturnCount)
        .where(ReturnCount.id == count.id, ReturnCount.counted_at == count.counted_at)
        .where(ReturnCount.signed_at.is_(None), ReturnCount.counted_by_id != by.id)
        .values(signed_at=now, signed_by_id=by.id)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(signed) != 1:
        raise RuleBroken(_("This count was signed already. Open the delivery to see where it stands."))
    db.session.refresh(count)
    outcomes = queries.line_outcomes(delivery)
    move(delivery, DeliveryState.RETURNED, by=by, now=now, reason=count.reason)
    gone = [outcome.line for outcome in outcomes.values() if outcome.unaccounted > 0]
    flag_serials(delivery, FlagReason.MISSING, lines=gone, by=by, now=now)
    free_serials(delivery, kept=[outcome.line for outcome in outcomes.values() if outcome.stayed_whole])
    if count.differs:
        said = in_english(NOT_AS_SEALED)
        open_about(delivery, IncidentKind.LOST_KIT, said, by=by, now=now)
    came_back = {line_id: outcome.came_back or 0 for line_id, outcome in outcomes.items()}
    ledger.take_back(delivery, came_back=came_back, by=by, now=now)


def count_again(delivery: Delivery, *, by: User, now: datetime) -> None:
    """Somebody does not agree with the count: it is thrown away and made anew."""
    count = _unsigned(delivery)
    _refuse_carrier(delivery, by)
    gone = db.session.execute(
        delete(ReturnCount)
        .where(ReturnCount.id == count.id, ReturnCount.signed_at.is_(None))
        .execution_options(synchronize_session=False)
    )
    if rows_hit(gone) != 1:
        raise RuleBroken(_("This count was signed already. Open the delivery to see where it stands."))
    db.session.expunge(count)
    journal.record(by, "return.count_thrown_away", delivery, at=now)


def _unsigned(delivery: Delivery) -> ReturnCount:
    refuse_unless_possible(delivery, DeliveryState.RETURNED)
    count = queries.return_count(delivery)
    if count is None:
        raise RuleBroken(_("Nobody has counted this kit yet. Count it first."))
    return count


def _refuse_carrier(delivery: Delivery, by: User) -> None:
    if queries.was_on_the_team(delivery, by):
        raise RuleBroken(_("Your team carried this delivery. Somebody else must count it."))


def _refuse_too_many(delivery: Delivery, counted: Counted, outcomes: Mapping[int, LineOutcome]) -> None:
    for line in delivery.lines:
        stayed = outcomes[line.id].stayed if line.id in outcomes else 0
        units = counted.units.get(line.position)
        if units is None or not 0 <= units <= line.quantity - stayed:
            raise RuleBroken(_("That is more than can have come back. Count this line again."),
                             field=f"count_{line.position}")  # fmt: skip


def _seal_differs(delivery: Delivery, counted: Counted) -> bool:
    """A kit that was partly handed over was opened with the person: its seal is broken rightly."""
    read = normal_serial(counted.seal_number)
    if counted.seal_state is SealState.GONE:
        return True
    if read != delivery.seal_number and (read or counted.seal_state is SealState.WHOLE):
        raise RuleBroken(_("That is not this kit's seal. Look for the right kit, or call the security desk."),
                         field="seal_number")  # fmt: skip
    if counted.seal_state is SealState.WHOLE:
        return False
    seen = queries.road_outcome(delivery)
    return seen is None or seen.state is not DeliveryState.PARTIAL


def _lines_differ(delivery: Delivery, counted: Counted, outcomes: Mapping[int, LineOutcome]) -> bool:
    for line in delivery.lines:
        known = outcomes.get(line.id)
        expected = line.quantity - (known.with_person + known.missing if known else 0)
        if counted.units[line.position] != expected or _is_other_device(line, counted):
            return True
    return False


def _is_other_device(line: KitLine, counted: Counted) -> bool:
    """Whether something lies in the device's place, and it is not the device that left."""
    read = counted.serials.get(line.position)
    return counted.units[line.position] > 0 and line.serial_number is not None and read != line.serial_number
