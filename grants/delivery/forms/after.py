"""The shape of incidents and of visits after a delivery."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField, SelectField, StringField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from grants.access.models import User
from grants.calls.forms import LocalMomentField, WholeNumberField
from grants.delivery.forms.handling import OnceForm, plain
from grants.delivery.forms.outcomes import words
from grants.delivery.models import (
    AttemptReason,
    Incident,
    IncidentKind,
    IncidentOutcome,
    IncidentState,
    Urgency,
)
from grants.delivery.models.incidents import INCIDENT_STATE_NAMES, KIND_NAMES, OUTCOME_NAMES, URGENCY_NAMES
from grants.delivery.models.monitoring import ATTEMPT_NAMES
from grants.delivery.questionnaire import CURRENT, asked_in
from grants.delivery.services import FollowUp, Report
from grants.people.models import Canton


class IncidentForm(OnceForm):
    kind = SelectField(
        _("What is it about?"),
        choices=[("", _("Choose what it is about")), *((kind.value, name) for kind, name in KIND_NAMES.items())],
        validators=[InputRequired(_("Choose what it is about."))],
    )
    urgency = RadioField(
        _("How urgent is it?"), choices=[(one.value, name) for one, name in URGENCY_NAMES.items()],
        validators=[InputRequired(_("Choose how urgent it is."))],
    )  # fmt: skip
    canton_code = SelectField(_("Canton"), validators=[InputRequired(_("Choose a canton."))])
    happened_at = LocalMomentField(_("When it happened"), [InputRequired(_("Write a day and a time."))])
    about = StringField(
        _("Delivery or run"), [Optional(), Length(max=20), plain],
        description=_("Its folio, if it is about one."),
    )  # fmt: skip
    said = words(
        _("What happened"), _("Write what happened, in your own words."),
        _("It is encrypted. The security desk and the director read it."),
    )  # fmt: skip

    @classmethod
    def for_cantons(cls, cantons: Sequence[Canton]) -> "IncidentForm":
        form = cls()
        form.canton_code.choices = [("", _("Choose a canton")), *((canton.code, canton.name) for canton in cantons)]
        return form

    @property
    def told(self) -> Report:
        happened_at = self.happened_at.data
        if not isinstance(happened_at, datetime):
            raise TypeError("not validated")
        return Report(
            kind=IncidentKind(self.kind.data),
            urgency=Urgency(self.urgency.data),
            canton_code=str(self.canton_code.data),
            happened_at=happened_at,
            said=str(self.said.data),
            about=str(self.about.data or ""),
        )


class FollowForm(FlaskForm):
    entries_read = WholeNumberField(_("Steps"), [InputRequired(), NumberRange(0, 100_000)])
    state = RadioField(
        _("Where it stands"),
        choices=[(one.value, INCIDENT_STATE_NAMES[one]) for one in (IncidentState.FOLLOWING, IncidentState.CLOSED)],
        validators=[InputRequired(_("Choose whether it is being followed or closed."))],
    )
    assigned_to = SelectField(_("Who takes care of it"))
    outcome = SelectField(
        _("How it ended"),
        choices=[("", _("It has not ended")), *((one.value, name) for one, name in OUTCOME_NAMES.items())],
    )
    note = words(_("What was done"), _("Write what was done."))

    @classmethod
    def for_incident(cls, incident: Incident, followers: Sequence[User]) -> "FollowForm":
        form = cls(
            entries_read=incident.entries_written,
            assigned_to=str(incident.assigned_to_id or ""),
            state=IncidentState.FOLLOWING.value,
        )
        form.assigned_to.choices = [("", _("Nobody yet")), *((str(one.id), one.name) for one in followers)]
        return form

    def step(self, followers: Sequence[User]) -> FollowUp:
        chosen = next((one for one in followers if str(one.id) == self.assigned_to.data), None)
        return FollowUp(
            state=IncidentState(self.state.data),
            entries_read=self.entries_read.data,
            note=str(self.note.data or ""),
            assigned_to=chosen,
            outcome=IncidentOutcome(self.outcome.data) if self.outcome.data else None,
        )


UNANSWERED = _("Choose an answer. “Prefers not to say” is one too.")


class Answered(InputRequired):
    """Needed once the person agreed to answer; whoever does not want to is asked nothing."""

    def __call__(self, form: Any, field: Any) -> None:
        if form.agrees:
            super().__call__(form, field)
        else:
            Optional()(form, field)


class InterviewForm(FlaskForm):
    """A visit's questions. Consent comes first; without it nothing else is read. Build with `for_version`."""

    version: int = CURRENT

    consent = RadioField(
        _("Does the person agree to answer? They may say no, or stop at any question; it has no consequence."),
        choices=[("yes", _("Agrees")), ("no", _("Does not want to"))],
        validators=[InputRequired(_("Ask first, then choose."))],
    )
    comment = words(_("Anything else the person wants to say"))

    @classmethod
    def for_version(cls, version: int | None) -> "InterviewForm":
        fields: dict[str, Any] = {
            question.code: RadioField(
                question.words,
                choices=question.all_choices,
                validators=[Optional() if question.is_optional else Answered(UNANSWERED)],
            )
            for question in asked_in(version)
        }
        form: InterviewForm = type(cls.__name__, (cls,), {**fields, "version": version or CURRENT})()
        return form

    @property
    def agrees(self) -> bool:
        return bool(self.consent.data == "yes")

    @property
    def answers(self) -> dict[str, str]:
        codes = [question.code for question in asked_in(self.version)]
        return {name: str(self[name].data or "") for name in (*codes, "comment")}


class AttemptForm(FlaskForm):
    reason = RadioField(
        _("Why nobody was reached"), choices=[(one.value, name) for one, name in ATTEMPT_NAMES.items()],
        validators=[InputRequired(_("Choose a reason."))],
    )  # fmt: skip

    @property
    def chosen(self) -> AttemptReason:
        return AttemptReason(self.reason.data)


class PlanVisitsForm(FlaskForm):
    share_percent = WholeNumberField(
        _("Share to visit where a sample is enough, in percent"),
        [InputRequired(_("Write a share from 1 to 100 percent.")), NumberRange(1, 100)],
    )
