"""A file of an institution on its way: sent, mapped, checked, applied or forgotten. Its rows are sealed until then."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import ColumnElement, insert, or_, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.crypto import lookup_hash, new_row_key
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.import_reasons import Reason
from grants.credit.import_settings import Settings, heading_words, plain, reads_as_heading
from grants.credit.models import (
    CreditImport,
    ImportMapping,
    ImportMode,
    ImportRow,
    ImportState,
    Institution,
    RowOutcome,
)
from grants.credit.models.imports import WORKING
from grants.credit.queries import imports as queries
from grants.credit.spreadsheets import HEAD_ROWS, MOST_ROWS, Line, Sheet
from grants.credit.workbooks import Cell

CLAIM = timedelta(seconds=120)  # longer than any turn takes
TOO_MANY = _("This file has more than 20,000 rows. Split it, and send the parts one after another.")


@dataclass(frozen=True, slots=True)
class Received:
    """A file that was sent. `is_again`: it had been sent before, so this is the earlier one."""

    kept: CreditImport
    is_again: bool


def fingerprint(file: bytes) -> bytes:
    """How a file is recognised without being kept."""
    return lookup_hash("credit_import", hashlib.sha256(file).hexdigest())


def receive(institution: Institution, sheet: Sheet, file_hash: bytes, *, by: User, now: datetime) -> Received:
    """Keep the rows of a file, sealed. With a heading that is known, its mapping is taken and the check begins."""
    earlier = queries.same_file(institution, file_hash)
    if earlier is not None:
        return Received(earlier, is_again=True)
    kept = CreditImport(
        institution_id=institution.id, file_hash=file_hash, file_kind=sheet.kind.value, total=len(sheet.lines),
        created_by_id=by.id, created_at=now,
    )  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(kept)
    except IntegrityError:
        raise RuleBroken(_("Somebody sent this file at this moment. Look at the list."), field="file") from None
    _keep_rows(kept, sheet.lines)
    journal.record(by, "credit_import.received", kept, at=now, institution_id=institution.id, rows=kept.total)
    known = _known_heading(institution, sheet.lines)
    if known is not None:
        line, mapping = known
        _begin_check(kept, mapping, line.number)
    return Received(kept, is_again=False)


def map_columns(
    kept: CreditImport, heading: ImportRow, settings: Settings, *, by: User, now: datetime
) -> ImportMapping:  # fmt: skip
    """Say what the columns mean, once for the institution, and check the file. The same words again are one version."""
    if kept.state not in (ImportState.MAPPING, ImportState.READY):
        raise RuleBroken(_("This file is being worked on, or has ended. Its columns stay as they are."))
    if kept.total - _rank(kept, heading) > MOST_ROWS:
        raise RuleBroken(TOO_MANY, field="heading_row")
    words = heading_words(heading.cells)
    key = heading_key(kept.institution_id, words)
    mapping = queries.mapping_for(kept.institution, key)
    if mapping is None or mapping.settings != settings.as_json():
        shown = [plain(cell) for cell in heading.cells][: len(words)]
        mapping = _new_version(kept, key, shown, settings, by=by, now=now)
    _begin_check(kept, mapping, heading.number)
    return mapping


def ask_apply(kept: CreditImport, mode: ImportMode, *, by: User, now: datetime) -> None:
    """Begin to do what the rows say. Of two people at once one wins."""
    counts = queries.outcomes_of(kept)
    if kept.state is not ImportState.READY:
        raise _faster()
    if not counts[RowOutcome.GOOD]:
        raise RuleBroken(_("No row adds anything. There is nothing to apply."))
    if mode is ImportMode.ALL and counts[RowOutcome.BAD]:
        raise RuleBroken(_("Some rows have to be corrected first. Correct the file and send it again, or apply "
                           "only the good rows."), field="which")  # fmt: skip
    _change(kept, ImportState.READY, state=ImportState.APPLYING, mode=mode, applied_by_id=by.id, stopped=False,
            broke_off=False, done=kept.total - counts[RowOutcome.GOOD])  # fmt: skip
    journal.record(by, "credit_import.began", kept, at=now, mode=mode.value)


def discard(kept: CreditImport, *, by: User | None, now: datetime) -> None:
    """Forget a file: its rows are wiped, and it may be sent again. Nobody (`by` None): it was left lying."""
    if kept.state is ImportState.APPLIED:
        raise RuleBroken(_("This file was applied already."))
    if kept.state is ImportState.DISCARDED:
        raise RuleBroken(_("This file was forgotten already."))
    free = or_(CreditImport.claimed_until.is_(None), CreditImport.claimed_until <= now)
    if kept.state is ImportState.APPLYING:
        raise RuleBroken(_("This file is being applied. Wait until that ends."))
    _change(kept, kept.state, free, state=ImportState.DISCARDED, ended_at=now)
    wipe(kept)
    journal.record(by, "credit_import.discarded", kept, at=now)


def wipe(kept: CreditImport, *, but_refused: bool = False) -> None:
    """Forget what stood in the rows; what became of each stays. `but_refused`: those wait, to be corrected."""
    statement = update(ImportRow).where(ImportRow.import_id == kept.id)
    if but_refused:
        statement = statement.where(ImportRow.outcome != RowOutcome.BAD)
    db.session.flush()
    db.session.execute(
        statement.values(cells_sealed=None, facts_sealed=None).execution_options(synchronize_session=False)
    )
    db.session.expire_all()


def purge(kept: CreditImport, *, now: datetime) -> None:
    """End a file that was left lying, and wipe what is left of its rows."""
    if kept.state in (ImportState.MAPPING, ImportState.CHECKING, ImportState.READY):
        discard(kept, by=None, now=now)
    elif kept.has_ended:
        wipe(kept)
        journal.record(None, "credit_import.wiped", kept, at=now)


def claim(import_id: int, *, now: datetime) -> datetime | None:
    """Take the work on a file, and until when. None while another process has it, or when there is nothing to do."""
    free = or_(CreditImport.claimed_until.is_(None), CreditImport.claimed_until <= now)
    taken = db.session.execute(
        update(CreditImport)
        .where(CreditImport.id == import_id, CreditImport.state.in_(WORKING), free)
        .values(claimed_until=now + CLAIM)
        .execution_options(synchronize_session=False)
    )
    return now + CLAIM if rows_hit(taken) == 1 else None


def release(import_id: int, claimed_until: datetime | None) -> None:
    """Let the next process go on. One whose time has run out frees nothing: another may have the work by now."""
    db.session.execute(
        update(CreditImport)
        .where(CreditImport.id == import_id, CreditImport.claimed_until == claimed_until)
        .values(claimed_until=None)
        .execution_options(synchronize_session=False)
    )


def break_off(import_id: int, claimed_until: datetime, *, now: datetime) -> None:
    """The turn failed by our fault: back to where somebody decides, so that no other file waits for this one."""
    kept = db.session.get_one(CreditImport, import_id, populate_existing=True)
    back = {ImportState.CHECKING: ImportState.MAPPING, ImportState.APPLYING: ImportState.READY}.get(kept.state)
    if back is None:
        return
    broken = db.session.execute(
        update(CreditImport)
        .where(CreditImport.id == import_id, CreditImport.state == kept.state,
               CreditImport.claimed_until == claimed_until)
        .values(state=back, broke_off=True, mode=None, applied_by_id=None)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    if rows_hit(broken) == 1:
        journal.record(None, "credit_import.broke_off", kept, at=now)
        db.session.refresh(kept)


def heading_key(institution_id: int, words: Sequence[str]) -> bytes:
    """How a heading is recognised: by all its words, within one institution."""
    return lookup_hash("import_heading", f"{institution_id}|" + "|".join(words))


def note_download(kept: CreditImport, *, rows: int, by: User, now: datetime) -> None:
    """Keep on record who took the refused rows of a file."""
    journal.record(by, "credit_import.rows_taken", kept, at=now, rows=rows)


def note_export(mapping: ImportMapping, *, rows: int, by: User, now: datetime) -> None:
    """Keep on record who took what is logged of an institution's credits in a file."""
    journal.record(by, "linkages.exported", mapping, at=now, rows=rows)


