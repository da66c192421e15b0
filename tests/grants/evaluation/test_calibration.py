"""The calibration set comes first, shows nothing of others before it is in, and counts only where it was said."""

from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application, ApplicationState
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.evaluation import queries, services
from grants.evaluation.models import Assignment, CalibrationSetItem, ScoreSheet
from grants.evaluation.services import Entries
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calibration import make_calibration_set
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_sheet
from tests.factories.people import make_person

SignIn = Callable[[User], FlaskClient]


def coordinator() -> User:
    return make_user(Role.COORDINATOR)


def mark(call: Call, *applications: Application, stage: Stage = Stage.PLAN, counts: bool = False) -> int:
    folios = [application.folio for application in applications]
    return services.mark_calibration_set(
        call, stage, folios, counts=counts, due_on=None, by=coordinator(), now=utcnow()
    )


def hand_in(assignment: Assignment, *levels: int) -> None:
    given = dict(zip([c.id for c in queries.criteria_for(assignment)], levels, strict=True))
    entries = Entries(given, dict.fromkeys(given, "Lo dice el plan."))
    services.submit(assignment, entries, by=assignment.evaluator, now=utcnow())


def tasks() -> list[tuple[int, int, bool, bool]]:
    """Application, evaluator, given with the set, open: every task."""
    db.session.expire_all()
    found = db.session.query(Assignment).order_by(Assignment.application_id, Assignment.evaluator_id)
    return [(one.application_id, one.evaluator_id, one.is_calibration, one.is_open) for one in found]


def task_of(application: Application, evaluator: User) -> Assignment:
    same = {"application_id": application.id, "evaluator_id": evaluator.id}
    return db.session.query(Assignment).filter_by(**same).one()


def numbers_of(items: list[Application]) -> list[int]:
    return [one.id for one in items]


def set_of(call: Call) -> list[tuple[int, bool]]:
    db.session.expire_all()
    items = db.session.query(CalibrationSetItem).filter_by(call_id=call.id).order_by(CalibrationSetItem.position)
    return [(item.application_id, item.counts) for item in items]


def test_everybody_in_the_call_gets_the_set_and_own_reviews_stay_reviews(app: Flask) -> None:
    """Ana reviews the first of the two, Beto a third one; Carla evaluates another call."""
    call = make_call()
    one, two, third = (make_application(call) for _n in range(3))
    ana, beto = make_assignment(one).evaluator, make_assignment(third).evaluator
    make_assignment()

    given = mark(call, two, one)

    assert given == 3
    assert [task for task in tasks() if task[0] in {one.id, two.id}] == [
        (one.id, ana.id, False, True),
        (one.id, beto.id, True, True),
        (two.id, ana.id, True, True),
        (two.id, beto.id, True, True),
    ]
    assert set_of(call) == [(two.id, False), (one.id, False)]
    db.session.commit()
    assert db.session.query(JournalEntry).filter_by(action="calibration.marked").count() == 1


def test_a_declared_conflict_keeps_an_application_of_the_set_away(app: Flask) -> None:
    call = make_call()
    one, two = make_application(call), make_application(call)
    ana = make_assignment(make_application(call)).evaluator
    make_conflict(one, ana)

    assert mark(call, one, two) == 1
    assert [task[:2] for task in tasks() if task[2]] == [(two.id, ana.id)]


def test_who_joins_the_call_later_gets_the_set_too(app: Flask) -> None:
    call = make_call()
    one, two, third = (make_application(call) for _n in range(3))
    make_assignment(third)
    mark(call, one, two)
    late = make_user(Role.EVALUATOR)

    services.assign(third, evaluator=late, stage=Stage.PLAN, due_on=None, by=coordinator(), now=utcnow())

    assert [task[0] for task in tasks() if task[1] == late.id and task[2]] == [one.id, two.id]
    assert services.hand_out_calibration(call, Stage.PLAN, due_on=None, by=coordinator(), now=utcnow()) == 0


@pytest.mark.usefixtures("in_english")
def test_sets_that_cannot_be_are_refused_and_change_nothing(app: Flask) -> None:
    call = make_call(plan_weight=Decimal(100), pitch_weight=Decimal(0))
    many = [make_application(call) for _n in range(6)]
    draft, elsewhere, scored = make_application(call, submitted=False), make_application(), make_application(call)
    make_sheet(scored)
    by_folio = "not a submitted application"

    for applications, stage, sentence in (
        (many[:1], Stage.PLAN, "two to five"),
        ([many[0], many[0]], Stage.PLAN, "two to five"),
        (many, Stage.PLAN, "two to five"),
        ([many[0], draft], Stage.PLAN, by_folio),
        ([many[0], elsewhere], Stage.PLAN, by_folio),
        ([many[0], scored], Stage.PLAN, "already scored"),
        (many[:2], Stage.PITCH, "does not count"),
        (many[:2], Stage.PLAN, "Nobody evaluates"),
    ):
        with pytest.raises(RuleBroken, match=sentence):
            mark(call, *applications, stage=stage)
    assert set_of(call) == []
    assert tasks() == []


