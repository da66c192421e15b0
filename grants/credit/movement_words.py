"""What movements of credits, their instalments and their reasons are called on the screen."""

from flask_babel import lazy_gettext as _

from grants.credit.models import CloseReason, LostReason, MovementKind, Source
from grants.credit.progress import Progress
from grants.credit.standing import Health

MOVEMENT_NAMES = {
    MovementKind.DISBURSEMENT: _("Disbursement"),
    MovementKind.REPAYMENT: _("Repayment"),
    MovementKind.BALANCE: _("Balance"),
    MovementKind.RESTRUCTURE: _("New terms"),
    MovementKind.WRITE_OFF: _("Write-off"),
    MovementKind.RECOVERY: _("Recovery"),
}

MOVEMENT_TITLES = {
    MovementKind.DISBURSEMENT: _("Another part was disbursed"),
    MovementKind.REPAYMENT: _("The person paid"),
    MovementKind.BALANCE: _("What is owed now"),
    MovementKind.RESTRUCTURE: _("The credit got new terms"),
    MovementKind.WRITE_OFF: _("The credit was written off"),
    MovementKind.RECOVERY: _("The person paid after the write-off"),
}

SOURCE_NAMES = {
    Source.LENDER: _("The institution's books"),
    Source.CALL: _("By a call"),
    Source.VISIT: _("By a visit"),
    Source.BOOKLET: _("From the member's booklet"),
    Source.FILE: _("From a file"),
    Source.API: _("From the core system"),
}

HEALTH_NAMES = {
    Health.CURRENT: _("Up to date"),
    Health.LATE: _("In arrears"),
    Health.UNKNOWN: _("Unknown"),
}

PROGRESS_NAMES = {
    Progress.PAID: _("Paid"),
    Progress.PARTLY: _("Paid in part"),
    Progress.LATE: _("Overdue"),
    Progress.COMING: _("To come"),
    Progress.ENDED: _("Written off"),
    Progress.LET_OFF: _("Not paid, and not late as the lender says"),
}

CLOSE_REASON_NAMES = {
    CloseReason.OWN_WISH: _("The person's own wish"),
    CloseReason.MOVED_AWAY: _("Moved away"),
    CloseReason.COSTS: _("Its costs"),
    CloseReason.NOT_USED: _("It was not used"),
    CloseReason.EXPELLED: _("The institution ended it"),
    CloseReason.INSTITUTION_CLOSED: _("The institution closed"),
    CloseReason.DIED: _("The person died"),
}

LOST_REASON_NAMES = {
    LostReason.NOT_REACHABLE: _("Not reachable"),
    LostReason.MOVED_AWAY: _("Moved away"),
    LostReason.LEFT_COUNTRY: _("Left the country"),
    LostReason.LEFT_INSTITUTION: _("Left the institution"),
    LostReason.DIED: _("The person died"),
}

TONES = {
    Health.CURRENT: "good",
    Health.LATE: "bad",
    Health.UNKNOWN: "warn",
    Progress.PAID: "good",
    Progress.PARTLY: "warn",
    Progress.LATE: "bad",
}
