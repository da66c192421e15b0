"""What is open to a person, and every reason why the rest is not. Pure: facts in, reasons out, anyone can redo it.

An institution offers products on the terms in force on a day. A product is open when no reason stands against it. All
reasons are listed, not the first only: they are counted, and whoever mends one must know of the others.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from decimal import Decimal
from enum import StrEnum

from grants.credit.models import InstitutionKind, LinkageKind
from grants.people.models import DocumentKind


class Reason(StrEnum):
    """Why a product is not open, in the order in which reasons are shown."""

    INSTITUTION_INACTIVE = "institution_inactive"
    NO_AGREEMENT = "no_agreement"  # none in force that day
    NOT_OFFERED_NOW = "not_offered_now"  # no terms in force that day
    OUTSIDE_LOCATIONS = "outside_locations"
    DOCUMENT_NOT_ACCEPTED = "document_not_accepted"
    DOCUMENT_EXPIRED = "document_expired"  # accepted, were it not for its day
    MEMBERSHIP_NEEDED = "membership_needed"
    AGE = "age"
    AMOUNT_TOO_SMALL = "amount_too_small"
    AMOUNT_TOO_LARGE = "amount_too_large"
    TERM = "term"


@dataclass(frozen=True, slots=True)
class Held:
    """A document of a person: its kind and last day. None: it has none, or nobody wrote it down."""

    kind: DocumentKind
    expires_on: date | None = None

    def is_valid_on(self, day: date) -> bool:
        return self.expires_on is None or self.expires_on >= day


@dataclass(frozen=True, slots=True)
class Need:
    """What a person wants. An amount or term that is not said rules nothing out."""

    kind: LinkageKind = LinkageKind.CREDIT
    amount_usd: Decimal | None = None
    months: int | None = None


@dataclass(frozen=True, slots=True)
class Asker:
    """What of a person decides. `memberships`: the institutions that the person has joined."""

    documents: frozenset[Held]
    age: int
    canton_code: str
    memberships: frozenset[int] = frozenset()
    need: Need = Need()

    def joined(self, institution_id: int) -> "Asker":
        """As if the person were a member there."""
        return replace(self, memberships=self.memberships | {institution_id})


@dataclass(frozen=True, slots=True)
class Lender:
    """An institution on the day asked about. `cantons`: where it attends people; without any, everywhere."""

    id: int
    name: str
    kind: InstitutionKind
    is_active: bool = True
    has_agreement: bool = True
    members_only: bool = False
    cantons: frozenset[str] = frozenset()
    office: str | None = None

    def serves(self, canton_code: str) -> bool:
        return not self.cantons or canton_code in self.cantons


@dataclass(frozen=True, slots=True)
class Demands:
    """What the terms in force ask for. Any one of `documents` opens the product; `none` among them: none is needed."""

    documents: frozenset[DocumentKind]
    expired_accepted: bool = False
    least_usd: Decimal | None = None
    most_usd: Decimal | None = None
    least_months: int | None = None
    most_months: int | None = None
    needs_membership: bool = False
    least_age: int | None = None
    most_age: int | None = None


@dataclass(frozen=True, slots=True)
class Offer:
    """A product of an institution. `demands`: None where no terms are in force that day."""

    product_id: int
    name: str
    kind: LinkageKind
    institution: Lender
    demands: Demands | None


@dataclass(frozen=True, slots=True)
class Match:
    """An offer and all that stands against it. `join_first`: the membership that the person needs before."""

    product: Offer
    reasons: tuple[Reason, ...]
    join_first: Offer | None = None

    @property
    def institution(self) -> Lender:
        return self.product.institution

    @property
    def is_open(self) -> bool:
        return not self.reasons


@dataclass(frozen=True, slots=True)
class Joinable:
    """A savings bank that the person could join, by which product if it is on record, and what follows.

    `opens`: what a member could have. `others`: what is needed, and still not open then.
    """

    institution: Lender
    membership: Offer | None
    opens: tuple[Offer, ...]
    others: tuple[Match, ...] = ()


def document_reason(documents: Iterable[Held], demands: Demands, *, day: date) -> Reason | None:
    """What stands against a person's documents. Terms that list no document accept none.

    >>> card = Held(DocumentKind.CEDULA_VE, date(2026, 1, 31))
    >>> demands = Demands(frozenset({DocumentKind.CEDULA_VE}))
    >>> document_reason([card], demands, day=date(2026, 1, 31)) is None
    True
    >>> document_reason([card], demands, day=date(2026, 2, 1)).value
    'document_expired'
    """
    if DocumentKind.NONE in demands.documents:
        return None
    fitting = [held for held in documents if held.kind in demands.documents]
    if not fitting:
        return Reason.DOCUMENT_NOT_ACCEPTED
    if demands.expired_accepted or any(held.is_valid_on(day) for held in fitting):
        return None
    return Reason.DOCUMENT_EXPIRED


def reasons_against(asker: Asker, offer: Offer, *, day: date) -> tuple[Reason, ...]:
    """Everything that closes the offer to this person on this day; nothing: it is open."""
    found = {*_of_institution(asker, offer.institution)}
    if offer.demands is None:
        found.add(Reason.NOT_OFFERED_NOW)
    else:
        found |= _of_terms(asker, offer, offer.demands, day=day)
    if _needs_membership(offer) and offer.institution.id not in asker.memberships:
        found.add(Reason.MEMBERSHIP_NEEDED)
    return tuple(reason for reason in Reason if reason in found)


def match(asker: Asker, offers: Sequence[Offer], *, day: date) -> list[Match]:
    """Each offer of the kind that is needed: those open first, then those with the fewest reasons, by name."""
    memberships = _memberships(offers)
    found = []
    for offer in offers:
        if offer.kind is not asker.need.kind:
            continue
        reasons = reasons_against(asker, offer, day=day)
        way = memberships.get(offer.institution.id) if Reason.MEMBERSHIP_NEEDED in reasons else None
        found.append(Match(offer, reasons, way))
    return sorted(found, key=lambda one: (len(one.reasons), one.institution.name, one.product.name))


def joinable(asker: Asker, offers: Sequence[Offer], *, day: date) -> list[Joinable]:
    """The savings banks that serve the person's canton, would admit the person, and what membership would open.

    Those with their office in the canton come first, then those of its province. A savings bank without a membership
    on record is listed as well: it can be asked how it admits.
    """
    memberships, found = _memberships(offers), []
    cajas = {one.institution.id: one.institution for one in offers
             if one.institution.kind is InstitutionKind.SAVINGS_BANK}  # fmt: skip
    for caja in cajas.values():
        joining = memberships.get(caja.id)
        shut = joining is not None and reasons_against(_about_joining(asker), joining, day=day)
        if caja.id in asker.memberships or shut or set(_of_institution(asker, caja)):
            continue
        member = asker.joined(caja.id)
        mine = [one for one in offers if one.institution.id == caja.id]
        opens = tuple(one for one in mine if one.kind is not LinkageKind.MEMBERSHIP
                      and not reasons_against(member, one, day=day))  # fmt: skip
        others = tuple(one for one in match(member, mine, day=day) if not one.is_open)
        if joining is not None or opens:
            found.append(Joinable(caja, joining, opens, others))
    return sorted(found, key=lambda one: (_distance(one.institution, asker.canton_code), one.institution.name))


def _memberships(offers: Iterable[Offer]) -> dict[int, Offer]:
    """Each institution's membership on offer; the first by name."""
    on_offer = [one for one in offers if one.kind is LinkageKind.MEMBERSHIP and one.demands is not None]
    return {one.institution.id: one for one in sorted(on_offer, key=lambda one: one.name, reverse=True)}


