"""From training to a second credit: people by how far they came, and how long it takes. Pure: cases in, figures out.

A person counts once and in every step up to the furthest one reached, so a step is never larger than the one before.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from math import ceil
from statistics import median


class Step(StrEnum):
    REFERRED = "referred"
    ACKNOWLEDGED = "acknowledged"
    APPLIED = "applied"
    APPROVED = "approved"
    DISBURSED = "disbursed"
    SECOND = "second"


STEPS = tuple(Step)


@dataclass(frozen=True, slots=True)
class Case:
    """One linkage, or a referral without any. Days are None for what had not happened on the day of the figures."""

    person_id: int
    institution_id: int
    sex: str
    group: str
    canton: str
    is_credit: bool
    referred_on: date
    acknowledged_on: date | None = None
    applied_on: date | None = None
    approved_on: date | None = None
    declined_on: date | None = None
    withdrawn_on: date | None = None
    disbursed_on: date | None = None
    refinances: bool = False
    referral_id: int | None = None  # None: of a referral of its own
    # What was passed without its day being logged, for instance an application before a known approval.
    passed: frozenset[Step] = frozenset()

    @property
    def decided_on(self) -> date | None:
        return self.approved_on or self.declined_on

    @property
    def is_decided(self) -> bool:
        return bool(self.decided_on or Step.APPROVED in self.passed or self.disbursed_on)

    @property
    def is_approved(self) -> bool:
        return bool(self.approved_on or Step.APPROVED in self.passed or self.disbursed_on)

    @property
    def is_open(self) -> bool:
        return not (self.disbursed_on or self.declined_on or self.withdrawn_on)

    @property
    def reached(self) -> Step:
        """The furthest step, a second credit aside."""
        if self.disbursed_on:
            return Step.DISBURSED
        if self.is_approved:
            return Step.APPROVED
        if self.applied_on or Step.APPLIED in self.passed:
            return Step.APPLIED
        return Step.ACKNOWLEDGED if self.acknowledged_on else Step.REFERRED


@dataclass(frozen=True, slots=True)
class Funnel:
    """`trained`: people who completed financial education; `of_trained`: how many of them are among those referred."""

    trained: int
    of_trained: int
    ends: Mapping[Step, int]  # people by the furthest step reached

    def count(self, step: Step) -> int:
        """People who reached a step or a later one."""
        return sum(self.ends[one] for one in STEPS[STEPS.index(step) :])

    @property
    def counts(self) -> list[int]:
        return [self.count(step) for step in STEPS]


def funnel(cases: Iterable[Case], trained: Collection[int] = frozenset()) -> Funnel:
    """How far each person of the cases came."""
    furthest: dict[int, Step] = {}
    credits_of: dict[int, int] = defaultdict(int)
    for case in cases:
        credits_of[case.person_id] += case.disbursed_on is not None and not case.refinances
        before = furthest.get(case.person_id, Step.REFERRED)
        furthest[case.person_id] = max(before, case.reached, key=STEPS.index)
    ends = dict.fromkeys(STEPS, 0)
    for person_id, step in furthest.items():
        ends[Step.SECOND if credits_of[person_id] > 1 else step] += 1
    return Funnel(len(trained), len(furthest.keys() & set(trained)), ends)


def grouped(cases: Iterable[Case], value: Callable[[Case], str]) -> dict[str, Funnel]:
    """A funnel for each value, in the order of the values. Somebody at two institutions is in both."""
    groups: dict[str, list[Case]] = defaultdict(list)
    for case in cases:
        groups[value(case)].append(case)
    return {key: funnel(groups[key]) for key in sorted(groups)}


def cohorts(cases: Sequence[Case]) -> dict[str, Funnel]:
    """A funnel for each month in which people were referred for the first time, e.g. '2026-08'."""
    first: dict[int, date] = {}
    for case in cases:
        first[case.person_id] = min(first.get(case.person_id, case.referred_on), case.referred_on)
    return grouped(cases, lambda case: f"{first[case.person_id]:%Y-%m}")


@dataclass(frozen=True, slots=True)
class Span:
    """Days from one step to another: of `done` cases, and how long the `open` ones wait. None: of no case."""

    done: int
    median: float | None
    ninth: float | None  # nine in ten took so many days at most
    open: int
    open_median: float | None
    open_longest: int | None


def spans(cases: Sequence[Case], day: date) -> dict[str, Span]:
    """The four waits of credit cases as they stand on a day.

    A referral waits once, for its first credit: a second one was not asked for on the day of the referral.
    """
    sent = [case for case in cases if case.is_credit]
    first = _first_of_each(sent)
    pairs: dict[str, list[tuple[date | None, date | None, bool]]] = {
        "disbursed": [(one.referred_on, one.disbursed_on, one.is_open) for one in first],
        "acknowledged": [(one.referred_on, one.acknowledged_on, one.is_open) for one in first],
        "decided": [(one.applied_on, one.decided_on, one.is_open) for one in sent],
        "paid_out": [(one.approved_on, one.disbursed_on, one.is_open) for one in sent],
    }
    return {name: _span(found, day) for name, found in pairs.items()}


def _first_of_each(sent: Iterable[Case]) -> list[Case]:
    """Of each referral the credit disbursed first; without any, one that is open."""
    first: dict[tuple[bool, int], Case] = {}
    for place, case in enumerate(sent):
        key = (False, place) if case.referral_id is None else (True, case.referral_id)
        before = first.setdefault(key, case)
        if _turn(case) < _turn(before):
            first[key] = case
    return list(first.values())


def _turn(case: Case) -> tuple[date, bool]:
    return case.disbursed_on or date.max, not case.is_open


def _span(pairs: Iterable[tuple[date | None, date | None, bool]], day: date) -> Span:
    done, waiting = [], []
    for start, end, is_open in pairs:
        if start and end:
            done.append(max((end - start).days, 0))
        elif start and is_open:
            waiting.append(max((day - start).days, 0))
    done.sort()
    return Span(
        len(done), median(done) if done else None, done[ceil(len(done) * 0.9) - 1] if done else None,
        len(waiting), median(waiting) if waiting else None, max(waiting, default=None),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class Conversion:
    """Credit cases: never approved over sent alone, which falls while cases are open."""

    sent: int
    decided: int
    approved: int
    withdrawn: int
    open: int


def conversion(cases: Iterable[Case]) -> Conversion:
    """How many credit cases were decided, approved, withdrawn, and are still open."""
    sent = [case for case in cases if case.is_credit]
    decided = [case for case in sent if case.is_decided]
    withdrawn = sum(case.withdrawn_on is not None for case in sent if not case.is_decided)
    approved = sum(case.is_approved for case in decided)
    return Conversion(len(sent), len(decided), approved, withdrawn, len(sent) - len(decided) - withdrawn)
