"""What people say about getting credit, counted. Pure. Of a person asked twice the last answer counts."""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import date

from grants.credit.small_cells import shown_share
from grants.people.protection import is_small

SATISFIED_FROM = 4


@dataclass(frozen=True, slots=True)
class Said:
    """One answer; `grades` by part, without those who preferred not to say. No overall grade: they refused."""

    person_id: int
    asked_on: date
    sex: str
    group: str
    canton: str
    outcome: str
    overall: int | None
    grades: tuple[tuple[str, int], ...] = ()

    @property
    def is_satisfied(self) -> bool:
        return self.overall is not None and self.overall >= SATISFIED_FROM


@dataclass(frozen=True, slots=True)
class Tally:
    """So many asked, answered and satisfied. None where it must not be shown."""

    asked: int | None
    answered: int | None
    satisfied: int | None

    @property
    def refused(self) -> int | None:
        return None if self.asked is None or self.answered is None else self.asked - self.answered

    @property
    def share(self) -> float | None:
        """Satisfied of those who answered; None when nobody did, or few."""
        return self.satisfied / self.answered if self.satisfied is not None and self.answered else None


def newest(answers: Iterable[Said]) -> list[Said]:
    """The last answer of each person, a refusal only where there is no other; in the order of asking."""
    found: dict[int, Said] = {}
    for one in sorted(answers, key=lambda said: said.asked_on):
        if one.overall is not None or one.person_id not in found:
            found[one.person_id] = one
    return list(found.values())


def tally(answers: Sequence[Said], *, protected: bool) -> Tally:
    """Everybody together. `protected`: for a reader who may not open the records."""
    asked, answered, satisfied = _counts(answers)
    if not protected:
        return Tally(asked, answered, satisfied)
    if not shown_share(satisfied, answered):
        return Tally(None, None, None)
    return Tally(None if is_small(asked - answered) else asked, answered, satisfied)


def tallies(answers: Iterable[Said], value: Callable[[Said], str], *, protected: bool) -> dict[str, Tally] | None:
    """By value of a dimension, in their order. Protected: only where no line has a small part; otherwise None."""
    groups: dict[str, list[Said]] = defaultdict(list)
    for one in answers:
        groups[value(one)].append(one)
    lines = {key: _counts(groups[key]) for key in sorted(groups)}
    if not protected:
        return {key: Tally(*line) for key, line in lines.items()}
    if not all(shown_share(satisfied, answered) for _asked, answered, satisfied in lines.values()):
        return None
    # Who refused is asked less answered: a line's asked stays out wherever anybody's would betray few.
    few = any(is_small(asked - answered) for asked, answered, _satisfied in lines.values())
    return {key: Tally(None if few else asked, answered, satisfied)
            for key, (asked, answered, satisfied) in lines.items()}  # fmt: skip


def part_means(answers: Iterable[Said]) -> dict[str, tuple[int, float]]:
    """By part of the process: how many graded it, and the mean of 1 to 5."""
    grades: dict[str, list[int]] = defaultdict(list)
    for one in answers:
        for part, grade in one.grades:
            grades[part].append(grade)
    return {part: (len(found), sum(found) / len(found)) for part, found in sorted(grades.items())}


def _counts(answers: Sequence[Said]) -> tuple[int, int, int]:
    answered = sum(one.overall is not None for one in answers)
    return len(answers), answered, sum(one.is_satisfied for one in answers)
