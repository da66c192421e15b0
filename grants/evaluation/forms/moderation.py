"""Shapes of what is entered about quality and moderation."""

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import IntegerField, RadioField, SelectField, TextAreaField
from wtforms.validators import DataRequired, Length, NumberRange, Optional

from grants.calls.models import Stage
from grants.evaluation.forms.fields import COMMENT_LENGTH, STAGE_NAMES, plain_text, strip
from grants.evaluation.models import OUTCOME_NAMES
from grants.evaluation.quality import DIMENSIONS, DISCREPANT

DIMENSION_NAMES = {
    "sex": _("Women against all others"),
    "population_group": _("Population group"),
    "disability": _("People with a disability against all others"),
    "single_carer": _("Single carers against all others"),
    "province": _("Province"),
}
SORTS = {"apart": _("Widest spread first"), "mean": _("Highest points first"), "folio": _("By folio")}


class QualityForm(FlaskForm):
    """What the board shows, from the address. Anything strange falls back to the first choice, with a sentence."""

    class Meta:
        csrf = False

    stage = SelectField(_("Stage"), validators=[DataRequired()])
    group = SelectField(
        _("Compare groups by"),
        choices=[(key, DIMENSION_NAMES[key]) for key in DIMENSIONS],
        default=DIMENSIONS[0],
        validators=[DataRequired()],
    )
    sort = SelectField(
        _("Order of applications"), choices=list(SORTS.items()), default="apart", validators=[DataRequired()]
    )
    apart = IntegerField(
        _("Mark sheets that lie this many points apart"),
        default=DISCREPANT,
        validators=[
            Optional(),
            NumberRange(1, 100, message=_("Write a whole number from 1 to 100.")),
        ],
    )
    show = SelectField(
        _("Applications"),
        choices=[("all", _("All")), ("discrepant", _("Only the marked ones"))],
        default="all",
        validators=[DataRequired()],
    )

    def offer(self, stages: tuple[Stage, ...]) -> "QualityForm":
        """Let these stages be chosen; what was not asked for, or not understood, becomes the first choice."""
        self.stage.choices = [(stage.value, STAGE_NAMES[stage]) for stage in stages]
        known = {
            self.stage: [stage.value for stage in stages],
            self.group: list(DIMENSIONS),
            self.sort: list(SORTS),
            self.show: ["all", "discrepant"],
        }
        for field, values in known.items():
            if field.data not in values:
                field.data = values[0]
        if self.apart.data is None and not self.apart.raw_data:
            self.apart.data = DISCREPANT
        return self

    @property
    def apart_points(self) -> int:
        """The threshold asked for, where it is one."""
        return self.apart.data or DISCREPANT if self.validate() else DISCREPANT


class StageForm(FlaskForm):
    """Which stage a button is about."""

    stage = SelectField(
        _("Stage"),
        choices=[(stage.value, name) for stage, name in STAGE_NAMES.items()],
        validators=[DataRequired(message=_("Choose a stage."))],
    )


def long_reason(label: Any, missing: Any) -> TextAreaField:
    too_long = _("Write at most 2,000 characters.")
    checks = [DataRequired(message=missing), Length(max=COMMENT_LENGTH, message=too_long), plain_text]
    return TextAreaField(label, filters=[strip], validators=checks)


class DecisionForm(FlaskForm):
    outcome = RadioField(
        _("What the panel decided"),
        choices=[(outcome.value, name) for outcome, name in OUTCOME_NAMES.items()],
        validators=[DataRequired(message=_("Choose what the panel decided."))],
    )
    decision = long_reason(_("The decision and its reasons"), _("Write the decision and its reasons."))


class ReplyForm(FlaskForm):
    """The same reason serves to confirm and to amend; an amendment keeps it in the sheet's own history."""

    reason = TextAreaField(
        _("Why"),
        filters=[strip],
        validators=[
            DataRequired(message=_("Write why, in a few words.")),
            Length(max=300, message=_("Write at most 300 characters.")),
            plain_text,
        ],
    )
    answer = RadioField(
        _("Your answer"),
        choices=[
            ("confirmed", _("I stand by my sheet")),
            ("amended", _("I want to change my sheet: an amendment opens")),
        ],
        validators=[DataRequired(message=_("Choose an answer."))],
    )
