"""Credits with terms that a person can reckon with, and movements as a liaison logs them."""

from datetime import date, datetime, timedelta
from decimal import Decimal

from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.models import (
    Amortization,
    Frequency,
    Institution,
    Linkage,
    LinkageKind,
    LinkageState,
    Product,
    ProductTerms,
    RateKind,
)
from grants.people.models import Person
from tests.factories.access import make_user
from tests.factories.credit import make_linkage, make_referral


def today() -> date:
    return local_day(utcnow())


def ago(days: int) -> date:
    return today() - timedelta(days=days)


def make_credit(
    person: Person | None = None,
    institution: Institution | None = None,
    *,
    amount: str = "1200",
    approved: str | None = None,
    days: int = 40,
    state: LinkageState = LinkageState.DISBURSED,
    reference: str | None = None,
) -> Linkage:
    """Disbursed so many days ago: twelve equal principals, every 30 days or so, at one percent a month."""
    referral = make_referral(person, institution, referred_at=utcnow() - timedelta(days=days + 30))
    linkage = make_linkage(
        referral, state=state, happened_on=ago(days), amount_usd=Decimal(amount), reference=reference
    )
    linkage.approved_usd = Decimal(approved or amount)
    linkage.rate_percent, linkage.rate_kind = Decimal(12), RateKind.NOMINAL
    linkage.method, linkage.frequency, linkage.instalments = Amortization.GERMAN, Frequency.MONTHLY, 12
    linkage.first_due_on = ago(days - 30)
    db.session.flush()
    return linkage


def make_product(
    institution: Institution, *, name: str = "Microcrédito", kind: LinkageKind = LinkageKind.CREDIT,
    valid_from: date | None = None, **terms: object,
) -> Product:  # fmt: skip
    """A product with one set of terms, in force for a year unless told otherwise."""
    product = Product(institution_id=institution.id, kind=kind, name=name, created_at=utcnow())
    product.terms = [
        ProductTerms(valid_from=valid_from or ago(365), recorded_by_id=make_user().id, recorded_at=utcnow(), **terms)
    ]
    db.session.add(product)
    db.session.flush()
    return product


def at(day: date) -> datetime:
    """Some moment of a day where the programme works."""
    return datetime.combine(day, datetime.min.time(), tzinfo=utcnow().tzinfo) + timedelta(hours=15)