def _known_heading(institution: Institution, lines: Sequence[Line]) -> tuple[Line, ImportMapping] | None:
    for line in lines[:HEAD_ROWS]:
        if reads_as_heading(line.cells):
            mapping = queries.mapping_for(institution, heading_key(institution.id, heading_words(line.cells)))
            if mapping is not None:
                return line, mapping
    return None


def _new_version(
    kept: CreditImport, key: bytes, heading: list[str], settings: Settings, *, by: User, now: datetime
) -> ImportMapping:  # fmt: skip
    mapping = ImportMapping(
        institution_id=kept.institution_id, version=queries.newest_version(kept.institution_id) + 1, heading_key=key,
        settings=settings.as_json(), created_by_id=by.id, created_at=now,
    )  # fmt: skip
    mapping.heading = heading
    try:
        with db.session.begin_nested():
            db.session.add(mapping)
    except IntegrityError:
        raise RuleBroken(_("Somebody saved columns at this moment. Try again.")) from None
    journal.record(by, "import_mapping.created", mapping, at=now, institution_id=kept.institution_id)
    return mapping


def _begin_check(kept: CreditImport, mapping: ImportMapping, heading_row: int) -> None:
    """From the first row again: what stands above the heading, and the heading, are about nobody."""
    _change(kept, kept.state, state=ImportState.CHECKING, mapping_id=mapping.id, heading_row=heading_row, done=0,
            stopped=False, broke_off=False)  # fmt: skip
    rows = update(ImportRow).where(ImportRow.import_id == kept.id).execution_options(synchronize_session=False)
    afresh = {"field": None, "other_number": None, "linkage_id": None, "facts_sealed": None}
    db.session.execute(rows.values(outcome=RowOutcome.WAITING, reason=None, **afresh))
    db.session.execute(rows.where(ImportRow.number < heading_row).values(outcome=RowOutcome.LEFT_OUT,
                                                                         reason=Reason.TITLE.value))  # fmt: skip
    db.session.execute(rows.where(ImportRow.number == heading_row).values(outcome=RowOutcome.LEFT_OUT,
                                                                          reason=Reason.HEADING.value))  # fmt: skip
    above = queries.outcomes_of(kept)[RowOutcome.LEFT_OUT]
    _change(kept, ImportState.CHECKING, done=above)
    db.session.expire_all()


