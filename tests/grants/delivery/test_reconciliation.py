"""Reconciliation: pairs that agree or differ, one duty to a person, and no way around the card."""

import itertools
import secrets
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import func, select, update
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
    DeliveryEvent,
    DeliveryState,
    DisputeOutcome,
    Duty,
    DutyHeld,
    KitLine,
    Reason,
    SymbolCard,
)
from grants.delivery.services import Codes, Evidence, Left, ReleaseCodes
from grants.delivery.services.reconciliation import Comparison, ledgers
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import (
    DESK,
    PIN,
    clear,
    make_card,
    make_carried,
    make_confirmed,
    make_officer,
    make_run,
    stop_at,
    totp_at,
)
from tests.factories.outcomes import (
    ALL_WELL,
    coordinator,
    late,
    make_answered,
    make_dispute,
    make_visit,
    monitor,
    sign_return,
    whole,
)
from tests.factories.selection import make_award

S = DeliveryState
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def comparison(delivery: Delivery) -> Comparison:
    db.session.expire_all()
    return services.comparisons([queries.get_to_compare(delivery.id)])[delivery.id]


def test_handover_as_it_should_be_agrees_in_every_pair(app: Flask) -> None:
    carried = make_confirmed(make_award(call=make_call(kind=CallKind.DEVICES)))

    found = comparison(carried.delivery)

    assert (found.agrees, found.variance_units, found.variance_usd) == (True, 0, Decimal("0.00"))
    assert len(found.pairs) == 9
    services.reconcile(queries.get_to_compare(carried.delivery.id), by=coordinator(), now=utcnow())
    assert carried.delivery.state is S.RECONCILED


def changed(delivery: Delivery, what: str) -> None:
    """Something that is no longer as it was when the receipt was made."""
    first = delivery.lines[0]
    if what == "seal":
        db.session.execute(update(Delivery).where(Delivery.id == delivery.id).values(seal_number="PR-OTHER"))
    elif what == "serial":
        db.session.execute(update(KitLine).where(KitLine.id == first.id).values(serial_number="SN-OTHER"))
    elif what == "quantity":
        db.session.execute(update(KitLine).where(KitLine.id == first.id).values(quantity=2))
    elif what == "waybill":
        left = update(DeliveryEvent).where(DeliveryEvent.to_state == S.IN_TRANSIT)
        db.session.execute(left.values(digest="0" * 64))
    elif what == "officer":
        arrived = update(DeliveryEvent).where(DeliveryEvent.to_state == S.CONFIRMED)
        db.session.execute(arrived.values(by_id=make_officer().id))
    else:
        receipt = queries.receipt_of(delivery)
        assert receipt is not None
        receipt.content = {**receipt.content, "canton": "Otro"}
        db.session.flush()


@pytest.mark.parametrize(
    ("what", "pairs"),
    [("seal", 2), ("serial", 2), ("quantity", 2), ("waybill", 2), ("officer", 1), ("receipt", 1)],
)
def test_records_that_differ_are_not_signed(app: Flask, what: str, pairs: int) -> None:
    carried = make_confirmed(make_award(call=make_call(kind=CallKind.DEVICES)))
    changed(carried.delivery, what)

    found = comparison(carried.delivery)

    assert len(found.differing) == pairs
    with pytest.raises(RuleBroken):
        services.reconcile(queries.get_to_compare(carried.delivery.id), by=coordinator(), now=utcnow())
    assert carried.delivery.state is S.CONFIRMED


def test_variance_is_the_receipt_less_the_kit(app: Flask) -> None:
    carried = make_confirmed()
    line = carried.delivery.lines[1]  # ten sacks of USD 15.50
    db.session.execute(update(KitLine).where(KitLine.id == line.id).values(quantity=12))

    found = comparison(carried.delivery)

    assert (found.variance_units, found.variance_usd) == (-2, Decimal("-31.00"))


@pytest.fixture
def ledger() -> Iterator[dict[int, int]]:
    """A stock ledger that says what the test puts in."""
    issued: dict[int, int] = {}
    ledgers.append(lambda _deliveries: issued)
    yield issued
    ledgers.pop()


