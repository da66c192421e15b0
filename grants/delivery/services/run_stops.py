"""The stops of a planned run: given, put in order, taken off. Place and time are encrypted to the team."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import PROGRAMME_ZONE
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Delivery, DeliveryState, Run, RunState
from grants.delivery.services.alternates import refuse_alternate
from grants.delivery.services.clearance import place_of, refuse_moved, refuse_unless_current
from grants.delivery.services.moves import move
from grants.delivery.services.runs import claim_planned

LONGEST_PLACE = 200
CHANGED = _("Somebody changed the stops of this run meanwhile. Look at the order and try again.")


@dataclass(frozen=True, slots=True)
class Stop:
    """Where, from when and until when: encrypted in the row, shown to the team when its time has come."""

    place: str
    scheduled_for: datetime
    until: datetime


def schedule(delivery: Delivery, run: Run, stop: Stop, *, by: User, now: datetime) -> None:
    """Make a cleared delivery the next stop of a run. Place and time are encrypted to the team."""
    claim_planned(run)
    refuse_moved(delivery)
    refuse_unless_current(delivery, now=now)
    _refuse_place(stop)
    _refuse_window(delivery, run, stop, now=now)
    refuse_alternate(delivery, level=delivery.level, starts_at=stop.scheduled_for)
    _refuse_headroom(delivery, run)
    if queries.holds_duty(delivery, run.officer):
        raise RuleBroken(_("This officer already did another part of this delivery. Choose another."), field="run")
    if queries.is_for_another_team(delivery, run):
        raise RuleBroken(_("Choose another team."), field="run")
    position = 1 + max((one.stop_position or 0 for one in queries.kits_of(run)), default=0)
    move(delivery, DeliveryState.SCHEDULED, by=by, now=now, run_id=run.id, officer_id=run.officer_id,
         stop_position=position)  # fmt: skip
    delivery.place = place_of(delivery, " ".join(stop.place.split()))
    delivery.scheduled_for = stop.scheduled_for.astimezone(UTC).isoformat()
    delivery.window_until = stop.until.astimezone(UTC).isoformat()
    db.session.flush()
    _put_in_order(run, sorted(queries.kits_of(run, DeliveryState.SCHEDULED), key=_time_of))


def schedule_many(run: Run, wanted: Sequence[tuple[Delivery, Stop]], *, by: User, now: datetime) -> None:
    """Several stops at once, in the order of their times: all or none. A refusal names the field of its delivery."""
    for delivery, stop in sorted(wanted, key=lambda pair: (pair[1].scheduled_for, pair[0].folio)):
        try:
            schedule(delivery, run, stop, by=by, now=now)
        except RuleBroken as error:
            sentence = _("%(folio)s: %(sentence)s", folio=delivery.folio, sentence=error.message)
            raise RuleBroken(sentence, field=f"{error.field or 'place'}_{delivery.id}") from error


def move_stop(delivery: Delivery, run: Run, place: int, *, by: User, now: datetime) -> None:
    """Put a stop at a place in the order, 1 being the first; the others close up. Beyond the last is the last.

    Only among stops of one time: the officer sees the stops in the order of their times, and the people were told them.
    """
    claim_planned(run)
    before = list(queries.kits_of(run, DeliveryState.SCHEDULED))
    if delivery.id not in {one.id for one in before}:
        raise RuleBroken(_("This delivery is no stop of this run now. Look at the run again."))
    after = [one for one in before if one.id != delivery.id]
    after.insert(max(0, min(place, len(before)) - 1), delivery)
    if after != sorted(after, key=_time_of):
        raise RuleBroken(_("Stops go in the order of their times. To change the order, take the stop off and give it "
                           "another time."))  # fmt: skip
    if _put_in_order(run, after):
        journal.record(by, "run.reordered", run, at=now)


def _time_of(stop: Delivery) -> str:
    return stop.scheduled_for or ""


def _put_in_order(run: Run, after: Sequence[Delivery]) -> bool:
    """Give the stops of a run this order; whether anything changed."""
    positions = sorted(one.stop_position or 0 for one in after)
    changed = [(one, new) for one, new in zip(after, positions, strict=True) if one.stop_position != new]
    try:
        # Below zero first: at no moment do two stops share a position.
        for one, new in changed:
            _place(one, run, old=one.stop_position or 0, new=-new)
        for one, new in changed:
            _place(one, run, old=-new, new=new)
    except IntegrityError as error:
        raise RuleBroken(CHANGED) from error
    for one, _new in changed:
        db.session.refresh(one, ["stop_position"])
    return bool(changed)


def take_off(delivery: Delivery, run: Run, *, by: User, now: datetime) -> None:
    """The delivery waits for another run. Its place and time are wiped."""
    claim_planned(run)
    if delivery.state is not DeliveryState.SCHEDULED:
        raise RuleBroken(_("This delivery is no stop of this run now. Look at the run again."))
    move(delivery, DeliveryState.CLEARED, by=by, now=now, where=(Delivery.run_id == run.id,))


def cancel_run(run: Run, *, by: User, now: datetime) -> None:
    """The run does not go out. Its stops wait for another; their places and times are wiped."""
    claim_planned(run)
    for kit in queries.kits_of(run, DeliveryState.SCHEDULED):
        move(kit, DeliveryState.CLEARED, by=by, now=now, where=(Delivery.run_id == run.id,))
    run.state = RunState.CANCELLED
    db.session.flush()
    journal.record(by, "run.cancelled", run, at=now)


def _place(stop: Delivery, run: Run, *, old: int, new: int) -> None:
    moved = db.session.execute(
        update(Delivery)
        .where(Delivery.id == stop.id, Delivery.run_id == run.id, Delivery.stop_position == old,
               Delivery.state == DeliveryState.SCHEDULED)
        .values(stop_position=new)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if rows_hit(moved) != 1:
        raise RuleBroken(CHANGED)


def _refuse_place(stop: Stop) -> None:
    if not 0 < len(" ".join(stop.place.split())) <= LONGEST_PLACE or not stop.place.isprintable():
        raise RuleBroken(_("Write the place in at most 200 letters."), field="place")


def _refuse_window(delivery: Delivery, run: Run, stop: Stop, *, now: datetime) -> None:
    start, end = (moment.astimezone(PROGRAMME_ZONE) for moment in (stop.scheduled_for, stop.until))
    if end <= start or start.date() != run.day or end.date() != run.day:
        raise RuleBroken(_("The stop begins and ends on the day of the run, and ends after it begins."), field="until")
    if end <= now:
        raise RuleBroken(_("That time has passed. Choose a later one."), field="until")
    snapshot = queries.snapshot_in_force(delivery.canton_code, now)
    if snapshot is not None and snapshot.touches_curfew(start.time(), end.time()):
        raise RuleBroken(_("There is a curfew at that time. Choose a window outside of it."), field="scheduled_for")


def _refuse_headroom(delivery: Delivery, run: Run) -> None:
    on_board = [*queries.kits_of(run, DeliveryState.SCHEDULED), delivery]
    if sum(one.value_usd for one in on_board) > queries.lowest_cap_usd(on_board):
        raise RuleBroken(_("The team would carry more than its cap. Choose another run."), field="run")
