"""Disputes: opened in words, decided by two others, and what each decision leaves."""

from collections.abc import Callable

import pytest
from flask import Flask
from sqlalchemy import select
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import CallKind
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    Dispute,
    DisputeOutcome,
    Duty,
    DutyHeld,
    FlagReason,
    Reason,
    VisitState,
)
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import make_card, make_carried, make_confirmed, make_delivery
from tests.factories.outcomes import coordinator, decide, make_answered, make_dispute, make_visit, monitor
from tests.factories.selection import make_award

S = DeliveryState
D = DisputeOutcome


def holders(delivery: Delivery, duty: Duty) -> set[int]:
    held = select(DutyHeld.user_id).where(DutyHeld.delivery_id == delivery.id, DutyHeld.duty == duty)
    return set(db.session.scalars(held))


def test_dispute_keeps_what_the_person_says_sealed(app: Flask) -> None:
    carried = make_confirmed()

    dispute = make_dispute(carried)

    assert carried.delivery.state is S.DISPUTED
    assert (dispute.came_from, dispute.reason, dispute.said) == (
        S.CONFIRMED, Reason.NOT_RECEIVED, "Dice que no recibió nada",
    )  # fmt: skip
    assert b"recibi" not in bytes(dispute.said_sealed)  # type: ignore[attr-defined]


def test_one_dispute_is_open_at_a_time(app: Flask) -> None:
    carried = make_confirmed()
    make_dispute(carried)

    with pytest.raises(RuleBroken):
        make_dispute(carried)
    with pytest.raises(IntegrityError), db.session.begin_nested():
        twin = Dispute(folio="X-1", delivery_id=carried.delivery.id, came_from=S.CONFIRMED, reason=Reason.OTHER,
                       opened_by_id=monitor().id, opened_at=utcnow(), proposal=0)  # fmt: skip
        twin.said = "Otra vez"
        db.session.add(twin)

    assert len(queries.disputes_page(reader=make_user(Role.DIRECTOR)).items) == 1


@pytest.mark.parametrize("bad", ["at the point", "by the officer", "without words"])
def test_dispute_that_cannot_be_opened_changes_nothing(app: Flask, bad: str) -> None:
    carried = make_carried() if bad == "at the point" else make_confirmed()
    state = carried.delivery.state

    with pytest.raises(RuleBroken):
        services.open_dispute(
            carried.delivery, reason=Reason.NOT_RECEIVED, said="" if bad == "without words" else "No llegó",
            by=carried.officer if bad == "by the officer" else monitor(), now=utcnow(),
        )  # fmt: skip

    assert carried.delivery.state is state
    assert queries.open_dispute_of(carried.delivery) is None


def test_two_others_decide_that_the_handover_stands(app: Flask) -> None:
    dispute = make_dispute()

    first, second = decide(dispute, D.RECONCILED)

    assert dispute.delivery.state is S.RECONCILED
    assert holders(dispute.delivery, Duty.RECONCILE) == {first.id, second.id}
    assert [(one.round, one.state) for one in queries.visits_of(dispute.delivery)] == [(1, VisitState.DUE)]


def test_replacement_frees_the_award_flags_the_device_and_ends_the_used_card(app: Flask) -> None:
    award = make_award(call=make_call(kind=CallKind.DEVICES))
    carried = make_confirmed(award)
    serial = carried.delivery.lines[0].serial_number or ""

    first, second = decide(make_dispute(carried), D.REPLACEMENT)

    assert carried.delivery.state is S.REPLACEMENT
    assert [(one.serial_number, one.why) for one in queries.flags()] == [(serial, FlagReason.DISPUTED)]
    db.session.refresh(carried.card)
    assert (carried.card.replacement_asked_by_id, carried.card.replaced_by_id) == (first.id, second.id)
    again = make_delivery(award=award)
    make_card(award)
    assert (again.state, again.value_usd) == (S.PLANNED, carried.delivery.value_usd)


