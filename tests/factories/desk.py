"""The security desk for tests: its user, its tool talking to the application, drills and questions."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from flask import Flask

from grants.access.models import User
from grants.access.permissions import Permission, Role
from grants.core.clock import local_day, utcnow
from grants.delivery import queries
from grants.delivery.desk.boxes import load_private
from grants.delivery.desk.server import Server
from grants.delivery.desk.watch import Watch
from grants.delivery.models import DrillDelivery, StopRequest
from grants.delivery.services import confirm, drills, stops
from tests.factories.access import make_token, make_user
from tests.factories.delivery import CHEAP, DESK, DESK_PRIVATE, DURESS_PIN, PIN, Carried, make_carried, make_officer

KEY = load_private(DESK_PRIVATE)


def make_desk() -> User:
    return make_user(Role.DESK)


def server_of(app: Flask, user: User | None = None) -> Server:
    """The tool's view of the application, with a token of the desk."""
    token = make_token(user or make_desk(), Permission.ANSWER_STOPS)
    client, headers = app.test_client(), {"Authorization": f"Bearer {token}"}

    def send(method: str, path: str, body: Any) -> tuple[int, Any]:
        answer = client.open(path, method=method, json=body, headers=headers)
        return answer.status_code, answer.json

    return Server(send)


def make_watch(app: Flask, folder: Path, *, name: str = "desk.book") -> Watch:
    """The desk's tool on a machine with an empty book."""
    return Watch(server_of(app), KEY, folder / name)


def confirm_as(kind: str, *, officer: User | None = None, now: datetime | None = None) -> Carried:
    """A handover, `normal` or under duress: `picture`, `pin` or `both`."""
    carried, now = make_carried(officer=officer), now or utcnow()
    pin = DURESS_PIN if kind in ("pin", "both") else PIN
    card = carried.other_codes[0] if kind in ("picture", "both") else carried.true_code
    codes = carried.codes(now, pin=pin, card=card)
    key = f"key-{carried.delivery.folio}"
    confirm(carried.delivery, codes, key=key, desk=DESK, by=carried.officer, now=now)
    return carried


def make_request(officer: User | None = None, *, now: datetime | None = None) -> StopRequest:
    """A question for the next stop."""
    return stops.ask_next_stop(by=officer or make_officer(), now=now or utcnow())


def make_practice(officer: User | None = None, *, now: datetime | None = None) -> DrillDelivery:
    """A practice handover of an officer, a new one unless named, in a drill of everybody."""
    now, officer = now or utcnow(), officer or make_officer()
    everybody, due_on = len(queries.officers()), local_day(now + timedelta(days=7))
    drill = drills.plan_drill(officers=everybody, due_on=due_on, cost=CHEAP, by=make_desk(), now=now)
    return next(one for one in drill.deliveries if one.officer_id == officer.id)
