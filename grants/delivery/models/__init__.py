"""Deliveries: their words, their rows, and what proves a handover."""

from grants.delivery.models.deliveries import Delivery, DeliveryEvent, DutyHeld, KitLine
from grants.delivery.models.desk import (
    STOP_ANSWER_NAMES,
    Drill,
    DrillDelivery,
    StopAnswer,
    StopRequest,
    WorkerBeat,
)
from grants.delivery.models.factors import Device, OfficerPin, Receipt, Signal, StoredAnswer, SymbolCard
from grants.delivery.models.states import (
    DELIVERY_MOVES,
    ENDED_WITHOUT_HANDOVER,
    NO_SNAPSHOT,
    ON_THE_ROAD,
    PICTURE_NAMES,
    PICTURES,
    REASON_NAMES,
    STATE_NAMES,
    TOWARDS_HANDOVER,
    DeliveryState,
    Duty,
    Picture,
    Reason,
)

__all__ = [
    "DELIVERY_MOVES",
    "ENDED_WITHOUT_HANDOVER",
    "NO_SNAPSHOT",
    "ON_THE_ROAD",
    "PICTURES",
    "PICTURE_NAMES",
    "REASON_NAMES",
    "STATE_NAMES",
    "STOP_ANSWER_NAMES",
    "TOWARDS_HANDOVER",
    "Delivery",
    "DeliveryEvent",
    "DeliveryState",
    "Device",
    "Drill",
    "DrillDelivery",
    "Duty",
    "DutyHeld",
    "KitLine",
    "OfficerPin",
    "Picture",
    "Reason",
    "Receipt",
    "Signal",
    "StopAnswer",
    "StopRequest",
    "StoredAnswer",
    "SymbolCard",
    "WorkerBeat",
]
