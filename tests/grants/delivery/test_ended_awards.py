"""An award and its delivery: neither goes on without the other."""

import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db, get_or_refuse, transaction
from grants.core.errors import RuleBroken
from grants.delivery import services
from grants.delivery.models import Delivery, DeliveryState, Reason
from grants.selection.models import Award, AwardState
from grants.selection.services import decline_award, withdraw_award
from tests.factories.access import make_user
from tests.factories.delivery import DESK, make_carried, make_confirmed, make_delivery, make_officer, release_to
from tests.factories.selection import make_award, make_waiting

S = DeliveryState
SignIn = Callable[[User], FlaskClient]


def delivery_in(state: DeliveryState) -> Delivery:
    if state in (S.IN_TRANSIT, S.AT_POINT):
        return make_carried(state).delivery
    return make_confirmed().delivery if state is S.CONFIRMED else make_delivery(state)


def end_behind_its_back(award: Award) -> None:
    """Write the end past the services."""
    ended = update(Award).where(Award.id == award.id)
    db.session.execute(ended.values(state=AwardState.WITHDRAWN, ended_at=utcnow(), end_reason="Sin contacto"))
    db.session.expire_all()


@pytest.mark.parametrize(
    "state", [S.PLANNED, S.APPROVED, S.PACKED, S.SEALED, S.IN_TRANSIT, S.AT_POINT, S.CONFIRMED]
)  # fmt: skip
def test_award_does_not_end_while_its_kit_is_under_way(app: Flask, state: DeliveryState) -> None:
    delivery, by = delivery_in(state), make_user(Role.COORDINATOR)
    waiting = make_waiting(delivery.award.selection)
    db.session.commit()

    for end in (decline_award, withdraw_award):
        with pytest.raises(RuleBroken), transaction():
            end(delivery.award, reason="Se mudó", by=by, now=utcnow())

    db.session.expire_all()
    assert (delivery.award.state, delivery.state) == (AwardState.ACTIVE, state)
    assert waiting.award_id is None


def test_refusal_stands_on_the_page_and_cancelling_frees_the_award(app: Flask, sign_in: SignIn) -> None:
    delivery, client = make_delivery(S.SEALED), sign_in(make_user(Role.COORDINATOR))
    award = delivery.award
    form = {"state": "declined", "reason": "Se mudó"}

    refused = client.post(f"/awards/{award.id}/end", data=form)
    assert "notice-bad" in refused.text
    assert award.state is AwardState.ACTIVE

    client.post(f"/deliveries/{delivery.id}/cancel", data={"reason": "award_ended"})
    assert client.post(f"/awards/{award.id}/end", data=form).status_code == 302
    assert (award.state, delivery.state) == (AwardState.DECLINED, S.CANCELLED)


def test_award_page_leads_to_its_delivery(app: Flask, sign_in: SignIn) -> None:
    award, client = make_award(), sign_in(make_user(Role.COORDINATOR))
    assert re.search(r'href="/deliveries/\d', client.get(f"/awards/{award.id}").text) is None

    delivery = make_delivery(award=award)

    assert f'href="/deliveries/{delivery.id}"' in client.get(f"/awards/{award.id}").text
    assert f'href="/awards/{award.id}"' in client.get(f"/deliveries/{delivery.id}").text
    assert f'href="/awards/{award.id}"' in client.get(f"/applications/{award.application_id}").text
    assert f'href="/applications/{award.application_id}"' in client.get(f"/awards/{award.id}").text


def test_nothing_is_planned_for_an_award_that_ended(app: Flask) -> None:
    award = make_award()
    end_behind_its_back(award)

    with pytest.raises(RuleBroken):
        services.plan_delivery(award, by=make_user(Role.COORDINATOR), now=utcnow())

    assert db.session.query(Delivery).filter_by(award_id=award.id).count() == 0


@pytest.mark.parametrize("state", [S.PLANNED, S.APPROVED, S.PACKED, S.SEALED, S.IN_TRANSIT, S.AT_POINT])
def test_kit_of_an_ended_award_goes_no_step_further(app: Flask, state: DeliveryState) -> None:
    carried = make_carried(state) if state in (S.IN_TRANSIT, S.AT_POINT) else None
    delivery, now = carried.delivery if carried else make_delivery(state), utcnow()
    keeper, officer = make_user(Role.WAREHOUSE), make_officer()
    counted = {line.position: line.quantity for line in delivery.lines}
    end_behind_its_back(delivery.award)
    db.session.commit()

    def step() -> None:
        if state is S.PLANNED:
            services.approve(delivery, by=make_user(Role.COORDINATOR), now=now)
        elif state is S.APPROVED:
            services.pack(delivery, counted=counted, serials={}, by=keeper, now=now)
        elif state is S.PACKED:
            services.seal(delivery, seal_number="PR-1", weight_grams=100, by=keeper, now=now)
        elif carried is None:
            release_to(delivery, officer)
        elif state is S.IN_TRANSIT:
            services.arrive(delivery, by=carried.officer, now=now)
        else:
            services.confirm(delivery, carried.codes(now), key="k" * 12, desk=DESK, by=carried.officer, now=now)

    with pytest.raises(RuleBroken), transaction():
        step()

    db.session.expire_all()
    assert (delivery.state, delivery.confirmed_at, delivery.approvals) == (state, None, 0 if state is S.PLANNED else 2)


def test_kit_of_an_ended_award_can_still_come_back(app: Flask) -> None:
    carried, sealed = make_carried(S.IN_TRANSIT), make_delivery(S.SEALED)
    for award in (carried.delivery.award, sealed.award):
        end_behind_its_back(award)

    services.turn_back(carried.delivery, reason=Reason.ROAD_CLOSED, by=carried.officer, now=utcnow())
    services.cancel(sealed, reason=Reason.AWARD_ENDED, by=make_user(Role.COORDINATOR), now=utcnow())

    assert (carried.delivery.state, sealed.state) == (S.RETURNING, S.CANCELLED)


@pytest.mark.no_rollback
def test_planning_and_ending_at_once_let_one_through(real_app: Flask) -> None:
    by = make_user(Role.COORDINATOR)
    awards = [make_award() for _n in range(8)]
    db.session.commit()
    numbers, user_id = [award.id for award in awards], by.id

    for number in numbers:
        ended, planned = at_once(real_app, number, user_id)
        assert ended != planned
        award = get_or_refuse(Award, number)
        live = db.session.query(Delivery).filter_by(award_id=number).count()
        assert (award.state, live) == ((AwardState.DECLINED, 0) if ended else (AwardState.ACTIVE, 1))


def at_once(app: Flask, award_id: int, user_id: int) -> list[bool]:
    """End an award and plan its delivery in two threads that start together; whether each was taken."""
    start = Barrier(2)

    def run(act: Callable[[Award, User], object]) -> bool:
        with app.app_context():
            start.wait()
            try:
                with transaction():
                    act(get_or_refuse(Award, award_id), get_or_refuse(User, user_id))
            except RuleBroken:
                return False
            finally:
                db.session.remove()
            return True

    acts = (
        lambda award, by: decline_award(award, reason="Se mudó", by=by, now=utcnow()),
        lambda award, by: services.plan_delivery(award, by=by, now=utcnow()),
    )
    db.session.remove()
    with ThreadPoolExecutor(2) as pool:
        return list(pool.map(run, acts))
