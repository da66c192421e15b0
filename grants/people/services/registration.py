"""Registering a person, once."""

from dataclasses import dataclass, field
from datetime import date, datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.people import queries
from grants.people.folio import new_folio
from grants.people.models import (
    Canton,
    ConsentPurpose,
    ContactKind,
    ContactPoint,
    DocumentKind,
    IdentityDocument,
    Person,
    PopulationGroup,
    Sex,
    birth_lookup,
    contact_lookup,
    document_lookup,
    washington_group_disability,
)
from grants.people.numbers import FIXED_ISSUERS, check_document, check_phone
from grants.people.services.consents import give_consent
from grants.people.words import DOUBTS

YOUNGEST, OLDEST, ADULT = 12, 110, 18


@dataclass(frozen=True, slots=True)
class PersonFacts:
    """Who somebody is. The answers of the Washington Group are 1–4 by domain; a missing one was not answered."""

    given_names: str
    first_surname: str
    second_surname: str | None
    birth_on: date
    sex: Sex
    gender: str | None
    nationality: str
    population_group: PopulationGroup
    washington_group: dict[str, int] | None
    is_single_carer: bool | None
    language: str
    canton_code: str


@dataclass(frozen=True, slots=True)
class DocumentFacts:
    """A document as typed. `issuer` counts only where the kind does not settle it."""

    kind: DocumentKind
    issuer: str | None = None
    number: str = ""
    expires_on: date | None = None
    seen_original: bool = False
    doubt_accepted: bool = False


@dataclass(frozen=True, slots=True)
class ContactFacts:
    """A way of contact as typed; `country` is read for phones."""

    kind: ContactKind
    value: str
    country: str = "EC"
    owner: str | None = None
    safe_to_call: bool = True
    verified_on: date | None = None


@dataclass(frozen=True, slots=True)
class Registration:
    """All that is needed to register somebody; `form_key` makes a second tap harmless."""

    person: PersonFacts
    document: DocumentFacts
    contacts: tuple[ContactFacts, ...]
    consents: frozenset[ConsentPurpose]
    consent_language: str
    guardian_present: bool = False
    duplicate_reason: str | None = None
    form_key: str | None = field(default=None, repr=False)


def register(registration: Registration, *, by: User, now: datetime) -> Person:
    """Register a person with document, contact points and consents, and give them a folio.

    The same form sent twice answers with the person of the first time.
    """
    earlier = _registered_with(registration.form_key)
    if earlier is not None:
        return _same_or_refuse(earlier, registration)
    _refuse_without_consent(registration)
    _refuse_odd_age(registration, local_day(now))
    document = new_document(registration.document)
    points = [new_contact_point(contact, local_day(now)) for contact in registration.contacts]
    if not points:
        raise RuleBroken(_("Give at least one way to reach the person: a phone, an e-mail or a community leader."),
                         field="phone")  # fmt: skip
    similar = _similar_people(registration, document, points)
    # Another worker may have stored this very form since the first look: its person is no duplicate.
    for one in similar:
        if registration.form_key and one.person.form_key == registration.form_key:
            return _same_or_refuse(one.person, registration)
    _refuse_duplicates(similar, registration)
    person = new_person(registration.person, by=by, now=now)
    person.form_key, person.duplicate_reason = registration.form_key, registration.duplicate_reason or None
    person.documents, person.contact_points = [document], points
    for point in points:
        point.added_at = now
    if (stored := _store(person, registration)) is not person:
        return stored
    for purpose in sorted(registration.consents):
        give_consent(person, purpose, language=registration.consent_language, by=by, now=now)
    folios = [one.person.folio for one in similar]
    journal.record(by, "person.registered", person, at=now, doubt=document.doubt, similar_to=folios,
                   guardian_present=registration.guardian_present)  # fmt: skip
    return person


def _registered_with(form_key: str | None) -> Person | None:
    return db.session.scalar(select(Person).where(Person.form_key == form_key)) if form_key else None


def _same_or_refuse(earlier: Person, registration: Registration) -> Person:
    facts = registration.person
    asked = (facts.given_names, facts.first_surname, facts.birth_on)
    if (earlier.given_names, earlier.first_surname, earlier.birth_on) == asked:
        return earlier
    sentence = _("This form has already registered %(folio)s. To register another person too, press the button again.",
                 folio=earlier.folio)  # fmt: skip
    raise RuleBroken(sentence, field="form_key")


def _refuse_without_consent(registration: Registration) -> None:
    if ConsentPurpose.GRANT not in registration.consents:
        raise RuleBroken(_("Without the person's agreement nothing may be kept. Read the text out and ask."),
                         field="consent_given")  # fmt: skip


