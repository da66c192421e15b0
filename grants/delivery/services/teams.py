"""Teams and what they drive."""

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import Run, Team, TeamMember, Vehicle

TAKEN = _("There is one with this name already. Choose another name.")


def make_team(name: str, *, by: User, now: datetime) -> Team:
    """A team without members yet. Names are never used again: runs of the past keep theirs."""
    team = Team(name=" ".join(name.split()), value_out_cents=0, created_at=now)
    _keep(team)
    journal.record(by, "team.made", team, at=now)
    return team


def join_team(officer: User, team: Team, *, by: User, now: datetime) -> None:
    """An officer goes out with this team, and with no other until they leave it."""
    _claim(team)
    if not officer.is_a(Role.OFFICER) or not officer.is_active:
        raise RuleBroken(_("Choose an active logistics officer."), field="officer")
    before = select(TeamMember).where(TeamMember.team_id == team.id, TeamMember.user_id == officer.id)
    place = db.session.scalar(before) or TeamMember(team_id=team.id, user_id=officer.id)
    try:
        with db.session.begin_nested():
            place.left_at = None
            db.session.add(place)
    except IntegrityError as error:
        raise RuleBroken(_("This person is in a team already. They leave it first."), field="officer") from error
    db.session.expire(team, ["members"])
    journal.record(by, "team.joined", team, at=now, user_id=officer.id)


def leave_team(officer: User, team: Team, *, by: User, now: datetime) -> None:
    """The officer no longer goes out with this team; not while they lead a run of it."""
    _claim(team)
    gone = update(TeamMember).where(TeamMember.team_id == team.id, TeamMember.user_id == officer.id)
    if rows_hit(db.session.execute(gone.where(TeamMember.left_at.is_(None)).values(left_at=now))) != 1:
        raise RuleBroken(_("This person is not in this team."))
    if queries.is_needed(Run.officer_id == officer.id, Run.team_id == team.id):
        raise RuleBroken(_("This officer leads a run that is planned or on the road. Cancel it or wait for its end."))
    db.session.expire(team, ["members"])
    journal.record(by, "team.left", team, at=now, user_id=officer.id)


def end_team(team: Team, *, by: User, now: datetime) -> None:
    """The team goes out no more, and its members are free for another."""
    _claim(team)
    # After the row is claimed, so that no run is planned between the question and the end.
    if queries.is_needed(Run.team_id == team.id):
        raise RuleBroken(_("This team has a run that is planned or on the road. Cancel it or wait for its end."))
    if team.value_out_cents:
        raise RuleBroken(_("This team still carries kits. Wait until they are handed over or back."))
    db.session.execute(
        update(TeamMember).where(TeamMember.team_id == team.id, TeamMember.left_at.is_(None)).values(left_at=now)
    )
    team.ended_at = now
    db.session.flush()
    journal.record(by, "team.ended", team, at=now)


def add_vehicle(name: str, plate: str, *, by: User, now: datetime) -> Vehicle:
    """A vehicle that runs may use. Its plate is kept encrypted."""
    vehicle = Vehicle(name=" ".join(name.split()), created_at=now)
    vehicle.plate = " ".join(plate.upper().split())
    _keep(vehicle)
    journal.record(by, "vehicle.added", vehicle, at=now)
    return vehicle


def end_vehicle(vehicle: Vehicle, *, by: User, now: datetime) -> None:
    """The vehicle is used no more."""
    ended = update(Vehicle).where(Vehicle.id == vehicle.id, Vehicle.ended_at.is_(None)).values(ended_at=now)
    if rows_hit(db.session.execute(ended)) != 1:
        raise RuleBroken(_("This vehicle is no longer in use."))
    if queries.is_needed(Run.vehicle_id == vehicle.id):
        raise RuleBroken(_("A run that is planned or on the road uses this vehicle. Cancel it or wait for its end."))
    journal.record(by, "vehicle.ended", vehicle, at=now)


def note_plate_seen(vehicle: Vehicle, *, by: User, now: datetime) -> None:
    """Somebody looked at the plate."""
    journal.record(by, "vehicle.plate_seen", vehicle, at=now)


def _claim(team: Team) -> None:
    live = update(Team).where(Team.id == team.id, Team.ended_at.is_(None)).values(ended_at=None)
    if rows_hit(db.session.execute(live, execution_options={"synchronize_session": False})) != 1:
        raise RuleBroken(_("This team has ended."))
    db.session.refresh(team)


def _keep(row: Team | Vehicle) -> None:
    try:
        with db.session.begin_nested():
            db.session.add(row)
    except IntegrityError as error:
        raise RuleBroken(TAKEN, field="name") from error
