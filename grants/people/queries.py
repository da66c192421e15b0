"""Who is registered, and who must be called."""

from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import joinedload, selectinload

from grants.access.models import User
from grants.core.clock import local_day
from grants.core.crypto import lookup_hash
from grants.core.db import Page, db, keyset_page, one_or_refuse, plausible
from grants.core.errors import RuleBroken
from grants.people.countries import country_codes
from grants.people.folio import normal_folio
from grants.people.models import (
    FRESH_FOR,
    Canton,
    Consent,
    ConsentPurpose,
    ConsentText,
    ContactPoint,
    DocumentKind,
    IdentityDocument,
    Person,
    PopulationGroup,
    Province,
    birth_lookup,
    document_lookup,
)
from grants.people.numbers import FIXED_ISSUERS, check_document, check_phone

FIRST_PROVINCES = ("10", "21")  # where the programme works; the others follow by code


def _with_facts() -> Select[Person]:
    return select(Person).options(joinedload(Person.canton).joinedload(Canton.province))


def get_person(person_id: int) -> Person:
    """The person with documents, contact points and consents loaded; NotFound otherwise."""
    return one_or_refuse(
        _with_facts()
        .where(Person.id == plausible(person_id))
        .options(
            joinedload(Person.registered_by),
            selectinload(Person.documents),
            selectinload(Person.contact_points),
            selectinload(Person.consents).joinedload(Consent.text),
            selectinload(Person.consents).joinedload(Consent.read_out_by),
        )  # fmt: skip
    )


def find_by_folio(typed: str) -> Person | None:
    """The person with this folio, as typed or read aloud; None if the folio is mistyped or nobody's."""
    folio = normal_folio(typed[:40])
    return db.session.scalar(_with_facts().where(Person.folio == folio)) if folio else None


def people_with_folios(folios: Sequence[str]) -> dict[str, Person]:
    """The people with these stored folios, by folio."""
    found = db.session.scalars(select(Person).where(Person.folio.in_(folios)).order_by(Person.id))
    return {person.folio: person for person in found}


def people_page(
    *, canton_code: str | None = None, group: PopulationGroup | None = None, after: str | None = None
) -> Page[Person]:
    """People by folio, a page at a time."""
    statement = _with_facts()
    if canton_code:
        statement = statement.where(Person.canton_code == canton_code)
    if group:
        statement = statement.where(Person.population_group == group)
    return keyset_page(statement, Person.folio, Person.id, after=after)


def people_by_number(typed: str, country: str = "EC") -> Sequence[Person]:
    """Whoever carries this document number, of whatever kind, or has this phone."""
    documents = select(IdentityDocument.person_id).where(IdentityDocument.number_lookup.in_(_document_lookups(typed)))
    phones = select(ContactPoint.person_id).where(ContactPoint.value_lookup.in_(_phone_lookups(typed, country)))
    matching = or_(Person.id.in_(documents), Person.id.in_(phones))
    return list(db.session.scalars(_with_facts().where(matching).order_by(Person.folio).limit(50)))


def _document_lookups(typed: str) -> list[bytes]:
    lookups = []
    for kind in DocumentKind:
        if kind is DocumentKind.NONE:
            continue
        try:
            number = check_document(kind, typed[:60]).number
        except RuleBroken:
            continue
        issuers = [FIXED_ISSUERS[kind]] if kind in FIXED_ISSUERS else country_codes()
        lookups += [document_lookup(kind, issuer, number) for issuer in issuers]
    return lookups


def _phone_lookups(typed: str, country: str) -> list[bytes]:
    try:
        return [lookup_hash("phone", check_phone(typed[:60], country))]
    except RuleBroken:
        return []


@dataclass(frozen=True, slots=True)
class Duplicate:
    """Somebody already registered with the same document, or with the same phone and birth date."""

    person: Person
    same_document: bool


def exact_duplicates(
    *, document: bytes | None, phone: bytes | None, birth: bytes, besides: int | None = None
) -> list[Duplicate]:
    """Who has the document, or both the phone and the birth date; all three as lookups. Same document first."""
    carriers = _carriers(document) if document else set()
    reached = select(ContactPoint.person_id).where(ContactPoint.value_lookup == phone)
    twins = (Person.birth_lookup == birth) & Person.id.in_(reached)
    statement = select(Person).where(or_(Person.id.in_(carriers), twins) if phone else Person.id.in_(carriers))
    people = db.session.scalars(statement.where(Person.id != (besides or 0)).order_by(Person.id).limit(20))
    found = [Duplicate(person, person.id in carriers) for person in people]
    return sorted(found, key=lambda duplicate: not duplicate.same_document)


def duplicates_of(
    *, kind: str, issuer: str | None, number: str, phone: str, country: str, birth_on: date
) -> list[Duplicate]:
    """`exact_duplicates` of what was typed; what cannot be read yet matches nobody."""
    document = None
    with suppress(RuleBroken, ValueError):
        known = DocumentKind(kind)
        by = FIXED_ISSUERS.get(known) or issuer
        document = document_lookup(known, by, check_document(known, number).number) if by else None
    reached = next(iter(_phone_lookups(phone, country)), None)
    return exact_duplicates(document=document, phone=reached, birth=birth_lookup(birth_on))


