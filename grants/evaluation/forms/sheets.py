"""Shapes of what evaluators enter."""

import re
from collections.abc import Sequence
from secrets import token_urlsafe
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, RadioField
from wtforms.validators import Optional, Regexp

from grants.calls.models import Criterion
from grants.evaluation.forms.fields import comment_field, reason_field
from grants.evaluation.models import ScoreSheet
from grants.evaluation.services import Entries, Stamp
from grants.evaluation.services.sheets import says_why

# version.saves.turn.window, short enough for the columns that keep them.
STAMP = r"([0-9]{1,6})\.([0-9]{1,9})\.([0-9]{1,9})\.([A-Za-z0-9_-]{1,24})"


class SheetForm(FlaskForm):
    """A sheet: for each criterion a level and a comment. Made for its rubric by `sheet_form`."""

    criteria: Sequence[Criterion] = ()
    stamp = HiddenField(
        validators=[Optional(), Regexp(STAMP + r"\Z", message=_("This page is out of date. Reload it."))]
    )
    comment = comment_field(_("Comment on the whole"))

    def level_of(self, criterion: Criterion) -> Any:
        return self[f"level_{criterion.id}"]

    def comment_of(self, criterion: Criterion) -> Any:
        return self[f"comment_{criterion.id}"]

    def given_levels(self) -> dict[int, int]:
        """The levels chosen so far by criterion id; what is not in the rubric is left out."""
        chosen = {c.id: self.level_of(c).data for c in self.criteria}
        return {c.id: level.value for c in self.criteria for level in c.levels if str(level.value) == chosen[c.id]}

    def entries(self) -> Entries:
        """What was entered; criteria without a level are left out."""
        levels = {c.id: int(self.level_of(c).data) for c in self.criteria if self.level_of(c).data}
        comments = {c.id: self.comment_of(c).data or "" for c in self.criteria if self.comment_of(c).data}
        return Entries(levels, comments, self.comment.data or "")

    def mark_missing(self) -> bool:
        """Write beside each criterion what it lacks: its level, or the reason for an extreme one; whether any does."""
        missing = [c for c in self.criteria if not self.level_of(c).data]
        for criterion in missing:
            self.level_of(criterion).errors = [_("Choose a level: this score is missing.")]
        bare = [c for c in self.criteria if self.needs_comment(c) and not says_why(self.comment_of(c).data or "")]
        for criterion in bare:
            self.comment_of(criterion).errors = [_("Write why it deserves the lowest or the highest level.")]
        if missing:
            sentence = _("Scores are missing. What you entered is saved as a draft; complete it, then submit.")
            self.form_errors.append(sentence)
        elif bare:
            sentence = _("Comments are missing. What you entered is saved as a draft; complete it, then submit.")
            self.form_errors.append(sentence)
        return bool(missing or bare)

    def needs_comment(self, criterion: Criterion) -> bool:
        """Whether the level entered is the lowest or the highest."""
        level = self.level_of(criterion).data
        return bool(level) and int(level) in criterion.extremes

    def read_stamp(self) -> Stamp | None:
        """Which state of the sheet the page was read in; None from a sender that does not say."""
        found = re.fullmatch(STAMP, self.stamp.data or "")
        if found is None:
            return None
        version, saves, turn, window = found.groups()
        return Stamp(int(version), int(saves), window, int(turn))

    def restamp(self, sheet: ScoreSheet | None) -> None:
        """What is sent from here on was read in this state of the sheet."""
        sent = self.read_stamp()
        window, turn = (sent.window, sent.turn) if sent else ("", 0)
        version, saves = (sheet.version, sheet.saves) if sheet else (1, 0)
        self.stamp.data = f"{version}.{saves}.{turn + 1}.{window or token_urlsafe(12)}"


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
    if not form.stamp.data:
        form.restamp(sheet)
    return form


class ConflictForm(FlaskForm):
    conflict_reason = reason_field(
        _("Why you should not judge this application"), _("Write the reason in a few words.")
    )


class AmendmentForm(FlaskForm):
    amendment_reason = reason_field(_("Why the sheet changes"), _("Write why the sheet changes."))
