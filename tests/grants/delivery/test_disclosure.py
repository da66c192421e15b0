"""Who learns of a stop, and when: role × state × time, from the table of DELIVERY_PROTOCOL §2."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event, select
from sqlalchemy.engine import Engine
from werkzeug.routing import Rule

from grants.access.models import User
from grants.access.permissions import Permission, Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import NotFound, RuleBroken
from grants.core.journal import JournalEntry
from grants.delivery import queries, services
from grants.delivery.levels import DEFAULT_LEVELS
from grants.delivery.models import Delivery, DeliveryState, ProtocolVersion, StopAnswer
from grants.delivery.queries.stops import Asking
from grants.delivery.services import stops
from grants.pages import moment
from tests.factories.access import make_token, make_user
from tests.factories.delivery import make_carried, make_officer, make_snapshot, make_team
from tests.factories.desk import confirm_as
from tests.factories.road import PLACE, let_go, make_stop, move_stop, put_in, send_out

S = DeliveryState
SignIn = Callable[[User], FlaskClient]
NOW = datetime(2026, 5, 4, 15, 0, tzinfo=UTC)  # ten in the morning in Guayaquil
MINUTE = timedelta(minutes=1)

# "officer learns the next stop": 12 h before; 2 h, one stop at a time; 30 min, one stop, by asking.
OFFICER_LEARNS = {1: timedelta(hours=12), 2: timedelta(hours=2), 3: timedelta(minutes=30)}
ONE_AT_A_TIME = {1: False, 2: True, 3: True}
BY_ASKING = {1: False, 2: False, 3: True}
# The states in which a stop is ahead of the team, or the team is at it. In all others nobody learns where or when.
AHEAD, THERE = (S.SCHEDULED, S.IN_TRANSIT), (S.AT_POINT, S.NO_SHOW, S.REFUSED, S.PARTIAL)


def expected(state: DeliveryState, reader: str, *, its_time: bool) -> bool:
    """What §2 says: the team sees it, from its time on, while it is a stop."""
    return reader in ("lead", "mate") and (state in THERE or (state in AHEAD and its_time))


@pytest.mark.parametrize("level", [1, 2, 3])
def test_every_state_before_and_after_its_time(app: Flask, level: int) -> None:
    lead, mate, stranger = make_officer(), make_officer(), make_officer()
    others = [make_user(role) for role in Role if role is not Role.OFFICER]
    delivery = make_stop(NOW, level=level, officer=lead, team=make_team(lead, mate), at=NOW)
    if BY_ASKING[level]:
        let_go(lead, asked_at=NOW - 15 * MINUTE)
    wrong = []

    for its_time in (False, True):
        move_stop(delivery, NOW + OFFICER_LEARNS[level] + (0 if its_time else 1) * MINUTE)
        for state in DeliveryState:
            put_in(delivery, state)
            for name, reader in (("lead", lead), ("mate", mate), ("stranger", stranger)):
                sees = queries.may_see_place(delivery, reader, NOW)
                if sees is not expected(state, name, its_time=its_time):
                    wrong.append((state, name, its_time, sees))

    assert wrong == []
    put_in(delivery, S.IN_TRANSIT)
    assert queries.may_see_place(delivery, lead, NOW)
    assert [one.roles for one in others if queries.may_see_place(delivery, one, NOW)] == []


@pytest.mark.parametrize("level", [1, 2, 3])
def test_second_stop_is_shown_only_where_the_level_gives_several(app: Flask, level: int) -> None:
    lead = make_officer()
    soon, later = NOW + timedelta(minutes=10), NOW + timedelta(minutes=20)
    second = make_stop(later, level=level, officer=lead, at=NOW)
    first = make_stop(soon, level=level, officer=lead, at=NOW)
    let_go(lead, asked_at=NOW - 15 * MINUTE)

    stops = queries.shown_to(lead, NOW).stops

    assert [one.id for one in stops] == ([first.id] if ONE_AT_A_TIME[level] else [first.id, second.id])


@pytest.mark.parametrize(
    ("answer", "asking", "sees"),
    [
        ("nobody asked", Asking.MUST_ASK, False),
        (None, Asking.WAITING, False),
        (StopAnswer.RESCHEDULED, Asking.RESCHEDULED, False),
        (StopAnswer.GO, Asking.GO, True),
    ],
)
def test_highest_level_shows_a_stop_by_asking(
    app: Flask, answer: StopAnswer | str | None, asking: Asking, sees: bool
) -> None:
    lead = make_officer()
    delivery = make_stop(NOW + MINUTE, level=3, officer=lead, at=NOW)
    if not isinstance(answer, str) or isinstance(answer, StopAnswer):
        let_go(lead, asked_at=NOW - 15 * MINUTE, answer=answer)

    shown = queries.shown_to(lead, NOW)

    assert (shown.asking, queries.may_see_place(delivery, lead, NOW)) == (asking, sees)


def test_one_question_opens_one_stop_at_the_highest_level(app: Flask) -> None:
    at = NOW - timedelta(hours=1)
    lead = make_officer()
    team = make_team(lead)
    first = make_stop(NOW + MINUTE, level=3, officer=lead, team=team, at=at)
    let_go(lead, asked_at=at)
    send_out(first, at=at)
    services.arrive(first, by=lead, now=NOW - 20 * MINUTE)
    services.nobody_came(first, by=lead, now=NOW - 10 * MINUTE)
    services.turn_back(first, reason=None, by=lead, now=NOW - 9 * MINUTE)
    second = make_stop(NOW + 2 * MINUTE, level=3, officer=lead, team=team, at=NOW)

    assert queries.shown_to(lead, NOW).asking is Asking.MUST_ASK
    assert not queries.may_see_place(second, lead, NOW)
    let_go(lead, asked_at=NOW - MINUTE)
    assert queries.may_see_place(second, lead, NOW)


@pytest.mark.parametrize("level", [1, 2, 3])
def test_after_a_handover_the_next_stop_is_by_asking_at_every_level(app: Flask, level: int) -> None:
    lead = make_officer()
    done = make_stop(NOW + MINUTE, level=level, officer=lead, at=NOW)
    put_in(done, S.CONFIRMED)
    done.confirmed_at = NOW - 5 * MINUTE
    upcoming = make_stop(NOW + 2 * MINUTE, level=level, officer=lead, at=NOW)

    assert queries.shown_to(lead, NOW).asking is Asking.MUST_ASK
    assert not queries.may_see_place(upcoming, lead, NOW)


@pytest.mark.parametrize("kind", ["normal", "both"])
@pytest.mark.parametrize("answer", [None, StopAnswer.RESCHEDULED])
def test_after_a_handover_no_stop_of_a_colleague_is_shown(app: Flask, kind: str, answer: StopAnswer | None) -> None:
    lead, colleague, third = make_officer(), make_officer(), make_officer()
    team = make_team(lead, colleague, third)
    there = make_stop(NOW + 90 * MINUTE, level=1, officer=colleague, team=team, at=NOW)
    assert all(queries.may_see_place(there, one, NOW) for one in (lead, colleague, third))

    confirm_as(kind, officer=lead, now=NOW)
    asked = stops.ask_next_stop(by=lead, now=NOW + MINUTE) if answer else None
    later = NOW + 12 * MINUTE
    if asked is not None and answer is not None:
        stops.answer_stop(asked, answer, by=make_user(Role.DESK), now=later)

    assert queries.shown_to(lead, later).asking is (Asking.RESCHEDULED if answer else Asking.MUST_ASK)
    assert [list(queries.shown_to(one, later).stops) for one in (lead, third)] == [[], []]
    assert queries.may_see_place(there, colleague, later)


def test_held_kit_of_a_lead_is_theirs_to_bring_back_whatever_a_colleague_carries(app: Flask) -> None:
    lead, colleague = make_officer(), make_officer()
    team = make_team(lead, colleague)
    held, there = (make_stop(NOW, officer=one, team=team, at=NOW) for one in (lead, colleague))
    for one in (held, there):
        send_out(one, at=NOW)
    services.hold(held, by=make_user(Role.DESK), now=NOW + MINUTE)

    shown = queries.shown_to(lead, NOW + MINUTE)
    assert ([one.id for one in shown.bring_back], list(shown.stops), shown.leads) == ([held.id], [], True)


def test_changed_table_of_levels_holds_at_once(app: Flask) -> None:
    lead = make_officer()
    delivery = make_stop(NOW + timedelta(hours=2), level=2, officer=lead, at=NOW)
    assert queries.may_see_place(delivery, lead, NOW)
    levels = {str(level): rules.as_json() for level, rules in DEFAULT_LEVELS.items()}
    levels["2"]["officer_minutes"] = 119
    administrator = make_user(Role.ADMINISTRATOR)
    db.session.add(ProtocolVersion(number=1, levels=levels, note="", created_at=NOW, created_by_id=administrator.id))
    db.session.flush()

    assert not queries.may_see_place(delivery, lead, NOW)


@pytest.mark.parametrize("change", ["expired", "worse"])
def test_stop_in_a_canton_that_may_not_be_entered_is_not_shown(app: Flask, change: str) -> None:
    lead = make_officer()
    at = NOW - timedelta(hours=1)
    delivery = make_stop(NOW + MINUTE, level=1, officer=lead, at=at)
    send_out(delivery, at=at)
    assert queries.may_see_place(delivery, lead, NOW)
    if change == "worse":
        make_snapshot(delivery.canton_code, 2, at=NOW, in_force_at=NOW)
    else:
        make_snapshot(delivery.canton_code, 1, at=NOW, in_force_at=NOW, expires_at=NOW - MINUTE)

    shown = queries.shown_to(lead, NOW)

    assert (list(shown.stops), [one.id for one in shown.bring_back]) == ([], [delivery.id])
    services.bring_back(shown.bring_back, by=lead, now=NOW)
    assert delivery.state is S.RETURNING
    with pytest.raises(RuleBroken):
        services.bring_back(queries.shown_to(lead, NOW).bring_back, by=lead, now=NOW)


@pytest.mark.parametrize(
    ("start", "hidden", "shown"),
    [
        # In Guayaquil: ten past midnight on 1 March; the twelve hours begin on the last day of February.
        ("2026-03-01T05:10", "2026-02-28T17:09", "2026-02-28T17:10"),
        # Twenty past midnight on 1 January 2027.
        ("2027-01-01T05:20", "2026-12-31T17:19", "2026-12-31T17:20"),
    ],
)
def test_officer_learns_over_midnight_and_the_end_of_a_month(app: Flask, start: str, hidden: str, shown: str) -> None:
    begins, before, after = (datetime.fromisoformat(one).replace(tzinfo=UTC) for one in (start, hidden, shown))
    lead = make_officer()
    delivery = make_stop(begins, level=1, officer=lead, at=before)

    assert not queries.may_see_place(delivery, lead, before)
    assert queries.may_see_place(delivery, lead, after)


def test_action_on_a_stop_whose_time_has_not_come_is_not_found(app: Flask, sign_in: SignIn) -> None:
    lead = make_officer()
    now = utcnow()
    delivery = make_stop(now + timedelta(hours=3), level=2, officer=lead)
    send_out(delivery, at=now)
    client, token = sign_in(lead), make_token(lead, Permission.CARRY_DELIVERY)
    body = {"seal_number": delivery.seal_number, "serials": []}

    pages = ("arrive", "handover", "otherwise", "photo")
    answers = [client.get(f"/deliveries/{delivery.id}/{page}") for page in pages]
    answers += [
        client.post(f"/deliveries/{delivery.id}/{page}") for page in ("arrive", "otherwise/nobody-came", "turn-back")
    ]
    headers = {"Authorization": f"Bearer {token}"}
    answers.append(client.post(f"/api/v1/deliveries/{delivery.folio}/at-point", json=body, headers=headers))

    assert {answer.status_code for answer in answers} == {404}
    assert client.get("/deliveries/my-day").status_code == 200
    with pytest.raises(NotFound):
        queries.stop_of(lead, delivery.id, now)
    db.session.refresh(delivery)
    assert delivery.state is S.IN_TRANSIT


def paths_of(app: Flask, delivery: Delivery) -> list[tuple[str, Rule]]:
    """Every page and API answer that can be asked for without sending anything, about this delivery or in general."""
    values = {"delivery_id": delivery.id, "folio": delivery.folio, "award_id": delivery.award_id,
              "run_id": delivery.run_id, "person_id": delivery.person_id}  # fmt: skip
    found = []
    for rule in app.url_map.iter_rules():
        of_deliveries = rule.endpoint.startswith(("delivery.", "deliveries_api.", "home.", "reports."))
        if "GET" in (rule.methods or ()) and of_deliveries and rule.arguments <= values.keys():
            with app.test_request_context():
                found.append((rule.build(values, append_unknown=False)[1], rule))  # type: ignore[index]
    return found


def said_to(app: Flask, sign_in: SignIn, delivery: Delivery, reader: User) -> set[str]:
    """The addresses at which this reader is told where or when."""
    words = [PLACE.split(",")[0].encode(), (moment(delivery.stop_at) or "").encode()]
    client, told = sign_in(reader), set()
    scopes = reader.permissions & {Permission.VIEW_DELIVERY, Permission.CARRY_DELIVERY}
    token = make_token(reader, *scopes) if scopes else ""
    for address, rule in paths_of(app, delivery):
        needed = getattr(app.view_functions[rule.endpoint], "permissions", frozenset())
        if not needed & reader.permissions:
            continue
        headers = {"Authorization": f"Bearer {token}"} if address.startswith("/api/") else {}
        answer = client.get(address, headers=headers)
        if answer.status_code == 200 and any(word in answer.data for word in words):
            told.add(rule.endpoint)
    return told


def test_pages_api_and_exports_tell_the_team_alone_and_only_from_its_time(app: Flask, sign_in: SignIn) -> None:
    now = utcnow()
    lead, mate = make_officer(), make_officer()
    delivery = make_stop(now + timedelta(minutes=130), level=2, officer=lead, team=make_team(lead, mate))
    strangers = [make_officer(), *(make_user(role) for role in Role if role is not Role.OFFICER)]

    before = {reader.id: said_to(app, sign_in, delivery, reader) for reader in (lead, mate, *strangers)}
    send_out(delivery, at=now)
    move_stop(delivery, now + timedelta(minutes=110))
    after = {reader.id: said_to(app, sign_in, delivery, reader) for reader in (lead, mate, *strangers)}

    assert set().union(*before.values()) == set()
    assert {key: value for key, value in after.items() if value} == {
        lead.id: {"delivery.my_day"}, mate.id: {"delivery.my_day"},
    }  # fmt: skip


def looks_at(delivery: Delivery) -> list[tuple[int | None, str]]:
    found = select(JournalEntry).where(JournalEntry.action == "stop.seen", JournalEntry.subject_id == delivery.id)
    return [(one.actor_id, one.details) for one in db.session.scalars(found.order_by(JournalEntry.id))]


def test_every_look_is_journaled_once_and_says_no_place(app: Flask, sign_in: SignIn) -> None:
    now = utcnow()
    lead, mate = make_officer(), make_officer()
    delivery = make_stop(now + timedelta(hours=1), level=2, officer=lead, team=make_team(lead, mate))

    assert PLACE in sign_in(lead).get("/deliveries/my-day").text
    assert PLACE in sign_in(mate).get("/deliveries/my-day").text
    sign_in(lead).get("/")

    assert looks_at(delivery) == [(lead.id, "{}"), (mate.id, "{}")]
    move_stop(delivery, now + timedelta(hours=5))
    sign_in(lead).get("/deliveries/my-day")
    assert len(looks_at(delivery)) == 2


def test_page_before_the_time_says_neither_when_nor_where_nor_whose(app: Flask, sign_in: SignIn) -> None:
    lead, idle = make_officer(), make_officer()
    delivery = make_stop(utcnow() + timedelta(hours=5), level=2, officer=lead)

    pages = [sign_in(one).get("/deliveries/my-day").text for one in (lead, idle)]
    waiting, nothing = (re.sub(r'name="csrf_token" value="[^"]*"', "", page) for page in pages)

    assert waiting == nothing
    assert delivery.folio not in waiting


def test_seal_and_serials_are_not_on_the_page_before_they_are_read(app: Flask, sign_in: SignIn) -> None:
    carried = make_carried(S.IN_TRANSIT)
    delivery, client = carried.delivery, sign_in(carried.officer)

    pages = client.get("/deliveries/my-day").text + client.get(f"/deliveries/{delivery.id}/arrive").text

    assert delivery.folio in pages
    read = [delivery.seal_number, *(line.serial_number for line in delivery.lines)]
    assert [one for one in read if one and one in pages] == []
    assert delivery.person.first_surname not in pages


def selects(client: FlaskClient, address: str) -> int:
    noted: list[str] = []

    def note(_connection: object, _cursor: object, statement: str, *_rest: object) -> None:
        noted.append(statement)

    event.listen(Engine, "before_cursor_execute", note)
    try:
        assert client.get(address).status_code == 200
    finally:
        event.remove(Engine, "before_cursor_execute", note)
    return sum(statement.startswith("SELECT") for statement in noted)


def test_my_day_costs_the_same_with_one_stop_and_with_three(app: Flask, sign_in: SignIn) -> None:
    lead = make_officer()
    start = utcnow() + timedelta(hours=1)
    send_out(make_stop(start, officer=lead), at=utcnow())
    client = sign_in(lead)
    with_one = selects(client, "/deliveries/my-day")
    for number in (1, 2):
        make_stop(start + number * MINUTE, officer=lead)

    assert selects(client, "/deliveries/my-day") == with_one
    assert with_one <= 17


def test_only_pages_that_read_codes_may_use_the_camera(app: Flask, sign_in: SignIn) -> None:
    carried = make_carried(S.IN_TRANSIT)
    client = sign_in(carried.officer)
    own = f"/deliveries/{carried.delivery.id}"
    addresses = ("/deliveries/my-day", f"{own}/arrive", f"{own}/handover")

    policies = [client.get(address).headers["Permissions-Policy"] for address in addresses]

    assert ["camera=(self)" in policy or "camera=self" in policy for policy in policies] == [False, True, True]
