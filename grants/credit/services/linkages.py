"""Logging the steps of a linkage: when each happened, apart from when it was logged."""

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy import exists, select, update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.models import (
    OPEN_STATES,
    Amortization,
    CloseReason,
    DeclineReason,
    Frequency,
    Linkage,
    LinkageEvent,
    LinkageKind,
    LinkageState,
    MovementKind,
    Product,
    RateKind,
    Referral,
    ReferralState,
    Segment,
)
from grants.credit.queries.gone import linkage_in_time
from grants.credit.services.ceilings import refuse_above_ceiling
from grants.credit.services.disbursement import needed, positive, terms_disbursed
from grants.credit.services.movements import Movement, append
from grants.credit.services.referrals import add_linkage
from grants.credit.services.request_keys import KeyReused, claim_key


@dataclass(frozen=True, slots=True)
class Step:
    """What the liaison reports. Which of the details a step needs depends on `to_state`; the others are ignored."""

    to_state: LinkageState
    happened_on: date
    amount_usd: Decimal | None = None
    term_months: int | None = None
    rate_percent: Decimal | None = None
    rate_kind: RateKind | None = None
    reference: str | None = None
    decline_reason: DeclineReason | None = None
    close_reason: CloseReason | None = None
    # Of a disbursement. What is not said comes from the product's terms of the day, or is the usual.
    net_usd: Decimal | None = None
    product: Product | None = None  # None: the one chosen at the referral
    product_name: str | None = None  # as programs name it
    segment: Segment | None = None
    method: Amortization | None = None
    frequency: Frequency | None = None
    instalments: int | None = None
    first_due_on: date | None = None


def log_step(linkage: Linkage, step: Step, *, by: User, now: datetime) -> LinkageEvent:
    """Move the linkage one step. Of two people at once one wins; the other is told to look again."""
    if linkage.referral.state is not ReferralState.ACCEPTED:
        raise RuleBroken(_("Accept the referral before you log a step."), field="to_state")
    if step.to_state not in linkage.next_states:
        raise RuleBroken(_("That step does not follow from where the linkage is now. Look at its state, and choose "
                           "one of the steps shown."), field="to_state")  # fmt: skip
    _check_day(linkage, step, now=now)
    values = _terms(linkage, step)
    if step.to_state is LinkageState.DISBURSED:
        refuse_above_ceiling(values["rate_percent"], values["rate_kind"], values["frequency"], values["segment"],
                             step.happened_on)  # fmt: skip
    _move(linkage, step, {**values, "state": step.to_state, "last_step_on": step.happened_on})
    event = _note(linkage, step, by=by, now=now)
    if step.to_state is LinkageState.DISBURSED:
        movement = Movement(
            MovementKind.DISBURSEMENT, step.happened_on, amount_usd=step.amount_usd, net_usd=step.net_usd
        )
        append(linkage, movement, by=by, now=now)
    return event


def log_step_once(linkage: Linkage, step: Step, *, key: str, request: str, by: User, now: datetime) -> LinkageEvent:
    """As log_step, but the same key with the same request brings the first event back. KeyReused with another one."""
    claim, is_new = claim_key(linkage, key, request, by=by, now=now)
    if not is_new:
        if claim.event is None:
            raise KeyReused
        return claim.event
    event = log_step(linkage, step, by=by, now=now)
    claim.event_id = event.id
    return event


def open_linkage(referral: Referral, kind: LinkageKind, *, by: User, now: datetime) -> Linkage:
    """Begin another linkage under an accepted referral: a membership first, a credit after it, a second credit."""
    # First the referral's row, then what is under it: of two at once the second sees what the first added, and a
    # withdrawal at this moment either came before or ends this too.
    accepted = (
        update(Referral)
        .where(Referral.id == referral.id, Referral.state == ReferralState.ACCEPTED)
        .values(state=ReferralState.ACCEPTED)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(db.session.execute(accepted)):
        raise RuleBroken(_("Accept the referral before you add to it."))
    of_this_kind = Linkage.referral_id == referral.id, Linkage.kind == kind, Linkage.state.in_(OPEN_STATES)
    if db.session.scalar(select(exists().where(*of_this_kind, linkage_in_time(local_day(now))))):
        raise RuleBroken(_("One of this kind is on its way already. Finish it before you begin another."))
    linkage = add_linkage(referral, kind, now=now)
    db.session.flush()
    journal.record(by, "linkage.opened", linkage, at=now, referral_id=referral.id, kind=kind.value)
    return linkage


def note_export(*, by: User, rows: int, now: datetime) -> None:
    """Keep on record that personal data left the house in a file: who took it, and how many rows."""
    journal.record(by, "linkages.exported", "linkage", at=now, rows=rows)


def _check_day(linkage: Linkage, step: Step, *, now: datetime) -> None:
    if step.happened_on > local_day(now):
        raise RuleBroken(_("That day is in the future. Log the step once it has happened."), field="happened_on")
    if step.happened_on < local_day(linkage.referral.referred_at):
        raise RuleBroken(_("That day is before the referral. Check the date."), field="happened_on")
    # Not the latest event: a disbursement that was taken back may have been dated too late.
    if linkage.events and step.happened_on < linkage.last_step_on:
        raise RuleBroken(_("That day is before the previous step. Check the date."), field="happened_on")


def _terms(linkage: Linkage, step: Step) -> dict[str, Any]:
    """The columns that this step fills, every one that it needs given."""
    if step.to_state is LinkageState.APPLIED:
        return {"requested_usd": positive(step.amount_usd)}
    if step.to_state is LinkageState.APPROVED:
        return {"approved_usd": positive(step.amount_usd)}
    if step.to_state is LinkageState.DECLINED:
        return {"decline_reason": needed(step.decline_reason, "decline_reason")}
    if step.to_state is LinkageState.CLOSED:
        return {"close_reason": needed(step.close_reason, "close_reason")}
    if step.to_state is LinkageState.DISBURSED:
        return terms_disbursed(linkage, step)
    return {"reference": step.reference} if step.to_state is LinkageState.OPENED and step.reference else {}


def _move(linkage: Linkage, step: Step, values: dict[str, Any]) -> None:
    """The guarded update: only from the state in which the liaison saw it."""
    statement = (
        update(Linkage)
        .where(Linkage.id == linkage.id, Linkage.state == linkage.state)
        .values(**values)
        .execution_options(synchronize_session=False)
    )
    try:
        with db.session.begin_nested():
            hit = rows_hit(db.session.execute(statement))
    except IntegrityError:
        # Unique within the institution only, so this tells nothing about another one.
        raise RuleBroken(_("Your institution has a linkage with this reference already. Check the number."),
                         field="reference") from None  # fmt: skip
    if not hit:
        raise RuleBroken(_("Somebody logged a step at this moment. Look at it, then try again."))


def _note(linkage: Linkage, step: Step, *, by: User, now: datetime) -> LinkageEvent:
    event = LinkageEvent(
        linkage_id=linkage.id,
        from_state=linkage.state,
        to_state=step.to_state,
        happened_on=step.happened_on,
        logged_at=now,
        logged_by_id=by.id,
    )
    db.session.add(event)
    db.session.flush()
    journal.record(by, "linkage.moved", linkage, at=now, event_id=event.id,
                   from_state=event.from_state.value, to_state=event.to_state.value)  # fmt: skip
    db.session.refresh(linkage)
    return event
