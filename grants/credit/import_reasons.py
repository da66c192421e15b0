"""Why a row of a lender's file is left out, refused or nothing new, in codes. Pure."""

from enum import StrEnum

from grants.credit.amounts import Doubt
from grants.credit.import_settings import Field


class Reason(StrEnum):
    """Why a row is left out, refused, or nothing new."""

    TITLE = "title"
    HEADING = "heading"
    TOTAL = "total"
    # The cells
    MISSING = "missing"
    FORMULA = "formula"
    TOO_LONG = "too_long"
    INVISIBLE = "invisible"
    NOT_A_NUMBER = "not_a_number"
    AMBIGUOUS = "ambiguous"
    TOO_PRECISE = "too_precise"
    NEGATIVE = "negative"
    ZERO = "zero"
    TOO_LARGE = "too_large"
    NOT_A_DAY = "not_a_day"
    KIND = "kind"
    CURRENCY = "currency"
    BAD_OPERATION = "bad_operation"
    BAD_RECEIPT = "bad_receipt"
    DECLINE = "decline"
    SPLIT = "split"
    # Held against what is known
    UNKNOWN = "unknown"
    SEVERAL = "several"
    CONFLICT = "conflict"
    NOT_ACCEPTED = "not_accepted"
    FUTURE = "future"
    TOO_EARLY = "too_early"
    STATE = "state"
    STATE_THEN = "state_then"
    PART = "part"
    TERMS = "terms"
    INSTALMENTS = "instalments"
    REPEATED = "repeated"
    REPEATED_RECEIPT = "repeated_receipt"
    RECEIPT_DIFFERS = "receipt_differs"
    OPERATION_TAKEN = "operation_taken"
    TAKEN_BACK = "taken_back"
    TOTAL_FELL = "total_fell"
    LATER_TOTAL = "later_total"
    OWED = "owed"
    LATER = "later"
    NOT_LAST = "not_last"
    APPROVED = "approved"
    CEILING = "ceiling"
    LOGGED = "logged"
    LOGGED_BY_HAND = "logged_by_hand"
    BUSY = "busy"
    RULE = "rule"


REASON_OF_DOUBT = {
    Doubt.NOT_A_NUMBER: Reason.NOT_A_NUMBER,
    Doubt.AMBIGUOUS: Reason.AMBIGUOUS,
    Doubt.TOO_PRECISE: Reason.TOO_PRECISE,
    Doubt.NOT_POSITIVE: Reason.ZERO,
    Doubt.TOO_LARGE: Reason.TOO_LARGE,
    Doubt.NOT_A_DAY: Reason.NOT_A_DAY,
}


class RowDoubt(Exception):
    """A row that cannot be taken, why, and the column it concerns."""

    def __init__(self, reason: Reason, field: Field | None = None, other: int | None = None) -> None:
        super().__init__(reason.value)
        self.reason, self.field, self.other = reason, field, other
