"""Shapes of what coordinators enter about assignments."""

from collections.abc import Sequence
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import DateField, HiddenField, SelectField
from wtforms.validators import DataRequired, NumberRange, Optional

from grants.access.models import User
from grants.calls.forms import WholeNumberField
from grants.evaluation.forms.fields import STAGE_NAMES, optional_note
from grants.evaluation.models import CHANGE_REASON_NAMES, CHOSEN_BY_HAND, ChangeReason


class StageForm(FlaskForm):
    stage = SelectField(
        _("Stage"),
        choices=[(stage.value, name) for stage, name in STAGE_NAMES.items()],
        validators=[DataRequired(message=_("Choose a stage."))],
    )
    due_on = DateField(_("To be handed in by"), validators=[Optional()])


class ProposalForm(StageForm):
    """`digest` is empty until the chair confirms the proposal that was shown."""

    bridge = WholeNumberField(
        _("Applications read by two panels, in percent"),
        validators=[Optional(), NumberRange(0, 100, message=_("Write a percentage from 0 to 100."))],
        description=_("Only with two panels or more. Empty: a third, or a tenth from 1,000 applications."),
    )
    digest = HiddenField()

    def asked(self) -> dict[str, Any]:
        """What a proposal is asked for, as its address says it; what is empty is left out."""
        due_on = self.due_on.data
        entered = {
            "stage": self.stage.data,
            "due_on": due_on.isoformat() if due_on else None,
            "bridge": self.bridge.data,
        }
        return {name: value for name, value in entered.items() if value is not None}


class ChangeForm(FlaskForm):
    reason = SelectField(
        _("Reason"),
        choices=[("", _("Choose")), *((code.value, CHANGE_REASON_NAMES[code]) for code in CHOSEN_BY_HAND)],
        validators=[DataRequired(message=_("Choose a reason."))],
    )
    note = optional_note(_("In your words"))

    @property
    def code(self) -> ChangeReason:
        return ChangeReason(self.reason.data)


class AssignForm(StageForm, ChangeForm):
    evaluator = SelectField(_("Evaluator"), coerce=int, validators=[DataRequired(message=_("Choose an evaluator."))])

    def offer(self, evaluators: Sequence[User]) -> "AssignForm":
        """Let these people be chosen."""
        self.evaluator.choices = [(user.id, user.name) for user in evaluators]
        return self
