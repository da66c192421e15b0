"""DELIVERY_PROTOCOL §6 at the higher levels, for the second PIN, and where a code by phone stands for the card."""

import re
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from grants.access.models import User
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.outbox import OutboxMessage
from grants.delivery import services
from grants.delivery.services.attempts import PHONE
from tests.factories.calls import make_call
from tests.factories.delivery import CHEAP, DURESS_PIN
from tests.factories.levels import SECOND_DURESS_PIN, Team, make_at_point, make_old_phone
from tests.factories.people import make_person
from tests.factories.selection import make_award
from tests.grants.delivery.test_duress import MASKS, Seen, difference, dump, statements_noted
from tests.grants.delivery.test_level_pages import typed

# Which of the secrets that carry a sign are not the true ones.
KINDS = [(2, "card"), (2, "pin"), (2, "card pin"), (3, "card"), (3, "pin"), (3, "second_pin"),
         (3, "card pin second_pin"), (1, "phone pin")]  # fmt: skip
PEOPLE = (rb"<option [^>]*>[^<]*</option>", b"officer")


def entered(team: Team, kind: str) -> dict[str, str]:
    """What is typed under a kind of duress; only the way by phone is kept for the normal one."""
    changed = {"card": team.carried.other_codes[0], "pin": DURESS_PIN, "second_pin": SECOND_DURESS_PIN}
    form = typed(team, **{name: changed[name] for name in kind.split() if name in changed})
    if "phone" in kind:
        services.send_phone_code(team.delivery, cost=CHEAP, by=team.carried.officer, now=utcnow())
        newest = select(OutboxMessage).where(OutboxMessage.kind == PHONE).order_by(OutboxMessage.id.desc())
        del form["card"]
        form["phone"] = "".join(re.findall("[0-9]{4}", db.session.scalars(newest).first().body))  # type: ignore[union-attr]
    return form


def watch(client: FlaskClient, team: Team, form: dict[str, str]) -> Seen:
    before = dump()
    with statements_noted() as statements:
        answer = client.post(f"/deliveries/{team.delivery.id}/handover", data=form)
    after = dump()
    body = answer.data
    for pattern, name in (*MASKS, PEOPLE):
        body = re.sub(pattern, name, body)
    return Seen(
        status=answer.status_code,
        headers={name: value for name, value in answer.headers.items() if name not in ("Date", "Set-Cookie")},
        length=len(answer.data),
        body=body.rstrip(),
        statements=statements,
        rows=Counter({name: len(after[name]) - len(before[name]) for name in after}),
        shapes=difference(before, after),
    )


@pytest.fixture
def pair(app: Flask, desk_key: Path, sign_in: Callable[[User], FlaskClient]) -> Callable[..., tuple[Seen, Seen]]:
    """A normal handover of a level and one of a kind, each by a team of its own."""

    def make(level: int, kind: str, **changed: Any) -> tuple[Seen, Seen]:
        seen, call = [], make_call()
        for each in ("phone" if "phone" in kind else "", kind):
            team = make_at_point(level, award=make_award(make_person(given_names="Marisol"), call=call))
            make_old_phone(team.delivery)
            form = {**entered(team, each), **changed}
            seen.append(watch(sign_in(team.carried.officer), team, form))
        return seen[0], seen[1]

    return make


@pytest.mark.parametrize(("level", "kind"), KINDS)
def test_handover_under_duress_looks_like_any_other(
    pair: Callable[..., tuple[Seen, Seen]], level: int, kind: str
) -> None:
    normal, duress = pair(level, kind)

    assert normal.status == 200
    assert (normal.rows["signal"], normal.rows["outbox_message"], normal.rows["receipt"]) == (1, 2, 1)
    assert normal.rows["used_step"] == (1 if level == 1 else 2)
    _alike(normal, duress)


@pytest.mark.parametrize(("level", "kind"), [(2, "card pin"), (3, "card pin second_pin"), (1, "phone pin")])
def test_refusal_under_duress_looks_like_any_other(
    pair: Callable[..., tuple[Seen, Seen]], level: int, kind: str
) -> None:
    normal, duress = pair(level, kind, totp="000000")

    assert normal.rows["signal"] == 0
    _alike(normal, duress)


def _alike(normal: Seen, duress: Seen) -> None:
    assert (duress.status, duress.headers, duress.length) == (normal.status, normal.headers, normal.length)
    assert duress.body == normal.body
    assert duress.statements == normal.statements
    assert duress.rows == normal.rows
    assert duress.shapes == normal.shapes
