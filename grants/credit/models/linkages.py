"""Linkages: one credit, account or membership each, and the steps on its way."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from sqlalchemy import CheckConstraint, ForeignKey, Index, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.clock import local_day
from grants.core.crypto import SealedRow, sealed_optional_text
from grants.core.db import Model, Usd, state_column
from grants.credit.models.institutions import Institution
from grants.credit.models.products import Amortization, Frequency, LinkageKind, Product, RateKind, Segment
from grants.credit.models.referrals import Referral
from grants.people.models import Person

if TYPE_CHECKING:
    from grants.credit.models.movements import CreditMovement


class LinkageState(StrEnum):
    REFERRED = "referred"
    CONTACTED = "contacted"
    DOCUMENTS = "documents"
    APPLIED = "applied"
    APPROVED = "approved"
    DISBURSED = "disbursed"
    REPAYING = "repaying"
    REPAID = "repaid"
    OPENED = "opened"  # an account opened, a member admitted
    CLOSED = "closed"  # an account closed, a member left
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    WRITTEN_OFF = "written_off"


S = LinkageState
ENDINGS = frozenset({S.DECLINED, S.WITHDRAWN})

LINKAGE_MOVES: dict[LinkageKind, dict[LinkageState, frozenset[LinkageState]]] = {
    LinkageKind.CREDIT: {
        S.REFERRED: frozenset({S.CONTACTED}) | ENDINGS,
        S.CONTACTED: frozenset({S.DOCUMENTS, S.APPLIED}) | ENDINGS,
        S.DOCUMENTS: frozenset({S.APPLIED}) | ENDINGS,
        S.APPLIED: frozenset({S.APPROVED}) | ENDINGS,
        S.APPROVED: frozenset({S.DISBURSED}) | ENDINGS,
    },
    **{
        kind: {
            S.REFERRED: frozenset({S.CONTACTED}) | ENDINGS,
            S.CONTACTED: frozenset({S.DOCUMENTS, S.OPENED}) | ENDINGS,
            S.DOCUMENTS: frozenset({S.OPENED}) | ENDINGS,
            S.OPENED: frozenset({S.CLOSED}),
        }
        for kind in (LinkageKind.SAVINGS_ACCOUNT, LinkageKind.MEMBERSHIP)
    },
}
# Still on its way to a credit, an account or a membership.
OPEN_STATES = frozenset({S.REFERRED, S.CONTACTED, S.DOCUMENTS, S.APPLIED, S.APPROVED})
# A credit that is being repaid as far as known.
ACTIVE_STATES = frozenset({S.DISBURSED, S.REPAYING})
# A credit that the person has received, whatever happened since.
CREDITED_STATES = frozenset({S.DISBURSED, S.REPAYING, S.REPAID, S.WRITTEN_OFF})


class DeclineReason(StrEnum):
    DOCUMENT_NOT_ACCEPTED = "document_not_accepted"
    STATUS_NOT_ACCEPTED = "status_not_accepted"
    OUTSIDE_BOND = "outside_bond"
    AGE = "age"
    NO_GUARANTOR = "no_guarantor"
    CREDIT_BUREAU = "credit_bureau"
    CAPACITY_TO_PAY = "capacity_to_pay"
    INCOMPLETE_FILE = "incomplete_file"
    CLIENT_WITHDREW = "client_withdrew"
    NOT_REACHABLE = "not_reachable"
    MOVED_AWAY = "moved_away"


class CloseReason(StrEnum):
    """Why an account was closed or a member left."""

    OWN_WISH = "own_wish"
    MOVED_AWAY = "moved_away"
    COSTS = "costs"
    NOT_USED = "not_used"
    EXPELLED = "expelled"
    INSTITUTION_CLOSED = "institution_closed"
    DIED = "died"


class LostReason(StrEnum):
    """Why nobody can follow a person up any more."""

    NOT_REACHABLE = "not_reachable"
    MOVED_AWAY = "moved_away"
    LEFT_COUNTRY = "left_country"
    LEFT_INSTITUTION = "left_institution"
    DIED = "died"


def _day_of_creation(context: Any) -> date:
    return local_day(context.get_current_parameters()["created_at"])


class Linkage(SealedRow, Model):
    """One credit, account or membership of one person at one institution, as the liaison reports it."""

    __tablename__ = "linkage"
    __table_args__ = (
        UniqueConstraint("institution_id", "reference"),
        Index("ix_linkage_institution_state", "institution_id", "state"),
        Index("ix_linkage_last_step", "last_step_on", "id"),
        Index("ix_linkage_next_due", "next_due_on", "id"),
        Index("ix_linkage_reported", "reported_on", "id"),
        CheckConstraint("removed_at IS NOT NULL OR state NOT IN ('disbursed', 'repaying', 'repaid', 'written_off') OR "
                        "(amount_usd IS NOT NULL AND disbursed_on IS NOT NULL AND reference IS NOT NULL)",
                        name="disbursed_has_terms"),
        CheckConstraint("removed_at IS NOT NULL OR (state = 'declined') = (decline_reason IS NOT NULL)",
                        name="decline_has_reason"),
        CheckConstraint("removed_at IS NULL OR (amount_usd IS NULL AND requested_usd IS NULL AND approved_usd IS NULL"
                        " AND reference IS NULL AND rate_percent IS NULL AND outstanding_usd IS NULL"
                        " AND decline_reason IS NULL AND note_sealed IS NULL)", name="removed_is_bare"),
        CheckConstraint("removed_at IS NOT NULL OR (state = 'closed') = (close_reason IS NOT NULL)",
                        name="close_has_reason"),
        CheckConstraint("amount_usd IS NULL OR amount_usd > 0", name="amount"),
        CheckConstraint("outstanding_usd IS NULL OR outstanding_usd >= 0", name="outstanding"),
        CheckConstraint("instalments IS NULL OR instalments BETWEEN 1 AND 600", name="instalments"),
        CheckConstraint("term_months IS NULL OR term_months > 0", name="term"),
        CheckConstraint("rate_percent IS NULL OR rate_percent >= 0", name="rate"),
        CheckConstraint("(rate_percent IS NULL) = (rate_kind IS NULL)", name="rate_has_kind"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    referral_id: Mapped[int] = mapped_column(ForeignKey("referral.id"), index=True)
    referral: Mapped[Referral] = relationship(back_populates="linkages")
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person: Mapped[Person] = relationship()
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    institution: Mapped[Institution] = relationship()
    kind: Mapped[LinkageKind] = mapped_column(state_column(LinkageKind), default=LinkageKind.CREDIT)
    state: Mapped[LinkageState] = mapped_column(state_column(LinkageState), default=LinkageState.REFERRED)
    requested_usd: Mapped[Decimal | None] = mapped_column(Usd)
    approved_usd: Mapped[Decimal | None] = mapped_column(Usd)
    amount_usd: Mapped[Decimal | None] = mapped_column(Usd)  # disbursed
    disbursed_on: Mapped[date | None] = mapped_column(index=True)
    term_months: Mapped[int | None]
    rate_percent: Mapped[Decimal | None] = mapped_column(Numeric(7, 4))
    rate_kind: Mapped[RateKind | None] = mapped_column(state_column(RateKind))
    reference: Mapped[str | None] = mapped_column(String(60))  # the lender's operation number
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"), index=True)
    product: Mapped[Product | None] = relationship()
    segment: Mapped[Segment | None] = mapped_column(state_column(Segment))
    method: Mapped[Amortization | None] = mapped_column(state_column(Amortization))
    frequency: Mapped[Frequency | None] = mapped_column(state_column(Frequency))
    instalments: Mapped[int | None]
    first_due_on: Mapped[date | None]
    refinances_id: Mapped[int | None] = mapped_column(ForeignKey("linkage.id"), index=True)  # the credit it paid off
    refinances: Mapped["Linkage | None"] = relationship(remote_side=[id])
    # What the movements come to, kept beside them: `grants credit verify` proves it.
    outstanding_usd: Mapped[Decimal | None] = mapped_column(Usd)
    reported_on: Mapped[date | None]  # the last day about which anything was reported
    restructured_on: Mapped[date | None]
    lost_on: Mapped[date | None]  # since when nobody can follow the person up: not a default
    # How often its movements were settled. Two at once start from the same number, and one of them is refused.
    settled: Mapped[int] = mapped_column(default=0, server_default="0")
    # The oldest instalment that is not paid: late since then once it is past. None where nothing is owed.
    next_due_on: Mapped[date | None]
    # From when the five years of credit data count; None: from the last step. docs/decisions/0029.
    counted_from: Mapped[date | None]
    removed_at: Mapped[datetime | None]  # the five years are over: state, person and day of disbursement are left
    decline_reason: Mapped[DeclineReason | None] = mapped_column(state_column(DeclineReason))
    close_reason: Mapped[CloseReason | None] = mapped_column(state_column(CloseReason))
    note = sealed_optional_text()
    created_at: Mapped[datetime]
    # When the last step happened, or the day of the referral: how long somebody has been stuck.
    last_step_on: Mapped[date] = mapped_column(default=_day_of_creation)

    events: Mapped[list["LinkageEvent"]] = relationship(back_populates="linkage", order_by="LinkageEvent.id")
    movements: Mapped[list["CreditMovement"]] = relationship(
        back_populates="linkage", order_by="(CreditMovement.happened_on, CreditMovement.id)"
    )

    @property
    def next_states(self) -> list[LinkageState]:
        """The steps that can follow, in the river's order."""
        following = LINKAGE_MOVES[self.kind].get(self.state, frozenset())
        return [state for state in LinkageState if state in following]

    @property
    def is_open(self) -> bool:
        return self.state in OPEN_STATES

    @property
    def is_active_credit(self) -> bool:
        """Received and not yet ended, as far as known."""
        return self.state in ACTIVE_STATES

    @property
    def undisbursed_usd(self) -> Decimal | None:
        """What was approved and not disbursed yet; None when there is nothing left or nobody said."""
        if self.approved_usd is None or self.amount_usd is None or self.approved_usd <= self.amount_usd:
            return None
        return self.approved_usd - self.amount_usd

    @property
    def amount_expected(self) -> Decimal | None:
        """What the next step that names an amount is probably about: as much as was said before."""
        return self.approved_usd or self.requested_usd

    @property
    def path(self) -> list[LinkageState]:
        """The way this kind of linkage goes when all goes well."""
        last = [S.APPLIED, S.APPROVED, S.DISBURSED] if self.kind is LinkageKind.CREDIT else [S.OPENED]
        return [S.REFERRED, S.CONTACTED, S.DOCUMENTS, *last]

    @property
    def referred_on(self) -> date:
        return local_day(self.referral.referred_at)

    @property
    def chosen_product_id(self) -> int | None:
        """The product that the referral was sent for; None on what was added under it later."""
        chosen = self.referral.product
        is_first = self.created_at == self.referral.referred_at
        return chosen.id if chosen is not None and chosen.kind is self.kind and is_first else None

    def days_since_step(self, day: date) -> int:
        """Days from the last step to `day`, never below zero."""
        return max((day - self.last_step_on).days, 0)