@pytest.mark.parametrize(("units", "agrees"), [(10, True), (9, False)])
def test_stock_ledger_is_compared_where_it_issued_the_goods(
    app: Flask, ledger: dict[int, int], units: int, agrees: bool
) -> None:
    carried = make_confirmed()
    ledger[carried.delivery.lines[1].id] = units

    assert comparison(carried.delivery).agrees is agrees


def test_one_unit_too_many_and_one_too_few_do_not_agree(app: Flask, ledger: dict[int, int]) -> None:
    carried = make_confirmed()
    ledger.update({carried.delivery.lines[0].id: 2, carried.delivery.lines[1].id: 9})  # one oven, ten sacks

    found = comparison(carried.delivery)

    assert [(pair.first, pair.second) for pair in found.differing] == [("1, 10", "2, 9")]


def test_many_are_signed_at_once_or_none(app: Flask) -> None:
    one, other = make_confirmed().delivery, make_confirmed().delivery
    db.session.execute(update(Delivery).where(Delivery.id == other.id).values(seal_number="PR-OTHER"))
    db.session.expire_all()
    both, by = queries.deliveries_to_compare([one.id, other.id]), coordinator()

    with pytest.raises(RuleBroken), db.session.begin_nested():
        services.reconcile_many(both, by=by, now=utcnow())
    assert [kit.state for kit in both] == [S.CONFIRMED, S.CONFIRMED]
    services.reconcile_many([kit for kit in both if kit.id == one.id], by=by, now=utcnow())

    assert (one.state, other.state) == (S.RECONCILED, S.CONFIRMED)


def test_visited_then_reconciled_goes_on_by_itself_and_is_closed_by_the_reconciler(app: Flask) -> None:
    carried, by = make_confirmed(), coordinator()
    make_answered(carried)
    assert carried.delivery.state is S.CONFIRMED

    services.reconcile(queries.get_to_compare(carried.delivery.id), by=by, now=utcnow())
    assert carried.delivery.state is S.MONITORED
    for stranger in (carried.officer, _holder(carried.delivery, Duty.MONITOR), _holder(carried.delivery, Duty.PACK)):
        with pytest.raises(RuleBroken):
            services.close(carried.delivery, by=stranger, now=utcnow())
    services.close(carried.delivery, by=by, now=utcnow())

    assert carried.delivery.state is S.CLOSED


def test_unvisited_delivery_is_not_closed(app: Flask) -> None:
    carried = make_confirmed()
    services.reconcile(queries.get_to_compare(carried.delivery.id), by=coordinator(), now=utcnow())

    for plan in (lambda: None, lambda: make_visit(carried)):
        plan()
        with pytest.raises(RuleBroken):
            services.close(carried.delivery, by=coordinator(), now=utcnow())

    assert carried.delivery.state is S.RECONCILED


def _holder(delivery: Delivery, duty: Duty) -> User:
    held = select(DutyHeld.user_id).where(DutyHeld.delivery_id == delivery.id, DutyHeld.duty == duty)
    return db.session.get_one(User, db.session.scalars(held).first())


# One person, two duties


def walk(award: Any, people: dict[Duty, User]) -> Delivery:
    """A delivery from its plan to the visit, each duty by whoever is named for it."""
    delivery = services.plan_delivery(award, by=coordinator(), now=NOW)
    for one in (people[Duty.APPROVE], coordinator()):
        services.approve(delivery, by=one, now=NOW)
    counted = {line.position: line.quantity for line in delivery.lines}
    services.pack(delivery, counted=counted, serials={}, by=people[Duty.PACK], now=NOW)
    number = f"PR-{secrets.token_hex(6)}"
    services.seal(delivery, seal_number=number, weight_grams=900, by=make_user(Role.WAREHOUSE), now=NOW)
    clear(delivery, at=NOW)
    card, codes = make_card(award)
    officer, keeper = people[Duty.CONFIRM], people[Duty.RELEASE]
    run = make_run(officer, at=NOW)
    services.schedule(delivery, run, stop_at(NOW), by=coordinator(), now=NOW)
    release = ReleaseCodes(warehouse=totp_at(keeper, NOW), officer=totp_at(officer, NOW))
    services.dispatch(run, release, desk=DESK, by=keeper, now=NOW)
    db.session.refresh(delivery)
    services.arrive(delivery, by=officer, now=NOW)
    at = NOW + timedelta(minutes=5)
    picture = int(card.true_picture or "0")
    services.confirm(delivery, Codes(totp_at(officer, at), PIN, codes[picture]), key=secrets.token_urlsafe(12),
                     desk=DESK, by=officer, now=at)  # fmt: skip
    db.session.expire_all()
    services.reconcile(queries.get_to_compare(delivery.id), by=people[Duty.RECONCILE], now=at)
    services.plan_visits(award.selection.call, by=coordinator(), now=at)
    visit = queries.visits_of(delivery)[0]
    services.answer(visit, ALL_WELL, by=people[Duty.MONITOR], now=late(at))
    return delivery


