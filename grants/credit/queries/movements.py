"""Movements of credits: one of them, what waits for a second person, what a credit may have paid off."""

from collections.abc import Iterator
from typing import NamedTuple

from sqlalchemy import Select, select
from sqlalchemy.orm import contains_eager, joinedload, selectinload
from sqlalchemy.sql.base import ExecutableOption

from grants.access.models import User
from grants.core.clock import local_day, utcnow
from grants.core.db import Page, db, keyset_page, one_or_refuse
from grants.credit.books import kept_columns, standing_of
from grants.credit.models import (
    ACTIVE_STATES,
    CreditMovement,
    Institution,
    Linkage,
    LinkageKind,
    MovementReversal,
    Product,
    Referral,
    ReversalState,
)
from grants.credit.queries.gone import linkage_in_time
from grants.credit.queries.institutions import findable, liaison_institution
from grants.credit.queries.referrals import own_and_consented, visible_to
from grants.people.models import Person

BATCH = 500


class Difference(NamedTuple):
    """A linkage that does not keep what its movements come to, and the columns that say otherwise."""

    folio: str
    columns: tuple[str, ...]


def get_movement(user: User, linkage_id: int, movement_id: int) -> CreditMovement:
    """A movement of a linkage that the user may see, or 404."""
    statement = (
        select(CreditMovement)
        .join(CreditMovement.linkage)
        .join(Linkage.referral)
        .join(Referral.consent)
        .options(contains_eager(CreditMovement.linkage).contains_eager(Linkage.referral)
                 .contains_eager(Referral.consent), *_who())
        .where(visible_to(user), linkage_in_time(), CreditMovement.id == findable(movement_id),
               CreditMovement.linkage_id == findable(linkage_id))
    )  # fmt: skip
    return one_or_refuse(statement)


def get_reversal(user: User, reversal_id: int) -> MovementReversal:
    """A proposal about a movement that the user may see, or 404."""
    return one_or_refuse(_reversals().where(visible_to(user), MovementReversal.id == findable(reversal_id)))


def reversals_page(user: User, *, after: str | None) -> Page[MovementReversal]:
    """What waits for a second person, the oldest first: all of it, or the own institution's."""
    waiting = _reversals().where(visible_to(user), MovementReversal.state == ReversalState.PROPOSED)
    return keyset_page(waiting, MovementReversal.id, MovementReversal.id, after=after)


def live_reversals(linkage: Linkage) -> dict[int, MovementReversal]:
    """Proposals that wait or were agreed to, by movement."""
    statement = (
        select(MovementReversal)
        .join(MovementReversal.movement)
        .options(joinedload(MovementReversal.proposed_by), joinedload(MovementReversal.decided_by))
        .where(CreditMovement.linkage_id == linkage.id, MovementReversal.state != ReversalState.REFUSED)
        .order_by(MovementReversal.id)
    )
    return {one.movement_id: one for one in db.session.scalars(statement)}


def get_own_credit(user: User, linkage_id: int) -> Linkage:
    """A linkage of the liaison's own institution with its movements, or 404."""
    return one_or_refuse(_own(liaison_institution(user)).where(Linkage.id == findable(linkage_id)))


def earlier_credits(linkage: Linkage) -> list[Linkage]:
    """Credits of the person at the same institution that are still owed, the oldest first; none before this began."""
    if linkage.disbursed_on is None:
        return []
    statement = _own(linkage.institution).where(
        Linkage.person_id == linkage.person_id,
        Linkage.id != linkage.id,
        Linkage.kind == LinkageKind.CREDIT,
        Linkage.state.in_(ACTIVE_STATES),
        Linkage.disbursed_on <= linkage.disbursed_on,
    )
    return list(db.session.scalars(statement.order_by(Linkage.disbursed_on, Linkage.id)).unique())


def successor_of(linkage: Linkage) -> Linkage | None:
    """The credit that paid this one off."""
    statement = select(Linkage).where(Linkage.refinances_id == linkage.id, linkage_in_time())
    return db.session.scalars(statement.order_by(Linkage.id).limit(1)).one_or_none()


def credit_products(institution: Institution) -> list[Product]:
    """The institution's credit products with their terms, by name."""
    statement = (
        select(Product)
        .options(selectinload(Product.terms))
        .where(Product.institution_id == institution.id, Product.kind == LinkageKind.CREDIT)
        .order_by(Product.name, Product.id)
    )
    return list(db.session.scalars(statement))


def differing_linkages() -> Iterator[Difference]:
    """Linkages whose kept columns are not what their movements come to, by id. Reads a batch at a time."""
    day, after = local_day(utcnow()), 0
    while batch := _credits_after(after):
        for linkage in batch:
            kept = kept_columns(standing_of(linkage, day))
            columns = tuple(name for name, value in kept.items() if getattr(linkage, name) != value)
            if columns:
                yield Difference(linkage.folio, columns)
        after = batch[-1].id


def _credits_after(after: int) -> list[Linkage]:
    """Credits that were disbursed, or that have movements all the same."""
    moved = select(CreditMovement.linkage_id).where(CreditMovement.reversed_at.is_(None))
    statement = (
        select(Linkage)
        .options(selectinload(Linkage.movements))
        .where(Linkage.id > after, Linkage.amount_usd.is_not(None) | Linkage.outstanding_usd.is_not(None)
               | Linkage.id.in_(moved))
        .order_by(Linkage.id)
        .limit(BATCH)
    )  # fmt: skip
    return list(db.session.scalars(statement))


def _own(institution: Institution | None) -> Select[Linkage]:
    return (
        select(Linkage)
        .join(Linkage.referral)
        .join(Referral.consent)
        .options(
            contains_eager(Linkage.referral).contains_eager(Referral.consent),
            contains_eager(Linkage.referral).joinedload(Referral.person).joinedload(Person.canton),
            joinedload(Linkage.institution),
            selectinload(Linkage.movements),
        )
        .where(own_and_consented(institution), linkage_in_time())
    )


def _reversals() -> Select[MovementReversal]:
    movement = contains_eager(MovementReversal.movement)
    return (
        select(MovementReversal)
        .join(MovementReversal.movement)
        .join(CreditMovement.linkage)
        .join(Linkage.referral)
        .join(Referral.consent)
        .options(
            joinedload(MovementReversal.proposed_by),
            movement.joinedload(CreditMovement.logged_by),
            movement.contains_eager(CreditMovement.linkage).joinedload(Linkage.institution),
            movement.contains_eager(CreditMovement.linkage).contains_eager(Linkage.referral)
            .contains_eager(Referral.consent),
            movement.contains_eager(CreditMovement.linkage).contains_eager(Linkage.referral)
            .joinedload(Referral.person),
        )
        .where(linkage_in_time())
    )  # fmt: skip


def _who() -> tuple[ExecutableOption, ...]:
    return (
        joinedload(CreditMovement.logged_by),
        contains_eager(CreditMovement.linkage).joinedload(Linkage.institution),
        contains_eager(CreditMovement.linkage).contains_eager(Linkage.referral).joinedload(Referral.person),
    )
