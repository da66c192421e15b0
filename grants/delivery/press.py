"""The press: makes the pages of a file of many papers, a handful at a time, from a page of the office or the worker.

It commits after each page, so that a file goes on where it stood when something stopped it. Pages are drawn outside of
any transaction: on SQLite nobody else could write meanwhile.
"""

import base64
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from flask import Flask
from flask_babel import lazy_gettext as _

from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.core.documents import pdf
from grants.core.errors import RuleBroken
from grants.core.jobs import timed
from grants.delivery import doors, queries, services
from grants.delivery.models import BatchKind, Document, PrintBatch, PrintItem, SymbolCard
from grants.delivery.queries import printing as batch_queries
from grants.delivery.services import papers, printing
from grants.delivery.services.receipts import receipt_data

AT_ONCE = 8
LONGEST_TURN = timedelta(seconds=50)  # of the worker, which comes every minute


@dataclass(frozen=True, slots=True)
class Sheet:
    """A page to draw: its template and data, its name on the control sheet, and the card whose codes it shows."""

    template: str
    data: dict[str, Any]
    label: str
    card: SymbolCard | None = None


def go_on(batch_id: int, *, now: datetime, at_once: int = AT_ONCE) -> bool:
    """Make the next pages of a file; when none is left, put the file together. False while another process does."""
    with transaction():
        if not printing.claim_batch(batch_id, now=now):
            return False
    try:
        for item_id in batch_queries.items_to_make(batch_id, at_once):
            _make_page(item_id, now=now)
        if not batch_queries.items_to_make(batch_id, 1):
            _put_together(batch_id, now=now)
    finally:
        with transaction():
            printing.release_batch(batch_id)
    return True


@timed("papers", every_minutes=1)
def make_what_waits(app: Flask) -> None:
    """Go on with every file, and destroy those left lying."""
    started = utcnow()
    with transaction():
        for batch in batch_queries.batches_left_lying(started):
            printing.purge(batch, now=started)
    for batch_id in batch_queries.batches_to_make():
        while utcnow() - started < LONGEST_TURN and go_on(batch_id, now=utcnow()):
            pass  # False when the file is ready, too


def _make_page(item_id: int, *, now: datetime) -> None:
    try:
        with transaction():
            item = batch_queries.get_item(item_id)
            sheet = SHEETS[item.batch.kind](item, now)
    except RuleBroken:
        with transaction():
            printing.leave_out(batch_queries.get_item(item_id))
        return
    page = pdf(sheet.template, {**sheet.data, "watermark": printing.watermark(item.batch)})
    with transaction():
        printing.keep_page(item, page, label=sheet.label, card=sheet.card, now=now)


def _put_together(batch_id: int, *, now: datetime) -> None:
    with transaction():
        batch = db.session.get_one(PrintBatch, batch_id)
        printing.drop_spent_cards(batch)
        items = list(batch_queries.made_items(batch_id))
        if not items:
            printing.purge(batch, now=now)
            return
    pages = [base64.b64decode(item.part or "") for item in items]
    whole = printing.joined(pdf("delivery/control.typ", printing.control_sheet(batch, items)), pages)
    try:
        with transaction():
            printing.finish(batch, whole, items, now=now)
    except printing.PagesChanged:
        db.session.expire_all()  # the next turn leaves the changed card out


def _card(item: PrintItem, now: datetime) -> Sheet:
    """The award's card, issued now if it has none. Its codes stay until the file is whole."""
    award, asker = queries.get_award(item.award_id or 0), item.batch.asked_by
    card = queries.live_card(award.id)
    if card is None:
        card, _codes = services.issue_card(award, cost=doors.card_cost(), by=asker, now=now)
    paper = papers.card_paper(card, by=asker, now=now)
    data = papers.card_data(card, paper, item.batch.address + paper.number, doors.contact())
    return Sheet("delivery/card.typ", data, card.serial, card)


def _receipt(item: PrintItem, now: datetime) -> Sheet:
    receipt = queries.receipt_of(queries.get_delivery(item.delivery_id or 0))
    if receipt is None:
        raise RuleBroken(_("Only a confirmed handover has a receipt."))
    data = receipt_data(receipt, item.batch.address + receipt.number)
    return Sheet("delivery/receipt.typ", data, receipt.number)


def _waybill(item: PrintItem, now: datetime) -> Sheet:
    run = queries.get_run(item.run_id or 0)
    return _of_document(papers.make_waybill(run, by=item.batch.asked_by, now=now), item, run.folio)


def _picking_list(item: PrintItem, now: datetime) -> Sheet:
    delivery = queries.get_delivery(item.delivery_id or 0)
    made = papers.make_picking_list([delivery], by=item.batch.asked_by, now=now)
    return _of_document(made, item, delivery.folio)


def _of_document(document: Document, item: PrintItem, label: str) -> Sheet:
    data = papers.document_data(document, item.batch.address + document.number)
    return Sheet(papers.TEMPLATES[document.kind], data, label)


SHEETS = {
    BatchKind.CARDS: _card,
    BatchKind.RECEIPTS: _receipt,
    BatchKind.WAYBILLS: _waybill,
    BatchKind.PICKING_LISTS: _picking_list,
}
