"""The minimum about a person that a referral shares with one institution, and what it shares beyond on request."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from grants.people.models import ContactKind, DocumentKind, Person, PopulationGroup

PHONES = frozenset({ContactKind.PHONE, ContactKind.WHATSAPP})


class SharedField(StrEnum):
    """What can be shared. The last one is sensitive (LOPDP art. 25): only where the consent names it."""

    NAME = "name"
    CONTACT = "contact"
    CANTON = "canton"
    NEED = "need"
    GROUP = "group"


MINIMUM = frozenset({SharedField.NAME, SharedField.CONTACT, SharedField.CANTON, SharedField.NEED})


@dataclass(frozen=True, slots=True)
class Shared:
    """All that the institution learns, under the person's consent. `contact` is None when none is safe to call.

    `group`: only where the consent covers it.
    """

    folio: str
    name: str
    contact: str | None
    canton: str
    need: str
    group: PopulationGroup | None = None


@dataclass(frozen=True, slots=True)
class DocumentAnswer:
    """Whether the person's documents are good for the product wanted; if not, what would be. Never which they are."""

    is_accepted: bool
    would_do: tuple[DocumentKind, ...] = ()


def share(person: Person, *, need: str, covers: frozenset[SharedField] = MINIMUM) -> Shared:
    """Reads the person's contact points and canton: load them before."""
    return Shared(
        folio=person.folio,
        name=short_name(person),
        contact=safe_contact(person),
        canton=person.canton.name,
        need=need,
        group=person.population_group if SharedField.GROUP in covers else None,
    )


def short_name(person: Person) -> str:
    """First name and first surname: as much of the name as is shared."""
    return " ".join([*person.given_names.split()[:1], person.first_surname])


def safe_contact(person: Person) -> str | None:
    """The phone verified last among those that are safe to call."""
    safe = [point for point in person.contact_points if point.safe_to_call and point.kind in PHONES]
    newest = max(safe, key=lambda point: (point.verified_on or date.min, point.id), default=None)
    return newest.value if newest else None
