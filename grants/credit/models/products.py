"""What institutions offer, on which terms since when, and the ceilings of the law."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, Text, UniqueConstraint, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.core.db import Model, Usd, state_column
from grants.credit.models.institutions import Institution
from grants.people.models import DocumentKind


class LinkageKind(StrEnum):
    CREDIT = "credit"
    SAVINGS_ACCOUNT = "savings_account"
    MEMBERSHIP = "membership"


class RateKind(StrEnum):
    NOMINAL = "nominal"
    EFFECTIVE = "effective"


class Amortization(StrEnum):
    FRENCH = "french"  # equal instalments
    GERMAN = "german"  # equal principal
    SINGLE = "single"  # everything at the end


class Frequency(StrEnum):
    """How often an instalment falls due; also how often a nominal rate compounds."""

    WEEKLY = "weekly"
    FORTNIGHTLY = "fortnightly"
    MONTHLY = "monthly"


class Segment(StrEnum):
    """Segments of microcredit, by the borrower's sales in a year, and the one of social interest."""

    MINORISTA = "minorista"
    SIMPLE = "simple"
    AMPLIADA = "ampliada"
    SOCIAL = "social"


class RateCeiling(Model):
    """The highest effective yearly rate that the law allows a segment, from one day to another."""

    __tablename__ = "rate_ceiling"
    __table_args__ = (
        UniqueConstraint("segment", "valid_from"),
        CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="valid"),
        CheckConstraint("effective_percent > 0 AND effective_percent <= 100", name="percent"),
        Index("uq_rate_ceiling_open", "segment", unique=True, sqlite_where=text("valid_until IS NULL"),
              postgresql_where=text("valid_until IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    segment: Mapped[Segment] = mapped_column(state_column(Segment))
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]  # None: still in force
    effective_percent: Mapped[Decimal] = mapped_column(Numeric(7, 4))
    source: Mapped[str] = mapped_column(String(300))
    added_by_id: Mapped[int | None] = mapped_column(ForeignKey("user.id"))  # None: came with Semilla
    added_at: Mapped[datetime]


class Product(Model):
    """Something an institution offers. What it asks for changes: that is in its terms."""

    __tablename__ = "product"
    __table_args__ = (UniqueConstraint("institution_id", "name"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    institution: Mapped[Institution] = relationship()
    kind: Mapped[LinkageKind] = mapped_column(state_column(LinkageKind))
    name: Mapped[str] = mapped_column(String(120))
    created_at: Mapped[datetime]

    terms: Mapped[list["ProductTerms"]] = relationship(back_populates="product", order_by="ProductTerms.valid_from")

    def terms_on(self, day: date) -> "ProductTerms | None":
        """The terms in force on a day; None before the first and after the last. Reads `terms`: load them before."""
        return next((one for one in reversed(self.terms) if one.holds_on(day)), None)


class ProductTerms(Model):
    """What a product asks for and gives, from one day to another. Never edited: new terms end the ones before."""

    __tablename__ = "product_terms"
    __table_args__ = (
        UniqueConstraint("product_id", "valid_from"),
        CheckConstraint("valid_until IS NULL OR valid_until >= valid_from", name="valid"),
        CheckConstraint("(rate_percent IS NULL) = (rate_kind IS NULL)", name="rate_has_kind"),
        CheckConstraint("rate_percent IS NULL OR rate_percent BETWEEN 0 AND 100", name="rate"),
        CheckConstraint("least_usd IS NULL OR most_usd IS NULL OR least_usd <= most_usd", name="amounts"),
        CheckConstraint("least_months IS NULL OR most_months IS NULL OR least_months <= most_months", name="months"),
        CheckConstraint("least_age IS NULL OR most_age IS NULL OR least_age <= most_age", name="ages"),
        Index("uq_product_terms_open", "product_id", unique=True, sqlite_where=text("valid_until IS NULL"),
              postgresql_where=text("valid_until IS NULL")),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    product_id: Mapped[int] = mapped_column(ForeignKey("product.id"))
    product: Mapped[Product] = relationship(back_populates="terms")
    valid_from: Mapped[date]
    valid_until: Mapped[date | None]  # None: still in force
    least_usd: Mapped[Decimal | None] = mapped_column(Usd)
    most_usd: Mapped[Decimal | None] = mapped_column(Usd)
    least_months: Mapped[int | None]
    most_months: Mapped[int | None]
    rate_percent: Mapped[Decimal | None] = mapped_column(Numeric(7, 4))
    rate_kind: Mapped[RateKind | None] = mapped_column(state_column(RateKind))
    segment: Mapped[Segment | None] = mapped_column(state_column(Segment))
    method: Mapped[Amortization | None] = mapped_column(state_column(Amortization))
    frequency: Mapped[Frequency | None] = mapped_column(state_column(Frequency))
    fees: Mapped[str] = mapped_column(String(300), default="")
    collateral: Mapped[str] = mapped_column(String(300), default="")
    needs_membership: Mapped[bool] = mapped_column(default=False)
    least_age: Mapped[int | None]
    most_age: Mapped[int | None]
    expired_accepted: Mapped[bool] = mapped_column(default=False)  # documents whose day has passed
    note: Mapped[str] = mapped_column(Text, default="")
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    recorded_at: Mapped[datetime]

    documents: Mapped[list["AcceptedDocument"]] = relationship(order_by="AcceptedDocument.kind")

    @property
    def accepts(self) -> frozenset[DocumentKind]:
        """Any one of these opens the product; `none` among them: no document is needed."""
        return frozenset(one.kind for one in self.documents)

    def holds_on(self, day: date) -> bool:
        return self.valid_from <= day and (self.valid_until is None or day <= self.valid_until)


class AcceptedDocument(Model):
    """A kind of identity document with which a product can be had."""

    __tablename__ = "accepted_document"
    __table_args__ = (UniqueConstraint("terms_id", "kind"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    terms_id: Mapped[int] = mapped_column(ForeignKey("product_terms.id"))
    kind: Mapped[DocumentKind] = mapped_column(state_column(DocumentKind))
