"""Waybills, picking lists, return notes and what stands on a card's outside: made, numbered, hashed, replaced."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.crypto import lookup_hash
from grants.core.db import db
from grants.core.documents import pdf, qr_svg
from grants.core.errors import RuleBroken
from grants.delivery.models import PICTURES, Delivery, DeliveryState, KitLine, LineOutcome, Run, RunState, SymbolCard
from grants.delivery.models.documents import Document, DocumentKind, hash_of
from grants.delivery.queries.documents import kits_on_waybill, live_document
from grants.delivery.queries.outcomes import line_outcomes, return_count
from grants.delivery.queries.picking import Shelf
from grants.delivery.services.receipts import new_number
from grants.delivery.symbols import grouped

TEMPLATES = {
    DocumentKind.WAYBILL: "delivery/waybill.typ",
    DocumentKind.PICKING_LIST: "delivery/picking.typ",
    DocumentKind.RETURN_NOTE: "delivery/return.typ",
}
Facts = dict[str, Any]


def make_waybill(run: Run, *, by: User, now: datetime) -> Document:
    """The run's waybill: folio, seal, weight and value of what leaves. Once the run is out it no longer changes."""
    before = live_document(DocumentKind.WAYBILL, run=run)
    if before is not None and run.state is not RunState.PLANNED:
        return before
    kits = kits_on_waybill(run)
    if not kits:
        raise RuleBroken(_("This run has no scheduled delivery yet. Schedule one, then print the waybill."))
    facts = {
        "run": run.folio,
        "team": run.team.name,
        "vehicle": run.vehicle.name,
        "weight_grams": sum(kit.weight_grams or 0 for kit in kits),
        "value_usd": f"{sum(kit.value_usd for kit in kits):.2f}",
        "stops": [
            {"folio": kit.folio, "seal": kit.seal_number or "", "weight_grams": kit.weight_grams,
             "value_usd": f"{kit.value_usd:.2f}"}
            for kit in kits
        ],
    }  # fmt: skip
    return _keep(DocumentKind.WAYBILL, facts, by=by, now=now, day=run.day.isoformat(), run=run)


def make_picking_list(kits: Sequence[Delivery], *, run: Run | None = None, by: User, now: datetime) -> Document:
    """What to take from the shelves: for one kit, or for all of a run's with the sum of each article."""
    if not kits:
        raise RuleBroken(_("There is no kit to prepare here."))
    today = local_day(now)
    lines = [line for kit in kits for line in kit.lines]
    # A packed kit has left the shelf: its list is for loading, and leads to no lot.
    from_shelf = all(kit.state is DeliveryState.APPROVED for kit in kits)
    items = {line.item_id for line in lines if line.item_id is not None} if from_shelf else set()
    shelf = Shelf(items, today)
    facts = {
        "run": run.folio if run is not None else None,
        "units": sum(line.quantity for line in lines),
        "sums": _sums(lines, Shelf(items, today)),
        "kits": [{"folio": kit.folio, "lines": [_picked(line, shelf) for line in kit.lines]} for kit in kits],
    }
    day = (run.day if run is not None else today).isoformat()
    delivery = None if run is not None else kits[0]
    return _keep(DocumentKind.PICKING_LIST, facts, by=by, now=now, day=day, run=run, delivery=delivery)


def make_return_note(delivery: Delivery, *, by: User, now: datetime) -> Document:
    """The kit that came back, as one person counted it and another signed."""
    count = return_count(delivery)
    if count is None or count.signed_at is None:
        raise RuleBroken(_("Count the returned kit first. Then its return note can be printed."))
    outcomes = line_outcomes(delivery)
    facts = {
        "folio": delivery.folio,
        "seal": delivery.seal_number,
        "seal_state": count.seal_state.value,
        "differs": count.differs,
        "weight_grams": delivery.weight_grams,
        "value_usd": f"{delivery.value_usd:.2f}",
        "reason": count.reason.value,
        "lines": [_counted(line, outcomes.get(line.id)) for line in delivery.lines],
    }
    day = local_day(count.signed_at).isoformat()
    return _keep(DocumentKind.RETURN_NOTE, facts, by=by, now=now, day=day, delivery=delivery)


