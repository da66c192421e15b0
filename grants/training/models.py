"""Courses, who enrolled, who completed and with which grade."""

from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from sqlalchemy import CheckConstraint, ForeignKey, Numeric, String, UniqueConstraint
from sqlalchemy.orm import Mapped, mapped_column, relationship

from grants.core.db import Model, state_column
from grants.people.models import Person, Province


class CourseKind(StrEnum):
    ENTREPRENEURSHIP = "entrepreneurship"
    DIGITAL = "digital"
    FINANCIAL_EDUCATION = "financial_education"


class Course(Model):
    """A course held in one province. Completion decides; a grade is recorded beside it where there is one."""

    __tablename__ = "course"
    __table_args__ = (CheckConstraint("ends_on >= starts_on", name="ends_after_start"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    code: Mapped[str] = mapped_column(String(20), unique=True)
    name: Mapped[str] = mapped_column(String(160))
    kind: Mapped[CourseKind] = mapped_column(state_column(CourseKind), index=True)
    province_code: Mapped[str] = mapped_column(ForeignKey("province.code"))
    province: Mapped[Province] = relationship()
    starts_on: Mapped[date]
    ends_on: Mapped[date]
    has_grade: Mapped[bool] = mapped_column(default=False)
    created_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    created_at: Mapped[datetime]


class Enrolment(Model):
    """A person in a course."""

    __tablename__ = "enrolment"
    __table_args__ = (UniqueConstraint("course_id", "person_id"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    course_id: Mapped[int] = mapped_column(ForeignKey("course.id"))
    course: Mapped[Course] = relationship()
    person_id: Mapped[int] = mapped_column(ForeignKey("person.id"), index=True)
    person: Mapped[Person] = relationship()
    enrolled_at: Mapped[datetime]
    enrolled_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    completion: Mapped["Completion | None"] = relationship(back_populates="enrolment")


class Completion(Model):
    """That a person finished, on which day, with which grade (0–100 %) if the course has one."""

    __tablename__ = "completion"
    __table_args__ = (CheckConstraint("grade IS NULL OR (grade >= 0 AND grade <= 100)", name="grade"),)

    id: Mapped[int] = mapped_column(primary_key=True)
    enrolment_id: Mapped[int] = mapped_column(ForeignKey("enrolment.id"), unique=True)
    enrolment: Mapped[Enrolment] = relationship(back_populates="completion")
    completed_on: Mapped[date] = mapped_column(index=True)
    grade: Mapped[Decimal | None] = mapped_column(Numeric(5, 2))
    recorded_by_id: Mapped[int] = mapped_column(ForeignKey("user.id"))
    recorded_at: Mapped[datetime]
