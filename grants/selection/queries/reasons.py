"""The reason of one row in a sentence, with what an applicant may know about themselves and nobody else."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from grants.calls.words import group_words
from grants.core.db import db
from grants.people.models import Canton
from grants.selection.models import Departure, Selection, SelectionRow
from grants.selection.queries.departures import departures_of
from grants.selection.queries.records import result_of
from grants.selection.queries.runs import Cut, cut_of
from grants.selection.reckoning import RunResult
from grants.selection.words import Explained, needed_sheets, why


@dataclass(frozen=True, slots=True)
class QuotaTotal:
    """A quota of the run as totals. `chosen`: how many of its group were selected."""

    group: str
    minimum: int | None
    maximum: int | None
    chosen: int


@dataclass(frozen=True, slots=True)
class Reasons:
    """What the sentences of a run are made from; read once for all its rows. `lines`: quotas by folio."""

    selection: Selection
    cut: Cut
    result: RunResult | None
    lines: Mapping[str, Sequence[str]]
    departures: Mapping[int, Departure]
    cantons: Mapping[str, str]

    def sentence(self, row: SelectionRow) -> str:
        """Why this row is in, waits or is not ranked, in the language in force."""
        quotas = [group_words(group, self.cantons) for group in self.lines.get(row.application.folio, ())]
        needed, departure = needed_sheets(self.selection), self.departures.get(row.application_id)
        return why(Explained(row, self.cut.lowest_in, self.selection.places, needed, quotas, departure))

    @property
    def quotas(self) -> list[QuotaTotal]:
        """The quotas of the run in words, in their declared order."""
        chosen = {quota.group: quota.chosen for quota in self.result.quotas} if self.result else {}
        return [
            QuotaTotal(group_words(group, self.cantons), minimum, maximum, chosen.get(group, 0))
            for group, minimum, maximum in self.selection.settings.get("quotas", ())
        ]


def reasons_of(selection: Selection) -> Reasons:
    """The reasons of a run, from its stored result where it has one. Four queries at most."""
    result = result_of(selection)
    lines = {line.folio: line.quotas for line in result.lines} if result else {}
    departures = {one.application_id: one for one in departures_of(selection)}
    return Reasons(selection, cut_of(selection), result, lines, departures, _cantons(selection))


def _cantons(selection: Selection) -> dict[str, str]:
    """The names of the cantons that the run's quotas count by."""
    groups = [quota[0] for quota in selection.settings.get("quotas", ())]
    codes = [group.partition(":")[2] for group in groups if group.startswith("canton:")]
    if not codes:
        return {}
    found = db.session.execute(select(Canton.code, Canton.name).where(Canton.code.in_(codes)))
    return {row[0]: row[1] for row in found}
