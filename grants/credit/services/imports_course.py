"""One linkage while the rows of a file are taken: what each adds to it, and where it stands then. Writes nothing."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from decimal import Decimal
from typing import Any

from grants.core.clock import local_day
from grants.credit.books import terms_from, terms_of
from grants.credit.import_reasons import Reason, RowDoubt
from grants.credit.import_rows import DERIVED, Facts, derived_reference
from grants.credit.import_settings import STEPS, Basis, EventKind, Field, Settings
from grants.credit.models import (
    CreditMovement,
    DeclineReason,
    Linkage,
    LinkageKind,
    LinkageState,
    MovementKind,
)
from grants.credit.models.linkages import LINKAGE_MOVES
from grants.credit.schedules import Terms
from grants.credit.services.imports_known import Alike, Key, Ledger, alike, movements_said
from grants.credit.services.imports_rules import columns_disbursed, leaves_something, row_of, standing_beside
from grants.credit.services.linkages import Step
from grants.credit.services.movements import POSSIBLE, Movement
from grants.credit.standing import OF_A_DAY

__all__ = ["Action", "Course", "Disbursed", "Ledger", "Taken"]

STEP_STATES = {
    EventKind.CONTACTED: LinkageState.CONTACTED,
    EventKind.APPLIED: LinkageState.APPLIED,
    EventKind.APPROVED: LinkageState.APPROVED,
    EventKind.DECLINED: LinkageState.DECLINED,
}
ZERO = Decimal(0)


@dataclass(frozen=True, slots=True)
class Disbursed:
    """The first disbursement: a step of the linkage, and the receipt number of its movement."""

    step: Step
    reference: str


Action = Step | Disbursed | Movement


@dataclass(slots=True)
class Taken:
    """What a row adds; nothing where all of it is logged already, and then why."""

    actions: list[Action] = field(default_factory=list)
    reason: Reason | None = None


@dataclass(slots=True)
class _Now:
    """Where the credit stands by the books and by the rows taken so far."""

    state: LinkageState
    operation: str | None
    approved: Decimal | None
    disbursed_on: date | None
    last_step: date
    terms: Terms | None
    left: Decimal | None = None  # at least so much is still owed; None: to be worked out
    latest: tuple[date, int] = (date.min, 0)  # of the movements that count, in the order in which they do


class Course:
    """A linkage and what the file has added to it so far. A row that is refused leaves nothing."""

    def __init__(
        self, linkage: Linkage, logged: Sequence[CreditMovement], ledger: Ledger, settings: Settings, today: date
    ) -> None:
        self.linkage, self.ledger, self.settings, self.today = linkage, ledger, settings, today
        self.is_total = settings.basis is Basis.TOTALS
        self.logged = list(logged)
        counting = [one for one in logged if one.counts]
        self.now = _Now(
            linkage.state, linkage.reference, linkage.approved_usd, linkage.disbursed_on,
            # Not the latest event: a disbursement that was taken back may have been dated too late.
            last_step=linkage.last_step_on if linkage.events else date.min,
            terms=terms_of(linkage) if linkage.disbursed_on else None,
            latest=max((_place(one) for one in counting), default=(date.min, 0)),
        )  # fmt: skip
        self.steps = {event.to_state: event.happened_on for event in linkage.events}
        # Logged without a receipt number: a row that says the same is that one. A row without one may be any of them.
        self.by_hand = Counter(alike(one) for one in counting if one.reference is None)
        self.with_receipt = Counter(
            alike(one) for one in counting if one.reference is not None and not one.reference.startswith(DERIVED)
        )
        self.undo: list[Callable[[], Any]] = []  # what the row being taken has marked so far

    @property
    def operation(self) -> str | None:
        return self.now.operation

    def take(self, facts: Facts, number: int) -> Taken:
        """What the row adds. RowDoubt when it cannot be so; everything is then as it was before the row."""
        before, length = replace(self.now), len(self.logged)
        self.undo.clear()
        try:
            return self._take(facts, number)
        except RowDoubt:
            self.now = before
            del self.logged[length:]
            for undo in self.undo:
                undo()
            raise

    def _take(self, facts: Facts, number: int) -> Taken:
        if facts.happened_on > self.today:
            raise RowDoubt(Reason.FUTURE, Field.DAY)
        if facts.kind in STEPS:
            return self._take_step(facts)
        if self.linkage.kind is not LinkageKind.CREDIT:
            raise RowDoubt(Reason.STATE)
        if facts.kind is EventKind.DISBURSEMENT and self.now.state is LinkageState.APPROVED:
            return self._take_first(facts, number)
        taken = Taken()
        for movement, receipt in movements_said(facts, self.operation or self.linkage.folio, self.settings.basis):
            is_companion = receipt is None and bool(taken.actions or taken.reason)
            reason = self._logged_already(movement, number, is_companion=is_companion)
            if reason is not None:
                taken.reason = taken.reason or reason
                continue
            taken.actions.append(self._add(movement, facts, number))
        return Taken(taken.actions) if taken.actions else taken

    def _take_step(self, facts: Facts) -> Taken:
        state = STEP_STATES[facts.kind]
        if self.steps.get(state) == facts.happened_on:
            return Taken(reason=Reason.LOGGED)
        if state not in LINKAGE_MOVES[self.linkage.kind].get(self.now.state, frozenset()):
            raise RowDoubt(Reason.STATE)
        self._check_step_day(facts.happened_on)
        reason = DeclineReason(facts.decline) if facts.decline else None
        self._stepped(state, facts.happened_on)
        if state is LinkageState.APPROVED:
            self.now.approved = facts.usd("amount")
        return Taken([Step(state, facts.happened_on, amount_usd=facts.usd("amount"), decline_reason=reason)])

    def _take_first(self, facts: Facts, number: int) -> Taken:
        rate_kind = self.settings.rate_kind
        missing = (
            Field.OPERATION if not facts.operation
            else Field.TERM if facts.term is None
            else Field.RATE if facts.rate is None or rate_kind is None
            else None
        )  # fmt: skip
        if missing is not None or facts.operation is None:
            raise RowDoubt(Reason.TERMS, missing)
        if facts.operation in self.ledger.operations:
            raise RowDoubt(Reason.OPERATION_TAKEN, Field.OPERATION)
        self._check_step_day(facts.happened_on)
        amount, day = facts.usd("amount") or ZERO, facts.happened_on
        step = Step(LinkageState.DISBURSED, day, amount_usd=amount, term_months=facts.term,
                    rate_percent=Decimal(facts.rate or 0), rate_kind=rate_kind, reference=facts.operation)  # fmt: skip
        columns = columns_disbursed(self.linkage, step, approved=self.now.approved)
        reference = facts.receipt or derived_reference(facts.operation, facts.kind, day, amount)
        self._refuse_seen((MovementKind.DISBURSEMENT, reference), number, is_derived=facts.receipt is None)
        if (MovementKind.DISBURSEMENT, reference) in self.ledger.known:
            raise RowDoubt(Reason.RECEIPT_DIFFERS, Field.RECEIPT)
        movement = Movement(MovementKind.DISBURSEMENT, day, amount_usd=amount, reference=reference)
        if self._was_taken_back(movement):
            raise RowDoubt(Reason.TAKEN_BACK, Field.RECEIPT)
        self._see((MovementKind.DISBURSEMENT, reference), number)
        self._disbursed(step, columns)
        return Taken([Disbursed(step, reference)])

    def _disbursed(self, step: Step, columns: dict[str, Any]) -> None:
        self._stepped(LinkageState.DISBURSED, step.happened_on)
        self.now.operation, self.now.disbursed_on, self.now.left = step.reference, step.happened_on, step.amount_usd
        self.now.terms = terms_from(columns, begun=step.happened_on)
        self.ledger.operations.add(step.reference or "")
        self._append(row_of(self.linkage, Movement(MovementKind.DISBURSEMENT, step.happened_on,
                                                   amount_usd=step.amount_usd)))  # fmt: skip

    def _logged_already(self, movement: Movement, number: int, *, is_companion: bool) -> Reason | None:
        """Why the movement is nothing new; None when it is. RowDoubt when its receipt number says otherwise, or when it
        was taken back here."""
        key = (movement.kind, movement.reference or "")
        is_derived = not movement.reference or movement.reference.startswith(DERIVED)
        if is_companion and key in self.ledger.seen:
            return Reason.LOGGED
        self._refuse_seen(key, number, is_derived=is_derived)
        known = self.ledger.known.get(key)
        if known is not None:
            if not self._is_the_same(known, movement):
                raise RowDoubt(Reason.RECEIPT_DIFFERS, Field.RECEIPT)
            self._see(key, number)
            return Reason.LOGGED
        for logged, reason in ((self.by_hand, Reason.LOGGED_BY_HAND), (self.with_receipt, Reason.LOGGED)):
            if logged[alike(movement)] and (is_derived or logged is self.by_hand):
                self._use_up(logged, alike(movement))
                self._see(key, number)
                return reason
        if self._adds_nothing(movement):
            return Reason.LOGGED
        if not self._was_taken_back(movement):
            return None
        if is_companion:  # the balance beside a payment that counts: it is not logged again by itself
            return Reason.TAKEN_BACK
        raise RowDoubt(Reason.TAKEN_BACK, Field.RECEIPT)

    def _was_taken_back(self, movement: Movement) -> bool:
        """The very same was logged, and two people took it back."""
        there = self.ledger.taken_back.get((movement.kind, movement.reference or ""), ())
        return any(self._is_the_same(one, movement) for one in there)

    def _is_the_same(self, known: CreditMovement, movement: Movement) -> bool:
        is_total = movement.kind is MovementKind.REPAYMENT and self.is_total
        return (
            known.linkage_id == self.linkage.id and known.happened_on == movement.happened_on
            and known.balance_usd == movement.balance_usd and (is_total or known.amount_usd == movement.amount_usd)
        )  # fmt: skip

    def _adds_nothing(self, movement: Movement) -> bool:
        if movement.kind is not MovementKind.REPAYMENT or not self.is_total:
            return False
        return movement.amount_usd == sum(self._repaid(until=movement.happened_on), ZERO)

    def _repaid(self, *, until: date = date.max, after: date = date.min) -> list[Decimal]:
        return [one.amount_usd or ZERO for one in self.logged
                if one.kind is MovementKind.REPAYMENT and one.counts and after < one.happened_on <= until]  # fmt: skip

    def _add(self, movement: Movement, facts: Facts, number: int) -> Movement:
        is_last = _place(movement) >= self.now.latest
        terms = self._terms_where_it_can_be(movement, facts, is_last=is_last)
        if movement.kind is MovementKind.REPAYMENT and self.is_total:
            movement = self._rest_of_total(movement)
        row = row_of(self.linkage, movement)
        if is_last and self.now.left is not None and leaves_something(movement, self.now.left):
            self.now.left -= movement.amount_usd or ZERO
            self.now.state = LinkageState.REPAYING
        else:
            after = standing_beside(row, self.logged, terms=terms, approved=self.now.approved, today=self.today)
            self.now.left, self.now.state = after.owed, after.state
        self._append(row)
        self._see((movement.kind, movement.reference or ""), number)
        return movement

    def _terms_where_it_can_be(self, movement: Movement, facts: Facts, *, is_last: bool) -> Terms:
        """The credit's terms. RowDoubt where nothing like it can be logged, whatever the amount."""
        if self.now.disbursed_on is not None and movement.happened_on < self.now.disbursed_on:
            # The same words for a day before the person was born: a lender must not learn that day by trying.
            raise RowDoubt(Reason.TOO_EARLY, Field.DAY)
        if self.now.terms is None or (is_last and self.now.state not in POSSIBLE[movement.kind]):
            raise RowDoubt(Reason.STATE)
        if movement.kind is MovementKind.DISBURSEMENT and facts.receipt is None:
            raise RowDoubt(Reason.PART, Field.RECEIPT)
        return self.now.terms

    def _rest_of_total(self, movement: Movement) -> Movement:
        """What of a total is new. RowDoubt where a later day's payment, which may hold it, is there already."""
        rest = (movement.amount_usd or ZERO) - sum(self._repaid(until=movement.happened_on), ZERO)
        if rest <= ZERO:
            raise RowDoubt(Reason.TOTAL_FELL, Field.AMOUNT)
        if self._repaid(after=movement.happened_on):
            raise RowDoubt(Reason.LATER_TOTAL, Field.DAY)
        return replace(movement, amount_usd=rest)

    def _append(self, row: CreditMovement) -> None:
        self.logged.append(row)
        self.now.latest = max(self.now.latest, _place(row))

    def _see(self, key: Key, number: int) -> None:
        if key not in self.ledger.seen:
            self.ledger.seen[key] = number
            self.undo.append(lambda: self.ledger.seen.pop(key))

    def _use_up(self, logged: Counter[Alike], one: Alike) -> None:
        logged[one] -= 1
        self.undo.append(lambda: logged.update([one]))

    def _refuse_seen(self, key: Key, number: int, *, is_derived: bool) -> None:
        earlier = self.ledger.seen.get(key)
        if earlier is not None and earlier != number:
            raise RowDoubt(Reason.REPEATED if is_derived else Reason.REPEATED_RECEIPT, Field.RECEIPT, earlier)

    def _check_step_day(self, day: date) -> None:
        if day < max(self.now.last_step, local_day(self.linkage.referral.referred_at)):
            raise RowDoubt(Reason.TOO_EARLY, Field.DAY)

    def _stepped(self, state: LinkageState, day: date) -> None:
        self.now.state, self.now.last_step, self.steps[state] = state, day, day


def _place(one: CreditMovement | Movement) -> tuple[date, int]:
    """Where a movement stands among the others: by day, within a day as it counts."""
    return one.happened_on, OF_A_DAY[one.kind]