def _refuse_odd_age(registration: Registration, today: date) -> None:
    born = registration.person.birth_on
    refuse_implausible_birth(born, today)
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if years < ADULT and not registration.guardian_present:
        raise RuleBroken(_("The person is under 18: a parent or guardian must be present and agree too."),
                         field="guardian_present")  # fmt: skip


def refuse_implausible_birth(born: date, today: date) -> None:
    """Ages of 12 to 110 are plausible; anything else is a slip of the finger."""
    years = today.year - born.year - ((today.month, today.day) < (born.month, born.day))
    if not YOUNGEST <= years <= OLDEST:
        raise RuleBroken(
            _("With this birth date the person would not be between %(youngest)d and %(oldest)d years old. "
              "Look at the date again.", youngest=YOUNGEST, oldest=OLDEST),
            field="birth_year",
        )  # fmt: skip


def new_document(facts: DocumentFacts) -> IdentityDocument:
    """The checked document, not yet stored. A doubt must have been accepted."""
    document = IdentityDocument(kind=facts.kind, seen_original=facts.seen_original, expires_on=facts.expires_on)
    if facts.kind is DocumentKind.NONE:
        document.seen_original, document.expires_on = False, None
        return document
    issuer = FIXED_ISSUERS.get(facts.kind) or facts.issuer
    if not issuer:
        raise RuleBroken(_("Choose the country that issued the document."), field="document_issuer")
    checked = check_document(facts.kind, facts.number)
    if checked.doubt and not facts.doubt_accepted:
        raise RuleBroken(DOUBTS[checked.doubt], field="doubt_accepted")
    document.issuer_country, document.doubt, document.number = issuer, checked.doubt, checked.number
    document.number_lookup = document_lookup(facts.kind, issuer, checked.number)
    return document


def new_contact_point(facts: ContactFacts, today: date) -> ContactPoint:
    """The checked contact point, not yet stored. Phones become E.164."""
    if facts.verified_on and facts.verified_on > today:
        raise RuleBroken(_("The day of the check lies in the future. Write today or an earlier day."),
                         field="verified_on")  # fmt: skip
    is_phone = facts.kind in (ContactKind.PHONE, ContactKind.WHATSAPP)
    value = check_phone(facts.value, facts.country) if is_phone else facts.value.strip()
    if not value:
        raise RuleBroken(_("Write how the person is reached."), field="value")
    point = ContactPoint(kind=facts.kind, safe_to_call=facts.safe_to_call, verified_on=facts.verified_on)
    point.value, point.owner = value, facts.owner or None
    point.value_lookup = contact_lookup(facts.kind, value.casefold())
    return point


def _similar_people(
    registration: Registration, document: IdentityDocument, points: list[ContactPoint]
) -> list[queries.Duplicate]:
    phones = (point.value_lookup for point in points if point.kind in (ContactKind.PHONE, ContactKind.WHATSAPP))
    return queries.exact_duplicates(
        document=document.number_lookup, phone=next(phones, None), birth=birth_lookup(registration.person.birth_on)
    )


def _refuse_duplicates(found: list[queries.Duplicate], registration: Registration) -> None:
    """One document is one person; the same phone and birth date want a reason why this is somebody else."""
    if any(duplicate.same_document for duplicate in found):
        raise RuleBroken(_document_taken(), field="document_number")
    if found and not registration.duplicate_reason:
        sentence = _("Somebody with this phone and birth date is registered. Open that folio; if this is another "
                     "person, write why.")  # fmt: skip
        raise RuleBroken(sentence, field="duplicate_reason")


def _document_taken() -> object:
    return _("Somebody is already registered with this document. Open that folio instead of registering again.")


def new_person(facts: PersonFacts, *, by: User, now: datetime) -> Person:
    """The person with a fresh folio, not yet stored."""
    person = Person(folio=new_folio("P"), registered_by_id=by.id, registered_at=now)
    put_facts(person, facts)
    return person


def put_facts(person: Person, facts: PersonFacts) -> None:
    """Write the facts into the row."""
    if db.session.get(Canton, facts.canton_code) is None:
        raise RuleBroken(_("Choose a canton from the list."), field="canton_code")
    for name in PersonFacts.__slots__:
        setattr(person, name, getattr(facts, name))
    person.washington_group = facts.washington_group or None
    person.birth_lookup = birth_lookup(facts.birth_on)
    person.has_disability = washington_group_disability(person.washington_group)


def _store(person: Person, registration: Registration) -> Person:
    """Insert; when another request was faster, the database says so and its person or a sentence is the answer."""
    try:
        with db.session.begin_nested():
            db.session.add(person)
            db.session.flush()
    except IntegrityError as error:
        earlier = _registered_with(registration.form_key)
        if earlier is None:
            raise RuleBroken(_document_taken(), field="document_number") from error
        return _same_or_refuse(earlier, registration)
    return person
