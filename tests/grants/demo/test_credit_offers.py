"""What the demo's institutions offer agrees with its credits and with the report."""

from datetime import date
from decimal import Decimal

from sqlalchemy import select

from grants.core.db import db
from grants.credit.models import (
    Frequency,
    Institution,
    InstitutionKind,
    InstitutionSupport,
    Linkage,
    LinkageKind,
    Product,
    ProductTerms,
    RateCeiling,
    Segment,
)
from grants.credit.queries import offers
from grants.credit.queries.savings_banks import newest_reports
from grants.credit.rates import effective_percent
from grants.people.models import DocumentKind

ENDED = date(2024, 3, 31)


def institutions() -> list[Institution]:
    return list(db.session.scalars(select(Institution).order_by(Institution.id)))


def test_every_institution_has_an_agreement_and_a_credit(demo):
    assert len(institutions()) == 9
    for institution in institutions():
        (agreement,) = offers.agreements_of(institution)
        assert agreement.holds_on(ENDED)
        assert agreement.flexible_terms.startswith(
            "Contraparte: OIM." if institution.kind is InstitutionKind.SAVINGS_BANK else "Contraparte: PNUD."
        )
        kinds = {one.kind for one in offers.products_of(institution)}
        assert {LinkageKind.CREDIT, LinkageKind.SAVINGS_ACCOUNT} <= kinds
        assert (LinkageKind.MEMBERSHIP in kinds) is (institution.kind is not InstitutionKind.BANK)
        assert (
            len(offers.whole_institution(institution.id).locations)
            == (
                {InstitutionKind.BANK: 0, InstitutionKind.COOPERATIVE: 2, InstitutionKind.SAVINGS_BANK: 1}[
                    institution.kind
                ]
            )
        )


def test_no_credit_and_no_terms_are_above_the_ceiling(demo):
    ceiling = db.session.scalars(
        select(RateCeiling.effective_percent).where(
            RateCeiling.segment == Segment.MINORISTA, RateCeiling.valid_until.is_(None)
        )
    ).one()
    assert ceiling == Decimal("28.23")
    lent = db.session.scalars(select(Linkage).where(Linkage.rate_percent.is_not(None))).all()
    assert len([one for one in lent if one.disbursed_on.year == 2022]) == 94
    assert all(effective_percent(c.rate_percent, c.rate_kind, Frequency.MONTHLY) <= ceiling for c in lent)
    terms = db.session.scalars(select(ProductTerms).where(ProductTerms.segment.is_not(None))).all()
    assert len(terms) == 9 + 4
    assert all(effective_percent(t.rate_percent, t.rate_kind, t.frequency) <= ceiling for t in terms)


def test_entry_became_easier_in_cooperatives_and_cajas_ask_for_no_document(demo):
    for product in db.session.scalars(select(Product).where(Product.kind == LinkageKind.CREDIT)):
        before, after = product.terms_on(date(2022, 7, 31)), product.terms_on(date(2022, 8, 1))
        kind = product.institution.kind
        assert (DocumentKind.REFUGEE_CARD in after.accepts) is (kind is not InstitutionKind.BANK)
        assert (before is not after) is (kind is InstitutionKind.COOPERATIVE)
        assert (DocumentKind.NONE in after.accepts) is (kind is InstitutionKind.SAVINGS_BANK)
        assert after.needs_membership is (kind is not InstitutionKind.BANK)


def test_two_cajas_were_strengthened_and_their_women_are_as_reported(demo):
    supported = db.session.scalars(select(InstitutionSupport)).all()
    assert {one.institution.name for one in supported} == {"Fronteras Unidas", "Funda Esfuerzo"}
    assert all(one.counts for one in supported)
    newest = {one.institution.name: one for one in newest_reports(ENDED)}
    assert len(newest) == 4
    assert all(one.as_of == ENDED for one in newest.values())
    share = {name: round(100 * one.women / one.members) for name, one in newest.items()}
    assert (share["Fronteras Unidas"], share["Funda Esfuerzo"]) == (67, 70)
