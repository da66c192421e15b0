"""Who is on the road, when they last said that all goes on, and when they are to say it again."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import false, func, select, true, union_all
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.core.db import Page, db, get_or_refuse, keyset_page
from grants.delivery.levels import HIGHEST, LevelRules
from grants.delivery.models import (
    CheckIn,
    Delivery,
    DeliveryEvent,
    DeliveryState,
    MissedCheckIn,
    Run,
    RunState,
    TeamMember,
)
from grants.delivery.queries.current import levels_in_force

S = DeliveryState
# Events that say that the team is well: a handover and an arrival count as check-ins.
SIGNS = (S.AT_POINT, S.CONFIRMED, S.NO_SHOW, S.REFUSED)
MOST_RUNS = 50


@dataclass(frozen=True, slots=True)
class OnTheRoad:
    """A run that is out. `due_at`: None when nothing is carried any more."""

    run: Run
    level: int
    last_at: datetime
    due_at: datetime | None
    kits: int

    def is_late(self, now: datetime, *, grace: timedelta) -> bool:
        """Past its time, and past the grace that every level but the highest has."""
        allowed = timedelta(0) if self.level == HIGHEST else grace
        return self.due_at is not None and now > self.due_at + allowed


def runs_on_the_road(*, of: User | None = None, limit: int | None = MOST_RUNS) -> list[OnTheRoad]:
    """Every run that is out (or those of one officer's teams), the oldest first. As many statements with one as
    with many. `limit`: None for what must miss no run."""
    found = select(Run).options(joinedload(Run.team)).where(Run.state == RunState.OUT)
    if of is not None:
        teams = select(TeamMember.team_id).where(TeamMember.user_id == of.id, TeamMember.left_at.is_(None))
        found = found.where(Run.team_id.in_(teams))
    runs = db.session.scalars(found.order_by(Run.dispatched_at, Run.id).limit(limit)).all()
    if not runs:
        return []
    ids = [run.id for run in runs]
    carried, heard, levels = _carried(ids), _last_heard(ids), levels_in_force()
    return [
        _standing(run, carried.get(run.id, []), heard.get((run.id, True)), heard.get((run.id, False)), levels)
        for run in runs
    ]


def open_missed(*, limit: int = MOST_RUNS) -> Sequence[MissedCheckIn]:
    """Cases that nobody closed yet, the oldest first, with run and team."""
    found = select(MissedCheckIn).options(joinedload(MissedCheckIn.run).joinedload(Run.team))
    return db.session.scalars(
        found.where(MissedCheckIn.closed_at.is_(None)).order_by(MissedCheckIn.id).limit(limit)
    ).all()


def closed_missed(*, after: str | None = None) -> Page[MissedCheckIn]:
    """A page of closed cases, the newest first."""
    found = select(MissedCheckIn).options(
        joinedload(MissedCheckIn.run).joinedload(Run.team), joinedload(MissedCheckIn.closed_by)
    )
    return keyset_page(
        found.where(MissedCheckIn.closed_at.is_not(None)), MissedCheckIn.id, MissedCheckIn.id, after=after,
        descending=True,
    )  # fmt: skip


def get_missed(case_id: int) -> MissedCheckIn:
    """A case; NotFound otherwise."""
    return get_or_refuse(MissedCheckIn, case_id)


def _carried(run_ids: list[int]) -> dict[int, list[Delivery]]:
    """Whatever is in the vehicles, on the way back too, until it is handed over, received or taken."""
    found = select(Delivery).where(Delivery.run_id.in_(run_ids), Delivery.carried_since.is_not(None))
    by_run: dict[int, list[Delivery]] = {}
    for one in db.session.scalars(found.order_by(Delivery.id)):
        by_run.setdefault(one.run_id or 0, []).append(one)
    return by_run


def _last_heard(run_ids: list[int]) -> dict[tuple[int, bool], datetime]:
    """The last moment at which each team checked in, reached a point or handed over; under (run, True).

    Under (run, False): when the desk last closed a case of the run. From then on the team is to be heard again.
    """
    tapped = select(CheckIn.run_id, CheckIn.at, true().label("is_sign")).where(CheckIn.run_id.in_(run_ids))
    # These are events already, so that a handover writes nothing more than it did.
    moved = (
        select(Delivery.run_id, DeliveryEvent.at, true().label("is_sign"))
        .join(Delivery, Delivery.id == DeliveryEvent.delivery_id)
        .where(Delivery.run_id.in_(run_ids), DeliveryEvent.to_state.in_(SIGNS))
    )
    closed = select(MissedCheckIn.run_id, MissedCheckIn.closed_at, false().label("is_sign")).where(
        MissedCheckIn.run_id.in_(run_ids), MissedCheckIn.closed_at.is_not(None)
    )
    all_of_them = union_all(tapped, moved, closed).subquery()
    of_run = (all_of_them.c.run_id, all_of_them.c.is_sign)
    latest = select(*of_run, func.max(all_of_them.c.at).label("last_at")).group_by(*of_run).order_by(*of_run)
    return {(row.run_id, bool(row.is_sign)): row.last_at for row in db.session.execute(latest)}


def _standing(
    run: Run, carried: list[Delivery], sign: datetime | None, closed: datetime | None, levels: dict[int, LevelRules]
) -> OnTheRoad:
    left_at = run.dispatched_at or run.created_at
    last_at = max(left_at, sign or left_at)
    level = max((one.level or HIGHEST for one in carried), default=1)
    return OnTheRoad(run, level, last_at, _due(carried, max(last_at, closed or last_at), levels), len(carried))


def _due(carried: list[Delivery], since: datetime, levels: dict[int, LevelRules]) -> datetime | None:
    """The earliest moment that any of the kits asks for: so many minutes on, or the end of its stop's window."""
    minutes = [levels[one.level or HIGHEST].check_in_minutes for one in carried]
    timed = [since + timedelta(minutes=every) for every in minutes if every is not None]
    at_stops = [
        one.window_ends_at
        for one, every in zip(carried, minutes, strict=True)
        if every is None and one.state is S.IN_TRANSIT and one.window_ends_at is not None
    ]
    return min([*timed, *(end for end in at_stops if end > since)], default=None)
