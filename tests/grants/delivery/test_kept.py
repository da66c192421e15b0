"""What the person keeps of a delivery that is made again: signed by two, asked about, and never given twice."""

import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import CallKind
from grants.core.clock import local_day, utcnow
from grants.core.db import db, get_or_refuse, transaction
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.models import (
    Delivery,
    DeliveryState,
    Dispute,
    DisputeOutcome,
    KeptLine,
    LineOutcome,
    Reason,
    SealState,
)
from grants.delivery.services import Evidence, Left
from grants.selection.models import Award
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import Carried, make_carried, make_confirmed, make_delivery
from tests.factories.outcomes import coordinator, decide, keeper, make_dispute, make_visit, monitor, sign_return, whole
from tests.factories.selection import make_award

S = DeliveryState
D = DisputeOutcome
SignIn = Callable[[User], FlaskClient]
# The kit: an oven of 450.00, ten sacks of 15.50, scales of 95.00; together the award's 700.00.
OVEN_AND_EIGHT_SACKS = {1: 1, 2: 8}
DENIED = {"received_what_stayed": "no", "asked_to_pay": "no", "felt_safe": "yes"}


def incomplete(carried: Carried | None = None) -> Dispute:
    return make_dispute(carried, reason=Reason.NOT_COMPLETE)


def made_again(kept: Mapping[int, int]) -> Delivery:
    """A delivery that is made again while the person keeps so much of it."""
    dispute = incomplete()
    decide(dispute, D.REPLACEMENT, kept=kept)
    return dispute.delivery


def deny(first: Delivery) -> None:
    """In the visit that asks about it, the person says that they do not have it."""
    visit = next(one for one in queries.visits_of(first) if one.is_due)
    services.answer(visit, DENIED, by=monitor(), now=utcnow() + timedelta(1))


def test_both_kits_together_stay_within_the_award(app: Flask) -> None:
    first = made_again(OVEN_AND_EIGHT_SACKS)

    again = make_delivery(award=first.award)

    # 450.00 and eight sacks of 15.50 stay: 574.00. What is left is what the person did not receive.
    assert [(one.position, one.name, one.quantity) for one in again.lines] == [
        (1, "Quintal de harina", 2), (2, "Balanza digital", 1),
    ]  # fmt: skip
    assert (again.ceiling_usd, again.value_usd) == (Decimal("126.00"), Decimal("126.00"))


def test_only_what_the_signed_proposal_says_counts(app: Flask) -> None:
    dispute, first, second = incomplete(), coordinator(), make_user(Role.DIRECTOR)
    for kept in (OVEN_AND_EIGHT_SACKS, {3: 1}):
        services.propose(dispute, outcome=D.REPLACEMENT, answer="Se revisó", kept=kept, by=first, now=utcnow())
    with pytest.raises(RuleBroken):
        services.sign(dispute, proposal=1, by=second, now=utcnow())

    services.sign(dispute, proposal=2, by=second, now=utcnow())

    assert queries.stayed_with_person(dispute.delivery.award_id) == [("Balanza digital", 1, Decimal("95.00"))]
    assert [(one.line.position, one.units) for one in queries.kept_in(dispute)] == [(3, 1)]


def test_handover_that_stands_leaves_nothing_to_count(app: Flask) -> None:
    dispute = incomplete()

    decide(dispute, D.RECONCILED, kept=OVEN_AND_EIGHT_SACKS)

    assert (dispute.delivery.state, queries.kept_in(dispute)) == (S.RECONCILED, [])
    assert db.session.scalar(select(func.count()).select_from(LineOutcome)) == 0


@pytest.mark.parametrize("kept", [{2: 11}, {1: -1}, {1: 1, 2: 10, 3: 1}])
def test_more_than_the_list_less_than_nothing_or_everything_is_not_proposed(app: Flask, kept: dict[int, int]) -> None:
    dispute = incomplete()

    with pytest.raises(RuleBroken):
        services.propose(dispute, outcome=D.REPLACEMENT, answer="Sí", kept=kept, by=coordinator(), now=utcnow())

    assert (dispute.proposal, dispute.outcome) == (0, None)


def test_database_keeps_no_line_of_nothing_and_none_twice(app: Flask) -> None:
    dispute = incomplete()
    line_id = dispute.delivery.lines[0].id

    for units in ((0,), (1, 1)):
        with pytest.raises(IntegrityError), db.session.begin_nested():
            db.session.add_all(KeptLine(dispute_id=dispute.id, proposal=1, line_id=line_id, units=one) for one in units)


