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
# Steps of one delivery. A move that is not here is refused; risk, offline work and disputes add theirs.
S = DeliveryState
DELIVERY_MOVES = {
    S.DRAFT: frozenset({S.PLANNED, S.CANCELLED}),
    S.PLANNED: frozenset({S.APPROVED, S.CANCELLED}),
    S.APPROVED: frozenset({S.PACKED, S.CANCELLED}),
    S.PACKED: frozenset({S.SEALED, S.CANCELLED}),
    S.SEALED: frozenset({S.IN_TRANSIT, S.CANCELLED}),
    S.IN_TRANSIT: frozenset({S.AT_POINT, S.RETURNING}),
    S.AT_POINT: frozenset({S.CONFIRMED, S.NO_SHOW, S.REFUSED}),
    S.NO_SHOW: frozenset({S.RETURNING}),
    S.REFUSED: frozenset({S.RETURNING}),
    S.RETURNING: frozenset({S.RETURNED}),
}
# Steps that bring the kit nearer to its owner: they need an award that stands. Going back is always possible.
TOWARDS_HANDOVER = (S.APPROVED, S.PACKED, S.SEALED, S.CLEARED, S.SCHEDULED, S.IN_TRANSIT, S.AT_POINT, S.PROVISIONAL,
                    S.REVIEW, S.CONFIRMED)  # fmt: skip
# With the officer, on the way or at the point.
ON_THE_ROAD = (S.IN_TRANSIT, S.AT_POINT, S.NO_SHOW, S.REFUSED)

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
