"""Shapes of what coordinators enter about assignments."""

from collections.abc import Sequence

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, SelectField
from wtforms.validators import DataRequired, Optional

from grants.access.models import User
from grants.evaluation.forms.fields import STAGE_NAMES


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