def _rank(kept: CreditImport, heading: ImportRow) -> int:
    """How many rows the heading and what stands above it are."""
    return sum(row.number <= heading.number for row in queries.first_rows(kept, HEAD_ROWS))


def _keep_rows(kept: CreditImport, lines: Sequence[Line]) -> None:
    values = [_sealed(kept.id, line.number, line.cells) for line in lines]
    db.session.execute(insert(ImportRow), values)


def _sealed(import_id: int, number: int, cells: list[Cell]) -> dict[str, object]:
    row = ImportRow(import_id=import_id, number=number, row_key=new_row_key())
    row.cells = cells
    return {"import_id": import_id, "number": number, "outcome": RowOutcome.WAITING, "row_key": row.row_key,
            "cells_sealed": row.cells_sealed}  # type: ignore[attr-defined]  # fmt: skip


def _change(kept: CreditImport, came_from: ImportState, *also: ColumnElement[bool], **values: object) -> None:
    changed = db.session.execute(
        update(CreditImport)
        .where(CreditImport.id == kept.id, CreditImport.state == came_from, *also)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(changed) != 1:
        raise _faster()
    db.session.refresh(kept)


def _faster() -> RuleBroken:
    return RuleBroken(_("Somebody was faster. Open this file again to see where it stands."))
