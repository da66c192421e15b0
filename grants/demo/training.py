"""The demo's courses and who completed them."""

from collections.abc import Sequence
from datetime import date, timedelta
from decimal import Decimal

from grants.access.permissions import Role
from grants.core import journal
from grants.core.db import db
from grants.demo.facts import Chance, morning
from grants.demo.people import Cohort
from grants.demo.staff import Staff
from grants.people.models import Person
from grants.training.models import Completion, Course, CourseKind, Enrolment

PLACES = {"1001": ("10", "Ibarra"), "2101": ("21", "Lago Agrio")}
NAMES = {
    CourseKind.ENTREPRENEURSHIP: "Emprendimiento, género y mercadeo digital",
    CourseKind.DIGITAL: "En Marcha Digital",
    CourseKind.FINANCIAL_EDUCATION: "Educación financiera",
}
CODES = {CourseKind.ENTREPRENEURSHIP: "EMP", CourseKind.DIGITAL: "DIG", CourseKind.FINANCIAL_EDUCATION: "FIN"}
LOW_GRADE, PASS_GRADE = 52, 60


def build_training(chance: Chance, staff: Staff, entrepreneurs: Sequence[Person], learners: Sequence[Cohort]) -> None:
    """Courses by canton and cohort; everyone completed theirs within its dates."""
    for canton in PLACES:
        people = [person for person in entrepreneurs if person.canton_code == canton]
        course = _course(staff, CourseKind.ENTREPRENEURSHIP, canton, date(2023, 2, 13), date(2023, 4, 28), 1)
        _complete(chance, staff, course, people)
    for number, cohort in enumerate(learners, 1):
        first = date(cohort.year, 3, 1)
        course = _course(
            staff, CourseKind.FINANCIAL_EDUCATION, cohort.canton, first, first + timedelta(days=45), number
        )
        _complete(chance, staff, course, cohort.people)
        if cohort.digital:
            first = date(cohort.year, 5, 2)
            course = _course(staff, CourseKind.DIGITAL, cohort.canton, first, first + timedelta(days=60), number)
            _complete(chance, staff, course, cohort.people, below=cohort.below_pass)
    db.session.flush()


def _course(staff: Staff, kind: CourseKind, canton: str, first: date, last: date, number: int) -> Course:
    province, town = PLACES[canton]
    by = staff[Role.COORDINATOR][0]
    course = Course(
        code=f"{CODES[kind]}-{first.year}-{province}-{number}",
        name=f"{NAMES[kind]}, {town} {first.year}",
        kind=kind, province_code=province, starts_on=first, ends_on=last,
        has_grade=kind is CourseKind.DIGITAL, created_by_id=by.id, created_at=morning(first - timedelta(days=14)),
    )  # fmt: skip
    db.session.add(course)
    journal.record(by, "course.created", course, at=course.created_at)
    return course


def _complete(chance: Chance, staff: Staff, course: Course, people: Sequence[Person], *, below: int = 0) -> None:
    by = staff[Role.COORDINATOR][0]
    for number, person in enumerate(people):
        done = chance.day(course.ends_on - timedelta(days=3), course.ends_on)
        enrolment = Enrolment(
            course=course, person_id=person.id, enrolled_at=morning(course.starts_on), enrolled_by_id=by.id
        )
        enrolment.completion = Completion(
            completed_on=done,
            grade=_grade(chance, number < below) if course.has_grade else None,
            recorded_by_id=by.id,
            recorded_at=morning(done, minutes=300),
        )
        db.session.add(enrolment)
        journal.record(by, "completion.recorded", enrolment.completion, at=enrolment.completion.recorded_at)


def _grade(chance: Chance, is_low: bool) -> Decimal:
    """The report counts grades of 60 % or more; which ones they were is invented."""
    return Decimal(LOW_GRADE) if is_low else Decimal(chance.randint(PASS_GRADE, 100))
