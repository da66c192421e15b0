"""Departures from the order of a run."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grants.applications.models import Application
from grants.core.db import db, one_or_refuse
from grants.selection.models import Departure, Direction, Selection, SelectionRow


def departures_of(selection: Selection) -> Sequence[Departure]:
    """The decisions against the order of a run, by folio."""
    statement = (
        select(Departure)
        .join(Departure.application)
        .where(Departure.selection_id == selection.id)
        .options(joinedload(Departure.application), joinedload(Departure.decided_by))
        .order_by(Application.folio)
    )
    return db.session.scalars(statement).all()


def directions_of(selection: Selection) -> dict[int, Direction]:
    """Who was put in or out by decision, by application."""
    statement = select(Departure.application_id, Departure.direction).where(Departure.selection_id == selection.id)
    return {row[0]: row[1] for row in db.session.execute(statement)}


def get_departure(selection_id: int, departure_id: int) -> Departure:
    """A departure of this run, or NotFound."""
    found = select(Departure).where(Departure.id == departure_id, Departure.selection_id == selection_id)
    return one_or_refuse(found.options(joinedload(Departure.selection)))


def row_by_folio(selection: Selection, folio: str) -> SelectionRow | None:
    """The row of the application with this folio in a run."""
    statement = (
        select(SelectionRow)
        .join(SelectionRow.application)
        .where(SelectionRow.selection_id == selection.id, Application.folio == folio)
        .options(joinedload(SelectionRow.application))
    )
    return db.session.scalars(statement).first()
