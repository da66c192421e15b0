"""Shapes of what evaluators and coordinators enter."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from flask_babel import format_decimal
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, Field, RadioField, SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from grants.access.models import User
from grants.calls.models import Criterion, Stage
from grants.evaluation.models import ScoreSheet
from grants.evaluation.services import Entries

STAGE_NAMES = {Stage.PLAN: _("Business plan"), Stage.PITCH: _("Pitch")}
COMMENT_LENGTH = 2000


def plain_text(_form: FlaskForm, field: Field) -> None:
    """Refuse characters that no database keeps: NUL and lone surrogates."""
    text = field.data or ""
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValidationError(_("This text holds a character that cannot be stored. Type it again."))


def two_decimals(value: Decimal) -> str:
    """Points as they are published: always with both decimals."""
    return str(format_decimal(value, "0.00"))


def strip(text: str | None) -> str | None:
    return text.strip() if text else text


def _comment(label: Any) -> TextAreaField:
    too_long = _("Write at most 2,000 characters.")
    checks = [Optional(), Length(max=COMMENT_LENGTH, message=too_long), plain_text]
    return TextAreaField(label, filters=[strip], validators=checks)


class SheetForm(FlaskForm):
    """A sheet: for each criterion a level and a comment. Made for its rubric by `sheet_form`."""

    criteria: Sequence[Criterion] = ()
    comment = _comment(_("Comment on the whole"))

    def level_of(self, criterion: Criterion) -> Any:
        return self[f"level_{criterion.id}"]

    def comment_of(self, criterion: Criterion) -> Any:
        return self[f"comment_{criterion.id}"]

    def entries(self) -> Entries:
        """What was entered; criteria without a level are left out."""
        levels = {c.id: int(self.level_of(c).data) for c in self.criteria if self.level_of(c).data}
        comments = {c.id: self.comment_of(c).data or "" for c in self.criteria if self.comment_of(c).data}
        return Entries(levels, comments, self.comment.data or "")

    def mark_missing(self) -> bool:
        """Write beside each criterion without a level that it is missing; whether there is one."""
        missing = [c for c in self.criteria if not self.level_of(c).data]
        for criterion in missing:
            self.level_of(criterion).errors = [_("Choose a level: this score is missing.")]
        if missing:
            sentence = _("Scores are missing. What you entered is saved as a draft; complete it, then submit.")
            self.form_errors.append(sentence)
        return bool(missing)


def sheet_form(criteria: Sequence[Criterion], sheet: ScoreSheet | None) -> SheetForm:
    """The form for these criteria, filled from the sheet."""
    fields: dict[str, Any] = {"criteria": criteria}
    data: dict[str, Any] = {"comment": sheet.comment if sheet else ""}
    for criterion in criteria:
        choices = [(str(level.value), level.descriptor) for level in criterion.levels]
        fields[f"level_{criterion.id}"] = RadioField(
            criterion.name, choices=choices, validators=[Optional(strip_whitespace=False)]
        )
        fields[f"comment_{criterion.id}"] = _comment(_("Comment"))
    for score in sheet.scores if sheet else []:
        data[f"level_{score.criterion_id}"] = None if score.level is None else str(score.level)
        data[f"comment_{score.criterion_id}"] = score.comment
    form: SheetForm = type("RubricSheetForm", (SheetForm,), fields)(data=data)
    return form


def _reason(label: Any, missing: Any) -> StringField:
    too_long = _("Write at most 300 characters.")
    checks = [DataRequired(message=missing), Length(max=300, message=too_long), plain_text]
    return StringField(label, filters=[strip], validators=checks)


class ConflictForm(FlaskForm):
    conflict_reason = _reason(_("Why you should not judge this application"), _("Write the reason in a few words."))


class AmendmentForm(FlaskForm):
    amendment_reason = _reason(_("Why the sheet changes"), _("Write why the sheet changes."))


class ProposalForm(FlaskForm):
    stage = SelectField(
        _("Stage"),
        choices=[(stage.value, name) for stage, name in STAGE_NAMES.items()],
        validators=[DataRequired(message=_("Choose a stage."))],
    )
    due_on = DateField(_("To be handed in by"), validators=[Optional()])


class AssignForm(ProposalForm):
    evaluator = SelectField(_("Evaluator"), coerce=int, validators=[DataRequired(message=_("Choose an evaluator."))])

    def offer(self, evaluators: Sequence[User]) -> "AssignForm":
        """Let these people be chosen."""
        self.evaluator.choices = [(user.id, user.name) for user in evaluators]
        return self
