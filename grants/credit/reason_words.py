"""What reasons against a product and document situations are called on the screen."""

from flask_babel import lazy_gettext as _

from grants.credit.matching import Reason
from grants.credit.openings import DocumentSituation

REASON_WORDS = {
    Reason.INSTITUTION_INACTIVE: _("The institution is not active"),
    Reason.NO_AGREEMENT: _("No agreement in force"),
    Reason.NOT_OFFERED_NOW: _("Not offered now"),
    Reason.OUTSIDE_LOCATIONS: _("Does not attend this canton"),
    Reason.DOCUMENT_NOT_ACCEPTED: _("Document not accepted"),
    Reason.DOCUMENT_EXPIRED: _("Document expired"),
    Reason.MEMBERSHIP_NEEDED: _("For members only"),
    Reason.AGE: _("Age"),
    Reason.AMOUNT_TOO_SMALL: _("The amount is below its least"),
    Reason.AMOUNT_TOO_LARGE: _("The amount is above its most"),
    Reason.TERM: _("The term does not fit"),
}

SITUATION_NAMES = {
    DocumentSituation.ECUADORIAN: _("Ecuadorian card"),
    DocumentSituation.OTHER_VALID: _("Other valid"),
    DocumentSituation.EXPIRED: _("Only expired"),
    DocumentSituation.NONE: _("Without any"),
}
