"""A hold and a raised level say nothing of a person or a reason, except to the security desk and the director."""

import re
from collections.abc import Callable
from datetime import datetime

from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.delivery import services
from grants.delivery.models import Delivery, DeliveryState
from grants.delivery.services import Assessment
from tests.factories.access import make_user
from tests.factories.delivery import make_delivery
from tests.factories.people import make_canton
from tests.factories.risk import HOUR, MINUTE, make_resume, take

S = DeliveryState
SignIn = Callable[[User], FlaskClient]
READERS = (Role.DESK, Role.DIRECTOR)
OTHERS = (Role.WAREHOUSE, Role.COORDINATOR, Role.MONITORING)
CANTONS = ("1002", "1003", "1004")  # deliveries are made in 1001


def _raise(canton: str, by: User, now: datetime, level: int = 2) -> None:
    services.raise_level(make_canton(canton), Assessment(level, "Me amenazaron"), by=by, now=now)


def test_who_reported_a_danger_is_read_by_desk_and_director_alone(app: Flask, sign_in: SignIn) -> None:
    reporter = make_user(Role.ENUMERATOR, name="Marlene Quinchiguango")
    take("1001", 1, at=utcnow() - HOUR)
    delivery = make_delivery(S.SCHEDULED, level=1)
    _raise("1001", reporter, utcnow())
    assert delivery.state is S.HELD

    for role in (*READERS, *OTHERS):
        page = sign_in(make_user(role)).get(f"/deliveries/{delivery.id}").text
        assert (reporter.name in page) is (role in READERS), role


def test_reporter_who_carries_the_kit_is_not_told_apart(app: Flask, sign_in: SignIn) -> None:
    officer = make_user(Role.OFFICER)
    take("1001", 1, at=utcnow() - HOUR)
    delivery = make_delivery(S.SCHEDULED, level=1)
    _raise("1001", officer, utcnow())
    delivery.officer_id = officer.id

    page = sign_in(make_user(Role.WAREHOUSE)).get(f"/deliveries/{delivery.id}").text

    assert _last_by(page) == "—"


def test_who_held_and_who_let_go_on_is_not_said_either(app: Flask, sign_in: SignIn) -> None:
    permit = make_resume(at=utcnow() - HOUR)
    director = make_user(Role.DIRECTOR, name="Rosario Quinchiguango")
    services.sign_resume(permit, by=director, now=utcnow())
    warehouse = sign_in(make_user(Role.WAREHOUSE)).get(f"/deliveries/{permit.delivery_id}").text
    desk = sign_in(make_user(Role.DESK)).get(f"/deliveries/{permit.delivery_id}").text

    assert (director.name in warehouse, director.name in desk) == (False, True)
    assert _last_by(warehouse) == "—"


def test_expired_raised_and_held_read_the_same(app: Flask, sign_in: SignIn) -> None:
    for client in _clients_beside_three_holds(sign_in, OTHERS):
        pages = [_masked(client.get(f"/deliveries/risk/areas/{code}").text, code) for code in CANTONS]
        assert pages[0] == pages[1] == pages[2]
        rows = [_masked(_row(client.get("/deliveries/risk").text, code), code) for code in CANTONS]
        assert rows[0] == rows[1] == rows[2]
        assert "rescheduled" in pages[0].lower() or "reprograma" in pages[0].lower()


def test_officer_reads_the_level_and_neutral_words(app: Flask, sign_in: SignIn) -> None:
    (client,) = _clients_beside_three_holds(sign_in, (Role.OFFICER,))
    pages = [_masked(client.get(f"/deliveries/risk/areas/{code}").text, code) for code in CANTONS]

    assert pages[0] == pages[1] == pages[2]
    assert "2 · " in pages[0]


def test_desk_and_director_still_read_what_happened(app: Flask, sign_in: SignIn) -> None:
    for client in _clients_beside_three_holds(sign_in, READERS):
        pages = [client.get(f"/deliveries/risk/areas/{code}").text for code in CANTONS]
        assert len({_masked(page, code) for page, code in zip(pages, CANTONS, strict=True)}) == 3
        assert "Me amenazaron" in pages[1]


def _clients_beside_three_holds(sign_in: SignIn, roles: tuple[Role, ...]) -> list[FlaskClient]:
    """Cantons of level 2 with one held delivery: the first expired, the second was raised, the third was held."""
    now = utcnow()
    deliveries: list[Delivery] = []
    for code, level in zip(CANTONS, (2, 1, 2), strict=True):
        take(code, level, at=now - 25 * HOUR if code == CANTONS[0] else now - HOUR)
        deliveries.append(make_delivery(S.CLEARED, level=level, canton_code=code))
    services.hold_unknown(now=now)
    _raise(CANTONS[1], make_user(Role.ENUMERATOR), now - MINUTE)
    services.hold_area(make_canton(CANTONS[2]), by=make_user(Role.DESK), now=now)
    assert [one.state for one in deliveries] == [S.HELD] * 3
    return [sign_in(make_user(role)) for role in roles]


def _row(page: str, code: str) -> str:
    return str(next(row for row in re.findall(r"<tr>.*?</tr>", page, re.S) if f"/{code}" in row))


def _masked(page: str, code: str) -> str:
    main = re.sub(r'nonce="[^"]*"|name="csrf_token" value="[^"]*"', "", page)
    return main.replace(make_canton(code).name, "NAME").replace(code, "CODE")


def _last_by(page: str) -> str:
    cells = re.findall(r'<td data-label="[^"]*">(.*?)</td>', page)
    return str(cells[-1]).strip()
