"""The rows of a file meet the rules that a liaison's own entry meets, whatever day they are of."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from grants.access.models import User
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.import_settings import Basis, EventKind, Field
from grants.credit.models import (
    CreditMovement,
    Frequency,
    ImportMode,
    ImportState,
    Institution,
    Linkage,
    LinkageState,
    MovementKind,
    RateKind,
)
from grants.credit.services import Movement, Step, imports_apply, log_movement, log_step
from grants.credit.services.movements import movements_of
from grants.credit.services.reversals import confirm_reversal, propose_reversal
from tests.factories.credit import make_institution, make_liaison, make_linkage
from tests.factories.credit_imports import a_row, applied, checked, csv_of, settings_of, told, written
from tests.factories.credit_movements import ago, make_credit

TOTALS = {"kind": EventKind.REPAYMENT, "basis": Basis.TOTALS, "without": {Field.PRINCIPAL, Field.INTEREST}}
KINDS = {"pago": MovementKind.REPAYMENT, "castigo": MovementKind.WRITE_OFF, "recuperación": MovementKind.RECOVERY}


def a_credit(amount: str = "600") -> tuple[Institution, User, Linkage]:
    """Disbursed a hundred days ago under OP-9."""
    institution = make_institution()
    return institution, make_liaison(institution), make_credit(None, institution, amount=amount, days=100,
                                                               reference="OP-9")  # fmt: skip


def log(linkage: Linkage, kind: MovementKind, days: int, *, by: User, **said: Any) -> CreditMovement:
    amounts = {name: Decimal(value) for name, value in said.items() if name.endswith("usd")}
    return log_movement(linkage, Movement(kind, ago(days), reference=said.get("reference"), **amounts), by=by,
                        now=utcnow())  # fmt: skip


def take_back(movement: CreditMovement, *, by: User) -> None:
    other = make_liaison(movement.linkage.institution)
    confirm_reversal(propose_reversal(movement, "It was another one", by=by, now=utcnow()), by=other, now=utcnow())
    db.session.refresh(movement.linkage)


def paid(linkage: Linkage) -> list[Decimal]:
    return [one.amount_usd for one in movements_of(linkage) if one.kind is MovementKind.REPAYMENT and one.counts]


def test_of_a_credit_no_more_is_repaid_than_was_owed(app: Flask) -> None:
    """Of 600, 500 are repaid ten days ago: 550 fifty days ago would make 1,050."""
    institution, by, linkage = a_credit()
    log(linkage, MovementKind.REPAYMENT, 10, by=by, amount_usd="500", principal_usd="500")
    with pytest.raises(RuleBroken):
        log(linkage, MovementKind.REPAYMENT, 50, by=by, amount_usd="550", principal_usd="550")
    rows = [a_row(operation="OP-9", kind="pago", day=written(50), amount=one, principal=one) for one in ("550", "90")]

    kept = checked(csv_of(*rows), institution, by)
    assert told(kept) == ["later", "good"]

    applied(kept, by)
    assert (paid(linkage), linkage.outstanding_usd) == ([Decimal(90), Decimal(500)], Decimal(10))


@pytest.mark.parametrize(("there", "row", "amount", "reason"), [
    ((MovementKind.REPAYMENT, 10, "500"), ("pago", 50), "100", None),
    ((MovementKind.REPAYMENT, 10, "500"), ("pago", 50), "700", "owed"),
    ((MovementKind.REPAYMENT, 10, "100"), ("castigo", 50), "600", "not_last"),
    ((MovementKind.BALANCE, 50, "500"), ("castigo", 10), "500", None),
    ((MovementKind.BALANCE, 50, "500"), ("castigo", 10), "490", "owed"),
    ((MovementKind.WRITE_OFF, 10, "600"), ("recuperación", 50), "60", "state_then"),
    ((MovementKind.WRITE_OFF, 50, "600"), ("recuperación", 10), "60", None),
    # The lender said that all is paid; an older payment changes nothing of that.
    ((MovementKind.BALANCE, 10, "0"), ("pago", 50), "58", None),
    ((MovementKind.BALANCE, 50, "0"), ("pago", 10), "58", "state"),
    # Of one day a payment counts before the balance.
    ((MovementKind.BALANCE, 10, "50"), ("pago", 10), "40", None),
])  # fmt: skip
def test_by_hand_and_by_file_the_same_is_refused(
    app: Flask, there: tuple[MovementKind, int, str], row: tuple[str, int], amount: str, reason: str | None
) -> None:
    institution, by, linkage = a_credit()
    kind, days, sum_usd = there
    log(linkage, kind, days, by=by, **{"balance_usd" if kind is MovementKind.BALANCE else "amount_usd": sum_usd})
    before = [one.id for one in movements_of(linkage)]

    kept = checked(csv_of(a_row(operation="OP-9", kind=row[0], day=written(row[1]), amount=amount)), institution, by)

    assert told(kept) == [reason or "good"]
    if reason is None:
        assert told(applied(kept, by, ImportMode.ALL)) == ["applied"]
        assert len(movements_of(linkage)) == len(before) + 1
        take_back(next(one for one in movements_of(linkage) if one.id not in before), by=by)
        log(linkage, KINDS[row[0]], row[1], by=by, amount_usd=amount)
        return
    with pytest.raises(RuleBroken):
        log(linkage, KINDS[row[0]], row[1], by=by, amount_usd=amount)
    assert [one.id for one in movements_of(linkage)] == before


def test_an_older_payment_leaves_the_later_balance_as_it_is(app: Flask) -> None:
    institution, by, linkage = a_credit()
    log(linkage, MovementKind.BALANCE, 10, by=by, balance_usd="200")
    rows = [a_row(operation="OP-9", kind="pago", day=written(50), amount="150"),
            a_row(operation="OP-9", kind="pago", day=written(5), amount="120", principal="120")]  # fmt: skip

    kept = applied(checked(csv_of(*rows), institution, by), by, ImportMode.ALL)

    db.session.refresh(linkage)
    assert told(kept) == ["applied", "applied"]
    assert (linkage.outstanding_usd, linkage.state) == (Decimal(80), LinkageState.REPAYING)


def test_an_older_total_is_refused_where_a_later_payment_may_hold_it(app: Flask) -> None:
    institution, by, linkage = a_credit("1200")
    settings = settings_of(**TOTALS)
    applied(
        checked(
            csv_of(
                a_row(operation="OP-9", day=written(60), amount="100"),
                a_row(operation="OP-9", day=written(10), amount="300"),
            ),
            institution,
            by,
            settings=settings,
        ),
        by,
    )
    rows = [
        a_row(operation="OP-9", day=written(50), amount="100"),  # what was paid until then: nothing new
        a_row(operation="OP-9", day=written(40), amount="200"),
        a_row(operation="OP-9", day=written(30), amount="90"),
        a_row(operation="OP-9", day=written(5), amount="350"),
    ]

    kept = checked(csv_of(*rows), institution, by, settings=settings)
    assert told(kept) == ["logged", "later_total", "total_fell", "good"]

    applied(kept, by)
    assert sum(paid(linkage)) == Decimal(350)


def test_a_refused_row_leaves_nothing_in_the_reckoning(app: Flask) -> None:
    institution, by, linkage = a_credit("850")
    rows = [
        # Paid 800, and 900 owed after it: it cannot be, so neither the payment nor its receipt counts.
        a_row(operation="OP-9", kind="pago", day=written(20), amount="800", balance="900", receipt="R1"),
        a_row(operation="OP-9", kind="pago", day=written(10), amount="70", receipt="R1"),
        a_row(operation="OP-9", kind="pago", day=written(9), amount="600"),
    ]

    kept = checked(csv_of(*rows), institution, by)
    assert told(kept) == ["owed", "good", "good"]

    assert told(applied(kept, by)) == ["owed", "applied", "applied"]
    assert paid(linkage) == [Decimal(70), Decimal(600)]


def test_a_refused_total_is_no_part_of_the_next_one(app: Flask) -> None:
    institution, by, linkage = a_credit("850")
    rows = [a_row(operation="OP-9", day=written(20), amount="120", balance="900"),
            a_row(operation="OP-9", day=written(10), amount="120")]  # fmt: skip

    kept = checked(csv_of(*rows), institution, by, settings=settings_of(**TOTALS))
    assert told(kept) == ["owed", "good"]

    applied(kept, by)
    assert paid(linkage) == [Decimal(120)]


def test_a_refused_row_uses_up_nothing_that_was_logged_by_hand(app: Flask) -> None:
    institution, by, linkage = a_credit("850")
    log(linkage, MovementKind.REPAYMENT, 20, by=by, amount_usd="85")
    rows = [a_row(operation="OP-9", kind="pago", day=written(20), amount="85", balance="900", receipt="A"),
            a_row(operation="OP-9", kind="pago", day=written(20), amount="85", receipt="B")]  # fmt: skip
    assert told(checked(csv_of(*rows), institution, by)) == ["owed", "logged_by_hand"]


def test_the_principal_is_needed_beside_the_interest(app: Flask) -> None:
    institution, by, _linkage = a_credit()
    rows = [a_row(operation="OP-9", kind="pago", day=written(20), amount="60", interest="10"),
            a_row(operation="OP-9", kind="pago", day=written(19), amount="60", interest="0")]  # fmt: skip
    assert told(checked(csv_of(*rows), institution, by)) == ["missing", "good"]


def disbursement(linkage: Linkage, days: int, amount: str, **more: Any) -> list[Any]:
    said = {"operation": "N-1", "folio": linkage.folio, "kind": "desembolso", "term": "12", "rate": "20", **more}
    return a_row(**said, day=written(days), amount=amount)


def test_an_approval_of_the_same_file_binds_the_disbursement(app: Flask) -> None:
    institution = make_institution()
    by, linkage = make_liaison(institution), make_linkage(institution=institution, state=LinkageState.APPLIED)
    approval = a_row(folio=linkage.folio, kind="aprobado", day=written(10), amount="500")

    too_much = checked(csv_of(approval, disbursement(linkage, 9, "1000")), institution, by)
    parts = [disbursement(linkage, 9, "400"), disbursement(linkage, 8, "100", receipt="D-2"),
             disbursement(linkage, 7, "1", receipt="D-3")]  # fmt: skip
    in_parts = checked(csv_of(approval, *parts), institution, by)

    assert told(too_much) == ["good", "approved"]
    assert told(in_parts) == ["good", "good", "good", "approved"]
    assert told(applied(in_parts, by)) == ["applied", "applied", "applied", "approved"]
    assert linkage.amount_usd == Decimal(500)


@pytest.mark.parametrize("mode", list(ImportMode))
def test_a_rule_that_only_the_doing_asks_is_told_as_such(
    app: Flask, monkeypatch: pytest.MonkeyPatch, mode: ImportMode
) -> None:
    institution, by, linkage = a_credit()
    other = make_credit(None, institution, amount="600", days=100, reference="OP-10")
    rows = [a_row(operation=one, kind="pago", day=written(9), amount="50") for one in ("OP-9", "OP-10")]
    kept = checked(csv_of(*rows), institution, by)
    do = imports_apply.append_many

    def refuse_one(found: Linkage, *given: Any, **more: Any) -> None:
        if found.id == linkage.id:
            raise RuleBroken("No.")
        do(found, *given, **more)

    monkeypatch.setattr(imports_apply, "append_many", refuse_one)
    kept = applied(kept, by, mode)

    if mode is ImportMode.ALL:
        assert (kept.state, kept.stopped, told(kept)) == (ImportState.READY, True, ["rule", "good"])
        kept = applied(kept, by, ImportMode.GOOD)  # it is not stuck: the others can be done
    assert (kept.state, told(kept)) == (ImportState.APPLIED, ["rule", "applied"])
    assert (paid(linkage), paid(other)) == ([], [Decimal(50)])


def test_a_receipt_that_was_taken_back_may_be_sent_corrected(app: Flask) -> None:
    institution, by, linkage = a_credit()
    take_back(log(linkage, MovementKind.REPAYMENT, 10, by=by, amount_usd="58", reference="R1"), by=by)
    same, corrected = (a_row(operation="OP-9", kind="pago", day=written(10), amount=one, receipt="R1")
                       for one in ("58", "85"))  # fmt: skip

    assert told(checked(csv_of(same), institution, by)) == ["taken_back"]
    kept = applied(checked(csv_of(corrected), institution, by), by)

    assert told(kept) == ["applied"]
    assert paid(linkage) == [Decimal(85)]
    assert told(checked(csv_of(corrected, same), institution, by)) == ["logged", "repeated_receipt"]


def test_a_row_without_receipt_that_was_taken_back_is_not_done_again(app: Flask) -> None:
    institution, by, linkage = a_credit()
    file = csv_of(a_row(operation="OP-9", kind="pago", day=written(10), amount="58"))
    applied(checked(file, institution, by), by)
    take_back(movements_of(linkage)[-1], by=by)
    assert told(checked(file + b"\n", institution, by)) == ["taken_back"]
    log(linkage, MovementKind.REPAYMENT, 10, by=by, amount_usd="58")  # as the sentence says
    assert told(checked(file + b"\n\n", institution, by)) == ["logged_by_hand"]


def test_after_a_reversed_disbursement_the_right_day_is_taken(app: Flask) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    linkage = make_linkage(institution=institution, state=LinkageState.APPROVED, happened_on=ago(20))
    linkage.referral.referred_at = utcnow() - timedelta(days=30)
    linkage.approved_usd = Decimal(500)
    db.session.flush()
    terms = {"term_months": 12, "rate_percent": Decimal(20), "rate_kind": RateKind.NOMINAL, "reference": "N-1"}
    log_step(linkage, Step(LinkageState.DISBURSED, ago(1), amount_usd=Decimal(500), **terms), by=by, now=utcnow())
    take_back(movements_of(linkage)[0], by=by)

    early = checked(csv_of(disbursement(linkage, 25, "500")), institution, by)
    kept = applied(checked(csv_of(disbursement(linkage, 5, "500")), institution, by), by)

    assert (told(early), told(kept)) == (["too_early"], ["applied"])
    assert linkage.disbursed_on == ago(5)


def test_a_term_of_too_many_instalments_is_told_as_such(app: Flask) -> None:
    institution = make_institution()
    by, linkage = make_liaison(institution), make_linkage(institution=institution, state=LinkageState.APPROVED)
    linkage.frequency = Frequency.WEEKLY
    db.session.flush()
    assert told(checked(csv_of(disbursement(linkage, 5, "500", term="240")), institution, by)) == ["instalments"]
