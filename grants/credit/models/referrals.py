"""Referrals: a person sent to one institution, under a consent that names it."""

from datetime import date, datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from sqlalchemy import JSON, CheckConstraint, ForeignKey, Index, String, text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.access.models import User
from grants.core.db import Model, state_column
from grants.credit.models.institutions import Institution
from grants.credit.models.products import Product
from grants.credit.sharing import MINIMUM, Shared, SharedField, share, short_name
from grants.people.models import Consent, Person

if TYPE_CHECKING:
    from grants.credit.models.linkages import Linkage


ANSWER_DAYS = 30  # an institution has to answer, unless the installation says otherwise
# The first version of the text promises not to share the population group at all.
GROUP_ASKED_SINCE = 2


class ReferralState(StrEnum):
    SENT = "sent"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    WITHDRAWN = "withdrawn"
    EXPIRED = "expired"  # nobody answered in time
    REASSIGNED = "reassigned"  # sent on to another institution, under a consent of its own


OPEN_REFERRAL_STATES = frozenset({ReferralState.SENT, ReferralState.ACCEPTED})
# The institution no longer sees the person.
ENDED_REFERRAL_STATES = frozenset({ReferralState.WITHDRAWN, ReferralState.EXPIRED, ReferralState.REASSIGNED})
# What another institution can be asked for: nobody took the person on, and the person did not take it back.
REASSIGNABLE_STATES = frozenset({ReferralState.SENT, ReferralState.DECLINED, ReferralState.EXPIRED})


# One that was emptied after five years stands in nobody's way: nobody sees it, so nobody could go on with it.
OPEN_ONE = "state IN ('sent', 'accepted') AND removed_at IS NULL"


class Referral(Model):
    """A person sent to one institution, under a consent that names it."""

    __tablename__ = "referral"
    __table_args__ = (
        Index("ix_referral_institution_state", "institution_id", "state"),
        Index("uq_referral_open", "person_id", "institution_id", unique=True,
              sqlite_where=text(OPEN_ONE), postgresql_where=text(OPEN_ONE)),
        Index("ix_referral_state_expires", "state", "expires_on"),
        # Sent on once: from there the new referral is the one to send on.
        Index("uq_referral_reassigned_from", "reassigned_from_id", unique=True),
        CheckConstraint("removed_at IS NOT NULL OR (state = 'declined') = (decline_reason IS NOT NULL)",
                        name="decline_has_reason"),
        CheckConstraint("removed_at IS NULL OR (need = '' AND decline_reason IS NULL)", name="removed_is_bare"),
    )  # fmt: skip

    id: Mapped[int] = mapped_column(primary_key=True)
    folio: Mapped[str] = mapped_column(String(12), unique=True)
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person: Mapped[Person] = relationship()
    institution_id: Mapped[int] = mapped_column(ForeignKey("institution.id"))
    institution: Mapped[Institution] = relationship()
    consent_id: Mapped[int] = mapped_column(ForeignKey("consent.id"))
    consent: Mapped[Consent] = relationship()
    state: Mapped[ReferralState] = mapped_column(state_column(ReferralState), default=ReferralState.SENT)
    need: Mapped[str] = mapped_column(String(300), default="")
    product_id: Mapped[int | None] = mapped_column(ForeignKey("product.id"), index=True)  # the one that was chosen
    product: Mapped[Product | None] = relationship()
    referred_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    referred_by: Mapped[User] = relationship()
    referred_at: Mapped[datetime]
    expires_on: Mapped[date | None]  # the last day on which it can be answered; None: it does not expire
    acknowledged_at: Mapped[datetime | None]  # when the institution first opened it
    answered_at: Mapped[datetime | None]
    decline_reason: Mapped[str | None] = mapped_column(String(40))
    removed_at: Mapped[datetime | None]  # nothing under it may be shown any more; what was shared stays provable
    # What the consent covers, as words of SharedField; None on what was sent before this was asked: the minimum.
    shared_fields: Mapped[list[str] | None] = mapped_column(JSON)
    reassigned_from_id: Mapped[int | None] = mapped_column(ForeignKey("referral.id"))
    reassigned_from: Mapped["Referral | None"] = relationship(remote_side=[id])

    linkages: Mapped[list["Linkage"]] = relationship(back_populates="referral", order_by="Linkage.id")

    @property
    def is_open(self) -> bool:
        """Still on its way or accepted, and not emptied after its five years."""
        return self.state in OPEN_REFERRAL_STATES and self.removed_at is None

    @property
    def can_be_reassigned(self) -> bool:
        """Whether another institution may be asked. That it was not yet is settled by the index."""
        return self.state in REASSIGNABLE_STATES

    def can_be_answered_on(self, day: date) -> bool:
        """Whether the institution may still accept or decline, also before the job has ended what is overdue."""
        return self.state is ReferralState.SENT and (self.expires_on is None or day <= self.expires_on)

    @property
    def short_name(self) -> str:
        return short_name(self.person)

    @property
    def covers(self) -> frozenset[SharedField]:
        """What the person agreed to share with this institution."""
        return MINIMUM if self.shared_fields is None else frozenset(SharedField(one) for one in self.shared_fields)

    @property
    def shared(self) -> Shared:
        """All that the institution learns about the person."""
        return share(self.person, need=self.need, covers=self.covers)
