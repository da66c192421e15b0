"""Institutions, their products, referrals, linkages and what is repaid. A register: Semilla lends nothing."""

from grants.credit.models.imports import CreditImport, ImportMapping, ImportMode, ImportRow, ImportState, RowOutcome
from grants.credit.models.institutions import (
    Agreement,
    AgreementEnd,
    AgreementKind,
    CooperativeSegment,
    Institution,
    InstitutionKind,
    InstitutionLocation,
    InstitutionSupport,
    LiaisonPost,
    SavingsBankReport,
    SupportEvidence,
    SupportKind,
)
from grants.credit.models.linkages import (
    ACTIVE_STATES,
    CREDITED_STATES,
    ENDINGS,
    LINKAGE_MOVES,
    OPEN_STATES,
    CloseReason,
    DeclineReason,
    Linkage,
    LinkageEvent,
    LinkageRequestKey,
    LinkageState,
    LostReason,
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
from grants.credit.models.referrals import (
    ANSWER_DAYS,
    ENDED_REFERRAL_STATES,
    OPEN_REFERRAL_STATES,
    REASSIGNABLE_STATES,
    Referral,
    ReferralState,
)
from grants.credit.models.reminders import CreditReminder, ReminderKind
from grants.credit.models.satisfaction import CreditAnswer, Outcome, SurveyChannel
from grants.credit.models.webhooks import Webhook, WebhookEvent, WebhookEventKind, WebhookProblem

__all__ = [
    "ACTIVE_STATES", "ANSWER_DAYS", "CREDITED_STATES", "ENDED_REFERRAL_STATES", "ENDINGS", "LINKAGE_MOVES",
    "OPEN_REFERRAL_STATES", "OPEN_STATES", "REASSIGNABLE_STATES", "AcceptedDocument", "Agreement", "AgreementEnd",
    "AgreementKind", "Amortization", "CloseReason", "CooperativeSegment", "CreditAnswer", "CreditImport",
    "CreditMovement", "CreditReminder", "DeclineReason", "Frequency", "ImportMapping", "ImportMode", "ImportRow",
    "ImportState", "Institution", "InstitutionKind", "InstitutionLocation", "InstitutionSupport", "LiaisonPost",
    "Linkage", "LinkageEvent", "LinkageKind", "LinkageRequestKey", "LinkageState", "LostReason", "MovementKind",
    "MovementReversal", "Outcome", "Product", "ProductTerms", "RateCeiling", "RateKind", "Referral",
    "ReferralState", "ReminderKind", "ReversalState", "RowOutcome", "SavingsBankReport", "Segment", "Source",
    "SupportEvidence", "SupportKind", "SurveyChannel", "Webhook", "WebhookEvent", "WebhookEventKind",
    "WebhookProblem",
]  # fmt: skip
