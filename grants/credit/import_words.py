"""What the columns, kinds and reasons of a lender's file are called on the screen and in the file of refused rows."""

from typing import Any

from flask_babel import lazy_gettext as _

from grants.credit.import_reasons import Reason
from grants.credit.import_settings import EventKind, Field
from grants.credit.models import ImportRow, ImportState, RowOutcome
from grants.credit.workbooks import Trouble

FIELD_NAMES = {
    Field.OPERATION: _("Operation number"),
    Field.FOLIO: _("Folio"),
    Field.DOCUMENT: _("Document number"),
    Field.NAME: _("Name"),
    Field.KIND: _("What happened"),
    Field.DAY: _("Day"),
    Field.AMOUNT: _("Amount"),
    Field.PRINCIPAL: _("Principal paid"),
    Field.INTEREST: _("Interest paid"),
    Field.OTHER: _("Other charges paid"),
    Field.BALANCE: _("Principal still owed"),
    Field.DAYS_LATE: _("Days late"),
    Field.OVERDUE: _("Overdue amount"),
    Field.RECEIPT: _("Receipt number"),
    Field.CURRENCY: _("Currency"),
    Field.TERM: _("Term in months"),
    Field.RATE: _("Yearly rate in percent"),
    Field.DECLINE: _("Reason for declining"),
}

EVENT_NAMES = {
    EventKind.CONTACTED: _("Contacted"),
    EventKind.APPLIED: _("Applied"),
    EventKind.APPROVED: _("Approved"),
    EventKind.DECLINED: _("Declined"),
    EventKind.DISBURSEMENT: _("Disbursement"),
    EventKind.REPAYMENT: _("Repayment"),
    EventKind.BALANCE: _("Balance"),
    EventKind.WRITE_OFF: _("Write-off"),
    EventKind.RECOVERY: _("Recovery after a write-off"),
}

IMPORT_STATES = {
    ImportState.MAPPING: _("Say what the columns mean"),
    ImportState.CHECKING: _("Being checked"),
    ImportState.READY: _("Checked: decide"),
    ImportState.APPLYING: _("Being applied"),
    ImportState.APPLIED: _("File applied"),
    ImportState.DISCARDED: _("Forgotten"),
}
IMPORT_TONES = {
    ImportState.MAPPING: "warn",
    ImportState.CHECKING: "active",
    ImportState.READY: "warn",
    ImportState.APPLYING: "active",
    ImportState.APPLIED: "good",
}

OUTCOME_NAMES = {
    RowOutcome.WAITING: _("Waits"),
    RowOutcome.LEFT_OUT: _("Left out"),
    RowOutcome.READ: _("Read"),
    RowOutcome.GOOD: _("OK"),
    RowOutcome.NOTHING_NEW: _("Nothing new"),
    RowOutcome.BAD: _("Correct it"),
    RowOutcome.APPLIED: _("Row applied"),
}
OUTCOME_TONES = {RowOutcome.GOOD: "good", RowOutcome.APPLIED: "good", RowOutcome.BAD: "warn"}

