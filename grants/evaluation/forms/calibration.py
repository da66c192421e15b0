"""The shape of a calibration set as the coordinator marks it."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, DateField, StringField
from wtforms.validators import DataRequired, Length, Optional

from grants.evaluation.forms.fields import plain_text


class CalibrationForm(FlaskForm):
    folios = StringField(
        _("Folios of the applications"),
        description=_("From two to five, with a space between them."),
        validators=[
            DataRequired(message=_("Write the folios of two to five applications.")),
            Length(max=200, message=_("Write at most 200 characters.")),
            plain_text,
        ],
    )
    due_on = DateField(_("To be handed in by"), validators=[Optional()])
    counts = BooleanField(
        _("Every sheet of the set counts for the official points"),
        description=_(
            "Otherwise the set is practice: only those count whom the assignment named as reviewers of the application."
        ),
    )

    def chosen(self) -> list[str]:
        """The folios as they are stored."""
        return (self.folios.data or "").replace(",", " ").upper().split()
