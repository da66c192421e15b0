"""Holding the rows of a lender's file against what is known of its own people: whose they are, and what they add.

Nothing is written here. Rows are taken in the order in which things happened, so that a credit that one row disburses
is there for the payments of the next. Only what the institution may see under a live consent is looked at, so a row
about somebody else's person reads like a row about nobody.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import date

from grants.core.errors import RuleBroken
from grants.credit.import_reasons import Reason, RowDoubt
from grants.credit.import_rows import Facts
from grants.credit.import_settings import ORDER, STEPS, EventKind, Field, Settings
from grants.credit.models import (
    CreditMovement,
    Institution,
    Linkage,
    LinkageKind,
    LinkageState,
    ReferralState,
    RowOutcome,
)
from grants.credit.queries import imports as queries
from grants.credit.services.imports_course import Action, Course, Ledger
from grants.people.folio import normal_folio
from grants.people.models import DocumentKind, document_lookup
from grants.people.numbers import check_document


@dataclass(slots=True)
class Entry:
    """A row on its way: what it says, and what it comes to."""

    row_id: int
    number: int
    facts: Facts
    outcome: RowOutcome = RowOutcome.READ
    reason: Reason | None = None
    column: Field | None = None
    other: int | None = None
    linkage_id: int | None = None
    actions: list[Action] = field(default_factory=list)


@dataclass(slots=True)
class Plan:
    """What all rows come to, and the course of each linkage that something is added to."""

    entries: list[Entry]
    in_order: list[Entry]  # in which things happened
    courses: dict[int, Course]

    @property
    def refused(self) -> list[Entry]:
        return [one for one in self.entries if one.outcome is RowOutcome.BAD]


def plan(
    entries: list[Entry],
    institution: Institution,
    settings: Settings,
    *,
    today: date,
    only: Sequence[int] | None = None,
) -> Plan:
    """Decide on every row. `only`: these linkages alone, where the rows are known to be theirs."""
    book = _Book(institution, queries.own_linkages(institution, only), entries)
    in_order = sorted(entries, key=lambda one: (one.facts.day, ORDER[one.facts.kind], one.number))
    found = Plan(entries, in_order, {})
    for entry in in_order:
        try:
            linkage = book.linkage_of(entry.facts) if only is None else book.pinned(entry.linkage_id)
            entry.linkage_id = linkage.id
            if linkage.id not in found.courses:
                found.courses[linkage.id] = book.course(linkage, settings, today)
            course = found.courses[linkage.id]
            known = course.take(entry.facts, entry.number)
            entry.actions = known.actions
            entry.outcome = RowOutcome.GOOD if known.actions else RowOutcome.NOTHING_NEW
            entry.reason = known.reason
            book.learn(entry.facts, linkage, course)
        except RowDoubt as doubt:
            entry.outcome, entry.reason = RowOutcome.BAD, doubt.reason
            entry.column, entry.other = doubt.field, doubt.other
    return found


class _Book:
    """The institution's own linkages, by all that a row can name them by."""

    def __init__(self, institution: Institution, linkages: Iterable[Linkage], entries: list[Entry]) -> None:
        self.by_id: dict[int, Linkage] = {}
        self.by_operation: dict[str, Linkage] = {}
        self.by_digits: dict[str, list[Linkage]] = defaultdict(list)
        self.by_folio: dict[str, list[Linkage]] = defaultdict(list)
        self.by_person: dict[int, list[Linkage]] = defaultdict(list)
        self.by_lookup: dict[bytes, int] = {}
        self.issuers: set[tuple[str, str]] = set()
        for linkage in linkages:
            self._add(linkage)
        self.ledger = Ledger(queries.operations_taken(institution))
        self._documents(entries)
        self._movements(institution, entries)

    def linkage_of(self, facts: Facts) -> Linkage:
        """The one linkage that a row is about, or RowDoubt."""
        named = self._named(facts)
        linkage = self._by_operation(facts)
        if linkage is None:
            linkage = self._only_one(facts, named or [])
        elif named is not None and linkage not in named:
            raise RowDoubt(Reason.CONFLICT, Field.OPERATION)
        if linkage.referral.state is not ReferralState.ACCEPTED:
            raise RowDoubt(Reason.NOT_ACCEPTED)
        return linkage

    def pinned(self, linkage_id: int | None) -> Linkage:
        """The linkage that the check found, if it may still be seen and added to."""
        linkage = self.by_id.get(linkage_id or 0)
        if linkage is None:
            raise RowDoubt(Reason.UNKNOWN)
        if linkage.referral.state is not ReferralState.ACCEPTED:
            raise RowDoubt(Reason.NOT_ACCEPTED)
        return linkage

    def course(self, linkage: Linkage, settings: Settings, today: date) -> Course:
        return Course(linkage, self.logged[linkage.id], self.ledger, settings, today)

    def learn(self, facts: Facts, linkage: Linkage, course: Course) -> None:
        """An operation number that a disbursement brought counts for the rows after it."""
        if facts.kind is EventKind.DISBURSEMENT and course.operation:
            self.by_operation.setdefault(course.operation, linkage)

    def _add(self, linkage: Linkage) -> None:
        self.by_id[linkage.id] = linkage
        if linkage.reference:
            self.by_operation[linkage.reference] = linkage
            self.by_digits[linkage.reference.lstrip("0")].append(linkage)
        self.by_person[linkage.person_id].append(linkage)
        for folio in (linkage.folio, linkage.referral.folio, linkage.referral.person.folio):
            self.by_folio[folio].append(linkage)

    def _by_operation(self, facts: Facts) -> Linkage | None:
        if facts.operation is None:
            return None
        if facts.operation in self.by_operation or not facts.operation_is_number:
            return self.by_operation.get(facts.operation)
        # A number cell has lost its leading zeros: among the own numbers one may still be the only one that fits.
        alike = self.by_digits.get(facts.operation.lstrip("0"), [])
        return alike[0] if len(alike) == 1 else None

    def _named(self, facts: Facts) -> list[Linkage] | None:
        """The linkages of whoever the folio or the document names; None when the row names nobody known by them."""
        if facts.folio is not None:
            return self.by_folio.get(normal_folio(facts.folio[:20]) or "", [])
        people = self._carriers(facts.document) if facts.document else set()
        return [one for person in sorted(people) for one in self.by_person[person]] if people else None

    def _only_one(self, facts: Facts, named: list[Linkage]) -> Linkage:
        fits = [one for one in named if one.kind is LinkageKind.CREDIT or len(named) == 1]
        if facts.operation is not None:
            early = facts.kind in STEPS or facts.kind is EventKind.DISBURSEMENT
            fits = [one for one in fits if early and one.reference is None and one.is_open]
        elif len(fits) > 1:
            live = [one for one in fits if _is_at(one, facts.kind)]
            fits = live or fits
        if not fits:
            raise RowDoubt(Reason.UNKNOWN)
        if len(fits) > 1:
            raise RowDoubt(Reason.SEVERAL)
        return fits[0]

    def _carriers(self, document: str) -> set[int]:
        number = document.removeprefix("#")
        written = [number, "0" + number] if document.startswith("#") else [number]
        found = {self.by_lookup.get(one) for text in written for one in self._lookups(text)}
        return {one for one in found if one is not None}

    def _lookups(self, text: str) -> list[bytes]:
        """Only as the kinds of document that the own people carry: a number never leaves for a wider search."""
        found = []
        for kind, issuer in self.issuers:
            try:
                found.append(
                    document_lookup(DocumentKind(kind), issuer, check_document(DocumentKind(kind), text).number)
                )
            except RuleBroken:
                continue
        return found

    def _documents(self, entries: list[Entry]) -> None:
        if not any(entry.facts.document for entry in entries):
            return
        for person_id, kind, issuer, lookup in queries.documents_of(self.by_person):
            self.by_lookup[lookup] = person_id
            self.issuers.add((kind, issuer))

    def _movements(self, institution: Institution, entries: list[Entry]) -> None:
        self.logged: dict[int, list[CreditMovement]] = defaultdict(list)
        concerned: set[int] = set()
        for entry in entries:
            linkage = self._by_operation(entry.facts)
            concerned |= {linkage.id} if linkage else {one.id for one in self._named(entry.facts) or ()}
            if entry.linkage_id in self.by_id:
                concerned.add(entry.linkage_id)
        for movement in queries.movements_of(concerned):
            self.logged[movement.linkage_id].append(movement)
            self.ledger.know(movement)
        receipts = {entry.facts.receipt for entry in entries if entry.facts.receipt}
        for movement in queries.movements_with(institution, receipts):
            self.ledger.know(movement)


def _is_at(linkage: Linkage, kind: EventKind) -> bool:
    """Whether this is where such a thing can still happen."""
    if kind in STEPS:
        return linkage.is_open
    if kind is EventKind.DISBURSEMENT:
        return linkage.state is LinkageState.APPROVED
    if kind is EventKind.RECOVERY:
        return linkage.state is LinkageState.WRITTEN_OFF
    return linkage.is_active_credit
