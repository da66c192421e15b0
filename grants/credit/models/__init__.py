"""Institutions, their products, referrals, linkages and what is repaid. A register: Semilla lends nothing."""

from grants.credit.models.institutions import (
    Agreement,
    AgreementKind,
    CooperativeSegment,
    Institution,
    InstitutionKind,
    InstitutionLocation,
    InstitutionSupport,
    LiaisonPost,
    SavingsBankReport,
    SupportKind,
)
from grants.credit.models.linkages import (
    ACTIVE_STATES,
    CREDITED_STATES,
    ENDINGS,
    LINKAGE_MOVES,
    OPEN_STATES,
    DeclineReason,
    Linkage,
    LinkageEvent,
    LinkageRequestKey,
    LinkageState,
)
from grants.credit.models.movements import CreditMovement, MovementKind, MovementReversal, ReversalState, Source
from grants.credit.models.products import (
    AcceptedDocument,
    Amortization,
    Frequency,
    LinkageKind,
    Product,
    ProductTerms,
    RateCeiling,
    RateKind,
    Segment,
)
from grants.credit.models.referrals import ENDED_REFERRAL_STATES, OPEN_REFERRAL_STATES, Referral, ReferralState
from grants.credit.models.reminders import CreditReminder, ReminderKind

__all__ = [
    "ACTIVE_STATES", "CREDITED_STATES", "ENDED_REFERRAL_STATES", "ENDINGS", "LINKAGE_MOVES", "OPEN_REFERRAL_STATES",
    "OPEN_STATES",
    "AcceptedDocument", "Agreement", "AgreementKind", "Amortization", "CooperativeSegment", "CreditMovement",
    "CreditReminder",
    "DeclineReason", "Frequency", "Institution", "InstitutionKind", "InstitutionLocation", "InstitutionSupport",
    "LiaisonPost", "Linkage", "LinkageEvent", "LinkageKind", "LinkageRequestKey", "LinkageState", "MovementKind",
    "MovementReversal", "Product", "ProductTerms", "RateCeiling", "RateKind", "Referral", "ReferralState",
    "ReminderKind",
    "ReversalState", "SavingsBankReport", "Segment", "Source", "SupportKind",
]  # fmt: skip
