"""At the point, when it is not a handover: nobody came, it was refused, only a part was taken, or it was taken away.

What a person keeps from a kit that was partly handed over stays theirs: it is written down line by line, an incident
is opened, somebody else visits the person and asks about it, and the kit that is planned next leaves it out. The award
is not used up: only the full handover, with both factors, does that.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.access.permissions import Permission
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    FlagReason,
    Incident,
    IncidentKind,
    LineOutcome,
    Reason,
    RoadOutcome,
    Urgency,
)
from grants.delivery.models.incidents import IN_PART_ONLY
from grants.delivery.services.flags import flag_serials
from grants.delivery.services.incidents import open_about
from grants.delivery.services.moves import move, refuse_unless_possible
from grants.delivery.services.planning import free_serials
from grants.delivery.services.road import refuse_stranger
from grants.delivery.services.visits import ask_what_stayed
from grants.delivery.told import in_english


@dataclass(frozen=True, slots=True)
class Evidence:
    """What the officer can say: how long they waited, how often they called, and in words."""

    waited_minutes: int | None = None
    calls: int | None = None
    said: str = ""


@dataclass(frozen=True, slots=True)
class Left:
    """Of one line: units that stayed with the person, and units that were not in the kit."""

    with_person: int = 0
    missing: int = 0


NOTHING_SAID = Evidence()


def nobody_came(delivery: Delivery, *, evidence: Evidence = NOTHING_SAID, by: User, now: datetime) -> None:
    """The beneficiary did not come to the point."""
    _leave(delivery, DeliveryState.NO_SHOW, Reason.NOBODY_CAME, evidence, by=by, now=now)


def refused(delivery: Delivery, *, reason: Reason, evidence: Evidence = NOTHING_SAID, by: User, now: datetime) -> None:
    """The beneficiary came and did not take the kit."""
    _leave(delivery, DeliveryState.REFUSED, reason, evidence, by=by, now=now)


def partly(
    delivery: Delivery, left: Mapping[int, Left], *, reason: Reason, evidence: Evidence, by: User, now: datetime
) -> Incident:
    """Only a part was taken, or a part was not there. `left`: by the line's position. The rest goes back."""
    refuse_unless_possible(delivery, DeliveryState.PARTIAL)
    _refuse_odd(delivery, left)
    if not evidence.said.strip():
        raise RuleBroken(_("Write what happened, in your own words."), field="said")
    _leave(delivery, DeliveryState.PARTIAL, reason, evidence, by=by, now=now)
    for line in delivery.lines:
        part = left.get(line.position, Left())
        if part.with_person or part.missing:
            db.session.add(LineOutcome(line_id=line.id, with_person=part.with_person, missing=part.missing))
    db.session.flush()
    if any(part.with_person for part in left.values()):
        ask_what_stayed(delivery, now=now)
    is_short = any(part.missing for part in left.values())
    kind = IncidentKind.LOST_KIT if is_short else IncidentKind.OTHER
    return open_about(delivery, kind, in_english(IN_PART_ONLY),
                      by=by, now=now)  # fmt: skip


def taken(delivery: Delivery, *, said: str, everything: bool = False, by: User, now: datetime) -> Incident:
    """The kit was taken on the road; `everything`: and whatever else the team carried on this run.

    Told by the officer who carried it or by the security desk. The award is not used up, and the devices are flagged.
    """
    if not by.may(Permission.DECIDE_RISK):
        refuse_stranger(delivery, by)
    if not said.strip():
        raise RuleBroken(_("Write what happened, in your own words."), field="said")
    refuse_unless_possible(delivery, DeliveryState.SEIZED)
    gone = [delivery]
    if everything and delivery.run is not None:
        gone += [kit for kit in queries.carried_on(delivery.run) if kit.id != delivery.id]
    for kit in gone:
        _seize(kit, by=by, now=now)
    return open_about(delivery, IncidentKind.SEIZURE, said.strip(), urgency=Urgency.NOW, by=by, now=now)


def _seize(kit: Delivery, *, by: User, now: datetime) -> None:
    if kit.carried_since is None or queries.return_count(kit) is not None:
        raise RuleBroken(_("The warehouse has this kit: nobody took it on the road. Look for the right one."))
    carried = (Delivery.carried_since.is_not(None),)
    move(kit, DeliveryState.SEIZED, by=by, now=now, reason=Reason.TAKEN, where=carried)
    outcomes = queries.line_outcomes(kit)
    kept = [outcome.line for outcome in outcomes.values() if outcome.stayed_whole]
    flag_serials(kit, FlagReason.SEIZED, lines=[one for one in kit.lines if one not in kept], by=by, now=now)
    free_serials(kit, kept=kept)


def _leave(
    delivery: Delivery, state: DeliveryState, reason: Reason, evidence: Evidence, *, by: User, now: datetime
) -> None:
    refuse_stranger(delivery, by)
    move(delivery, state, by=by, now=now, reason=reason, where=(Delivery.officer_id == by.id,))
    seen = RoadOutcome(
        delivery_id=delivery.id, state=state, reason=reason, waited_minutes=evidence.waited_minutes,
        calls=evidence.calls, at=now, by_id=by.id,
    )  # fmt: skip
    seen.said = evidence.said.strip() or None
    db.session.add(seen)
    db.session.flush()


def _refuse_odd(delivery: Delivery, left: Mapping[int, Left]) -> None:
    """Some units, no more than there are, and not all of them with the person."""
    for line in delivery.lines:
        part = left.get(line.position, Left())
        if part.with_person < 0 or part.missing < 0 or part.with_person + part.missing > line.quantity:
            raise RuleBroken(
                _("That is more than the list says. Count this line again."), field=f"with_person_{line.position}"
            )
    if not any(part.with_person or part.missing for part in left.values()):
        raise RuleBroken(_("Say for at least one line what stayed or what was missing. If nothing, go one step back."))
    if all(left.get(line.position, Left()).with_person == line.quantity for line in delivery.lines):
        raise RuleBroken(_("If the person takes everything, it is a handover: go back and ask for the codes."))
