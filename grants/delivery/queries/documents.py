"""Questions about papers: which one bears a number, and whether it still says what was printed."""

from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import select
from sqlalchemy.orm import joinedload

from grants.core.clock import local_day
from grants.core.db import db, one_or_refuse
from grants.core.errors import NotFound
from grants.delivery.models import Delivery, DeliveryState, Receipt, Run, SymbolCard
from grants.delivery.models.documents import Document, DocumentKind, says_what_was_hashed
from grants.delivery.queries.runs import kits_of

S = DeliveryState
# With the team, or handed over from its vehicle: what a waybill lists. A kit that is held stays behind.
NOT_ON_A_WAYBILL = frozenset({S.HELD, S.CANCELLED, S.CLEARED, S.SEALED, S.PACKED, S.APPROVED, S.PLANNED, S.DRAFT})
LONGEST_NUMBER = 24


class PaperState(StrEnum):
    VALID = "valid"
    REPLACED = "replaced"
    CHANGED = "changed"


@dataclass(frozen=True, slots=True)
class Paper:
    """What anybody may know of a paper whose number they hold: no name, no place."""

    kind: DocumentKind
    number: str
    day: date
    content_hash: str
    state: PaperState
    value_usd: Decimal | None = None


def paper(number: str) -> Paper | None:
    """The paper with this number, as typed or scanned; None when there is none."""
    wanted = number.strip().upper()
    if len(wanted) > LONGEST_NUMBER or not wanted.isascii() or not wanted.isprintable():
        return None
    receipt = db.session.scalar(
        select(Receipt).options(joinedload(Receipt.delivery)).where(Receipt.number == wanted)
    )  # fmt: skip
    if receipt is not None:
        return _of_receipt(receipt)
    document = db.session.scalar(select(Document).where(Document.number == wanted))
    return None if document is None else _of_document(document)


def get_document(number: str) -> Document:
    """A paper of the warehouse by its number; NotFound for any other number, and for a card's."""
    return one_or_refuse(
        select(Document).where(Document.number == number, Document.kind != DocumentKind.CARD)
        if number.isascii() and number.isprintable()
        else select(Document).where(Document.id < 0)
    )


def live_document(
    kind: DocumentKind, *, delivery: Delivery | None = None, run: Run | None = None, card: SymbolCard | None = None
) -> Document | None:
    """The newest paper of this kind about this delivery, run or card."""
    statement = select(Document).where(Document.kind == kind, Document.replaced_at.is_(None))
    for column, subject in ((Document.delivery_id, delivery), (Document.run_id, run), (Document.card_id, card)):
        statement = statement.where(column.is_(None) if subject is None else column == subject.id)
    return db.session.scalar(statement)


def kits_on_waybill(run: Run) -> list[Delivery]:
    """What leaves with a run, in the order of its stops."""
    return [kit for kit in kits_of(run) if kit.state not in NOT_ON_A_WAYBILL]


def waybill_of(run: Run) -> Document:
    """The waybill that holds for a run; NotFound before there is one."""
    found = live_document(DocumentKind.WAYBILL, run=run)
    if found is None:
        raise NotFound
    return found


def _of_receipt(receipt: Receipt) -> Paper:
    delivery = receipt.delivery
    confirmed_at = delivery.confirmed_at or receipt.created_at
    holds = says_what_was_hashed(receipt) and receipt.content["folio"] == delivery.folio
    # It says what was handed over that day. Anybody may ask, who carried it too: what came after is not told here.
    state = PaperState.VALID if holds else PaperState.CHANGED
    return Paper(DocumentKind.RECEIPT, receipt.number, local_day(confirmed_at), receipt.content_hash, state,
                 delivery.value_usd)  # fmt: skip


def _of_document(document: Document) -> Paper:
    if not says_what_was_hashed(document):
        return Paper(document.kind, document.number, local_day(document.made_at), document.content_hash,
                     PaperState.CHANGED)  # fmt: skip
    state = PaperState.VALID if document.replaced_at is None else PaperState.REPLACED
    day = date.fromisoformat(document.content["day"])
    return Paper(document.kind, document.number, day, document.content_hash, state)