def test_somebody_who_was_not_there_asks_the_person_about_it(app: Flask) -> None:
    carried = make_confirmed()
    open_already = make_visit(carried)

    decide(incomplete(carried), D.REPLACEMENT, kept={1: 1})

    today = local_day(utcnow())
    visits = [(one.round, one.version, one.due_from) for one in queries.visits_of(carried.delivery)]
    assert visits == [(1, None, open_already.due_from), (2, 2, today + timedelta(1))]
    with pytest.raises(RuleBroken):
        services.answer(queries.visits_of(carried.delivery)[1], DENIED, by=carried.officer, now=utcnow() + timedelta(1))


def test_what_the_person_denies_counts_no_more(app: Flask) -> None:
    first = made_again(OVEN_AND_EIGHT_SACKS)

    deny(first)

    assert make_delivery(award=first.award).ceiling_usd == Decimal("700.00")


def with_a_device(award: Award, kept: Mapping[int, int]) -> tuple[Delivery, str]:
    """A kit made again whose first line is a device; the device's number."""
    carried = make_confirmed(award)
    line = carried.delivery.lines[0]
    line.serial_number = line.live_serial = "SN-KEPT"
    line.needs_serial = True
    db.session.flush()
    decide(incomplete(carried), D.REPLACEMENT, kept=kept)
    return carried.delivery, "SN-KEPT"


def pack_device(serial: str) -> Delivery:
    delivery = make_delivery(S.APPROVED, award=make_award(call=make_call(kind=CallKind.DEVICES)))
    services.pack(delivery, counted={1: 1}, serials={1: serial}, by=keeper(), now=utcnow())
    return delivery


def test_device_that_the_person_keeps_is_not_marked_and_goes_into_no_other_kit(app: Flask, in_english: None) -> None:
    _first, serial = with_a_device(make_award(), {1: 1})

    with pytest.raises(RuleBroken, match="already in another kit"):
        pack_device(serial)

    assert queries.live_flag(serial) is None


def test_device_that_stayed_at_a_partial_handover_goes_into_no_other_kit(app: Flask, in_english: None) -> None:
    carried = make_carried()
    delivery, line = carried.delivery, carried.delivery.lines[0]
    line.serial_number = line.live_serial = "SN-STAYED"
    delivery.digest = delivery.digest_over(delivery.receiver_folio)
    db.session.flush()
    services.partly(delivery, {1: Left(with_person=1)}, reason=Reason.DID_NOT_WANT, evidence=Evidence(said="Solo eso"),
                    by=carried.officer, now=utcnow())  # fmt: skip
    services.turn_back(delivery, reason=None, by=carried.officer, now=utcnow())
    counted = whole(delivery, units={1: 0, 2: 10, 3: 1}, seal_state=SealState.BROKEN)
    services.count_back(delivery, counted, reason=Reason.DID_NOT_WANT, by=keeper(), now=utcnow())
    sign_return(delivery, by=keeper(), now=utcnow())

    with pytest.raises(RuleBroken, match="already in another kit"):
        pack_device("SN-STAYED")


def test_device_that_the_person_denies_is_marked_and_free_once_it_is_found(app: Flask) -> None:
    first, serial = with_a_device(make_award(), {1: 1})

    deny(first)

    flag = queries.live_flag(serial)
    assert flag is not None
    with pytest.raises(RuleBroken):
        pack_device(serial)
    services.lift_flag(flag, by=make_user(Role.DESK), now=utcnow())
    assert pack_device(serial).state is S.PACKED


def test_device_that_the_person_does_not_have_is_marked(app: Flask) -> None:
    first, serial = with_a_device(make_award(), {2: 10})

    flag = queries.live_flag(serial)
    assert flag is not None
    assert flag.delivery_id == first.id


