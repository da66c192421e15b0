"""Who sits on a call's panel, and what an assignment depends on."""

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call
from grants.core.db import db, get_or_refuse
from grants.core.errors import NotFound
from grants.evaluation.models import Panelist
from grants.evaluation.queries.board import Cell, active_evaluators
from grants.evaluation.queries.conflicts import declared
from grants.people.models import Person


@dataclass(frozen=True, slots=True)
class ApplicantFacts:
    """What of an applicant decides who may read: the DPA code of the province and the language, no names."""

    province_code: str
    language: str


def panel_of(call: Call) -> list[Panelist]:
    """The call's evaluators by panel and id, those who stopped last. None: all active evaluators read."""
    statement = (
        select(Panelist)
        .where(Panelist.call_id == call.id)
        .options(joinedload(Panelist.evaluator), joinedload(Panelist.canton))
        .order_by(Panelist.stopped_at.is_not(None), Panelist.panel, Panelist.evaluator_id)
    )
    return list(db.session.scalars(statement))


def panel_labels(call: Call) -> dict[int, str]:
    """The panel that each evaluator of the call was drawn from; empty while the call has one panel only."""
    seats = db.session.execute(select(Panelist.evaluator_id, Panelist.panel).where(Panelist.call_id == call.id))
    labels = {row[0]: row[1] for row in seats}
    return labels if len(set(labels.values())) > 1 else {}


def get_seat(call: Call, evaluator_id: int) -> Panelist | None:
    """The evaluator's row in the call, if there is one."""
    statement = select(Panelist).where(Panelist.call_id == call.id, Panelist.evaluator_id == evaluator_id)
    return db.session.scalars(statement.options(joinedload(Panelist.evaluator))).one_or_none()


def get_panelist(call: Call, evaluator_id: int) -> Panelist:
    """The evaluator's row in the call; NotFound when they do not sit on its panel."""
    seat = get_seat(call, get_or_refuse(User, evaluator_id).id)
    if seat is None:
        raise NotFound
    return seat


def readers_of(call: Call) -> list[User]:
    """Who may be given sheets of the call: active evaluators, without those who stopped. By id."""
    stopped = {seat.evaluator_id for seat in panel_of(call) if seat.stopped_at is not None}
    return [user for user in active_evaluators() if user.id not in stopped]


def applicant_facts(call: Call) -> dict[int, ApplicantFacts]:
    """Province and language by submitted application. One query, no names opened."""
    rows = db.session.execute(
        select(Application.id, Person.canton_code, Person.language)
        .join(Application.person)
        .where(Application.call_id == call.id, Application.state == ApplicationState.SUBMITTED)
        .order_by(Application.id)
    )
    return {row[0]: ApplicantFacts(row[1][:2], row[2]) for row in rows}


def folios_of(call: Call, applications: Iterable[int], *, reader: User, most: int = 20) -> dict[int, str]:
    """The folios of some of these applications, without those the reader has a conflict about."""
    statement = select(Application.id, Application.folio).where(
        Application.call_id == call.id,
        Application.id.in_(sorted(applications)[:most]),
        ~declared(Application.id, reader.id),
    )
    return {row[0]: row[1] for row in db.session.execute(statement.order_by(Application.folio))}


def shortages(cells: dict[int, list[Cell]], reviews: int) -> dict[int, list[tuple[str, int]]]:
    """Stage and reviews that are missing by application, for stages in which somebody was given a sheet."""
    missing: dict[int, list[tuple[str, int]]] = {}
    for number, found in cells.items():
        for stage in sorted({cell.assignment.stage for cell in found}, reverse=True):
            of_stage = [cell for cell in found if cell.assignment.stage is stage]
            counting = sum(1 for cell in of_stage if cell.state not in ("conflict", "ended"))
            if counting < reviews:
                missing.setdefault(number, []).append((stage, reviews - counting))
    return missing
