"""What an officer may know of a stop now: the place and the time of no stop before its time has come (§2, §6)."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.core.clock import local_day
from grants.core.db import db, one_or_refuse, plausible
from grants.core.errors import NotFound
from grants.delivery.disclosure import officer_learns_at
from grants.delivery.levels import HIGHEST, LevelRules
from grants.delivery.models import (
    Delivery,
    DeliveryEvent,
    DeliveryState,
    ReturnCount,
    Run,
    RunState,
    StopAnswer,
    StopRequest,
    TeamMember,
)
from grants.delivery.queries import stops
from grants.delivery.queries.current import levels_in_force, may_go_on
from grants.delivery.queries.deliveries import whole
from grants.delivery.queries.stops import Asking
from grants.people.folio import normal_folio

S = DeliveryState
ARRIVED = (S.AT_POINT, S.NO_SHOW, S.REFUSED, S.PARTIAL)
AHEAD = (S.IN_TRANSIT, S.SCHEDULED)
# Handed over, one way or another: its own officer opens the receipt.
DONE = (S.CONFIRMED, S.PROVISIONAL, S.REVIEW, S.DISPUTED, S.REPLACEMENT, S.RECONCILED, S.MONITORED,
        S.CLOSED)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of a day holds, and nothing beyond it."""

    asking: Asking
    stops: Sequence[Delivery] = ()  # may be seen now; the first is the one to go to
    bring_back: Sequence[Delivery] = ()  # in the vehicle, not to be handed over on this trip
    day: date | None = None  # of the run to come, where the level lets the team know it
    leads: bool = True  # the reader is who asks, arrives and hands over
    going_back: Sequence[Delivery] = ()  # on their way to the warehouse, where nobody has counted them yet

    @property
    def next(self) -> Delivery | None:
        return self.stops[0] if self.stops else None


def shown_to(reader: User, now: datetime) -> Shown:
    """What this officer may see of the stops of their team. Whose turn it is to ask is the lead's.

    Whoever is to ask, waits or was told to turn back sees no stop of a colleague meanwhile, nor do their other
    colleagues: they may be standing beside each other.
    """
    found = _of_team(reader)
    back = [one for one in found if one.state is S.RETURNING]
    lead = _lead_for(reader, found, now)
    mate = stops.asking_of_mates(reader, lead, now) if lead.id != reader.id else None
    if mate is not None:
        return Shown(mate, leads=False, going_back=back)
    carried = [one for one in found if one.officer_id == lead.id and one not in back]
    return replace(_shown(reader, lead, carried, now), going_back=back)


def may_see_place(delivery: Delivery, reader: User, now: datetime) -> bool:
    """Whether this reader may learn where and when now: for pages, papers, exports and the API alike."""
    return any(one.id == delivery.id for one in shown_to(reader, now).stops)


def stop_of(officer: User, delivery_id: int, now: datetime) -> Delivery:
    """A delivery that this officer may act on now, or handed over. Any other id is NotFound, as if there were none."""
    own = whole().where(Delivery.id == plausible(delivery_id), Delivery.officer_id == officer.id)
    delivery = one_or_refuse(own)
    if delivery.state in ARRIVED or delivery.state in DONE:
        return delivery
    found = shown_to(officer, now)
    if delivery.state is S.IN_TRANSIT and delivery in found.stops:
        return delivery
    if delivery in found.bring_back:
        return delivery
    raise NotFound


def stop_by_folio(officer: User, folio: str, now: datetime) -> Delivery:
    """`stop_of` by folio."""
    found = db.session.scalar(select(Delivery.id).where(Delivery.folio == (normal_folio(folio) or "")))
    return stop_of(officer, found or 0, now)


def _lead_for(reader: User, carried: Sequence[Delivery], now: datetime) -> User:
    """Whose stops the reader sees: their own once they handed over today, else those on the road, else the next."""
    carries = any(one.officer_id == reader.id and one.carried_since is not None for one in carried)
    if not carried or carries or stops.asking(reader, now) is not Asking.FREE:
        return reader
    first = min(carried, key=lambda one: (not one.is_on_the_road, one.officer_id != reader.id, one.id))
    return first.officer or reader


