"""Points that evaluators gave to applications, checked row by row."""

from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from functools import cached_property
from numbers import Real

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array, csr_array, hstack
from scipy.sparse.csgraph import connected_components

Floats = NDArray[np.float64]
Integers = NDArray[np.int64]

ONE_PANEL = "all"
FLAT = 1e-12
LARGEST = 1e9  # squares of points, summed over all rows, stay far from overflow


@dataclass(frozen=True, eq=False)
class Ratings:
    """One row per whole score sheet of one stage: who was judged, who judged, how many points, in which panel.

    Four sequences of equal length. Labels are any hashable whose text is the same in every process (numbers, strings,
    tuples of them): rows are put in the order of that text. Points are any finite numbers. The panel is the block from
    which the evaluator was drawn; without panels there is one. ValueError says what is wrong with which row, counted
    from 1: a label missing, points that are no number, the same application twice with the same evaluator.

    >>> ratings = Ratings(["a", "a", "b"], ["ana", "luz", "luz"], [70, 60, 50.5])
    >>> len(ratings), ratings.applications, ratings.evaluators
    (3, ('a', 'b'), ('ana', 'luz'))
    >>> Ratings(["a", "a"], ["ana", "ana"], [70, 60])
    Traceback (most recent call last):
    ValueError: row 2: evaluator 'ana' has judged application 'a' already, in row 1
    """

    application: Sequence[Hashable]
    evaluator: Sequence[Hashable]
    points: Sequence[float | Decimal]
    panel: Sequence[Hashable] | None = None

    def __post_init__(self) -> None:
        for name in ("application", "evaluator", "points", "panel"):
            if (column := getattr(self, name)) is not None and not hasattr(column, "__len__"):
                object.__setattr__(self, name, list(column))  # an iterator is read once
        columns = {"application": self.application, "evaluator": self.evaluator, "points": self.points}
        if self.panel is not None:
            columns["panel"] = self.panel
        sizes = {name: len(column) for name, column in columns.items()}
        if len(set(sizes.values())) > 1:
            raise ValueError("columns of unequal length: " + ", ".join(f"{name} {n}" for name, n in sizes.items()))
        if not len(self.points):
            raise ValueError("there is no rating")
        for name in sizes.keys() - {"points"}:
            _check_labels(name, columns[name])
        object.__setattr__(self, "points", np.array(list(_numbers(self.points))))
        _check_pairs(self.application, self.evaluator)

    def __len__(self) -> int:
        return len(self.points)

    @cached_property
    def applications(self) -> tuple[Hashable, ...]:
        """The applications, by the text of their label."""
        return _ordered(self.application)

    @cached_property
    def evaluators(self) -> tuple[Hashable, ...]:
        """The evaluators, by the text of their label."""
        return _ordered(self.evaluator)

    @cached_property
    def panels(self) -> tuple[Hashable, ...]:
        """The panels, by the text of their label."""
        return (ONE_PANEL,) if self.panel is None else _ordered(self.panel)

    @cached_property
    def _rows(self) -> Integers:
        """Rows in the order of application and evaluator, so that nothing depends on the order they came in."""
        applications = _numbered(self.application, self.applications)
        return np.lexsort((_numbered(self.evaluator, self.evaluators), applications))

    @cached_property
    def values(self) -> Floats:
        """Points, in the order of application and evaluator. So are the numbers below."""
        return np.asarray(self.points, dtype=float)[self._rows]

    @cached_property
    def application_of(self) -> Integers:
        """The number of the application in `applications`."""
        return _numbered(self.application, self.applications)[self._rows]

    @cached_property
    def evaluator_of(self) -> Integers:
        """The number of the evaluator in `evaluators`."""
        return _numbered(self.evaluator, self.evaluators)[self._rows]

    @cached_property
    def panel_of(self) -> Integers:
        """The number of the panel in `panels`."""
        if self.panel is None:
            return np.zeros(len(self), dtype=np.int64)
        return _numbered(self.panel, self.panels)[self._rows]

    @cached_property
    def _read_in(self) -> Integers:
        """Applications × panels: how many ratings."""
        shape = (len(self.applications), len(self.panels))
        counts = np.bincount(self.application_of * shape[1] + self.panel_of, minlength=shape[0] * shape[1])
        return counts.reshape(shape)

    @cached_property
    def home(self) -> csr_array:
        """Applications × panels: 1 for the panel with most of its ratings, shared where several have as many."""
        most = self._read_in == self._read_in.max(axis=1, keepdims=True)
        return csr_array(most / most.sum(axis=1, keepdims=True))

    @cached_property
    def design(self) -> csr_array:
        """Rows × (panels, then evaluators, then the homes of applications but the first)."""
        rows, ones = np.arange(len(self)), np.ones(len(self))
        panels = coo_array((ones, (rows, self.panel_of)), shape=(len(self), len(self.panels)))
        evaluators = coo_array((ones, (rows, self.evaluator_of)), shape=(len(self), len(self.evaluators)))
        return hstack([panels, evaluators, self.home[self.application_of][:, self.told_homes]], format="csr")

    @cached_property
    def told_homes(self) -> list[int]:
        """The homes of applications that the ratings can tell from the panels and from the homes before."""
        rows = np.arange(len(self))
        panels = coo_array((np.ones(len(self)), (rows, self.panel_of)), shape=(len(self), len(self.panels))).tocsr()
        both = hstack([panels, self.home[self.application_of]], format="csr")
        gram = (both.T @ both).toarray()
        kept, told = list(range(len(self.panels))), []
        for home in range(1, len(self.panels)):
            column = home + len(self.panels)
            inside = np.linalg.lstsq(gram[np.ix_(kept, kept)], gram[kept, column], rcond=None)[0]
            if gram[column, column] - inside @ gram[kept, column] > 1e-9 * max(gram[column, column], 1.0):
                kept.append(column)
                told.append(home)
        return told

    @cached_property
    def is_flat(self) -> bool:
        """Whether all points are alike: differences below a million millionth are none."""
        return bool(np.ptp(self.values) <= FLAT * max(np.abs(self.values).max(), 1.0))

    @cached_property
    def severity_is_told(self) -> bool:
        """Whether evaluators can be told from panels: not when each panel has one."""
        return len(self.evaluators) > int(_parts(self.panel_of, self.evaluator_of).max()) + 1

    @cached_property
    def part_of(self) -> Integers:
        """By application, the number of its part: applications are in one part when shared evaluators link them."""
        return _parts(self.application_of, self.evaluator_of)

    @cached_property
    def linked_of(self) -> Integers:
        """By panel, the number of its part: panels are in one part when applications read in both link them."""
        read, home = self.panel_of, self._read_in.argmax(axis=1)[self.application_of]
        own = np.arange(len(self.panels))
        return _parts(np.concatenate([read, own]), np.concatenate([home, own]))


