"""Agreements, products and their terms for tests."""

from collections.abc import Iterable
from datetime import date, timedelta
from itertools import count
from typing import Any

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.models import (
    AcceptedDocument,
    Agreement,
    AgreementKind,
    Institution,
    InstitutionLocation,
    LinkageKind,
    Product,
    ProductTerms,
)
from grants.people.models import DocumentKind
from tests.factories.access import make_user
from tests.factories.credit import make_institution

LONG_AGO = timedelta(days=400)
_numbers = count(1)


def make_agreement(institution: Institution, **overrides: Any) -> Agreement:
    """An agreement in force for more than a year, without an end."""
    start = local_day(utcnow()) - LONG_AGO
    facts = {"kind": AgreementKind.AGREEMENT, "signed_on": start, "valid_from": start, "recorded_at": utcnow(),
             **overrides}  # fmt: skip
    agreement = Agreement(institution_id=institution.id, recorded_by_id=make_user(Role.COORDINATOR).id, **facts)
    db.session.add(agreement)
    db.session.flush()
    return agreement


def make_location(institution: Institution, canton_code: str = "1001") -> InstitutionLocation:
    """A canton whose people the institution attends; the canton must exist."""
    place = InstitutionLocation(institution_id=institution.id, canton_code=canton_code)
    db.session.add(place)
    db.session.flush()
    db.session.expire(institution, ["locations"])
    return place


def make_terms(
    product: Product,
    documents: Iterable[DocumentKind] = (DocumentKind.CEDULA_EC,),
    *,
    valid_from: date | None = None,
    **overrides: Any,
) -> ProductTerms:
    """Terms in force for more than a year, without limits, for who has one of these documents."""
    terms = ProductTerms(
        product_id=product.id,
        valid_from=valid_from or local_day(utcnow()) - LONG_AGO,
        recorded_by_id=make_user(Role.COORDINATOR).id,
        recorded_at=utcnow(),
        documents=[AcceptedDocument(kind=kind) for kind in documents],
        **overrides,
    )
    db.session.add(terms)
    db.session.flush()
    db.session.expire(product, ["terms"])
    return terms


def make_product(
    institution: Institution | None = None,
    kind: LinkageKind = LinkageKind.CREDIT,
    name: str = "",
    *,
    documents: Iterable[DocumentKind] | None = (DocumentKind.CEDULA_EC,),
    agreed: bool = True,
    **terms: Any,
) -> Product:
    """A product on terms in force; `documents` None: without terms. Its institution gets an agreement if need be."""
    institution = institution or make_institution(agreed=agreed)
    product = Product(
        institution_id=institution.id, kind=kind, name=name or f"Producto {next(_numbers)}", created_at=utcnow()
    )
    db.session.add(product)
    db.session.flush()
    if agreed and not db.session.query(Agreement).filter_by(institution_id=institution.id).count():
        make_agreement(institution)
    if documents is not None:
        make_terms(product, documents, **terms)
    return product
