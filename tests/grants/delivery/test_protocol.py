"""The levels' table: what an administrator may make of it, and when it holds."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import update
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.delivery import queries, services
from grants.delivery.levels import DEFAULT_LEVELS, Factors, LevelRules, Monitoring
from grants.delivery.models import DeliveryState, LevelsProposal, ProposalState, ProtocolVersion
from grants.delivery.services.protocol import COLUMN_NAMES, differences, laxer
from tests.factories.access import make_user
from tests.factories.delivery import make_delivery
from tests.factories.risk import levels
from tests.factories.road import make_stop

SignIn = Callable[[User], FlaskClient]
NOW = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)


def change(table: dict[int, LevelRules]) -> ProtocolVersion | LevelsProposal:
    return services.change_levels(table, note="Acta 12", by=make_user(Role.ADMINISTRATOR), now=NOW)


def in_force(table: dict[int, LevelRules]) -> ProtocolVersion:
    version = change(table)
    assert isinstance(version, ProtocolVersion)
    return version


def proposed(table: dict[int, LevelRules], *, by: User | None = None) -> LevelsProposal:
    by = by or make_user(Role.ADMINISTRATOR)
    proposal = services.change_levels(table, note="Acta 13", by=by, now=NOW)
    assert isinstance(proposal, LevelsProposal)
    return proposal


def with_level(level: int, **values: Any) -> dict[int, LevelRules]:
    return {**DEFAULT_LEVELS, level: replace(DEFAULT_LEVELS[level], **values)}


def test_new_table_holds_at_once_and_a_delivery_keeps_its_level(app: Flask) -> None:
    delivery = make_delivery(DeliveryState.CLEARED, level=2)
    assert queries.rules(2).cap_usd == 2_800

    version = in_force(with_level(2, cap_usd=2_100))

    assert (version.number, delivery.level) == (1, 2)
    assert queries.rules(delivery.level or 0).cap_usd == 2_100
    assert queries.rules(1) == DEFAULT_LEVELS[1]


def test_versions_are_counted_and_kept(app: Flask) -> None:
    first = in_force(levels(cap_usd=6_000))
    second = in_force(levels(cap_usd=5_000))

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


# One table that opens everything: A and B alone everywhere, the highest cap, stops shown thirty days ahead.
OPEN_TO_ALL = {
    level: replace(
        rules, hold_by_default=False, factors=Factors.A_B, offline_hours=720, cap_usd=100_000, zone_minutes=None,
        place_minutes=43_200, officer_minutes=43_200, one_stop=False, by_asking=False, check_in_minutes=None,
        photo=True, alternate_hours=1, monitoring=Monitoring.SAMPLE, snapshot_hours=720,
    )
    for level, rules in DEFAULT_LEVELS.items()
}  # fmt: skip


def test_table_that_opens_everything_waits_for_the_director_and_shows_no_stop(app: Flask) -> None:
    delivery = make_stop(NOW + timedelta(hours=5), level=2, at=NOW)
    officer = delivery.officer
    assert officer is not None
    proposal = proposed(OPEN_TO_ALL)

    assert queries.protocol_in_force() is None
    assert queries.rules(2) == DEFAULT_LEVELS[2]
    assert queries.shown_to(officer, NOW).stops == []

    services.sign_levels(proposal, by=make_user(Role.DIRECTOR), now=NOW)

    assert (proposal.state, queries.rules(2).cap_usd) == (ProposalState.SIGNED, 100_000)
    assert queries.shown_to(officer, NOW).stops == [delivery]


# From the starting values of level 2, a value that asks for less; the zone told earlier, or told at all, too.
ASKS_LESS: list[tuple[int, str, Any]] = [
    (3, "hold_by_default", False), (3, "factors", Factors.A_B_SECOND), (2, "offline_hours", 13),
    (3, "offline_hours", 1), (2, "cap_usd", 2_801), (2, "zone_minutes", 1_441), (3, "zone_minutes", 40),
    (2, "place_minutes", 121), (2, "officer_minutes", 121), (2, "one_stop", False), (3, "by_asking", False),
    (2, "check_in_minutes", 61), (2, "check_in_minutes", None), (3, "photo", True), (2, "alternate_hours", 71),
    (3, "alternate_hours", 100), (3, "monitoring", Monitoring.ALL), (2, "snapshot_hours", 25),
]  # fmt: skip
ASKS_MORE: list[tuple[int, str, Any]] = [
    (2, "hold_by_default", True), (2, "factors", Factors.TWO_A_B_CONTROL), (2, "offline_hours", None),
    (2, "cap_usd", 2_799), (2, "zone_minutes", None), (2, "zone_minutes", 1_439), (2, "place_minutes", 119),
    (2, "officer_minutes", 119), (1, "one_stop", True), (2, "by_asking", True), (2, "check_in_minutes", 59),
    (1, "check_in_minutes", 600), (2, "photo", False), (2, "alternate_hours", None),
    (2, "monitoring", Monitoring.ALL_TWICE), (2, "snapshot_hours", 23),
]  # fmt: skip


def test_every_column_has_an_order_in_time() -> None:
    for level, column, value in ASKS_LESS:
        assert laxer(DEFAULT_LEVELS, with_level(level, **{column: value})) == {(level, column)}
    for level, column, value in ASKS_MORE:
        assert laxer(DEFAULT_LEVELS, with_level(level, **{column: value})) == set()
        assert laxer(with_level(level, **{column: value}), DEFAULT_LEVELS) == {(level, column)}
    assert {column for _l, column, _v in ASKS_LESS} == {column for _l, column, _v in ASKS_MORE} == set(COLUMN_NAMES)


def test_one_value_that_asks_less_makes_the_whole_table_wait(app: Flask) -> None:
    proposal = proposed(with_level(1, cap_usd=6_000, place_minutes=24 * 60 + 1))

    assert queries.rules(1) == DEFAULT_LEVELS[1]
    assert laxer(DEFAULT_LEVELS, queries.levels_of(proposal)) == {(1, "place_minutes")}


def test_who_proposed_does_not_sign_whatever_their_roles(app: Flask) -> None:
    both = make_user(Role.ADMINISTRATOR, Role.DIRECTOR)
    proposal = proposed(levels(cap_usd=8_000), by=both)

    with pytest.raises(RuleBroken):
        services.sign_levels(proposal, by=both, now=NOW)
    with pytest.raises(IntegrityError), db.session.begin_nested():
        db.session.execute(update(LevelsProposal).values(state=ProposalState.SIGNED, ended_at=NOW, ended_by_id=both.id))

    assert queries.protocol_in_force() is None


def test_only_one_table_waits_at_a_time_and_a_stricter_one_passes_it(app: Flask) -> None:
    proposal = proposed(levels(cap_usd=8_000))

    with pytest.raises(RuleBroken) as refusal:
        change(levels(cap_usd=9_000))
    assert refusal.value.field == "note"
    assert in_force(levels(cap_usd=6_000)).number == 1

    with pytest.raises(RuleBroken):
        services.sign_levels(proposal, by=make_user(Role.DIRECTOR), now=NOW)
    assert queries.rules(1).cap_usd == 6_000


@pytest.mark.parametrize("ended", [ProposalState.WITHDRAWN, ProposalState.REFUSED])
def test_proposal_that_was_ended_is_not_signed_and_another_can_follow(app: Flask, ended: ProposalState) -> None:
    proposal, director = proposed(levels(cap_usd=8_000)), make_user(Role.DIRECTOR)
    if ended is ProposalState.WITHDRAWN:
        services.withdraw_levels(proposal, by=make_user(Role.ADMINISTRATOR), now=NOW)
    else:
        services.refuse_levels(proposal, by=director, now=NOW)

    with pytest.raises(RuleBroken):
        services.sign_levels(proposal, by=director, now=NOW)
    with pytest.raises(RuleBroken):
        services.withdraw_levels(proposal, by=director, now=NOW)

    assert (proposal.state, queries.protocol_in_force()) == (ended, None)
    assert proposed(levels(cap_usd=9_000)).after_number == 0
    db.session.commit()
    actions = [entry.action for entry in db.session.query(JournalEntry).order_by(JournalEntry.id)]
    assert [one for one in actions if one.startswith("protocol.")] == [
        "protocol.proposed", f"protocol.{ended.value}", "protocol.proposed"
    ]  # fmt: skip


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
    assert "7.000 → 6.500" in shown
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


def test_director_signs_what_the_page_marks_as_less(app: Flask, sign_in: SignIn) -> None:
    administrator, director = sign_in(make_user(Role.ADMINISTRATOR)), sign_in(make_user(Role.DIRECTOR))

    administrator.post("/deliveries/levels/change", data={**as_typed(levels(cap_usd=8_000)), "note": "Acta 13"})

    assert queries.rules(1).cap_usd == 7_000
    proposal = db.session.query(LevelsProposal).one()
    for page in ("/deliveries/levels", "/deliveries/signatures"):
        shown = director.get(page).text
        assert "7.000 → 8.000" in shown
        assert shown.count("badge-warn") == 1
        assert f"/deliveries/levels/proposals/{proposal.id}/sign" in shown
    assert "Acta 13" in director.get("/").text

    director.post(f"/deliveries/levels/proposals/{proposal.id}/sign")

    assert queries.rules(1).cap_usd == 8_000
    assert "/deliveries/levels/proposals/" not in director.get("/deliveries/levels").text


def test_desk_reads_the_proposal_and_others_do_not(app: Flask, sign_in: SignIn) -> None:
    proposed(levels(cap_usd=8_000))

    for role in (Role.DESK, Role.DIRECTOR, Role.ADMINISTRATOR):
        assert "Acta 13" in sign_in(make_user(role)).get("/deliveries/levels").text, role
    for role in (Role.OFFICER, Role.COORDINATOR, Role.WAREHOUSE, Role.MONITORING):
        assert "Acta 13" not in sign_in(make_user(role)).get("/deliveries/levels").text, role
    assert "Acta 13" in sign_in(make_user(Role.DESK)).get("/").text


def test_each_step_of_a_proposal_is_for_its_role_alone(app: Flask, sign_in: SignIn) -> None:
    proposal = proposed(levels(cap_usd=8_000))
    steps = {"sign": Role.DIRECTOR, "refuse": Role.DIRECTOR, "withdraw": Role.ADMINISTRATOR}

    for role in Role:
        client = sign_in(make_user(role))
        for step, own in steps.items():
            if own is not role:
                assert client.post(f"/deliveries/levels/proposals/{proposal.id}/{step}").status_code == 403, role
    assert queries.protocol_in_force() is None

    sign_in(make_user(Role.ADMINISTRATOR)).post(f"/deliveries/levels/proposals/{proposal.id}/withdraw")
    assert proposal.state is ProposalState.WITHDRAWN
    assert sign_in(make_user(Role.DIRECTOR)).post("/deliveries/levels/proposals/999/sign").status_code == 404
