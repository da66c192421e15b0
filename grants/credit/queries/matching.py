"""What matching needs to know: the offers of a day, and of people only what decides."""

from collections import defaultdict
from collections.abc import Iterable
from datetime import date

from sqlalchemy import Select, or_, select
from sqlalchemy.orm import load_only, selectinload

from grants.core.db import db
from grants.core.remember import counted_lately
from grants.credit.matching import Asker, Demands, Held, Lender, Need, Offer, document_reason
from grants.credit.models import (
    Agreement,
    Institution,
    Linkage,
    LinkageKind,
    LinkageState,
    Product,
    ProductTerms,
    Referral,
)
from grants.credit.openings import Counted, Tally, people_in, tally
from grants.credit.sharing import DocumentAnswer
from grants.people.models import Canton, DocumentKind, IdentityDocument, Person, Sex

NUMBERS = (Person.id, Person.sex, Person.canton_code, Person.row_key)


def lenders_on(day: date) -> list[Lender]:
    """Every institution as it stands on a day, by name."""
    statement = select(Institution).options(selectinload(Institution.locations))
    agreed = _with_agreement(day)
    return [
        Lender(one.id, one.name, one.kind, is_active=one.is_active, has_agreement=one.id in agreed,
               members_only=one.members_only, cantons=frozenset(place.canton_code for place in one.locations),
               office=one.canton_code)
        for one in db.session.scalars(statement.order_by(Institution.name, Institution.id))
    ]  # fmt: skip


def offers_on(day: date) -> list[Offer]:
    """Every product with its terms of a day, by institution and name; those not offered that day as well."""
    lenders = {one.id: one for one in lenders_on(day)}
    demands = {one.product_id: _demands(one) for one in db.session.scalars(_terms_in_force(day))}
    products = select(Product).join(Product.institution).order_by(Institution.name, Product.name, Product.id)
    return [
        Offer(one.id, one.name, one.kind, lenders[one.institution_id], demands.get(one.id))
        for one in db.session.scalars(products)
    ]


def asker_of(person: Person, need: Need, *, day: date) -> Asker:
    """What of this person decides on a day."""
    return Asker(
        documents=documents_of(person.id),
        age=person.age_on(day),
        canton_code=person.canton_code,
        memberships=memberships_of(person.id),
        need=need,
    )


def memberships_of(person_id: int) -> frozenset[int]:
    """The institutions of which one person is a member, as far as it is logged here."""
    return frozenset(_members(person_id)[person_id])


def has_agreement(institution_id: int, day: date) -> bool:
    """Whether an agreement with the institution is in force on a day."""
    return institution_id in _with_agreement(day)


def documents_of(person_id: int) -> frozenset[Held]:
    """Kinds and last days of one person's documents, without the numbers."""
    statement = select(IdentityDocument.kind, IdentityDocument.expires_on)
    mine = statement.where(IdentityDocument.person_id == person_id).order_by(IdentityDocument.id)
    return frozenset(_held(db.session.execute(mine).tuples()))


def counted_people(day: date) -> list[Counted]:
    """Everybody registered, with what decides and what is counted by; in three statements whatever their number."""
    documents: dict[int, list[tuple[DocumentKind, date | None]]] = defaultdict(list)
    papers = select(IdentityDocument.person_id, IdentityDocument.kind, IdentityDocument.expires_on)
    for person_id, kind, expires_on in db.session.execute(papers.order_by(IdentityDocument.id)):
        documents[person_id].append((kind, expires_on))
    members, found = _members(), []
    for person in db.session.scalars(_people()):
        held = frozenset(_held(documents.get(person.id, ())))
        asker = Asker(held, person.age_on(day), person.canton_code, frozenset(members.get(person.id, ())))
        found.append(Counted(Sex(person.sex), asker))
    return found


def openings_on(day: date) -> Tally:
    """Everybody against every credit on offer; at most a minute old where people are many."""
    return counted_lately(
        ("openings", day.isoformat()),
        lambda: tally(counted_people(day), lenders_on(day), offers_on(day), day=day),
        size=lambda found: people_in(found),
    )


def product_on_offer(product_id: int | None) -> Product | None:
    """The product with its institution, if there is one with this number."""
    return db.session.get(Product, product_id) if product_id is not None else None


def products_to_choose(day: date) -> list[Offer]:
    """What a referral can name: products with terms in force at active institutions, by institution and name."""
    return [one for one in offers_on(day) if one.demands is not None and one.institution.is_active]


def document_answer(referral: Referral, *, day: date) -> DocumentAnswer | None:
    """Whether the person has a document for the product wanted; None without a product, or when it is not offered."""
    terms = list(db.session.scalars(_terms_in_force(day).where(ProductTerms.product_id == referral.product_id)))
    if not terms:
        return None
    demands = _demands(terms[-1])
    if document_reason(documents_of(referral.person_id), demands, day=day) is None:
        return DocumentAnswer(is_accepted=True)
    return DocumentAnswer(is_accepted=False, would_do=tuple(kind for kind in DocumentKind if kind in demands.documents))


def cantons_named(codes: Iterable[str]) -> list[Canton]:
    """These cantons, by name."""
    return list(db.session.scalars(select(Canton).where(Canton.code.in_(codes)).order_by(Canton.name, Canton.code)))


def _people() -> Select[Person]:
    sealed_birth = Person.birth_on_sealed  # type: ignore[attr-defined]
    return select(Person).options(load_only(*NUMBERS, sealed_birth)).order_by(Person.id)


def _members(person_id: int | None = None) -> dict[int, list[int]]:
    """The institutions that each person has joined, by person; or those of one person."""
    statement = (
        select(Linkage.person_id, Linkage.institution_id)
        .join(Referral, Referral.id == Linkage.referral_id)
        .where(Linkage.kind == LinkageKind.MEMBERSHIP, Linkage.state == LinkageState.OPENED)
        .order_by(Linkage.id)
    )
    if person_id is not None:
        statement = statement.where(Linkage.person_id == person_id)
    found: dict[int, list[int]] = defaultdict(list)
    for member, institution_id in db.session.execute(statement):
        found[member].append(institution_id)
    return found


def _held(rows: Iterable[tuple[DocumentKind, date | None]]) -> Iterable[Held]:
    """`none` is a word for having no document, not a document."""
    return (Held(kind, expires_on) for kind, expires_on in rows if kind is not DocumentKind.NONE)


def _with_agreement(day: date) -> set[int]:
    statement = select(Agreement.institution_id).where(
        Agreement.ended_at.is_(None),
        Agreement.valid_from <= day,
        or_(Agreement.valid_until.is_(None), Agreement.valid_until >= day),
    )
    return set(db.session.scalars(statement.order_by(Agreement.institution_id)))


def _terms_in_force(day: date) -> Select[ProductTerms]:
    """The latest that hold are the last: they stand where two overlap."""
    return (
        select(ProductTerms)
        .options(selectinload(ProductTerms.documents))
        .where(
            ProductTerms.valid_from <= day,
            or_(ProductTerms.valid_until.is_(None), ProductTerms.valid_until >= day),
        )
        .order_by(ProductTerms.valid_from, ProductTerms.id)
    )


def _demands(terms: ProductTerms) -> Demands:
    return Demands(
        documents=terms.accepts,
        expired_accepted=terms.expired_accepted,
        least_usd=terms.least_usd,
        most_usd=terms.most_usd,
        least_months=terms.least_months,
        most_months=terms.most_months,
        needs_membership=terms.needs_membership,
        least_age=terms.least_age,
        most_age=terms.most_age,
    )
