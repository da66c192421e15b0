"""A selection from a plain list of folios, points and groups: anybody can run it, without a database."""

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from math import ceil, floor

import scoring
from grants.selection.reckoning.canonical import QuotaLine

COLUMNS = ("folio", "points", "groups")
QUOTA = re.compile(r"([^\s<>=]+)\s*(>=|<=)\s*(\d{1,7}(?:[.,]\d{1,2})?)\s*(%?)")


class Unreadable(ValueError):
    """The list cannot be read. `line` is where, from 1; 0 when it is about the whole."""

    def __init__(self, line: int) -> None:
        super().__init__(f"line {line}")
        self.line = line


@dataclass(frozen=True, slots=True)
class Listed:
    """The outcome of a list, and whether its certificate was checked."""

    found: scoring.Selection[str]
    is_checked: bool


def read_listing(lines: Iterable[str]) -> Iterator[scoring.Candidate[str]]:
    """Candidates from CSV lines with the columns folio, points (12.34) and groups (divided by semicolons).

    Unreadable for a missing column, a line without a folio, points that are not between 0 and 10,000.
    """
    rows = csv.DictReader(lines)
    if not set(COLUMNS[:2]) <= set(rows.fieldnames or ()):
        raise Unreadable(1)
    for row in rows:
        folio, points = (row["folio"] or "").strip(), _hundredths(row["points"] or "")
        if not folio or points is None:
            raise Unreadable(rows.line_num)
        groups = frozenset(filter(None, (group.strip() for group in (row.get("groups") or "").split(";"))))
        yield scoring.Candidate(folio, points, groups)


def _hundredths(typed: str) -> int | None:
    try:
        points = Decimal(typed.strip().replace(",", "."))
    except InvalidOperation:
        return None
    if not points.is_finite() or not 0 <= points <= 10_000:
        return None
    return int((points * 100).to_integral_value())


def read_quotas(typed: Sequence[str], places: int) -> list[QuotaLine]:
    """Quotas such as "sex:female>=60%" or "canton:2101<=20", in their order; both bounds of a group make one quota.

    A percentage is of the places: of a minimum rounded up, of a maximum rounded down. Unreadable, with the number of
    the quota, for anything else.
    """
    bounds: dict[str, list[int | None]] = {}
    for number, text in enumerate(typed, 1):
        match = QUOTA.fullmatch(text.strip())
        if match is None:
            raise Unreadable(number)
        group, sign, amount, percent = match.groups()
        exact = Decimal(amount.replace(",", ".")) * (places if percent else 100) / 100
        bound = bounds.setdefault(group, [None, None])
        bound[sign == "<="] = floor(exact) if sign == "<=" else ceil(exact)
    return [QuotaLine(group, minimum, maximum) for group, (minimum, maximum) in bounds.items()]


def select_listed(
    people: Sequence[scoring.Candidate[str]], places: int, quotas: Sequence[QuotaLine], seed: str
) -> Listed:
    """Who is in, by the rules of a run. ValueError for a folio that stands there twice."""
    declared = [scoring.Quota(quota.group, quota.minimum, quota.maximum) for quota in quotas]
    lottery = scoring.lottery_order(seed, [person.key for person in people])
    found = scoring.select(people, places, declared, lottery)
    return Listed(found, scoring.check_certificate(people, places, declared, found))


def outcomes(listed: Listed) -> Iterator[Mapping[str, object]]:
    """Folio, place and outcome, best first."""
    chosen = len(listed.found.chosen)
    for place, folio in enumerate((*listed.found.chosen, *listed.found.waiting), 1):
        yield {"folio": folio, "place": place, "outcome": "chosen" if place <= chosen else "waiting"}
