"""The words of a delivery: its states and moves, duties, reasons and pictures (DELIVERY_PROTOCOL §3)."""

from enum import StrEnum

from flask_babel import lazy_gettext as _


class DeliveryState(StrEnum):
    DRAFT = "draft"
    PLANNED = "planned"
    APPROVED = "approved"
    PACKED = "packed"
    SEALED = "sealed"
    CLEARED = "cleared"
    SCHEDULED = "scheduled"
    IN_TRANSIT = "in_transit"
    AT_POINT = "at_point"
    PROVISIONAL = "provisional"
    REVIEW = "review"
    CONFIRMED = "confirmed"
    NO_SHOW = "no_show"
    REFUSED = "refused"
    PARTIAL = "partial"
    RETURNING = "returning"
    RETURNED = "returned"
    HELD = "held"
    SEIZED = "seized"
    DISPUTED = "disputed"
    REPLACEMENT = "replacement"
    RECONCILED = "reconciled"
    MONITORED = "monitored"
    CLOSED = "closed"
    CANCELLED = "cancelled"


NO_SNAPSHOT = "none"  # no risk snapshot is bound yet

# A delivery that has ended without consuming the entitlement makes room for another.
ENDED_WITHOUT_HANDOVER = (
    DeliveryState.RETURNED,
    DeliveryState.SEIZED,
    DeliveryState.REPLACEMENT,
    DeliveryState.CANCELLED,
)
# Steps of one delivery (§3). A move that is not here is refused.
S = DeliveryState
DELIVERY_MOVES = {
    S.DRAFT: frozenset({S.PLANNED, S.CANCELLED}),
    S.PLANNED: frozenset({S.APPROVED, S.CANCELLED}),
    S.APPROVED: frozenset({S.PACKED, S.CANCELLED}),
    S.PACKED: frozenset({S.SEALED, S.CANCELLED}),
    S.SEALED: frozenset({S.CLEARED, S.CANCELLED}),
    S.CLEARED: frozenset({S.SCHEDULED, S.HELD, S.CANCELLED}),
    S.SCHEDULED: frozenset({S.IN_TRANSIT, S.CLEARED, S.HELD, S.CANCELLED}),
    # Whatever a team carries may be taken from it.
    S.IN_TRANSIT: frozenset({S.AT_POINT, S.RETURNING, S.HELD, S.SEIZED}),
    # Back without more only while the stop may not go on.
    S.AT_POINT: frozenset({S.CONFIRMED, S.PROVISIONAL, S.NO_SHOW, S.REFUSED, S.PARTIAL, S.RETURNING, S.HELD, S.SEIZED}),
    S.PROVISIONAL: frozenset({S.CONFIRMED, S.REVIEW}),
    S.REVIEW: frozenset({S.CONFIRMED}),
    S.NO_SHOW: frozenset({S.RETURNING, S.SEIZED}),
    S.REFUSED: frozenset({S.RETURNING, S.SEIZED}),
    S.PARTIAL: frozenset({S.RETURNING, S.SEIZED}),
    S.RETURNING: frozenset({S.RETURNED, S.SEIZED}),
    # A kit that was on the road is brought back before its delivery goes on.
    S.HELD: frozenset({S.CLEARED, S.RETURNING, S.SEIZED, S.CANCELLED}),
    S.CONFIRMED: frozenset({S.RECONCILED, S.DISPUTED}),
    # Closed at once where the sample did not draw it.
    S.RECONCILED: frozenset({S.MONITORED, S.CLOSED, S.DISPUTED}),
    S.MONITORED: frozenset({S.CLOSED, S.DISPUTED}),
    S.DISPUTED: frozenset({S.RECONCILED, S.REPLACEMENT}),
}
# Steps that bring the kit nearer to its owner: they need an award that stands. Going back is always possible.
TOWARDS_HANDOVER = (S.APPROVED, S.PACKED, S.SEALED, S.CLEARED, S.SCHEDULED, S.IN_TRANSIT, S.AT_POINT, S.PROVISIONAL,
                    S.REVIEW, S.CONFIRMED)  # fmt: skip
# With the officer, on the way or at the point.
ON_THE_ROAD = (S.IN_TRANSIT, S.AT_POINT, S.NO_SHOW, S.REFUSED, S.PARTIAL)
# The risk of the area matters: held as soon as the desk says so.
MAY_BE_HELD = (S.CLEARED, S.SCHEDULED, S.IN_TRANSIT, S.AT_POINT)
# Nothing was handed over, or not all of it: the officer, or whoever receives it in the warehouse, says it comes back.
NOT_HANDED_OVER = (S.NO_SHOW, S.REFUSED, S.PARTIAL)
# The kit is no longer with the team: handed over, back in the warehouse, or taken from it.
NO_LONGER_CARRIED = (S.CONFIRMED, S.RETURNED, S.SEIZED)

