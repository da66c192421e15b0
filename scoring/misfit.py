"""Who rates unlike the others: a many-facet Rasch fit of criterion levels, with infit and outfit mean squares.

The model (Linacre 1994, Many-Facet Rasch Measurement): the log odds of level k against k - 1 are
`application - difficulty(criterion) - severity(evaluator) - threshold(k)`. Applications are drawn from a normal
distribution and integrated out, so one with few ratings does not bend the rest (marginal maximum likelihood).
"""

from collections.abc import Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from numbers import Integral
from typing import Any

import numpy as np
from scipy import sparse

from scoring.facets import PRIOR, Design, Fit, Floats, Ints, fit_facets

Row = tuple[Hashable, Hashable, Hashable, int | None]

LOW, HIGH = 0.5, 1.5
LARGEST = 1000
NO_LEVELS = "there are no levels: give rows of (application, evaluator, criterion, level)"
ONE_LEVEL = "everybody has the same level on {}: there is nothing to fit, leave it out or look at the levels themselves"
CONFOUNDED = (
    "evaluators and criteria cannot be told apart: some evaluators judged only criteria that the others did not; "
    "fit those parts one at a time"
)


@dataclass(frozen=True, slots=True)
class Misfit:
    """What the fit tells of each evaluator and criterion, in logits; mean squares of 1 are as the model expects.

    `severity` (positive: gives lower levels) has mean 0 over evaluators, `difficulty` is against the mean application,
    `thresholds` are those of each criterion's scale, with mean 0; each standard error takes all else as known.
    `flags` and `criterion_flags` hold only what stands out: "noisy" (a mean square above 1.5), "flat" (below 0.5),
    "top" and "bottom" (only the highest or lowest level in use). Those last have no mean square (None), and their
    measure is finite by a normal prior with a standard deviation of 5 logits, which hardly moves the differences
    among the others. `reviews` counts applications by evaluator; `spread` is their standard deviation.
    """

    infit: Mapping[Hashable, float | None]
    outfit: Mapping[Hashable, float | None]
    severity: Mapping[Hashable, float]
    severity_se: Mapping[Hashable, float]
    reviews: Mapping[Hashable, int]
    flags: Mapping[Hashable, str]
    criterion_infit: Mapping[Hashable, float | None]
    criterion_outfit: Mapping[Hashable, float | None]
    difficulty: Mapping[Hashable, float]
    difficulty_se: Mapping[Hashable, float]
    criterion_flags: Mapping[Hashable, str]
    thresholds: Mapping[Hashable, tuple[float, ...]]
    spread: float