def _parts(left: Integers, right: Integers) -> Integers:
    """By left node, the number of the part of the graph that it is in; edges are pairs of left and right nodes."""
    size = int(left.max()) + 1
    edges = coo_array((np.ones(len(left)), (left, right + size)), shape=(size + int(right.max()) + 1,) * 2)
    labels = connected_components(edges, directed=False)[1][:size]
    _first, found = np.unique(labels, return_inverse=True)
    return found


def _check_labels(name: str, labels: Iterable[Hashable]) -> None:
    for row, label in enumerate(labels, 1):
        try:
            missing = label is None or bool(label != label)
            hash(label)
        except TypeError:  # a list, or a mark for "not available"
            raise ValueError(f"row {row}: the {name} is missing, or no label: {label!r}") from None
        if missing:
            raise ValueError(f"row {row}: the {name} is missing")


def _numbers(points: Iterable[object]) -> Iterable[float]:
    for row, value in enumerate(points, 1):
        if isinstance(value, bool) or not isinstance(value, Real | Decimal):
            raise ValueError(f"row {row}: points are not a number: {value!r}")
        try:
            number = float(value)
        except OverflowError:  # an integer that no float holds
            number = float("inf")
        if not -LARGEST <= number <= LARGEST:
            raise ValueError(f"row {row}: points are not finite, or beyond a thousand million: {value!r}")
        yield number


def _check_pairs(applications: Sequence[Hashable], evaluators: Sequence[Hashable]) -> None:
    seen: dict[tuple[Hashable, Hashable], int] = {}
    for row, pair in enumerate(zip(applications, evaluators, strict=True), 1):
        if (first := seen.setdefault(pair, row)) != row:
            what = f"evaluator {pair[1]!r} has judged application {pair[0]!r} already"
            raise ValueError(f"row {row}: {what}, in row {first}")


def _ordered(labels: Sequence[Hashable]) -> tuple[Hashable, ...]:
    return tuple(sorted(dict.fromkeys(labels), key=lambda label: (str(label), type(label).__name__)))


def _numbered(labels: Sequence[Hashable], order: Sequence[Hashable]) -> Integers:
    number = {label: position for position, label in enumerate(order)}
    return np.fromiter((number[label] for label in labels), dtype=np.int64, count=len(labels))
