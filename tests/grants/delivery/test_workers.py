"""Several processes behind one door: wrong codes in parallel, and workers that die in the middle."""

from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

import pytest
from flask import Flask

from grants.access.guard import DELIVERY_CODE
from grants.access.permissions import Permission
from grants.core import journal
from grants.core.clock import utcnow
from grants.core.db import db
from grants.delivery import queries, services
from grants.delivery.services.attempts import CARD, CARD_LOCKED
from grants.delivery.services.confirmation import DO_NOT_MATCH
from tests.endurance import Site, endure, served, whole
from tests.factories.access import make_token
from tests.factories.delivery import Carried, make_carried

pytestmark = pytest.mark.no_rollback
PARALLEL = 40


def guess(site: Site, carried: Carried, token: str, number: int) -> Counter[str]:
    """So many wrong codes of one card at once; how each was answered."""
    path = f"/api/v1/deliveries/{carried.delivery.folio}/confirm"

    def once(attempt: int) -> str:
        body = {"totp": "000000", "pin": "0000", "card": f"{attempt:010d}"}
        status, said = site.post(path, token, body, f"guess-{number}-{attempt:012d}")
        names = {str(DO_NOT_MATCH): "looked at", str(CARD_LOCKED): "card locked"}
        return names.get(said["message"], "officer waits") if status == 409 else str(status)

    with ThreadPoolExecutor(PARALLEL) as pool:
        return Counter(pool.map(once, range(number)))


def test_of_two_hundred_parallel_wrong_codes_exactly_five_are_looked_at(real_app: Flask) -> None:
    fresh, tried = (make_carried(at=utcnow() - timedelta(hours=1)) for _n in range(2))
    for carried in (fresh, tried):
        carried.officer.language = "en"
    for _n in range(2):
        services.charge_attempt(tried.delivery, services.Codes("", ""), now=utcnow())
    tokens = [make_token(carried.officer, Permission.CONFIRM_HANDOVER) for carried in (fresh, tried)]
    db.session.commit()
    db.session.remove()

    with served(str(real_app.config["DATABASE_URL"]), Path(real_app.instance_path)) as site:
        first = guess(site, fresh, tokens[0], 200)
        second = guess(site, tried, tokens[1], 20)

    # The officer's own counter lets five through, and of these the card's counter as many as it has left. The rest of
    # them was not looked at, and is taken back. When the officer may try again, the card is locked.
    assert (first["looked at"], second["looked at"]) == (5, 3)
    assert (first.total(), second.total()) == (200, 20)
    assert first["officer waits"] > 0
    assert {*first, *second} <= {"looked at", "card locked", "officer waits"}
    assert [queries.failures(CARD, str(one.card.id)) for one in (fresh, tried)] == [5, 5]
    assert [queries.failures(DELIVERY_CODE, str(one.officer.id)) for one in (fresh, tried)] == [5, 3]


def test_attempts_that_are_taken_back_make_no_room_for_guesses(real_app: Flask) -> None:
    carried = make_carried(at=utcnow() - timedelta(hours=1))
    carried.officer.language = "en"
    token = make_token(carried.officer, Permission.CONFIRM_HANDOVER)
    db.session.commit()
    db.session.remove()
    path = f"/api/v1/deliveries/{carried.delivery.folio}/confirm"

    def once(site: Site, number: int) -> str:
        """One in two compares nothing: its body lacks the codes."""
        body = {"totp": "000000", "pin": "0000", "card": f"{number:010d}"} if number % 2 else {}
        status, said = site.post(path, token, body, f"mixed-{number:012d}")
        return "looked at" if status == 409 and said["message"] == str(DO_NOT_MATCH) else str(status)

    there = served(str(real_app.config["DATABASE_URL"]), Path(real_app.instance_path))
    with there as site, ThreadPoolExecutor(PARALLEL) as pool:
        answers = Counter(pool.map(partial(once, site), range(200)))

    assert 1 <= answers["looked at"] <= 5
    assert set(answers) <= {"looked at", "409", "422"}
    assert queries.failures(DELIVERY_CODE, str(carried.officer.id)) == answers["looked at"]
    assert queries.failures(CARD, str(carried.card.id)) == answers["looked at"]


def test_workers_killed_at_random_lose_and_double_nothing(real_app: Flask) -> None:
    there, client, statuses = endure(real_app, 20, kill_every=5)

    assert client.killed >= 4
    assert statuses == {200}
    assert there == whole(20)
    assert journal.verify().holds
