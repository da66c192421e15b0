"""Questions about runs, their stops and their teams."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import ColumnElement, Select, and_, func, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.core.crypto import lookup_hash
from grants.core.db import Page, db, get_or_refuse, keyset_page, one_or_refuse, plausible
from grants.core.errors import NotFound
from grants.delivery.levels import DEFAULT_LEVELS
from grants.delivery.models import Delivery, DeliveryState, ReturnCount, Run, RunState, Team, TeamMember, Vehicle
from grants.delivery.queries.deliveries import officers
from grants.delivery.queries.risk import newest_snapshots, protocol_in_force
from grants.people.models import Canton, Person

MOST_CLEARED = 25
UNDER_WAY = (RunState.PLANNED, RunState.OUT)


def get_run(run_id: int) -> Run:
    """A run with its team, vehicle and officer; NotFound otherwise."""
    return one_or_refuse(_runs().where(Run.id == plausible(run_id)))


def page_of_runs(*, state: RunState | None = None, after: str | None = None) -> Page[Run]:
    """A page of runs, the newest first."""
    statement = _runs() if state is None else _runs().where(Run.state == state)
    return keyset_page(statement, Run.id, Run.id, after=after, descending=True)


def runs_of_days(days: Sequence[date]) -> Sequence[Run]:
    """Runs of these days that wait or are on the road, by day and folio."""
    found = _runs().where(Run.state.in_(UNDER_WAY), Run.day.in_(days))
    return db.session.scalars(found.order_by(Run.day, Run.folio, Run.id)).all()


def planned_runs() -> Sequence[Run]:
    """Runs that may still get stops, by day."""
    return db.session.scalars(_runs().where(Run.state == RunState.PLANNED).order_by(Run.day, Run.id)).all()


def stop_counts(of: Sequence[Run]) -> Mapping[int, int]:
    """How many deliveries each of these runs has, by its id; runs without any left out."""
    counted = select(Delivery.run_id, func.count()).where(Delivery.run_id.in_([run.id for run in of]))
    rows = db.session.execute(counted.group_by(Delivery.run_id).order_by(Delivery.run_id))
    return {run_id: number for run_id, number in rows if run_id is not None}


def get_team(team_id: int) -> Team:
    """A team with its members; NotFound otherwise."""
    members = selectinload(Team.members).joinedload(TeamMember.user)
    return one_or_refuse(select(Team).options(members).where(Team.id == plausible(team_id)))


def teams() -> Sequence[Team]:
    """Live teams with their members, by name."""
    members = selectinload(Team.members).joinedload(TeamMember.user)
    return db.session.scalars(select(Team).options(members).where(Team.ended_at.is_(None)).order_by(Team.name)).all()


def member_of(user: User) -> TeamMember | None:
    """The user's place in a live team."""
    place = select(TeamMember).options(joinedload(TeamMember.team))
    return db.session.scalar(place.where(TeamMember.user_id == user.id, TeamMember.left_at.is_(None)))


def leaders() -> list[tuple[User, Team]]:
    """Officers who can lead a run, with their team, by team and name."""
    able = {user.id: user for user in officers()}
    placed = [(able[one.user_id], team) for team in teams() for one in team.members if one.user_id in able]
    return sorted(placed, key=lambda pair: (pair[1].name, pair[0].name, pair[0].id))


def officers_without_team() -> list[User]:
    """Officers who can carry and are in no live team, by id."""
    placed = set(db.session.scalars(select(TeamMember.user_id).where(TeamMember.left_at.is_(None)).order_by("user_id")))
    return [user for user in officers() if user.id not in placed]


def vehicles() -> Sequence[Vehicle]:
    """Vehicles in use, by name."""
    return db.session.scalars(select(Vehicle).where(Vehicle.ended_at.is_(None)).order_by(Vehicle.name)).all()


def get_vehicle(vehicle_id: int) -> Vehicle:
    """A vehicle; NotFound otherwise."""
    return get_or_refuse(Vehicle, vehicle_id)


def drives(user: User, vehicle: Vehicle) -> bool:
    """Whether the user's team has a run with this vehicle, planned or on the road."""
    own = select(Run.id).join(TeamMember, and_(TeamMember.team_id == Run.team_id, TeamMember.left_at.is_(None)))
    found = own.where(TeamMember.user_id == user.id, Run.vehicle_id == vehicle.id, Run.state.in_(UNDER_WAY))
    return db.session.scalar(found.limit(1)) is not None


def is_needed(*what: ColumnElement[bool]) -> bool:
    """Whether a run with this team, vehicle or officer is planned or on the road."""
    return db.session.scalar(select(Run.id).where(Run.state.in_(UNDER_WAY), *what).limit(1)) is not None


def carried_on(run: Run) -> list[Delivery]:
    """What the team of this run still carries, whatever its state, in the order of its stops. What the warehouse has
    counted is no longer in the vehicle."""
    counted = set(
        db.session.scalars(select(ReturnCount.delivery_id).join(Delivery).where(Delivery.run_id == run.id)).all()
    )
    return [kit for kit in kits_of(run) if kit.carried_since is not None and kit.id not in counted]


def kits_of(run: Run, *states: DeliveryState) -> Sequence[Delivery]:
    """The run's deliveries in these states (all when none is named), in the order of its stops."""
    statement = select(Delivery).options(
        joinedload(Delivery.canton),
        joinedload(Delivery.person).load_only(Person.folio, Person.canton_code),
        joinedload(Delivery.alternate),
        joinedload(Delivery.risk_snapshot),
        joinedload(Delivery.award),
        selectinload(Delivery.lines),
    )
    if states:
        statement = statement.where(Delivery.state.in_(states))
    own = statement.where(Delivery.run_id == run.id)
    return db.session.scalars(own.order_by(Delivery.stop_position, Delivery.id)).unique().all()


