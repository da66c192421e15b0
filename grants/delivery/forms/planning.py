"""The shape of what is sent about many deliveries at once."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import RadioField, SelectField
from wtforms.validators import InputRequired

from grants.access.forms import MultiCheckboxField
from grants.calls.models import Call
from grants.delivery.forms.handling import StampForm

ALL, GOOD = "all", "good"


class ApproveForm(FlaskForm):
    """Which deliveries to sign. What was signed by others meanwhile is told in its own row, so any id may be sent."""

    chosen = MultiCheckboxField(
        _("Deliveries"), coerce=int, validate_choice=False,
        validators=[InputRequired(_("Choose at least one delivery."))],
    )  # fmt: skip


class CallForm(FlaskForm):
    call = SelectField(_("Call"), coerce=int)

    def offer(self, calls: Sequence[Call]) -> "CallForm":
        """Let these calls be chosen."""
        self.call.choices = [(call.id, f"{call.code} · {call.name}") for call in calls]
        return self


class SheetForm(CallForm):
    """A spreadsheet for a whole call."""

    file = FileField(
        _("Spreadsheet"), [FileRequired(_("Choose a file."))],
        description=_("The filled-in template, as XLSX or CSV, with at most 5,000 rows."),
    )  # fmt: skip


class ApplyForm(StampForm):
    which = RadioField(
        _("What to apply"),
        choices=[
            (ALL, _("All rows, and nothing if one of them is refused")),
            (GOOD, _("Only the rows without a mistake")),
        ],
        validators=[InputRequired(_("Choose one."))],
    )
