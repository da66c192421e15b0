"""Referrals: which of them a reader may see, and what the page of a new one needs."""

from sqlalchemy import ColumnElement, Select, and_, exists, false, select
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from grants.access.models import User
from grants.access.permissions import Permission
from grants.core.db import Page, db, keyset_page, one_or_refuse
from grants.credit.models import ENDED_REFERRAL_STATES, OPEN_REFERRAL_STATES, Institution, Referral, ReferralState
from grants.credit.queries.gone import linkage_in_time, referral_in_time
from grants.credit.queries.institutions import findable, liaison_institution
from grants.people.models import Consent, ConsentPurpose, ConsentText, Person


def own_and_consented(institution: Institution | None) -> ColumnElement[bool]:
    """What a liaison of this institution may see. Needs Referral joined with its Consent."""
    if institution is None:
        return false()
    onward = aliased(Referral)
    return and_(
        Referral.institution_id == institution.id,
        Referral.state.not_in(ENDED_REFERRAL_STATES),
        ~exists().where(onward.reassigned_from_id == Referral.id),  # a declined one that was sent on stays declined
        Consent.revoked_at.is_(None),
        referral_in_time(),
    )


def visible_to(user: User) -> ColumnElement[bool]:
    """All for who follows linkages, one's own institution for a liaison, nothing for anybody else."""
    if user.may(Permission.VIEW_LINKAGE):
        return referral_in_time()
    if user.may(Permission.LOG_LINKAGE):
        return own_and_consented(liaison_institution(user))
    return false()


def referrals_visible_to(user: User) -> Select[Referral]:
    """The referrals that this user may see, with the person and the institution. Unordered."""
    return _with_person().where(visible_to(user))


def get_referral(user: User, referral_id: int) -> Referral:
    """A referral that the user may see, with all that its page shows, or 404."""
    statement = referrals_visible_to(user).options(*_page_of_one())
    return one_or_refuse(statement.where(Referral.id == findable(referral_id)))


def get_own_referral(user: User, referral_id: int) -> Referral:
    """A referral of the liaison's own institution, or 404."""
    statement = _with_person().where(own_and_consented(liaison_institution(user))).options(*_page_of_one())
    return one_or_refuse(statement.where(Referral.id == findable(referral_id)))


def own_referrals_page(
    institution: Institution, *, state: ReferralState | None, after: str | None
) -> Page[Referral]:  # fmt: skip
    """The institution's referrals with their linkages, those that have waited longest first."""
    statement = _with_person().where(own_and_consented(institution)).options(linkages_in_time())
    if state is not None:
        statement = statement.where(Referral.state == state)
    return keyset_page(statement, Referral.id, Referral.id, after=after)


def referrals_of_person(person: Person) -> list[Referral]:
    """Every referral of a person, newest first: for those who may refer, never for a liaison."""
    statement = (
        select(Referral)
        .options(joinedload(Referral.institution), linkages_in_time())
        .where(Referral.person_id == person.id, referral_in_time())
        .order_by(Referral.id.desc())
    )
    return list(db.session.scalars(statement))


def open_referral(person: Person, institution_id: int | None) -> Referral | None:
    """The person's referral to this institution that is still open."""
    statement = select(Referral).where(
        Referral.person_id == person.id,
        Referral.institution_id == findable(institution_id if institution_id is not None else -1),
        Referral.state.in_(OPEN_REFERRAL_STATES),
        referral_in_time(),
    )
    return db.session.scalars(statement).one_or_none()


def get_person(person_id: int) -> Person:
    """The person with what a referral shares, or 404."""
    statement = select(Person).options(joinedload(Person.canton), selectinload(Person.contact_points))
    return one_or_refuse(statement.where(Person.id == findable(person_id)))


def consent_texts() -> list[ConsentText]:
    """The words to read out before sharing with an institution: the newest version in each language."""
    statement = (
        select(ConsentText)
        .where(ConsentText.purpose == ConsentPurpose.REFERRAL)
        .order_by(ConsentText.language, ConsentText.version)
    )
    newest = {text.language: text for text in db.session.scalars(statement)}
    return list(newest.values())


def _with_person() -> Select[Referral]:
    return (
        select(Referral)
        .join(Referral.consent)
        .options(
            contains_eager(Referral.consent),
            joinedload(Referral.person).joinedload(Person.canton),
            joinedload(Referral.institution),
        )
    )


def _page_of_one() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(Referral.person).selectinload(Person.contact_points),
        linkages_in_time(),
        joinedload(Referral.referred_by),
        joinedload(Referral.product),
        contains_eager(Referral.consent).joinedload(Consent.text),
    )


def linkages_in_time() -> ExecutableOption:
    """Load with a referral those of its linkages that may be shown."""
    return selectinload(Referral.linkages.and_(linkage_in_time()))
