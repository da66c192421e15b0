"""Linkages: lists by how long they have been stuck, one page, one folio, one export."""

from dataclasses import dataclass
from datetime import date

from sqlalchemy import ColumnElement, Select, select, tuple_
from sqlalchemy.orm import aliased, contains_eager, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from grants.access.models import User
from grants.access.permissions import Permission
from grants.core.db import Page, db, one_or_refuse
from grants.credit.models import (
    OPEN_STATES,
    CreditMovement,
    Institution,
    LiaisonPost,
    Linkage,
    LinkageEvent,
    LinkageState,
    Referral,
)
from grants.credit.queries.gone import linkage_in_time
from grants.credit.queries.institutions import findable, liaison_institution
from grants.credit.queries.referrals import own_and_consented, visible_to
from grants.people.folio import normal_folio
from grants.people.models import Person

PAGE_SIZE = 25
MOST_EXPORTED = 20_000


@dataclass(frozen=True, slots=True)
class LinkageFilter:
    """What a list of linkages is narrowed to. `open_only`: still on the way, whatever the state."""

    institution_id: int | None = None
    state: LinkageState | None = None
    open_only: bool = False


def linkages_visible_to(user: User) -> Select[Linkage]:
    """The linkages that this user may see, with the person and the institution. Unordered."""
    return _with_person().where(visible_to(user))


def get_linkage(user: User, linkage_id: int) -> Linkage:
    """A linkage that the user may see, with all that its page shows, or 404."""
    statement = linkages_visible_to(user).options(*_page_of_one())
    return one_or_refuse(statement.where(_the_one(user, number=linkage_id)))


def get_own_linkage(user: User, linkage_id: int) -> Linkage:
    """A linkage of the liaison's own institution, or 404."""
    return one_or_refuse(_own(user).where(_the_one(user, number=linkage_id, own=True)))


def linkage_by_folio(user: User, folio: str, *, own: bool = False) -> Linkage:
    """By its public reference, as far as the user may see; `own`: only as its liaison. 404 otherwise."""
    statement = _own(user) if own else linkages_visible_to(user).options(*_page_of_one())
    return one_or_refuse(statement.where(_the_one(user, folio=folio, own=own)))


def linkage_with_movements(user: User, folio: str) -> Linkage:
    """By its public reference, as far as the user may see, with its movements, or 404."""
    statement = linkages_visible_to(user).options(selectinload(Linkage.movements))
    return one_or_refuse(statement.where(_the_one(user, folio=folio)))


def linkages_page(
    user: User, narrowed: LinkageFilter, *, after: str | None, contacts: bool = False
) -> Page[Linkage]:  # fmt: skip
    """What the user may see, those stuck for longest first; `after` is "day~id" of the last row shown.

    `contacts`: load whom to call as well.
    """
    statement = _narrow(linkages_visible_to(user), narrowed)
    if contacts:
        statement = statement.options(_contacts())
    marker = _marker(after)
    if marker is not None:
        statement = statement.where(tuple_(Linkage.last_step_on, Linkage.id) > tuple_(*marker))
    rows = list(db.session.scalars(_in_order(statement).limit(PAGE_SIZE + 1)).unique())
    if len(rows) <= PAGE_SIZE:
        return Page(rows, None)
    last = rows[PAGE_SIZE - 1]
    return Page(rows[:PAGE_SIZE], f"{last.last_step_on.isoformat()}~{last.id}")


def rows_to_export(user: User, narrowed: LinkageFilter, *, own: bool = False) -> list[Linkage]:
    """Everything a list shows, in its order, `own`: as a liaison. One more than MOST_EXPORTED where there are more."""
    seen = own_and_consented(liaison_institution(user)) if own else visible_to(user)
    statement = _narrow(_with_person().where(seen), narrowed)
    return list(db.session.scalars(_in_order(statement).limit(MOST_EXPORTED + 1)).unique())


def own_open_linkages(institution: Institution, *, limit: int) -> list[Linkage]:
    """Linkages of one institution that are on their way, those that have waited longest first."""
    statement = _with_person().where(own_and_consented(institution), Linkage.state.in_(OPEN_STATES))
    return list(db.session.scalars(_in_order(statement).limit(limit)).unique())


def _own(user: User) -> Select[Linkage]:
    return _with_person().where(own_and_consented(liaison_institution(user))).options(*_page_of_one())


def _the_one(user: User, *, folio: str = "", number: int = -1, own: bool = False) -> ColumnElement[bool]:
    """The linkage of this name, found before anything is joined to it: so what is another institution's costs the
    same as what does not exist. PostgreSQL may join first, and then reads a row that is there once for each of ours."""
    one = aliased(Linkage)
    named = one.folio == (normal_folio(folio[:20]) or "") if folio else one.id == findable(number)
    found = select(one.id).where(named)
    if own or not user.may(Permission.VIEW_LINKAGE):
        found = found.where(
            one.institution_id.in_(select(LiaisonPost.institution_id).where(LiaisonPost.user_id == user.id))
        )
    return Linkage.id == found.scalar_subquery()


def _with_person() -> Select[Linkage]:
    return (
        select(Linkage)
        .join(Linkage.referral)
        .join(Referral.consent)
        .options(
            contains_eager(Linkage.referral).contains_eager(Referral.consent),
            contains_eager(Linkage.referral).joinedload(Referral.person).joinedload(Person.canton),
            joinedload(Linkage.institution),
        )
        .where(linkage_in_time())
    )


def _page_of_one() -> tuple[ExecutableOption, ...]:
    return (
        selectinload(Linkage.events).joinedload(LinkageEvent.logged_by),
        selectinload(Linkage.movements).joinedload(CreditMovement.logged_by),
        joinedload(Linkage.product),
        joinedload(Linkage.refinances.and_(linkage_in_time())),
        _contacts(),
    )


def _contacts() -> ExecutableOption:
    return contains_eager(Linkage.referral).joinedload(Referral.person).selectinload(Person.contact_points)


def _narrow(statement: Select[Linkage], narrowed: LinkageFilter) -> Select[Linkage]:
    if narrowed.institution_id is not None:
        statement = statement.where(Linkage.institution_id == findable(narrowed.institution_id))
    if narrowed.state is not None:
        return statement.where(Linkage.state == narrowed.state)
    return statement.where(Linkage.state.in_(OPEN_STATES)) if narrowed.open_only else statement


def _in_order(statement: Select[Linkage]) -> Select[Linkage]:
    return statement.order_by(Linkage.last_step_on, Linkage.id)


def _marker(after: str | None) -> tuple[date, int] | None:
    """The key of the last row shown; anything else starts at the first page."""
    day, found, number = (after or "").partition("~")
    if not found or len(number) > 10 or not number.isascii() or not number.isdigit() or int(number) >= 2**31:
        return None
    try:
        return date.fromisoformat(day), int(number)
    except ValueError:
        return None
