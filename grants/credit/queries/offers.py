"""What is agreed with institutions, what they offer, and how the programme supports them."""

from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal

from sqlalchemy import ColumnElement, func, select
from sqlalchemy.orm import joinedload, selectinload

from grants.core.db import Page, db, keyset_page, one_or_refuse
from grants.credit.models import (
    Agreement,
    Institution,
    InstitutionLocation,
    InstitutionSupport,
    Product,
    ProductTerms,
    SupportEvidence,
    SupportKind,
)
from grants.credit.queries.institutions import findable
from grants.people.models import Canton


@dataclass(frozen=True, slots=True)
class SupportTotal:
    """What counts of one kind: how often, how much, and how many accounts (None but for accounts)."""

    kind: SupportKind
    times: int
    amount_usd: Decimal
    accounts: int | None


def whole_institution(institution_id: int) -> Institution:
    """An institution with its canton and the cantons that it attends; 404 otherwise."""
    statement = select(Institution).options(
        joinedload(Institution.canton),
        selectinload(Institution.locations).joinedload(InstitutionLocation.canton).joinedload(Canton.province),
    )
    return one_or_refuse(statement.where(Institution.id == findable(institution_id)))


def get_location(institution: Institution, location_id: int) -> InstitutionLocation:
    """A canton that this institution attends, or 404."""
    statement = select(InstitutionLocation).where(InstitutionLocation.id == findable(location_id))
    return one_or_refuse(statement.where(InstitutionLocation.institution_id == institution.id))


def agreements_of(institution: Institution) -> Sequence[Agreement]:
    """All agreements with it, the newest first."""
    statement = select(Agreement).where(Agreement.institution_id == institution.id)
    return db.session.scalars(statement.order_by(Agreement.valid_from.desc(), Agreement.id.desc())).all()


def get_agreement(institution: Institution, agreement_id: int) -> Agreement:
    """An agreement with this institution, or 404."""
    statement = select(Agreement).where(Agreement.id == findable(agreement_id))
    return one_or_refuse(statement.where(Agreement.institution_id == institution.id))


def products_of(institution: Institution) -> Sequence[Product]:
    """All that it offers, by kind and name, with all terms and the documents they accept."""
    statement = (
        select(Product)
        .options(selectinload(Product.terms).selectinload(ProductTerms.documents))
        .where(Product.institution_id == institution.id)
    )
    return db.session.scalars(statement.order_by(Product.kind, Product.name, Product.id)).all()


def get_product(institution: Institution, product_id: int) -> Product:
    """A product of this institution with all terms, or 404."""
    statement = select(Product).options(
        joinedload(Product.institution), selectinload(Product.terms).selectinload(ProductTerms.documents)
    )
    own = (Product.id == findable(product_id)) & (Product.institution_id == institution.id)
    return one_or_refuse(statement.where(own))


def terms_of(product: Product, terms_id: int) -> ProductTerms:
    """Terms of this product, or 404."""
    statement = select(ProductTerms).where(ProductTerms.product_id == product.id)
    return one_or_refuse(statement.where(ProductTerms.id == findable(terms_id)))


def support_of(institution: Institution) -> Sequence[InstitutionSupport]:
    """All that the programme gave it, the newest first, with evidence and delivery; cancelled ones among it."""
    statement = (
        select(InstitutionSupport)
        .options(selectinload(InstitutionSupport.evidence), joinedload(InstitutionSupport.delivery))
        .where(InstitutionSupport.institution_id == institution.id)
    )
    return db.session.scalars(
        statement.order_by(InstitutionSupport.given_on.desc(), InstitutionSupport.id.desc())
    ).all()


def get_support(institution: Institution, support_id: int) -> InstitutionSupport:
    """A support of this institution with its evidence, or 404."""
    statement = select(InstitutionSupport).options(
        selectinload(InstitutionSupport.evidence), joinedload(InstitutionSupport.delivery)
    )
    own = (InstitutionSupport.id == findable(support_id)) & (InstitutionSupport.institution_id == institution.id)
    return one_or_refuse(statement.where(own))


def get_evidence(support: InstitutionSupport, evidence_id: int) -> SupportEvidence:
    """A file of this support, or 404."""
    statement = select(SupportEvidence).where(SupportEvidence.id == findable(evidence_id))
    return one_or_refuse(statement.where(SupportEvidence.support_id == support.id))


def support_totals(institution: Institution | None = None) -> list[SupportTotal]:
    """By kind, of one institution or of all; kinds without any are left out, and so is what was cancelled."""
    own: list[ColumnElement[bool]] = [InstitutionSupport.cancelled_at.is_(None)]
    if institution is not None:
        own.append(InstitutionSupport.institution_id == institution.id)
    statement = (
        select(
            InstitutionSupport.kind,
            func.count(),
            func.sum(InstitutionSupport.amount_usd),
            func.sum(InstitutionSupport.accounts),
        )
        .where(*own)
        .group_by(InstitutionSupport.kind)
        .order_by(InstitutionSupport.kind)
    )
    found = {row[0]: SupportTotal(*row) for row in db.session.execute(statement)}
    return [found[kind] for kind in SupportKind if kind in found]


def support_page(*, after: str | None) -> Page[InstitutionSupport]:
    """All support to all institutions, the last recorded first."""
    statement = select(InstitutionSupport).options(
        joinedload(InstitutionSupport.institution), joinedload(InstitutionSupport.delivery)
    )
    key = InstitutionSupport.id
    return keyset_page(statement, key, key, after=after, descending=True)