def all_rights() -> User:
    person = make_officer()
    person.roles = frozenset(Role)
    db.session.flush()
    return person


@pytest.mark.parametrize(("first", "second"), list(itertools.combinations(Duty, 2)))
def test_nobody_acts_in_two_duties_of_one_delivery(app: Flask, first: Duty, second: Duty) -> None:
    people = {duty: all_rights() for duty in Duty}
    people[second] = people[first]
    award = make_award()

    with pytest.raises(RuleBroken):
        walk(award, people)

    delivery = queries.live_delivery(award.id)
    assert delivery is not None
    held = select(func.count()).select_from(DutyHeld).where(DutyHeld.user_id == people[first].id)
    assert (db.session.scalar(held) or 0) <= 1
    assert delivery.state is not S.MONITORED


def test_six_people_take_a_delivery_to_its_visit(app: Flask) -> None:
    people = {duty: all_rights() for duty in Duty}

    delivery = walk(make_award(), people)

    assert delivery.state is S.MONITORED
    assert {duty: queries.duty_of(delivery, person) for duty, person in people.items()} == {duty: duty for duty in Duty}


# The officer who "delivers" to nobody


Verb = Callable[[Delivery, User], object]


def last_visit(delivery: Delivery) -> Any:
    return next(iter(queries.visits_of(delivery)), None) or make_visit_of(delivery)


def make_visit_of(delivery: Delivery) -> Any:
    raise RuleBroken("there is no visit")


def guess(delivery: Delivery, by: User) -> object:
    code = Codes(totp_at(by, utcnow()), PIN, "0000000000")
    return services.confirm(delivery, code, key=secrets.token_urlsafe(12), desk=DESK, by=by, now=utcnow())


def replace_own(delivery: Delivery, by: User) -> object:
    card = queries.get_card(delivery.award_id)
    services.ask_replacement(card, by=by, now=utcnow())
    return services.replace_card(card, cost=None, by=by, now=utcnow())  # type: ignore[arg-type]


def decide_alone(delivery: Delivery, by: User) -> object:
    dispute = queries.open_dispute_of(delivery)
    if dispute is None:
        raise RuleBroken("there is no dispute")
    services.propose(dispute, outcome=DisputeOutcome.RECONCILED, answer="Sí", by=by, now=utcnow())
    return services.sign(dispute, proposal=dispute.proposal, by=by, now=utcnow())


