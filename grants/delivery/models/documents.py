"""The papers of a delivery: what each says, sealed, and the hash by which anybody can check it."""

import hashlib
import json
from datetime import datetime
from enum import StrEnum
from typing import Any

from cryptography.exceptions import InvalidTag
from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, LargeBinary, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_json
from grants.core.db import Model, state_column
from grants.delivery.models.deliveries import Delivery
from grants.delivery.models.factors import SymbolCard
from grants.delivery.models.runs import Run


class DocumentKind(StrEnum):
    RECEIPT = "receipt"
    CARD = "card"
    WAYBILL = "waybill"
    PICKING_LIST = "picking_list"
    RETURN_NOTE = "return_note"


DOCUMENT_NAMES = {
    DocumentKind.RECEIPT: _("Delivery receipt"),
    DocumentKind.CARD: _("Symbol card"),
    DocumentKind.WAYBILL: _("Waybill"),
    DocumentKind.PICKING_LIST: _("Picking list"),
    DocumentKind.RETURN_NOTE: _("Return note"),
}
_LIVE = text("replaced_at IS NULL")


def exactly_one(*columns: str) -> str:
    """A condition for a CHECK: one of these columns is set, and no other.

    >>> exactly_one("a", "b")
    '(CASE WHEN a IS NULL THEN 0 ELSE 1 END) + (CASE WHEN b IS NULL THEN 0 ELSE 1 END) = 1'
    """
    return " + ".join(f"(CASE WHEN {column} IS NULL THEN 0 ELSE 1 END)" for column in columns) + " = 1"


def hash_of(content: dict[str, Any]) -> str:
    """SHA-256 of the canonical JSON: sorted keys, no spaces, UTF-8."""
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def says_what_was_hashed(paper: Any) -> bool:
    """Whether a receipt's or a document's sealed content still opens, bears its number and has its hash."""
    try:
        content = paper.content
    except InvalidTag:
        return False
    return bool(content["number"] == paper.number and hash_of(content) == paper.content_hash)


class Document(SealedRow, Model):
    """A paper that was made of a delivery, a run or a card. It never changes; a newer one replaces it."""

    __tablename__ = "delivery_document"
    __table_args__ = (
        CheckConstraint(exactly_one("delivery_id", "run_id", "card_id"), name="one_subject"),
        Index("uq_document_of_delivery", "kind", "delivery_id", unique=True,
              sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("uq_document_of_run", "kind", "run_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
        Index("uq_document_of_card", "kind", "card_id", unique=True, sqlite_where=_LIVE, postgresql_where=_LIVE),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    kind: Mapped[DocumentKind] = mapped_column(state_column(DocumentKind))
    number: Mapped[str] = mapped_column(String(24), unique=True)  # random, printed in the QR
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    delivery: Mapped[Delivery | None] = relationship()
    run_id: Mapped[int | None] = mapped_column(ForeignKey("run.id"))
    run: Mapped[Run | None] = relationship()
    card_id: Mapped[int | None] = mapped_column(ForeignKey("symbol_card.id"))
    card: Mapped[SymbolCard | None] = relationship()
    content = sealed_json()  # what the paper says; of a card never its codes
    content_hash: Mapped[str] = mapped_column(String(64))
    # A keyed hash of the content without number, salt and day: printing again what has not changed makes no new paper.
    facts_lookup: Mapped[bytes] = mapped_column(LargeBinary(32))
    made_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    made_by: Mapped[User] = relationship()
    made_at: Mapped[datetime]
    replaced_at: Mapped[datetime | None]
