"""How far apart the sheets of an application lie."""

from collections import defaultdict
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction

import scoring
from grants.calls.models import Stage
from grants.evaluation.quality.evidence import Evidence

DISCREPANT = 20  # points of 100 between two sheets of one stage


@dataclass(frozen=True, slots=True)
class Spread:
    """The sheets of one application at one stage: points by evaluator's name, lowest first."""

    application: int
    folio: str
    venture: str
    points: tuple[tuple[str, Fraction], ...]

    @property
    def mean(self) -> Fraction:
        return sum((points for _name, points in self.points), Fraction(0)) / len(self.points)

    @property
    def shown_mean(self) -> Decimal:
        """The mean as it is published: rounded once, half up, to hundredths."""
        return scoring.as_points(scoring.on_grid(self.mean))

    @property
    def apart(self) -> Fraction:
        """Points between the highest and the lowest sheet."""
        return self.points[-1][1] - self.points[0][1]


def spreads(evidence: Evidence, stage: Stage) -> list[Spread]:
    """Applications with two sheets or more, widest spread first; without what is hidden from the reader."""
    given: dict[int, list[tuple[str, Fraction]]] = defaultdict(list)
    for sheet in evidence.sheets.get(stage, ()):
        given[sheet.application].append((evidence.evaluators[sheet.evaluator], sheet.points))
    found: list[Spread] = []
    for number, points in given.items():
        if len(points) > 1 and number not in evidence.hidden:
            judged = evidence.judged[number]
            found.append(Spread(number, judged.folio, judged.venture, tuple(sorted(points, key=_by_points))))
    return sorted(found, key=lambda spread: (-spread.apart, spread.folio))


def _by_points(one: tuple[str, Fraction]) -> tuple[Fraction, str]:
    return one[1], one[0]