def list_mark(kits: Iterable[Delivery]) -> str:
    """Tells one list of kits from another, in whatever order, and a kit from itself after it was changed."""
    parts = sorted((kit.id, kit.digest_over(kit.receiver_folio)) for kit in kits)
    return lookup_hash("kits", "|".join(f"{number}:{digest}" for number, digest in parts)).hex()


def get_kit(run: Run, delivery_id: int) -> Delivery:
    """A delivery of this run; NotFound otherwise."""
    found = next((kit for kit in kits_of(run) if kit.id == delivery_id), None)
    if found is None:
        raise NotFound
    return found


def cleared_deliveries(*, canton_code: str = "", after: str | None = None) -> Page[Delivery]:
    """A page of deliveries that wait for a run, of one canton or all, by folio: as many as a form gives stops to."""
    statement = select(Delivery).options(
        joinedload(Delivery.canton),
        joinedload(Delivery.award),
        joinedload(Delivery.person).load_only(Person.folio, Person.canton_code),
    )
    waiting = statement.where(Delivery.state == DeliveryState.CLEARED)
    if canton_code:
        waiting = waiting.where(Delivery.canton_code == canton_code)
    return keyset_page(waiting, Delivery.folio, Delivery.id, after=after, size=MOST_CLEARED)


def cantons_with_cleared() -> Sequence[Canton]:
    """Cantons where deliveries wait for a run, by name."""
    waiting = select(Delivery.canton_code).where(Delivery.state == DeliveryState.CLEARED)
    return db.session.scalars(select(Canton).where(Canton.code.in_(waiting)).order_by(Canton.name, Canton.code)).all()


def caps_usd() -> dict[int, int]:
    """What a team may carry at each level, in USD."""
    version = protocol_in_force()
    if version is None:
        return {level: asked.cap_usd for level, asked in DEFAULT_LEVELS.items()}
    return {int(level): int(asked["cap_usd"]) for level, asked in version.levels.items()}


def lowest_cap_usd(deliveries: Sequence[Delivery]) -> int:
    """The cap that holds for these deliveries together: the lowest of their levels', in USD."""
    caps = caps_usd()
    return min(caps[level] for level in {one.level or max(caps) for one in deliveries})


def caps_on_the_road_usd(team_ids: Collection[int]) -> dict[int, int]:
    """The cap that holds now for what each of these teams carries, in USD; teams that carry nothing left out.

    Read from the table in force. A kit counts at the level it was cleared for, or at its canton's if that was raised.
    """
    carried = select(Run.team_id, Delivery.canton_code, Delivery.level).join(Run, Run.id == Delivery.run_id)
    carried = carried.where(Run.team_id.in_(team_ids), Delivery.carried_since.is_not(None)).distinct()
    rows = db.session.execute(carried.order_by(Run.team_id, Delivery.canton_code, Delivery.level)).all()
    caps, snapshots = caps_usd(), newest_snapshots({canton for _team, canton, _level in rows})
    lowest: dict[int, int] = {}
    for team_id, canton, level in rows:
        known = snapshots.get(canton)  # expired or not: what is not known anew is no safer than it was
        cap = caps[max(level or max(caps), known.level if known else 0)]
        lowest[team_id] = min(cap, lowest.get(team_id, cap))
    return lowest


@dataclass(frozen=True, slots=True)
class Load:
    """The value of a run's stops against the cap of their levels, beside what its team carries already."""

    value_usd: Decimal
    cap_usd: int
    carried_usd: Decimal  # by the team, in other runs

    @property
    def headroom_usd(self) -> Decimal:
        """What could still be added; below zero when it is too much."""
        return self.cap_usd - self.carried_usd - self.value_usd


def load_of(run: Run, kits: Sequence[Delivery]) -> Load:
    """What the run's scheduled kits weigh in money. Without kits the cap is the lowest of all levels."""
    stops = [kit for kit in kits if kit.state is DeliveryState.SCHEDULED]
    cap = lowest_cap_usd(stops) if stops else min(caps_usd().values())
    cap = min(cap, caps_on_the_road_usd([run.team_id]).get(run.team_id, cap))
    return Load(sum((kit.value_usd for kit in stops), Decimal("0.00")), cap, run.team.value_out_usd)


@dataclass(frozen=True, slots=True)
class Balance:
    """What a team's counter says it carries, and what the deliveries say."""

    team: Team
    counted_usd: Decimal
    carried_usd: Decimal

    @property
    def holds(self) -> bool:
        return self.counted_usd == self.carried_usd


def balances() -> list[Balance]:
    """Each team's counter against the sum of the kits it carries, by id."""
    carried = (
        select(Run.team_id, func.sum(Delivery.value_usd))
        .join(Run, Run.id == Delivery.run_id)
        .where(Delivery.carried_since.is_not(None))
        .group_by(Run.team_id)
        .order_by(Run.team_id)
    )
    sums = dict(db.session.execute(carried).all())
    found = db.session.scalars(select(Team).order_by(Team.id).execution_options(populate_existing=True))
    return [Balance(team, team.value_out_usd, Decimal(sums.get(team.id) or 0)) for team in found]


def _runs() -> Select[Run]:
    return select(Run).options(joinedload(Run.team), joinedload(Run.vehicle), joinedload(Run.officer))
