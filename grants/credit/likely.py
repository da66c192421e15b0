"""The next thing that probably happens to a linkage, and how much money it moves. Pure: a suggestion, never a rule."""

from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from grants.credit.models import Linkage, LinkageState, MovementKind
from grants.credit.standing import KNOWN_FOR, Standing

SOON = timedelta(days=7)
MONEY = (MovementKind.REPAYMENT, MovementKind.BALANCE)
S = LinkageState
ON_THE_WAY = (S.CONTACTED, S.DOCUMENTS, S.APPLIED, S.APPROVED, S.DISBURSED, S.OPENED)


@dataclass(frozen=True, slots=True)
class Likely:
    """A step, or a movement of money; the other one is None. `amount_usd`: None where nothing suggests one."""

    step: LinkageState | None = None
    movement: MovementKind | None = None
    amount_usd: Decimal | None = None

    @property
    def word(self) -> str:
        """As it stands in an address."""
        return (self.step or self.movement or "").replace("_", "-")


def likely_next(linkage: Linkage, today: date) -> Likely | None:
    """What probably comes next, without amounts of instalments. None: it has ended, or waits for the referral.

    A credit that is known and has an instalment due gets a payment. What nobody reported for 45 days, or has nothing
    due now, gets a statement of what is owed: nobody knows how much was paid meanwhile.
    """
    if linkage.is_open:
        step = linkage.next_states[0]
        return Likely(step=step, amount_usd=_amount_of(linkage, step))
    if not linkage.is_active_credit:
        return None
    known = linkage.reported_on is not None and today - linkage.reported_on <= KNOWN_FOR
    due = linkage.next_due_on is not None and linkage.next_due_on <= today + SOON
    return Likely(movement=MovementKind.REPAYMENT if known and due else MovementKind.BALANCE)


def named(word: str, linkage: Linkage) -> Likely | None:
    """What an address or a form names; None where it names nothing that is offered so."""
    steps = {one.value.replace("_", "-"): one for one in LinkageState if one in ON_THE_WAY}
    if word in steps:
        return Likely(step=steps[word], amount_usd=_amount_of(linkage, steps[word]))
    return next((Likely(movement=one) for one in MONEY if word == one.value), None)


def amount_of(movement: MovementKind, found: Standing, next_due_on: date | None) -> Decimal | None:
    """What the movement probably comes to: the oldest instalment not yet paid, or what is owed as far as known."""
    if movement is MovementKind.BALANCE:
        return found.owed
    return next((one.total for one in found.instalments if one.due_on == next_due_on), None)


def _amount_of(linkage: Linkage, step: LinkageState) -> Decimal | None:
    if step is LinkageState.APPROVED:
        return linkage.requested_usd
    return linkage.approved_usd if step is LinkageState.DISBURSED else None
