"""Courses, who is in them, and who finished."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal

from sqlalchemy import func, select
from sqlalchemy.orm import joinedload

from grants.core.db import Page, db, keyset_page, one_or_refuse, plausible
from grants.training.models import Completion, Course, CourseKind, Enrolment


@dataclass(frozen=True, slots=True)
class Counts:
    """How many people are in a course, and how many of them finished."""

    enrolled: int = 0
    completed: int = 0


def get_course(course_id: int) -> Course:
    """The course with its province; NotFound otherwise."""
    return one_or_refuse(select(Course).options(joinedload(Course.province)).where(Course.id == plausible(course_id)))


def courses_page(*, after: str | None = None) -> Page[Course]:
    """Courses by code, a page at a time."""
    return keyset_page(select(Course).options(joinedload(Course.province)), Course.code, Course.id, after=after)


def counts_of(course_ids: Sequence[int]) -> dict[int, Counts]:
    """Enrolled and completed, by course."""
    statement = (
        select(Enrolment.course_id, func.count(Enrolment.id), func.count(Completion.id))
        .outerjoin(Enrolment.completion)
        .where(Enrolment.course_id.in_(course_ids))
        .group_by(Enrolment.course_id)
        .order_by(Enrolment.course_id)
    )
    return {course_id: Counts(enrolled, done) for course_id, enrolled, done in db.session.execute(statement)}


def enrolments_page(course: Course, *, after: str | None = None) -> Page[Enrolment]:
    """Who is in a course, in the order of enrolment, with person and completion loaded."""
    statement = (
        select(Enrolment)
        .options(joinedload(Enrolment.person), joinedload(Enrolment.completion))
        .where(Enrolment.course_id == course.id)
    )
    return keyset_page(statement, Enrolment.id, Enrolment.id, after=after, size=50)


def enrolments_by_id(course: Course, ids: Sequence[int]) -> dict[int, Enrolment]:
    """Those enrolments of this course, with person and completion, by id."""
    statement = (
        select(Enrolment)
        .options(joinedload(Enrolment.person), joinedload(Enrolment.completion))
        .where(Enrolment.course_id == course.id, Enrolment.id.in_(ids))
        .order_by(Enrolment.id)
    )
    return {enrolment.id: enrolment for enrolment in db.session.scalars(statement)}


def enrolled_person_ids(course: Course) -> set[int]:
    """Who is in the course already."""
    statement = select(Enrolment.person_id).where(Enrolment.course_id == course.id).order_by(Enrolment.id)
    return set(db.session.scalars(statement))


def courses_of(person_id: int) -> Sequence[Enrolment]:
    """The courses of a person, the newest first, with course and completion loaded."""
    statement = (
        select(Enrolment)
        .join(Enrolment.course)
        .options(joinedload(Enrolment.course).joinedload(Course.province), joinedload(Enrolment.completion))
        .where(Enrolment.person_id == person_id)
        .order_by(Course.starts_on.desc(), Enrolment.id)
    )
    return list(db.session.scalars(statement))


def completions_of(person_id: int) -> Sequence[Completion]:
    """What a person finished, the latest first, with enrolment and course loaded."""
    statement = (
        select(Completion)
        .join(Completion.enrolment)
        .options(joinedload(Completion.enrolment).joinedload(Enrolment.course))
        .where(Enrolment.person_id == person_id)
        .order_by(Completion.completed_on.desc(), Completion.id)
    )
    return list(db.session.scalars(statement))


def has_completed(
    person_id: int, kind: CourseKind | str, *, minimum_grade: Decimal | None = None, on: date | None = None
) -> bool:
    """Whether the person finished a course of this kind by that day (ever, when None), with at least that grade.

    A course without grades does not satisfy a minimum grade.
    """
    statement = (
        select(Completion.id)
        .join(Completion.enrolment)
        .join(Enrolment.course)
        .where(Enrolment.person_id == person_id, Course.kind == CourseKind(kind))
    )
    if on is not None:
        statement = statement.where(Completion.completed_on <= on)
    if minimum_grade is not None:
        statement = statement.where(Completion.grade >= minimum_grade)
    return db.session.scalar(statement.order_by(Completion.id).limit(1)) is not None
