"""Agreements, products, ceilings, support and savings banks' figures for tests."""

import io
from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal
from itertools import count
from typing import Any

from PIL import Image

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.models import (
    AcceptedDocument,
    Agreement,
    AgreementKind,
    Amortization,
    Frequency,
    Institution,
    InstitutionKind,
    InstitutionLocation,
    InstitutionSupport,
    LinkageKind,
    Product,
    ProductTerms,
    RateCeiling,
    RateKind,
    SavingsBankReport,
    Segment,
    SupportKind,
)
from grants.people.models import DocumentKind
from tests.factories.access import make_user
from tests.factories.credit import make_institution
from tests.factories.people import make_canton

_numbers = count(1)


def make_caja(name: str = "") -> Institution:
    return make_institution(name or f"Caja {next(_numbers)}", kind=InstitutionKind.SAVINGS_BANK)


def make_location(institution: Institution, canton_code: str) -> InstitutionLocation:
    make_canton(canton_code)
    place = InstitutionLocation(institution_id=institution.id, canton_code=canton_code)
    db.session.add(place)
    db.session.flush()
    return place


def make_agreement(institution: Institution | None = None, **overrides: Any) -> Agreement:
    """An agreement that holds since a month ago, without an end."""
    day = local_day(utcnow()) - timedelta(days=30)
    values: dict[str, Any] = {"kind": AgreementKind.AGREEMENT, "signed_on": day, "valid_from": day, **overrides}
    names = {key: values.pop(key, None) for key in ("focal_name", "focal_contact")}
    agreement = Agreement(
        institution_id=(institution or make_institution(agreed=False)).id,
        recorded_by_id=make_user(Role.COORDINATOR).id, recorded_at=utcnow(), **values,
    )  # fmt: skip
    agreement.focal_name, agreement.focal_contact = names["focal_name"], names["focal_contact"]
    db.session.add(agreement)
    db.session.flush()
    return agreement


def make_product(
    institution: Institution | None = None, *, kind: LinkageKind = LinkageKind.CREDIT, name: str = ""
) -> Product:
    """A product without terms."""
    product = Product(
        institution_id=(institution or make_institution()).id, kind=kind, created_at=utcnow(),
        name=name or f"Producto {next(_numbers)}",
    )  # fmt: skip
    db.session.add(product)
    db.session.flush()
    return product


def make_terms(
    product: Product | None = None, *, valid_from: date | None = None,
    documents: Sequence[DocumentKind] = (DocumentKind.CEDULA_EC,), **overrides: Any,
) -> ProductTerms:  # fmt: skip
    """Terms in force since a month ago; of a credit: 20 % nominal, monthly, French, minorista."""
    product = product or make_product()
    values: dict[str, Any] = {}
    if product.kind is LinkageKind.CREDIT:
        values = {"rate_percent": Decimal(20), "rate_kind": RateKind.NOMINAL, "method": Amortization.FRENCH,
                  "frequency": Frequency.MONTHLY, "segment": Segment.MINORISTA}  # fmt: skip
    terms = ProductTerms(
        product_id=product.id, valid_from=valid_from or local_day(utcnow()) - timedelta(days=30),
        recorded_by_id=make_user(Role.COORDINATOR).id, recorded_at=utcnow(), **{**values, **overrides},
    )  # fmt: skip
    terms.documents = [AcceptedDocument(kind=kind) for kind in documents]
    db.session.add(terms)
    db.session.flush()
    db.session.refresh(product)
    return terms


def make_ceiling(
    percent: str = "28.23", *, segment: Segment = Segment.MINORISTA, valid_from: date = date(2022, 7, 1),
    valid_until: date | None = None,
) -> RateCeiling:  # fmt: skip
    ceiling = RateCeiling(
        segment=segment, valid_from=valid_from, valid_until=valid_until, effective_percent=Decimal(percent),
        source="Res. de prueba", added_at=utcnow(),
    )  # fmt: skip
    db.session.add(ceiling)
    db.session.flush()
    return ceiling


def make_support(institution: Institution | None = None, **overrides: Any) -> InstitutionSupport:
    """Working capital of USD 1,000 given a week ago, without evidence."""
    values: dict[str, Any] = {
        "kind": SupportKind.WORKING_CAPITAL, "amount_usd": Decimal("1000.00"), "purpose": "Fondo de crédito",
        "given_on": local_day(utcnow()) - timedelta(days=7), **overrides,
    }  # fmt: skip
    support = InstitutionSupport(
        institution_id=(institution or make_caja()).id, recorded_by_id=make_user(Role.COORDINATOR).id,
        recorded_at=utcnow(), **values,
    )  # fmt: skip
    db.session.add(support)
    db.session.flush()
    return support


def make_report(institution: Institution | None = None, as_of: date = date(2026, 3, 31), **overrides: Any
                ) -> SavingsBankReport:  # fmt: skip
    values: dict[str, Any] = {
        "members": 40, "women": 28, "in_mobility": 12, "savings_usd": Decimal("5200.00"), "loans": 9,
        "loans_usd": Decimal("3100.50"), **overrides,
    }  # fmt: skip
    report = SavingsBankReport(
        institution_id=(institution or make_caja()).id, as_of=as_of, recorded_by_id=make_user(Role.COORDINATOR).id,
        recorded_at=utcnow(), **values,
    )  # fmt: skip
    db.session.add(report)
    db.session.flush()
    return report


def picture() -> tuple[io.BytesIO, str]:
    """A small photo, as a browser sends one."""
    out = io.BytesIO()
    Image.new("RGB", (8, 8), "white").save(out, "JPEG")
    out.seek(0)
    return out, "recibo.jpg"