def card_paper(card: SymbolCard, *, by: User, now: datetime) -> Document:
    """What the outside of a card is verified by: its serial and day. Neither a code nor a person is in it."""
    day = local_day(card.issued_at).isoformat()
    return _keep(DocumentKind.CARD, {"serial": card.serial}, by=by, now=now, day=day, card=card)


def document_pdf(document: Document, address: str) -> bytes:
    """The paper in PDF, the same bytes each time for one row and one address to verify it at."""
    return pdf(TEMPLATES[document.kind], document_data(document, address))


def document_data(document: Document, address: str) -> Facts:
    """What a paper's template shows."""
    return {**document.content, "hash": document.content_hash, "address": address, "qr": qr_svg(address)}


def card_data(card: SymbolCard, paper: Document, address: str, contact: str) -> Facts:
    """What the card's template shows: the codes, and outside only what says nothing of its owner."""
    if card.codes is None:
        raise RuleBroken(_("This card was already printed. If it was lost, it must be replaced by two people."))
    codes = [
        {"picture": picture.value, "code": grouped(code), "qr": qr_svg(code)}
        for picture, code in zip(PICTURES, card.codes, strict=True)
    ]
    return {"serial": card.serial, "day": paper.content["day"], "codes": codes, "qr": qr_svg(address),
            "contact": contact}  # fmt: skip


def _keep(
    kind: DocumentKind,
    facts: Facts,
    *,
    by: User,
    now: datetime,
    day: str,
    delivery: Delivery | None = None,
    run: Run | None = None,
    card: SymbolCard | None = None,
) -> Document:
    """The paper that already says this, or a new one in the place of the old."""
    lookup = lookup_hash(f"paper:{kind.value}", hash_of(facts))
    before = live_document(kind, delivery=delivery, run=run, card=card)
    if before is not None and before.facts_lookup == lookup:
        return before
    number = new_number()
    content = {**facts, "number": number, "day": day, "salt": secrets.token_hex(16)}
    document = Document(
        kind=kind, number=number, content_hash=hash_of(content), facts_lookup=lookup, made_by_id=by.id, made_at=now,
        delivery_id=delivery.id if delivery else None, run_id=run.id if run else None,
        card_id=card.id if card else None,
    )  # fmt: skip
    document.content = content
    try:
        with db.session.begin_nested():
            if before is not None:
                _replace(before, now=now)
            db.session.add(document)
    except IntegrityError as error:
        raise RuleBroken(_("Somebody made this paper at the same moment. Try again.")) from error
    journal.record(by, f"paper.{kind.value}", document, at=now)
    return document


def _replace(before: Document, *, now: datetime) -> None:
    db.session.execute(
        update(Document)
        .where(Document.id == before.id, Document.replaced_at.is_(None))
        .values(replaced_at=now)
        .execution_options(synchronize_session=False)
    )
    db.session.expire(before)


def _counted(line: KitLine, outcome: LineOutcome | None) -> Facts:
    if outcome is None:  # every line has one once the kit is counted
        raise RuleBroken(_("Count the returned kit first. Then its return note can be printed."))
    return {"name": line.name, "serial": line.serial_number or "", "quantity": line.quantity,
            "with_person": outcome.with_person, "counted": outcome.came_back or 0,
            "missing": outcome.unaccounted}  # fmt: skip


def _picked(line: KitLine, shelf: Shelf) -> Facts:
    return {"name": line.name, "quantity": line.quantity, "lot": shelf.take(line.item_id, line.quantity),
            "needs_serial": line.needs_serial, "serial": line.serial_number or ""}  # fmt: skip


def _sums(lines: Sequence[KitLine], shelf: Shelf) -> list[Facts]:
    """Each article once, with the units of all kits, by name."""
    units: dict[tuple[str, int], int] = {}
    for line in lines:
        article = (line.name, line.item_id or 0)
        units[article] = units.get(article, 0) + line.quantity
    return [{"name": name, "quantity": units[name, item_id], "lot": shelf.take(item_id, units[name, item_id])}
            for name, item_id in sorted(units)]  # fmt: skip
