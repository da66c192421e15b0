"""Referrals that nobody took on, and what they were followed by: for who follows all institutions, never a liaison."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.orm import aliased, joinedload

from grants.core.db import Page, db, keyset_page, one_or_refuse
from grants.credit.models import DeclineReason, Referral, ReferralState
from grants.credit.queries.gone import referral_in_time
from grants.credit.queries.institutions import findable
from grants.credit.queries.referrals import linkages_in_time
from grants.people.models import Consent, Person


@dataclass(frozen=True, slots=True)
class Chain:
    """The referral in whose place this one came, and the one that came in its place."""

    before: Referral | None
    after: Referral | None


def is_to_send_on(today: date | None = None) -> ColumnElement[bool]:
    """Declined and expired referrals of people who were not referred since. Needs Referral joined with its Consent.

    Not those who did not want to go on, nor those who took the consent back, nor what may no longer be shown.
    """
    later = aliased(Referral)
    return and_(
        Referral.state.in_((ReferralState.DECLINED, ReferralState.EXPIRED)),
        or_(Referral.decline_reason.is_(None), Referral.decline_reason != DeclineReason.CLIENT_WITHDREW.value),
        Consent.revoked_at.is_(None),
        ~exists().where(later.person_id == Referral.person_id, later.id > Referral.id),
        referral_in_time(today),
    )


def to_send_on(*, after: str | None) -> Page[Referral]:
    """Those to send on, that have waited longest first."""
    statement = _with_names().join(Referral.consent).where(is_to_send_on())
    return keyset_page(statement, Referral.id, Referral.id, after=after)


def to_reassign(referral_id: int) -> Referral:
    """The referral with the person and what they wanted, or 404."""
    person = joinedload(Referral.person)
    statement = _with_names().options(
        linkages_in_time(), person.joinedload(Person.canton), person.selectinload(Person.contact_points)
    )
    return one_or_refuse(statement.where(Referral.id == findable(referral_id)))


def chain_of(referral: Referral) -> Chain:
    """What was before and after, each with its institution."""
    before = after = None
    if referral.reassigned_from_id is not None:
        before = db.session.scalars(_with_names().where(Referral.id == referral.reassigned_from_id)).one_or_none()
    after = db.session.scalars(_with_names().where(Referral.reassigned_from_id == referral.id)).one_or_none()
    return Chain(before, after)


def _with_names() -> Select[Referral]:
    return (
        select(Referral)
        .options(joinedload(Referral.person), joinedload(Referral.institution))
        .where(referral_in_time())
    )  # fmt: skip
