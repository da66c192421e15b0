"""From a simulation to published awards: propose, two signatures, publish once."""

import json
from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, CallState
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation.queries import owes_sheets
from grants.selection import queries
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
from grants.selection.services.ranking import ranked_rows

APPROVALS = 2
CHANGED = _("Sheets, applications or the call changed since this run. Simulate again.")


def simulate(call: Call, *, by: User, now: datetime) -> Selection:
    """Compute who would be in if it were decided now. Any number of runs may stand side by side; none binds."""
    if call.state is CallState.DRAFT:
        raise RuleBroken(_("Publish the call first: nobody can apply to a draft."))
    if owes_sheets(by, call.id):
        raise RuleBroken(_("Submit your own sheets of this call first: until then, points are hidden from you."))
    inputs = queries.selection_inputs(call)
    if not inputs.candidates:
        raise RuleBroken(_("Nobody has submitted an application to this call yet."))
    selection = Selection(
        call_id=call.id,
        state=SelectionState.SIMULATED,
        places=call.places,
        parameters=json.dumps(inputs.settings, sort_keys=True),
        inputs_hash=inputs.hash,
        created_by_id=by.id,
        created_at=now,
    )
    db.session.add(selection)
    db.session.flush()
    db.session.execute(insert(SelectionRow), [{"selection_id": selection.id, **row} for row in ranked_rows(inputs)])
    journal.record(by, "selection.simulated", selection, at=now, call=call.id, inputs=inputs.hash)
    return selection


def propose(selection: Selection, *, by: User, now: datetime) -> None:
    """Put a run before the two who sign."""
    _check_unchanged(selection)
    _move(selection, SelectionState.SIMULATED, SelectionState.PROPOSED)
    journal.record(by, "selection.proposed", selection, at=now)


def approve(selection: Selection, *, by: User, now: datetime) -> None:
    """Sign a proposed run. The second signature approves it."""
    if selection.created_by_id == by.id:
        raise RuleBroken(_("Whoever made the run cannot sign it. Ask somebody else."))
    _check_unchanged(selection)
    # Claims the row: a signature at the same moment waits here, then counts this one.
    _move(selection, SelectionState.PROPOSED, SelectionState.PROPOSED)
    try:
        with db.session.begin_nested():
            db.session.add(SelectionApproval(selection_id=selection.id, approved_by_id=by.id, approved_at=now))
    except IntegrityError:
        raise RuleBroken(_("You have signed this run. Another person must sign too.")) from None
    journal.record(by, "selection.signed", selection, at=now)
    counted = select(func.count(SelectionApproval.id)).where(SelectionApproval.selection_id == selection.id)
    if (db.session.scalar(counted) or 0) >= APPROVALS:
        _move(selection, SelectionState.PROPOSED, SelectionState.APPROVED)
        journal.record(by, "selection.approved", selection, at=now)


def discard(selection: Selection, *, by: User, now: datetime) -> None:
    """Put a run aside. It stays readable and binds nobody."""
    if not selection.can_move_to(SelectionState.DISCARDED):
        raise RuleBroken(_("This run can no longer be discarded. Reload the page."))
    _move(selection, selection.state, SelectionState.DISCARDED)
    journal.record(by, "selection.discarded", selection, at=now)


def publish(selection: Selection, *, by: User, now: datetime) -> None:
    """Give the awards and freeze the waiting list, once per call, all in one transaction."""
    _check_unchanged(selection)
    try:
        with db.session.begin_nested():
            _move(selection, SelectionState.APPROVED, SelectionState.PUBLISHED, published_at=now)
    except IntegrityError:
        raise RuleBroken(_("Another run of this call is already published. There can be only one.")) from None
    rows = queries.rows_for_act(selection)
    chosen = [row for row in rows if row.outcome is Outcome.CHOSEN]
    _claim_applications(chosen)
    awarded = _award(selection, chosen, now)
    _line_up(selection, [row for row in rows if row.outcome is Outcome.WAITING])
    journal.record(by, "selection.published", selection, at=now, awards=awarded, inputs=selection.inputs_hash)


def _claim_applications(rows: Sequence[SelectionRow]) -> None:
    """Hold the chosen applications, so that none is withdrawn while it gets its award."""
    standing = update(Application).where(
        Application.id.in_([row.application_id for row in rows]), Application.state == ApplicationState.SUBMITTED
    )
    if rows_hit(db.session.execute(standing.values(state=ApplicationState.SUBMITTED))) != len(rows):
        raise RuleBroken(CHANGED)


def _award(selection: Selection, rows: Sequence[SelectionRow], now: datetime) -> int:
    values = [
        {
            "selection_id": selection.id,
            "application_id": row.application_id,
            "state": AwardState.ACTIVE,
            "value_usd": selection.call.value_per_award_usd,
            "awarded_at": now,
        }
        for row in rows
    ]
    if values:
        db.session.execute(insert(Award), values)
    return len(values)


def _line_up(selection: Selection, rows: Sequence[SelectionRow]) -> None:
    values = [
        {"selection_id": selection.id, "application_id": row.application_id, "position": position}
        for position, row in enumerate(rows, 1)
    ]
    if values:
        db.session.execute(insert(WaitingListEntry), values)


def check_act(selection: Selection, *, owed: int) -> None:
    """Whether the act may be printed: signed by two, and read by nobody who still owes sheets (`owed`)."""
    if selection.state not in (SelectionState.APPROVED, SelectionState.PUBLISHED):
        raise RuleBroken(_("The act exists once two people have signed the run."))
    if owed:
        raise RuleBroken(_("Submit your own sheets of this call first: until then, points are hidden from you."))


def _check_unchanged(selection: Selection) -> None:
    if queries.selection_inputs(selection.call).hash != selection.inputs_hash:
        raise RuleBroken(CHANGED)


def _move(selection: Selection, expected: SelectionState, to: SelectionState, **values: object) -> None:
    guarded = update(Selection).where(Selection.id == selection.id, Selection.state == expected)
    if rows_hit(db.session.execute(guarded.values(state=to, **values))) == 0:
        raise RuleBroken(_("The state of this run has changed meanwhile. Reload the page and look again."))
