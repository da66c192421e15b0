"""Disputes: opened for the person or by monitoring; one proposes how it ends, another signs. Neither opened it,
carried the kit or holds a duty for the delivery."""

from collections.abc import Mapping
from datetime import datetime
from types import MappingProxyType

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, get_or_refuse, rows_hit
from grants.core.errors import RuleBroken
from grants.delivery import queries
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    Dispute,
    DisputeOutcome,
    Duty,
    FlagReason,
    KeptLine,
    LineOutcome,
    Reason,
    SymbolCard,
)
from grants.delivery.services.flags import flag_serials
from grants.delivery.services.moves import move, refuse_unless_possible, take_duty
from grants.delivery.services.planning import free_serials
from grants.delivery.services.visits import ask_what_stayed, visit_again
from grants.people.folio import new_folio

NOTHING_KEPT: Mapping[int, int] = MappingProxyType({})
FASTER = _("Somebody was faster. Open the dispute again and read what stands there.")


def open_dispute(delivery: Delivery, *, reason: Reason, said: str, by: User, now: datetime) -> Dispute:
    """Write down that a handover is doubted. Not by whoever carried it."""
    # First: whoever carried it gets the same answer whether somebody disputes it already or not.
    if queries.was_on_the_team(delivery, by) or queries.duty_of(delivery, by) is Duty.CONFIRM:
        raise RuleBroken(_("Your team carried this delivery. Somebody else must write the dispute down."))
    refuse_unless_possible(delivery, DeliveryState.DISPUTED)
    if not said.strip():
        raise RuleBroken(_("Write what the person says, in their words."), field="said")
    dispute = Dispute(
        folio=new_folio("X"), delivery_id=delivery.id, came_from=delivery.state, reason=reason, opened_by_id=by.id,
        opened_at=now, proposal=0,
    )  # fmt: skip
    dispute.said = said.strip()
    try:
        with db.session.begin_nested():
            db.session.add(dispute)
    except IntegrityError as error:
        raise RuleBroken(_("This delivery has an open dispute already. Two people decide it on its page.")) from error
    move(delivery, DeliveryState.DISPUTED, by=by, now=now, reason=reason)
    journal.record(by, "dispute.opened", dispute, at=now)
    return dispute


def propose(
    dispute: Dispute, *, outcome: DisputeOutcome, answer: str, kept: Mapping[int, int] = NOTHING_KEPT, by: User,
    now: datetime,
) -> None:  # fmt: skip
    """The first of two says how it should end. A newer proposal takes the place of an older one.

    `kept`: where the delivery is made again, the units that the person has and keeps, by the line's position. They
    count against the award, so that both kits together stay within its value.
    """
    _refuse_involved(dispute, by)
    kept = kept if outcome is DisputeOutcome.REPLACEMENT else NOTHING_KEPT
    _refuse_odd(dispute.delivery, kept)
    if not answer.strip():
        raise RuleBroken(_("Write what you found and why you decide so."), field="answer")
    newer = update(Dispute).where(
        Dispute.id == dispute.id, Dispute.decided_at.is_(None), Dispute.proposal == dispute.proposal
    )
    values = {"outcome": outcome, "proposed_by_id": by.id, "proposal": Dispute.proposal + 1}
    if rows_hit(db.session.execute(newer.values(**values).execution_options(synchronize_session=False))) != 1:
        raise RuleBroken(FASTER)
    db.session.refresh(dispute)
    dispute.answer = answer.strip()
    db.session.add_all(
        KeptLine(dispute_id=dispute.id, proposal=dispute.proposal, line_id=line.id, units=kept[line.position])
        for line in dispute.delivery.lines
        if kept.get(line.position)
    )
    db.session.flush()
    journal.record(by, "dispute.proposed", dispute, at=now, outcome=outcome.value)


