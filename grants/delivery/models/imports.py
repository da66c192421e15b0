"""A spreadsheet that plans a whole call: kept sealed between its preview and its application."""

import hashlib
from datetime import datetime

from sqlalchemy import CheckConstraint, ForeignKey
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.calls.models import Call
from grants.core.crypto import SealedRow, sealed_json
from grants.core.db import Model


class PlanImport(SealedRow, Model):
    """What a file said and what became of each row. The rows, which hold places, are wiped once applied."""

    __tablename__ = "plan_import"
    __table_args__ = (
        CheckConstraint("good_rows >= 0 AND bad_rows >= 0", name="rows"),
        CheckConstraint("rows_sealed IS NULL OR applied_at IS NULL", name="wiped"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    call: Mapped[Call] = relationship()
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    created_at: Mapped[datetime]
    rows = sealed_json()  # what each line of the file says, by column; NULL once applied
    results = sealed_json()  # for each row: its number, what it is about, and what it does or what to correct
    good_rows: Mapped[int]
    bad_rows: Mapped[int]
    applied_at: Mapped[datetime | None]

    @property
    def stamp(self) -> str:
        """By which a form names the preview that was read; its number alone may be given out again. Of what was sealed,
        whose secret part differs each time; empty once the rows are wiped."""
        sealed: bytes | None = self.rows_sealed  # type: ignore[attr-defined]
        return hashlib.sha256(sealed).hexdigest() if sealed else ""
