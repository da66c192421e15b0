"""Two people at once about one credit: one wins, the other gets a sentence, and the sums hold."""

from collections.abc import Callable
from decimal import Decimal

from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.credit import queries, services
from grants.credit.models import CreditMovement, Linkage, LinkageState, MovementKind, MovementReversal, ReversalState
from grants.credit.queries.movements import differing_linkages, get_movement, get_reversal
from grants.credit.services import Movement
from grants.credit.services.following import refinance
from grants.credit.services.reversals import confirm_reversal, propose_reversal, refuse_reversal
from tests.factories.access import make_user
from tests.factories.credit import make_liaison, make_linkage
from tests.factories.credit_movements import ago, make_credit
from tests.races import errors_of, name_of

THREADS = 20


def at_once(app: Flask, *acts: Callable[[], object]) -> list[str]:
    """What each of the threads came to, the acts taken in turn: "done", or the refusal's class."""
    return sorted(name_of(error) for error in errors_of(app, [acts[number % len(acts)] for number in range(THREADS)]))


ONE_WINS = ["RuleBroken"] * (THREADS - 1) + ["done"]


def repay(user_id: int, linkage_id: int, *, reference: str | None, amount: str = "112") -> None:
    user = db.session.get(User, user_id)
    assert user is not None
    movement = Movement(MovementKind.REPAYMENT, ago(10), amount_usd=Decimal(amount), reference=reference)
    services.log_movement(queries.get_own_linkage(user, linkage_id), movement, by=user, now=utcnow())


def counting() -> list[CreditMovement]:
    return [one for one in db.session.query(CreditMovement) if one.counts and one.kind is MovementKind.REPAYMENT]


def test_one_receipt_counts_once_in_a_race(real_app: Flask) -> None:
    linkage = make_credit()
    liaison = make_liaison(linkage.institution)
    db.session.commit()
    ids = liaison.id, linkage.id

    assert at_once(real_app, lambda: repay(*ids, reference="R-1")) == ONE_WINS

    assert len(counting()) == 1
    assert db.session.get(Linkage, ids[1]).outstanding_usd == 1100
    assert list(differing_linkages()) == []


def test_payments_at_once_without_a_number_never_lose_one(real_app: Flask) -> None:
    """Each that is told "done" is counted, and the sum beside the credit is that of its movements."""
    linkage = make_credit()
    liaison = make_liaison(linkage.institution)
    db.session.commit()
    ids = liaison.id, linkage.id

    outcomes = at_once(real_app, lambda: repay(*ids, reference=None, amount="32"))

    assert set(outcomes) <= {"done", "RuleBroken"}
    assert len(counting()) == outcomes.count("done") >= 1
    assert db.session.get(Linkage, ids[1]).outstanding_usd == 1200 - (32 * len(counting()) - 12)
    assert list(differing_linkages()) == []


def test_recoveries_at_once_do_not_pass_each_other(real_app: Flask) -> None:
    """What is owed stays zero, so only the count of settlings tells two of them apart."""
    linkage = make_credit()
    liaison = make_liaison(linkage.institution)
    written_off = Movement(MovementKind.WRITE_OFF, ago(10), amount_usd=Decimal(1200))
    services.log_movement(linkage, written_off, by=liaison, now=utcnow())
    db.session.commit()
    ids = liaison.id, linkage.id

    def recover() -> None:
        user = db.session.get(User, ids[0])
        movement = Movement(MovementKind.RECOVERY, ago(5), amount_usd=Decimal(700))
        services.log_movement(queries.get_own_linkage(user, ids[1]), movement, by=user, now=utcnow())

    outcomes = at_once(real_app, recover)

    recovered = sum(one.amount_usd for one in db.session.query(CreditMovement).filter_by(kind=MovementKind.RECOVERY))
    assert outcomes.count("done") == 1  # of 1,200 and a margin of 120, two of 700 are too much
    assert recovered == 700


def proposed(linkage: Linkage) -> MovementReversal:
    liaison = make_liaison(linkage.institution)
    movement = Movement(MovementKind.REPAYMENT, ago(10), amount_usd=Decimal(112))
    row = services.log_movement(linkage, movement, by=liaison, now=utcnow())
    return propose_reversal(row, "Otro crédito", by=liaison, now=utcnow())


