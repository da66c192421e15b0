"""The shapes of what is asked about courses."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, Field, RadioField, TextAreaField
from wtforms.validators import InputRequired, ValidationError

from grants.people.fields import DAY_FORMATS, at_most, choice, named, needed, readable, text
from grants.people.queries import provinces
from grants.training.models import CourseKind
from grants.training.services import CourseFacts, Finish
from grants.training.words import KIND_NAMES

CODE = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
GRADE = re.compile(r"[0-9]{1,3}([.,][0-9]{1,2})?")
ROW = re.compile(r"done-([0-9]{1,9})")
MOST_ROWS = 200


def _provinces() -> list[tuple[str, str]]:
    return [(province.code, province.name) for province in provinces()]


class CourseForm(FlaskForm):
    """A new course."""

    code = text(_("Code"), needed(), most=20, description=_("Short, for example EMP-IBA-1."))
    name = text(_("Name"), needed(), most=160)
    kind = RadioField(_("What it teaches"), [InputRequired(_("Choose one."))], choices=named(KIND_NAMES))
    province_code = choice(_("Province"), _provinces)
    starts_on = DateField(_("First day"), [needed()], format=DAY_FORMATS)
    ends_on = DateField(_("Last day"), [needed()], format=DAY_FORMATS)
    has_grade = BooleanField(_("It ends with a grade from 0 to 100"))

    def validate_code(self, field: Field) -> None:
        if not CODE.fullmatch(field.data):
            raise ValidationError(_("Use letters without accents, digits, points and hyphens."))

    def facts(self) -> CourseFacts:
        starts_on, ends_on = self.starts_on.data, self.ends_on.data
        assert starts_on  # noqa: S101 -- validated
        assert ends_on  # noqa: S101 -- validated
        return CourseFacts(
            code=self.code.data or "",
            name=self.name.data or "",
            kind=CourseKind(self.kind.data),
            province_code=self.province_code.data,
            starts_on=starts_on,
            ends_on=ends_on,
            has_grade=self.has_grade.data,
        )


class EnrolForm(FlaskForm):
    """Folios, pasted or typed."""

    folios = TextAreaField(_("Folios"), [needed(), at_most(8000), readable],
                           description=_("One per line, or separated by commas."))  # fmt: skip

    def typed(self) -> list[str]:
        """What stands between line breaks, commas and semicolons."""
        return [part.strip()[:40] for part in re.split(r"[\n\r,;\t]+", self.folios.data or "") if part.strip()]


@dataclass(frozen=True, slots=True)
class TypedGrade:
    """One ticked row: the grade as typed, and what is wrong with its shape."""

    grade: str
    problem: Any = None


class CompletionForm(FlaskForm):
    """Who finished, on one day. The rows are `done-ID` ticks and `grade-ID` boxes, one for each enrolment."""

    completed_on = DateField(_("Day on which they finished"), [needed()], format=DAY_FORMATS)

    def rows(self, sent: Mapping[str, str]) -> tuple[list[Finish], dict[int, TypedGrade]]:
        """The rows that can be recorded, and all ticked rows as typed, by enrolment."""
        finishes, typed = [], {}
        for name in list(sent)[:MOST_ROWS]:
            if not (found := ROW.fullmatch(name)):
                continue
            enrolment_id = int(found[1])
            written = sent.get(f"grade-{enrolment_id}", "").strip()[:20]
            if written and not GRADE.fullmatch(written):
                typed[enrolment_id] = TypedGrade(written, _("Write the grade as a number from 0 to 100."))
                continue
            typed[enrolment_id] = TypedGrade(written)
            finishes.append(Finish(enrolment_id, Decimal(written.replace(",", ".")) if written else None))
        return finishes, typed
