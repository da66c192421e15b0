"""A kit that its officer never said comes back: whoever has it before them in the warehouse receives it."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import services
from grants.delivery.models import DeliveryState, Reason, RunState
from grants.delivery.services import Evidence, Left
from tests.factories.delivery import Carried, make_carried, make_officer
from tests.factories.outcomes import keeper, sign_return, whole
from tests.factories.selection import make_award

S = DeliveryState
SAID = Evidence(said="Faltaba una pieza")


def nobody_came(one: Carried) -> None:
    services.nobody_came(one.delivery, by=one.officer, now=utcnow())


def refused(one: Carried) -> None:
    services.refused(one.delivery, reason=Reason.DID_NOT_WANT, evidence=SAID, by=one.officer, now=utcnow())


def partly(one: Carried) -> None:
    left = {1: Left(missing=1)}
    services.partly(one.delivery, left, reason=Reason.SOME_MISSING, evidence=SAID, by=one.officer, now=utcnow())


def as_found(one: Carried) -> services.Counted:
    if one.delivery.state is S.PARTIAL:  # what was missing at the point is not there
        units = {line.position: line.quantity - (line.position == 1) for line in one.delivery.lines}
        return whole(one.delivery, units=units)
    return whole(one.delivery)


@pytest.mark.parametrize("outcome", [nobody_came, refused, partly])
def test_warehouse_receives_a_kit_whose_officer_is_suspended(app: Flask, outcome: Callable[[Carried], None]) -> None:
    carried = make_carried()
    kit, first, second = carried.delivery, keeper(), keeper()
    outcome(carried)
    carried.officer.suspended_at = utcnow()
    run = kit.run
    assert run is not None

    services.count_back(kit, as_found(carried), reason=Reason.NOBODY_CAME, by=first, now=utcnow())

    event = kit.events[-1]
    assert (kit.state, event.to_state, event.by_id, event.digest) == (S.RETURNING, S.RETURNING, first.id, kit.digest)
    sign_return(kit, by=second, now=utcnow())
    db.session.refresh(run.team)
    assert (kit.state, run.state, run.team.value_out_cents) == (S.RETURNED, RunState.ENDED, 0)


def test_team_does_not_receive_its_own_kit_and_a_difference_is_said_twice(app: Flask) -> None:
    mate, carried = make_officer(), make_carried()
    kit = carried.delivery
    nobody_came(carried)
    assert kit.run is not None
    services.join_team(mate, kit.run.team, by=keeper(), now=utcnow())
    nothing = whole(kit, units={line.position: 0 for line in kit.lines}, serials={})

    for who, found in ((carried.officer, whole(kit)), (mate, whole(kit)), (keeper(), nothing)):
        with pytest.raises(RuleBroken), db.session.begin_nested():
            services.count_back(kit, found, reason=Reason.NOBODY_CAME, by=who, now=utcnow())
        assert kit.state is S.NO_SHOW


@pytest.mark.parametrize("state", [S.IN_TRANSIT, S.AT_POINT])
def test_kit_that_may_still_be_handed_over_is_not_received(app: Flask, state: DeliveryState) -> None:
    kit = make_carried(state).delivery

    with pytest.raises(RuleBroken):
        services.count_back(kit, whole(kit), reason=Reason.NOBODY_CAME, by=keeper(), now=utcnow())

    assert kit.state is state


def test_it_is_on_the_page_of_the_warehouse(app: Flask, sign_in: Callable[[User], FlaskClient]) -> None:
    carried = make_carried(award=make_award())
    kit, client = carried.delivery, sign_in(keeper())
    address = f"/deliveries/{kit.id}/take-back"
    assert address not in client.get("/deliveries/warehouse").text

    nobody_came(carried)

    for page in ("/deliveries/warehouse", f"/deliveries/{kit.id}"):
        assert address in client.get(page).text
    typed = {"seal_state": "whole", "seal_number": kit.seal_number, "reason": "nobody_came"}
    typed |= {f"count_{line.position}": str(line.quantity) for line in kit.lines}
    typed |= {f"serial_{line.position}": line.serial_number for line in kit.lines if line.serial_number}
    assert client.post(address, data=typed).status_code == 302
    db.session.refresh(kit)
    assert kit.state is S.RETURNING
