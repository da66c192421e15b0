"""Applications with their business plan, its items, and attachments."""

from datetime import datetime
from decimal import Decimal
from enum import StrEnum

from flask_babel import lazy_gettext as _
from sqlalchemy import CheckConstraint, ForeignKey, Index, String, Text, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.calls.models import Call, Rubric
from grants.core.crypto import SealedRow, sealed_text
from grants.core.db import Model, Usd, state_column
from grants.people.models import Person


class ApplicationState(StrEnum):
    DRAFT = "draft"
    SUBMITTED = "submitted"
    WITHDRAWN = "withdrawn"


STATE_NAMES = {
    ApplicationState.DRAFT: _("Draft"),
    ApplicationState.SUBMITTED: _("Submitted"),
    ApplicationState.WITHDRAWN: _("Withdrawn"),
}

# International Standard Industrial Classification, revision 4: sections.
SECTORS = {
    "A": _("Agriculture, forestry and fishing"),
    "B": _("Mining and quarrying"),
    "C": _("Manufacturing"),
    "D": _("Electricity, gas, steam and air conditioning supply"),
    "E": _("Water supply, sewerage, waste management"),
    "F": _("Construction"),
    "G": _("Wholesale and retail trade; repair of vehicles"),
    "H": _("Transportation and storage"),
    "I": _("Accommodation and food service"),
    "J": _("Information and communication"),
    "K": _("Financial and insurance activities"),
    "L": _("Real estate activities"),
    "M": _("Professional, scientific and technical activities"),
    "N": _("Administrative and support services"),
    "O": _("Public administration and defence"),
    "P": _("Education"),
    "Q": _("Human health and social work"),
    "R": _("Arts, entertainment and recreation"),
    "S": _("Other services (hairdressing, laundry, repair …)"),
    "T": _("Households as employers or producing for own use"),
    "U": _("Extraterritorial organisations"),
}


APPLICATION_MOVES = {
    ApplicationState.DRAFT: frozenset({ApplicationState.SUBMITTED, ApplicationState.WITHDRAWN}),
    ApplicationState.SUBMITTED: frozenset({ApplicationState.WITHDRAWN}),
    ApplicationState.WITHDRAWN: frozenset(),
}


class Application(Model):
    """One person's application to one call."""

    __tablename__ = "application"
    __table_args__ = (
        UniqueConstraint("call_id", "person_id"),
        CheckConstraint("state <> 'submitted' OR submitted_at IS NOT NULL", name="submitted_at"),
        CheckConstraint("(state = 'withdrawn') = (withdrawn_at IS NOT NULL)", name="withdrawn_at"),
        Index("ix_application_call_state_folio", "call_id", "state", "folio"),
        Index("ix_application_call_folio", "call_id", "folio"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    call_id: Mapped[int] = mapped_column(ForeignKey("call.id"))
    call: Mapped[Call] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person: Mapped[Person] = relationship()
    rubric_id: Mapped[int] = mapped_column(ForeignKey("rubric.id"), index=True)  # the version in force at submission
    rubric: Mapped[Rubric] = relationship()
    state: Mapped[ApplicationState] = mapped_column(state_column(ApplicationState), default=ApplicationState.DRAFT)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"), index=True)
    created_by: Mapped[User] = relationship()
    created_at: Mapped[datetime]
    submitted_at: Mapped[datetime | None]
    withdrawn_at: Mapped[datetime | None]
    withdrawal_reason: Mapped[str | None] = mapped_column(String(300))

    plan: Mapped["BusinessPlan"] = relationship(back_populates="application")
    attachments: Mapped[list["Attachment"]] = relationship(back_populates="application", order_by="Attachment.id")

    @property
    def is_draft(self) -> bool:
        return self.state is ApplicationState.DRAFT

    def can_move_to(self, state: ApplicationState) -> bool:
        return state in APPLICATION_MOVES[self.state]

    @property
    def kept_attachments(self) -> list["Attachment"]:
        return [attachment for attachment in self.attachments if attachment.removed_at is None]

    @property
    def left_usd(self) -> Decimal:
        """What of the award the items leave; negative when they cost more."""
        return self.call.value_per_award_usd - self.plan.total_usd


class BusinessPlan(Model):
    """The plan as written. Empty fields are allowed in a draft and refused at submission.

    `revision` grows with every save, so that a save over a newer text is noticed.
    """

    __tablename__ = "business_plan"
    __table_args__ = (
        CheckConstraint("monthly_sales_usd IS NULL OR monthly_sales_usd >= 0", name="sales"),
        CheckConstraint("jobs IS NULL OR jobs >= 0", name="jobs"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), unique=True)
    application: Mapped[Application] = relationship(back_populates="plan")
    venture: Mapped[str] = mapped_column(String(160), default="")
    sector: Mapped[str | None] = mapped_column(String(1))  # ISIC Rev. 4 section, A–U
    is_existing: Mapped[bool | None]  # False: start-up
    description: Mapped[str] = mapped_column(Text, default="")
    customers: Mapped[str] = mapped_column(Text, default="")
    monthly_sales_usd: Mapped[Decimal | None] = mapped_column(Usd)
    jobs: Mapped[int | None]
    revision: Mapped[int] = mapped_column(default=0)
    saved_at: Mapped[datetime]

    items: Mapped[list["PlanItem"]] = relationship(
        back_populates="plan", order_by="PlanItem.position", cascade="all, delete-orphan"
    )

    @property
    def sector_name(self) -> str:
        """The ISIC section with its letter, in the reader's language; empty while none is chosen."""
        return f"{self.sector} · {SECTORS[self.sector]}" if self.sector else ""

    @property
    def total_usd(self) -> Decimal:
        return sum((item.total_usd for item in self.items), Decimal("0.00"))


class PlanItem(Model):
    """A good that the award should buy. Its kit is packed from these."""

    __tablename__ = "plan_item"
    __table_args__ = (
        UniqueConstraint("plan_id", "position"),
        CheckConstraint("quantity > 0", name="quantity"),
        CheckConstraint("unit_price_usd > 0", name="price"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    plan_id: Mapped[int] = mapped_column(ForeignKey("business_plan.id"))
    plan: Mapped[BusinessPlan] = relationship(back_populates="items")
    position: Mapped[int]
    name: Mapped[str] = mapped_column(String(160))
    quantity: Mapped[int]
    unit_price_usd: Mapped[Decimal] = mapped_column(Usd)

    @property
    def total_usd(self) -> Decimal:
        return self.quantity * self.unit_price_usd


class Attachment(SealedRow, Model):
    """A file, cleaned and stored outside the web root under a random name."""

    __tablename__ = "attachment"

    id: Mapped[int] = mapped_column(primary_key=True)
    application_id: Mapped[int] = mapped_column(ForeignKey("application.id"), index=True)
    application: Mapped[Application] = relationship(back_populates="attachments")
    storage_name: Mapped[str] = mapped_column(String(64), unique=True)
    file_name = sealed_text()  # as the person called it
    media_type: Mapped[str] = mapped_column(String(40))  # as sniffed
    size_bytes: Mapped[int]
    sha256: Mapped[str] = mapped_column(String(64))
    uploaded_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    uploaded_at: Mapped[datetime]
    removed_at: Mapped[datetime | None]
