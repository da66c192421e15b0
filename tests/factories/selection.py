"""Published selections, awards and waiting lists for tests."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import db
from grants.people.models import Person
from grants.selection.models import (
    Award,
    AwardState,
    Outcome,
    Selection,
    SelectionApproval,
    SelectionRow,
    SelectionState,
    WaitingListEntry,
)
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.people import make_canton, make_person


def make_selection(call: Call | None = None, **overrides: Any) -> Selection:
    """The published selection of a call, signed by two; made once per call unless another state is asked for."""
    call, now = call or make_call(), utcnow()
    state = overrides.pop("state", SelectionState.PUBLISHED)
    if state is SelectionState.PUBLISHED:
        found = db.session.query(Selection).filter_by(call_id=call.id, state=state).one_or_none()
        if found is not None:
            return found
    values: dict[str, Any] = {
        "places": call.places,
        "parameters": "{}",
        "inputs_hash": "0" * 64,
        "created_by": make_user(Role.COORDINATOR),
        "created_at": now,
        "published_at": now if state is SelectionState.PUBLISHED else None,
        **overrides,
    }
    selection = Selection(call=call, state=state, **values)
    if state in (SelectionState.APPROVED, SelectionState.PUBLISHED):
        selection.approvals = [
            SelectionApproval(approved_by=make_user(Role.COORDINATOR), approved_at=now) for _n in range(2)
        ]
    db.session.add(selection)
    db.session.flush()
    return selection


def make_award(
    person: Person | None = None,
    canton: str | None = None,
    *,
    call: Call | None = None,
    application: Application | None = None,
    awarded_at: datetime | None = None,
    **overrides: Any,
) -> Award:
    """An active award of USD 700.00 with its submitted application, in the published selection of its call.

    `canton`: DPA code of the person's canton (1001 Ibarra, 2101 Lago Agrio) when the person is made here. Awards of
    one `call` share its selection. Other attributes of Award by their names (state, ended_at, end_reason …).
    """
    if application is None:
        person = person or make_person(canton=make_canton(canton or "1001"))
        application = make_application(call or make_call(), person)
    selection = overrides.pop("selection", None) or make_selection(application.call)
    values: dict[str, Any] = {
        "state": AwardState.ACTIVE,
        "value_usd": Decimal("700.00"),
        "awarded_at": awarded_at or utcnow(),
        **overrides,
    }
    award = Award(selection=selection, application=application, **values)
    _add_row(selection, application, Outcome.CHOSEN)
    db.session.add(award)
    db.session.flush()
    return award


def make_waiting(selection: Selection, application: Application | None = None) -> WaitingListEntry:
    """The next entry of a selection's waiting list; its application is made if not given."""
    application = application or make_application(selection.call)
    taken = db.session.query(WaitingListEntry).filter_by(selection_id=selection.id).count()
    entry = WaitingListEntry(selection=selection, application=application, position=taken + 1)
    _add_row(selection, application, Outcome.WAITING)
    db.session.add(entry)
    db.session.flush()
    return entry


def _add_row(selection: Selection, application: Application, outcome: Outcome) -> None:
    place = db.session.query(SelectionRow).filter_by(selection_id=selection.id).count() + 1
    row = SelectionRow(
        selection=selection,
        application=application,
        outcome=outcome,
        place=place,
        points=8000,
        plan_points=8000,
        pitch_points=8000,
        reviews=2,
        tie_key="0" * 64,
        reason="by_points" if outcome is Outcome.CHOSEN else "below_cut",
    )
    db.session.add(row)
    db.session.flush()
