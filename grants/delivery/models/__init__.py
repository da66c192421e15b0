"""Deliveries: their words, their rows, and what proves a handover."""

from grants.delivery.models.deliveries import Delivery, DeliveryEvent, DutyHeld, KitLine
from grants.delivery.models.factors import Device, OfficerPin, Receipt, Signal, StoredAnswer, SymbolCard
from grants.delivery.models.permits import PERMIT_NAMES, Permit, PermitKind
from grants.delivery.models.risk import Hub, ProtocolVersion, RiskSnapshot
from grants.delivery.models.runs import RUN_NAMES, Run, RunState, Team, TeamMember, Vehicle
from grants.delivery.models.states import (
    DELIVERY_MOVES,
    ENDED_WITHOUT_HANDOVER,
    MAY_BE_HELD,
    NO_LONGER_CARRIED,
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
    "MAY_BE_HELD",
    "NO_LONGER_CARRIED",
    "NO_SNAPSHOT",
    "ON_THE_ROAD",
    "PERMIT_NAMES",
    "PICTURES",
    "PICTURE_NAMES",
    "REASON_NAMES",
    "RUN_NAMES",
    "STATE_NAMES",
    "TOWARDS_HANDOVER",
    "Delivery",
    "DeliveryEvent",
    "DeliveryState",
    "Device",
    "Duty",
    "DutyHeld",
    "Hub",
    "KitLine",
    "OfficerPin",
    "Permit",
    "PermitKind",
    "Picture",
    "ProtocolVersion",
    "Reason",
    "Receipt",
    "RiskSnapshot",
    "Run",
    "RunState",
    "Signal",
    "StoredAnswer",
    "SymbolCard",
    "Team",
    "TeamMember",
    "Vehicle",
]