STATE_NAMES = {
    S.DRAFT: _("Draft"),
    S.PLANNED: _("Planned"),
    S.APPROVED: _("Approved"),
    S.PACKED: _("Packed"),
    S.SEALED: _("Sealed"),
    S.CLEARED: _("Cleared"),
    S.SCHEDULED: _("Scheduled"),
    S.IN_TRANSIT: _("On the way"),
    S.AT_POINT: _("At the point"),
    S.PROVISIONAL: _("Provisional"),
    S.REVIEW: _("Under review"),
    S.CONFIRMED: _("Handed over"),
    S.NO_SHOW: _("Nobody came"),
    S.REFUSED: _("Refused"),
    S.PARTIAL: _("Partly handed over"),
    S.RETURNING: _("On the way back"),
    S.RETURNED: _("Returned"),
    S.HELD: _("Rescheduled"),  # neutral words: why is the security desk's business
    S.SEIZED: _("Not delivered"),
    S.DISPUTED: _("Disputed"),
    S.REPLACEMENT: _("To be replaced"),
    S.RECONCILED: _("Reconciled"),
    S.MONITORED: _("Visited"),
    S.CLOSED: _("Closed"),
    S.CANCELLED: _("Cancelled"),
}


class Duty(StrEnum):
    """What a person did for one delivery. Nobody holds two (DELIVERY_PROTOCOL §3)."""

    APPROVE = "approve"
    PACK = "pack"
    RELEASE = "release"
    CONFIRM = "confirm"
    RECONCILE = "reconcile"
    MONITOR = "monitor"


class Reason(StrEnum):
    """Why a delivery left the straight way. A code: no free text, so no personal data."""

    NOBODY_CAME = "nobody_came"
    DID_NOT_WANT = "did_not_want"
    WRONG_GOODS = "wrong_goods"
    DAMAGED = "damaged"
    SEAL_BROKEN = "seal_broken"
    SOME_MISSING = "some_missing"
    RESCHEDULED = "rescheduled"
    TAKEN = "taken"
    IDENTITY_NOT_PROVEN = "identity_not_proven"
    NOT_RECEIVED = "not_received"
    NOT_COMPLETE = "not_complete"
    NOT_AS_AGREED = "not_as_agreed"
    RECORDS_AGREE = "records_agree"
    RECORDS_DIFFER = "records_differ"
    ROAD_CLOSED = "road_closed"
    PLANNED_BY_MISTAKE = "planned_by_mistake"
    AWARD_ENDED = "award_ended"
    OTHER = "other"


REASON_NAMES = {
    Reason.NOBODY_CAME: _("Nobody came"),
    Reason.DID_NOT_WANT: _("The person did not want it"),
    Reason.WRONG_GOODS: _("The goods are not the right ones"),
    Reason.DAMAGED: _("The goods are damaged"),
    Reason.SEAL_BROKEN: _("The seal is broken"),
    Reason.SOME_MISSING: _("Something is missing"),
    Reason.RESCHEDULED: _("It was rescheduled"),
    Reason.TAKEN: _("It was taken"),
    Reason.IDENTITY_NOT_PROVEN: _("It was not clear who the person is"),
    Reason.NOT_RECEIVED: _("The person says nothing was received"),
    Reason.NOT_COMPLETE: _("The person says something is missing"),
    Reason.NOT_AS_AGREED: _("The person says it is not what was agreed"),
    Reason.RECORDS_AGREE: _("The records agree"),
    Reason.RECORDS_DIFFER: _("The records differ"),
    Reason.ROAD_CLOSED: _("It was not possible to get there"),
    Reason.PLANNED_BY_MISTAKE: _("It was planned by mistake"),
    Reason.AWARD_ENDED: _("The award ended"),
    Reason.OTHER: _("Another reason"),
}


class Picture(StrEnum):
    """In the order of the card. Stored by position, so that no choice is longer than another."""

    SUN = "sun"
    TREE = "tree"
    FISH = "fish"
    HOUSE = "house"


PICTURES = tuple(Picture)
PICTURE_NAMES = {
    Picture.SUN: _("Sun"),
    Picture.TREE: _("Tree"),
    Picture.FISH: _("Fish"),
    Picture.HOUSE: _("House"),
}
