"""Questions about files of many papers: what goes into one, who may see it, what is left to make."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, exists, select
from sqlalchemy.orm import joinedload

from grants.access.models import User
from grants.calls.models import Call
from grants.core.db import Page, db, keyset_page, one_or_refuse, plausible
from grants.delivery.models import Delivery, DeliveryState, Receipt, Run, RunState, SymbolCard
from grants.delivery.models.printing import (
    KEPT,
    MAY_PRINT,
    BatchKind,
    BatchState,
    PrintBatch,
    PrintFile,
    PrintItem,
)
from grants.selection.models import Award, AwardState, Selection

OPEN = (BatchState.ASKED, BatchState.MAKING, BatchState.READY)


def kinds_for(user: User) -> list[BatchKind]:
    """The kinds of file that this person may ask for."""
    return [kind for kind, permission in MAY_PRINT.items() if user.may(permission)]


def print_batches(reader: User, *, after: str | None = None) -> Page[PrintBatch]:
    """Files of the reader's kinds, the newest first."""
    statement = _whole().where(PrintBatch.kind.in_(kinds_for(reader)))
    return keyset_page(statement, PrintBatch.id, PrintBatch.id, after=after, descending=True)


def get_batch(batch_id: int, reader: User) -> PrintBatch:
    """A file of one of the reader's kinds; NotFound otherwise."""
    return one_or_refuse(_whole().where(PrintBatch.id == plausible(batch_id), PrintBatch.kind.in_(kinds_for(reader))))


def waiting_for_second(user: User) -> Sequence[PrintBatch]:
    """Files that this person may approve: of their kinds, asked for by somebody else, oldest first."""
    statement = _whole().where(
        PrintBatch.state == BatchState.ASKED, PrintBatch.kind.in_(kinds_for(user)), PrintBatch.asked_by_id != user.id
    )  # fmt: skip
    return db.session.scalars(statement.order_by(PrintBatch.asked_at, PrintBatch.id)).unique().all()


def batches_to_make() -> Sequence[int]:
    """Files whose pages are being made, by number."""
    statement = select(PrintBatch.id).where(PrintBatch.state == BatchState.MAKING)
    return db.session.scalars(statement.order_by(PrintBatch.id)).all()


def batches_left_lying(now: datetime) -> Sequence[PrintBatch]:
    """Files that nobody approved, finished or downloaded in time, by number."""
    statement = _whole().where(PrintBatch.state.in_(OPEN), PrintBatch.asked_at < now - KEPT)
    rows = db.session.scalars(statement.order_by(PrintBatch.id)).unique().all()
    return [batch for batch in rows if batch.kept_until < now]


def items_to_make(batch_id: int, most: int) -> Sequence[int]:
    """The next papers without a page, in the file's order."""
    statement = select(PrintItem.id).where(
        PrintItem.batch_id == batch_id, PrintItem.made_at.is_(None), PrintItem.left_out.is_(False)
    )  # fmt: skip
    return db.session.scalars(statement.order_by(PrintItem.position).limit(most)).all()


def get_item(item_id: int) -> PrintItem:
    """One paper of a file, with the file and who asked and approved."""
    batch = joinedload(PrintItem.batch)
    return one_or_refuse(
        select(PrintItem)
        .options(batch.joinedload(PrintBatch.asked_by), batch.joinedload(PrintBatch.approved_by))
        .where(PrintItem.id == item_id)
    )


def made_items(batch_id: int) -> Sequence[PrintItem]:
    """The papers whose pages go into the file, in order, each with its card."""
    statement = select(PrintItem).options(joinedload(PrintItem.card)).where(
        PrintItem.batch_id == batch_id, PrintItem.left_out.is_(False)
    )  # fmt: skip
    return db.session.scalars(statement.order_by(PrintItem.position)).all()


def left_out(batch_id: int) -> int:
    """How many papers were left out of a file."""
    statement = select(PrintItem.id).where(PrintItem.batch_id == batch_id, PrintItem.left_out.is_(True))
    return len(db.session.scalars(statement).all())


def file_of(batch: PrintBatch) -> PrintFile | None:
    """The finished file, while it has not been downloaded."""
    return db.session.scalar(select(PrintFile).where(PrintFile.batch_id == batch.id))


def calls_with_awards() -> Sequence[Call]:
    """Calls whose awards may need papers, by code."""
    has_awards = exists().where(Selection.call_id == Call.id, Award.selection_id == Selection.id)
    return db.session.scalars(select(Call).where(has_awards).order_by(Call.code, Call.id)).all()


def subjects(kind: BatchKind, call_id: int | None, *, most: int) -> Sequence[int]:
    """What a file of this kind would hold now: ids of awards, deliveries or runs, at most `most`."""
    return db.session.scalars(_subjects(kind, call_id).limit(most)).all()


def _subjects(kind: BatchKind, call_id: int | None) -> Select[int]:
    if kind is BatchKind.WAYBILLS:
        return select(Run.id).where(Run.state == RunState.PLANNED).order_by(Run.day, Run.id)
    if kind is BatchKind.CARDS:
        printed = exists().where(
            SymbolCard.award_id == Award.id, SymbolCard.replaced_at.is_(None), SymbolCard.printed_at.is_not(None)
        )
        return _of_call(select(Award.id), call_id).where(Award.state == AwardState.ACTIVE, ~printed).order_by(Award.id)
    deliveries = select(Delivery.id).join(Award, Award.id == Delivery.award_id)
    if kind is BatchKind.RECEIPTS:
        has_receipt = exists().where(Receipt.delivery_id == Delivery.id)
        return _of_call(deliveries, call_id).where(has_receipt).order_by(Delivery.folio)
    return _of_call(deliveries, call_id).where(Delivery.state == DeliveryState.APPROVED).order_by(Delivery.folio)


def _of_call(statement: Select[int], call_id: int | None) -> Select[int]:
    joined = statement.join(Selection, Selection.id == Award.selection_id)
    return joined if call_id is None else joined.where(Selection.call_id == call_id)


def _whole() -> Select[PrintBatch]:
    return select(PrintBatch).options(
        joinedload(PrintBatch.call), joinedload(PrintBatch.asked_by), joinedload(PrintBatch.approved_by)
    )
