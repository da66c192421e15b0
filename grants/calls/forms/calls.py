"""The shape of programmes, calls and rubrics; fields that read what people type strictly."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, Field, FieldList, Form, FormField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange, Optional, ValidationError
from wtforms.widgets import DateTimeLocalInput, Input, TextInput

from grants.calls.models import (
    CALIBRATION_NAMES,
    COURSE_KIND_NAMES,
    EXTENSION_REASON_NAMES,
    KIND_NAMES,
    STAGE_NAMES,
    Calibration,
    Call,
    CallKind,
    ExtensionReason,
    Programme,
    Rubric,
    Stage,
)
from grants.calls.services import CallFields, CriterionFields, ProgrammeFields
from grants.core.clock import PROGRAMME_ZONE
from grants.training.models import CourseKind

LEVELS = 6
MOST_CRITERIA = 20
CODE = re.compile(r"[A-Z0-9][A-Z0-9-]{1,19}")
BIGGEST_USD = Decimal("999999999.99")


def clean(text: Any) -> Any:
    """Typed text without blanks around it and with one kind of line end."""
    return text.strip().replace("\r\n", "\n") if isinstance(text, str) else text


def printable(_form: Any, field: Field) -> None:
    """Refuse characters that no keyboard writes: they break databases and documents."""
    if any(ord(letter) < 32 and letter not in "\n\t" for letter in field.data or ""):
        raise ValidationError(_("There are characters here that cannot be stored. Type the text again."))


def within(most: int) -> Length:
    return Length(max=most, message=_("Write at most %(max)d characters."))


needed = DataRequired(_("Fill this in."))
given = InputRequired(_("Fill this in."))


def line(label: Any, most: int, *validators: Any, **kwargs: Any) -> StringField:
    return StringField(label, [*validators, within(most), printable], filters=[clean], **kwargs)


def text(label: Any, most: int, *validators: Any, **kwargs: Any) -> TextAreaField:
    return TextAreaField(label, [*validators, within(most), printable], filters=[clean], **kwargs)


class StrictField(Field):
    """A value with one plain way to write it. What does not parse stays on the page, with a sentence beside it."""

    widget: Input = TextInput()
    pattern = re.compile("")
    complaint: Any = ""

    def _value(self) -> str:
        return self.raw_data[0] if self.raw_data else self.written(self.data)

    def process_formdata(self, valuelist: list[Any]) -> None:
        typed = valuelist[0].strip() if valuelist else ""
        self.data = None
        if not typed:
            self.raw_data = []  # blanks are nothing: a field that is needed must say so
            return
        if not self.pattern.fullmatch(typed) or not typed.isascii():
            raise ValueError(self.complaint)
        self.data = self.read(typed)

    def read(self, typed: str) -> Any:
        raise NotImplementedError

    def written(self, value: Any) -> str:
        return "" if value is None else str(value)


class UsdField(StrictField):
    """An amount in US dollars with at most two decimals, after a point or a comma."""

    widget = TextInput()
    pattern = re.compile(r"\d{1,9}([.,]\d{1,2})?")
    complaint = _("Write an amount in dollars such as 12.50, without thousands separators.")

    def read(self, typed: str) -> Decimal:
        return Decimal(typed.replace(",", ".")).quantize(Decimal("0.01"))


class PercentField(StrictField):
    """A percentage from 0 to 100 with at most two decimals."""

    pattern = re.compile(r"(100([.,]0{1,2})?|\d{1,2}([.,]\d{1,2})?)")
    complaint = _("Write a percentage from 0 to 100, such as 25 or 12.5.")

    def read(self, typed: str) -> Decimal:
        return Decimal(typed.replace(",", "."))

    def written(self, value: Any) -> str:
        return "" if value is None else format(value.normalize(), "f")


class WholeNumberField(StrictField):
    """A whole number of at most six digits."""

    pattern = re.compile(r"\d{1,6}")
    complaint = _("Write a whole number such as 12.")

    def read(self, typed: str) -> int:
        return int(typed)


class LocalMomentField(StrictField):
    """A day and time as on the clock where the programme works."""

    widget = DateTimeLocalInput()
    pattern = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d)?")
    complaint = _("Write a day and a time.")

    def read(self, typed: str) -> datetime:
        try:
            moment = datetime.fromisoformat(typed).replace(tzinfo=PROGRAMME_ZONE)
        except ValueError as error:
            raise ValueError(self.complaint) from error
        if not 2000 <= moment.year <= 2100:
            raise ValueError(self.complaint)
        return moment

    def written(self, value: Any) -> str:
        return "" if value is None else value.astimezone(PROGRAMME_ZONE).strftime("%Y-%m-%dT%H:%M")


class CodeField(StringField):
    """A short public name in capitals, digits and hyphens."""

    def process_formdata(self, valuelist: list[Any]) -> None:
        super().process_formdata(valuelist)
        self.data = (self.data or "").strip().upper()

    def pre_validate(self, form: Any) -> None:
        if self.data and not CODE.fullmatch(self.data):
            raise ValidationError(_("Use 2 to 20 capital letters, digits and hyphens, such as CAP-2024."))


def _years(_form: Any, field: Field) -> None:
    if field.data is not None and not date(1990, 1, 1) <= field.data <= date(2100, 12, 31):
        raise ValidationError(_("Check the year."))


class ProgrammeForm(FlaskForm):
    code = CodeField(_("Code"), [needed])
    name = line(_("Name"), 300, needed)
    starts_on = DateField(_("Starts on"), [needed, _years])
    ends_on = DateField(_("Ends on"), [needed, _years])

    @property
    def fields(self) -> ProgrammeFields:
        names = ProgrammeFields.__dataclass_fields__
        return ProgrammeFields(**{name: self._fields[name].data for name in names})


class CallForm(FlaskForm):
    programme_id = SelectField(_("Programme"), coerce=int)
    code = CodeField(_("Code"), [needed], description=_("People see it: short, such as CAP-2024."))
    name = line(_("Name"), 160, needed)
    description = text(_("Description"), 4000)
    kind = SelectField(_("What is given"), choices=list(KIND_NAMES.items()), coerce=CallKind)
    opens_at = LocalMomentField(_("Opens"), [given], description=_("Ecuador time (Guayaquil)."))
    closes_at = LocalMomentField(_("Closes"), [given], description=_("Ecuador time (Guayaquil)."))
    places = WholeNumberField(_("Places"), [given, NumberRange(1, 100000, _("There must be at least one place."))])
    value_per_award_usd = UsdField(_("Value of each award (USD)"),
                                   [given, NumberRange(Decimal("0.01"), BIGGEST_USD, _("Write an amount above 0."))],
                                   default=Decimal("700.00"))  # fmt: skip
    budget_usd = UsdField(_("Budget (USD)"), [given])
    plan_weight = PercentField(_("Weight of the business plan (%)"), [given], default=Decimal(60))
    pitch_weight = PercentField(_("Weight of the pitch (%)"), [given], default=Decimal(40))
    reviews_per_application = WholeNumberField(
        _("Evaluators for each application"), [given, NumberRange(1, 10, _("Choose from 1 to 10."))], default=2
    )
    calibration = SelectField(
        _("Correction for strict and lenient evaluators"),
        choices=list(CALIBRATION_NAMES.items()),
        coerce=Calibration,
        default=Calibration.ADVISORY,
    )
    required_course = SelectField(
        _("Course that must be completed"),
        choices=[("", _("None")), *COURSE_KIND_NAMES.items()],
        coerce=lambda value: CourseKind(value) if value else None,
        validators=[Optional(strip_whitespace=False)],
    )
    minimum_grade = PercentField(_("Minimum grade (%)"), [Optional()],
                                 description=_("Leave it empty if completing the course is enough."))  # fmt: skip

    def offer(self, programmes: Any) -> None:
        """Set the programmes to choose from."""
        rows: list[Programme] = list(programmes)
        self.programme_id.choices = [(row.id, f"{row.code} · {row.name}") for row in rows]

    @property
    def fields(self) -> CallFields:
        names = CallFields.__dataclass_fields__
        return CallFields(**{name: self._fields[name].data for name in names})


class CriterionForm(Form):
    stage = SelectField(_("Stage"), choices=list(STAGE_NAMES.items()), coerce=Stage, default=Stage.PLAN)
    name = line(_("Criterion"), 120, needed)
    description = line(_("What to look at"), 1000)
    weight = PercentField(_("Weight within its stage (%)"),
                          [given, NumberRange(Decimal("0.01"), 100, _("Write a percentage above 0."))])  # fmt: skip
    levels = FieldList(line(_("Level"), 400), min_entries=LEVELS, max_entries=LEVELS)
    removed = BooleanField(_("Remove this criterion"))

    @property
    def is_blank(self) -> bool:
        written = [self.name.data, self.description.data, *(level.data for level in self.levels)]
        return bool(self.removed.data) or not (any(written) or (self.weight.raw_data and self.weight.raw_data[0]))

    @property
    def fields(self) -> CriterionFields:
        descriptors = [level.data or "" for level in self.levels]
        while descriptors and not descriptors[-1]:
            descriptors.pop()
        return CriterionFields(
            self.stage.data, self.name.data or "", self.description.data or "", self.weight.data, tuple(descriptors)
        )


class RubricForm(FlaskForm):
    criteria = FieldList(FormField(CriterionForm), min_entries=1, max_entries=2 * MOST_CRITERIA)
    reason = line(_("Why the rubric changes"), 300)

    @classmethod
    def of(cls, rubric: Rubric | None) -> "RubricForm":
        """A form that shows a rubric as stored, with room for one more criterion."""
        shown = [_as_shown(criterion) for criterion in rubric.criteria] if rubric else []
        form = cls(data={"criteria": shown}) if shown else cls()
        form.add_row(3 if not shown else 1)
        return form

    def add_row(self, count: int = 1) -> None:
        """Blank rows at the end, as far as a rubric may grow."""
        for _number in range(min(count, MOST_CRITERIA - len(self.criteria.entries))):
            self.criteria.append_entry()

    def validate(self, extra_validators: Any = None) -> bool:
        # A row that is to go, or that nobody wrote in, need not be right.
        self.criteria.entries = [entry for entry in self.criteria.entries if not entry.form.is_blank]
        right = bool(super().validate(extra_validators))
        if len(self.criteria.entries) > MOST_CRITERIA:
            self.form_errors.append(_("Use at most %(most)d criteria.", most=MOST_CRITERIA))
        return right and len(self.criteria.entries) <= MOST_CRITERIA

    @property
    def fields(self) -> list[CriterionFields]:
        return [entry.form.fields for entry in self.criteria.entries]


def _as_shown(criterion: Any) -> dict[str, Any]:
    levels = [level.descriptor for level in criterion.levels]
    return {
        "stage": criterion.stage,
        "name": criterion.name,
        "description": criterion.description,
        "weight": criterion.weight,
        "levels": levels + [""] * (LEVELS - len(levels)),
    }


class ExtendForm(FlaskForm):
    closes_at = LocalMomentField(_("New closing time"), [given], description=_("Ecuador time (Guayaquil)."))
    reason = SelectField(_("Why more time is given"), choices=list(EXTENSION_REASON_NAMES.items()),
                         coerce=ExtensionReason)  # fmt: skip

    @classmethod
    def of(cls, call: Call) -> "ExtendForm":
        return cls(data={"closes_at": call.closes_at})
