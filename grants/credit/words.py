"""What states, kinds and reasons are called on the screen."""

from typing import Any

from flask_babel import lazy_gettext as _

from grants.credit.amounts import Doubt
from grants.credit.models import (
    AgreementEnd,
    AgreementKind,
    Amortization,
    CooperativeSegment,
    DeclineReason,
    Frequency,
    InstitutionKind,
    Linkage,
    LinkageKind,
    LinkageState,
    RateKind,
    ReferralState,
    Segment,
    SupportKind,
)
from grants.people.words import DOCUMENT_NAMES as DOCUMENT_NAMES

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

COOPERATIVE_SEGMENT_NAMES = {
    CooperativeSegment.ONE: _("Segment 1"),
    CooperativeSegment.TWO: _("Segment 2"),
    CooperativeSegment.THREE: _("Segment 3"),
    CooperativeSegment.FOUR: _("Segment 4"),
    CooperativeSegment.FIVE: _("Segment 5"),
}

AGREEMENT_KIND_NAMES = {
    AgreementKind.MEMORANDUM: _("Memorandum of understanding"),
    AgreementKind.AGREEMENT: _("Cooperation agreement"),
    AgreementKind.LETTER: _("Letter of commitment"),
}

AGREEMENT_END_NAMES = {
    AgreementEnd.REPLACED: _("Another agreement replaces it"),
    AgreementEnd.INSTITUTION_LEFT: _("The institution ended it"),
    AgreementEnd.PROGRAMME_ENDED_IT: _("The programme ended it"),
    AgreementEnd.MISTAKE: _("It was recorded by mistake"),
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

SUPPORT_KIND_NAMES = {
    SupportKind.OFFICE_EQUIPMENT: _("Office equipment"),
    SupportKind.WORKING_CAPITAL: _("Working capital for lending"),
    SupportKind.ACCOUNT_OPENING: _("Accounts for women in human mobility"),
}

DOUBTS = {
    Doubt.NOT_A_NUMBER: _("Write a number, for example 850 or 850,00."),
    Doubt.AMBIGUOUS: _("That could be thousands or decimals. Write 1234 or 1234,00 or 1,23 instead."),
    Doubt.TOO_PRECISE: _("That has too many decimals. Amounts have two at most, rates four."),
    Doubt.NOT_POSITIVE: _("Write a number above zero."),
    Doubt.TOO_LARGE: _("That number is too large. Check the zeros and the decimal mark."),
    Doubt.NOT_A_DAY: _("Write the day as day/month/year, for example 5/3/2026."),
    Doubt.NOT_WHOLE: _("Write a whole number, for example 18. Check that it is not too large."),
}


def way(linkage: Linkage) -> list[Any]:
    """The steps of this linkage's way, in words."""
    return [STATE_NAMES[state] for state in linkage.path]
