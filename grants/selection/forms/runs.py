"""Shapes of what is entered about selections and awards."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField, StringField
from wtforms.validators import DataRequired, Length

from grants.evaluation.forms import plain_text, strip
from grants.selection.models import AwardState


class StepForm(FlaskForm):
    """A step without fields; what stands in its way is shown above it."""


class EndForm(FlaskForm):
    state = RadioField(
        _("What happened"),
        choices=[
            (AwardState.DECLINED.value, _("The person declines the award")),
            (AwardState.WITHDRAWN.value, _("The programme withdraws the award")),
        ],
        validators=[DataRequired(message=_("Choose what happened."))],
    )
    reason = StringField(
        _("Reason"),
        description=_("A few words for the record, without names or places."),
        filters=[strip],
        validators=[
            DataRequired(message=_("Write the reason in a few words.")),
            Length(max=300, message=_("Write at most 300 characters.")),
            plain_text,
        ],
    )
