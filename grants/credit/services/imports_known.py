"""What is known before a row is taken, by the lender's numbers, and what a row says that moved. Writes nothing."""

from collections import defaultdict
from datetime import date
from decimal import Decimal
from typing import Any

from grants.credit.import_rows import Facts, derived_reference
from grants.credit.import_settings import Basis
from grants.credit.models import CreditMovement, MovementKind, Source
from grants.credit.services.movements import Movement

Key = tuple[MovementKind, str]
Alike = tuple[MovementKind, date, Decimal | None, Decimal | None]


class Ledger:
    """The receipt numbers that are used, in the books and in the file, and the operation numbers."""

    def __init__(self, operations: set[str]) -> None:
        self.operations = operations
        self.known: dict[Key, CreditMovement] = {}
        self.taken_back: dict[Key, list[CreditMovement]] = defaultdict(list)  # a number of these may be logged anew
        self.seen: dict[Key, int] = {}

    def know(self, movement: CreditMovement) -> None:
        if movement.reference is None:
            return
        key = movement.kind, movement.reference
        if movement.counts:
            self.known[key] = movement
        else:
            self.taken_back[key].append(movement)


def alike(one: CreditMovement | Movement) -> Alike:
    """What two movements share that say the same."""
    return one.kind, one.happened_on, one.amount_usd, one.balance_usd


def movements_said(facts: Facts, credit: str, basis: Basis) -> list[tuple[Movement, str | None]]:
    """What a row says that moved, each with its receipt number: one thing, and beside a payment what is owed after it
    where a column says so. `credit`: the operation number, or the folio of a credit without one."""
    kind, balance = MovementKind(facts.kind.value), facts.usd("balance")
    said = {"days_late": facts.days_late, "overdue_usd": facts.usd("overdue")}
    if kind is MovementKind.BALANCE:
        return [(_movement(facts, kind, credit, basis, {"balance_usd": balance, **said}), facts.receipt)]
    split = {f"{name}_usd": facts.usd(name) for name in ("principal", "interest", "other")}
    is_payment = kind is MovementKind.REPAYMENT
    main = _movement(
        facts, kind, credit, basis, {"amount_usd": facts.usd("amount"), **(split if is_payment else {})}
    )  # fmt: skip
    if not is_payment or balance is None:
        return [(main, facts.receipt)]
    after = _movement(
        facts, MovementKind.BALANCE, credit, basis, {"balance_usd": balance, **said}, is_own=False
    )  # fmt: skip
    return [(main, facts.receipt), (after, None)]


def _movement(
    facts: Facts, kind: MovementKind, credit: str, basis: Basis, said: dict[str, Any], *, is_own: bool = True
) -> Movement:  # fmt: skip
    amount = said.get("amount_usd") or said.get("balance_usd")
    is_total = kind is MovementKind.REPAYMENT and basis is Basis.TOTALS
    derived = derived_reference(credit, "total" if is_total else kind, facts.happened_on, amount)
    reference = (facts.receipt if is_own else None) or derived
    return Movement(kind, facts.happened_on, reference=reference, source=Source.FILE, **said)