def test_page_asks_for_every_line_where_it_is_made_again(app: Flask, sign_in: SignIn) -> None:
    dispute = incomplete()
    db.session.commit()
    first, path = sign_in(coordinator()), f"/deliveries/disputes/{dispute.id}"
    asked = {"outcome": "replacement", "answer": "La balanza sigue en bodega"}

    silent = first.post(f"{path}/propose", data=asked).text
    too_many = first.post(f"{path}/propose", data={**asked, "with_person_1": "1", "with_person_2": "11"}).text
    assert silent.count('class="field-error"') == 3
    assert too_many.count('class="field-error"') == 2
    given = {"with_person_1": "1", "with_person_2": "8", "with_person_3": "0"}
    assert first.post(f"{path}/propose", data={**asked, **given}).status_code == 302

    read = sign_in(make_user(Role.DIRECTOR)).get(path, headers={"Accept-Language": "en"}).text
    assert "8 × Quintal de harina" in read
    assert "574.00" in read
    db.session.refresh(dispute)
    assert (dispute.proposal, [one.units for one in queries.kept_in(dispute)]) == (1, [1, 8])


def test_page_asks_for_no_line_where_the_handover_stands(app: Flask, sign_in: SignIn) -> None:
    dispute = incomplete()
    db.session.commit()

    data = {"outcome": "reconciled", "answer": "El acta está firmada"}
    answer = sign_in(coordinator()).post(f"/deliveries/disputes/{dispute.id}/propose", data=data)

    assert answer.status_code == 302
    db.session.refresh(dispute)
    assert dispute.outcome is D.RECONCILED


@pytest.mark.parametrize(("reason", "written"), [(Reason.NOT_RECEIVED, 3), (Reason.NOT_COMPLETE, 0)])
def test_nothing_is_written_beforehand_unless_nothing_was_received(
    app: Flask, sign_in: SignIn, reason: Reason, written: int
) -> None:
    dispute = make_dispute(reason=reason)
    db.session.commit()

    page = sign_in(coordinator()).get(f"/deliveries/disputes/{dispute.id}").text

    assert page.count('name="with_person_') == 3
    assert page.count('value="0"') == written


def shows_more(client: FlaskClient, delivery: Delivery) -> bool:
    page = client.get(f"/deliveries/{delivery.id}", headers={"Accept-Language": "en"})
    assert page.status_code == 200
    return "574.00 more of the award" in page.text


def test_office_learns_that_a_smaller_kit_is_smaller_for_nothing(app: Flask, sign_in: SignIn) -> None:
    first = made_again(OVEN_AND_EIGHT_SACKS)
    again = make_delivery(S.APPROVED, award=first.award)
    carrier = db.session.get_one(User, first.officer_id)
    carrier.roles = frozenset(Role)  # whoever carried the first one, with an office too
    db.session.commit()
    office, carrying = sign_in(coordinator()), sign_in(carrier)
    assert not shows_more(office, again)

    deny(first)
    db.session.commit()

    assert shows_more(office, again)
    assert not shows_more(carrying, again)
    assert not shows_more(sign_in(keeper()), again)  # who cannot plan it again
    services.cancel(again, reason=Reason.OTHER, by=coordinator(), now=utcnow())
    whole = make_delivery(award=first.award, created_at=utcnow() + timedelta(2))
    db.session.commit()
    assert whole.value_usd == Decimal("700.00")
    assert not shows_more(office, whole)


@pytest.mark.no_rollback
def test_kit_that_is_planned_while_two_sign_is_no_whole_one(real_app: Flask) -> None:
    dispute, second, planner = incomplete(), make_user(Role.DIRECTOR), coordinator()
    services.propose(
        dispute, outcome=D.REPLACEMENT, answer="Sí", kept=OVEN_AND_EIGHT_SACKS, by=coordinator(), now=utcnow()
    )
    dispute_id, award_id, planner_id = dispute.id, dispute.delivery.award_id, planner.id
    db.session.commit()
    db.session.remove()
    ended: list[str] = []

    def plan() -> None:
        with real_app.app_context():
            try:
                with transaction():
                    award, by = queries.get_award(award_id), get_or_refuse(User, planner_id)
                    ended.append(str(services.plan_delivery(award, by=by, now=utcnow()).ceiling_usd))
            except RuleBroken as refusal:
                ended.append(refusal.message if isinstance(refusal.message, str) else "refused")
            finally:
                db.session.remove()

    planning = threading.Thread(target=plan)
    with transaction():
        found = queries.get_dispute(dispute_id)
        services.sign(found, proposal=1, by=get_or_refuse(User, second.id), now=utcnow())
        planning.start()
        planning.join(2)  # it waits for this signature, with what it read before
    planning.join()

    assert ended in (["refused"], ["126.00"])
    live = db.session.scalars(select(Delivery.ceiling_usd).where(Delivery.state == S.PLANNED)).all()
    assert live in ([], [Decimal("126.00")])