class LinkageEvent(Model):
    """A step of a linkage: when it happened, and when and by whom it was logged. Never edited."""

    __tablename__ = "linkage_event"

    id: Mapped[int] = mapped_column(primary_key=True)
    linkage_id: Mapped[int] = mapped_column(ForeignKey("linkage.id"), index=True)
    linkage: Mapped[Linkage] = relationship(back_populates="events")
    from_state: Mapped[LinkageState] = mapped_column(state_column(LinkageState, "from_state"))
    to_state: Mapped[LinkageState] = mapped_column(state_column(LinkageState, "to_state"))
    happened_on: Mapped[date]
    logged_at: Mapped[datetime]
    logged_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    logged_by: Mapped[User] = relationship()


class LinkageRequestKey(Model):
    """A program's request that was already answered: the same key brings the same answer, and never a second row."""

    __tablename__ = "linkage_request_key"
    __table_args__ = (
        UniqueConstraint("user_id", "key"),
        CheckConstraint("event_id IS NULL OR movement_id IS NULL", name="one_answer"),
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    user_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    key: Mapped[str] = mapped_column(String(80))
    request_hash: Mapped[str] = mapped_column(String(64))
    linkage_id: Mapped[int] = mapped_column(ForeignKey("linkage.id"))
    event_id: Mapped[int | None] = mapped_column(ForeignKey("linkage_event.id"))
    event: Mapped[LinkageEvent | None] = relationship()
    movement_id: Mapped[int | None] = mapped_column(ForeignKey("credit_movement.id"), index=True)
    movement: Mapped["CreditMovement | None"] = relationship()
    created_at: Mapped[datetime]
