"""What is done with people: register them, keep their facts up to date, record what they agreed to."""

from grants.people.services.consents import ends_with_consent, give_consent, revoke_consent
from grants.people.services.reference import load_consent_texts, load_places, load_reference_data
from grants.people.services.registration import (
    ContactFacts,
    DocumentFacts,
    PersonFacts,
    Registration,
    register,
)
from grants.people.services.upkeep import (
    add_contact_point,
    add_document,
    edit_person,
    look_at_number,
    mark_contact_dead,
    verify_contact,
)

__all__ = [
    "ContactFacts",
    "DocumentFacts",
    "PersonFacts",
    "Registration",
    "add_contact_point",
    "add_document",
    "edit_person",
    "ends_with_consent",
    "give_consent",
    "load_consent_texts",
    "load_places",
    "load_reference_data",
    "look_at_number",
    "mark_contact_dead",
    "register",
    "revoke_consent",
    "verify_contact",
]
