"""People, places, documents, contact points and consents for tests."""

from datetime import date, datetime
from itertools import count
from typing import Any

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.crypto import lookup_hash
from grants.core.db import db
from grants.people.folio import new_folio
from grants.people.models import (
    Canton,
    Consent,
    ConsentPurpose,
    ConsentText,
    ContactKind,
    ContactPoint,
    DocumentKind,
    IdentityDocument,
    Person,
    PopulationGroup,
    Province,
    Sex,
)
from tests.factories.access import make_user

PROVINCES = {"10": "Imbabura", "21": "Sucumbíos"}
CANTONS = {"1001": "Ibarra", "1004": "Otavalo", "2101": "Lago Agrio", "2105": "Sucumbíos"}

_numbers = count(1)


def make_province(code: str = "10") -> Province:
    """The province, made if it is missing."""
    found = db.session.get(Province, code)
    if found is None:
        found = Province(code=code, name=PROVINCES.get(code, f"Provincia {code}"))
        db.session.add(found)
        db.session.flush()
    return found


def make_canton(code: str = "1001") -> Canton:
    """The canton by its DPA code (1001 Ibarra, 2101 Lago Agrio), made with its province if it is missing."""
    make_province(code[:2])
    found = db.session.get(Canton, code)
    if found is None:
        found = Canton(code=code, name=CANTONS.get(code, f"Cantón {code}"), province_code=code[:2])
        db.session.add(found)
        db.session.flush()
    return found


def make_person(**overrides: Any) -> Person:
    """A valid person: a Venezuelan woman of Ibarra born in 1990, unless told otherwise.

    `canton` and `registered_by` may be given as rows; any other attribute of Person by its name.
    """
    number = next(_numbers)
    canton = overrides.pop("canton", None) or make_canton(overrides.pop("canton_code", "1001"))
    registrar = overrides.pop("registered_by", None) or make_user(Role.ENUMERATOR)
    person = Person(
        folio=overrides.pop("folio", None) or new_folio("P"),
        sex=overrides.pop("sex", Sex.FEMALE),
        nationality=overrides.pop("nationality", "VE"),
        population_group=overrides.pop("population_group", PopulationGroup.MIGRANT),
        canton_code=canton.code,
        registered_by_id=registrar.id,
        registered_at=overrides.pop("registered_at", None) or utcnow(),
    )
    person.given_names = overrides.pop("given_names", f"Marisol {number}")
    person.first_surname = overrides.pop("first_surname", "Quintero")
    person.second_surname = overrides.pop("second_surname", "Rivas")
    person.birth_on = overrides.pop("birth_on", date(1990, 3, 14))
    person.birth_lookup = lookup_hash("birth", person.birth_on.isoformat())
    for name, value in overrides.items():
        setattr(person, name, value)
    db.session.add(person)
    db.session.flush()
    return person


def make_document(
    person: Person, kind: DocumentKind = DocumentKind.CEDULA_EC, number: str | None = "1001234564", issuer: str = "EC"
) -> IdentityDocument:
    """A document of this person; `number` as stored (normalised)."""
    document = IdentityDocument(person_id=person.id, kind=kind, issuer_country=None if number is None else issuer)
    document.number = number
    if number is not None:
        document.number_lookup = lookup_hash("document", f"{kind.value}:{issuer}:{number}")
    db.session.add(document)
    db.session.flush()
    return document


def make_phone(
    person: Person, number: str = "+593991234567", *, verified_on: date | None = None, safe_to_call: bool = True
) -> ContactPoint:
    """A phone of this person, in E.164."""
    point = ContactPoint(
        person_id=person.id,
        kind=ContactKind.PHONE,
        value_lookup=lookup_hash("phone", number),
        verified_on=verified_on,
        safe_to_call=safe_to_call,
    )
    point.value = number
    db.session.add(point)
    db.session.flush()
    return point


def make_consent_text(purpose: ConsentPurpose = ConsentPurpose.GRANT, language: str = "es") -> ConsentText:
    """Version 1 of a purpose's words, made if missing."""
    found = db.session.query(ConsentText).filter_by(purpose=purpose, version=1, language=language).one_or_none()
    if found is None:
        found = ConsentText(purpose=purpose, version=1, language=language, body=f"Texto sobre {purpose.value}.")
        db.session.add(found)
        db.session.flush()
    return found


def make_consent(
    person: Person,
    purpose: ConsentPurpose = ConsentPurpose.GRANT,
    *,
    institution_id: int | None = None,
    given_at: datetime | None = None,
    revoked_at: datetime | None = None,
) -> Consent:
    """A consent of this person, given now unless told otherwise."""
    consent = Consent(
        person_id=person.id,
        text_id=make_consent_text(purpose).id,
        institution_id=institution_id,
        read_out_by_id=person.registered_by_id,
        given_at=given_at or utcnow(),
        revoked_at=revoked_at,
    )
    db.session.add(consent)
    db.session.flush()
    return consent
