"""The demo's people: published counts, invented everything else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.crypto import lookup_hash
from grants.core.db import db
from grants.demo.facts import Chance, morning, programme, spread, words
from grants.demo.staff import Staff
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

NAMES_OF = {Sex.FEMALE: "women", Sex.MALE: "men", Sex.OTHER: "others"}
MOBILITY = {"VE": 78, "CO": 22}
BANDS = {"18_35": 60, "36_59": 36, "60_plus": 4}  # the report's 60 % aged 18 to 35 (line 111); the rest is invented
BORN = {"18_35": (19, 34), "36_59": (37, 58), "60_plus": (61, 72)}
DOMAINS = ("seeing", "hearing", "walking", "remembering", "self_care", "communicating")
DOCUMENTS = {
    "EC": (DocumentKind.NONE, DocumentKind.BIRTH_RECORD),
    "CO": (DocumentKind.CEDULA_CO, DocumentKind.REFUGEE_CARD, DocumentKind.PASSPORT),
    "VE": (DocumentKind.CEDULA_VE, DocumentKind.PASSPORT, DocumentKind.NONE, DocumentKind.VISA),
}
CONSENT_WORDS = {
    ConsentPurpose.GRANT: "Acepto que el programa use mis datos para registrarme y evaluar mi plan de negocio.",
    ConsentPurpose.REFERRAL: "Acepto que el programa comparta mi nombre y mi contacto con la institución que elegí.",
}


@dataclass(slots=True)
class Cohort:
    """People registered for one purpose. `digital` learners also took the digital course."""

    canton: str
    year: int
    people: list[Person] = field(default_factory=list)
    digital: bool = False
    below_pass: int = 0


@dataclass(frozen=True, slots=True)
class _Sketch:
    sex: Sex
    nationality: str
    canton: str
    disability: bool | None


def build_places() -> None:
    """The two provinces and their cantons, where they are not loaded yet."""
    facts = programme()
    for code, name in facts["provinces"].items():
        if db.session.get(Province, code) is None:
            db.session.add(Province(code=code, name=name))
    db.session.flush()
    for code, name in facts["cantons"].items():
        if db.session.get(Canton, code) is None:
            db.session.add(Canton(code=code, name=name, province_code=code[:2]))
    db.session.flush()


def consent_text(purpose: ConsentPurpose) -> ConsentText:
    """The latest Spanish words for a purpose; written here where none are loaded."""
    found = (
        db.session.query(ConsentText)
        .filter_by(purpose=purpose, language="es")
        .order_by(ConsentText.version.desc())
        .first()
    )
    if found is None:
        found = ConsentText(purpose=purpose, version=1, language="es", body=CONSENT_WORDS[purpose])
        db.session.add(found)
        db.session.flush()
    return found


def build_entrepreneurs(chance: Chance, staff: Staff) -> list[Person]:
    """The people of indicator 1.2a: sex, nationality and canton as published, combined at random."""
    facts = programme()["entrepreneurs"]
    decks = zip(chance.deck(facts["sex"]), chance.deck(facts["nationality"]), chance.deck(facts["canton"]), strict=True)
    sketches = [_Sketch(Sex(sex), country, canton, chance.random() < 0.04) for sex, country, canton in decks]
    return _register(chance, sketches, staff, first=date(2023, 1, 9), last=date(2023, 2, 10))


def build_learners(chance: Chance, staff: Staff) -> list[Cohort]:
    """The people of indicators 2.3a and, among them, 1.3a."""
    return [_build_cohort(chance, staff, facts) for facts in programme()["learners"]]


def _build_cohort(chance: Chance, staff: Staff, facts: Mapping[str, Any]) -> Cohort:
    total = sum(facts["sex"].values())
    host_women = facts["host"] * facts["sex"]["female"] // total
    sketches = [
        *_sketch(facts, Sex.FEMALE, host_women, facts["canton"]),
        *_sketch(facts, Sex.MALE, facts["host"] - host_women, facts["canton"]),
    ]
    asked: Sequence[bool | None] = [True] * facts["disability"] + [False] * (total - facts["disability"])
    if not facts["digital"]:  # a third was never asked
        asked = [*asked[: -(total // 3)], *[None] * (total // 3)]
    answers = chance.shuffled(asked)
    sketches = [_Sketch(one.sex, one.nationality, one.canton, yes) for one, yes in zip(sketches, answers, strict=True)]
    first = date.fromisoformat(facts["registered_from"])
    people = _register(chance, chance.shuffled(sketches), staff, first=first, last=first + timedelta(days=25))
    return Cohort(facts["canton"], facts["year"], people, facts["digital"], facts["below_pass"])


def _sketch(facts: Mapping[str, Any], sex: Sex, hosts: int, canton: str) -> list[_Sketch]:
    mobile = spread(facts["sex"][sex.value] - hosts, MOBILITY)
    return [_Sketch(sex, nation, canton, None) for nation, n in {"EC": hosts, **mobile}.items() for _n in range(n)]


def _register(chance: Chance, sketches: Sequence[_Sketch], staff: Staff, *, first: date, last: date) -> list[Person]:
    bands = chance.deck(spread(len(sketches), BANDS))
    days = sorted(chance.day(first, last) for _sketch in sketches)
    text, people = consent_text(ConsentPurpose.GRANT), []
    for sketch, band, day in zip(sketches, bands, days, strict=True):
        by, at = chance.choice(staff[Role.ENUMERATOR]), morning(day, minutes=chance.randint(0, 400))
        person = _person(chance, sketch, band, by, at)
        person.documents = [_document(chance, sketch.nationality)]
        person.contact_points = [_phone(chance, day)]
        person.consents = [Consent(text_id=text.id, read_out_by_id=by.id, given_at=at)]
        db.session.add(person)
        journal.record(by, "person.registered", person, at=at)
        people.append(person)
    db.session.flush()
    return people


def _person(chance: Chance, sketch: _Sketch, band: str, by: User, at: datetime) -> Person:
    person = Person(
        folio=chance.folio("P"), sex=sketch.sex, nationality=sketch.nationality, canton_code=sketch.canton,
        population_group=_group(chance, sketch.nationality), has_disability=sketch.disability,
        is_single_carer=chance.choice((True, False, False, None)), registered_by_id=by.id, registered_at=at,
    )  # fmt: skip
    person.given_names = chance.choice(words()[NAMES_OF[sketch.sex]])
    person.first_surname, person.second_surname = chance.sample(words()["surnames"], 2)
    youngest, oldest = BORN[band]
    person.birth_on = date(2023 - chance.randint(youngest, oldest), chance.randint(1, 12), chance.randint(1, 28))
    person.birth_lookup = lookup_hash("birth", person.birth_on.isoformat())
    person.washington_group = _answers(chance, sketch.disability)
    return person


def _group(chance: Chance, nationality: str) -> PopulationGroup:
    if nationality == "EC":
        return PopulationGroup.HOST
    likely = PopulationGroup.REFUGEE if nationality == "CO" else PopulationGroup.MIGRANT
    return likely if chance.random() < 0.85 else PopulationGroup.REFUGEE


def _answers(chance: Chance, disability: bool | None) -> dict[str, int] | None:
    """Washington Group short set: 3 or 4 in one domain is a disability."""
    if disability is None:
        return None
    answers = {domain: chance.choice((1, 1, 1, 2)) for domain in DOMAINS}
    return {**answers, chance.choice(DOMAINS): 3} if disability else answers


def _document(chance: Chance, nationality: str) -> IdentityDocument:
    """Numbers are invented; Ecuadorian cédulas have a check digit, so that none is made up here."""
    kind = chance.choice(DOCUMENTS[nationality])
    if kind is DocumentKind.NONE:
        return IdentityDocument(kind=kind)
    document = IdentityDocument(kind=kind, issuer_country=nationality, seen_original=chance.random() < 0.7)
    document.number = f"DEMO{chance.randrange(10**9):09d}"
    document.number_lookup = lookup_hash("document", f"{kind.value}:{nationality}:{document.number}")
    return document


def _phone(chance: Chance, day: date) -> ContactPoint:
    number = f"+59390{chance.randrange(10**7):07d}"  # mobiles begin with 92 to 99: nobody answers at 90
    kind = chance.choice((ContactKind.PHONE, ContactKind.WHATSAPP))
    safe, verified = chance.random() < 0.9, day if chance.random() < 0.8 else None
    point = ContactPoint(kind=kind, safe_to_call=safe, verified_on=verified)
    point.value, point.value_lookup = number, lookup_hash("phone", number)
    return point
