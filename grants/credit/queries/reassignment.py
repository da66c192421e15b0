"""Referrals that nobody took on, and what they were followed by: for who follows all institutions, never a liaison."""

from dataclasses import dataclass

from sqlalchemy import Select, exists, or_, select
from sqlalchemy.orm import aliased, joinedload, selectinload

from grants.core.db import Page, db, keyset_page, one_or_refuse
from grants.credit.models import DeclineReason, Referral, ReferralState
from grants.credit.queries.institutions import findable
from grants.people.models import Consent, Person


@dataclass(frozen=True, slots=True)
class Chain:
    """The referral in whose place this one came, and the one that came in its place."""

    before: Referral | None
    after: Referral | None


def to_send_on(*, after: str | None) -> Page[Referral]:
    """Declined and expired referrals of people who were not referred since, those that have waited longest first.

    Not those who did not want to go on, nor those who took the consent back.
    """
    later = aliased(Referral)
    since = exists().where(later.person_id == Referral.person_id, later.id > Referral.id)
    statement = (
        _with_names()
        .join(Referral.consent)
        .where(
            Referral.state.in_((ReferralState.DECLINED, ReferralState.EXPIRED)),
            or_(Referral.decline_reason.is_(None), Referral.decline_reason != DeclineReason.CLIENT_WITHDREW.value),
            Consent.revoked_at.is_(None),
            ~since,
        )
    )
    return keyset_page(statement, Referral.id, Referral.id, after=after)


def to_reassign(referral_id: int) -> Referral:
    """The referral with the person and what they wanted, or 404."""
    person = joinedload(Referral.person)
    statement = _with_names().options(
        selectinload(Referral.linkages), person.joinedload(Person.canton), person.selectinload(Person.contact_points)
    )
    return one_or_refuse(statement.where(Referral.id == findable(referral_id)))


def chain_of(referral: Referral) -> Chain:
    """What was before and after, each with its institution."""
    before = after = None
    if referral.reassigned_from_id is not None:
        before = db.session.scalars(_with_names().where(Referral.id == referral.reassigned_from_id)).one()
    after = db.session.scalars(_with_names().where(Referral.reassigned_from_id == referral.id)).one_or_none()
    return Chain(before, after)


def _with_names() -> Select[Referral]:
    return select(Referral).options(joinedload(Referral.person), joinedload(Referral.institution))
