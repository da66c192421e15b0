"""What states, kinds and reasons are called on the screen."""

from typing import Any

from flask_babel import lazy_gettext as _

from grants.credit.amounts import Doubt
from grants.credit.models import (
    Amortization,
    DeclineReason,
    Frequency,
    InstitutionKind,
    Linkage,
    LinkageKind,
    LinkageState,
    RateKind,
    ReferralState,
    Segment,
)

INSTITUTION_KIND_NAMES = {
    InstitutionKind.BANK: _("Bank"),
    InstitutionKind.COOPERATIVE: _("Cooperative"),
    InstitutionKind.SAVINGS_BANK: _("Savings bank"),
}

REFERRAL_STATE_NAMES = {
    ReferralState.SENT: _("Waiting for an answer"),
    ReferralState.ACCEPTED: _("Accepted"),
    ReferralState.DECLINED: _("Declined"),
    ReferralState.WITHDRAWN: _("Withdrawn"),
    ReferralState.EXPIRED: _("Expired"),
    ReferralState.REASSIGNED: _("Sent on to another institution"),
}

KIND_NAMES = {
    LinkageKind.CREDIT: _("Credit"),
    LinkageKind.SAVINGS_ACCOUNT: _("Savings account"),
    LinkageKind.MEMBERSHIP: _("Membership"),
}

STATE_NAMES = {
    LinkageState.REFERRED: _("Referred"),
    LinkageState.CONTACTED: _("Contacted"),
    LinkageState.DOCUMENTS: _("Documents handed in"),
    LinkageState.APPLIED: _("Applied"),
    LinkageState.APPROVED: _("Approved"),
    LinkageState.DISBURSED: _("Disbursed"),
    LinkageState.REPAYING: _("Repaying"),
    LinkageState.REPAID: _("Repaid"),
    LinkageState.OPENED: _("Opened"),
    LinkageState.CLOSED: _("Closed"),
    LinkageState.DECLINED: _("Declined"),
    LinkageState.WITHDRAWN: _("Withdrawn"),
    LinkageState.WRITTEN_OFF: _("Written off"),
}

STEP_NAMES = {
    LinkageState.CONTACTED: _("I contacted the person"),
    LinkageState.DOCUMENTS: _("The documents are handed in"),
    LinkageState.APPLIED: _("The person applied"),
    LinkageState.APPROVED: _("The credit is approved"),
    LinkageState.DISBURSED: _("The credit is disbursed"),
    LinkageState.OPENED: _("The account or membership is open"),
    LinkageState.CLOSED: _("The account was closed or the member left"),
    LinkageState.DECLINED: _("We declined"),
    LinkageState.WITHDRAWN: _("The person withdrew"),
}

TONES = {
    LinkageState.REFERRED: "warn",
    LinkageState.REPAID: "good",
    LinkageState.OPENED: "good",
    LinkageState.CLOSED: "quiet",
    LinkageState.DECLINED: "quiet",
    LinkageState.WITHDRAWN: "quiet",
    LinkageState.WRITTEN_OFF: "bad",
    ReferralState.SENT: "warn",
    ReferralState.ACCEPTED: "active",
}

REASON_NAMES = {
    DeclineReason.DOCUMENT_NOT_ACCEPTED: _("Document not accepted"),
    DeclineReason.STATUS_NOT_ACCEPTED: _("Migratory status not accepted"),
    DeclineReason.OUTSIDE_BOND: _("Outside the membership bond"),
    DeclineReason.AGE: _("Age"),
    DeclineReason.NO_GUARANTOR: _("No guarantor"),
    DeclineReason.CREDIT_BUREAU: _("Credit bureau record"),
    DeclineReason.CAPACITY_TO_PAY: _("Capacity to pay"),
    DeclineReason.INCOMPLETE_FILE: _("Incomplete file"),
    DeclineReason.CLIENT_WITHDREW: _("The person did not want to go on"),
    DeclineReason.NOT_REACHABLE: _("Not reachable"),
    DeclineReason.MOVED_AWAY: _("Moved away"),
}

RATE_KIND_NAMES = {
    RateKind.NOMINAL: _("Nominal rate"),
    RateKind.EFFECTIVE: _("Effective rate (TEA)"),
}

SEGMENT_NAMES = {
    Segment.MINORISTA: _("Retail microcredit"),
    Segment.SIMPLE: _("Simple accumulation microcredit"),
    Segment.AMPLIADA: _("Extended accumulation microcredit"),
    Segment.SOCIAL: _("Social interest microcredit"),
}

AMORTIZATION_NAMES = {
    Amortization.FRENCH: _("French: equal instalments"),
    Amortization.GERMAN: _("German: equal principal"),
    Amortization.SINGLE: _("Everything at the end"),
}

FREQUENCY_NAMES = {
    Frequency.WEEKLY: _("Weekly"),
    Frequency.FORTNIGHTLY: _("Every two weeks"),
    Frequency.MONTHLY: _("Monthly"),
}

DOUBTS = {
    Doubt.NOT_A_NUMBER: _("Write a number, for example 850 or 850,00."),
    Doubt.AMBIGUOUS: _("That could be thousands or decimals. Write 1234 or 1234,00 or 1,23 instead."),
    Doubt.TOO_PRECISE: _("That has too many decimals. Amounts have two at most, rates four."),
    Doubt.NOT_POSITIVE: _("Write a number above zero."),
    Doubt.TOO_LARGE: _("That number is too large. Check the zeros and the decimal mark."),
    Doubt.NOT_A_DAY: _("Write the day as day/month/year, for example 5/3/2026."),
}


def way(linkage: Linkage) -> list[Any]:
    """The steps of this linkage's way, in words."""
    return [STATE_NAMES[state] for state in linkage.path]
