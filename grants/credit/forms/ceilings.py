"""A new period of a ceiling, as it is typed."""

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import RadioField
from wtforms.validators import InputRequired

from grants.core.web import Written
from grants.credit import words
from grants.credit.amounts import parse_rate
from grants.credit.forms.fields import CHOOSE, NEEDED, DayField, ParsedField, choices
from grants.credit.forms.offers import DECIMAL, line
from grants.credit.models import Segment
from grants.credit.services.ceilings import Period


class PeriodForm(FlaskForm):
    segment = RadioField(_("Segment of microcredit"), [InputRequired(CHOOSE)], choices=choices(words.SEGMENT_NAMES))
    valid_from = DayField(_("In force from"))
    effective_percent = ParsedField(_("Highest effective rate (TEA) in percent"), parse_rate, render_kw=DECIMAL)
    source = line(_("Source"), 300, Written(NEEDED),
                  description=_("The resolution that sets it, with its number and day."))  # fmt: skip

    def period(self) -> Period:
        return Period(
            Segment(self.segment.data), self.valid_from.value, self.effective_percent.value, self.source.data or ""
        )
