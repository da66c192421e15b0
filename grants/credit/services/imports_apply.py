"""The work on a file, a turn at a time: rows are read, held against what is known, and then done.

Each turn is one transaction of its caller's, and begins by changing the file's own row: two processes at the same file
wait for each other there, and a killed one leaves nothing of its turn.
"""

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.import_reasons import Reason, RowDoubt
from grants.credit.import_rows import Facts, left_out, read_row
from grants.credit.import_settings import Settings, heading_words
from grants.credit.models import (
    CreditImport,
    CreditMovement,
    ImportMode,
    ImportRow,
    ImportState,
    Linkage,
    MovementKind,
    RowOutcome,
    Source,
)
from grants.credit.queries import imports as queries
from grants.credit.services.imports import wipe
from grants.credit.services.imports_course import Action, Disbursed
from grants.credit.services.imports_plan import Entry, Plan, plan
from grants.credit.services.imports_rules import row_of
from grants.credit.services.linkages import log_step
from grants.credit.services.movements import Movement, settle

ROWS_AT_ONCE = 500
LINKAGES_AT_ONCE = 40


class Refusal(NamedTuple):
    """Why the rows of a linkage are not done. `may_pass`: the next look at the file may find them good."""

    reason: Reason
    may_pass: bool


class _Stopped(Exception):
    """All rows or none: so none."""


def go_on(kept: CreditImport, *, now: datetime) -> None:
    """The next turn of a file that is being checked or applied."""
    if kept.state is ImportState.CHECKING:
        if not _read_some(kept):
            _hold_against_what_is_known(kept, now=now)
    elif kept.mode is ImportMode.ALL:
        _apply_all(kept, now=now)
    elif not _apply_some(kept, now=now):
        _finish(kept, now=now)


def _read_some(kept: CreditImport) -> bool:
    """Read the cells of the next rows. False when none is left."""
    rows = queries.waiting_rows(kept, ROWS_AT_ONCE)
    if not rows or kept.mapping is None or not _advance(kept, len(rows)):
        return False
    settings, heading = Settings.from_json(kept.mapping.settings), heading_words(kept.mapping.heading)
    for row in rows:
        _read(row, heading, settings)
    db.session.flush()
    return True


def _read(row: ImportRow, heading: Sequence[str], settings: Settings) -> None:
    cells = row.cells
    reason = left_out(cells, heading, settings)
    if reason is not None:
        row.outcome, row.reason = RowOutcome.LEFT_OUT, reason.value
        return
    try:
        row.facts = read_row(cells, settings).as_json()
        row.outcome = RowOutcome.READ
    except RowDoubt as doubt:
        row.outcome, row.reason = RowOutcome.BAD, doubt.reason.value
        row.field = doubt.field.value if doubt.field else None


def _hold_against_what_is_known(kept: CreditImport, *, now: datetime) -> None:
    """Every row is explained after this; nothing but the file's own rows is changed."""
    if not _change(kept, state=ImportState.READY):
        return
    rows = queries.rows_with(kept, RowOutcome.READ)
    _write_down(rows, _planned(kept, rows, now=now).entries)
    journal.record(None, "credit_import.checked", kept, at=now, rows=kept.total)


def _apply_all(kept: CreditImport, *, now: datetime) -> None:
    """All rows or none: one that is refused only now stops the file, and nothing is done."""
    if not _change(kept, state=ImportState.APPLIED, ended_at=now, done=kept.total):
        return
    rows = queries.rows_with(kept, RowOutcome.GOOD, RowOutcome.NOTHING_NEW)
    found = _planned(kept, rows, now=now)
    if found.refused:
        _stop(kept, rows, found)
        return
    try:
        with journal.savepoint():
            _do_all(found, by=_applier(kept), now=now)
    except _Stopped:
        _stop(kept, rows, found)
        return
    _write_down(rows, found.entries, done=True)
    _end(kept, now=now)


def _apply_some(kept: CreditImport, *, now: datetime) -> bool:
    """Do the rows of the next linkages, each linkage for itself. False when none is left."""
    linkage_ids = queries.next_linkages(kept, LINKAGES_AT_ONCE)
    rows = queries.rows_of_linkages(kept, linkage_ids)
    good = sum(row.outcome is RowOutcome.GOOD for row in rows)
    if not rows or not _advance(kept, good):
        return False
    found = _planned(kept, rows, now=now, only=linkage_ids)
    for linkage_id, entries in _by_linkage(found).items():
        refusal = _done_or_why_not(found.courses[linkage_id].linkage, entries, by=_applier(kept), now=now)
        if refusal is not None:
            _refuse(entries, refusal.reason)
    _write_down(rows, found.entries, done=True)
    return True


def append_many(linkage: Linkage, movements: Sequence[Movement], *, by: User, now: datetime) -> None:
    """Write several movements down and settle the linkage once. Their rules were asked before."""
    rows = [row_of(linkage, movement) for movement in movements]
    for row in rows:
        row.logged_at, row.logged_by_id = now, by.id
    db.session.add_all(rows)
    db.session.flush()
    for row in rows:
        journal.record(by, "credit.movement", linkage, at=now, movement_id=row.id, kind=row.kind.value)
    settle(linkage, by=by, now=now)


def _do_all(found: Plan, *, by: User, now: datetime) -> None:
    """_Stopped at the first linkage that is refused. Its rows are told why where the file would stop for ever."""
    for linkage_id, entries in _by_linkage(found).items():
        refusal = _done_or_why_not(found.courses[linkage_id].linkage, entries, by=by, now=now)
        if refusal is None:
            continue
        if not refusal.may_pass:
            _refuse(entries, refusal.reason)
        raise _Stopped


