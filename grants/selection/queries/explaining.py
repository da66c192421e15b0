"""The rows of a run as its page shows them: filtered, with what their sentences need."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import select

from grants.calls.words import group_words
from grants.core.db import Page, db, keyset_page
from grants.people.models import Canton
from grants.selection.models import Departure, Outcome, Selection, SelectionRow
from grants.selection.queries.runs import ROWS_ON_A_PAGE, Cut, ranked_page, unranked_page, with_ventures
from grants.selection.reckoning import Line, RunResult
from grants.selection.words import Explained, needed_sheets, why

OUTCOMES = {"in": Outcome.CHOSEN, "waiting": Outcome.WAITING}
NOT_RANKED = "not_ranked"


@dataclass(frozen=True, slots=True)
class ShownRow:
    """A row with its sentence; `groups` in words, none for a reader who may not know them."""

    row: SelectionRow
    why: str
    groups: Sequence[str]
    bonus: int  # what its groups are worth, in hundredths
    departure: Departure | None


@dataclass(frozen=True, slots=True)
class RunPage:
    """One page of a run's rows. `show`: in, waiting, not_ranked, a quota's group, or nothing for everybody ranked."""

    rows: Sequence[ShownRow]
    next_after: str | None
    show: str


def run_page(
    selection: Selection,
    result: RunResult | None,
    *,
    show: str,
    after: str | None,
    cut: Cut,
    departures: Sequence[Departure],
) -> RunPage:
    """A page of rows with why each is in or out. `result`: whole for readers who may know what people count for."""
    lines = {line.folio: line for line in result.lines} if result else {}
    shown, page = _page(selection, show, after, lines)
    decided = {one.application_id: one for one in departures}
    names = group_names(result)
    needed = needed_sheets(selection)
    bonus = {quota.group: quota.bonus for quota in result.quotas} if result else {}
    rows = []
    for row in page.items:
        line = lines.get(row.application.folio)
        quotas = [names[group] for group in line.quotas] if line else None
        departure = decided.get(row.application_id)
        sentence = why(Explained(row, cut.lowest_in, selection.places, needed, quotas, departure))
        groups = line.groups if line else ()
        worth = sum(bonus[group] for group in groups)
        rows.append(ShownRow(row, sentence, [names[group] for group in groups], worth, departure))
    return RunPage(rows, page.next_after, shown)


def _page(
    selection: Selection, show: str, after: str | None, lines: Mapping[str, Line]
) -> tuple[str, Page[SelectionRow]]:
    if show == NOT_RANKED:
        return show, unranked_page(selection, after)
    if show in OUTCOMES:
        statement = select(SelectionRow).where(
            SelectionRow.selection_id == selection.id, SelectionRow.outcome == OUTCOMES[show]
        )
        page = keyset_page(with_ventures(statement), SelectionRow.place, SelectionRow.id, after=after,
                           size=ROWS_ON_A_PAGE)  # fmt: skip
        return show, page
    members = [line.place for line in lines.values() if show in line.groups]
    if members:
        return show, _page_of_members(selection, members, after)
    return "", ranked_page(selection, after)


def _page_of_members(selection: Selection, places: Sequence[int], after: str | None) -> Page[SelectionRow]:
    """The members of a group by place. They are known from the sealed result alone, so the page starts from places."""
    text, _tilde, _row = (after or "").partition("~")
    start = int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 0
    wanted = [place for place in sorted(places) if place > start][: ROWS_ON_A_PAGE + 1]
    statement = select(SelectionRow).where(
        SelectionRow.selection_id == selection.id, SelectionRow.place.in_(wanted[:ROWS_ON_A_PAGE])
    )
    rows = db.session.scalars(with_ventures(statement).order_by(SelectionRow.place)).unique().all()
    more = f"{wanted[ROWS_ON_A_PAGE - 1]}~0" if len(wanted) > ROWS_ON_A_PAGE else None
    return Page(rows, more)


def group_names(result: RunResult | None) -> dict[str, str]:
    """The groups of a run's quotas in words."""
    groups = [quota.group for quota in result.quotas] if result else []
    codes = [group.partition(":")[2] for group in groups if group.startswith("canton:")]
    cantons: dict[str, str] = {}
    if codes:
        found = db.session.execute(select(Canton.code, Canton.name).where(Canton.code.in_(codes)))
        cantons = {row[0]: row[1] for row in found}
    return {group: group_words(group, cantons) for group in groups}
