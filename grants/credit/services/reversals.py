"""Taking back a movement that was logged by mistake: one person proposes, another decides."""

from collections.abc import Sequence
from datetime import datetime

from flask_babel import lazy_gettext as _
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken
from grants.credit.books import standing_with
from grants.credit.models import (
    CREDITED_STATES,
    CreditMovement,
    Linkage,
    LinkageState,
    MovementKind,
    MovementReversal,
    ReversalState,
    WebhookEventKind,
)
from grants.credit.services import webhooks
from grants.credit.services.movement_rules import margin
from grants.credit.services.movements import movements_of, settle
from grants.credit.standing import PENNIES


def propose_reversal(movement: CreditMovement, reason: str, *, by: User, now: datetime) -> MovementReversal:
    """Say that a movement is a mistake, and why. It counts until somebody else agrees."""
    _check_reversible(movement)
    if not reason.strip():
        raise RuleBroken(_("Write what is wrong with it."), field="reason")
    proposal = MovementReversal(movement_id=movement.id, reason=reason.strip(), proposed_by_id=by.id, proposed_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(proposal)
    except IntegrityError:
        raise RuleBroken(_("Somebody proposed this already. It waits for a second person.")) from None
    journal.record(by, "credit.reversal_proposed", movement.linkage, at=now, movement_id=movement.id,
                   reversal_id=proposal.id)  # fmt: skip
    return proposal


def confirm_reversal(proposal: MovementReversal, *, by: User, now: datetime) -> None:
    """The second person agrees: the linkage stands as if the movement had never been."""
    movement, linkage = proposal.movement, proposal.movement.linkage
    _decide(proposal, ReversalState.DONE, by=by, now=now)
    _check_reversible(movement)
    taken_back = db.session.execute(
        update(CreditMovement)
        .where(CreditMovement.id == movement.id, CreditMovement.reversed_at.is_(None))
        .values(reversed_at=now)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(taken_back):
        raise RuleBroken(_("This movement was taken back already. Reload the page."))
    db.session.refresh(movement)
    journal.record(by, "credit.reversed", linkage, at=now, movement_id=movement.id, reversal_id=proposal.id)
    settle(linkage, by=by, now=now)
    if linkage.state is not LinkageState.REPAID:
        _part_from_successor(linkage, by=by, now=now)


def refuse_reversal(proposal: MovementReversal, *, by: User, now: datetime) -> None:
    """The second person does not agree: the movement stays as it was logged."""
    _decide(proposal, ReversalState.REFUSED, by=by, now=now)
    journal.record(by, "credit.reversal_refused", proposal.movement.linkage, at=now,
                   movement_id=proposal.movement_id, reversal_id=proposal.id)  # fmt: skip


def _check_reversible(movement: CreditMovement) -> None:
    """What counts, and leaves something that can have happened without it."""
    linkage = movement.linkage
    if not movement.counts or linkage.state not in CREDITED_STATES:
        raise RuleBroken(_("This movement was taken back already. Reload the page."))
    there = movements_of(linkage)
    rest = [one for one in there if one.counts and one.id != movement.id]
    if movement.kind is MovementKind.WRITE_OFF and any(one.kind is MovementKind.RECOVERY for one in rest):
        raise RuleBroken(_("Something was recovered after this write-off. Take that back first."))
    if movement.kind is MovementKind.DISBURSEMENT:
        _check_disbursement(linkage, rest)
    _check_sums(linkage, there, rest)


def _check_sums(linkage: Linkage, there: Sequence[CreditMovement], rest: Sequence[CreditMovement]) -> None:
    """What was lent is still repaid, let off, written off or owed."""
    day = max(one.happened_on for one in there)
    after = standing_with(linkage, rest, day)
    if abs(after.unaccounted) > PENNIES:
        raise RuleBroken(_("This credit was written off: without this movement another sum would have been owed. Take "
                           "back the write-off first."))  # fmt: skip
    if after.excess > max(margin(after), standing_with(linkage, there, day).excess):
        raise RuleBroken(_("Without it more would be repaid than was owed. Take back the repayments first."))


def _check_disbursement(linkage: Linkage, rest: Sequence[CreditMovement]) -> None:
    """`rest`: what would count without it."""
    if rest and all(one.kind is not MovementKind.DISBURSEMENT for one in rest):
        raise RuleBroken(_("Without this disbursement there is no credit. Take back first what was logged after it."))
    first = min((one.happened_on for one in rest if one.kind is MovementKind.DISBURSEMENT), default=None)
    if first is not None and any(one.happened_on < first for one in rest):
        raise RuleBroken(_("Something was logged before the next part was disbursed. Take that back first."))
    if not rest and linkage.refinances_id is not None:
        raise RuleBroken(_("This credit paid off another one. Take back the balance of that one first."))


def _decide(proposal: MovementReversal, state: ReversalState, *, by: User, now: datetime) -> None:
    if proposal.proposed_by_id == by.id:
        raise RuleBroken(_("You proposed this. Somebody else must look at it and decide."))
    decided = (
        update(MovementReversal)
        .where(MovementReversal.id == proposal.id, MovementReversal.state == ReversalState.PROPOSED)
        .values(state=state, decided_by_id=by.id, decided_at=now)
        .execution_options(synchronize_session=False)
    )
    if not rows_hit(db.session.execute(decided)):
        raise RuleBroken(_("Somebody already decided about this. Reload the page."))
    db.session.refresh(proposal)
    webhooks.tell(WebhookEventKind.REVERSAL_DECIDED, proposal.movement.linkage, now=now)


def _part_from_successor(linkage: Linkage, *, by: User, now: datetime) -> None:
    """What is owed again was not paid off by another credit."""
    parted = db.session.execute(
        update(Linkage)
        .where(Linkage.refinances_id == linkage.id)
        .values(refinances_id=None)
        .execution_options(synchronize_session="fetch")
    )
    if rows_hit(parted):
        journal.record(by, "credit.not_refinanced", linkage, at=now)