def _refuse(entries: Sequence[Entry], reason: Reason) -> None:
    for entry in entries:
        entry.outcome, entry.reason, entry.actions = RowOutcome.BAD, reason, []


def _done_or_why_not(linkage: Linkage, entries: Sequence[Entry], *, by: User, now: datetime) -> Refusal | None:
    """Do all rows of a linkage, or none of them and say why: somebody was faster, or a rule that the check has not."""
    read = linkage.settled, linkage.state
    try:
        with journal.savepoint():
            _do(linkage, entries, by=by, now=now)
    except IntegrityError:
        return Refusal(Reason.BUSY, may_pass=False)
    except RuleBroken as broken:
        stands = db.session.execute(select(Linkage.settled, Linkage.state).where(Linkage.id == linkage.id)).one()
        if tuple(stands) != read:
            return Refusal(Reason.BUSY, may_pass=True)
        # The operation number alone can have been taken meanwhile: the check knows all that were used before.
        return Refusal(Reason.BUSY if broken.field == "reference" else Reason.RULE, may_pass=False)
    return None


def _do(linkage: Linkage, entries: Sequence[Entry], *, by: User, now: datetime) -> None:
    """What the rows of one linkage add, in the order in which it happened."""
    movements: list[Movement] = []
    for action in _in_order(entries):
        if isinstance(action, Movement):
            movements.append(action)
            continue
        step = action.step if isinstance(action, Disbursed) else action
        log_step(linkage, step, by=by, now=now)
        db.session.refresh(linkage, ["events"])
        if isinstance(action, Disbursed):
            _give_receipt(linkage, action.reference)
    if movements:
        append_many(linkage, movements, by=by, now=now)


def _in_order(entries: Sequence[Entry]) -> list[Action]:
    """The plan took the rows in their order already."""
    return [action for entry in entries for action in entry.actions]


def _give_receipt(linkage: Linkage, reference: str) -> None:
    """The movement of the first disbursement, made by the step just now, gets the number by which it is known again."""
    statement = select(CreditMovement).where(
        CreditMovement.linkage_id == linkage.id, CreditMovement.kind == MovementKind.DISBURSEMENT
    )
    movement = db.session.scalars(statement.order_by(CreditMovement.id.desc()).limit(1)).one()
    movement.reference, movement.source = reference, Source.FILE
    db.session.flush()


def _planned(
    kept: CreditImport, rows: Sequence[ImportRow], *, now: datetime, only: Sequence[int] | None = None
) -> Plan:  # fmt: skip
    if kept.mapping is None:
        raise ValueError("a file without its mapping")
    entries = [Entry(row.id, row.number, Facts.from_json(row.facts), linkage_id=row.linkage_id) for row in rows]
    settings = Settings.from_json(kept.mapping.settings)
    return plan(entries, kept.institution, settings, today=local_day(now), only=only)


def _by_linkage(found: Plan) -> dict[int, list[Entry]]:
    grouped: dict[int, list[Entry]] = defaultdict(list)
    for entry in found.in_order:
        if entry.actions and entry.linkage_id is not None:
            grouped[entry.linkage_id].append(entry)
    return grouped


def _write_down(rows: Sequence[ImportRow], entries: Sequence[Entry], *, done: bool = False) -> None:
    for row, entry in zip(rows, entries, strict=True):
        is_done = done and entry.outcome is RowOutcome.GOOD
        row.outcome = RowOutcome.APPLIED if is_done else entry.outcome
        row.reason = entry.reason.value if entry.reason else None
        row.field = entry.column.value if entry.column else None
        row.other_number, row.linkage_id = entry.other, entry.linkage_id
    db.session.flush()


def _stop(kept: CreditImport, rows: Sequence[ImportRow], found: Plan) -> None:
    """Back to where somebody decides: with the rows as they stand now, where one of them is refused."""
    values: dict[str, Any] = {"state": ImportState.READY, "ended_at": None, "stopped": True, "done": kept.total}
    db.session.execute(
        update(CreditImport)
        .where(CreditImport.id == kept.id)
        .values(**values, mode=None, applied_by_id=None)
        .execution_options(synchronize_session=False)
    )
    _write_down(rows, found.entries)
    db.session.refresh(kept)


def _finish(kept: CreditImport, *, now: datetime) -> None:
    if _change(kept, state=ImportState.APPLIED, ended_at=now, done=kept.total):
        _end(kept, now=now)


def _end(kept: CreditImport, *, now: datetime) -> None:
    applied = queries.outcomes_of(kept)[RowOutcome.APPLIED]
    wipe(kept, but_refused=True)
    journal.record(_applier(kept), "credit_import.applied", kept, at=now, rows=applied)


def _applier(kept: CreditImport) -> User:
    if kept.applied_by is None:
        raise ValueError("a file that nobody applies")
    return kept.applied_by


def _advance(kept: CreditImport, rows: int) -> bool:
    return _change(kept, done=CreditImport.done + rows)


def _change(kept: CreditImport, **values: Any) -> bool:
    """Guarded: only from the state in which the turn began. False when somebody else ended it."""
    changed = db.session.execute(
        update(CreditImport)
        .where(CreditImport.id == kept.id, CreditImport.state == kept.state)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(changed) != 1:
        return False
    db.session.refresh(kept)
    return True