VERBS: dict[str, Verb] = {
    "approve": lambda d, u: services.approve(d, by=u, now=utcnow()),
    "cancel": lambda d, u: services.cancel(d, reason=Reason.OTHER, by=u, now=utcnow()),
    "clear": lambda d, u: services.clear(d, by=u, now=utcnow()),
    "arrive": lambda d, u: services.arrive(d, by=u, now=utcnow()),
    "confirm": guess,
    "replace the card": replace_own,
    "receipt": lambda d, _u: services.make_receipt(d, now=utcnow()),
    "nobody came": lambda d, u: services.nobody_came(d, by=u, now=utcnow()),
    "refused": lambda d, u: services.refused(d, reason=Reason.OTHER, by=u, now=utcnow()),
    "partly": lambda d, u: services.partly(
        d, {1: Left(missing=1)}, reason=Reason.OTHER, evidence=Evidence(said="x"), by=u, now=utcnow()
    ),
    "taken": lambda d, u: services.taken(d, said="x", by=u, now=utcnow()),
    "turn back": lambda d, u: services.turn_back(d, reason=None, by=u, now=utcnow()),
    "count": lambda d, u: services.count_back(d, whole(d), reason=Reason.OTHER, by=u, now=utcnow()),
    "sign the count": lambda d, u: sign_return(d, by=u, now=utcnow()),
    "dispute": lambda d, u: services.open_dispute(d, reason=Reason.OTHER, said="x", by=u, now=utcnow()),
    "decide": decide_alone,
    "reconcile": lambda d, u: services.reconcile(queries.get_to_compare(d.id), by=u, now=utcnow()),
    "visit": lambda d, u: services.answer(last_visit(d), ALL_WELL, by=u, now=late()),
    "no consent": lambda d, u: services.no_consent(last_visit(d), by=u, now=late()),
    "close": lambda d, u: services.close(d, by=u, now=utcnow()),
}  # fmt: skip


def reachable(delivery: Delivery, by: User) -> set[DeliveryState]:
    """Every state to which this person alone can take the delivery, whatever the order of the verbs."""
    found: set[DeliveryState] = set()

    def search() -> None:
        if delivery.state in found:
            return
        found.add(delivery.state)
        for verb in VERBS.values():
            nested = db.session.begin_nested()
            try:
                before = delivery.state
                verb(delivery, by)
                db.session.flush()
                if delivery.state is not before:
                    search()
            except (RuleBroken, IntegrityError):  # refused by a rule, or by the database
                continue
            finally:
                nested.rollback()
                db.session.expire_all()

    search()
    return found


def test_officer_with_every_right_finds_no_path_to_confirmed(app: Flask) -> None:
    carried = make_carried(officer=all_rights())
    make_visit(carried)
    db.session.commit()

    found = reachable(carried.delivery, carried.officer)

    assert found == {S.AT_POINT, S.NO_SHOW, S.REFUSED, S.PARTIAL, S.SEIZED, S.RETURNING}


@pytest.mark.parametrize("before", [S.CONFIRMED, S.DISPUTED, S.RECONCILED, S.MONITORED])
def test_officer_takes_an_own_handover_no_step_further(app: Flask, before: DeliveryState) -> None:
    carried = make_confirmed()
    if before in (S.RECONCILED, S.MONITORED):
        services.reconcile(queries.get_to_compare(carried.delivery.id), by=coordinator(), now=utcnow())
    if before is S.MONITORED:
        make_answered(carried)
    else:
        make_visit(carried)
    if before is S.DISPUTED:
        make_dispute(carried)
    carried.officer.roles = frozenset(Role)
    db.session.commit()

    assert reachable(carried.delivery, carried.officer) == {before}


@pytest.mark.parametrize("made", ["issued", "printed"])
def test_officer_carries_no_kit_whose_card_they_made(app: Flask, made: str) -> None:
    officer = all_rights()
    carried = make_carried(S.IN_TRANSIT)
    card, delivery = carried.card, carried.delivery
    column = "issued_by_id" if made == "issued" else "printed_by_id"
    db.session.execute(update(SymbolCard).where(SymbolCard.id == card.id).values({column: officer.id}))
    db.session.execute(update(Delivery).where(Delivery.id == delivery.id).values(officer_id=officer.id))
    db.session.expire_all()
    services.arrive(delivery, by=officer, now=utcnow())

    with pytest.raises(RuleBroken):
        codes = Codes(totp_at(officer, utcnow()), PIN, carried.true_code)
        services.confirm(delivery, codes, key="a-key-of-mine", desk=DESK, by=officer, now=utcnow())

    assert delivery.state is S.AT_POINT
    assert queries.receipt_of(delivery) is None


def test_monitor_is_needed_even_when_everything_agrees(app: Flask) -> None:
    carried = make_confirmed()
    by = monitor()
    services.reconcile(queries.get_to_compare(carried.delivery.id), by=by, now=utcnow())

    with pytest.raises(RuleBroken):
        services.answer(make_visit(carried), ALL_WELL, by=by, now=utcnow())

    assert carried.delivery.state is S.RECONCILED
