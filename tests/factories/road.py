"""Stops at any hour, for tests of who learns of them and when."""

from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery import services
from grants.delivery.models import (
    Delivery,
    DeliveryNotice,
    DeliveryState,
    MissedCheckIn,
    NoticeKind,
    StopAnswer,
    StopRequest,
    Team,
)
from grants.delivery.queries.notices import stop_key
from grants.delivery.services import ReleaseCodes, Stop
from tests.factories.access import make_user
from tests.factories.delivery import (
    DESK,
    clear,
    make_card,
    make_delivery,
    make_officer,
    make_run,
    make_snapshot,
    stop_at,
    totp_at,
)

PLACE = "Parque central, junto a la iglesia"


def make_stop(
    start: datetime,
    *,
    level: int = 1,
    officer: User | None = None,
    team: Team | None = None,
    at: datetime | None = None,
) -> Delivery:  # fmt: skip
    """A scheduled delivery whose window begins at a moment; everything before it was done at `at`, which is now."""
    officer, at = officer or make_officer(), at or utcnow()
    delivery = make_delivery(DeliveryState.SEALED)
    make_card(delivery.award)
    make_snapshot(delivery.canton_code, level, at=at)
    clear(delivery, level=level, at=at)
    assert delivery.level == level, "the canton has a newer snapshot of another level"
    run = make_run(officer, at=start, team=team)
    services.schedule(delivery, run, stop_at(start), by=make_user(Role.COORDINATOR), now=at)
    return delivery


def send_out(delivery: Delivery, *, at: datetime) -> None:
    """The warehouse dispatches the run of this delivery."""
    keeper, run = make_user(Role.WAREHOUSE), delivery.run
    assert run is not None
    codes = ReleaseCodes(warehouse=totp_at(keeper, at), officer=totp_at(run.officer, at))
    services.dispatch(run, codes, desk=DESK, by=keeper, now=at)
    db.session.refresh(delivery)


def move_stop(delivery: Delivery, start: datetime, *, place: str = PLACE) -> None:
    """Another place or time, as scheduling writes them."""
    stop = Stop(place, start, start + timedelta(hours=2))
    delivery.place, delivery.scheduled_for = stop.place, stop.scheduled_for.isoformat()
    delivery.window_until = stop.until.isoformat()
    db.session.flush()


def let_go(officer: User, *, asked_at: datetime, answer: StopAnswer | None = StopAnswer.GO) -> StopRequest:
    """The officer asked for the next stop, and the desk said this ten minutes later."""
    later = asked_at + timedelta(minutes=10)
    request = StopRequest(officer_id=officer.id, asked_at=asked_at, answerable_at=later, answer=answer)
    if answer is not None:
        request.answered_at, request.answered_by_id = later, make_user(Role.DESK).id
    db.session.add(request)
    db.session.flush()
    return request


def put_in(delivery: Delivery, state: DeliveryState) -> None:
    """The delivery in a state, written past the services."""
    handed_over = state in (
        DeliveryState.CONFIRMED, DeliveryState.DISPUTED, DeliveryState.RECONCILED, DeliveryState.MONITORED,
        DeliveryState.CLOSED,
    )  # fmt: skip
    long_ago = datetime(2025, 1, 1, tzinfo=UTC) if handed_over else None
    row = update(Delivery).where(Delivery.id == delivery.id).values(state=state, confirmed_at=long_ago)
    db.session.execute(row)
    db.session.refresh(delivery)


def make_notice() -> DeliveryNotice:
    """Words for somebody whom no message reaches."""
    delivery = make_stop(utcnow() + timedelta(hours=1))
    notice = DeliveryNotice(delivery_id=delivery.id, kind=NoticeKind.PLACE, stop_key=stop_key(delivery),
                            made_at=utcnow())  # fmt: skip
    db.session.add(notice)
    db.session.flush()
    return notice


def make_case() -> MissedCheckIn:
    """A check-in that did not come, of a run that is still planned."""
    run = make_run()
    case = MissedCheckIn(run_id=run.id, level=3, due_at=utcnow(), opened_at=utcnow())
    db.session.add(case)
    db.session.flush()
    return case
