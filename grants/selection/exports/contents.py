"""What an export knows about a run: its rubrics, its evaluators, and each row with the points of its sheets."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from decimal import Decimal
from fractions import Fraction
from functools import cached_property, lru_cache

import scoring
from grants.calls.models import STAGE_NAMES, Criterion, Rubric, Stage
from grants.evaluation.models import Moderation
from grants.evaluation.quality import DISCREPANT
from grants.evaluation.queries import stage_of
from grants.selection.exports.codes import evaluator_codes
from grants.selection.exports.quotas import QuotaFacts, quota_facts
from grants.selection.models import Departure, Selection, SelectionRow
from grants.selection.queries.export import ExportRow, SheetFacts, Taken
from grants.selection.reckoning import RunResult


@dataclass(frozen=True, slots=True)
class Sheet:
    """A sheet with its evaluator's code and name, and its exact points; None where a level is missing.

    `is_taken`: the run had it among its inputs, from this `panel`.
    """

    facts: SheetFacts
    code: str
    name: str
    points: Fraction | None
    stage_name: str
    is_taken: bool
    panel: str | None

    @property
    def counts(self) -> bool:
        """Whether it gave points in the run."""
        return self.is_taken and self.points is not None


@dataclass(frozen=True, slots=True)
class Line:
    """An application of the run. Its sheets stand in the order of stage, evaluator's code and version."""

    row: SelectionRow
    folio: str
    sheets: Sequence[Sheet]
    departure: Departure | None
    moderation: Moderation | None

    @property
    def total(self) -> int | None:
        """Plan and pitch under their weights, in hundredths, whatever was ranked."""
        return self.row.points if self.row.mean_points is None else self.row.mean_points

    @property
    def is_discrepant(self) -> bool:
        """Whether its sheets lie so far apart that they are looked at again."""
        return self.spread is not None and self.spread >= DISCREPANT

    def points_at(self, stage: Stage) -> list[Fraction]:
        """The points of the sheets of a stage that count."""
        return [one.points for one in self.sheets if one.facts.stage is stage and one.counts and one.points is not None]

    @property
    def spread(self) -> Fraction | None:
        """The largest difference between sheets of one stage that count, in points; None without two of them."""
        given = [self.points_at(stage) for stage in Stage]
        return max((max(points) - min(points) for points in given if len(points) > 1), default=None)


@dataclass(frozen=True, slots=True)
class RowQuotas:
    """The quotas a row counts for and those that explain its outcome, in words; their bonuses in hundredths."""

    groups: Sequence[str]
    decisive: Sequence[str]
    bonus: int


