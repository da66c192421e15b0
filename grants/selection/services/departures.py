"""Departures from the order of a run: by decision, with a reason, before anybody signs."""

from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation.queries import conflicted_applications
from grants.people.folio import normal_folio
from grants.selection import queries
from grants.selection.models import (
    Departure,
    DepartureReason,
    Direction,
    Outcome,
    Selection,
    SelectionRow,
    SelectionState,
)


def depart(
    selection: Selection,
    *,
    folio: str,
    direction: Direction,
    reason: DepartureReason,
    words: str,
    by: User,
    now: datetime,
) -> Departure:
    """Put one application in or out against the order. The act prints the reason and the words, so no names in them."""
    if selection.is_what_if:
        raise RuleBroken(_("This is a what-if: nothing is decided on it."))
    if not words.strip():
        raise RuleBroken(_("Write why, in words that can be printed in the act."), field="words")
    row = queries.row_by_folio(selection, normal_folio(folio) or "")
    if row is None or row.application_id in conflicted_applications(by, selection.call_id):
        raise RuleBroken(_("No application of this run has this folio. Check it."), field="folio")
    _check_direction(row, direction)
    _claim(selection)
    departure = Departure(selection_id=selection.id, application_id=row.application_id, direction=direction,
                          reason=reason, decided_by_id=by.id, decided_at=now)  # fmt: skip
    departure.words = words
    try:
        with db.session.begin_nested():
            db.session.add(departure)
    except IntegrityError:
        raise RuleBroken(_("There is a decision about this application already. Take it back first."),
                         field="folio") from None  # fmt: skip
    journal.record(by, "selection.departed", departure, at=now, selection=selection.id, direction=direction.value)
    return departure


def take_back(departure: Departure, *, by: User, now: datetime) -> None:
    """Remove a departure while its run is still a simulation."""
    _claim(departure.selection)
    journal.record(by, "selection.departure_taken_back", departure, at=now, selection=departure.selection_id)
    db.session.delete(departure)


def check_departures(selection: Selection) -> None:
    """Whoever is put in needs a place that is free, or freed by somebody put out."""
    decided = list(queries.directions_of(selection).values())
    into, out = decided.count(Direction.PUT_IN), decided.count(Direction.PUT_OUT)
    chosen = queries.counts_of(selection)[Outcome.CHOSEN]
    if chosen - out + into > selection.places:
        raise RuleBroken(_("With the decisions against the order there would be %(given)d awards for %(places)d "
                           "places. Put somebody out, or take a decision back.", given=chosen - out + into,
                           places=selection.places))  # fmt: skip


def _check_direction(row: SelectionRow, direction: Direction) -> None:
    if direction is Direction.PUT_OUT and row.outcome is not Outcome.CHOSEN:
        raise RuleBroken(_("This application has no place that could be taken from it."), field="direction")
    if direction is Direction.PUT_IN and row.outcome is not Outcome.WAITING:
        raise RuleBroken(_("Only an application on the waiting list can be given a place."), field="direction")


def _claim(selection: Selection) -> None:
    """Hold the run while it is still a simulation: once proposed, the two who sign must find it as it was."""
    still = update(Selection).where(Selection.id == selection.id, Selection.state == SelectionState.SIMULATED)
    if rows_hit(db.session.execute(still.values(state=SelectionState.SIMULATED))) == 0:
        raise RuleBroken(_("This run is no longer a simulation: nothing about it changes any more."))
