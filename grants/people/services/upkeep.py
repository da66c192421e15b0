"""Keeping people's facts, documents and contact points true."""

from datetime import date, datetime

from flask_babel import lazy_gettext as _
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.people.models import ContactPoint, DocumentKind, IdentityDocument, Person
from grants.people.services.registration import (
    ContactFacts,
    DocumentFacts,
    PersonFacts,
    new_contact_point,
    new_document,
    put_facts,
    refuse_implausible_birth,
)

EARLIEST = date(2000, 1, 1)


def edit_person(person: Person, facts: PersonFacts, *, by: User, now: datetime) -> None:
    """Correct who somebody is. The journal keeps which fields changed, not what they say."""
    refuse_implausible_birth(facts.birth_on, local_day(now))
    changed = [name for name in PersonFacts.__slots__ if getattr(person, name) != getattr(facts, name)]
    if not changed:
        return
    put_facts(person, facts)
    db.session.flush()
    journal.record(by, "person.edited", person, at=now, fields=changed)


def add_document(person: Person, facts: DocumentFacts, *, by: User, now: datetime) -> IdentityDocument:
    """Add a document that the person carries. One document belongs to one person."""
    if facts.kind is DocumentKind.NONE:
        raise RuleBroken(_("Choose the kind of document."), field="document_kind")
    document = new_document(facts)
    document.person_id = person.id
    taken = _("This document is already registered. Search its number to see whose it is.")
    try:
        with db.session.begin_nested():
            db.session.add(document)
            db.session.flush()
    except IntegrityError as error:
        raise RuleBroken(taken, field="document_number") from error
    journal.record(by, "document.added", document, at=now, person_id=person.id, doubt=document.doubt)
    return document


def look_at_number(document: IdentityDocument, *, by: User, now: datetime) -> None:
    """Record that somebody looked at the whole number of a document."""
    journal.record(by, "document.looked_at", document, at=now, person_id=document.person_id)


def add_contact_point(person: Person, facts: ContactFacts, *, by: User, now: datetime) -> ContactPoint:
    """Add a way to reach the person; the same one twice is refused."""
    point = new_contact_point(facts, local_day(now))
    if any(point.value_lookup == other.value_lookup for other in person.contact_points):
        raise RuleBroken(_("This way of contact is already there. Verify it instead."), field="value")
    point.person_id, point.added_at = person.id, now
    db.session.add(point)
    db.session.flush()
    journal.record(by, "contact_point.added", point, at=now, person_id=person.id)
    return point


def verify_contact(point: ContactPoint, *, on: date, by: User, now: datetime) -> None:
    """Record the day on which the person was reached this way."""
    if not EARLIEST <= on <= local_day(now):
        raise RuleBroken(_("The day of the check must not lie in the future. Write today or an earlier day."),
                         field="verified_on")  # fmt: skip
    if point.failed_on is not None:
        point.added_at = now  # a number that died may be somebody else's now
    point.verified_on, point.failed_on = on, None
    journal.record(by, "contact_point.verified", point, at=now, person_id=point.person_id)


def mark_contact_dead(point: ContactPoint, *, by: User, now: datetime) -> None:
    """Record that nobody is reached this way any more. It stays, so that it is not added again."""
    point.failed_on = local_day(now)
    journal.record(by, "contact_point.failed", point, at=now, person_id=point.person_id)
