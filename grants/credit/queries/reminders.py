"""Whom to remind: accounts that work with credit, and what waits for each."""

from collections.abc import Sequence
from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, String, select, type_coerce

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.credit.models import CreditReminder, Institution, LiaisonPost, ReminderKind
from grants.credit.queries import queues
from grants.credit.queries.gone import referral_in_time
from grants.credit.queries.queues import BOARD_QUEUES, OWN_QUEUES, Queue
from grants.credit.queries.referrals import own_and_consented


class Liaison(NamedTuple):
    """An active liaison with the institution that they work for."""

    user: User
    institution: Institution


def liaisons() -> Sequence[Liaison]:
    """Active accounts that still are liaisons, at active institutions, in the order of their accounts."""
    statement = (
        select(User, Institution)
        .join(LiaisonPost, LiaisonPost.user_id == User.id)
        .join(Institution, Institution.id == LiaisonPost.institution_id)
        .where(Institution.is_active, *_active(Role.LIAISON))
        .order_by(User.id)
    )
    return [Liaison(*row) for row in db.session.execute(statement)]


def coordinators() -> Sequence[User]:
    """Active coordinators, in the order of their accounts."""
    return db.session.scalars(select(User).where(*_active(Role.COORDINATOR)).order_by(User.id)).all()


def own_counts(institution: Institution, today: date) -> dict[Queue, int]:
    """How long the lists of this institution's liaisons are, those about to expire among them."""
    return queues.counts(own_and_consented(institution), (*OWN_QUEUES, Queue.EXPIRING), today)


def all_counts(today: date) -> dict[Queue, int]:
    """How long the lists of the board are."""
    return queues.counts(referral_in_time(today), BOARD_QUEUES, today)


def next_expiry(institution: Institution, today: date) -> date | None:
    """The last day of the referral that expires next, of those that expire soon."""
    page = queues.referrals_in(Queue.EXPIRING, own_and_consented(institution), today, size=1)
    return page.items[0].expires_on if page.items else None


def was_made(user: User, kind: ReminderKind, about: str) -> bool:
    """Whether this reminder was made already."""
    statement = select(CreditReminder.id).where(
        CreditReminder.user_id == user.id, CreditReminder.kind == kind, CreditReminder.about == about
    )
    return db.session.scalar(statement) is not None


def _active(role: Role) -> tuple[ColumnElement[bool], ...]:
    # Roles are words in one column, and no other role contains these words.
    holds = type_coerce(User.roles, String).contains(role.value)
    return (User.deactivated_at.is_(None), User.suspended_at.is_(None), holds)
