"""Many papers in one file: asked, approved by another person, made page by page, downloaded once, purged."""

import base64
import io
from datetime import datetime, timedelta
from typing import Any

from flask_babel import lazy_gettext as _
from pypdf import PdfReader, PdfWriter
from sqlalchemy import delete, or_, update

from grants.access.models import User
from grants.calls.models import Call
from grants.core import journal
from grants.core.clock import PROGRAMME_ZONE, local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery.models import SymbolCard
from grants.delivery.models.printing import (
    MAY_PRINT,
    NEEDS_TWO,
    BatchKind,
    BatchState,
    PrintBatch,
    PrintFile,
    PrintItem,
)
from grants.delivery.queries import printing as queries
from grants.delivery.services.cards import print_card
from grants.people.folio import new_folio

MOST = 300
CLAIM = timedelta(seconds=60)  # longer than any handful of pages takes
SUBJECT_COLUMNS = {
    BatchKind.CARDS: "award_id",
    BatchKind.RECEIPTS: "delivery_id",
    BatchKind.WAYBILLS: "run_id",
    BatchKind.PICKING_LISTS: "delivery_id",
}
# On paper, and so in the programme's language.
WHAT = {
    BatchKind.CARDS: "Tarjetas de símbolos",
    BatchKind.RECEIPTS: "Actas de entrega-recepción",
    BatchKind.WAYBILLS: "Guías de remisión internas",
    BatchKind.PICKING_LISTS: "Listas de preparación",
}
SECRETS = {BatchKind.CARDS: "códigos", BatchKind.RECEIPTS: "nombres"}


class PagesChanged(Exception):
    """A card of the file was printed or replaced on its own meanwhile: the file is put together again without it."""


def ask_batch(kind: BatchKind, call: Call | None, *, address: str, by: User, now: datetime) -> PrintBatch:
    """Ask for a file. One with names or codes then waits for a second person; the others are made at once.

    `address`: where papers are verified, up to their number.
    """
    _refuse_unless_allowed(kind, by)
    found = queries.subjects(kind, call.id if call is not None else None, most=MOST + 1)
    if not found:
        raise RuleBroken(_("There is nothing to print of this kind now. Choose another paper."), field="kind")
    if len(found) > MOST:
        raise RuleBroken(_("More than %(most)d papers do not go into one file. Choose one call.", most=MOST),
                         field="call")  # fmt: skip
    batch = PrintBatch(
        folio=new_folio("T"),
        kind=kind,
        state=BatchState.ASKED if kind in NEEDS_TWO else BatchState.MAKING,
        call_id=call.id if call is not None else None,
        address=address,
        total=len(found),
        asked_by_id=by.id,
        asked_at=now,
    )
    db.session.add(batch)
    db.session.flush()
    db.session.add_all(
        PrintItem(batch_id=batch.id, position=position, **{SUBJECT_COLUMNS[kind]: subject})
        for position, subject in enumerate(found, 1)
    )
    journal.record(by, "print_batch.asked", batch, at=now, kind=kind.value, papers=len(found))
    return batch


def approve_batch(batch: PrintBatch, *, by: User, now: datetime) -> None:
    """The second person lets the file be made."""
    _refuse_unless_allowed(batch.kind, by)
    if batch.asked_by_id == by.id:
        raise RuleBroken(_("You asked for this file. Another person must approve it."))
    _change(batch, BatchState.ASKED, state=BatchState.MAKING, approved_by_id=by.id, approved_at=now)
    journal.record(by, "print_batch.approved", batch, at=now)


def end_batch(batch: PrintBatch, *, by: User, now: datetime) -> None:
    """Refuse or call off a file before it is ready. What was made of it is destroyed; no card loses its codes."""
    if batch.state not in (BatchState.ASKED, BatchState.MAKING):
        raise RuleBroken(_("This file can no longer be called off."))
    _change(batch, batch.state, state=BatchState.ENDED, ended_at=now)
    _destroy(batch)
    journal.record(by, "print_batch.ended", batch, at=now)


def claim_batch(batch_id: int, *, now: datetime) -> bool:
    """Take the making of pages for a minute. False while another process has it, or when there is nothing to make."""
    free = or_(PrintBatch.claimed_until.is_(None), PrintBatch.claimed_until <= now)
    taken = db.session.execute(
        update(PrintBatch)
        .where(PrintBatch.id == batch_id, PrintBatch.state == BatchState.MAKING, free)
        .values(claimed_until=now + CLAIM)
        .execution_options(synchronize_session=False)
    )
    return rows_hit(taken) == 1


def release_batch(batch_id: int) -> None:
    """Let the next process go on."""
    db.session.execute(
        update(PrintBatch)
        .where(PrintBatch.id == batch_id)
        .values(claimed_until=None)
        .execution_options(synchronize_session=False)
    )