def _carriers(document: bytes) -> set[int]:
    same = IdentityDocument.number_lookup == document
    return set(db.session.scalars(select(IdentityDocument.person_id).where(same).order_by(IdentityDocument.id)))


def _fresh_contact(day: date) -> Select[int]:
    return select(ContactPoint.person_id).where(
        ContactPoint.verified_on >= day - FRESH_FOR, ContactPoint.failed_on.is_(None)
    )


def people_with_stale_contacts(now: datetime, *, after: str | None = None) -> Page[Person]:
    """People whom no way of contact is known to reach: none verified within 90 days, or all found dead since."""
    stale = _with_facts().where(Person.id.not_in(_fresh_contact(local_day(now))))
    return keyset_page(stale.options(selectinload(Person.contact_points)), Person.folio, Person.id, after=after)


def people_to_call(user: User, *, now: datetime, limit: int = 10) -> Sequence[Person]:
    """Those whom this user registered and whose contact points are stale; the longest registered first."""
    stale = _with_facts().where(Person.registered_by_id == user.id, Person.id.not_in(_fresh_contact(local_day(now))))
    statement = (
        stale.options(selectinload(Person.contact_points)).order_by(Person.registered_at, Person.id).limit(limit)
    )
    return list(db.session.scalars(statement))


def count_to_call(user: User, *, now: datetime) -> int:
    """How many people whom this user registered have stale contact points."""
    stale = Person.id.not_in(_fresh_contact(local_day(now)))
    return db.session.scalar(select(func.count(Person.id)).where(Person.registered_by_id == user.id, stale)) or 0


def get_document(person_id: int, document_id: int) -> IdentityDocument:
    """A document of this person; NotFound otherwise."""
    mine = (IdentityDocument.id == plausible(document_id)) & (IdentityDocument.person_id == plausible(person_id))
    return one_or_refuse(select(IdentityDocument).where(mine))


def get_contact_point(person_id: int, point_id: int) -> ContactPoint:
    """A contact point of this person; NotFound otherwise."""
    mine = (ContactPoint.id == plausible(point_id)) & (ContactPoint.person_id == plausible(person_id))
    return one_or_refuse(select(ContactPoint).where(mine))


def get_consent(person_id: int, consent_id: int) -> Consent:
    """A consent of this person, with its text; NotFound otherwise."""
    mine = (Consent.id == plausible(consent_id)) & (Consent.person_id == plausible(person_id))
    return one_or_refuse(select(Consent).options(joinedload(Consent.text)).where(mine))


def active_consent(person_id: int, purpose: ConsentPurpose, *, institution_id: int | None = None) -> Consent | None:
    """The person's latest consent to this purpose (for a referral: to this institution) that was not revoked."""
    statement = (
        select(Consent)
        .join(Consent.text)
        .where(Consent.person_id == person_id, ConsentText.purpose == purpose, Consent.revoked_at.is_(None))
        .where(Consent.institution_id == institution_id if institution_id else Consent.institution_id.is_(None))
        .order_by(Consent.id.desc())
        .limit(1)
    )
    return db.session.scalar(statement)


def current_text(purpose: ConsentPurpose, language: str) -> ConsentText | None:
    """The newest version of the words in this language."""
    mine = (ConsentText.purpose == purpose) & (ConsentText.language == language)
    return db.session.scalar(select(ConsentText).where(mine).order_by(ConsentText.version.desc()).limit(1))


def current_texts() -> dict[ConsentPurpose, dict[str, ConsentText]]:
    """The newest words of every purpose, by purpose and language; Spanish first."""
    texts: dict[ConsentPurpose, dict[str, ConsentText]] = {}
    for text in db.session.scalars(select(ConsentText).order_by(ConsentText.version, ConsentText.language.desc())):
        texts.setdefault(text.purpose, {})[text.language] = text
    return texts


def births_of(numbers: Sequence[int]) -> dict[int, date]:
    """The days of birth of these people, by their number: for an age on a fixed day."""
    return {person.id: person.birth_on for person in db.session.scalars(select(Person).where(Person.id.in_(numbers)))}


def canton_choices() -> dict[str, list[tuple[str, str]]]:
    """Cantons by the name of their province; the programme's provinces first."""
    statement = select(Canton).options(joinedload(Canton.province)).order_by(Canton.code)
    cantons = sorted(db.session.scalars(statement), key=lambda canton: canton.province_code not in FIRST_PROVINCES)
    choices: dict[str, list[tuple[str, str]]] = {}
    for canton in cantons:
        choices.setdefault(canton.province.name, []).append((canton.code, canton.name))
    return choices


def provinces() -> Sequence[Province]:
    """All provinces; the programme's first."""
    found = db.session.scalars(select(Province).order_by(Province.code))
    return sorted(found, key=lambda province: province.code not in FIRST_PROVINCES)
