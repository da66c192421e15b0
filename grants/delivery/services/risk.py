"""Snapshots of a canton's risk: anybody raises, the desk renews, the desk and the director lower."""

from dataclasses import dataclass
from datetime import datetime, time, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import RiskSnapshot
from grants.delivery.services.holds import hold_unfit
from grants.people.folio import new_folio
from grants.people.models import Canton

TRIES = 5
RECORDED_MEANWHILE = _("Somebody recorded the risk of this canton at this moment. Look at it, then decide again.")


@dataclass(frozen=True, slots=True)
class Assessment:
    """What somebody knows of a canton. `hours`: how long it holds, where that is less than the level allows."""

    level: int
    reason: str
    sources: str | None = None
    decree: str | None = None
    curfew_from: time | None = None
    curfew_until: time | None = None
    hours: int | None = None


def raise_level(canton: Canton, said: Assessment, *, by: User, now: datetime) -> RiskSnapshot:
    """Anybody raises a level, in force at once. What is cleared there for less is held.

    Where nothing current is known the canton is held already: what was said is kept for the desk, and only the desk
    lets the canton go on.
    """
    for _try in range(TRIES):
        last = queries.newest_snapshot(canton.code)
        if last is not None and said.level <= last.level:
            raise RuleBroken(
                _("The level is not higher than the last one known of this canton. Tell the security desk what you "
                  "know; it decides."), field="level"
            )  # fmt: skip
        snapshot = _drawn(canton, said, by=by, now=now)
        _keep_curfew(snapshot, last)
        if last is None or not last.is_live(now):
            db.session.add(snapshot)
            db.session.flush()
            journal.record(by, "risk.reported", snapshot, at=now, level=snapshot.level)
            hold_unfit(canton.code, None, by=by, now=now)
            return snapshot
        if _came_into_force(snapshot, last, now=now):
            journal.record(by, "risk.raised", snapshot, at=now, level=snapshot.level)
            hold_unfit(canton.code, snapshot.level, by=by, now=now)
            return snapshot
    raise RuleBroken(RECORDED_MEANWHILE)


def record_snapshot(canton: Canton, said: Assessment, *, by: User, now: datetime) -> RiskSnapshot:
    """The security desk records what it knows. Below the last level in force it waits for the director."""
    last = queries.newest_snapshot(canton.code)
    snapshot = _drawn(canton, said, by=by, now=now)
    if last is not None and said.level < last.level:
        snapshot.lowers_id = last.id
        db.session.add(snapshot)
        db.session.flush()
        journal.record(by, "risk.lowering_asked", snapshot, at=now, level=snapshot.level)
        return snapshot
    if not _came_into_force(snapshot, last, now=now):
        raise RuleBroken(RECORDED_MEANWHILE)
    journal.record(by, "risk.recorded", snapshot, at=now, level=snapshot.level)
    hold_unfit(canton.code, snapshot.level, by=by, now=now)
    return snapshot


def sign_lowering(snapshot: RiskSnapshot, *, by: User, now: datetime) -> None:
    """The director's signature brings a lower level into force, if nothing came into force since it was asked, and the
    area was not held meanwhile."""
    if snapshot.taken_by_id == by.id:
        raise RuleBroken(_("You gave the first signature. Somebody else must give the second."))
    if not snapshot.waits_for_signature(now):
        raise RuleBroken(_("This level waits for no signature: it was signed, or it expired. Look at the canton."))
    last = queries.newest_snapshot(snapshot.canton_code)
    if last is None or last.id != snapshot.lowers_id or not _signed(snapshot, by=by, now=now):
        raise RuleBroken(_("The risk of this canton was recorded anew since this was asked, or it expired. "
                           "The security desk must ask again."))  # fmt: skip
    db.session.refresh(snapshot)
    journal.record(by, "risk.lowered", snapshot, at=now, level=snapshot.level)


def _signed(snapshot: RiskSnapshot, *, by: User, now: datetime) -> bool:
    """Of any number of signatures and other snapshots at once, one comes into force."""
    try:
        with db.session.begin_nested():
            signed = db.session.execute(
                update(RiskSnapshot)
                .where(
                    RiskSnapshot.id == snapshot.id,
                    RiskSnapshot.in_force_at.is_(None),
                    RiskSnapshot.withdrawn_at.is_(None),
                )
                .values(signed_by_id=by.id, in_force_at=now, follows_id=snapshot.lowers_id)
                .execution_options(synchronize_session=False)
            )
    except IntegrityError:
        return False
    return rows_hit(signed) == 1


def _came_into_force(snapshot: RiskSnapshot, last: RiskSnapshot | None, *, now: datetime) -> bool:
    """Bring it into force behind the last one. False: another one came in between."""
    snapshot.in_force_at, snapshot.follows_id = now, last.id if last is not None else None
    try:
        with db.session.begin_nested():
            db.session.add(snapshot)
    except IntegrityError:
        return False
    return True


def _keep_curfew(raised: RiskSnapshot, last: RiskSnapshot | None) -> None:
    """Whoever raises a level says nothing of a curfew: the one that is known goes on until the desk ends it."""
    if last is not None and raised.curfew_from is None:
        raised.curfew_from, raised.curfew_until = last.curfew_from, last.curfew_until
        raised.decree = raised.decree or last.decree


def _drawn(canton: Canton, said: Assessment, *, by: User, now: datetime) -> RiskSnapshot:
    longest = queries.rules(said.level).snapshot_hours
    if said.hours is not None and not 1 <= said.hours <= longest:
        raise RuleBroken(_("At this level a snapshot holds for 1 to %(hours)s hours.", hours=longest), field="hours")
    if (said.curfew_from is None) != (said.curfew_until is None):
        raise RuleBroken(_("Write both ends of the curfew, or none."), field="curfew_until")
    snapshot = RiskSnapshot(
        folio=new_folio("Z"), canton_code=canton.code, level=said.level, decree=said.decree or None,
        curfew_from=said.curfew_from, curfew_until=said.curfew_until, taken_at=now,
        expires_at=now + timedelta(hours=said.hours or longest), taken_by_id=by.id,
    )  # fmt: skip
    snapshot.reason, snapshot.sources = said.reason, said.sources or None
    return snapshot