def _of_team(reader: User) -> list[Delivery]:
    """What the reader carries or their team carries, with the kits; held ones only while they are in the vehicle,
    and what the reader brings back until it is counted."""
    runs = select(Run.id).join(TeamMember, TeamMember.team_id == Run.team_id)
    member = (TeamMember.user_id == reader.id, TeamMember.left_at.is_(None))
    of_team = runs.where(*member, Run.state.in_((RunState.PLANNED, RunState.OUT)))
    in_vehicle = (Delivery.state == S.HELD) & Delivery.carried_since.is_not(None)
    counted = select(ReturnCount.id).where(ReturnCount.delivery_id == Delivery.id).exists()
    own = (Delivery.officer_id == reader.id) & Delivery.carried_since.is_not(None)
    going_back = own & (Delivery.state == S.RETURNING) & ~counted
    found = _stops().where(
        or_(Delivery.officer_id == reader.id, Delivery.run_id.in_(of_team)),
        or_(Delivery.state.in_((*ARRIVED, *AHEAD)), in_vehicle, going_back),
    )
    return list(db.session.scalars(found.order_by(Delivery.id)).unique())


def _stops() -> Select[Delivery]:
    """With what the page of a day shows of them."""
    people = (joinedload(Delivery.person), joinedload(Delivery.officer))
    return select(Delivery).options(*people, joinedload(Delivery.canton), selectinload(Delivery.lines))


def _shown(reader: User, lead: User, carried: list[Delivery], now: datetime) -> Shown:
    # The time is encrypted, so the order is found here; a team carries a handful.
    ahead = sorted(
        (one for one in carried if one.state in AHEAD), key=lambda one: (one.state is S.SCHEDULED, one.scheduled_for)
    )
    at_point = [one for one in carried if one.state is S.AT_POINT]
    levels = levels_in_force()
    going_on = may_go_on([*ahead, *at_point], now, levels)  # whether the team was told to turn back is asked below
    # At the point of a canton whose risk was raised meanwhile there is nothing to hand over: the kit goes back.
    here = [one for one in carried if one.state in ARRIVED and (one not in at_point or one.id in going_on)]
    current = [one for one in ahead if one.id in going_on]
    asked = levels[current[0].level or HIGHEST] if current else None
    asking = _asking(lead, asked, now)
    opened = _opened(here, current, levels, now) if asking in (Asking.FREE, Asking.GO) else []
    stopped = [
        one for one in carried
        if one.state is S.HELD
        or (one.state is S.IN_TRANSIT and (asking is Asking.RESCHEDULED or one not in current))
        or (one.state is S.AT_POINT and one not in here)
    ]  # fmt: skip
    leads = lead.id == reader.id
    day = _day_to_tell(current[0], asked) if current else None
    return Shown(asking, [*here, *opened], stopped if leads else [], day, leads)


def _opened(
    here: list[Delivery], ahead: list[Delivery], levels: dict[int, LevelRules], now: datetime
) -> list[Delivery]:
    """The stops whose time has come: all of them, or only the next where the level says one at a time."""
    opened: list[Delivery] = []
    for one in ahead:
        level = levels[one.level or HIGHEST]
        if level.one_stop and (here or opened):
            break
        if one.stop_at is not None and now >= officer_learns_at(level, one.stop_at):
            opened.append(one)
        if level.one_stop:
            break
    return opened


def _asking(lead: User, asked: LevelRules | None, now: datetime) -> Asking:
    always = asked is not None and asked.by_asking
    asking = stops.asking(lead, now, always=always)
    if always and asking is Asking.GO and not _asked_since_last_point(lead):
        return Asking.MUST_ASK
    return asking


def _asked_since_last_point(lead: User) -> bool:
    """Whether the last leave to go on is younger than the last arrival: one question, one stop."""
    arrived = select(func.max(DeliveryEvent.at)).where(
        DeliveryEvent.by_id == lead.id, DeliveryEvent.to_state == S.AT_POINT
    )
    went = select(func.max(StopRequest.asked_at)).where(
        StopRequest.officer_id == lead.id, StopRequest.answer == StopAnswer.GO
    )
    last, asked_at = db.session.scalar(arrived), db.session.scalar(went)
    return last is None or (asked_at is not None and asked_at > last)


def _day_to_tell(first: Delivery, level: LevelRules | None) -> date | None:
    """The day of the run, which is no secret of the team, where stops are not given out one by one."""
    if level is None or level.one_stop or first.stop_at is None:
        return None
    return local_day(first.stop_at)
