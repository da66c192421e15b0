"""Taking a movement back by two people: as if it had never been logged."""

from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask_babel import force_locale

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit import services
from grants.credit.models import (
    CreditMovement,
    Linkage,
    LinkageState,
    MovementKind,
    MovementReversal,
    RateKind,
    ReversalState,
)
from grants.credit.queries.movements import differing_linkages, live_reversals
from grants.credit.services import Movement, Step
from grants.credit.services.reversals import confirm_reversal, propose_reversal, refuse_reversal
from tests.factories.access import make_user
from tests.factories.credit import make_liaison
from tests.factories.credit_movements import ago, make_credit

K, S = MovementKind, LinkageState
COLUMNS = ("state", "outstanding_usd", "amount_usd", "disbursed_on", "reported_on", "restructured_on", "last_step_on")


def log(linkage: Linkage, kind: MovementKind, days: int, **details: object) -> CreditMovement:
    money = {name: Decimal(str(value)) if name.endswith("_usd") else value for name, value in details.items()}
    return services.log_movement(
        linkage, Movement(kind, ago(days), **money), by=make_liaison(linkage.institution), now=utcnow()
    )


def kept(linkage: Linkage) -> dict[str, object]:
    db.session.refresh(linkage)
    return {name: getattr(linkage, name) for name in COLUMNS}


def propose(movement: CreditMovement, by: User | None = None) -> MovementReversal:
    by = by or make_liaison(movement.linkage.institution)
    return propose_reversal(movement, "Otro crédito", by=by, now=utcnow())


def take_back(movement: CreditMovement) -> None:
    confirm_reversal(propose(movement), by=make_user(Role.COORDINATOR), now=utcnow())


def refused(act: object, *arguments: object, **options: object) -> str:
    with pytest.raises(RuleBroken) as error, db.session.begin_nested():
        act(*arguments, **options)  # type: ignore[operator]
    with force_locale("en"):
        return str(error.value.message)


def test_the_credit_stands_as_if_it_had_never_been(app: Flask) -> None:
    linkage = make_credit()
    before = kept(linkage)
    movement = log(linkage, K.REPAYMENT, 10, amount_usd=112)
    proposal = propose(movement)
    assert kept(linkage)["outstanding_usd"] == 1100  # it counts until somebody agrees
    coordinator = make_user(Role.COORDINATOR)

    confirm_reversal(proposal, by=coordinator, now=utcnow())

    assert kept(linkage) == before
    assert (movement.counts, proposal.state, proposal.decided_by_id) == (False, ReversalState.DONE, coordinator.id)
    assert [one.to_state for one in linkage.events[-2:]] == [S.REPAYING, S.DISBURSED]
    assert list(differing_linkages()) == []


@pytest.mark.parametrize(
    ("kind", "details"),
    [(K.BALANCE, {"balance_usd": 0}), (K.BALANCE, {"balance_usd": 700, "days_late": 5}),
     (K.WRITE_OFF, {"amount_usd": 1200}), (K.REPAYMENT, {"amount_usd": 1212}),
     (K.DISBURSEMENT, {"amount_usd": 100})],
)  # fmt: skip
def test_every_kind_can_be_taken_back(app: Flask, kind: MovementKind, details: dict[str, object]) -> None:
    linkage = make_credit(approved="1300")
    before = kept(linkage)
    take_back(log(linkage, kind, 10, **details))
    assert kept(linkage) == before


def test_the_receipt_can_be_logged_again_with_the_right_amount(app: Flask) -> None:
    linkage = make_credit()
    take_back(log(linkage, K.REPAYMENT, 10, amount_usd=1120, reference="R-1"))
    log(linkage, K.REPAYMENT, 10, amount_usd=112, reference="R-1")
    assert linkage.outstanding_usd == 1100


