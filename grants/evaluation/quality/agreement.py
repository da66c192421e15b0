"""Agreement by criterion, with the levels that the rubric declares, and of the points of the whole stage."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import scoring
from grants.calls.models import Stage
from grants.evaluation.quality.evidence import Evidence, Sheet


@dataclass(frozen=True, slots=True)
class Agreement:
    """Of one criterion, or of a stage's points (`criterion` is None).

    `applications` have two sheets or more. `exact`: share of pairs of sheets with the same level. None where there is
    nothing to compare; `alpha` also where all levels are alike, since chance then explains everything (0/0).
    `icc_single` is the reliability of one sheet's points, `icc_mean` that of the mean of `sheets` sheets, over the
    applications that have that many (one-way, since each application has evaluators of its own).
    """

    criterion: str | None
    applications: int
    alpha: float | None = None
    ac2: float | None = None
    ac2_interval: tuple[float, float] | None = None
    exact: float | None = None
    sheets: int | None = None
    icc_single: float | None = None
    icc_mean: float | None = None
    icc_interval: tuple[float, float] | None = None

    @property
    def all_alike(self) -> bool:
        return bool(self.applications) and self.alpha is None


def agreements(evidence: Evidence, stage: Stage) -> list[Agreement]:
    """The stage's points first, then each criterion in the rubric's order."""
    sheets = evidence.sheets.get(stage, ())
    rows = [_of_points(sheets)]
    for criterion in evidence.criteria.get(stage, ()):
        units = _by_application((s.application, s.levels[criterion.id]) for s in sheets if criterion.id in s.levels)
        rows.append(_of_levels(criterion.name, units, criterion.levels))
    return rows


def _by_application(given: Iterable[tuple[int, float]]) -> list[list[float]]:
    units: dict[int, list[float]] = defaultdict(list)
    for application, value in given:
        units[application].append(value)
    return [unit for unit in units.values() if len(unit) > 1]


def _of_levels(name: str, units: Sequence[Sequence[float]], levels: tuple[int, ...]) -> Agreement:
    if not units:
        return Agreement(name, 0)
    ac2 = scoring.gwet_ac2(units, levels, "ordinal")
    exact = scoring.gwet_ac2(units, levels).observed
    return Agreement(name, len(units), _alpha(units, "ordinal"), ac2.value, ac2.interval(), exact)


def _of_points(sheets: Sequence[Sheet]) -> Agreement:
    units = _by_application((sheet.application, float(sheet.points)) for sheet in sheets)
    if not units:
        return Agreement(None, 0)
    usual = max(Counter(len(unit) for unit in units).items(), key=lambda item: (item[1], item[0]))[0]
    alpha = _alpha(units, "interval")
    try:
        icc = scoring.icc([unit for unit in units if len(unit) == usual])
    except ValueError:  # one application, or all alike
        return Agreement(None, len(units), alpha, sheets=usual)
    return Agreement(
        None,
        len(units),
        alpha,
        sheets=usual,
        icc_single=icc.icc1_1,
        icc_mean=icc.icc1_k,
        icc_interval=icc.ci95["icc1_1"],
    )


def _alpha(units: Sequence[Sequence[float]], metric: "scoring.agreement.Metric") -> float | None:
    try:
        return scoring.krippendorff_alpha(units, metric)
    except ValueError:  # all alike
        return None
