"""Deliveries after the road: returned, disputed, reconciled, visited; and people who had no part in them."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery import queries, services
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    Dispute,
    DisputeOutcome,
    Incident,
    IncidentKind,
    Reason,
    SealState,
    Urgency,
    Visit,
    VisitState,
)
from grants.delivery.services import Counted, Report
from grants.selection.models import Award
from tests.factories.access import make_user
from tests.factories.delivery import Carried, make_carried, make_confirmed
from tests.factories.people import make_canton

S = DeliveryState
FAR = timedelta(days=10)  # in the days of the first round
ALL_WELL = {
    "received_all": "yes", "good_state": "yes", "problem": "no", "asked_to_pay": "no", "felt_safe": "yes",
    "satisfied": "5", "in_use": "yes", "business_open": "yes",
}  # fmt: skip


def coordinator() -> User:
    return make_user(Role.COORDINATOR)


def monitor() -> User:
    return make_user(Role.MONITORING)


def keeper() -> User:
    return make_user(Role.WAREHOUSE)


def whole(delivery: Delivery, **changed: Any) -> Counted:
    """A count that finds everything as it was sealed, unless told otherwise."""
    units = {line.position: line.quantity for line in delivery.lines}
    serials = {line.position: line.serial_number or "" for line in delivery.lines}
    found: dict[str, Any] = {
        "units": units, "serials": serials, "seal_state": SealState.WHOLE, "seal_number": delivery.seal_number or "",
        **changed,
    }  # fmt: skip
    return Counted(**found)


def make_returning(award: Award | None = None) -> Carried:
    """A kit on its way back because nobody came."""
    carried = make_carried(award=award)
    services.nobody_came(carried.delivery, by=carried.officer, now=utcnow())
    services.turn_back(carried.delivery, reason=None, by=carried.officer, now=utcnow())
    return carried


def bring_home(delivery: Delivery, *, reason: Reason = Reason.ROAD_CLOSED, at: datetime | None = None) -> None:
    """A kit on its way back is counted whole by one keeper and signed for by another."""
    now = at or utcnow()
    units = {line.position: line.quantity for line in delivery.lines}
    serials = {line.position: line.serial_number or "" for line in delivery.lines if line.needs_serial}
    counted = Counted(units, serials, SealState.WHOLE, delivery.seal_number or "")
    services.count_back(delivery, counted, reason=reason, by=make_user(Role.WAREHOUSE), now=now)
    sign_return(delivery, by=make_user(Role.WAREHOUSE), now=now)


def sign_return(delivery: Delivery, *, by: User, now: datetime) -> None:
    """Sign for the count that stands now."""
    count = queries.return_count(delivery)
    services.sign_return(delivery, stamp=count.stamp if count is not None else "", by=by, now=now)


def make_dispute(
    carried: Carried | None = None, *, by: User | None = None, reason: Reason = Reason.NOT_RECEIVED
) -> Dispute:
    """An open dispute about a handover."""
    carried = carried or make_confirmed()
    return services.open_dispute(
        carried.delivery, reason=reason, said="Dice que no recibió nada", by=by or monitor(), now=utcnow()
    )


def decide(dispute: Dispute, outcome: DisputeOutcome, *, kept: Mapping[int, int] | None = None) -> tuple[User, User]:
    """Two others decide; who proposed and who signed. `kept`: what the person has, by the line's position."""
    first, second = coordinator(), make_user(Role.DIRECTOR)
    services.propose(dispute, outcome=outcome, answer="Se revisó el acta", kept=kept or {}, by=first, now=utcnow())
    services.sign(dispute, proposal=dispute.proposal, by=second, now=utcnow())
    return first, second


def make_visit(carried: Carried | None = None, *, number: int = 1, now: datetime | None = None) -> Visit:
    """A visit that is due today."""
    carried, now = carried or make_confirmed(), now or utcnow()
    visit = Visit(
        delivery_id=carried.delivery.id, round=number, due_from=now.date() - timedelta(3),
        due_until=now.date() + timedelta(4), state=VisitState.DUE, planned_at=now, tries=0,
    )  # fmt: skip
    db.session.add(visit)
    db.session.flush()
    return visit


def make_answered(carried: Carried | None = None, **answers: str) -> Visit:
    """A visit that was answered now."""
    visit = make_visit(carried)
    services.answer(visit, {**ALL_WELL, **answers}, by=monitor(), now=utcnow())
    return visit


def make_incident(**changed: Any) -> Incident:
    told: dict[str, Any] = {
        "kind": IncidentKind.THREAT, "urgency": Urgency.TODAY, "canton_code": "1001",
        "happened_at": utcnow() - timedelta(hours=1), "said": "Llamaron dos veces", **changed,
    }  # fmt: skip
    make_canton(told["canton_code"])
    return services.report(Report(**told), by=make_user(Role.ENUMERATOR), now=utcnow())


def late(moment: datetime | None = None) -> datetime:
    """When a first visit may be made."""
    return (moment or datetime.now(UTC)) + FAR
