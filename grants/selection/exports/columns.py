"""The columns of the workbook: what each is called, what it means, and where its value comes from."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal
from typing import Generic, TypeVar

from flask_babel import lazy_gettext as _

from grants.calls.models import STAGE_NAMES, Criterion, Level
from grants.selection.exports.book import Cell, Heading
from grants.selection.exports.contents import Line, RowQuotas, Sheet, earned, hundredths, level_words, rounded
from grants.selection.exports.quotas import QuotaFacts
from grants.selection.exports.words import departure_words, moderation_words, outcome_words, sheet_words

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Column(Generic[T]):
    """A column over rows of one kind. `internal`: only in the internal version."""

    name: object
    width: int
    meaning: object
    value: Callable[[T], Cell]
    internal: bool = False

    @property
    def heading(self) -> Heading:
        return Heading(str(self.name), self.width, str(self.meaning))


@dataclass(frozen=True, slots=True)
class Told:
    """A row of the applications: why it is in or out, and the quotas it counts for."""

    line: Line
    why: str
    quotas: RowQuotas | None


@dataclass(frozen=True, slots=True)
class Scored:
    """A row of the scores: one criterion of one sheet."""

    line: Line
    sheet: Sheet
    criterion: Criterion

    @property
    def level(self) -> int | None:
        return self.sheet.facts.levels.get(self.criterion.id)

    @property
    def comment(self) -> str:
        return self.sheet.facts.scores.get(self.criterion.id, (None, ""))[1]


@dataclass(frozen=True, slots=True)
class Rung:
    """A row of the rubric: one level of one criterion, and the criterion's share of the total."""

    criterion: Criterion
    level: Level
    share_of_total: Decimal


Owned = tuple[Line, Sheet]
FOLIO = _("The application's public reference. No name stands in this file.")
CODE = _("The evaluator's code. It stays the same within a run and leads back to nobody.")
POINTS = _("Points out of 100, to the hundredth, half up.")

APPLICATIONS: Sequence[Column[Told]] = (
    Column(_("Folio"), 14, FOLIO, lambda one: one.line.folio),
    Column(_("Outcome"), 16, _("Selected, waiting list or not ranked."), lambda one: outcome_words(one.line.row)),
    Column(_("Rank"), 8, _("Place in the run: first those selected, then the waiting list."),
           lambda one: one.line.row.place),
    Column(_("Plan"), 9, _("Mean of the plan's sheets that count. Points out of 100."),
           lambda one: hundredths(one.line.row.plan_points)),
    Column(_("Pitch"), 9, _("Mean of the pitch's sheets that count. Points out of 100."),
           lambda one: hundredths(one.line.row.pitch_points)),
    Column(_("Total"), 9, _("Plan and pitch under their declared weights. Points out of 100."),
           lambda one: hundredths(one.line.total)),
    Column(_("Ranked points"), 9, _("What was ranked: the total, or the calibrated points where calibration decides."),
           lambda one: hundredths(one.line.row.points)),
    Column(_("Calibrated"), 10, _("Points corrected for severe and lenient evaluators."),
           lambda one: hundredths(one.line.row.measure)),
    Column(_("Standard error"), 10, _("Of the calibrated points."), lambda one: hundredths(one.line.row.measure_se)),
    Column(_("Chance among the best (%)"), 12, _("In how many of the draws it is among the best by points."),
           lambda one: hundredths(one.line.row.p_top)),
    Column(_("Chance under the quotas (%)"), 12, _("In how many of the draws it would be selected under the quotas."),
           lambda one: hundredths(one.line.row.p_in)),
    Column(_("Sheets"), 8, _("How many sheets the run took in."), lambda one: one.line.row.reviews),
    Column(_("Spread"), 9, _("Largest difference between two sheets of one stage that count, in points."),
           lambda one: rounded(one.line.spread)),
    Column(_("Counts for"), 34, _("The groups of the call's quotas that it counts for. Sensitive: do not pass it on."),
           lambda one: ", ".join(one.quotas.groups) if one.quotas else None, internal=True),
    Column(_("Bonus"), 9, _("Points that these quotas are worth at the cut line."),
           lambda one: hundredths(one.quotas.bonus) if one.quotas else None, internal=True),
    Column(_("Lottery"), 9, _("Whether the public lottery decided between equal points."),
           lambda one: one.line.row.settled_by_lottery),
    Column(_("Discrepant"), 11, _("Whether two sheets of one stage lie so far apart that they are looked at again."),
           lambda one: one.line.is_discrepant),
    Column(_("Moderation"), 22, _("What the panel decided about its sheets; empty where none was looked at again."),
           lambda one: moderation_words(one.line)),
    Column(_("Amended"), 10, _("Whether one of its sheets was changed after it had been handed in."),
           lambda one: any(sheet.facts.version > 1 for sheet in one.line.sheets)),
    Column(_("Late"), 8, _("Whether one of its sheets was handed in after the agreed day."),
           lambda one: any(sheet.facts.is_late for sheet in one.line.sheets)),
    Column(_("Conflict"), 10, _("Whether somebody who wrote a sheet for it declared a conflict of interest."),
           lambda one: any(sheet.facts.in_conflict for sheet in one.line.sheets)),
    Column(_("Departure"), 22, _("Whether those who signed put it in or out against the order."),
           lambda one: departure_words(one.line.departure)),
    Column(_("Reason for the departure"), 40, _("As the act prints it."),
           lambda one: one.line.departure.words if one.line.departure else None, internal=True),
    Column(_("Why"), 70, _("Why it is in, waits or is not ranked."), lambda one: one.why),
)  # fmt: skip

