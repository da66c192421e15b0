"""Institutions, where they work, what was agreed with them, how they are supported, and who works for them."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.crypto import SealedRow, sealed_optional_text, sealed_text
from grants.core.db import Model, Usd, state_column
from grants.delivery.models import Delivery
from grants.people.models import Canton


class InstitutionKind(StrEnum):
    BANK = "bank"
    COOPERATIVE = "cooperative"
    SAVINGS_BANK = "savings_bank"


class CooperativeSegment(StrEnum):
    """Segments of the popular and solidarity financial sector, by assets (SEPS): 1 the largest, 5 the smallest."""

    ONE = "1"
    TWO = "2"
    THREE = "3"
    FOUR = "4"
    FIVE = "5"


class Institution(Model):
    """A bank, a cooperative or a savings bank (caja)."""

    __tablename__ = "institution"
    __table_args__ = (
        CheckConstraint("segment IS NULL OR kind = 'cooperative'", name="segment_of_cooperative"),
        CheckConstraint("kind <> 'savings_bank' OR members_only", name="caja_lends_to_members"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    name: Mapped[str] = mapped_column(String(160), unique=True)
    kind: Mapped[InstitutionKind] = mapped_column(state_column(InstitutionKind))
    segment: Mapped[CooperativeSegment | None] = mapped_column(state_column(CooperativeSegment))
    network: Mapped[str | None] = mapped_column(String(160))
    canton_code: Mapped[str | None] = mapped_column(ForeignKey("canton.code"))
    canton: Mapped[Canton | None] = relationship()
    # Lends to its members only. Statutory for a savings bank, whose statutes allow no other credit.
    members_only: Mapped[bool] = mapped_column(default=lambda context: _is_caja(context))
    is_active: Mapped[bool] = mapped_column(default=True)
    created_at: Mapped[datetime]

    # Where it attends people; without any, everywhere.
    locations: Mapped[list["InstitutionLocation"]] = relationship(order_by="InstitutionLocation.canton_code")

    def serves(self, canton_code: str) -> bool:
        """Whether people of this canton are attended. Reads `locations`: load them before."""
        return not self.locations or any(place.canton_code == canton_code for place in self.locations)


def _is_caja(context: object) -> bool:
    given: dict[str, object] = context.get_current_parameters()  # type: ignore[attr-defined]
    return given["kind"] == InstitutionKind.SAVINGS_BANK


class InstitutionLocation(Model):
    """A canton whose people an institution attends."""

    __tablename__ = "institution_location"
    __table_args__ = (UniqueConstraint("institution_id", "canton_code"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    canton_code: Mapped[str] = mapped_column(ForeignKey("canton.code"))
    canton: Mapped[Canton] = relationship()


class LiaisonPost(Model):
    """Which institution a liaison works for. One at most."""

    __tablename__ = "liaison_post"

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"), unique=True)
    user: Mapped[User] = relationship()
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"), index=True)
    institution: Mapped[Institution] = relationship()


class AgreementKind(StrEnum):
    MEMORANDUM = "memorandum"
    AGREEMENT = "agreement"
    LETTER = "letter"


class AgreementEnd(StrEnum):
    """Why an agreement ended before its day. A code: it goes into the journal, so no free text."""

    REPLACED = "replaced"
    INSTITUTION_LEFT = "institution_left"
    PROGRAMME_ENDED_IT = "programme_ended_it"
    MISTAKE = "mistake"


class Agreement(SealedRow, Model):
    """What the programme and an institution signed, and for how long it holds."""

    __tablename__ = "agreement"
    __table_args__ = (
        CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="valid"),
        CheckConstraint("valid_from >= signed_on", name="signed_first"),
        CheckConstraint("(ended_at IS NULL) = (end_reason IS NULL)", name="end_has_reason"),
        Index("ix_agreement_institution_from", "institution_id", "valid_from"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    institution: Mapped[Institution] = relationship()
    kind: Mapped[AgreementKind] = mapped_column(state_column(AgreementKind))
    signed_on: Mapped[date]
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]  # None: until somebody ends it
    flexible_terms: Mapped[str] = mapped_column(Text, default="")  # how entry is made easier, in the agreement's words
    focal_name = sealed_optional_text()
    focal_contact = sealed_optional_text()
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    recorded_at: Mapped[datetime]
    ended_at: Mapped[datetime | None]  # ended before its day, or recorded by mistake
    end_reason: Mapped[AgreementEnd | None] = mapped_column(state_column(AgreementEnd))

    def holds_on(self, day: date) -> bool:
        return (
            self.ended_at is None
            and self.valid_from <= day
            and (self.valid_until is None or day <= self.valid_until)
        )  # fmt: skip


class SupportKind(StrEnum):
    OFFICE_EQUIPMENT = "office_equipment"
    WORKING_CAPITAL = "working_capital"  # for lending
    ACCOUNT_OPENING = "account_opening"  # accounts opened for women in human mobility


class InstitutionSupport(Model):
    """What the programme gave a savings bank, with its purpose and evidence. Goods are given by a delivery."""

    __tablename__ = "institution_support"
    __table_args__ = (
        CheckConstraint("amount_usd > 0", name="amount"),
        CheckConstraint("accounts IS NULL OR accounts > 0", name="accounts"),
        CheckConstraint("(kind = 'account_opening') = (accounts IS NOT NULL)", name="accounts_counted"),
        CheckConstraint("kind = 'office_equipment' OR delivery_id IS NULL", name="goods_are_delivered"),
        CheckConstraint("(cancelled_at IS NULL) = (cancel_reason IS NULL)", name="cancelled"),
        Index("ix_institution_support_institution_given", "institution_id", "given_on"),
        # One delivery counts once; what was cancelled makes room.
        Index("uq_institution_support_delivery", "delivery_id", unique=True,
              sqlite_where=text("cancelled_at IS NULL"), postgresql_where=text("cancelled_at IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    institution: Mapped[Institution] = relationship()
    kind: Mapped[SupportKind] = mapped_column(state_column(SupportKind))
    amount_usd: Mapped[Decimal] = mapped_column(Usd)
    accounts: Mapped[int | None]  # how many were opened
    purpose: Mapped[str] = mapped_column(String(300))
    given_on: Mapped[date]
    delivery_id: Mapped[int | None] = mapped_column(ForeignKey("delivery.id"))
    delivery: Mapped[Delivery | None] = relationship()
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    recorded_at: Mapped[datetime]
    cancelled_at: Mapped[datetime | None]
    cancel_reason: Mapped[str | None] = mapped_column(String(300))

    evidence: Mapped[list["SupportEvidence"]] = relationship(back_populates="support", order_by="SupportEvidence.id")

    @property
    def counts(self) -> bool:
        return self.cancelled_at is None


class SupportEvidence(SealedRow, Model):
    """A receipt or a photo that shows a support. Kept as the attachments are: cleaned, outside the web root."""

    __tablename__ = "support_evidence"

    id: Mapped[int] = mapped_column(primary_key=True)
    support_id: Mapped[int] = mapped_column(ForeignKey("institution_support.id"), index=True)
    support: Mapped[InstitutionSupport] = relationship(back_populates="evidence")
    storage_name: Mapped[str] = mapped_column(String(64), unique=True)
    file_name = sealed_text()  # as the person called it
    media_type: Mapped[str] = mapped_column(String(40))
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    added_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    added_at: Mapped[datetime]


class SavingsBankReport(Model):
    """A savings bank's own figures at the end of a day. Corrected by a later row for the same day, never edited."""

    __tablename__ = "savings_bank_report"
    __table_args__ = (
        CheckConstraint("members >= 0 AND women >= 0 AND women <= members", name="members"),
        CheckConstraint("in_mobility IS NULL OR in_mobility BETWEEN 0 AND members", name="in_mobility"),
        CheckConstraint("loans >= 0 AND savings_usd >= 0 AND loans_usd >= 0", name="amounts"),
        CheckConstraint("loans > 0 OR loans_usd = 0", name="loans"),
        Index("ix_savings_bank_report_institution_day", "institution_id", "as_of"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    institution: Mapped[Institution] = relationship()
    as_of: Mapped[date]
    members: Mapped[int]
    women: Mapped[int]
    in_mobility: Mapped[int | None]
    savings_usd: Mapped[Decimal] = mapped_column(Usd)
    loans: Mapped[int]  # how many are being repaid
    loans_usd: Mapped[Decimal] = mapped_column(Usd)  # principal outstanding
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    recorded_at: Mapped[datetime]