@pytest.mark.usefixtures("in_english")
def test_set_may_be_changed_until_part_of_it_is_handed_in(app: Flask) -> None:
    call = make_call()
    one, two, three = (make_application(call) for _n in range(3))
    ana = make_assignment(make_application(call)).evaluator
    mark(call, one, two)

    assert mark(call, two, three, counts=True) == 2
    assert set_of(call) == [(two.id, True), (three.id, True)]
    assert [(task[0], task[3]) for task in tasks() if task[2]] == [(one.id, False), (two.id, True), (three.id, True)]

    hand_in(task_of(two, ana), 1, 2, 3)
    with pytest.raises(RuleBroken, match="in use"):
        mark(call, one, three)
    assert set_of(call) == [(two.id, True), (three.id, True)]


@pytest.mark.usefixtures("in_english")
def test_other_sheets_open_once_all_of_the_set_is_in(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    one, two, other = (make_application(call) for _n in range(3))
    ordinary = make_assignment(other)
    me = ordinary.evaluator
    pitch = make_assignment(other, me, Stage.PITCH)
    services.save_draft(ordinary, Entries({}), by=me, now=utcnow())
    mark(call, one, two)
    client = sign_in(me)

    gate = client.get(f"/score-sheets/{ordinary.id}").text
    assert f'href="/score-sheets/{task_of(one, me).id}"' in gate
    assert "Panadería" not in gate.split("line-list")[0]
    assert 'id="sheet"' in client.get(f"/score-sheets/{pitch.id}").text
    with pytest.raises(RuleBroken, match="calibration set first"):
        hand_in(ordinary, 1, 2, 3)
    hand_in(task_of(one, me), 1, 2, 3)
    with pytest.raises(RuleBroken, match="calibration set first"):
        hand_in(ordinary, 1, 2, 3)
    hand_in(task_of(two, me), 1, 2, 3)

    hand_in(ordinary, 1, 2, 3)
    assert db.session.query(ScoreSheet).count() == 3


def test_no_door_shows_a_sheet_that_waits(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    ordinary = make_assignment(make_application(call))
    mark(call, make_application(call), make_application(call))
    client, path = sign_in(ordinary.evaluator), f"/score-sheets/{ordinary.id}"

    pages = [client.post(f"{path}/{verb}", data={}).text for verb in ("save", "submit", "amend", "declare-conflict")]

    assert [("Pan y bollería" in page, "line-list" in page) for page in pages] == [(False, True)] * 4
    assert client.post(f"{path}/autosave", data={}).status_code == 409
    assert db.session.query(ScoreSheet).count() == 0


def test_task_of_the_set_that_was_taken_away_stays_away(app: Flask) -> None:
    call = make_call()
    one, two = make_application(call), make_application(call)
    me = make_assignment(make_application(call)).evaluator
    mark(call, one, two)
    services.end_assignment(task_of(one, me), by=coordinator(), now=utcnow())

    assert services.hand_out_calibration(call, Stage.PLAN, due_on=None, by=coordinator(), now=utcnow()) == 0
    assert [one.application_id for one in queries.calibration_left(me)] == [two.id]

    assert mark(call, two, one) == 2
    assert len(queries.calibration_left(me)) == 2


def test_attachments_of_other_sheets_wait_too(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    ordinary = make_assignment(make_application(call))
    mark(call, make_application(call), make_application(call))

    answer = sign_in(ordinary.evaluator).get(f"/score-sheets/{ordinary.id}/attachments/1")

    assert (answer.status_code, answer.location) == (302, f"/score-sheets/{ordinary.id}")


def test_set_comes_next_and_stands_first_on_the_list(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    one, two = make_application(call), make_application(call)
    me = make_assignment(make_application(call)).evaluator
    mark(call, one, two)
    first, second = task_of(one, me), task_of(two, me)

    assert queries.calibration_left(me) == [first, second]
    assert queries.next_to_score(first) == second
    page = sign_in(me).get("/score-sheets").text
    assert page.index("line-list") < page.index(one.folio) < page.index("<table")
    hand_in(first, 1, 2, 3)
    hand_in(second, 1, 2, 3)
    after = queries.next_to_score(second)
    assert after is not None
    assert after.application_id not in {one.id, two.id}


def test_nothing_of_others_is_seen_before_ones_own_set_is_in(app: Flask, sign_in: SignIn) -> None:
    """The other gave 2, 2 and 1. I hand in the first of two, then the second."""
    call = make_call()
    one, two = make_application(call), make_application(call)
    me, other = make_user(Role.EVALUATOR), make_user(Role.EVALUATOR, name="Rosa Ajena")
    for evaluator in (me, other):
        make_assignment(one, evaluator)
    mark(call, one, two)
    hand_in(task_of(one, other), 2, 2, 1)
    hand_in(task_of(two, other), 2, 2, 1)
    client, spread = sign_in(me), f"/calls/{call.id}/calibration/spread"
    assert client.get(spread).status_code == 404

    hand_in(task_of(one, me), 1, 2, 3)
    assert queries.others_sheets(task_of(one, me)) == []
    assert client.get(spread).status_code == 404
    hand_in(task_of(two, me), 3, 2, 3)

    assert len(queries.others_sheets(task_of(one, me))) == 1
    page = client.get(spread).text
    assert "Rosa Ajena" not in page
    assert page.count("<svg") == 6
    assert sign_in(make_user(Role.EVALUATOR)).get(spread).status_code == 404


def test_spread_has_codes_medians_and_ranges(app: Flask) -> None:
    """First criterion of the first application: I 1, the others 4 and 2. Median 2, from 1 to 4; second: 3, 3, 2."""
    call = make_call()
    one, two = make_application(call), make_application(call)
    people = [make_assignment(one).evaluator for _n in range(3)]
    mark(call, one, two)
    for evaluator, levels in zip(people, ((1, 3, 2), (4, 3, 2), (2, 2, 2)), strict=True):
        hand_in(task_of(one, evaluator), *levels)
        hand_in(task_of(two, evaluator), 2, 2, 2)
    me = people[0]

    first, second = queries.group_spread(call, Stage.PLAN, me)

    strip = first.strips[0]
    assert (strip.own, sorted(level for _code, level in strip.others)) == (1, [2, 4])
    assert (strip.median, strip.given, strip.is_wide) == (Decimal(2), [1, 2, 4], True)
    assert [(bar.level, bar.count, bar.is_own) for bar in strip.bars if bar.count] == [
        (1, 1, True),
        (2, 1, False),
        (4, 1, False),
    ]
    assert (first.strips[1].median, first.strips[1].is_wide) == (Decimal(3), False)
    assert {code for strip in (*first.strips, *second.strips) for code, _level in strip.others} < {"E1", "E2", "E3"}
    # A code is the same person in every application and for every reader.
    seen = [dict(strip.others) for strip in (first.strips[0], second.strips[0])]
    assert set(seen[0]) == set(seen[1])
    by_code = {level: code for code, level in strip.others}
    again = queries.group_spread(call, Stage.PLAN, people[2])[0].strips[0]
    assert dict(again.others)[by_code[4]] == 4


def test_median_of_an_even_group_lies_between(app: Flask) -> None:
    """Levels 1 and 2: 1.5."""
    call = make_call()
    one = make_application(call)
    make_calibration_set(one)
    make_sheet(one, levels=1)
    make_sheet(one, levels=2)

    (spread,) = queries.group_spread(call, Stage.PLAN, coordinator())

    assert spread.strips[0].median == Decimal("1.5")


def test_practice_stays_out_of_the_official_points(app: Flask) -> None:
    """Two reviewers of the first application; a third gets it with the set. The second has one reviewer."""
    call = make_call()
    one, two = make_application(call), make_application(call)
    reviewers = [make_assignment(one).evaluator for _n in range(2)]
    third = make_assignment(two).evaluator
    mark(call, one, two)
    for application in (one, two):
        for evaluator in (*reviewers, third):
            hand_in(task_of(application, evaluator), 2, 2, 2)

    official = [sheet.application_id for sheet in queries.official_sheets(call)]

    assert sorted(official) == [one.id, one.id, two.id]
    progress = queries.call_progress(call)
    assert (progress.needed, progress.assigned, progress.submitted) == (8, 3, 3)


def test_set_that_counts_counts_whole(app: Flask) -> None:
    call = make_call()
    one, two = make_application(call), make_application(call)
    people = [make_assignment(one).evaluator for _n in range(3)]
    mark(call, one, two, counts=True)
    for application in (one, two):
        for evaluator in people:
            hand_in(task_of(application, evaluator), 2, 2, 2)

    official = [sheet.application_id for sheet in queries.official_sheets(call)]

    assert sorted(official) == [one.id] * 3 + [two.id] * 3


def test_practice_becomes_a_review_by_hand_and_by_proposal(app: Flask) -> None:
    """Two reviews each. The set gives Ana and Beto all; then the proposal makes them the reviewers."""
    call = make_call()
    one, two = make_application(call), make_application(call)
    ana, beto = make_user(Role.EVALUATOR), make_user(Role.EVALUATOR)
    make_assignment(one, ana)
    make_assignment(one, beto)
    mark(call, one, two)
    assert [task[2] for task in tasks() if task[0] == two.id] == [True, True]

    services.assign(two, evaluator=ana, stage=Stage.PLAN, due_on=None, by=coordinator(), now=utcnow())
    assert [task[2] for task in tasks() if task[0] == two.id] == [False, True]
    made = services.propose_assignments(call, stage=Stage.PLAN, due_on=None, by=coordinator(), now=utcnow())

    assert (made.made, made.short) == (1, 0)
    assert [task[2:] for task in tasks() if task[0] == two.id] == [(False, True), (False, True)]


def test_who_owes_the_set_sees_no_points(app: Flask) -> None:
    call = make_call()
    one, two = make_application(call), make_application(call)
    both = make_user(Role.EVALUATOR, Role.COORDINATOR)
    ordinary = make_assignment(one, both)
    hand_in(ordinary, 2, 2, 2)
    assert queries.may_lead_the_talk(call, both)

    make_calibration_set(two)
    make_assignment(two, both, is_calibration=True)

    assert queries.owes_sheets(both, call.id) == 1
    assert not queries.may_lead_the_talk(call, both)


def test_withdrawn_application_of_the_set_blocks_nobody(app: Flask) -> None:
    call = make_call()
    one, two = make_application(call), make_application(call)
    ordinary = make_assignment(make_application(call))
    mark(call, one, two)
    hand_in(task_of(one, ordinary.evaluator), 1, 2, 3)

    two.state, two.withdrawn_at = ApplicationState.WITHDRAWN, utcnow()
    db.session.flush()

    assert queries.calibration_first(ordinary) == []
    assert queries.may_see_spread(call, Stage.PLAN, ordinary.evaluator)


def test_suggestion_spreads_sectors_and_is_the_same_each_time(app: Flask) -> None:
    """Four bakeries and one shop of another sector, one bakery scored already: the shop is always among the three."""
    call = make_call()
    person = make_person()
    bakeries = [make_application(call, make_person(canton_code=person.canton_code)) for _n in range(3)]
    shop = make_application(call, person)
    shop.plan.sector = "G"
    scored = make_application(call)
    make_sheet(scored)
    reader = coordinator()

    suggested = [one.application_id for one in queries.suggested_set(call, Stage.PLAN, reader=reader)]

    assert len(suggested) == 3
    assert shop.id in suggested[:2]
    assert scored.id not in suggested
    assert set(suggested) - {shop.id} < set(numbers_of(bakeries))
    again = queries.suggested_set(call, Stage.PLAN, reader=reader)
    assert [one.application_id for one in again] == suggested


def test_coordinator_marks_the_suggestion_from_the_page(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    one, two = make_application(call), make_application(call)
    make_assignment(one)
    client, path = sign_in(coordinator()), f"/calls/{call.id}/calibration"
    page = client.get(path).text
    assert one.folio in page
    assert two.folio in page
    assert one.person.first_surname not in page

    refused = client.post(path, data={"folios": one.folio})
    assert "field-error" in refused.text
    assert set_of(call) == []

    sent = {"folios": f"{one.folio.lower()}, {two.folio}", "due_on": "2024-05-02"}
    assert client.post(path, data=sent).status_code == 302
    assert set_of(call) == [(one.id, False), (two.id, False)]
    assert client.post(f"{path}/hand-out").status_code == 302
    assert "badge" in client.get(path).text


def test_conflict_of_the_coordinator_hides_the_application_here_too(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    one, two, three = (make_application(call) for _n in range(3))
    me = make_user(Role.COORDINATOR, Role.EVALUATOR)
    make_conflict(one, me)
    make_assignment(three)
    client, path = sign_in(me), f"/calls/{call.id}/calibration"

    assert one.folio not in client.get(path).text
    client.post(path, data={"folios": f"{one.folio} {two.folio}"})
    assert set_of(call) == []

    make_calibration_set(one, two)
    make_sheet(one)
    make_sheet(two)
    assert one.folio not in client.get(path).text
    page = client.get(f"{path}/spread").text
    assert two.folio in page
    assert one.folio not in page


@pytest.mark.parametrize("folios", ["", "\x00", "x" * 10_000, "A-1 ' OR 1=1", "NaN 1e999", "9" * 150])
def test_hostile_folios_get_a_sentence(app: Flask, sign_in: SignIn, folios: str) -> None:
    call = make_call()
    make_assignment(make_application(call))

    answer = sign_in(coordinator()).post(f"/calls/{call.id}/calibration", data={"folios": folios})

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert set_of(call) == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COORDINATOR])
def test_only_coordinators_mark_a_set(app: Flask, sign_in: SignIn, role: Role) -> None:
    client, call = sign_in(make_user(role)), make_call()

    assert client.get(f"/calls/{call.id}/calibration").status_code == 403
    assert client.post(f"/calls/{call.id}/calibration/hand-out").status_code == 403
    assert set_of(call) == []
