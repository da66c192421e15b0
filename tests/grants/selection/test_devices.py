"""Devices go to those who completed the training; a grade decides only where the call sets one."""

from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Call, CallKind
from grants.core.clock import utcnow
from grants.core.db import db
from grants.selection import queries, services
from grants.selection.models import Outcome, Selection, SelectionRow
from grants.training.models import CourseKind
from tests.factories.access import make_user
from tests.factories.after import letter_for, make_code, make_release
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.people import make_person
from tests.factories.training import make_completion, make_course

pytestmark = pytest.mark.usefixtures("in_english")


def devices_call(minimum_grade: str | None = None, places: int = 10) -> Call:
    return make_call(
        kind=CallKind.DEVICES, required_course=CourseKind.DIGITAL, places=places,
        minimum_grade=Decimal(minimum_grade) if minimum_grade else None,
        budget_usd=Decimal("2500.00"), value_per_award_usd=Decimal("250.00"),
    )  # fmt: skip


def applied(call: Call, *, completed: bool, grade: str | None = None) -> Application:
    person, course = make_person(language="en"), make_course(kind=CourseKind.DIGITAL, has_grade=True)
    if completed:
        make_completion(course, person, grade=Decimal(grade) if grade else None)
    return make_application(call, person)


def published(call: Call) -> Selection:
    author = make_user(Role.COORDINATOR)
    selection = services.simulate(call, by=author, now=utcnow())
    services.propose(selection, by=author, now=utcnow())
    for _n in range(2):
        services.approve(queries.get_selection(selection.id), by=make_user(Role.COORDINATOR), now=utcnow())
    services.publish(queries.get_selection(selection.id), by=author, now=utcnow())
    db.session.expire_all()
    return queries.get_selection(selection.id)


def outcomes(selection: Selection) -> dict[int, Outcome]:
    return {row.application_id: row.outcome for row in db.session.query(SelectionRow).filter_by(selection=selection)}


def test_completion_decides_and_not_the_grade(app: Flask) -> None:
    """As the source report counts: 205 completed, 204 of them with 60 % or more; a device needs completion alone."""
    call = devices_call()
    low, none, unfinished = (
        applied(call, completed=True, grade="41"), applied(call, completed=True), applied(call, completed=False),
    )  # fmt: skip

    found = outcomes(published(call))

    assert found == {low.id: Outcome.CHOSEN, none.id: Outcome.CHOSEN, unfinished.id: Outcome.NOT_RANKED}


def test_minimum_grade_decides_where_the_call_sets_one(app: Flask) -> None:
    call = devices_call("60")
    enough, below, none = (
        applied(call, completed=True, grade="60"), applied(call, completed=True, grade="59.99"),
        applied(call, completed=True),
    )  # fmt: skip

    found = outcomes(published(call))

    assert found == {enough.id: Outcome.CHOSEN, below.id: Outcome.NOT_RANKED, none.id: Outcome.NOT_RANKED}


def test_letters_say_why_with_the_grade_of_the_call(app: Flask) -> None:
    graded, plain = devices_call("60"), devices_call()
    below, unfinished = applied(graded, completed=True, grade="59"), applied(plain, completed=False)
    chosen = applied(plain, completed=True)
    for call in (graded, plain):
        make_release(published(call))

    assert "with a grade of at least 60 %." in letter_for(below).body
    assert "has not completed the training that the call asks for." in letter_for(unfinished).body
    assert "there was a place for everybody" in letter_for(chosen).body


def test_page_shows_the_training_instead_of_points(app: Flask, visitor: FlaskClient) -> None:
    call = devices_call("60")
    below = applied(call, completed=True, grade="59")
    make_release(published(call))
    visitor.post("/my-result", data={"folio": below.folio, "code": make_code(below)})

    page = visitor.get("/my-result/evaluation", headers={"Accept-Language": "en"})

    assert "The training that the call asks for" in page.text
    assert "59 %" in page.text
    assert "60 %" in page.text
    assert "stage-plan" not in page.text


def test_more_who_completed_than_devices_wait_by_lottery(app: Flask) -> None:
    call = devices_call(places=2)
    people = [applied(call, completed=True) for _n in range(3)]

    selection = published(call)

    found = outcomes(selection)
    assert sorted(found[one.id] for one in people) == [Outcome.CHOSEN, Outcome.CHOSEN, Outcome.WAITING]
    make_release(selection)
    waiting = next(one for one in people if found[one.id] is Outcome.WAITING)
    assert "the public lottery gave the 2 places to others" in letter_for(waiting).body
