"""One linkage while the rows of a file are taken: what each adds to it, and where it stands then. Writes nothing."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, fields
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
    Source,
)
from grants.credit.models.linkages import LINKAGE_MOVES
from grants.credit.schedules import Terms
from grants.credit.services.imports_rules import columns_disbursed, is_part_of, refuse_sum, row_of
from grants.credit.services.linkages import Step
from grants.credit.services.movements import POSSIBLE, Movement
from grants.credit.standing import PENNIES, standing

Key = tuple[MovementKind, str]
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


class Ledger:
    """The receipt numbers that are used, in the books and in the file, and the operation numbers."""

    def __init__(self, operations: set[str]) -> None:
        self.operations = operations
        self.known: dict[Key, CreditMovement] = {}
        self.seen: dict[Key, int] = {}

    def know(self, movement: CreditMovement) -> None:
        if movement.reference is not None:
            self.known[movement.kind, movement.reference] = movement


class Course:
    """A linkage and what the file has added to it so far."""

    def __init__(
        self, linkage: Linkage, logged: Sequence[CreditMovement], ledger: Ledger, settings: Settings, today: date
    ) -> None:
        self.linkage, self.ledger, self.settings, self.today = linkage, ledger, settings, today
        self.state, self.operation = linkage.state, linkage.reference
        self.disbursed_on = linkage.disbursed_on
        self.last_step = max((event.happened_on for event in linkage.events), default=date.min)
        self.steps = {event.to_state: event.happened_on for event in linkage.events}
        self.logged = list(logged)
        # Logged without a receipt number: a row that says the same is that one. A row without one may be any of them.
        self.by_hand = Counter(_alike(one) for one in logged if one.counts and one.reference is None)
        self.with_receipt = Counter(
            _alike(one) for one in logged
            if one.counts and one.reference is not None and not one.reference.startswith(DERIVED)
        )  # fmt: skip
        self.terms: Terms | None = terms_of(linkage) if linkage.disbursed_on else None
        self.left: Decimal | None = None  # at most so much is still owed; None: to be worked out

    def take(self, facts: Facts, number: int) -> Taken:
        """What the row adds. RowDoubt when it cannot be so."""
        if facts.happened_on > self.today:
            raise RowDoubt(Reason.FUTURE, Field.DAY)
        if facts.kind in STEPS:
            return self._take_step(facts)
        if self.linkage.kind is not LinkageKind.CREDIT:
            raise RowDoubt(Reason.STATE)
        if facts.kind is EventKind.DISBURSEMENT and self.state is LinkageState.APPROVED:
            return self._take_first(facts, number)
        taken = Taken()
        for movement, receipt in self._movements(facts):
            reason = self._logged_already(movement, number, is_companion=receipt is None and bool(taken.actions or
                                          taken.reason))  # fmt: skip
            if reason is not None:
                taken.reason = taken.reason or reason
                continue
            taken.actions.append(self._add(movement, facts, number))
        return Taken(taken.actions) if taken.actions else taken

    def _take_step(self, facts: Facts) -> Taken:
        state = STEP_STATES[facts.kind]
        if self.steps.get(state) == facts.happened_on:
            return Taken(reason=Reason.LOGGED)
        if state not in LINKAGE_MOVES[self.linkage.kind].get(self.state, frozenset()):
            raise RowDoubt(Reason.STATE)
        self._check_step_day(facts.happened_on)
        reason = DeclineReason(facts.decline) if facts.decline else None
        self._stepped(state, facts.happened_on)
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
        columns = columns_disbursed(self.linkage, step)
        reference = facts.receipt or derived_reference(facts.operation, facts.kind, day, amount)
        self._refuse_seen((MovementKind.DISBURSEMENT, reference), number, is_derived=facts.receipt is None)
        if (MovementKind.DISBURSEMENT, reference) in self.ledger.known:
            raise RowDoubt(Reason.RECEIPT_DIFFERS, Field.RECEIPT)
        self._disbursed(step, columns)
        self.ledger.seen[MovementKind.DISBURSEMENT, reference] = number
        return Taken([Disbursed(step, reference)])

    def _disbursed(self, step: Step, columns: dict[str, Any]) -> None:
        self._stepped(LinkageState.DISBURSED, step.happened_on)
        self.operation, self.disbursed_on, self.left = step.reference, step.happened_on, step.amount_usd
        self.ledger.operations.add(step.reference or "")
        self.terms = terms_from(columns, begun=step.happened_on)
        self.logged.append(row_of(self.linkage, Movement(MovementKind.DISBURSEMENT, step.happened_on,
                                                         amount_usd=step.amount_usd)))  # fmt: skip

    def _movements(self, facts: Facts) -> list[tuple[Movement, str | None]]:
        """What a row says that moved: one thing, and beside a payment what is owed after it where a column says so."""
        kind, balance = MovementKind(facts.kind.value), facts.usd("balance")
        said = {"days_late": facts.days_late, "overdue_usd": facts.usd("overdue")}
        if kind is MovementKind.BALANCE:
            return [(self._movement(facts, kind, {"balance_usd": balance, **said}), facts.receipt)]
        split = {f"{name}_usd": facts.usd(name) for name in ("principal", "interest", "other")}
        is_payment = kind is MovementKind.REPAYMENT
        main = self._movement(facts, kind, {"amount_usd": facts.usd("amount"), **(split if is_payment else {})})
        if not is_payment or balance is None:
            return [(main, facts.receipt)]
        after = self._movement(facts, MovementKind.BALANCE, {"balance_usd": balance, **said}, is_own=False)
        return [(main, facts.receipt), (after, None)]

    def _movement(self, facts: Facts, kind: MovementKind, said: dict[str, Any], *, is_own: bool = True) -> Movement:
        amount = said.get("amount_usd") or said.get("balance_usd")
        is_total = kind is MovementKind.REPAYMENT and self.settings.basis is Basis.TOTALS
        derived = derived_reference(self.operation or self.linkage.folio, "total" if is_total else kind,
                                    facts.happened_on, amount)  # fmt: skip
        reference = (facts.receipt if is_own else None) or derived
        return Movement(kind, facts.happened_on, reference=reference, source=Source.FILE, **said)

    def _logged_already(self, movement: Movement, number: int, *, is_companion: bool) -> Reason | None:
        """Why the movement is nothing new; None when it is. RowDoubt when its receipt number says otherwise."""
        key = (movement.kind, movement.reference or "")
        is_derived = not movement.reference or movement.reference.startswith(DERIVED)
        if is_companion and key in self.ledger.seen:
            return Reason.LOGGED
        self._refuse_seen(key, number, is_derived=is_derived)
        known = self.ledger.known.get(key)
        if known is not None:
            self.ledger.seen[key] = number
            if not self._is_the_same(known, movement):
                raise RowDoubt(Reason.RECEIPT_DIFFERS, Field.RECEIPT)
            return Reason.LOGGED
        for logged, reason in ((self.by_hand, Reason.LOGGED_BY_HAND), (self.with_receipt, Reason.LOGGED)):
            if logged[_alike(movement)] and (is_derived or logged is self.by_hand):
                logged[_alike(movement)] -= 1
                self.ledger.seen[key] = number
                return reason
        return Reason.LOGGED if self._adds_nothing(movement) else None

    def _is_the_same(self, known: CreditMovement, movement: Movement) -> bool:
        is_total = movement.kind is MovementKind.REPAYMENT and self.settings.basis is Basis.TOTALS
        return (
            known.linkage_id == self.linkage.id and known.happened_on == movement.happened_on
            and known.balance_usd == movement.balance_usd and (is_total or known.amount_usd == movement.amount_usd)
        )  # fmt: skip

    def _adds_nothing(self, movement: Movement) -> bool:
        if movement.kind is not MovementKind.REPAYMENT or self.settings.basis is not Basis.TOTALS:
            return False
        return movement.amount_usd == self._repaid_until(movement.happened_on)

    def _repaid_until(self, day: date) -> Decimal:
        return sum((one.amount_usd or ZERO for one in self.logged
                    if one.kind is MovementKind.REPAYMENT and one.counts and one.happened_on <= day), ZERO)  # fmt: skip

    def _add(self, movement: Movement, facts: Facts, number: int) -> Movement:
        self._refuse_where_it_cannot_be(movement, facts)
        if movement.kind is MovementKind.REPAYMENT and self.settings.basis is Basis.TOTALS:
            rest = (movement.amount_usd or ZERO) - self._repaid_until(movement.happened_on)
            if rest <= ZERO:
                raise RowDoubt(Reason.TOTAL_FELL, Field.AMOUNT)
            movement = Movement(**{one.name: getattr(movement, one.name) for one in fields(movement)}
                                | {"amount_usd": rest})  # fmt: skip
        if self.left is None or not is_part_of(movement, self.left):
            refuse_sum(self.linkage, movement, self.logged, self.terms)
        self.ledger.seen[movement.kind, movement.reference or ""] = number
        self._moved(movement)
        return movement

    def _refuse_where_it_cannot_be(self, movement: Movement, facts: Facts) -> None:
        if self.disbursed_on is not None and movement.happened_on < self.disbursed_on:
            # The same words for a day before the person was born: a lender must not learn that day by trying.
            raise RowDoubt(Reason.TOO_EARLY, Field.DAY)
        if self.state not in POSSIBLE[movement.kind]:
            raise RowDoubt(Reason.STATE)
        if movement.kind is MovementKind.DISBURSEMENT and facts.receipt is None:
            raise RowDoubt(Reason.PART, Field.RECEIPT)

    def _moved(self, movement: Movement) -> None:
        """Where the credit stands after it. Worked out in full only when it may be paid off by this."""
        row = row_of(self.linkage, movement)
        is_last = all(one.happened_on <= movement.happened_on for one in self.logged)
        self.logged.append(row)
        kind, amount = movement.kind, movement.amount_usd or ZERO
        if kind is MovementKind.WRITE_OFF:
            self.state = LinkageState.WRITTEN_OFF
        elif kind is MovementKind.DISBURSEMENT and self.left is not None:
            self.left += amount
        elif kind is MovementKind.BALANCE and is_last:
            self.left = movement.balance_usd or ZERO
            self.state = LinkageState.REPAYING if self.left > PENNIES else LinkageState.REPAID
        elif kind in (MovementKind.REPAYMENT, MovementKind.BALANCE):
            self.left = self.left - amount if self.left is not None and kind is MovementKind.REPAYMENT else None
            if self.left is None or self.left <= PENNIES:
                self._work_out()
            else:
                self.state = LinkageState.REPAYING

    def _work_out(self) -> None:
        if self.terms is None:
            return
        in_order = sorted(self.logged, key=lambda one: (one.happened_on, one.id or 2**40))
        found = standing(self.terms, in_order, self.today)
        self.left, self.state = found.owed, found.state

    def _refuse_seen(self, key: Key, number: int, *, is_derived: bool) -> None:
        earlier = self.ledger.seen.get(key)
        if earlier is not None and earlier != number:
            raise RowDoubt(Reason.REPEATED if is_derived else Reason.REPEATED_RECEIPT, Field.RECEIPT, earlier)

    def _check_step_day(self, day: date) -> None:
        if day < max(self.last_step, local_day(self.linkage.referral.referred_at)):
            raise RowDoubt(Reason.TOO_EARLY, Field.DAY)

    def _stepped(self, state: LinkageState, day: date) -> None:
        self.state, self.last_step, self.steps[state] = state, day, day


def _alike(one: CreditMovement | Movement) -> tuple[MovementKind, date, Decimal | None, Decimal | None]:
    return one.kind, one.happened_on, one.amount_usd, one.balance_usd
