"""The shape of what the security desk types, and of an officer's practice."""

from datetime import date

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, Field, SelectField
from wtforms.validators import InputRequired, NumberRange, ValidationError

from grants.calls.forms import WholeNumberField
from grants.delivery.forms.handling import OnceForm
from grants.delivery.models import STOP_ANSWER_NAMES, StopAnswer

FIRST_YEAR, LAST_YEAR = 2000, 2100
MOST_OFFICERS = 500


class StopAnswerForm(FlaskForm):
    """Which of two buttons was pressed."""

    answer = SelectField(choices=[(answer.value, name) for answer, name in STOP_ANSWER_NAMES.items()])

    @property
    def chosen(self) -> StopAnswer:
        return StopAnswer(self.answer.data)


class DrillForm(OnceForm):
    officers = WholeNumberField(
        _("How many officers are drawn by lot"),
        [InputRequired(_("Write how many officers practise.")), NumberRange(1, MOST_OFFICERS)],
    )
    due_on = DateField(_("Last day to practise"), [InputRequired(_("Choose the day."))])

    @property
    def day(self) -> date:
        """After validation."""
        return self.due_on.data or date.min

    def validate_due_on(self, field: Field) -> None:
        if field.data is None or not FIRST_YEAR <= field.data.year <= LAST_YEAR:
            raise ValidationError(_("Choose the day."))
