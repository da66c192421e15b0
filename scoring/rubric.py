"""From levels to points: exact arithmetic that anyone can redo on paper.

Points are out of 100. A criterion gives `weight × (level − bottom) / (top − bottom)`, so its declared weight is its
effective weight, however many criteria or levels stand beside it. Everything is exact (fractions) until the end,
where it is rounded once, half up, to hundredths.
"""

from collections.abc import Hashable, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from typing import Any

from scoring.checks import whole

HUNDRED = Decimal(100)

Levels = Mapping[Any, int]
Exact = Fraction | Decimal | int


class Incomplete(ValueError):
    """A level or a sheet is missing. `missing` names the criteria, or the stage. A gap is never counted as 0."""

    def __init__(self, missing: Sequence[Hashable]) -> None:
        super().__init__(f"missing: {', '.join(map(str, missing))}")
        self.missing = tuple(missing)


@dataclass(frozen=True, slots=True)
class Criterion:
    """What is judged, its share of the stage in percent, and its lowest and highest level.

    ValueError unless the weight is an exact number above 0 (Decimal or int) and the levels are whole, top above bottom.

    >>> Criterion("market", Decimal(40), top=4).share(3)
    Fraction(3, 4)
    """

    key: Hashable
    weight: Decimal
    top: int
    bottom: int = 0

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", _exact_weight(self.weight, f"criterion {self.key}"))
        if not self.weight.is_finite() or self.weight <= 0:
            raise ValueError(f"criterion {self.key}: the weight must be above 0")
        for end in ("top", "bottom"):
            object.__setattr__(self, end, whole(getattr(self, end), f"criterion {self.key}, {end} level"))
        if self.top <= self.bottom:
            raise ValueError(f"criterion {self.key}: the highest level must be above the lowest")

    def share(self, level: int) -> Fraction:
        """How much of the criterion a level earns, from 0 to 1. ValueError outside its levels or between two."""
        level = whole(level, f"criterion {self.key}, level")
        if not self.bottom <= level <= self.top:
            raise ValueError(f"criterion {self.key}: level {level} is not between {self.bottom} and {self.top}")
        return Fraction(level - self.bottom, self.top - self.bottom)


@dataclass(frozen=True, slots=True)
class Stage:
    """Criteria judged together, and the stage's share of the total in percent (0: it does not count).

    ValueError unless the criteria's weights add up to 100 and their keys differ.
    """

    key: Hashable
    weight: Decimal
    criteria: tuple[Criterion, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "weight", _exact_weight(self.weight, f"stage {self.key}"))
        if not self.weight.is_finite() or not 0 <= self.weight <= HUNDRED:
            raise ValueError(f"stage {self.key}: the weight must be between 0 and 100")
        if len({criterion.key for criterion in self.criteria}) < len(self.criteria):
            raise ValueError(f"stage {self.key}: a criterion stands there twice")
        if self.weight and sum(criterion.weight for criterion in self.criteria) != HUNDRED:
            raise ValueError(f"stage {self.key}: the criteria's weights must add up to 100")

    def points(self, levels: Levels) -> Fraction:
        """The exact points of one sheet at this stage, out of 100. Incomplete when a level is missing."""
        missing = [criterion.key for criterion in self.criteria if levels.get(criterion.key) is None]
        if missing:
            raise Incomplete(missing)
        return sum((Fraction(c.weight) * c.share(levels[c.key]) for c in self.criteria), Fraction(0))


@dataclass(frozen=True, slots=True)
class Rubric:
    """The stages of a call. ValueError unless their shares add up to 100 and no criterion stands in two stages."""

    stages: tuple[Stage, ...]

    def __post_init__(self) -> None:
        if sum(stage.weight for stage in self.stages) != HUNDRED:
            raise ValueError("the stages' weights must add up to 100")
        keys = [criterion.key for stage in self.stages for criterion in stage.criteria]
        if len(set(keys)) < len(keys) or len({stage.key for stage in self.stages}) < len(self.stages):
            raise ValueError("a stage or criterion stands there twice")

    @property
    def counted(self) -> tuple[Stage, ...]:
        """The stages that weigh something."""
        return tuple(stage for stage in self.stages if stage.weight)


def on_grid(points: Fraction) -> int:
    """Hundredths of a point, rounded half up (points are never negative).

    >>> on_grid(Fraction(200, 3)), on_grid(Fraction(1, 200))
    (6667, 1)
    """
    doubled = 2 * 100 * points + 1
    return doubled.numerator // (2 * doubled.denominator)


