"""Questions about runs and teams."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload, selectinload

from grants.core.db import db, get_or_refuse, one_or_refuse
from grants.core.errors import NotFound
from grants.delivery.models import Delivery, DeliveryState, Run, Team
from grants.delivery.queries.risk import rules
from grants.people.models import Person

BIGGEST_ID = 2**31


def get_run(run_id: int) -> Run:
    """A run with its team, vehicle and officer; NotFound otherwise."""
    if not 0 <= run_id < BIGGEST_ID:
        raise NotFound
    whole = select(Run).options(joinedload(Run.team), joinedload(Run.vehicle), joinedload(Run.officer))
    return one_or_refuse(whole.where(Run.id == run_id))


def get_team(team_id: int) -> Team:
    """A team; NotFound otherwise."""
    return get_or_refuse(Team, team_id)


def kits_of(run: Run, *states: DeliveryState) -> Sequence[Delivery]:
    """The run's deliveries in these states (all when none is named), in the order of its stops."""
    statement = select(Delivery).options(
        joinedload(Delivery.canton),
        joinedload(Delivery.person).load_only(Person.folio),
        joinedload(Delivery.alternate),
        joinedload(Delivery.risk_snapshot),
        joinedload(Delivery.award),
        selectinload(Delivery.lines),
    )
    if states:
        statement = statement.where(Delivery.state.in_(states))
    own = statement.where(Delivery.run_id == run.id)
    return db.session.scalars(own.order_by(Delivery.stop_position, Delivery.id)).unique().all()


def lowest_cap_usd(deliveries: Sequence[Delivery]) -> int:
    """The cap that holds for these deliveries together: the lowest of their levels', in USD."""
    return min(rules(level).cap_usd for level in {one.level or 3 for one in deliveries})
