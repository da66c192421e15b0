"""To how many people credit is open, and how many each institution shuts out for which reason. Pure.

A person counts once under each reason that stands against any credit of an institution that has none open to them:
reasons overlap, so they do not add up to the people shut out.
"""

from bisect import bisect_right
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from grants.credit.matching import Asker, Held, Lender, Offer, Reason, reasons_against
from grants.credit.models import LinkageKind
from grants.people.models import DocumentKind, Sex
from grants.people.protection import LEAST, is_small

PEOPLE, OPEN, SHUT = "people", "open", "shut"
PROGRAMME = 0  # in the place of an institution: any of them
LONG_AGO = date(1, 1, 1)


class DocumentSituation(StrEnum):
    """What of a person's documents most often decides."""

    ECUADORIAN = "ecuadorian"  # a valid Ecuadorian identity card
    OTHER_VALID = "other_valid"
    EXPIRED = "expired"  # only such whose day has passed
    NONE = "none"


@dataclass(frozen=True, slots=True)
class Counted:
    """A person as counted: nothing that names them."""

    sex: Sex
    asker: Asker


# How many people: by canton, sex, document situation, institution, and what is counted of them.
Tally = Counter[tuple[str, Sex, DocumentSituation, int, str]]


@dataclass(frozen=True, slots=True)
class Row:
    """One line: a figure and its parts. None: hidden, because few people are behind it."""

    what: str
    total: int | None
    by_sex: tuple[int | None, ...] = ()
    by_situation: tuple[int | None, ...] = ()

    @property
    def is_hidden(self) -> bool:
        return None in (self.total, *self.by_sex, *self.by_situation)


@dataclass(frozen=True, slots=True)
class Part:
    """One institution: how many find a credit open there, how many are shut out, and by which reasons."""

    institution: Lender
    open: Row
    shut: Row
    reasons: tuple[Row, ...]


@dataclass(frozen=True, slots=True)
class Openings:
    people: Row
    open: Row
    parts: tuple[Part, ...]
    splits: bool  # whether the rows have parts by sex and document situation

    @property
    def is_protected(self) -> bool:
        rows = [self.people, self.open, *(row for part in self.parts for row in (part.open, part.shut, *part.reasons))]
        return any(row.is_hidden for row in rows)


def situation_of(documents: Iterable[Held], day: date) -> DocumentSituation:
    """The best of a person's documents decides.

    >>> situation_of([Held(DocumentKind.PASSPORT, date(2020, 1, 1)), Held(DocumentKind.VISA)], date(2026, 1, 1)).value
    'other_valid'
    """
    valid = {held.kind for held in documents if held.is_valid_on(day)}
    if DocumentKind.CEDULA_EC in valid:
        return DocumentSituation.ECUADORIAN
    if valid:
        return DocumentSituation.OTHER_VALID
    return DocumentSituation.EXPIRED if any(True for _held in documents) else DocumentSituation.NONE


def tally(people: Iterable[Counted], lenders: Sequence[Lender], offers: Sequence[Offer], *, day: date) -> Tally:
    """Count everybody in one pass. People whom no offer tells apart are looked at once."""
    simplest = _Simplest(lenders, offers, day)
    alike = Counter((one.asker.canton_code, one.sex, simplest.form_of(one.asker)) for one in people)
    lent = {lender.id: [one for one in offers if one.institution.id == lender.id and one.kind is LinkageKind.CREDIT]
            for lender in lenders}  # fmt: skip
    found: Tally = Counter()
    known: dict[Asker, list[tuple[int, str]]] = {}
    for (canton, sex, asker), number in alike.items():
        if asker not in known:
            known[asker] = _found_by(asker, lenders, lent, day)
        situation = situation_of(asker.documents, day)
        for institution_id, what in known[asker]:
            found[canton, sex, situation, institution_id, what] += number
    return found


def people_in(found: Tally) -> int:
    """How many people were counted."""
    return sum(number for key, number in found.items() if key[3:] == (PROGRAMME, PEOPLE))


def openings(found: Tally, lenders: Sequence[Lender], *, canton: str | None = None, protected: bool) -> Openings:
    """The figures of all cantons or of one. `protected`: for a reader who may not open the records behind them.

    Such a reader sees one canton's figures without their parts: beside those of the other cantons they would betray
    few people by subtraction.
    """
    figure = _Figures(found, canton, protected)
    parts = tuple(
        Part(one, figure.row(one.id, OPEN), figure.row(one.id, SHUT),
             tuple(row for row in (figure.row(one.id, reason.value) for reason in Reason) if row.total != 0))
        for one in lenders
    )  # fmt: skip
    return Openings(figure.row(PROGRAMME, PEOPLE), figure.row(PROGRAMME, OPEN), parts, figure.splits)


def hidden(cells: Sequence[tuple[int, int]]) -> frozenset[int] | None:
    """Which parts of a figure with a known total must be hidden; None: all of them, and the total would not help.

    A cell is (how many, of how many). Whoever knows the second must neither learn a first of 1 to 4 nor one that
    leaves out 1 to 4, not even by subtraction: what can be inferred of such a cell stays as wide as that.

    >>> hidden([(40, 60), (30, 50), (2, 20)]) == {1, 2}
    True
    >>> hidden([(40, 60), (30, 50)]) == set()
    True
    >>> hidden([(3, 10)]) is None
    True
    """
    small = {place for place, (count, size) in enumerate(cells) if is_small(count) or is_small(size - count)}
    found, rest = set(small), sorted(set(range(len(cells))) - small, key=lambda place: (*cells[place][::-1], place))
    while small and not _is_wide(cells, small, found):
        if not rest:
            return None
        found.add(rest.pop(0))
    return frozenset(found)


