"""Shapes of what is entered about a call's panel, and of answers about conflicts."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import SelectField, SelectMultipleField, StringField
from wtforms.validators import Length, NumberRange, Optional
from wtforms.widgets import CheckboxInput, ListWidget

from grants.access.models import User
from grants.applications.models import Application
from grants.calls.forms import WholeNumberField
from grants.evaluation.forms.fields import optional_note, plain_text, reason_field, strip
from grants.evaluation.models import Panelist
from grants.evaluation.services import SeatFields
from grants.people.queries import canton_choices
from grants.people.words import SPOKEN_LANGUAGES

LOAD = NumberRange(0, 10_000, message=_("Write a number from 0 to 10,000."))


def _line(label: Any, most: int, **kwargs: Any) -> StringField:
    too_long = Length(max=most, message=_("Write at most %(max)d characters."))
    return StringField(label, filters=[strip], validators=[Optional(), too_long, plain_text], **kwargs)


class SeatForm(FlaskForm):
    panel = _line(_("Panel"), 40, description=_("The group they were drawn from. Empty while the call has one group."))
    languages = SelectMultipleField(
        _("Languages they read"),
        choices=list(SPOKEN_LANGUAGES.items()),
        option_widget=CheckboxInput(),
        widget=ListWidget(prefix_label=False),
        description=_("None marked: any language."),
    )
    canton_code = SelectField(
        _("Canton where they live"),
        choices=lambda: {"": [("", _("Not known"))], **canton_choices()},
        description=_("They do not read applications of people from their own province."),
    )
    organisation = _line(_("Organisation"), 120)
    load_min = WholeNumberField(_("Fewest sheets per stage"), validators=[Optional(), LOAD])
    load_max = WholeNumberField(
        _("Most sheets per stage"), validators=[Optional(), LOAD], description=_("Empty: no limit.")
    )

    def fields(self) -> SeatFields:
        return SeatFields(
            panel=self.panel.data or "",
            languages=" ".join(sorted(self.languages.data or [])),
            canton_code=self.canton_code.data or None,
            organisation=self.organisation.data or "",
            load_min=self.load_min.data or 0,
            load_max=self.load_max.data,
        )


def seat_form(seat: Panelist | None, **options: Any) -> SeatForm:
    """The form, filled with what is known of the evaluator."""
    if seat is None:
        return SeatForm(**options)
    known = {name: getattr(seat, name) for name in ("panel", "organisation", "load_min", "load_max")}
    return SeatForm(data={**known, "languages": sorted(seat.spoken), "canton_code": seat.canton_code or ""}, **options)


class StopForm(FlaskForm):
    note = optional_note(_("Why they stop, in your words"))


class AddForm(FlaskForm):
    evaluator = SelectField(_("Evaluator"), coerce=int)

    def offer(self, evaluators: Sequence[User]) -> "AddForm":
        """Let these people be chosen."""
        self.evaluator.choices = [(user.id, user.name) for user in evaluators]
        return self


class CallConflictForm(FlaskForm):
    conflict_reason = reason_field(_("Why you cannot judge in this call"), _("Write the reason in a few words."))


class AnswersForm(FlaskForm):
    """Which of the applications that were shown are a conflict. `shown` are their folios, so that none slips in."""

    shown = SelectMultipleField(validate_choice=False)
    conflicts = SelectMultipleField(validate_choice=False)
    reason = optional_note(_("Why you should not judge those you marked"))

    def picked(self, page: Sequence[Application]) -> tuple[set[int], set[int]]:
        """Ids of the applications shown and of those marked, among these."""
        shown, marked = set(self.shown.data or []), set(self.conflicts.data or [])
        return {a.id for a in page if a.folio in shown}, {a.id for a in page if a.folio in shown & marked}