def test_one_of_many_deciders_wins(real_app: Flask) -> None:
    linkage = make_credit()
    proposal, coordinator = proposed(linkage), make_user(Role.COORDINATOR)
    db.session.commit()
    ids = coordinator.id, proposal.id

    def decide(verb: Callable[..., None]) -> None:
        user = db.session.get(User, ids[0])
        verb(get_reversal(user, ids[1]), by=user, now=utcnow())

    assert at_once(real_app, lambda: decide(confirm_reversal), lambda: decide(refuse_reversal)) == ONE_WINS

    decided = db.session.get(MovementReversal, ids[1])
    taken_back = decided.state is ReversalState.DONE
    assert db.session.get(Linkage, linkage.id).outstanding_usd == (1200 if taken_back else 1100)
    assert list(differing_linkages()) == []


def test_one_of_many_proposals_stands(real_app: Flask) -> None:
    linkage = make_credit()
    coordinator = make_user(Role.COORDINATOR)
    ids = coordinator.id, linkage.id, linkage.movements[0].id
    db.session.commit()

    def propose() -> None:
        user = db.session.get(User, ids[0])
        propose_reversal(get_movement(user, *ids[1:]), "Otro", by=user, now=utcnow())

    assert at_once(real_app, propose) == ONE_WINS
    assert db.session.query(MovementReversal).count() == 1


def test_a_reversal_and_a_repayment_at_once_leave_true_sums(real_app: Flask) -> None:
    linkage = make_credit()
    proposal, coordinator = proposed(linkage), make_user(Role.COORDINATOR)
    liaison = make_liaison(linkage.institution)
    db.session.commit()
    ids = coordinator.id, proposal.id, liaison.id, linkage.id

    def confirm() -> None:
        user = db.session.get(User, ids[0])
        confirm_reversal(get_reversal(user, ids[1]), by=user, now=utcnow())

    outcomes = at_once(real_app, confirm, lambda: repay(ids[2], ids[3], reference="R-2"))

    assert set(outcomes) == {"done", "RuleBroken"}
    owed = {0: 1200, 1: 1100, 2: 988}[len(counting())]  # 112 twice: 12 of interest once
    assert db.session.get(Linkage, ids[3]).outstanding_usd == owed
    assert list(differing_linkages()) == []


def test_the_last_disbursement_and_a_repayment_at_once(real_app: Flask) -> None:
    """Either the payment stands and the disbursement with it, or neither."""
    linkage = make_credit()
    proposer, coordinator = make_liaison(linkage.institution), make_user(Role.COORDINATOR)
    proposal = propose_reversal(linkage.movements[0], "Otro", by=proposer, now=utcnow())
    db.session.commit()
    ids = coordinator.id, proposal.id, proposer.id, linkage.id

    def confirm() -> None:
        user = db.session.get(User, ids[0])
        confirm_reversal(get_reversal(user, ids[1]), by=user, now=utcnow())

    outcomes = at_once(real_app, confirm, lambda: repay(ids[2], ids[3], reference="R-2"))

    after = db.session.get(Linkage, ids[3])
    assert outcomes == ONE_WINS
    assert (after.state, len(counting())) in {(LinkageState.APPROVED, 0), (LinkageState.REPAYING, 1)}
    assert list(differing_linkages()) == []


def test_a_credit_is_paid_off_once(real_app: Flask) -> None:
    earlier = make_credit(days=90)
    laters = [make_linkage(earlier.referral, state=LinkageState.DISBURSED, happened_on=ago(20)) for _n in range(2)]
    liaison = make_liaison(earlier.institution)
    db.session.commit()
    ids, later_ids = (liaison.id, earlier.id), [one.id for one in laters]

    def pay_off(later_id: int) -> None:
        user = db.session.get(User, ids[0])
        later, first = queries.get_own_linkage(user, later_id), queries.get_own_linkage(user, ids[1])
        refinance(later, first, by=user, now=utcnow())

    assert at_once(real_app, lambda: pay_off(later_ids[0]), lambda: pay_off(later_ids[1])) == ONE_WINS
    assert db.session.query(Linkage).filter(Linkage.refinances_id.is_not(None)).count() == 1
    assert db.session.query(CreditMovement).filter_by(kind=MovementKind.BALANCE).count() == 1
