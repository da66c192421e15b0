"""Who finished what."""

import threading
from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.training import queries, services
from grants.training.models import Course, CourseKind, Enrolment
from tests.factories.access import make_user
from tests.factories.people import make_person
from tests.factories.training import make_completion, make_course, make_enrolment


@pytest.mark.parametrize(
    ("minimum", "on", "answer"),
    [
        (None, None, True),
        (None, date(2023, 5, 30), False),
        (None, date(2023, 5, 31), True),
        (Decimal(60), None, True),
        (Decimal("60.01"), None, False),
    ],
)
def test_completion_counts_by_day_and_grade(app: Flask, minimum: Decimal | None, on: date | None, answer: bool) -> None:
    person = make_person()
    make_completion(make_course(kind=CourseKind.DIGITAL), person, grade=Decimal(60))

    assert queries.has_completed(person.id, "digital", minimum_grade=minimum, on=on) is answer
    assert not queries.has_completed(person.id, CourseKind.ENTREPRENEURSHIP)


def test_enrolment_alone_or_a_missing_grade_is_not_enough(app: Flask) -> None:
    person, other = make_person(), make_person()
    make_enrolment(make_course(), person)
    make_completion(make_course(), other)

    assert not queries.has_completed(person.id, CourseKind.ENTREPRENEURSHIP)
    assert queries.has_completed(other.id, CourseKind.ENTREPRENEURSHIP)
    assert not queries.has_completed(other.id, CourseKind.ENTREPRENEURSHIP, minimum_grade=Decimal(60))


def test_completions_of_a_person_come_latest_first(app: Flask) -> None:
    person = make_person()
    early = make_completion(make_course(), person, completed_on=date(2023, 3, 1))
    late = make_completion(make_course(), person, completed_on=date(2023, 4, 1))
    make_completion()

    assert list(queries.completions_of(person.id)) == [late, early]


@pytest.mark.no_rollback
def test_person_enrolled_from_two_desks_at_once_is_in_the_course_once(real_app: Flask) -> None:
    course, person, user = make_course(), make_person(), make_user(Role.COORDINATOR)
    db.session.commit()
    gate, enrolled = threading.Barrier(4), []

    def run() -> None:
        with real_app.app_context():
            mine, by = db.session.get_one(Course, course.id), db.session.get_one(User, user.id)
            db.session.rollback()
            gate.wait()
            with transaction():
                rows = services.enrol(mine, [person.folio], by=by, now=utcnow())
            enrolled.append(rows[0].problem is None)
            db.session.remove()

    threads = [threading.Thread(target=run) for _n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert sorted(enrolled) == [False, False, False, True]
    assert db.session.scalar(select(func.count(Enrolment.id))) == 1
