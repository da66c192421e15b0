"""Questions about incidents. What was told is for those who follow them up."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, Select, case, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.access.permissions import Permission
from grants.core.db import Page, db, keyset_page, one_or_refuse
from grants.delivery.models import Delivery, Incident, IncidentEntry, IncidentState, Run, TeamMember, Urgency
from grants.delivery.queries.risk import risk_sign
from grants.delivery.queries.told import carried_by
from grants.people.folio import normal_folio
from grants.people.models import Canton

COUNTED_FOR = timedelta(days=30)
SHOWN_TO_REPORTER = 20


def get_incident(incident_id: int, *, reader: User) -> Incident:
    """An incident with its follow-up; NotFound otherwise."""
    whole = _incidents(reader).options(selectinload(Incident.entries).joinedload(IncidentEntry.by))
    return one_or_refuse(whole.where(Incident.id == incident_id))


def incidents_page(*, reader: User, state: IncidentState | None = None, after: str | None = None) -> Page[Incident]:
    """Incidents, the newest first; those that are not closed when no state is named."""
    wanted = Incident.state == state if state else Incident.state != IncidentState.CLOSED
    return keyset_page(_incidents(reader).where(wanted), Incident.id, Incident.id, after=after, descending=True)


def open_incidents(reader: User, *, limit: int) -> Sequence[Incident]:
    """Incidents that are not closed: the most urgent first, of those the new ones, of those the oldest."""
    left = _incidents(reader).where(Incident.state != IncidentState.CLOSED)
    urgency = case({one: place for place, one in enumerate(Urgency)}, value=Incident.urgency)
    in_order = (urgency, Incident.state == IncidentState.FOLLOWING, Incident.id)
    return db.session.scalars(left.order_by(*in_order).limit(limit)).unique().all()


def open_incidents_count(reader: User) -> int:
    """How many incidents are not closed."""
    left = select(func.count(Incident.id)).where(Incident.state != IncidentState.CLOSED, _is_for(reader))
    return db.session.scalar(left) or 0


def reported_by(user: User) -> Sequence[Incident]:
    """What this person reported, the newest first: for a list that says no more than "received"."""
    own = select(Incident).where(Incident.reported_by_id == user.id)
    return db.session.scalars(own.order_by(Incident.id.desc()).limit(SHOWN_TO_REPORTER)).all()


def may_follow(incident: Incident, user: User) -> bool:
    """Whether this person may read it and write its next step."""
    own = select(Incident.id).where(Incident.id == incident.id, _is_for(user))
    return user.may(Permission.FOLLOW_INCIDENT) and db.session.scalar(own) is not None


def followers(incident: Incident) -> list[User]:
    """Active people who may follow this incident up, by id."""
    active = select(User).where(User.deactivated_at.is_(None), User.suspended_at.is_(None)).order_by(User.id)
    return [user for user in db.session.scalars(active) if may_follow(incident, user)]


def cantons() -> Sequence[Canton]:
    """All cantons by name."""
    return db.session.scalars(select(Canton).order_by(Canton.name, Canton.code)).all()


def named_delivery(typed: str) -> Delivery | None:
    """The delivery of a folio, as typed; None when there is none."""
    return db.session.scalar(select(Delivery).where(Delivery.folio == (normal_folio(typed) or "")))


def named_run(typed: str) -> Run | None:
    """The run of a folio, as typed; None when there is none."""
    return db.session.scalar(select(Run).where(Run.folio == (normal_folio(typed) or "")))


def incidents_by_canton(now: datetime) -> dict[str, int]:
    """Incidents of the last 30 days by canton; cantons without any are left out."""
    lately = select(Incident.canton_code, func.count()).where(
        Incident.happened_at > now - COUNTED_FOR, Incident.happened_at <= now
    )  # fmt: skip
    grouped = lately.group_by(Incident.canton_code).order_by(Incident.canton_code)
    return {code: number for code, number in db.session.execute(grouped)}  # noqa: C416 -- typed


@risk_sign(_("Incidents of the last 30 days"))
def _incidents_as_sign(now: datetime) -> dict[str, tuple[int, int | None]]:
    return {code: (number, None) for code, number in incidents_by_canton(now).items()}


def _is_for(reader: User) -> ColumnElement[bool]:
    """What others tell of a delivery or a run that the reader's team carried is for others: it may be what the person
    said of the team. What the team reported itself is for them too."""
    own_runs = select(Run.id).join(TeamMember, TeamMember.team_id == Run.team_id).where(TeamMember.user_id == reader.id)
    own_kits = select(Delivery.id).where(carried_by(reader))
    of_kit = select(Delivery.run_id).where(Delivery.id == Incident.delivery_id).correlate(Incident).scalar_subquery()
    by_the_team = (
        select(TeamMember.id)
        .join(Run, Run.team_id == TeamMember.team_id)
        .where(TeamMember.user_id == Incident.reported_by_id, or_(Run.id == Incident.run_id, Run.id == of_kit))
        .correlate(Incident)
    )
    is_about_own = or_(
        Incident.run_id.is_not(None) & Incident.run_id.in_(own_runs),
        Incident.delivery_id.is_not(None) & Incident.delivery_id.in_(own_kits),
    )
    return or_(~is_about_own, by_the_team.exists())


def _incidents(reader: User) -> Select[Incident]:
    return (
        select(Incident)
        .where(_is_for(reader))
        .options(
            joinedload(Incident.canton),
            joinedload(Incident.delivery),
            joinedload(Incident.run),
            joinedload(Incident.assigned_to),
            joinedload(Incident.reported_by),
        )
    )
