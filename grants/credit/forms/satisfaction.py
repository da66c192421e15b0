"""What a person says about getting credit, on a phone: five grades, each by one tap."""

from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField, TextAreaField
from wtforms.validators import InputRequired, Length, Optional

from grants.credit.forms.fields import CHOOSE, TOO_LONG, DayField, choices, no_control_characters, tidy
from grants.credit.models import SurveyChannel
from grants.credit.models.satisfaction import PARTS
from grants.credit.services.satisfaction import Answers
from grants.delivery.questionnaire import GRADES, PREFERS_NOT, PREFERS_NOT_NAME

CHANNEL_NAMES = {
    SurveyChannel.PHONE: _("By phone"),
    SurveyChannel.VISIT: _("In person"),
    SurveyChannel.MESSAGE: _("By message"),
}
OPTIONAL_GRADES = [*GRADES.items(), (PREFERS_NOT, PREFERS_NOT_NAME)]


class HowAskedForm(FlaskForm):
    """When and how somebody was asked: all that is written down of a refusal."""

    channel = RadioField(_("How did you ask?"), choices=choices(CHANNEL_NAMES), default=SurveyChannel.PHONE.value,
                         validators=[InputRequired(CHOOSE)])  # fmt: skip
    asked_on = DayField(_("Day on which you asked"))

    @property
    def how(self) -> dict[str, Any]:
        return {"channel": SurveyChannel(self.channel.data), "asked_on": self.asked_on.value}

    @property
    def answers(self) -> Answers:
        return Answers(**self.how)


class SatisfactionForm(HowAskedForm):
    """The grades; any part may be left out but the one on the whole process."""

    overall = RadioField(_("How satisfied are you with the whole process of getting credit?"),
                         choices=list(GRADES.items()), validators=[InputRequired(CHOOSE)])  # fmt: skip
    information = RadioField(_("With the information you were given?"), choices=OPTIONAL_GRADES, default=PREFERS_NOT)
    treatment = RadioField(_("With how you were treated?"), choices=OPTIONAL_GRADES, default=PREFERS_NOT)
    time_taken = RadioField(_("With the time it took?"), choices=OPTIONAL_GRADES, default=PREFERS_NOT)
    requirements = RadioField(_("With what was asked of you?"), choices=OPTIONAL_GRADES, default=PREFERS_NOT)
    comment = TextAreaField(
        _("Anything else the person wants to say"),
        filters=[tidy],
        validators=[Optional(), Length(max=500, message=TOO_LONG), no_control_characters],
    )

    @property
    def parts(self) -> list[Any]:
        return [self[part] for part in PARTS]

    @property
    def answers(self) -> Answers:
        said = {field.name: int(field.data) for field in self.parts if field.data in GRADES}
        return Answers(**self.how, overall=int(self.overall.data), parts=said, comment=self.comment.data or None)
