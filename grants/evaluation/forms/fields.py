"""What the forms of evaluation share."""

from datetime import datetime
from decimal import Decimal
from typing import Any

from flask_babel import format_decimal
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, StringField, TextAreaField
from wtforms.validators import DataRequired, Length, Optional, ValidationError

from grants.calls.models import Stage
from grants.core.clock import PROGRAMME_ZONE

STAGE_NAMES = {Stage.PLAN: _("Business plan"), Stage.PITCH: _("Pitch")}
COMMENT_LENGTH = 2000


def plain_text(_form: FlaskForm, field: Field) -> None:
    """Refuse characters that no database keeps: NUL and lone surrogates."""
    text = field.data or ""
    if "\x00" in text or any("\ud800" <= letter <= "\udfff" for letter in text):
        raise ValidationError(_("This text holds a character that cannot be stored. Type it again."))


def two_decimals(value: Decimal) -> str:
    """Points as they are published: always with both decimals."""
    return str(format_decimal(value, "0.00"))


def clock(at: datetime) -> str:
    """The time of day where the programme works: 10:42."""
    return f"{at.astimezone(PROGRAMME_ZONE):%H:%M}"


def strip(text: str | None) -> str | None:
    return text.strip() if text else text


def comment_field(label: Any) -> TextAreaField:
    too_long = _("Write at most 2,000 characters.")
    checks = [Optional(), Length(max=COMMENT_LENGTH, message=too_long), plain_text]
    return TextAreaField(label, filters=[strip], validators=checks)


def reason_field(label: Any, missing: Any) -> StringField:
    too_long = _("Write at most 300 characters.")
    checks = [DataRequired(message=missing), Length(max=300, message=too_long), plain_text]
    return StringField(label, filters=[strip], validators=checks)


def optional_note(label: Any) -> StringField:
    too_long = _("Write at most 300 characters.")
    return StringField(label, filters=[strip], validators=[Optional(), Length(max=300, message=too_long), plain_text])
