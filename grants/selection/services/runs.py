"""From a simulation to published awards: propose, two signatures, publish once."""

import json
from collections.abc import Sequence
from datetime import datetime
from itertools import islice

from flask_babel import lazy_gettext as _
from sqlalchemy import func, insert, select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, CallState, QuotaDimension, Stage
from grants.calls.services import QuotaFields, check_quotas
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.evaluation.queries import owes_sheets
from grants.selection import queries
from grants.selection.models import (
    Award,
    AwardState,
    Direction,
    Outcome,
    Reason,
    Selection,
    SelectionApproval,
    SelectionRecord,
    SelectionRow,
    SelectionState,
    WaitingListEntry,
)
from grants.selection.reckoning import Changes, QuotaLine, RunInputs, RunResult
from grants.selection.services.computing import SOFTWARE, compute, rows_of
from grants.selection.services.departures import check_departures

APPROVALS = 2
ROWS_AT_ONCE = 5_000
ANOTHER = _("Another run of this call is already published. There can be only one.")
CHANGED = _("Sheets, applications or the call changed since this run. Simulate again.")


def simulate(
    call: Call,
    *,
    by: User,
    now: datetime,
    changes: Changes | None = None,
    progress: queries.Progress | None = None,
) -> Selection:
    """Compute who would be in if it were decided now. Any number of runs may stand side by side; none binds.

    With `changes` it is a what-if, which can never be proposed.
    """
    if call.state is CallState.DRAFT:
        raise RuleBroken(_("Publish the call first: nobody can apply to a draft."))
    if owes_sheets(by, call.id):
        raise RuleBroken(_("Submit your own sheets of this call first: until then, points are hidden from you."))
    if changes is not None:
        check_changes(call, changes)
    inputs = queries.selection_inputs(call, changes, progress)
    if not inputs.entries:
        raise RuleBroken(_("Nobody has submitted an application to this call yet."))
    selection = _store(call, inputs, compute(inputs), by, now, is_what_if=changes is not None)
    journal.record(by, "selection.simulated", selection, at=now, call=call.id, inputs=inputs.hash,
                   what_if=selection.is_what_if)  # fmt: skip
    return selection


def check_changes(call: Call, changes: Changes) -> None:
    """Refuse a what-if that no call could be published with."""
    places = call.places if changes.places is None else changes.places
    if changes.quotas is not None:
        check_quotas([QuotaFields(*_named(line), line.minimum, line.maximum) for line in changes.quotas], places)
    plan = call.plan_weight if changes.plan_weight is None else changes.plan_weight
    for stage, weight in ((Stage.PLAN, plan), (Stage.PITCH, 100 - plan)):
        if weight > 0 and call.has_rubric and not call.rubric.criteria_of(stage):
            raise RuleBroken(_("The rubric has no criteria for a stage that should count."), field="plan_weight")


def _named(line: QuotaLine) -> tuple[QuotaDimension, str]:
    dimension, _colon, value = line.group.partition(":")
    if dimension not in [one.value for one in QuotaDimension]:
        raise RuleBroken(_("“%(group)s” names no group. Write it such as sex:female or canton:2101.", group=line.group))
    return QuotaDimension(dimension), value


def _store(call: Call, inputs: RunInputs, result: RunResult, by: User, now: datetime, *, is_what_if: bool) -> Selection:
    selection = Selection(
        call_id=call.id,
        state=SelectionState.SIMULATED,
        places=inputs.settings["places"],
        parameters=json.dumps({**inputs.settings, "quotas": inputs.quotas, "software": SOFTWARE}, sort_keys=True),
        inputs_hash=inputs.hash,
        created_by_id=by.id,
        created_at=now,
        is_what_if=is_what_if,
        cut=result.cut,
        objective=result.certificate["objective"],
    )
    db.session.add(selection)
    db.session.flush()
    record = SelectionRecord(selection_id=selection.id, result_hash=result.hash, software=SOFTWARE)
    record.inputs, record.result, record.summary = inputs.text, result.text, result.summary
    db.session.add(record)
    _insert_rows(selection, call, result)
    return selection


def _insert_rows(selection: Selection, call: Call, result: RunResult) -> None:
    numbers = queries.application_numbers(call)
    rows = rows_of(result, call, selection.settings["tie_seed"])
    while chunk := list(islice(rows, ROWS_AT_ONCE)):
        values = [{"selection_id": selection.id, "application_id": numbers[folio], **row} for folio, row in chunk]
        db.session.execute(insert(SelectionRow), values)


def propose(selection: Selection, *, by: User, now: datetime) -> None:
    """Put a run before the two who sign, with the departures from its order that were written down. Never a what-if."""
    if selection.is_what_if:
        raise RuleBroken(_("This is a what-if: it can never be proposed. Simulate the call as it was declared."))
    _check_alone(selection)
    _check_somebody_is_in(selection)
    check_departures(selection)
    _check_unchanged(selection)
    _move(selection, SelectionState.SIMULATED, SelectionState.PROPOSED)
    journal.record(by, "selection.proposed", selection, at=now)


def _check_somebody_is_in(selection: Selection) -> None:
    """A call is decided once: not while nobody can be ranked because sheets are missing."""
    rows = select(SelectionRow.id).where(SelectionRow.selection_id == selection.id)
    unfinished = db.session.scalar(rows.where(SelectionRow.reason == Reason.SHEETS_MISSING).limit(1))
    if unfinished and db.session.scalar(rows.where(SelectionRow.outcome == Outcome.CHOSEN).limit(1)) is None:
        raise RuleBroken(_("Nobody would be in yet. Finish the evaluation, then simulate again."))


def _check_alone(selection: Selection) -> None:
    published = queries.published_selection(selection.call_id)
    if published is not None and published.id != selection.id:
        raise RuleBroken(ANOTHER)


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
        raise RuleBroken(ANOTHER) from None
    rows, decided = queries.rows_for_act(selection), queries.directions_of(selection)
    chosen = [row for row in rows if _gets_a_place(row, decided.get(row.application_id))]
    _claim_applications(chosen)
    awarded = _award(selection, chosen, now)
    _line_up(selection, [row for row in rows if row.outcome is Outcome.WAITING and row.application_id not in decided])
    journal.record(by, "selection.published", selection, at=now, awards=awarded, inputs=selection.inputs_hash)


def _gets_a_place(row: SelectionRow, decided: Direction | None) -> bool:
    return decided is Direction.PUT_IN if decided else row.outcome is Outcome.CHOSEN


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
    if queries.record_of(selection) is None:
        raise RuleBroken(_("This run comes from before inputs were stored. Simulate again."))
    if queries.selection_inputs(selection.call).hash != selection.inputs_hash:
        raise RuleBroken(CHANGED)


def _move(selection: Selection, expected: SelectionState, to: SelectionState, **values: object) -> None:
    guarded = update(Selection).where(Selection.id == selection.id, Selection.state == expected)
    if rows_hit(db.session.execute(guarded.values(state=to, **values))) == 0:
        raise RuleBroken(_("The state of this run has changed meanwhile. Reload the page and look again."))
