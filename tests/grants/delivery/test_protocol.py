"""The levels' table: what an administrator may make of it, and when it holds."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import queries, services
from grants.delivery.levels import DEFAULT_LEVELS, LevelRules
from grants.delivery.models import DeliveryState, ProtocolVersion
from grants.delivery.services.protocol import COLUMN_NAMES, differences
from tests.factories.access import make_user
from tests.factories.delivery import make_delivery
from tests.factories.risk import levels

SignIn = Callable[[User], FlaskClient]
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def change(table: dict[int, LevelRules]) -> ProtocolVersion:
    return services.change_levels(table, note="Acta 12", by=make_user(Role.ADMINISTRATOR), now=NOW)


def with_level(level: int, **values: Any) -> dict[int, LevelRules]:
    return {**DEFAULT_LEVELS, level: replace(DEFAULT_LEVELS[level], **values)}


def test_new_table_holds_at_once_and_a_delivery_keeps_its_level(app: Flask) -> None:
    delivery = make_delivery(DeliveryState.CLEARED, level=2)
    assert queries.rules(2).cap_usd == 2_800

    version = change(with_level(2, cap_usd=2_100))

    assert (version.number, delivery.level) == (1, 2)
    assert queries.rules(delivery.level or 0).cap_usd == 2_100
    assert queries.rules(1) == DEFAULT_LEVELS[1]


def test_versions_are_counted_and_kept(app: Flask) -> None:
    first = change(levels(cap_usd=6_000))
    second = change(levels(cap_usd=5_000))

    assert [first.number, second.number] == [1, 2]
    assert differences(queries.levels_of(first), queries.levels_of(second)) == [(1, "cap_usd", 6_000, 5_000)]
    assert queries.levels_of(first)[1].cap_usd == 6_000


def test_differences_name_every_column_of_every_level() -> None:
    other = {level: replace(DEFAULT_LEVELS[level], cap_usd=1, photo=False) for level in (1, 2, 3)}

    found = differences(DEFAULT_LEVELS, other)

    assert [(level, column) for level, column, _a, _b in found] == [
        (1, "cap_usd"), (1, "photo"), (2, "cap_usd"), (2, "photo"), (3, "cap_usd")
    ]  # fmt: skip
    assert differences(DEFAULT_LEVELS, DEFAULT_LEVELS) == []


def test_every_column_has_a_name() -> None:
    assert set(COLUMN_NAMES) == {one for one in DEFAULT_LEVELS[1].as_json() if one != "level"}


def test_table_that_changes_nothing_is_refused(app: Flask) -> None:
    with pytest.raises(RuleBroken):
        change(dict(DEFAULT_LEVELS))

    assert queries.protocol_in_force() is None


# Looser than the level below, as the protocol's own table has it.
LAXER = {
    "factors": (3, "a_b"), "offline_hours": (2, 49), "cap_usd": (3, 2_801), "place_minutes": (3, 121),
    "officer_minutes": (2, 721), "one_stop": (2, False), "check_in_minutes": (3, 61), "alternate_hours": (2, 23),
    "monitoring": (3, "sample"), "snapshot_hours": (2, 169),
}  # fmt: skip


def test_higher_level_never_asks_for_less(app: Flask) -> None:
    for column, (level, value) in LAXER.items():
        table = with_level(level, **{column: value})
        if column == "one_stop":
            table[1] = replace(table[1], one_stop=True)

        with pytest.raises(RuleBroken) as refusal:
            change({**table, level: LevelRules.from_json(table[level].as_json())})

        assert refusal.value.field == f"{column}_{level}"
    assert queries.protocol_in_force() is None


@pytest.mark.parametrize(
    ("column", "at_2", "at_3"), [("hold_by_default", True, False), ("by_asking", True, False), ("photo", False, True),
                                 ("check_in_minutes", 60, None), ("alternate_hours", None, 72)]
)  # fmt: skip
def test_level_three_is_not_laxer_than_two(app: Flask, column: str, at_2: Any, at_3: Any) -> None:
    table = with_level(2, **{column: at_2})
    table[3] = replace(table[3], **{column: at_3})

    with pytest.raises(RuleBroken) as refusal:
        change(table)

    assert refusal.value.field == f"{column}_3"


SENSELESS = [("cap_usd", 0), ("cap_usd", 100_001), ("place_minutes", 0), ("officer_minutes", 0),
             ("check_in_minutes", 0), ("snapshot_hours", 0), ("snapshot_hours", 721), ("offline_hours", 0),
             ("zone_minutes", 1440), ("zone_minutes", 43_201), ("alternate_hours", 0)]  # fmt: skip


def test_value_without_sense_is_refused_beside_its_field(app: Flask) -> None:
    for column, value in SENSELESS:
        with pytest.raises(RuleBroken) as refusal:
            change(with_level(1, **{column: value}))
        assert refusal.value.field == f"{column}_1"
    assert queries.protocol_in_force() is None


def as_typed(table: dict[int, LevelRules]) -> dict[str, str]:
    """What the form sends for a table."""
    found = {"note": "Acta 12"}
    for level, rules in table.items():
        for column, value in rules.as_json().items():
            if value is True:
                found[f"{column}_{level}"] = "y"
            elif column != "level" and value is not None and value is not False:
                found[f"{column}_{level}"] = str(value)
    return found


def test_administrator_changes_the_table_on_its_page(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(make_user(Role.ADMINISTRATOR))
    page = client.get("/deliveries/levels/change").text
    typed = as_typed(levels(cap_usd=6_500))

    answer = client.post("/deliveries/levels/change", data=typed)

    assert 'value="7000"' in page
    assert (answer.status_code, answer.location) == (302, "/deliveries/levels")
    assert {level: queries.rules(level) for level in (1, 2, 3)} == levels(cap_usd=6_500)
    shown = client.get("/deliveries/levels").text
    assert "7000 → 6500" in shown
    assert "Acta 12" in shown


def test_odd_table_gets_a_sentence_and_changes_nothing(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(make_user(Role.ADMINISTRATOR))

    for bad in ("", "-1", "1e999", "NaN", "9" * 400, "\x00", "１", "1.5", "x" * 10_000):
        answer = client.post("/deliveries/levels/change", data={**as_typed(levels()), "cap_usd_1": bad})
        assert answer.status_code == 200
        assert 'id="cap_usd_1-error"' in answer.text
    assert db.session.query(ProtocolVersion).count() == 0


def test_everybody_who_sees_risk_reads_the_table_and_only_the_administrator_changes_it(
    app: Flask, sign_in: SignIn
) -> None:
    readers = (Role.COORDINATOR, Role.OFFICER, Role.WAREHOUSE, Role.DESK, Role.DIRECTOR, Role.MONITORING)
    for role in Role:
        client = sign_in(make_user(role))
        may_read = 200 if role in (*readers, Role.ADMINISTRATOR) else 403
        may_change = 200 if role is Role.ADMINISTRATOR else 403
        assert client.get("/deliveries/levels").status_code == may_read, role
        assert client.get("/deliveries/levels/change").status_code == may_change, role