def test_without_its_only_disbursement_a_credit_is_approved_again(app: Flask) -> None:
    linkage = make_credit(approved="1300")
    take_back(linkage.movements[0])

    assert linkage.state is S.APPROVED
    empty = ("amount_usd", "disbursed_on", "outstanding_usd", "reported_on", "reference", "term_months", "rate_percent",
             "rate_kind", "method", "frequency", "instalments", "first_due_on", "product_id")  # fmt: skip
    assert [getattr(linkage, name) for name in empty] == [None] * len(empty)
    assert linkage.approved_usd == 1300
    assert list(differing_linkages()) == []


def test_it_can_then_be_disbursed_on_an_earlier_day(app: Flask) -> None:
    """The mistake was the day: the event of the wrong one does not stand in the way."""
    linkage = make_credit(days=40)
    linkage.referral.referred_at -= timedelta(days=10)
    take_back(linkage.movements[0])
    step = Step(S.DISBURSED, ago(60), Decimal(900), 12, Decimal(12), RateKind.NOMINAL, "OP-77")
    services.log_step(linkage, step, by=make_liaison(linkage.institution), now=utcnow())
    assert (linkage.state, linkage.disbursed_on, linkage.outstanding_usd) == (S.DISBURSED, ago(60), 900)


def test_a_disbursement_with_something_after_it_stays(app: Flask) -> None:
    linkage = make_credit()
    movement = log(linkage, K.REPAYMENT, 10, amount_usd=112)
    first = next(one for one in linkage.movements if one.kind is K.DISBURSEMENT)
    assert "Take back first" in refused(propose, first)
    take_back(movement)
    take_back(first)
    assert linkage.state is S.APPROVED


def test_the_first_of_two_parts_leaves_the_day_of_the_second(app: Flask) -> None:
    linkage = make_credit(amount="1000", approved="1500", days=40)
    log(linkage, K.DISBURSEMENT, 20, amount_usd=500)
    take_back(linkage.movements[0])
    assert (linkage.amount_usd, linkage.disbursed_on, linkage.outstanding_usd) == (500, ago(20), 500)
    assert linkage.reference is not None


def test_a_part_stays_while_more_was_repaid_than_would_be_lent(app: Flask) -> None:
    linkage = make_credit(amount="500", approved="1500", days=40)
    part = log(linkage, K.DISBURSEMENT, 30, amount_usd=1000)
    log(linkage, K.REPAYMENT, 10, amount_usd=900, principal_usd=900)
    assert "repaid than was owed" in refused(propose, part)


def test_a_write_off_with_a_recovery_stays(app: Flask) -> None:
    linkage = make_credit()
    gone = log(linkage, K.WRITE_OFF, 10, amount_usd=1200)
    back = log(linkage, K.RECOVERY, 5, amount_usd=50)
    assert "recovered" in refused(propose, gone)
    take_back(back)
    take_back(gone)
    assert (linkage.state, linkage.outstanding_usd) == (S.DISBURSED, 1200)


def test_what_was_paid_before_a_write_off_stays_until_that_is_taken_back(app: Flask) -> None:
    """1,200 lent, 400 repaid, 800 written off: without the repayment 400 would be nowhere."""
    linkage = make_credit()
    paid = log(linkage, K.REPAYMENT, 20, amount_usd=400, principal_usd=400)
    proposal = propose(paid)
    gone = log(linkage, K.WRITE_OFF, 10, amount_usd=800)

    assert "Take back the write-off first" in refused(confirm_reversal, proposal, by=make_user(Role.COORDINATOR),
                                                      now=utcnow())  # fmt: skip
    assert paid.counts

    take_back(gone)
    confirm_reversal(proposal, by=make_user(Role.COORDINATOR), now=utcnow())
    assert (linkage.state, linkage.outstanding_usd) == (S.DISBURSED, 1200)
    log(linkage, K.WRITE_OFF, 10, amount_usd=1200)
    assert (linkage.state, linkage.outstanding_usd) == (S.WRITTEN_OFF, 0)