SHEETS: Sequence[Column[Owned]] = (
    Column(_("Folio"), 14, FOLIO, lambda one: one[0].folio),
    Column(_("Stage"), 16, _("Business plan or pitch."), lambda one: one[1].stage_name),
    Column(_("Evaluator"), 10, CODE, lambda one: one[1].code),
    Column(_("Name"), 26, _("The evaluator's name. Do not pass it on."), lambda one: one[1].name, internal=True),
    Column(_("Version"), 9, _("1 is the first sheet handed in; each amendment adds one."),
           lambda one: one[1].facts.version),
    Column(_("State"), 24, _("Whether the run took the sheet in, and if not, why."), lambda one: sheet_words(one[1])),
    Column(_("Points"), 9, POINTS, lambda one: rounded(one[1].points)),
    Column(_("Handed in"), 18, _("Day and time in Ecuador."), lambda one: one[1].facts.submitted_at, internal=True),
    Column(_("Late"), 8, _("Whether it was handed in after the agreed day."), lambda one: one[1].facts.is_late),
    Column(_("Amended"), 10, _("Whether it takes the place of an earlier version."),
           lambda one: one[1].facts.version > 1),
    Column(_("Reason for the amendment"), 40, _("In the evaluator's words."),
           lambda one: one[1].facts.amendment_reason, internal=True),
    Column(_("Comment"), 60, _("On the whole, in the evaluator's words."),
           lambda one: one[1].facts.comment or None, internal=True),
)  # fmt: skip

SCORES: Sequence[Column[Scored]] = (
    Column(_("Folio"), 14, FOLIO, lambda one: one.line.folio),
    Column(_("Stage"), 16, _("Business plan or pitch."), lambda one: one.sheet.stage_name),
    Column(_("Evaluator"), 10, CODE, lambda one: one.sheet.code),
    Column(_("Name"), 26, _("The evaluator's name. Do not pass it on."), lambda one: one.sheet.name, internal=True),
    Column(_("Version"), 9, _("The version of the sheet."), lambda one: one.sheet.facts.version),
    Column(_("Counts"), 9, _("Whether the run took the sheet in."), lambda one: one.sheet.counts),
    Column(_("Criterion"), 30, _("What is judged."), lambda one: one.criterion.name),
    Column(_("Level"), 8, _("The level given; empty where the score is missing, which is never 0."),
           lambda one: one.level),
    Column(_("Descriptor"), 40, _("The words of that level in the rubric."),
           lambda one: level_words(one.criterion, one.level)),
    Column(_("Weight (%)"), 10, _("The criterion's share of its stage."), lambda one: one.criterion.weight),
    Column(_("Points"), 9, _("What the level earns of the 100 points of its stage."),
           lambda one: earned(one.criterion, one.level)),
    Column(_("Comment"), 60, _("On this criterion, in the evaluator's words."),
           lambda one: one.comment or None, internal=True),
)  # fmt: skip

CRITERIA: Sequence[Column[Rung]] = (
    Column(_("Rubric version"), 9, _("An application is judged by the version in force when it was handed in."),
           lambda one: one.criterion.rubric.version),
    Column(_("Stage"), 16, _("Business plan or pitch."), lambda one: str(STAGE_NAMES[one.criterion.stage])),
    Column(_("Position"), 9, _("The criterion's number in the rubric."), lambda one: one.criterion.position),
    Column(_("Criterion"), 30, _("What is judged."), lambda one: one.criterion.name),
    Column(_("Description"), 50, _("What it means."), lambda one: one.criterion.description or None),
    Column(_("Weight (%)"), 10, _("The criterion's share of its stage."), lambda one: one.criterion.weight),
    Column(_("Share of the total (%)"), 12, _("Stage share times criterion share: the weight it really has."),
           lambda one: one.share_of_total),
    Column(_("Level"), 8, _("From the lowest, which earns nothing, to the highest, which earns all."),
           lambda one: one.level.value),
    Column(_("Descriptor"), 40, _("The words of that level."), lambda one: one.level.descriptor),
    Column(_("Points"), 9, _("What the level earns of the 100 points of its stage."),
           lambda one: earned(one.criterion, one.level.value)),
)  # fmt: skip

QUOTAS: Sequence[Column[QuotaFacts]] = (
    Column(_("Group"), 34, _("Whom the quota counts, in the order declared in the call."), lambda one: one.words),
    Column(_("Minimum"), 10, _("Places kept for the group."), lambda one: one.minimum),
    Column(_("Maximum"), 10, _("Places the group may get at most."), lambda one: one.maximum),
    Column(_("Possible"), 12, _("The nearest that could be kept, where the quota could not."),
           lambda one: " / ".join(map(str, one.possible)) or None),
    Column(_("Ranked"), 10,
           _("Members who could be ranked. Small groups are protected in the public version: <5 is 1 to 4 people, "
             "* hides a number that would give them away."), lambda one: one.eligible),
    Column(_("Selected"), 10, _("Members selected, protected in the same way."), lambda one: one.chosen),
    Column(_("Bonus"), 9, _("Points that the quota is worth at the cut line; below 0 for a maximum."),
           lambda one: hundredths(one.bonus)),
    Column(_("Gained a place"), 9, _("How many got a place when the quota was added to those before it."),
           lambda one: one.entered),
    Column(_("Lost a place"), 9, _("How many lost a place when the quota was added to those before it."),
           lambda one: one.left),
    Column(_("Cost"), 9, _("Points of all selected together that this quota cost."), lambda one: hundredths(one.cost)),
)  # fmt: skip
