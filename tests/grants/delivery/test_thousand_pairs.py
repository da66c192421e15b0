"""DELIVERY_PROTOCOL §7: paired requests, normal against each kind of duress, differ in nothing but what is drawn.

`make bench ARGS="--only duress"` sends a thousand of each kind on both databases, and compares how long they took.
"""

from collections import Counter
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.core.db import db
from tests.factories.delivery import make_carried
from tests.factories.levels import make_at_point
from tests.pairs import KINDS, NORMAL, SECOND, Seen, Typist, handovers, keep_cookie

PAIRS = {"sqlite": 60, "postgresql": 30}


def test_pairs_of_handovers_are_equal_byte_for_byte(
    app: Flask, desk_key: Path, sign_in: Callable[[User], FlaskClient]
) -> None:
    carried = make_carried()
    typist, client, pairs = Typist.at(carried), sign_in(carried.officer), PAIRS[db.engine.dialect.name]
    keep_cookie(client)

    seen = list(handovers(client, typist, pairs))

    kinds = Counter(kind for kind, _one, _took in seen)
    assert kinds[NORMAL] == sum(kinds[kind] for kind in KINDS) == pairs
    for name in Seen.__slots__:
        assert len({getattr(one, name) for _kind, one, _took in seen}) == 1, name
    first, rows = seen[0][1], dict(seen[0][1].rows)
    assert (first.status, first.length, first.cookies) == (200, 32 * 1024, ())
    assert b"receipt" in first.body
    assert {name: count for name, count in rows.items() if count} == {
        "attempt_counter": 2, "delivery_event": 1, "duty_held": 1, "journal_entry": 3, "outbox_message": 2,
        "receipt": 1, "signal": 1, "stored_answer": 1, "used_step": 1,
    }  # fmt: skip


def test_pairs_at_level_three_are_equal_whichever_officer_calls_for_help(
    app: Flask, desk_key: Path, sign_in: Callable[[User], FlaskClient]
) -> None:
    team = make_at_point(3)
    typist, client = Typist.of_team(team), sign_in(team.carried.officer)
    keep_cookie(client)

    seen = list(handovers(client, typist, 12, (SECOND, "pin of the family", "other picture", SECOND)))

    for name in Seen.__slots__:
        assert len({getattr(one, name) for _kind, one, _took in seen}) == 1, name
    assert b"receipt" in seen[0][1].body
    assert dict(seen[0][1].rows)["signal"] == 1