@pytest.mark.parametrize(
    ("kind", "details"), [(K.BALANCE, {"balance_usd": 700}), (K.DISBURSEMENT, {"amount_usd": 100})]
)
def test_what_changed_what_was_written_off_stays_too(
    app: Flask, kind: MovementKind, details: dict[str, object]
) -> None:
    linkage = make_credit(approved="1300")
    movement = log(linkage, kind, 20, **details)
    log(linkage, K.WRITE_OFF, 10, amount_usd=details.get("balance_usd", 1300))
    assert "Take back the write-off first" in refused(propose, movement)


def test_what_changed_nothing_before_a_write_off_can_be_taken_back(app: Flask) -> None:
    """A payment of interest alone, and one that a later balance of the lender covers."""
    linkage = make_credit()
    interest = log(linkage, K.REPAYMENT, 25, amount_usd=12, principal_usd=0, interest_usd=12)
    covered = log(linkage, K.REPAYMENT, 24, amount_usd=100, principal_usd=100)
    log(linkage, K.BALANCE, 20, balance_usd=900)
    log(linkage, K.WRITE_OFF, 10, amount_usd=900)
    take_back(interest)
    take_back(covered)
    assert (linkage.state, linkage.outstanding_usd) == (S.WRITTEN_OFF, 0)


def test_a_balance_stays_while_more_was_repaid_than_would_be_owed(app: Flask) -> None:
    """The lender said that 1,100 of 1,200 are owed although 1,000 were repaid; then 1,100 were repaid."""
    linkage = make_credit()
    log(linkage, K.REPAYMENT, 30, amount_usd=1000, principal_usd=1000)
    said = log(linkage, K.BALANCE, 20, balance_usd=1100)
    log(linkage, K.REPAYMENT, 10, amount_usd=1100, principal_usd=1100)
    assert "repaid than was owed" in refused(propose, said)


def test_who_proposes_does_not_decide(app: Flask) -> None:
    linkage = make_credit()
    movement, coordinator = log(linkage, K.REPAYMENT, 10, amount_usd=112), make_user(Role.COORDINATOR)
    proposal = propose(movement, coordinator)
    for decide in (confirm_reversal, refuse_reversal):
        assert "Somebody else" in refused(decide, proposal, by=coordinator, now=utcnow())
    db.session.refresh(proposal)
    assert (proposal.state, movement.counts) == (ReversalState.PROPOSED, True)


def test_a_refused_proposal_changes_nothing_and_can_be_made_again(app: Flask) -> None:
    linkage = make_credit()
    movement = log(linkage, K.REPAYMENT, 10, amount_usd=112)
    before = kept(linkage)
    first = propose(movement)
    refuse_reversal(first, by=make_user(Role.COORDINATOR), now=utcnow())
    assert kept(linkage) == before
    assert live_reversals(linkage) == {}
    assert "already decided" in refused(confirm_reversal, first, by=make_user(Role.COORDINATOR), now=utcnow())
    second = propose(movement)
    assert live_reversals(linkage) == {movement.id: second}


def test_a_movement_has_one_proposal_at_a_time(app: Flask) -> None:
    movement = log(make_credit(), K.REPAYMENT, 10, amount_usd=112)
    propose(movement)
    assert "proposed this already" in refused(propose, movement)
    assert db.session.query(MovementReversal).count() == 1


def test_what_was_taken_back_is_not_taken_back_again(app: Flask) -> None:
    movement = log(make_credit(), K.REPAYMENT, 10, amount_usd=112)
    take_back(movement)
    assert "taken back already" in refused(propose, movement)


def test_a_reason_is_needed(app: Flask) -> None:
    movement = log(make_credit(), K.REPAYMENT, 10, amount_usd=112)
    with pytest.raises(RuleBroken) as error:
        propose_reversal(movement, "  ", by=make_user(), now=utcnow())
    assert error.value.field == "reason"
