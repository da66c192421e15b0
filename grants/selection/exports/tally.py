"""One pass over a run: how many of everything, and what agreement and calibration are computed from."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from grants.calls.models import Stage
from grants.selection.exports.contents import Contents, Line, Sheet
from grants.selection.models import Outcome, SelectionRow


@dataclass
class StageTally:
    """The sheets of one stage that count, in the order of the run: who was judged, by whom, exact points.

    `ranked`: whether the application has a place. `levels`: by criterion id, for each application the levels its
    sheets gave.
    """

    applications: list[str] = field(default_factory=list)
    evaluators: list[str] = field(default_factory=list)
    points: list[float] = field(default_factory=list)
    panels: list[str | None] = field(default_factory=list)
    ranked: list[bool] = field(default_factory=list)
    reviews: list[int] = field(default_factory=list)
    levels: defaultdict[int, list[list[int]]] = field(default_factory=lambda: defaultdict(list))

    def add(self, line: Line, sheets: Sequence[Sheet]) -> None:
        self.reviews.append(len(sheets))
        for sheet in sheets:
            self.applications.append(line.folio)
            self.evaluators.append(sheet.code)
            self.points.append(float(sheet.points or 0))  # never None: such a sheet does not count
            self.panels.append(sheet.panel)
            self.ranked.append(line.row.place is not None)
        for criterion in {one for sheet in sheets for one in sheet.facts.levels}:
            given = [sheet.facts.levels[criterion] for sheet in sheets if criterion in sheet.facts.levels]
            self.levels[criterion].append(given)

    @property
    def matrix(self) -> list[list[float]]:
        """Points by application, of those with as many sheets as most have. Rows of equal length."""
        rows: defaultdict[str, list[float]] = defaultdict(list)
        for application, points in zip(self.applications, self.points, strict=True):
            rows[application].append(points)
        usual = Counter(map(len, rows.values())).most_common(1)
        return [row for row in rows.values() if len(row) == usual[0][0]] if usual else []


@dataclass
class Tally:
    """Counts of a run, those selected, and the lines that serve as examples of points and lottery.

    `chances`: of everybody ranked to be among the best, in hundredths of a percent.
    """

    outcomes: Counter[Outcome] = field(default_factory=Counter)
    evaluators: set[str] = field(default_factory=set)
    sheets: int = 0
    amended: int = 0
    late: int = 0
    in_conflict: int = 0
    incomplete: int = 0
    chosen: list[SelectionRow] = field(default_factory=list)
    chances: list[int] = field(default_factory=list)
    departures: int = 0
    stages: dict[Stage, StageTally] = field(default_factory=dict)
    scored_example: Line | None = None
    lottery_example: Line | None = None

    @classmethod
    def for_stages(cls, contents: Contents) -> "Tally":
        """Nothing counted yet; the stages that weigh something."""
        return cls(stages={stage: StageTally() for stage in contents.weights})

    @property
    def applications(self) -> int:
        return self.outcomes.total()

    def add(self, line: Line, *, is_hidden: bool = False) -> None:
        """Count an application. `is_hidden`: it must not serve as an example."""
        self.outcomes[line.row.outcome] += 1
        if line.row.outcome is Outcome.CHOSEN:
            self.chosen.append(line.row)
        if line.row.p_top is not None:
            self.chances.append(line.row.p_top)
        self.departures += line.departure is not None
        _count_sheets(self, line)
        for stage, counted in self.stages.items():
            counted.add(line, [one for one in line.sheets if one.facts.stage is stage and one.counts])
        if not is_hidden and line.row.place is not None:
            _take_examples(self, line)


def _count_sheets(tally: Tally, line: Line) -> None:
    for sheet in line.sheets:
        tally.amended += sheet.facts.version > 1
        tally.late += sheet.facts.is_late
        tally.in_conflict += sheet.facts.in_conflict
        tally.incomplete += sheet.is_taken and sheet.points is None
        if sheet.counts:
            tally.sheets += 1
            tally.evaluators.add(sheet.code)


def _take_examples(tally: Tally, line: Line) -> None:
    is_last_in = line.row.outcome is Outcome.CHOSEN or tally.scored_example is None
    if is_last_in and line.row.points is not None:
        tally.scored_example = line
    if tally.lottery_example is None or line.row.tie_key < tally.lottery_example.row.tie_key:
        tally.lottery_example = line


def spread_of(reviews: Sequence[int]) -> Mapping[str, float]:
    """Fewest, most and mean number of sheets of an application; empty without applications."""
    if not reviews:
        return {}
    return {"fewest": min(reviews), "most": max(reviews), "mean": sum(reviews) / len(reviews)}
