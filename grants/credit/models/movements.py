"""What happened to a credit after it was approved, as the lender reports it. Appended to, never edited."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.db import Model, Usd, state_column
from grants.credit.models.linkages import Linkage
from grants.credit.models.products import Amortization, Frequency, RateKind


class MovementKind(StrEnum):
    DISBURSEMENT = "disbursement"  # also a part
    REPAYMENT = "repayment"
    BALANCE = "balance"  # a statement: what is owed on a day, how late
    RESTRUCTURE = "restructure"  # what is owed gets new instalments
    WRITE_OFF = "write_off"
    RECOVERY = "recovery"  # paid after a write-off


class Source(StrEnum):
    """Where a liaison's knowledge comes from."""

    LENDER = "lender"  # the institution's own books, looked up
    CALL = "call"
    VISIT = "visit"
    BOOKLET = "booklet"  # the member's own
    FILE = "file"  # a spreadsheet of the institution
    API = "api"  # its core system


class CreditMovement(Model):
    """One thing that happened: when, apart from when it was logged. `reversed_at` is the only column that changes."""

    __tablename__ = "credit_movement"
    __table_args__ = (
        # A receipt counts once; one that was taken back may be logged anew with its number.
        Index("uq_credit_movement_counting", "institution_id", "kind", "reference", unique=True,
              sqlite_where=text("reversed_at IS NULL"), postgresql_where=text("reversed_at IS NULL")),
        CheckConstraint("(kind IN ('disbursement', 'repayment', 'write_off', 'recovery')) = (amount_usd IS NOT NULL)",
                        name="moves_money"),
        CheckConstraint("amount_usd IS NULL OR amount_usd > 0", name="amount"),
        CheckConstraint("(kind IN ('balance', 'restructure')) = (balance_usd IS NOT NULL)", name="states_balance"),
        CheckConstraint("balance_usd IS NULL OR balance_usd >= 0", name="balance"),
        CheckConstraint("net_usd IS NULL OR (kind = 'disbursement' AND net_usd > 0 AND net_usd <= amount_usd)",
                        name="net"),
        CheckConstraint("principal_usd IS NULL OR (kind = 'repayment' AND principal_usd >= 0"
                        " AND principal_usd <= amount_usd)", name="principal"),
        CheckConstraint("interest_usd IS NULL OR interest_usd >= 0", name="interest"),
        CheckConstraint("other_usd IS NULL OR other_usd >= 0", name="other"),
        # To the cent and not equal: SQLite adds 104.93 and 3.48 as binary fractions.
        CheckConstraint("kind <> 'repayment' OR principal_usd IS NULL OR ABS(principal_usd + COALESCE(interest_usd, 0)"
                        " + COALESCE(other_usd, 0) - amount_usd) < 0.005", name="split_sums"),
        CheckConstraint("days_late IS NULL OR days_late >= 0", name="days_late"),
        CheckConstraint("(kind = 'restructure') = (instalments IS NOT NULL)", name="new_terms"),
        CheckConstraint("instalments IS NULL OR (instalments BETWEEN 1 AND 600 AND first_due_on IS NOT NULL"
                        " AND rate_percent IS NOT NULL AND rate_kind IS NOT NULL AND method IS NOT NULL"
                        " AND frequency IS NOT NULL)", name="terms_complete"),
        Index("ix_credit_movement_linkage_day", "linkage_id", "happened_on", "id"),
        Index("ix_credit_movement_institution_day", "institution_id", "happened_on"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    linkage_id: Mapped[int] = mapped_column(ForeignKey("linkage.id"))
    linkage: Mapped[Linkage] = relationship(back_populates="movements")
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))  # the linkage's: references are its own
    kind: Mapped[MovementKind] = mapped_column(state_column(MovementKind))
    source: Mapped[Source] = mapped_column(state_column(Source), default=Source.LENDER)
    happened_on: Mapped[date]
    logged_at: Mapped[datetime]
    logged_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    logged_by: Mapped[User] = relationship()
    reference: Mapped[str | None] = mapped_column(String(60))  # the lender's number of this receipt
    amount_usd: Mapped[Decimal | None] = mapped_column(Usd)  # gross
    net_usd: Mapped[Decimal | None] = mapped_column(Usd)  # what the person received in hand
    principal_usd: Mapped[Decimal | None] = mapped_column(Usd)  # of a repayment, where the lender says so
    interest_usd: Mapped[Decimal | None] = mapped_column(Usd)
    other_usd: Mapped[Decimal | None] = mapped_column(Usd)  # fees, penalties, insurance
    balance_usd: Mapped[Decimal | None] = mapped_column(Usd)  # principal owed at the end of the day
    days_late: Mapped[int | None]  # as the lender reports it
    overdue_usd: Mapped[Decimal | None] = mapped_column(Usd)
    instalments: Mapped[int | None]  # from here on: the new terms of a restructured credit
    first_due_on: Mapped[date | None]
    rate_percent: Mapped[Decimal | None] = mapped_column(Numeric(7, 4))
    rate_kind: Mapped[RateKind | None] = mapped_column(state_column(RateKind))
    method: Mapped[Amortization | None] = mapped_column(state_column(Amortization))
    frequency: Mapped[Frequency | None] = mapped_column(state_column(Frequency))
    reversed_at: Mapped[datetime | None]

    @property
    def counts(self) -> bool:
        return self.reversed_at is None


class ReversalState(StrEnum):
    PROPOSED = "proposed"
    DONE = "done"
    REFUSED = "refused"


class MovementReversal(Model):
    """A movement logged by mistake: one person proposes to take it back, another decides."""

    __tablename__ = "movement_reversal"
    __table_args__ = (
        CheckConstraint("decided_by_id <> proposed_by_id", name="two_people"),
        CheckConstraint("(state = 'proposed') = (decided_at IS NULL)", name="decided_at"),
        CheckConstraint("(decided_by_id IS NULL) = (decided_at IS NULL)", name="decided_by_somebody"),
        Index("uq_movement_reversal_live", "movement_id", unique=True, sqlite_where=text("state <> 'refused'"),
              postgresql_where=text("state <> 'refused'")),
        Index("ix_movement_reversal_state", "state", "id"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    movement_id: Mapped[int] = mapped_column(ForeignKey("credit_movement.id"))
    movement: Mapped[CreditMovement] = relationship()
    state: Mapped[ReversalState] = mapped_column(state_column(ReversalState), default=ReversalState.PROPOSED)
    reason: Mapped[str] = mapped_column(String(300))
    proposed_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    proposed_by: Mapped[User] = relationship(foreign_keys=[proposed_by_id])
    proposed_at: Mapped[datetime]
    decided_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))
    decided_by: Mapped[User | None] = relationship(foreign_keys=[decided_by_id])
    decided_at: Mapped[datetime | None]
