"""Who may receive in the beneficiary's place: registered with them, in time for the level, with a card of their own."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import AlternateCollector, Delivery, DeliveryState, Relation
from grants.people.folio import new_folio
from grants.people.numbers import check_phone

S = DeliveryState
BEFORE_THE_ROAD = (S.PLANNED, S.APPROVED, S.PACKED, S.SEALED, S.CLEARED, S.SCHEDULED)
COUNTRY = "EC"


@dataclass(frozen=True, slots=True, repr=False)
class AlternateFacts:
    """Who it is, as on their document."""

    name: str
    document: str
    phone: str
    relation: Relation


def register_alternate(delivery: Delivery, facts: AlternateFacts, *, by: User, now: datetime) -> AlternateCollector:
    """Let somebody else receive this delivery. The beneficiary asks for it in person; one at a time."""
    _refuse_after_departure(delivery)
    alternate = AlternateCollector(
        folio=new_folio("N"), award_id=delivery.award_id, relation=facts.relation, registered_by_id=by.id,
        registered_at=now,
    )  # fmt: skip
    alternate.name, alternate.document = facts.name.strip(), facts.document.strip()
    alternate.phone = check_phone(facts.phone, COUNTRY)
    _refuse_late(delivery.level, delivery.stop_at, now)
    try:
        with db.session.begin_nested():
            db.session.add(alternate)
    except IntegrityError as error:
        raise RuleBroken(_("Somebody is already registered to receive. End that registration first.")) from error
    _bind_anew(delivery)
    journal.record(by, "alternate.registered", alternate, at=now, delivery_id=delivery.id)
    return alternate


def revoke_alternate(delivery: Delivery, *, by: User, now: datetime) -> None:
    """The beneficiary receives in person after all. The other person's card serves no more."""
    _refuse_after_departure(delivery)
    alternate = queries.live_alternate(delivery.award_id)
    if alternate is None:
        raise RuleBroken(_("Nobody else is registered to receive this delivery."))
    ended = db.session.execute(
        update(AlternateCollector)
        .where(AlternateCollector.id == alternate.id, AlternateCollector.revoked_at.is_(None))
        .values(revoked_at=now, revoked_by_id=by.id)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(ended) != 1:
        raise RuleBroken(_("Nobody else is registered to receive this delivery."))
    db.session.refresh(alternate)
    _bind_anew(delivery)
    journal.record(by, "alternate.revoked", alternate, at=now, delivery_id=delivery.id)


def refuse_alternate(delivery: Delivery, *, level: int | None, starts_at: datetime | None) -> None:
    """Refuse to go on when the level lets nobody else receive, or the registration came too late for the stop."""
    if delivery.alternate is not None:
        _refuse_late(level, starts_at, delivery.alternate.registered_at)


def _refuse_late(level: int | None, starts_at: datetime | None, registered_at: datetime) -> None:
    if level is None:
        return
    hours = queries.rules(level).alternate_hours
    if hours is None:
        raise RuleBroken(_("This delivery can be received by nobody else. End the registration of the other person."))
    if starts_at is not None and starts_at - registered_at < timedelta(hours=hours):
        raise RuleBroken(
            _("Whoever receives for the person is registered at least %(hours)d hours before the stop. "
              "Give the delivery a later stop.", hours=hours)
        )  # fmt: skip


def _refuse_after_departure(delivery: Delivery) -> None:
    if delivery.state not in BEFORE_THE_ROAD:
        raise RuleBroken(_("The kit has left: who receives cannot be changed now. Ask the security desk to hold it."))


def _bind_anew(delivery: Delivery) -> None:
    """Codes are bound to who receives. A delivery that leaves at this moment is refused by the old digest."""
    came_from = delivery.state
    db.session.refresh(delivery, ["alternate"])
    digest = delivery.digest_over(delivery.receiver_folio) if delivery.digest else None
    bound = db.session.execute(
        update(Delivery)
        .where(Delivery.id == delivery.id, Delivery.state == came_from)
        .values(digest=digest)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(bound) != 1:
        raise RuleBroken(_("This delivery was already moved by somebody. Open it again to see where it stands."))
    db.session.refresh(delivery)