SENTENCES = {
    Reason.TITLE: _("It stands above the heading."),
    Reason.HEADING: _("It is the heading."),
    Reason.TOTAL: _("It is a total."),
    Reason.MISSING: _("This cell is empty, and the row needs it. Fill it in."),
    Reason.FORMULA: _("This cell is a formula without a result. Write the value itself."),
    Reason.TOO_LONG: _("This cell is too long. Write only what the column is for."),
    Reason.INVISIBLE: _("This cell holds a sign that cannot be seen. Write it again by hand."),
    Reason.NOT_A_NUMBER: _("This is not a number. Write digits, and the decimal mark of the file."),
    Reason.AMBIGUOUS: _("This could be thousands or decimals. Write it with the decimal mark of the file."),
    Reason.TOO_PRECISE: _("This has too many decimals: amounts have two. Round it, or check the decimal mark."),
    Reason.NEGATIVE: _("This is below zero. A payment taken back is reversed by hand."),
    Reason.ZERO: _("This is zero. Write an amount, or take the row out."),
    Reason.TOO_LARGE: _("This number is too large. Check the zeros and the decimal mark."),
    Reason.NOT_A_DAY: _("This is not a day from 2000 on, written with four digits of the year. Write it as 5/3/2026."),
    Reason.KIND: _("This word is none of those that say what happened. Correct it, or explain it with the columns."),
    Reason.CURRENCY: _("Amounts are in US dollars only. Correct the currency, or take the row out."),
    Reason.BAD_OPERATION: _("This is not an operation number: letters, digits, spaces and . / - _ only."),
    Reason.BAD_RECEIPT: _("This is not a receipt number: letters, digits, spaces and . / - _ only."),
    Reason.DECLINE: _("This is none of the reasons for declining. Use the words of the guide."),
    Reason.SPLIT: _("Principal, interest and other charges do not add up to the amount. Correct them."),
    # One sentence for all whom the institution does not see: it must not tell whether somebody else knows them.
    Reason.UNKNOWN: _("No credit of your institution fits this row. Check the number, or take the row out."),
    Reason.SEVERAL: _("The person has more than one credit here. Write the operation number or the linkage's folio."),
    Reason.CONFLICT: _("The operation number and the folio or document are of two people. Correct one of them."),
    Reason.NOT_ACCEPTED: _("The referral is not accepted yet. Accept it first."),
    Reason.FUTURE: _("This day is in the future. Send the row once it has happened."),
    Reason.TOO_EARLY: _("This day is before what came before it, as the referral or the disbursement. Check the date."),
    Reason.STATE: _("This cannot happen where the credit is now. Look at its state first."),
    Reason.STATE_THEN: _("That cannot be logged where the credit was on that day. Look at its movements first."),
    Reason.PART: _("The credit is disbursed already. Another part of it needs a receipt number of its own."),
    Reason.TERMS: _("The first disbursement needs the operation number, the term, the rate and its kind."),
    Reason.INSTALMENTS: _("This term gives more than 600 instalments. Check the term, which is in months."),
    Reason.OPERATION_TAKEN: _("Your institution has used this operation number already. Check the number."),
    Reason.TOTAL_FELL: _("This total is less than what is logged as paid until that day. Check the amount."),
    Reason.LATER_TOTAL: _(
        "A payment of a later day is logged already, and may hold what is new here. Send totals in the order of their "
        "days; log what is missing by hand."
    ),
    Reason.LATER: _(
        "With what was logged for later days, more would be repaid than was owed. Look at the later movements first."
    ),
    Reason.NOT_LAST: _("Something was logged for a later day. Check the date, or have that taken back first."),
    Reason.TAKEN_BACK: _(
        "The same was logged here, and two people took it back. If it happened after all, log it by hand; otherwise "
        "take the row out, or correct it."
    ),
    Reason.OWED: _(
        "That does not fit what was owed on that day. Check the amount and the date; if it is right, report "
        "the balance of the day before first."
    ),
    Reason.APPROVED: _("That is more than was approved. Check the amount; what goes beyond it is another credit."),
    Reason.CEILING: _(
        "This rate is above the ceiling of that day. Check the rate, and whether it is nominal or effective."
    ),
    Reason.LOGGED: _("It is logged already."),
    Reason.LOGGED_BY_HAND: _("The same was logged by hand."),
    Reason.RECEIPT_DIFFERS: _("This receipt number is logged already, for something else. Check the number."),
    Reason.BUSY: _("Somebody logged something about this credit meanwhile. Send the row again."),
    Reason.RULE: _(
        "A rule refuses one of the rows of this credit. Log them by hand: there it is said which. Then take them out."
    ),
}

TROUBLES = {
    Trouble.EMPTY: _("This file holds no row. Choose the file with the table, on its first sheet."),
    Trouble.NOT_A_SHEET: _("This is not a spreadsheet. Save the table as XLSX, ODS or CSV, and send that."),
    Trouble.DAMAGED: _("This file is damaged. Open it, save it again as XLSX, ODS or CSV, and send that."),
    Trouble.LOCKED: _("This file has a password. Save it without one, and send that."),
    Trouble.OLD_XLS: _("This is an old XLS file. Save it as XLSX, and send that."),
    Trouble.HTML: _("This is a web page with the ending of a spreadsheet. Open it, save it as XLSX, and send that."),
    Trouble.TOO_BIG: _("This file is too large. Split it, and send the parts one after another."),
    Trouble.TOO_MANY: _("This file has more than 20,000 rows. Split it, and send the parts one after another."),
    Trouble.TOO_WIDE: _("This file has more than 60 columns. Take out those that are not needed."),
    Trouble.LONG_CELL: _("A cell of this file is as long as a book. Take it out, and send the file again."),
    Trouble.ENTITIES: _("This file holds what no spreadsheet needs. Save it again as XLSX, and send that."),
}


def said(row: ImportRow) -> Any:
    """What a row comes to, in a sentence; nothing to say of one that is good."""
    if row.reason is None:
        return ""
    reason = Reason(row.reason)
    if reason in (Reason.REPEATED, Reason.REPEATED_RECEIPT):
        if reason is Reason.REPEATED_RECEIPT:
            return _("Row %(row)d has this receipt number. Keep one of the two.", row=row.other_number or 0)
        return _("Row %(row)d says the same. Take one out, or give each its receipt number.", row=row.other_number or 0)
    return SENTENCES[reason]


def column_of(row: ImportRow) -> Any:
    """The name of the column that the sentence concerns, where it concerns one."""
    return FIELD_NAMES[Field(row.field)] if row.field else ""