def sign(dispute: Dispute, *, proposal: int, by: User, now: datetime) -> None:
    """The second agrees with the proposal that they read. Both hold the duty to reconcile from then on."""
    _refuse_involved(dispute, by)
    if dispute.proposed_by_id == by.id:
        raise RuleBroken(_("You proposed this. Another person must sign."))
    same = update(Dispute).where(
        Dispute.id == dispute.id,
        Dispute.decided_at.is_(None),
        Dispute.outcome.is_not(None),
        Dispute.proposal == proposal,
        Dispute.proposed_by_id != by.id,
    )
    signed = same.values(decided_at=now, decided_by_id=by.id).execution_options(synchronize_session=False)
    if rows_hit(db.session.execute(signed)) != 1:
        raise RuleBroken(FASTER)
    db.session.refresh(dispute)
    take_duty(dispute.delivery, Duty.RECONCILE, by=get_or_refuse(User, dispute.proposed_by_id))
    journal.record(by, "dispute.decided", dispute, at=now, outcome=str(dispute.outcome))
    if dispute.outcome is DisputeOutcome.REPLACEMENT:
        _make_again(dispute, by=by, now=now)
    else:
        move(dispute.delivery, DeliveryState.RECONCILED, by=by, now=now, duty=Duty.RECONCILE)
        visit_again(dispute.delivery, by=by, now=now)


def _make_again(dispute: Dispute, *, by: User, now: datetime) -> None:
    """The award may be planned again, less what the person keeps; the rest is flagged, and the used card is ended by
    the two who decided."""
    delivery = dispute.delivery
    move(delivery, DeliveryState.REPLACEMENT, by=by, now=now, duty=Duty.RECONCILE, reason=dispute.reason)
    stayed = [LineOutcome(line_id=one.line_id, line=one.line, with_person=one.units, missing=0)
              for one in queries.kept_in(dispute)]  # fmt: skip
    db.session.add_all(stayed)
    db.session.flush()
    kept = [outcome.line for outcome in stayed if outcome.stayed_whole]
    gone = [line for line in delivery.lines if line not in kept]
    flag_serials(delivery, FlagReason.DISPUTED, lines=gone, by=by, now=now)
    free_serials(delivery, kept=kept)
    if stayed:
        ask_what_stayed(delivery, now=now)
    _end_used_card(dispute, by=by, now=now)


def _end_used_card(dispute: Dispute, *, by: User, now: datetime) -> None:
    card = queries.live_card(dispute.delivery.award_id)
    if card is None:
        return
    ended = db.session.execute(
        update(SymbolCard)
        .where(SymbolCard.id == card.id, SymbolCard.used_at.is_not(None), SymbolCard.replaced_at.is_(None))
        .values(replacement_asked_by_id=dispute.proposed_by_id, replaced_by_id=by.id, replaced_at=now)
        .execution_options(synchronize_session=False)
    )
    if rows_hit(ended) == 1:
        db.session.refresh(card)
        journal.record(by, "symbol_card.replaced", card, at=now)


def _refuse_odd(delivery: Delivery, kept: Mapping[int, int]) -> None:
    """No more than the kit's list has, and not all of it."""
    for line in delivery.lines:
        if not 0 <= kept.get(line.position, 0) <= line.quantity:
            raise RuleBroken(
                _("That is more than the list says. Count this line again."), field=f"with_person_{line.position}"
            )
    if all(kept.get(line.position) == line.quantity for line in delivery.lines):
        raise RuleBroken(_("If the person keeps everything, nothing is made again: choose that the handover stands."))


def _refuse_involved(dispute: Dispute, by: User) -> None:
    if dispute.is_decided:
        raise RuleBroken(_("This dispute is decided. Open the delivery to see how."))
    if dispute.opened_by_id == by.id:
        raise RuleBroken(_("You opened this dispute. Two other people decide it."))
    if queries.was_involved(dispute.delivery, by):
        raise RuleBroken(_("You already did another part of this delivery. Somebody else must do this step."))
