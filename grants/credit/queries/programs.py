"""What a program reads: referrals by folio, and movements of a credit."""

from sqlalchemy import Select, select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.core.db import Page, keyset_page, one_or_refuse
from grants.credit.models import CreditMovement, Linkage, Referral, ReferralState
from grants.credit.queries.institutions import liaison_institution
from grants.credit.queries.referrals import linkages_in_time, own_and_consented, referrals_visible_to
from grants.people.folio import normal_folio
from grants.people.models import Person


def referrals_page(user: User, *, state: ReferralState | None, after: str | None) -> Page[Referral]:
    """What the user may see with the linkages, those sent first at the start."""
    statement = _whole(referrals_visible_to(user))
    if state is not None:
        statement = statement.where(Referral.state == state)
    return keyset_page(statement, Referral.id, Referral.id, after=after)


def referral_by_folio(user: User, folio: str, *, own: bool = False) -> Referral:
    """By its public reference, as far as the user may see; `own`: only as its liaison. 404 otherwise."""
    statement = _whole(referrals_visible_to(user))
    if own:
        statement = statement.where(own_and_consented(liaison_institution(user)))
    return one_or_refuse(statement.where(Referral.folio == _folio(folio)))


def movements_page(linkage: Linkage, *, after: str | None) -> Page[CreditMovement]:
    """The linkage's movements in the order in which they were logged, so that a page once read stays as it was."""
    statement = (
        select(CreditMovement)
        .options(joinedload(CreditMovement.linkage))
        .where(CreditMovement.linkage_id == linkage.id)
    )  # fmt: skip
    return keyset_page(statement, CreditMovement.id, CreditMovement.id, after=after)


def _whole(statement: Select[Referral]) -> Select[Referral]:
    return statement.options(linkages_in_time(), joinedload(Referral.person).selectinload(Person.contact_points))


def _folio(typed: str) -> str:
    return normal_folio(typed[:20]) or ""