def _about_joining(asker: Asker) -> Asker:
    return replace(asker, need=Need(LinkageKind.MEMBERSHIP))


def _of_institution(asker: Asker, lender: Lender) -> Iterable[Reason]:
    if not lender.is_active:
        yield Reason.INSTITUTION_INACTIVE
    if not lender.has_agreement:
        yield Reason.NO_AGREEMENT
    if not lender.serves(asker.canton_code):
        yield Reason.OUTSIDE_LOCATIONS


def _of_terms(asker: Asker, offer: Offer, demands: Demands, *, day: date) -> set[Reason]:
    found = {document_reason(asker.documents, demands, day=day)}
    if _outside(asker.age, demands.least_age, demands.most_age):
        found.add(Reason.AGE)
    if offer.kind is asker.need.kind:
        found |= _of_need(asker.need, demands)
    return {reason for reason in found if reason is not None}


def _of_need(need: Need, demands: Demands) -> set[Reason | None]:
    """Amount and term concern the kind that is needed: nobody joins a savings bank for 800 dollars."""
    found: set[Reason | None] = set()
    if need.amount_usd is not None and demands.least_usd is not None and need.amount_usd < demands.least_usd:
        found.add(Reason.AMOUNT_TOO_SMALL)
    if need.amount_usd is not None and demands.most_usd is not None and need.amount_usd > demands.most_usd:
        found.add(Reason.AMOUNT_TOO_LARGE)
    if need.months is not None and _outside(need.months, demands.least_months, demands.most_months):
        found.add(Reason.TERM)
    return found


def _needs_membership(offer: Offer) -> bool:
    """Where only members borrow, every credit needs it; becoming a member never does."""
    if offer.kind is LinkageKind.MEMBERSHIP:
        return False
    by_statute = offer.institution.members_only and offer.kind is LinkageKind.CREDIT
    return by_statute or (offer.demands is not None and offer.demands.needs_membership)


def _outside(value: int, least: int | None, most: int | None) -> bool:
    return (least is not None and value < least) or (most is not None and value > most)


def _distance(lender: Lender, canton_code: str) -> int:
    """0: its office is in the canton; 1: in the province; 2: elsewhere, or nobody wrote where."""
    if lender.office == canton_code:
        return 0
    return 1 if lender.office is not None and lender.office[:2] == canton_code[:2] else 2