def misfit(levels: Iterable[Row], *, scales: Mapping[Any, Hashable] | None = None) -> Misfit:
    """Fit rows of (application, evaluator, criterion, level): levels are whole numbers, a gap is None.

    Criteria share their thresholds; where they have different levels, `scales` names the scale of each. Levels that
    nobody used are left out and the rest closed up. Where evaluators share no application, severities compare only
    as far as each was given equally good ones. ValueError says which row is wrong (counted from 1), which criterion has
    no scale, that nothing differs, or that evaluators and criteria cannot be told apart.
    """
    data = _read(levels, scales)
    design = _design(data)
    _check_connected(design)
    fit = fit_facets(design)
    top = design.category == design.categories[design.scale[design.criterion]] - 1
    evaluators = _facet(data.evaluators, design.evaluator, fit.cell_evaluator, fit, design.category == 0, top)
    criteria = _facet(data.criteria, design.criterion, fit.cell_criterion, fit, design.category == 0, top)
    pairs = np.unique(design.evaluator * len(data.applications) + design.application)
    reviews = np.bincount(pairs // len(data.applications))
    steps = [fit.thresholds[scale][: design.categories[scale] - 1] for scale in design.scale]
    return Misfit(
        infit=evaluators.infit,
        outfit=evaluators.outfit,
        severity=dict(zip(data.evaluators, fit.severity.tolist(), strict=True)),
        severity_se=evaluators.se,
        reviews=dict(zip(data.evaluators, reviews.tolist(), strict=True)),
        flags=evaluators.flags,
        criterion_infit=criteria.infit,
        criterion_outfit=criteria.outfit,
        difficulty=dict(zip(data.criteria, fit.difficulty.tolist(), strict=True)),
        difficulty_se=criteria.se,
        criterion_flags=criteria.flags,
        thresholds={key: tuple(row.tolist()) for key, row in zip(data.criteria, steps, strict=True)},
        spread=fit.spread,
    )


@dataclass(frozen=True, slots=True)
class _Data:
    """Rows as codes into the lists of labels, and the scale of each criterion."""

    applications: Sequence[Hashable]
    evaluators: Sequence[Hashable]
    criteria: Sequence[Hashable]
    codes: Ints
    levels: Ints
    scale: Ints


def _read(rows: Iterable[Row], scales: Mapping[Any, Hashable] | None) -> _Data:
    labels: tuple[dict[Hashable, int], ...] = ({}, {}, {})
    seen: set[tuple[int, ...]] = set()
    levels: list[int] = []
    codes: list[tuple[int, ...]] = []
    for number, row in enumerate(rows, 1):
        if len(row) != 4:
            raise ValueError(f"row {number}: a row is (application, evaluator, criterion, level)")
        *who, level = row
        if level is None:
            continue
        if not isinstance(level, Integral) or isinstance(level, bool) or not -LARGEST <= level <= LARGEST:
            raise ValueError(f"row {number}: the level must be a whole number, or None for a gap")
        key = tuple(known.setdefault(label, len(known)) for known, label in zip(labels, who, strict=True))
        if key in seen:
            raise ValueError(f"row {number}: this evaluator's level for this application and criterion stands twice")
        seen.add(key)
        codes.append(key)
        levels.append(int(level))
    if not levels:
        raise ValueError(NO_LEVELS)
    applications, evaluators, criteria = (list(known) for known in labels)
    absent = [str(criterion) for criterion in criteria if scales is not None and criterion not in scales]
    if absent:
        raise ValueError(f"no scale is given for {', '.join(absent)}: name the scale of every criterion, or of none")
    names = [None if scales is None else scales[criterion] for criterion in criteria]
    order = {name: number for number, name in enumerate(dict.fromkeys(names))}
    scale = np.array([order[name] for name in names], dtype=np.int64)
    return _Data(applications, evaluators, criteria, np.array(codes).T, np.array(levels), scale)


def _design(data: _Data) -> Design:
    """Levels in use become categories from 0, scale by scale."""
    application, evaluator, criterion = data.codes
    category = np.zeros(len(data.levels), dtype=np.int64)
    sizes = np.zeros(int(data.scale.max()) + 1, dtype=np.int64)
    for scale in range(len(sizes)):
        mine = data.scale[criterion] == scale
        used, category[mine] = np.unique(data.levels[mine], return_inverse=True)
        sizes[scale] = len(used)
        if len(used) < 2:
            which = [str(data.criteria[number]) for number in np.flatnonzero(data.scale == scale).tolist()]
            raise ValueError(ONE_LEVEL.format(", ".join(which)))
    return Design(application, evaluator, criterion, category, data.scale, sizes)


def _check_connected(design: Design) -> None:
    e, j = design.evaluators, len(design.scale)
    links = (np.ones(len(design.category)), (design.evaluator, e + design.criterion))
    parts, _labels = sparse.csgraph.connected_components(sparse.coo_array(links, shape=(e + j, e + j)), directed=False)
    if parts > 1:
        raise ValueError(CONFOUNDED)


@dataclass(frozen=True, slots=True)
class _Facet:
    infit: Mapping[Hashable, float | None]
    outfit: Mapping[Hashable, float | None]
    se: Mapping[Hashable, float]
    flags: Mapping[Hashable, str]


def _facet(labels: Sequence[Hashable], rated: Ints, cells: Ints, fit: Fit, low: Any, top: Any) -> _Facet:
    """Mean squares, standard errors and flags of one facet, whose number stands in `rated` and, by cell, in `cells`."""

    def summed(by_cell: Floats) -> Floats:
        return np.asarray(np.bincount(cells, weights=by_cell, minlength=len(labels)), dtype=np.float64)

    ratings, variance = summed(fit.ratings), summed(fit.variance)
    infit, outfit = summed(fit.squares) / variance, summed(fit.standard) / ratings
    ends = {
        labels[number]: name
        for name, there in (("top", top), ("bottom", low))
        for number in np.flatnonzero(np.bincount(rated, weights=~there, minlength=len(labels)) == 0).tolist()
    }
    squares = list(zip(labels, infit.tolist(), outfit.tolist(), strict=True))
    odd = {label: _odd(a, b) for label, a, b in squares if label not in ends}
    return _Facet(
        infit={label: None if label in ends else a for label, a, _b in squares},
        outfit={label: None if label in ends else b for label, _a, b in squares},
        se=dict(zip(labels, (1 / np.sqrt(variance + PRIOR**-2)).tolist(), strict=True)),
        flags={label: flag for label, flag in odd.items() if flag} | ends,
    )


def _odd(infit: float, outfit: float) -> str | None:
    if max(infit, outfit) > HIGH:
        return "noisy"
    return "flat" if min(infit, outfit) < LOW else None