class _Figures:
    """Sums of a tally, hidden where the reader must not see them."""

    def __init__(self, found: Tally, canton: str | None, protected: bool) -> None:
        self.canton, self.protected = canton, protected
        self.cantons = sorted({key[0] for key in found})
        self.splits = not protected or canton is None
        self._by_canton = _summed(found, lambda key: key[0])
        here = Counter({key: number for key, number in found.items() if canton in (None, key[0])})
        self._all = _summed(found, lambda _key: "")
        self._here = _summed(here, lambda _key: "")
        self._by_sex = _summed(here, lambda key: key[1])
        self._by_situation = _summed(here, lambda key: key[2])

    def row(self, institution_id: int, what: str) -> Row:
        place = (institution_id, what)
        total = self._here["", *place]
        if not self.protected:
            return Row(what, total, self._parts(self._by_sex, Sex, place), self._parts(self._by_situation,
                       DocumentSituation, place))  # fmt: skip
        if self._is_hidden(place):
            nothing = (None,) if self.splits else ()
            return Row(what, None, nothing * len(Sex), nothing * len(DocumentSituation))
        if not self.splits:
            return Row(what, total)
        return Row(what, total, self._shielded(self._by_sex, Sex, place), self._shielded(self._by_situation,
                   DocumentSituation, place))  # fmt: skip

    def _is_hidden(self, place: tuple[int, str]) -> bool:
        """Whether the figure itself is small, or would betray the one of another canton."""
        if hidden([self._cell(self._all, "", place)]) is None:
            return True
        if self.canton is None:
            return False
        shut = hidden([self._cell(self._by_canton, one, place) for one in self.cantons])
        return shut is None or self.canton not in self.cantons or self.cantons.index(self.canton) in shut

    def _shielded(self, sums: Counter[tuple[str, int, str]], values: type[StrEnum], place: tuple[int, str]
                  ) -> tuple[int | None, ...]:  # fmt: skip
        shut = hidden([self._cell(sums, value, place) for value in values])
        parts = self._parts(sums, values, place)
        return tuple(None if shut is None or number in shut else part for number, part in enumerate(parts))

    def _parts(self, sums: Counter[tuple[str, int, str]], values: type[StrEnum], place: tuple[int, str]
               ) -> tuple[int, ...]:  # fmt: skip
        return tuple(sums[value, *place] for value in values)

    def _cell(self, sums: Counter[tuple[str, int, str]], value: str, place: tuple[int, str]) -> tuple[int, int]:
        """How many, of how many. Of the people themselves nobody knows more than how many there are in all."""
        everybody = place == (PROGRAMME, PEOPLE)
        size = self._all["", PROGRAMME, PEOPLE] if everybody else sums[value, PROGRAMME, PEOPLE]
        return sums[value, *place], size


def _summed(found: Tally, by: Callable[[tuple[str, Sex, DocumentSituation, int, str]], str]
            ) -> Counter[tuple[str, int, str]]:  # fmt: skip
    sums: Counter[tuple[str, int, str]] = Counter()
    for key, number in found.items():
        sums[by(key), key[3], key[4]] += number
    return sums


def _is_wide(cells: Sequence[tuple[int, int]], small: set[int], shut: set[int]) -> bool:
    """Whether each small cell could still hold five numbers, or any from none to all of its people."""
    total = sum(cells[place][0] for place in shut)
    for place in small:
        size = cells[place][1]
        others = sum(cells[other][1] for other in shut if other != place)
        if min(size, total) - max(0, total - others) < min(LEAST - 1, size):
            return False
    return True


class _Simplest:
    """Gives people whom no offer tells apart the same form: ten thousand people come down to a few hundred."""

    def __init__(self, lenders: Sequence[Lender], offers: Sequence[Offer], day: date) -> None:
        asked = [one.demands for one in offers if one.demands is not None]
        from_age = {one.least_age for one in asked} | {one.most_age + 1 for one in asked if one.most_age is not None}
        self.edges = sorted(edge for edge in from_age if edge is not None)
        self.lenders, self.day = lenders, day
        self._served: dict[frozenset[int], str] = {}
        self._alike: dict[str, str] = {}

    def form_of(self, asker: Asker) -> Asker:
        place = bisect_right(self.edges, asker.age)
        documents = frozenset(Held(one.kind, None if one.is_valid_on(self.day) else LONG_AGO)
                              for one in asker.documents)  # fmt: skip
        age = self.edges[place - 1] if place else 0
        return Asker(documents, age, self._canton(asker.canton_code), asker.memberships, asker.need)

    def _canton(self, code: str) -> str:
        """The first canton met that the same institutions attend."""
        if code not in self._alike:
            attended = frozenset(one.id for one in self.lenders if one.serves(code))
            self._alike[code] = self._served.setdefault(attended, code)
        return self._alike[code]


def _found_by(asker: Asker, lenders: Sequence[Lender], lent: dict[int, list[Offer]], day: date
              ) -> list[tuple[int, str]]:  # fmt: skip
    """What a person is counted under."""
    found = [(PROGRAMME, PEOPLE)]
    for lender in lenders:
        against = [reasons_against(asker, one, day=day) for one in lent[lender.id] or [_nothing_of(lender)]]
        if () in against:
            found.append((lender.id, OPEN))
        else:
            found += [(lender.id, SHUT), *((lender.id, reason.value) for reason in sorted(set().union(*against)))]
    if any(what == OPEN for _lender, what in found):
        found.append((PROGRAMME, OPEN))
    return found


def _nothing_of(lender: Lender) -> Offer:
    """An institution that lends nothing on record is one whose credit is not offered now."""
    return Offer(0, "", LinkageKind.CREDIT, lender, None)
