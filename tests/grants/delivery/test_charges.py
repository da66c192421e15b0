"""What an attempt costs: a wrong code that was compared always, and nothing where no code was looked at."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.guard import DELIVERY_CODE
from grants.access.models import User
from grants.access.permissions import Permission, Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import doors, queries, services
from grants.delivery.models import Delivery, DeliveryState, Run
from grants.delivery.services import Assessment
from grants.delivery.services.attempts import CARD, CONTROL
from tests.factories.access import current_code, make_token, make_user
from tests.factories.delivery import Carried, make_card, make_carried, make_delivery, make_run, stop_at
from tests.factories.levels import make_at_point
from tests.factories.people import make_canton

SignIn = Callable[[User], FlaskClient]
TRIES = 7  # more than what is free


def fails(user: User) -> int:
    return queries.failures(DELIVERY_CODE, str(user.id))


def right(carried: Carried) -> dict[str, str]:
    codes = carried.codes(utcnow())
    return {"totp": codes.totp, "pin": codes.pin, "card": codes.card}


@pytest.fixture
def handed(sign_in: SignIn, desk_key: Path) -> Callable[..., Any]:
    """Post the page of a handover as its officer."""

    def post(carried: Carried, number: int, typed: dict[str, str]) -> Any:
        address = f"/deliveries/{carried.delivery.id}/handover"
        return sign_in(carried.officer).post(address, data={"key": f"key-of-the-form-{number}", **typed})

    return post


def test_right_codes_in_an_area_that_was_raised_cost_nothing(app: Flask, handed: Callable[..., Any]) -> None:
    carried = make_carried()
    canton = make_canton(carried.delivery.canton_code)
    services.raise_level(canton, Assessment(3, "Disparos"), by=make_user(Role.ENUMERATOR), now=utcnow())

    answers = [handed(carried, number, right(carried)) for number in range(TRIES)]

    assert {answer.status_code for answer in answers} == {200}
    assert all("rescheduled" in answer.text or "reprogram" in answer.text for answer in answers)
    assert (fails(carried.officer), queries.failures(CARD, str(carried.card.id))) == (0, 0)


@pytest.mark.parametrize("left_out", ["totp", "pin", "card"])
def test_form_that_is_not_complete_costs_nothing(app: Flask, handed: Callable[..., Any], left_out: str) -> None:
    carried = make_carried()

    for number in range(TRIES):
        handed(carried, number, {**right(carried), left_out: ""})

    assert fails(carried.officer) == 0
    assert handed(carried, 99, right(carried)).status_code == 200
    db.session.refresh(carried.delivery)
    assert carried.delivery.state is DeliveryState.CONFIRMED


BODIES: list[tuple[dict[str, Any], int]] = [
    ({"data": b"{", "content_type": "application/json"}, 400), ({"json": {}}, 422), ({"json": [1]}, 422),
    ({"data": b"{}", "content_type": "text/plain"}, 415), ({"json": {"totp": "1", "pin": "1", "more": 1}}, 422),
]  # fmt: skip


@pytest.mark.parametrize(("body", "status"), BODIES)
def test_body_that_cannot_be_read_costs_nothing(app: Flask, desk_key: Path, body: dict[str, Any], status: int) -> None:
    carried = make_carried()
    token = make_token(carried.officer, Permission.CONFIRM_HANDOVER)
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "a-key-of-mine-0001"}

    for _number in range(TRIES):
        answer = app.test_client().post(f"/api/v1/deliveries/{carried.delivery.folio}/confirm", headers=headers, **body)
        assert answer.status_code == status

    assert fails(carried.officer) == 0


def test_wrong_code_costs_whatever_was_taken_back_around_it(app: Flask, handed: Callable[..., Any]) -> None:
    carried = make_carried()

    for number in range(5):
        handed(carried, 2 * number, {**right(carried), "card": ""})
        handed(carried, 2 * number + 1, {**right(carried), "card": f"{number:010d}"})

    assert (fails(carried.officer), queries.failures(CARD, str(carried.card.id))) == (5, 5)
    handed(carried, 99, right(carried))
    db.session.refresh(carried.delivery)
    assert carried.delivery.state is DeliveryState.AT_POINT


def test_locked_card_costs_the_officer_nothing(app: Flask, handed: Callable[..., Any]) -> None:
    carried = make_carried()
    for _number in range(5):
        services.charge_attempt(carried.delivery, carried.codes(utcnow()), now=utcnow())

    for number in range(TRIES):
        handed(carried, number, right(carried))

    assert (fails(carried.officer), queries.failures(CARD, str(carried.card.id))) == (0, 5)


def test_locked_control_code_costs_neither_officer_nor_card(app: Flask) -> None:
    team, now = make_at_point(3), utcnow()
    codes = team.codes(now)
    for _number in range(5):
        charged = services.charge_attempt(team.delivery, codes, now=now)
    assert len(charged) == 3
    for _number in range(TRIES):
        with pytest.raises(RuleBroken):
            services.charge_attempt(team.delivery, codes, now=now + timedelta(hours=1))

    assert (fails(team.second), queries.failures(CARD, str(team.carried.card.id))) == (5, 5)
    assert queries.failures(CONTROL, str(team.delivery.id)) == 5


def test_wrong_body_under_a_used_key_costs(app: Flask, handed: Callable[..., Any]) -> None:
    carried = make_carried()
    typed = right(carried)
    handed(carried, 1, typed)
    before = fails(carried.officer)

    assert handed(carried, 1, {**typed, "card": "0000000000"}).status_code == 422
    assert fails(carried.officer) == before + 1
    assert handed(carried, 1, typed).status_code == 200
    assert fails(carried.officer) == before + 1


def with_stop(run: Run) -> Delivery:
    kit = make_delivery(DeliveryState.CLEARED)
    make_card(kit.award)
    services.schedule(kit, run, stop_at(utcnow()), by=make_user(Role.COORDINATOR), now=utcnow())
    return kit


def send(client: FlaskClient, run: Run, warehouse: str, officer: str) -> Any:
    seen = queries.list_mark(queries.kits_of(run, DeliveryState.SCHEDULED))
    typed = {"warehouse_code": warehouse, "officer_code": officer, "seen": seen}
    return client.post(f"/deliveries/runs/{run.id}/dispatch", data=typed)


@pytest.mark.parametrize("why", ["cancelled", "no stop", "no desk key", "raised"])
def test_run_that_cannot_leave_costs_nobody(app: Flask, sign_in: SignIn, request: Any, why: str) -> None:
    run, keeper = make_run(), make_user(Role.WAREHOUSE)
    if why != "no desk key":
        request.getfixturevalue("desk_key")
    if why == "cancelled":
        services.cancel_run(run, by=make_user(Role.COORDINATOR), now=utcnow())
    elif why != "no stop":
        kit = with_stop(run)
        if why == "raised":
            services.raise_level(make_canton(kit.canton_code), Assessment(3, "x"), by=keeper, now=utcnow())

    for _number in range(TRIES):
        assert send(sign_in(keeper), run, "000000", "000000").status_code == 200

    assert (fails(keeper), fails(run.officer)) == (0, 0)


def test_who_types_wrong_codes_for_an_officer_is_locked_no_later(app: Flask, sign_in: SignIn, desk_key: Path) -> None:
    run, keeper = make_run(), make_user(Role.WAREHOUSE)
    with_stop(run)

    for _number in range(TRIES):
        send(sign_in(keeper), run, "000000", "000000")
    assert (fails(keeper), fails(run.officer)) == (5, 0)  # the officer's code was not looked at

    other = make_user(Role.WAREHOUSE)
    for _number in range(TRIES):
        send(sign_in(other), run, current_code(other), "000000")
    assert (fails(other), fails(run.officer)) == (5, 5)


def test_both_right_codes_leave_no_failure(app: Flask, desk_key: Path) -> None:
    run, keeper, now = make_run(), make_user(Role.WAREHOUSE), utcnow()
    with_stop(run)
    codes = services.ReleaseCodes(warehouse=current_code(keeper), officer=current_code(run.officer))

    doors.release(run, codes, seen=queries.list_mark(queries.kits_of(run)), by=keeper, now=now)

    assert (fails(keeper), fails(run.officer)) == (0, 0)
