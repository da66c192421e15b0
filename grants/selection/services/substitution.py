"""Who is called when a place falls free: the run's own problem solved again, with its points, quotas and lottery."""

from collections.abc import Collection
from dataclasses import dataclass

import scoring
from grants.selection import queries
from grants.selection.models import CalledBecause, Selection, WaitingListEntry


@dataclass(frozen=True, slots=True)
class Call:
    """An entry of the waiting list whose turn it is, and why this one."""

    entry: WaitingListEntry
    because: CalledBecause


def next_call(selection: Selection, *, without: Collection[int] = ()) -> Call | None:
    """Whose turn it is when one more place is free; None when nobody is left.

    `without`: applications that were asked and do not want it. A run without quotas, or from before inputs were
    stored, calls in the order of its waiting list; one with quotas calls the best that keeps them.
    """
    waiting = [entry for entry in queries.open_entries(selection) if entry.application_id not in without]
    if not waiting:
        return None
    stored = queries.stored_inputs(selection) if selection.has_quotas else None
    if stored is None:
        return Call(waiting[0], CalledBecause.NEXT)
    entry = _best_that_keeps_quotas(selection, stored, waiting)
    if entry is None:
        return None
    return Call(entry, CalledBecause.NEXT if entry is waiting[0] else CalledBecause.QUOTA_KEPT)


def _best_that_keeps_quotas(
    selection: Selection, stored: queries.StoredInputs, waiting: Collection[WaitingListEntry]
) -> WaitingListEntry | None:
    """Solve again with the awards that stand granted, one place more, and everybody who does not wait left out."""
    by_folio = {entry.application.folio: entry for entry in waiting}
    ranked = {candidate.key for candidate in stored.candidates}
    # Somebody may hold a place without having been ranked, after an appeal: the places left are counted without it.
    granted = queries.folios_with_award(selection) & ranked
    gone = ranked - granted - by_folio.keys()
    found = scoring.substitute(
        stored.candidates, len(granted) + 1, stored.quotas, stored.lottery, granted=granted, withdrawn=gone
    )
    return by_folio[found.called[0]] if found.called else None
