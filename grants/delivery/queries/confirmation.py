"""What a confirmation at a level needs: other officers, codes that were given, who receives, a number to send to."""

from collections.abc import Sequence
from datetime import datetime
from typing import TypeVar

from sqlalchemy import and_, func, or_, select
from sqlalchemy.orm import joinedload

from grants.access.models import AttemptCounter, Factor, FactorKind, User
from grants.access.permissions import Role
from grants.core.db import db
from grants.core.journal import JournalEntry
from grants.delivery.levels import DEFAULT_LEVELS, LEVELS, Factors, LevelRules
from grants.delivery.models import (
    AlternateCollector,
    ControlCode,
    Delivery,
    DeliveryState,
    Duty,
    DutyHeld,
    OfficerPin,
    PhoneCode,
    Run,
    TeamMember,
)
from grants.delivery.queries.risk import protocol_in_force
from grants.people.models import ContactKind, ContactPoint, Person

MOST_AT_POINTS = 100
Spoken = TypeVar("Spoken", ControlCode, PhoneCode)


def second_officers(delivery: Delivery) -> list[User]:
    """Officers of the run's team who can vouch beside its lead: active, with code and PIN, no other duty; by id."""
    team = select(Run.team_id).where(Run.id == delivery.run_id).scalar_subquery()
    busy = select(DutyHeld.id).where(DutyHeld.delivery_id == delivery.id, DutyHeld.user_id == User.id)
    statement = (
        select(User)
        .join(TeamMember, TeamMember.user_id == User.id)
        .join(Factor, (Factor.user_id == User.id) & (Factor.kind == FactorKind.DELIVERY))
        .join(OfficerPin, OfficerPin.user_id == User.id)
        .where(TeamMember.team_id == team, TeamMember.left_at.is_(None), User.id != delivery.officer_id)
        .where(Factor.confirmed_at.is_not(None))
        .where(User.deactivated_at.is_(None), User.suspended_at.is_(None), ~busy.exists())
        .order_by(User.id)
    )
    return [user for user in db.session.scalars(statement) if user.is_a(Role.OFFICER)]


def live_code(table: type[Spoken], delivery: Delivery) -> Spoken | None:
    """The delivery's only code of a kind that was neither used nor followed by a newer one, expired or not."""
    live = select(table).where(table.delivery_id == delivery.id, table.used_at.is_(None), table.ended_at.is_(None))
    return db.session.scalar(live.order_by(table.id))


def last_turn(table: type[Spoken], delivery: Delivery) -> int:
    """How many codes of a kind this delivery had."""
    return db.session.scalar(select(func.max(table.turn)).where(table.delivery_id == delivery.id)) or 0


def given_since(table: type[Spoken], delivery: Delivery, moment: datetime) -> int:
    """How many codes of a kind were given after a moment."""
    given = select(func.count()).select_from(table).where(table.delivery_id == delivery.id, table.given_at > moment)
    return db.session.scalar(given) or 0


def failures(kind: str, subject: str) -> int:
    """How many wrong attempts in a row a counter holds."""
    counted = select(AttemptCounter.fails).where(AttemptCounter.kind == kind, AttemptCounter.subject == subject)
    return db.session.scalar(counted) or 0


def duty_of(delivery: Delivery, user: User) -> Duty | None:
    """The part that the person has in this delivery."""
    held = select(DutyHeld.duty).where(DutyHeld.delivery_id == delivery.id, DutyHeld.user_id == user.id)
    return db.session.scalar(held)


def own_phone(person: Person) -> ContactPoint | None:
    """The person's own working number that is safe to use, the longest known first."""
    statement = select(ContactPoint).where(
        ContactPoint.person_id == person.id,
        ContactPoint.kind.in_((ContactKind.PHONE, ContactKind.WHATSAPP)),
        ContactPoint.safe_to_call,
        ContactPoint.failed_on.is_(None),
    )
    found = db.session.scalars(statement.order_by(ContactPoint.added_at, ContactPoint.id))
    return next((point for point in found if not point.owner), None)


def wrote_down(user: User, point: ContactPoint) -> bool:
    """Whether this user is who gave the application this way of contact, by itself or with its person."""
    added = (JournalEntry.action == "contact_point.added", JournalEntry.subject_id == point.id)
    registered = (JournalEntry.action == "person.registered", JournalEntry.subject_id == point.person_id)
    found = select(JournalEntry.id).where(JournalEntry.actor_id == user.id, or_(and_(*added), and_(*registered)))
    return db.session.scalar(found.limit(1)) is not None


def live_alternate(award_id: int) -> AlternateCollector | None:
    """Who may receive in the beneficiary's place."""
    statement = select(AlternateCollector).where(
        AlternateCollector.award_id == award_id, AlternateCollector.revoked_at.is_(None)
    )
    return db.session.scalar(statement.order_by(AlternateCollector.id))


def registered_by(alternate_id: int) -> int | None:
    """The id of who registered an alternate collector."""
    return db.session.scalar(select(AlternateCollector.registered_by_id).where(AlternateCollector.id == alternate_id))


def waiting_for_control_code() -> Sequence[Delivery]:
    """Deliveries at their point whose level takes a control-room code, by folio."""
    version = protocol_in_force()
    table = {n: LevelRules.from_json(version.levels[str(n)]) for n in LEVELS} if version else DEFAULT_LEVELS
    levels = [number for number, rules in table.items() if rules.factors is Factors.TWO_A_B_CONTROL]
    statement = select(Delivery).options(joinedload(Delivery.canton), joinedload(Delivery.officer))
    at_points = statement.where(Delivery.state == DeliveryState.AT_POINT, Delivery.level.in_(levels))
    return db.session.scalars(at_points.order_by(Delivery.folio, Delivery.id).limit(MOST_AT_POINTS)).all()