def keep_page(item: PrintItem, page: bytes, *, label: str, card: SymbolCard | None, now: datetime) -> None:
    """Put a paper's page by, sealed, until the file is whole. A page that is there already stays; of a file that was
    called off meanwhile nothing is kept."""
    # The file first, as whoever calls it off does: what is kept before that is destroyed, and nothing comes after.
    if not _count(item, 1):
        return
    first = db.session.execute(
        update(PrintItem)
        .where(PrintItem.id == item.id, PrintItem.made_at.is_(None))
        .values(made_at=now, label=label, card_id=card.id if card is not None else None)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(first) != 1:
        _count(item, -1)
        return
    db.session.refresh(item)
    item.part = base64.b64encode(page).decode()
    db.session.flush()


def leave_out(item: PrintItem) -> None:
    """Make the file without this paper."""
    if item.made_at is None:
        _count(item, 1)
    item.left_out, item.part = True, None
    db.session.flush()


def drop_spent_cards(batch: PrintBatch) -> None:
    """Leave out the cards that were printed or replaced on their own since their page was made."""
    for item in queries.made_items(batch.id):
        if item.card is not None and (item.card.printed_at or item.card.replaced_at):
            leave_out(item)


def joined(front: bytes, pages: list[bytes]) -> bytes:
    """One PDF of the control sheet and the papers' pages, what they share kept once."""
    writer, out = PdfWriter(), io.BytesIO()
    for part in (front, *pages):
        writer.append(PdfReader(io.BytesIO(part)), import_outline=False)
    writer.compress_identical_objects(remove_duplicates=True, remove_unreferenced=True)
    writer.write(out)
    return out.getvalue()


def finish(batch: PrintBatch, whole: bytes, items: list[PrintItem], *, now: datetime) -> None:
    """Keep the file, wipe the codes of every card in it and destroy the single pages: all of it, or nothing."""
    for item in items:
        if item.card is not None:
            try:
                print_card(item.card, by=batch.asked_by, now=now)
            except RuleBroken as error:
                raise PagesChanged from error
    file = PrintFile(batch_id=batch.id)
    file.content = base64.b64encode(whole).decode()
    db.session.add(file)
    _change(batch, BatchState.MAKING, state=BatchState.READY, ready_at=now, claimed_until=None)
    _destroy_pages(batch)
    journal.record(batch.asked_by, "print_batch.ready", batch, at=now, papers=len(items))


def take_file(batch: PrintBatch, *, by: User, now: datetime) -> bytes:
    """The file, to whoever asked for it, once. With this it is gone from here."""
    if batch.asked_by_id != by.id:
        raise RuleBroken(_("Only the person who asked for this file downloads it. Ask for one of your own."))
    file = queries.file_of(batch)
    if batch.state is not BatchState.READY or file is None:
        raise RuleBroken(_("This file was downloaded before, or is not ready. It can be downloaded only once."))
    whole = base64.b64decode(file.content)
    _change(batch, BatchState.READY, state=BatchState.TAKEN, taken_at=now)
    _destroy(batch)
    journal.record(by, "print_batch.taken", batch, at=now)
    return whole


def purge(batch: PrintBatch, *, now: datetime) -> None:
    """End a file that was left lying, and destroy it."""
    _change(batch, batch.state, state=BatchState.ENDED, ended_at=now)
    _destroy(batch)
    journal.record(None, "print_batch.purged", batch, at=now)


def watermark(batch: PrintBatch) -> dict[str, str] | None:
    """Who asked, who approved, when and for which file; None where there is nothing to protect."""
    if batch.approved_by is None or batch.approved_at is None:
        return None
    return {
        "top": f"Pidió {batch.asked_by.name} · Aprobó {batch.approved_by.name}",
        "bottom": f"{_moment(batch.approved_at)} · tanda {batch.folio}",
    }


def control_sheet(batch: PrintBatch, items: list[PrintItem]) -> dict[str, Any]:
    """What the file's first page shows."""
    approved = ""
    if batch.approved_by is not None and batch.approved_at is not None:
        approved = f"{batch.approved_by.name}, {_moment(batch.approved_at)}"
    return {
        "batch": batch.folio,
        "day": local_day(batch.asked_at).isoformat(),
        "what": WHAT[batch.kind],
        "asked": f"{batch.asked_by.name}, {_moment(batch.asked_at)}",
        "approved": approved,
        "secret": SECRETS.get(batch.kind, ""),
        "watermark": watermark(batch),
        "entries": [item.label for item in items],
    }


def _moment(at: datetime) -> str:
    local = at.astimezone(PROGRAMME_ZONE)
    return f"{local.day}/{local.month}/{local.year} {local:%H:%M}"


def _refuse_unless_allowed(kind: BatchKind, by: User) -> None:
    if not by.may(MAY_PRINT[kind]):
        raise RuleBroken(_("You may not print this kind of paper."), field="kind")


def _change(batch: PrintBatch, came_from: BatchState, **values: object) -> None:
    changed = db.session.execute(
        update(PrintBatch)
        .where(PrintBatch.id == batch.id, PrintBatch.state == came_from)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(changed) != 1:
        raise RuleBroken(_("Somebody was faster. Open this file again to see where it stands."))
    db.session.refresh(batch)


def _count(item: PrintItem, pages: int) -> bool:
    """Count pages of a file that is being made; False when it is made no more."""
    db.session.flush()
    counted = db.session.execute(
        update(PrintBatch)
        .where(PrintBatch.id == item.batch_id, PrintBatch.state == BatchState.MAKING)
        .values(made=PrintBatch.made + pages)
        .execution_options(synchronize_session=False)
    )
    return rows_hit(counted) == 1


def _destroy(batch: PrintBatch) -> None:
    db.session.execute(delete(PrintFile).where(PrintFile.batch_id == batch.id))
    _destroy_pages(batch)


def _destroy_pages(batch: PrintBatch) -> None:
    db.session.flush()
    db.session.execute(
        update(PrintItem)
        .where(PrintItem.batch_id == batch.id)
        .values(part_sealed=None)
        .execution_options(synchronize_session=False)
    )
