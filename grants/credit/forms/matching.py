"""The shape of a need: what a person looks for, before anything is shared."""

from collections.abc import Callable
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import SelectField, StringField
from wtforms.validators import InputRequired, Optional

from grants.credit import words
from grants.credit.amounts import parse_months, parse_usd
from grants.credit.forms.fields import CHOOSE, ParsedField, choices
from grants.credit.matching import Need
from grants.credit.models import LinkageKind


class MaybeParsedField(ParsedField):
    """As its parent, but empty is an answer too."""

    def __init__(self, label: Any, parse: Callable[[str], Any], **options: Any) -> None:
        StringField.__init__(self, label, validators=[Optional()], **options)
        self.parse = parse


class NeedForm(FlaskForm):
    """Sent by GET: it only asks."""

    kind = SelectField(
        _("What the person wants"), [InputRequired(CHOOSE)], choices=choices(words.KIND_NAMES),
        default=LinkageKind.CREDIT.value,
    )  # fmt: skip
    amount = MaybeParsedField(_("Amount in USD"), parse_usd, render_kw={"inputmode": "decimal"})
    months = MaybeParsedField(_("Term in months"), parse_months, render_kw={"inputmode": "numeric"})

    class Meta:
        csrf = False

    def need(self) -> Need:
        return Need(LinkageKind(self.kind.data), self.amount.value, self.months.value)
