"""A cooperative's spreadsheet: what its columns mean, the file on its way, and its rows."""

from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, LargeBinary, String, UniqueConstraint, false, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_json
from grants.core.db import Model, state_column
from grants.credit.models.institutions import Institution

KEPT = timedelta(days=7)  # how long the rows of a file wait for somebody


class ImportState(StrEnum):
    MAPPING = "mapping"  # nobody said yet what the columns mean
    CHECKING = "checking"
    READY = "ready"  # every row is explained; nothing is done yet
    APPLYING = "applying"
    APPLIED = "applied"
    DISCARDED = "discarded"


WORKING = frozenset({ImportState.CHECKING, ImportState.APPLYING})
ENDED = frozenset({ImportState.APPLIED, ImportState.DISCARDED})


class ImportMode(StrEnum):
    ALL = "all"  # all rows or none
    GOOD = "good"  # those without a mistake


class RowOutcome(StrEnum):
    WAITING = "waiting"
    LEFT_OUT = "left_out"  # a title, the heading again, a total
    READ = "read"  # its cells are understood; not yet held against what is known
    GOOD = "good"
    NOTHING_NEW = "nothing_new"  # all that it says is logged already
    BAD = "bad"
    APPLIED = "applied"


class ImportMapping(SealedRow, Model):
    """What the columns of an institution's file mean: one version. Never edited; the newest of a heading counts."""

    __tablename__ = "import_mapping"
    __table_args__ = (
        UniqueConstraint("institution_id", "version"),
        Index("ix_import_mapping_heading", "institution_id", "heading_key"),
        CheckConstraint("version > 0", name="version"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    institution: Mapped[Institution] = relationship()
    version: Mapped[int]
    heading_key: Mapped[bytes] = mapped_column(LargeBinary(32))  # a keyed hash of the words of the heading
    heading = sealed_json()  # a heading chosen by mistake may be somebody's row
    settings: Mapped[dict[str, Any]] = mapped_column(JSON)  # as import_rows.Settings writes it
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_by: Mapped[User] = relationship()
    created_at: Mapped[datetime]


class CreditImport(Model):
    """A file of one institution, from the sending to its end. The rows are wiped when it ends."""

    __tablename__ = "credit_import"
    __table_args__ = (
        # The same file again is the same import, until that one is forgotten.
        Index("uq_credit_import_file", "institution_id", "file_hash", unique=True,
              sqlite_where=text("state <> 'discarded'"), postgresql_where=text("state <> 'discarded'")),
        Index("ix_credit_import_institution", "institution_id", "id"),
        Index("ix_credit_import_state", "state", "id"),
        CheckConstraint("state IN ('mapping', 'discarded') OR (mapping_id IS NOT NULL AND heading_row IS NOT NULL)",
                        name="has_mapping"),
        CheckConstraint("state NOT IN ('applying', 'applied') OR (mode IS NOT NULL AND applied_by_id IS NOT NULL)",
                        name="applied_by_somebody"),
        CheckConstraint("(state IN ('applied', 'discarded')) = (ended_at IS NOT NULL)", name="ended"),
        CheckConstraint("done >= 0 AND done <= total", name="done"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    institution: Mapped[Institution] = relationship()
    state: Mapped[ImportState] = mapped_column(state_column(ImportState), default=ImportState.MAPPING)
    file_hash: Mapped[bytes] = mapped_column(LargeBinary(32))
    file_kind: Mapped[str] = mapped_column(String(4))
    mapping_id: Mapped[int | None] = mapped_column(ForeignKey("import_mapping.id"), index=True)
    mapping: Mapped[ImportMapping | None] = relationship()
    heading_row: Mapped[int | None]
    total: Mapped[int]  # rows of the file that hold something
    done: Mapped[int] = mapped_column(default=0)  # of the work now going on
    mode: Mapped[ImportMode | None] = mapped_column(state_column(ImportMode))
    stopped: Mapped[bool] = mapped_column(default=False)  # a row was refused at the last moment, so nothing was done
    broke_off: Mapped[bool] = mapped_column(default=False, server_default=false())  # the last turn failed, by our fault
    claimed_until: Mapped[datetime | None]  # one process works at a time; a killed one loses its claim by this
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_by: Mapped[User] = relationship(foreign_keys=[created_by_id])
    created_at: Mapped[datetime]
    applied_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    applied_by: Mapped[User | None] = relationship(foreign_keys=[applied_by_id])
    ended_at: Mapped[datetime | None]

    @property
    def kept_until(self) -> datetime:
        """When the rows of a file that nobody applied go."""
        return self.created_at + KEPT

    @property
    def is_working(self) -> bool:
        return self.state in WORKING

    @property
    def has_ended(self) -> bool:
        return self.state in ENDED


class ImportRow(SealedRow, Model):
    """A row of a file, sealed, with what becomes of it. Once wiped only the number and the outcome stay."""

    __tablename__ = "import_row"
    __table_args__ = (
        UniqueConstraint("import_id", "number"),
        Index("ix_import_row_outcome", "import_id", "outcome", "number"),
        Index("ix_import_row_linkage", "import_id", "linkage_id"),
        CheckConstraint("outcome NOT IN ('bad', 'left_out') OR reason IS NOT NULL", name="explained"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    import_id: Mapped[int] = mapped_column(ForeignKey("credit_import.id"))
    number: Mapped[int]  # in the file
    outcome: Mapped[RowOutcome] = mapped_column(state_column(RowOutcome), default=RowOutcome.WAITING)
    reason: Mapped[str | None] = mapped_column(String(40))  # a word of import_rows.Reason
    field: Mapped[str | None] = mapped_column(String(20))  # the column that it concerns
    other_number: Mapped[int | None]  # the row that it repeats
    linkage_id: Mapped[int | None] = mapped_column(ForeignKey("linkage.id", ondelete="SET NULL"))
    cells = sealed_json()  # what stands there; NULL once wiped
    facts = sealed_json()  # what it means, as import_rows.Facts writes it; NULL until it is read and once wiped