def refused_decider(who: str) -> tuple[Dispute, Callable[[], None]]:
    """A dispute, and a step of somebody who may not take it."""
    carried, opener, first = make_confirmed(), monitor(), coordinator()
    if who == "who holds a duty":
        held = db.session.scalars(select(DutyHeld).where(DutyHeld.duty == Duty.APPROVE)).first()
        assert held is not None
        first = db.session.get_one(User, held.user_id)
    if who == "the officer":
        first = carried.officer
    dispute = make_dispute(carried, by=opener)
    if who == "the proposer":
        services.propose(dispute, outcome=D.RECONCILED, answer="Sí", by=first, now=utcnow())
        return dispute, lambda: services.sign(dispute, proposal=dispute.proposal, by=first, now=utcnow())
    by = opener if who == "the opener" else first
    return dispute, lambda: services.propose(dispute, outcome=D.RECONCILED, answer="Sí", by=by, now=utcnow())


@pytest.mark.parametrize("who", ["the opener", "the officer", "who holds a duty", "the proposer"])
def test_whoever_is_involved_does_not_decide(app: Flask, who: str) -> None:
    dispute, step = refused_decider(who)
    before = dispute.proposal

    with pytest.raises(RuleBroken):
        step()

    assert (dispute.delivery.state, dispute.proposal, dispute.decided_at) == (S.DISPUTED, before, None)
    assert holders(dispute.delivery, Duty.RECONCILE) == set()


def test_only_the_proposal_that_was_read_is_signed(app: Flask) -> None:
    dispute = make_dispute()
    services.propose(dispute, outcome=D.RECONCILED, answer="Está el acta", by=coordinator(), now=utcnow())
    read = dispute.proposal
    services.propose(dispute, outcome=D.REPLACEMENT, answer="El acta no es suya", by=coordinator(), now=utcnow())

    with pytest.raises(RuleBroken):
        services.sign(dispute, proposal=read, by=make_user(Role.DIRECTOR), now=utcnow())

    assert (dispute.delivery.state, dispute.decided_at) == (S.DISPUTED, None)


def test_decided_dispute_is_not_decided_again(app: Flask) -> None:
    dispute = make_dispute()
    decide(dispute, D.RECONCILED)

    for step in (
        lambda: services.propose(dispute, outcome=D.REPLACEMENT, answer="No", by=coordinator(), now=utcnow()),
        lambda: services.sign(dispute, proposal=dispute.proposal, by=coordinator(), now=utcnow()),
    ):
        with pytest.raises(RuleBroken):
            step()

    assert dispute.delivery.state is S.RECONCILED


def test_visited_person_is_visited_again_after_a_dispute(app: Flask) -> None:
    carried = make_confirmed()
    make_answered(carried, received_all="no")
    decide(make_dispute(carried), D.RECONCILED)

    assert carried.delivery.state is S.RECONCILED
    rounds = [(one.round, one.state) for one in queries.visits_of(carried.delivery)]
    assert rounds == [(1, VisitState.ANSWERED), (2, VisitState.DUE)]
    with pytest.raises(RuleBroken):
        services.close(carried.delivery, by=coordinator(), now=utcnow())


def test_open_visit_is_enough_after_a_dispute(app: Flask) -> None:
    carried = make_confirmed()
    make_visit(carried)

    decide(make_dispute(carried), D.RECONCILED)

    assert len(queries.visits_of(carried.delivery)) == 1


@pytest.mark.parametrize("broken", ["proposer signs", "opener proposes", "decided without outcome"])
def test_database_refuses_a_decision_by_too_few(app: Flask, broken: str) -> None:
    dispute, other = make_dispute(), coordinator()

    with pytest.raises(IntegrityError), db.session.begin_nested():
        if broken == "proposer signs":
            dispute.outcome, dispute.proposed_by_id, dispute.decided_by_id = D.RECONCILED, other.id, other.id
            dispute.decided_at = utcnow()
        elif broken == "opener proposes":
            dispute.outcome, dispute.proposed_by_id = D.RECONCILED, dispute.opened_by_id
        else:
            dispute.decided_by_id, dispute.decided_at = other.id, utcnow()
        db.session.flush()

    assert queries.get_dispute(dispute.id).decided_at is None
