"""The page of a call's panel: limits of each evaluator, and one who stops."""

from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.evaluation.models import Assignment, Panelist
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_panelist
from tests.factories.people import make_canton
from tests.grants.evaluation.test_views import queries_of

SignIn = Callable[[User], FlaskClient]


def seats() -> list[tuple[object, ...]]:
    db.session.expire_all()
    return [
        (s.evaluator_id, s.panel, s.languages, s.canton_code, s.organisation, s.load_min, s.load_max)
        for s in db.session.query(Panelist).order_by(Panelist.evaluator_id)
    ]


def test_all_active_evaluators_are_put_on_the_panel_once(app: Flask, sign_in: SignIn) -> None:
    call, people = make_call(), [make_user(Role.EVALUATOR) for _n in range(2)]
    client, path = sign_in(make_user(Role.COORDINATOR)), f"/calls/{call.id}/panel"
    assert f"{path}/fill" in client.get(path).text

    assert [client.post(f"{path}/fill").status_code for _tap in range(2)] == [302, 302]

    assert [seat[0] for seat in seats()] == [user.id for user in people]
    assert all(user.name in client.get(path).text for user in people)


def test_limits_of_an_evaluator_are_saved(app: Flask, sign_in: SignIn) -> None:
    call, evaluator = make_call(), make_user(Role.EVALUATOR)
    make_canton("1001")
    client, path = sign_in(make_user(Role.COORDINATOR)), f"/calls/{call.id}/panel/{evaluator.id}"

    data = {"panel": "Norte", "languages": ["qvi", "es"], "canton_code": "1001", "organisation": "Caja Simón Bolívar",
            "load_min": "2", "load_max": "9"}  # fmt: skip
    assert client.post(path, data=data).status_code == 302

    assert seats() == [(evaluator.id, "Norte", "es qvi", "1001", "Caja Simón Bolívar", 2, 9)]
    assert 'value="Norte"' in client.get(path).text


@pytest.mark.parametrize(
    "data",
    [
        {"load_min": "5", "load_max": "4"},
        {"load_min": "-1"},
        {"load_max": "1e999"},
        {"load_max": "9" * 400},
        {"canton_code": "9999"},
        {"languages": ["xx"]},
        {"panel": "x" * 41},
        {"organisation": "a\x00b"},
    ],
)
def test_limits_that_cannot_be_are_refused_beside_the_field(
    app: Flask, sign_in: SignIn, data: dict[str, object]
) -> None:
    call, evaluator = make_call(), make_user(Role.EVALUATOR)

    answer = sign_in(make_user(Role.COORDINATOR)).post(f"/calls/{call.id}/panel/{evaluator.id}", data=data)

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert seats() == []


def test_evaluator_stops_through_the_page_and_comes_back(app: Flask, sign_in: SignIn) -> None:
    call = make_call(reviews_per_application=1)
    task, other = make_assignment(make_application(call)), make_user(Role.EVALUATOR)
    client, path = sign_in(make_user(Role.COORDINATOR)), f"/calls/{call.id}/panel/{task.evaluator_id}"

    assert "field-error" in client.post(f"{path}/stop", data={"note": "x" * 301}).text
    assert client.post(f"{path}/stop", data={"note": "Se mudó"}).status_code == 302
    assert "notice-bad" in client.post(f"{path}/stop").text

    open_ones = db.session.query(Assignment).filter_by(ended_at=None)
    assert [a.evaluator_id for a in open_ones] == [other.id]
    assert client.post(path, data={"load_min": "0"}).status_code == 302
    db.session.expire_all()
    assert db.session.query(Panelist).filter(Panelist.stopped_at.is_not(None)).count() == 0


def test_evaluator_is_added_from_the_panel_page(app: Flask, sign_in: SignIn) -> None:
    call, new = make_call(), make_user(Role.EVALUATOR)
    make_panelist(call)
    client, path = sign_in(make_user(Role.COORDINATOR)), f"/calls/{call.id}/panel"

    assert client.post(f"{path}/add", data={"evaluator": str(new.id)}).location == f"{path}/{new.id}"
    assert client.post(f"{path}/add", data={"evaluator": "9" * 30}).location == path
    assert len(seats()) == 1


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COORDINATOR])
def test_only_coordinators_change_panels(app: Flask, sign_in: SignIn, role: Role) -> None:
    call, client = make_call(), sign_in(make_user(role))
    path = f"/calls/{call.id}/panel"

    assert client.get(path).status_code == 403
    assert [client.post(f"{path}/{rest}").status_code for rest in ("fill", "add", "1", "1/stop")] == [403] * 4
    assert seats() == []


def test_pages_cost_the_same_with_one_evaluator_and_with_three(app: Flask, sign_in: SignIn) -> None:
    call, me = make_call(), make_user(Role.EVALUATOR)
    make_panelist(call, me)
    make_assignment(make_application(call), me, answered=False)
    chair, reader = sign_in(make_user(Role.COORDINATOR)), sign_in(me)
    pages = [(chair, f"/calls/{call.id}/panel"), (reader, f"/calls/{call.id}/conflicts"),
             (chair, f"/calls/{call.id}/evaluation")]  # fmt: skip
    one = [queries_of(client, path) for client, path in pages]

    for _n in range(2):
        make_panelist(call, canton_code="1001", stopped_at=utcnow())
        make_assignment(make_application(call), me, answered=False)

    assert [queries_of(client, path) for client, path in pages] == one
    assert max(one) <= 15
