"""Shapes of a what-if and of a decision against the order of a run."""

from decimal import Decimal
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField, TextAreaField
from wtforms.validators import DataRequired, InputRequired, Length, NumberRange

from grants.calls.forms import PercentField, QuotasForm, WholeNumberField
from grants.calls.models import CALIBRATION_NAMES, Calibration, Call, group_name
from grants.evaluation.forms import plain_text, strip
from grants.selection.models import DEPARTURE_REASON_NAMES, DIRECTION_NAMES, DepartureReason, Direction
from grants.selection.reckoning import Changes, QuotaLine


class WhatIfForm(QuotasForm):
    """The call's own places, weights, calibration and quotas, to be changed and tried."""

    places = WholeNumberField(
        _("Places"),
        [InputRequired(_("Fill this in.")), NumberRange(1, 100_000, _("There must be at least one place."))],
    )
    plan_weight = PercentField(
        _("Weight of the business plan (%)"),
        [InputRequired(_("Fill this in."))],
        description=_("The pitch has the rest."),
    )
    calibration = SelectField(
        _("Correction for strict and lenient evaluators"), choices=list(CALIBRATION_NAMES.items()), coerce=Calibration
    )

    @classmethod
    def of(cls, call: Call) -> "WhatIfForm":
        """The form as the call declares it."""
        rows = [{"group": quota.group, "minimum": quota.minimum, "maximum": quota.maximum} for quota in call.quotas]
        return cls(
            formdata=None,
            data={
                "rows": rows,
                "places": call.places,
                "plan_weight": call.plan_weight,
                "calibration": call.calibration,
            },
        )

    @property
    def others(self) -> dict[str, Any]:
        return {
            "places": self.places._value(),
            "plan_weight": self.plan_weight.data,
            "calibration": self.calibration.data,
        }

    @property
    def changes(self) -> Changes:
        places: int = self.places.data
        lines = [
            QuotaLine(group_name(quota.dimension, quota.value), quota.minimum, quota.maximum)
            for quota in self.fields(places)
        ]
        return Changes(places, Decimal(self.plan_weight.data), tuple(lines), self.calibration.data.value)


class DepartureForm(FlaskForm):
    folio = StringField(
        _("Folio of the application"),
        filters=[strip],
        validators=[
            DataRequired(message=_("Write the folio.")),
            Length(max=20, message=_("Write at most 20 characters.")),
            plain_text,
        ],
    )
    direction = SelectField(_("Decision"), choices=list(DIRECTION_NAMES.items()), coerce=Direction)
    reason = SelectField(_("Reason"), choices=list(DEPARTURE_REASON_NAMES.items()), coerce=DepartureReason)
    words = TextAreaField(
        _("In words"),
        description=_("The act prints them: no names, no places, nothing about health."),
        filters=[strip],
        validators=[
            DataRequired(message=_("Write why, in words that can be printed in the act.")),
            Length(max=600, message=_("Write at most 600 characters.")),
            plain_text,
        ],
    )
