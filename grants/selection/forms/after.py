"""What is entered after a selection: the release of letters, a folio with its code, an appeal and its decision."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import HiddenField, IntegerField, RadioField, SelectMultipleField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange
from wtforms.widgets import CheckboxInput, ListWidget

from grants.access.models import User
from grants.evaluation.forms import plain_text, strip
from grants.selection.models import AppealOutcome

OUTCOME_NAMES = {
    AppealOutcome.UPHELD: _("Upheld: the applicant is right"),
    AppealOutcome.PARTLY: _("Partly upheld"),
    AppealOutcome.REJECTED: _("Rejected: the result stays"),
}
TEXT_LENGTH = 4000
TOO_LONG = _("Write at most 4,000 characters.")


class DaysField(IntegerField):
    """A number of days, from 1 to 60."""

    def __init__(self, label: Any, **kwargs: Any) -> None:
        sentence = _("Give between 1 and 60 days.")
        checks = [InputRequired(message=sentence), NumberRange(1, 60, message=sentence)]
        super().__init__(label, validators=checks, **kwargs)

    def process_formdata(self, valuelist: list[str]) -> None:
        """Digits only: a sentence for anything else."""
        typed = valuelist[0].strip() if valuelist else ""
        self.data = int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 4 else None
        if self.data is None:
            raise ValueError(_("Give between 1 and 60 days."))


class ReleaseForm(FlaskForm):
    appeal_days = DaysField(
        _("Days to appeal"), description=_("Counted from today; the last one ends at midnight in Ecuador.")
    )
    decision_days = DaysField(_("Days to answer an appeal"), description=_("Counted from the day it arrives."))


class CodeForm(FlaskForm):
    folio = StringField(
        _("Folio of the application"),
        description=_("It begins with A and stands on your receipt."),
        validators=[
            DataRequired(message=_("Write the folio.")),
            Length(max=40, message=_("A folio has 11 characters.")),
            plain_text,
        ],
    )
    code = StringField(
        _("One-time code"),
        description=_("Twelve letters and digits, in three groups."),
        validators=[
            DataRequired(message=_("Write the code.")),
            Length(max=40, message=_("A code has 12 characters.")),
            plain_text,
        ],
    )


def _long_text(label: Any, missing: Any, hint: Any) -> TextAreaField:
    checks = [DataRequired(message=missing), Length(max=TEXT_LENGTH, message=TOO_LONG), plain_text]
    return TextAreaField(label, description=hint, filters=[strip], validators=checks)


class AppealForm(FlaskForm):
    text = _long_text(
        _("What do you think is wrong?"),
        _("Write what you think is wrong, in your own words."),
        _("In your own words. You may name a criterion, a comment or something that was overlooked."),
    )


class PanelForm(FlaskForm):
    people = SelectMultipleField(
        _("Who hears this appeal"),
        description=_("Two or three. Only people without a part in this application and its result are listed."),
        coerce=int,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
    )

    def __init__(self, candidates: Sequence[User], *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.people.flags.required = True
        self.people.choices = [(one.id, one.name) for one in candidates]
        self._candidates = {one.id: one for one in candidates}

    @property
    def chosen(self) -> list[User]:
        return [self._candidates[number] for number in self.people.data or () if number in self._candidates]


class DecisionForm(FlaskForm):
    outcome = RadioField(
        _("Decision"),
        choices=[(outcome.value, name) for outcome, name in OUTCOME_NAMES.items()],
        validators=[DataRequired(message=_("Choose the decision."))],
    )
    answer = _long_text(
        _("The reason, for the applicant"),
        _("Write the reason in words that the applicant understands."),
        _("Plain words, without names of other people. The applicant reads exactly this."),
    )


class ConfirmForm(FlaskForm):
    proposal = HiddenField()

    @property
    def number(self) -> int:
        """Which proposal was read; 0 when the page was changed."""
        typed = str(self.proposal.data or "")
        return int(typed) if typed.isascii() and typed.isdigit() and len(typed) <= 9 else 0
