"""What institutions offer. Terms are never edited: new ones end the ones before."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from datetime import date, datetime, timedelta
from decimal import Decimal
from typing import Any

from flask_babel import format_date
from flask_babel import lazy_gettext as _
from sqlalchemy import delete, select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.models import (
    AcceptedDocument,
    Amortization,
    Frequency,
    Institution,
    LinkageKind,
    Product,
    ProductTerms,
    RateKind,
    Segment,
)
from grants.credit.schedules import months_later
from grants.credit.services.ceilings import refuse_above_ceiling
from grants.people.models import DocumentKind

ONE_DAY = timedelta(days=1)
QUIETLY = {"synchronize_session": False}
CREDIT_NEEDS = ("rate_percent", "rate_kind", "method", "frequency", "segment")
OF_CREDIT_ONLY = ("method", "frequency", "segment")
RANGES = (("least_usd", "most_usd"), ("least_months", "most_months"), ("least_age", "most_age"))


@dataclass(frozen=True, slots=True)
class TermsFacts:
    """What a product asks for and gives from a day on. None: the institution sets no bound."""

    valid_from: date
    documents: Sequence[DocumentKind]
    least_usd: Decimal | None = None
    most_usd: Decimal | None = None
    least_months: int | None = None
    most_months: int | None = None
    rate_percent: Decimal | None = None
    rate_kind: RateKind | None = None
    segment: Segment | None = None
    method: Amortization | None = None
    frequency: Frequency | None = None
    fees: str = ""
    collateral: str = ""
    needs_membership: bool = False
    least_age: int | None = None
    most_age: int | None = None
    expired_accepted: bool = False
    note: str = ""


def add_product(institution: Institution, kind: LinkageKind, name: str, *, by: User, now: datetime) -> Product:
    """Something that the institution offers, still without terms. Its name is unique within the institution."""
    product = Product(institution_id=institution.id, kind=kind, name=name, created_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(product)
    except IntegrityError:
        raise RuleBroken(_("This institution has a product with this name already. Add terms to that one."),
                         field="name") from None  # fmt: skip
    journal.record(by, "product.added", product, at=now, institution_id=institution.id)
    return product


def set_terms(product: Product, facts: TermsFacts, *, by: User, now: datetime) -> ProductTerms:
    """Put terms in force from a day on; the ones before end the day before. Of two people at once one wins."""
    if facts.valid_from > months_later(local_day(now), 12):
        raise RuleBroken(_("New terms start within a year from today. Check the year."), field="valid_from")
    last = _last_terms(product)
    if last is not None and facts.valid_from <= last.valid_from:
        raise RuleBroken(
            _("The last terms start on %(day)s. New terms start after that day; earlier ones are never changed.",
              day=format_date(last.valid_from, "d MMM y")), field="valid_from")  # fmt: skip
    _refuse_incomplete(product, facts)
    if product.kind is LinkageKind.CREDIT:
        _refuse_without_credit_terms(facts)
    terms = _row(product, facts, by=by, now=now)
    try:
        with db.session.begin_nested():
            if last is not None:
                _end(last, facts.valid_from - ONE_DAY)
            db.session.add(terms)
    except IntegrityError:
        raise _overtaken() from None
    journal.record(by, "product.terms_set", product, at=now, terms_id=terms.id)
    db.session.refresh(product)
    return terms


def take_back_terms(terms: ProductTerms, *, by: User, now: datetime) -> None:
    """Undo terms that are not in force yet, so nothing was lent on them; those before are open again. Journaled."""
    db.session.execute(delete(AcceptedDocument).where(AcceptedDocument.terms_id == terms.id), execution_options=QUIETLY)
    gone = delete(ProductTerms).where(
        ProductTerms.id == terms.id, ProductTerms.valid_until.is_(None), ProductTerms.valid_from > local_day(now)
    )
    if rows_hit(db.session.execute(gone, execution_options=QUIETLY)) != 1:
        raise RuleBroken(_("Only the last terms of a product can be taken back, and only before they are in force."))
    journal.record(by, "product.terms_taken_back", terms.product, at=now, terms_id=terms.id,
                   valid_from=terms.valid_from.isoformat())  # fmt: skip
    before = (ProductTerms.product_id == terms.product_id, ProductTerms.valid_until == terms.valid_from - ONE_DAY)
    db.session.execute(update(ProductTerms).where(*before).values(valid_until=None), execution_options=QUIETLY)
    db.session.expire_all()


def _last_terms(product: Product) -> ProductTerms | None:
    statement = select(ProductTerms).where(ProductTerms.product_id == product.id)
    return db.session.scalar(statement.order_by(ProductTerms.valid_from.desc(), ProductTerms.id).limit(1))


def _refuse_incomplete(product: Product, facts: TermsFacts) -> None:
    if not facts.documents:
        raise RuleBroken(_("Choose the documents that are accepted; also \"No document\" is a choice."),
                         field="documents")  # fmt: skip
    for least, most in RANGES:
        low, high = getattr(facts, least), getattr(facts, most)
        if low is not None and high is not None and low > high:
            raise RuleBroken(_("The most is less than the least. Check both."), field=most)
    if (facts.rate_percent is None) != (facts.rate_kind is None):
        raise RuleBroken(_("A rate is always said with its kind: nominal or effective."), field="rate_kind")
    if product.kind is LinkageKind.MEMBERSHIP and facts.needs_membership:
        raise RuleBroken(_("Membership cannot need membership. Take the mark away."), field="needs_membership")


def _refuse_without_credit_terms(facts: TermsFacts) -> None:
    for field in CREDIT_NEEDS:
        if getattr(facts, field) is None:
            raise RuleBroken(_("A credit needs this. Fill it in."), field=field)
    if facts.rate_percent is not None and facts.rate_kind is not None and facts.frequency is not None:
        refuse_above_ceiling(facts.rate_percent, facts.rate_kind, facts.frequency, facts.segment, facts.valid_from)


def _row(product: Product, facts: TermsFacts, *, by: User, now: datetime) -> ProductTerms:
    values: dict[str, Any] = {key: value for key, value in asdict(facts).items() if key != "documents"}
    if product.kind is not LinkageKind.CREDIT:
        values.update(dict.fromkeys(OF_CREDIT_ONLY))
    elif product.institution.members_only:
        values["needs_membership"] = True  # its statutes or its own rule: no credit without it
    terms = ProductTerms(product_id=product.id, recorded_by_id=by.id, recorded_at=now, **values)
    terms.documents = [AcceptedDocument(kind=kind) for kind in sorted(set(facts.documents))]
    return terms


def _end(terms: ProductTerms, last_day: date) -> None:
    """The guarded update: only while the terms are open."""
    statement = (
        update(ProductTerms)
        .where(ProductTerms.id == terms.id, ProductTerms.valid_until.is_(None))
        .values(valid_until=last_day)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(db.session.execute(statement)):
        raise _overtaken()
    db.session.refresh(terms)


def _overtaken() -> RuleBroken:
    return RuleBroken(_("Somebody wrote terms at this moment. Look at them, then try again."))
