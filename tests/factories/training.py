"""Courses, enrolments and completions for tests."""

from datetime import date
from decimal import Decimal
from itertools import count
from typing import Any

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.people.models import Person
from grants.training.models import Completion, Course, CourseKind, Enrolment
from tests.factories.access import make_user
from tests.factories.people import make_person, make_province

_numbers = count(1)


def make_course(**overrides: Any) -> Course:
    """An entrepreneurship course without grades, in Imbabura, from 1 February to 31 May 2023, unless told otherwise."""
    number = next(_numbers)
    creator = overrides.pop("created_by", None) or make_user(Role.COORDINATOR)
    province = make_province(overrides.pop("province_code", "10"))
    values: dict[str, Any] = {
        "code": f"CUR-{number}",
        "name": f"Curso {number}",
        "kind": CourseKind.ENTREPRENEURSHIP,
        "starts_on": date(2023, 2, 1),
        "ends_on": date(2023, 5, 31),
        "has_grade": False,
        **overrides,
    }
    course = Course(**values, province_code=province.code, created_by_id=creator.id, created_at=utcnow())
    db.session.add(course)
    db.session.flush()
    return course


def make_enrolment(course: Course | None = None, person: Person | None = None) -> Enrolment:
    """A person in a course; both are made if not given."""
    course, person = course or make_course(), person or make_person()
    enrolment = Enrolment(
        course_id=course.id, person_id=person.id, enrolled_at=utcnow(), enrolled_by_id=course.created_by_id
    )
    db.session.add(enrolment)
    db.session.flush()
    return enrolment


def make_completion(
    course: Course | None = None,
    person: Person | None = None,
    *,
    completed_on: date | None = None,
    grade: Decimal | None = None,
) -> Completion:
    """That a person finished a course, on its last day unless told otherwise; the enrolment is made too."""
    enrolment = make_enrolment(course, person)
    finished = db.session.get_one(Course, enrolment.course_id)
    completion = Completion(
        enrolment_id=enrolment.id,
        completed_on=completed_on or finished.ends_on,
        grade=grade,
        recorded_by_id=enrolment.enrolled_by_id,
        recorded_at=utcnow(),
    )
    db.session.add(completion)
    db.session.flush()
    return completion
