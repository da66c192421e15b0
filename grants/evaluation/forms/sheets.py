"""Shapes of what evaluators enter."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.validators import Optional

from grants.calls.models import Criterion
from grants.evaluation.forms.fields import comment_field, reason_field
from grants.evaluation.models import ScoreSheet
from grants.evaluation.services import Entries


class SheetForm(FlaskForm):
    """A sheet: for each criterion a level and a comment. Made for its rubric by `sheet_form`."""

    criteria: Sequence[Criterion] = ()
    comment = comment_field(_("Comment on the whole"))

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
        fields[f"comment_{criterion.id}"] = comment_field(_("Comment"))
    for score in sheet.scores if sheet else []:
        data[f"level_{score.criterion_id}"] = None if score.level is None else str(score.level)
        data[f"comment_{score.criterion_id}"] = score.comment
    form: SheetForm = type("RubricSheetForm", (SheetForm,), fields)(data=data)
    return form


class ConflictForm(FlaskForm):
    conflict_reason = reason_field(
        _("Why you should not judge this application"), _("Write the reason in a few words.")
    )


class AmendmentForm(FlaskForm):
    amendment_reason = reason_field(_("Why the sheet changes"), _("Write why the sheet changes."))