def as_points(hundredths: int) -> Decimal:
    """Points from hundredths of a point. ValueError for what is no whole number.

    >>> as_points(6667)
    Decimal('66.67')
    """
    return Decimal(whole(hundredths, "hundredths of a point")).scaleb(-2)


def weighted_total(rubric: Rubric, levels: Levels) -> Decimal:
    """Points out of 100, to the hundredth, from one level per criterion of every stage that counts.

    Incomplete when a level is missing; ValueError for a level that does not exist or is no whole number, and for an
    unknown criterion.

    >>> plan = Stage("plan", Decimal(60), (Criterion("market", Decimal(70), 4), Criterion("money", Decimal(30), 4)))
    >>> pitch = Stage("pitch", Decimal(40), (Criterion("voice", Decimal(100), 5),))
    >>> weighted_total(Rubric((plan, pitch)), {"market": 4, "money": 2, "voice": 3})
    Decimal('75.00')

    60 % of (70 + 15) is 51, 40 % of 60 is 24. A gap is not a zero:

    >>> weighted_total(Rubric((plan, pitch)), {"market": 4, "money": 2})
    Traceback (most recent call last):
    scoring.rubric.Incomplete: missing: voice
    """
    known = {criterion.key for stage in rubric.stages for criterion in stage.criteria}
    strange = sorted(str(key) for key in levels if key not in known)
    if strange:
        raise ValueError(f"not in the rubric: {', '.join(strange)}")
    needed = [criterion.key for stage in rubric.counted for criterion in stage.criteria]
    missing = [key for key in needed if levels.get(key) is None]
    if missing:
        raise Incomplete(missing)
    return as_points(on_grid(_weigh(rubric, {stage.key: stage.points(levels) for stage in rubric.counted})))


def mean_points(points: Sequence[Fraction]) -> Fraction:
    """The plain mean of whole sheets of one stage: each evaluator counts alike. Incomplete when there is none."""
    if not points:
        raise Incomplete(["sheets"])
    return sum(points, Fraction(0)) / len(points)


@dataclass(frozen=True, slots=True)
class Combined:
    """An application's points in hundredths, by stage and in total; each is rounded from exact values of its own."""

    by_stage: Mapping[Hashable, int]
    total: int


def combine(rubric: Rubric, sheets: Mapping[Hashable, Sequence[Exact]]) -> Combined:
    """Mean of the sheets of each stage, then the declared stage weights. `sheets`: exact points by stage key.

    Incomplete, naming the stages, when a stage that counts has no sheet. ValueError for a stage that the rubric does
    not have, for points outside 0 to 100, and for a float, which is not exact.

    >>> rubric = Rubric((Stage("plan", Decimal(100), (Criterion("idea", Decimal(100), 3),)),))
    >>> sheets = [rubric.stages[0].points({"idea": level}) for level in (1, 2, 2)]
    >>> combine(rubric, {"plan": sheets}).total
    5556
    """
    strange = sorted(str(key) for key in set(sheets) - {stage.key for stage in rubric.stages})
    if strange:
        raise ValueError(f"not a stage of the rubric: {', '.join(strange)}")
    exact = {key: [_exact_points(points, key) for points in given] for key, given in sheets.items()}
    missing = [stage.key for stage in rubric.counted if not exact.get(stage.key)]
    if missing:
        raise Incomplete(missing)
    means = {stage.key: mean_points(exact[stage.key]) for stage in rubric.counted}
    return Combined({key: on_grid(mean) for key, mean in means.items()}, on_grid(_weigh(rubric, means)))


def _weigh(rubric: Rubric, means: Mapping[Hashable, Fraction]) -> Fraction:
    parts = (Fraction(stage.weight) * means[stage.key] for stage in rubric.counted)
    return sum(parts, Fraction(0)) / 100


def _exact_weight(weight: Any, what: str) -> Decimal:
    """A whole number is as exact as a Decimal; a float is not."""
    return weight if isinstance(weight, Decimal) else Decimal(whole(weight, f"{what}, weight (as a Decimal or an int)"))


def _exact_points(points: Any, stage: Hashable) -> Fraction:
    what = f"stage {stage}, points of a sheet"
    if isinstance(points, Decimal) and not points.is_finite():
        raise ValueError(f"{what}: {points} is not a number")
    exact = Fraction(points if isinstance(points, Fraction | Decimal) else whole(points, f"{what} (exact, no float)"))
    if not 0 <= exact <= 100:
        raise ValueError(f"{what}: {points} is not between 0 and 100")
    return exact