@dataclass(frozen=True)
class Contents:
    """A run with what its sheets refer to: rubrics by their id, evaluators' names and codes by theirs.

    `result`: as it was stored; None for a run from before. `groups`: names in words of those that quotas count.
    `departures`: decisions against the order, by application. `taken`: which sheets the run took in, by folio.
    """

    selection: Selection
    rubrics: Mapping[int, Rubric]
    names: Mapping[int, str]
    result: RunResult | None
    groups: Mapping[str, str]
    departures: Mapping[int, Departure]
    taken: Taken | None

    @cached_property
    def codes(self) -> Mapping[int, str]:
        """Codes by evaluator."""
        return evaluator_codes(self.selection, self.names)

    @cached_property
    def weights(self) -> Mapping[Stage, Decimal]:
        """Stage shares that the run was computed with, of the stages that count: a what-if may have its own."""
        call, settings = self.selection.call, self.selection.settings
        shares = {stage: Decimal(settings.get(f"{stage.value}_weight", call.stage_weight(stage))) for stage in Stage}
        return {stage: share for stage, share in shares.items() if share}

    @cached_property
    def _scales(self) -> Mapping[tuple[int, Stage], scoring.Stage]:
        return {
            (number, stage): stage_of(rubric.criteria, stage)
            for number, rubric in self.rubrics.items()
            for stage in Stage
            if rubric.criteria_of(stage)
        }

    @cached_property
    def _stage_names(self) -> Mapping[Stage, str]:
        """In the language in force, looked up once: a large run has hundreds of thousands of rows."""
        return {stage: str(name) for stage, name in STAGE_NAMES.items()}

    def share_of_total(self, criterion: Criterion) -> Decimal:
        """Stage share times criterion share, in percent of the total."""
        return self.weights.get(criterion.stage, Decimal(0)) * criterion.weight / 100

    def quotas(self, *, in_public: bool) -> list[QuotaFacts]:
        """How the quotas came out; none where the run had none."""
        return [] if self.result is None else quota_facts(self.result, self.groups, in_public=in_public)

    @cached_property
    def counted_for(self) -> Mapping[str, RowQuotas]:
        """By folio: the quotas it counts for, those that explain its outcome, and what they are worth."""
        if self.result is None:
            return {}
        worth = {quota.group: quota.bonus for quota in self.result.quotas}
        return {
            line.folio: RowQuotas(
                [self.groups[group] for group in line.groups],
                [self.groups[group] for group in line.quotas],
                sum(worth[group] for group in line.groups),
            )
            for line in self.result.lines
        }

    def lines(self, rows: Iterable[ExportRow]) -> Iterator[Line]:
        """The rows, each with its sheets scored."""
        for one in rows:
            sheets = sorted(self._sheets(one), key=_in_order)
            yield Line(one.row, one.folio, sheets, self.departures.get(one.row.application_id), one.moderation)

    def _sheets(self, one: ExportRow) -> Iterator[Sheet]:
        """Each sheet, with whether the run took it in: as many with the same levels as were stored."""
        left = {key: list(panels) for key, panels in (self.taken or {}).get(one.folio, {}).items()}
        for facts in sorted(one.sheets, key=lambda facts: (not facts.is_last, facts.in_conflict, facts.evaluator_id)):
            panels = left.get(self._key(facts), [])
            is_taken = bool(panels) if self.taken is not None else facts.is_last and not facts.in_conflict
            yield self._sheet(facts, is_taken, panels.pop(0) if panels else None)

    def _key(self, facts: SheetFacts) -> tuple[str, tuple[int | None, ...]]:
        """Stage and levels in the order of the rubric, as a run's inputs hold them."""
        criteria = self.rubrics[facts.rubric_id].criteria_of(facts.stage)
        return facts.stage.value, tuple(facts.levels.get(criterion.id) for criterion in criteria)

    def _sheet(self, facts: SheetFacts, is_taken: bool, panel: str | None) -> Sheet:
        stage = self._scales[facts.rubric_id, facts.stage]
        try:
            points = stage.points(facts.levels)
        except scoring.Incomplete:  # a gap is a gap: such a sheet has no points
            points = None
        code, name = self.codes[facts.evaluator_id], self.names[facts.evaluator_id]
        return Sheet(facts, code, name, points, self._stage_names[facts.stage], is_taken, panel)

    @property
    def criteria(self) -> list[Criterion]:
        """All criteria, by version of the rubric, the plan before the pitch."""
        rubrics = self.rubrics.values()
        return [one for rubric in rubrics for stage in Stage for one in rubric.criteria_of(stage)]

    def criteria_of(self, sheet: Sheet) -> list[Criterion]:
        """The criteria of a sheet in their order."""
        return self.rubrics[sheet.facts.rubric_id].criteria_of(sheet.facts.stage)


def _in_order(sheet: Sheet) -> tuple[int, str, int]:
    return list(Stage).index(sheet.facts.stage), sheet.code, sheet.facts.version


def rounded(points: Fraction | None) -> Decimal | None:
    """Points as they are published, to the hundredth, half up."""
    return None if points is None else scoring.as_points(scoring.on_grid(points))


def hundredths(points: int | None) -> Decimal | None:
    """Points from hundredths of a point, where there are some."""
    return None if points is None else scoring.as_points(points)


@lru_cache(maxsize=4096)
def _earned(weight: Decimal, low: int, high: int, level: int) -> Decimal:
    return scoring.as_points(scoring.on_grid(Fraction(weight) * Fraction(level - low, high - low)))


def earned(criterion: Criterion, level: int | None) -> Decimal | None:
    """What a level earns of the 100 points of its stage; None where the score is missing."""
    if level is None:
        return None
    return _earned(criterion.weight, criterion.levels[0].value, criterion.levels[-1].value, level)


def level_words(criterion: Criterion, level: int | None) -> str | None:
    """The descriptor of a level; None where the score is missing."""
    return next((one.descriptor for one in criterion.levels if one.value == level), None)
