"""States, outcomes and reasons in words, the same as on the pages."""

from flask_babel import lazy_gettext as _

from grants.evaluation.models import OUTCOME_NAMES as MODERATED
from grants.selection.exports.contents import Contents, Line, Sheet
from grants.selection.models import DIRECTION_NAMES, Departure, Outcome, Selection, SelectionRow, SelectionState
from grants.selection.queries import Cut
from grants.selection.words import Explained, needed_sheets, why

OUTCOME_NAMES = {
    Outcome.CHOSEN: _("Selected"),
    Outcome.WAITING: _("Waiting list"),
    Outcome.NOT_RANKED: _("Not ranked"),
}
STATE_NAMES = {
    SelectionState.SIMULATED: _("Simulation: it binds nobody"),
    SelectionState.PROPOSED: _("Proposed, waits for signatures"),
    SelectionState.APPROVED: _("Approved, not published"),
    SelectionState.PUBLISHED: _("Published"),
    SelectionState.DISCARDED: _("Discarded"),
}
WHAT_IF = _("What-if: it can never be proposed")
MODERATION_OPEN = _("Open")
SHEET_NAMES = {
    "counts": _("Counts"),
    "conflict": _("Not counted: conflict of interest"),
    "amended": _("Not counted: amended later"),
    "missing": _("Not counted: a score is missing"),
    "aside": _("Not counted: beside the reviews"),
}


def outcome_words(row: SelectionRow) -> str:
    return str(OUTCOME_NAMES[row.outcome])


def state_words(selection: Selection) -> str:
    if selection.is_what_if:
        return str(WHAT_IF)
    return str(STATE_NAMES[selection.state])


def sheet_words(sheet: Sheet) -> str:
    """Whether the run took a sheet in, and if not, why."""
    if sheet.counts:
        return str(SHEET_NAMES["counts"])
    if sheet.is_taken:
        return str(SHEET_NAMES["missing"])
    if sheet.facts.in_conflict:
        return str(SHEET_NAMES["conflict"])
    return str(SHEET_NAMES["aside" if sheet.facts.is_last else "amended"])


def departure_words(departure: Departure | None) -> str | None:
    return None if departure is None else str(DIRECTION_NAMES[departure.direction])


def moderation_words(line: Line) -> str | None:
    """What the panel decided about its sheets; None where nothing was opened by the time of the run."""
    if line.moderation is None:
        return None
    outcome = line.moderation.outcome
    return str(MODERATION_OPEN if outcome is None else MODERATED[outcome])


def why_words(contents: Contents, line: Line, cut: Cut, *, in_public: bool) -> str:
    """The page's own sentence. In public it does not say for whom a quota is: that would tell what a person is."""
    selection, counted = contents.selection, contents.counted_for.get(line.folio)
    quotas = None if in_public or counted is None else counted.decisive
    needed = needed_sheets(selection)
    return why(Explained(line.row, cut.lowest_in, selection.places, needed, quotas, line.departure))
