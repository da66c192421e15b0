"""Open courses, enrol people, record who finished."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.core import journal
from grants.core.clock import local_day
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.people.folio import normal_folio
from grants.people.models import Person, Province
from grants.people.queries import people_with_folios
from grants.training import queries
from grants.training.models import Completion, Course, CourseKind, Enrolment

MOST_AT_ONCE = 300
EARLIEST = date(2000, 1, 1)
LATEST = date(2100, 1, 1)


@dataclass(frozen=True, slots=True)
class CourseFacts:
    """A course as planned."""

    code: str
    name: str
    kind: CourseKind
    province_code: str
    starts_on: date
    ends_on: date
    has_grade: bool


@dataclass(frozen=True, slots=True)
class Row:
    """What happened with one row of many: `problem` is None when it was done."""

    typed: str
    problem: Any = None


@dataclass(frozen=True, slots=True)
class Finish:
    """That one enrolment was finished, with its grade where the course has one."""

    enrolment_id: int
    grade: Decimal | None


def create_course(facts: CourseFacts, *, by: User, now: datetime) -> Course:
    """Open a course. Its code is unique."""
    if not EARLIEST <= facts.starts_on <= LATEST:
        raise RuleBroken(_("Look at the year of the first day again."), field="starts_on")
    if not facts.starts_on <= facts.ends_on <= LATEST:
        raise RuleBroken(_("The last day must not come before the first."), field="ends_on")
    if db.session.get(Province, facts.province_code) is None:
        raise RuleBroken(_("Choose a province from the list."), field="province_code")
    values = {name: getattr(facts, name) for name in CourseFacts.__slots__}
    course = Course(**values, created_by_id=by.id, created_at=now)
    try:
        with db.session.begin_nested():
            db.session.add(course)
            db.session.flush()
    except IntegrityError as error:
        raise RuleBroken(_("Another course has this code. Choose another one."), field="code") from error
    journal.record(by, "course.created", course, at=now)
    return course


def enrol(course: Course, folios: Sequence[str], *, by: User, now: datetime) -> list[Row]:
    """Enrol the people with these folios, as typed. Each row says what happened; the good ones are kept."""
    if not folios:
        raise RuleBroken(_("Write at least one folio."), field="folios")
    if len(folios) > MOST_AT_ONCE:
        raise RuleBroken(_("At most %(most)d folios at once. Send the rest afterwards.", most=MOST_AT_ONCE),
                         field="folios")  # fmt: skip
    known = people_with_folios([folio for folio in map(normal_folio, folios) if folio])
    enrolled = queries.enrolled_person_ids(course)
    return [_enrol_one(course, typed, known, enrolled, by=by, now=now) for typed in folios]


def _enrol_one(
    course: Course, typed: str, known: dict[str, Person], enrolled: set[int], *, by: User, now: datetime
) -> Row:
    folio = normal_folio(typed)
    if folio is None:
        return Row(typed, _("This is not a folio: a letter or digit is wrong or missing."))
    person = known.get(folio)
    if person is None:
        return Row(typed, _("Nobody has this folio."))
    if person.id in enrolled or not _insert(course, person, by=by, now=now):
        return Row(typed, _("Already enrolled."))
    enrolled.add(person.id)
    return Row(folio)


def _insert(course: Course, person: Person, *, by: User, now: datetime) -> bool:
    """False when another request enrolled the person in this moment: the unique index says so."""
    enrolment = Enrolment(course_id=course.id, person_id=person.id, enrolled_at=now, enrolled_by_id=by.id)
    try:
        with db.session.begin_nested():
            db.session.add(enrolment)
            db.session.flush()
    except IntegrityError:
        return False
    journal.record(by, "person.enrolled", enrolment, at=now, course_id=course.id, person_id=person.id)
    return True


def record_completions(
    course: Course, finishes: Sequence[Finish], *, on: date, by: User, now: datetime
) -> dict[int, Row]:
    """Record who finished on this day, by enrolment. The good ones are kept, the others say why not."""
    if not course.starts_on <= on <= course.ends_on:
        raise RuleBroken(_("The day lies outside the course. Choose a day between its first and its last."),
                         field="completed_on")  # fmt: skip
    if on > local_day(now):
        raise RuleBroken(_("The day lies in the future. Record it when it has come."), field="completed_on")
    if not finishes:
        raise RuleBroken(_("Tick at least one person."), field="completed_on")
    enrolments = queries.enrolments_by_id(course, [finish.enrolment_id for finish in finishes])
    return {
        finish.enrolment_id: _complete_one(course, enrolments.get(finish.enrolment_id), finish, on=on, by=by, now=now)
        for finish in finishes
    }


def _complete_one(
    course: Course, enrolment: Enrolment | None, finish: Finish, *, on: date, by: User, now: datetime
) -> Row:
    if enrolment is None:
        return Row("", _("This person is not in the course."))
    folio = enrolment.person.folio
    if enrolment.completion is not None:
        return Row(folio, _("Already recorded."))
    if (problem := _grade_problem(course, finish.grade)) is not None:
        return Row(folio, problem)
    completion = Completion(enrolment_id=enrolment.id, completed_on=on, grade=finish.grade, recorded_by_id=by.id,
                            recorded_at=now)  # fmt: skip
    try:
        with db.session.begin_nested():
            db.session.add(completion)
            db.session.flush()
    except IntegrityError:
        return Row(folio, _("Already recorded."))
    journal.record(by, "completion.recorded", completion, at=now, enrolment_id=enrolment.id)
    return Row(folio)


def _grade_problem(course: Course, grade: Decimal | None) -> Any:
    if not course.has_grade:
        return None if grade is None else _("This course has no grades. Leave it empty.")
    if grade is None:
        return _("Write the grade, from 0 to 100.")
    if not 0 <= grade <= 100:
        return _("A grade lies between 0 and 100.")
    return None
