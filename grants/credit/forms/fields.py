"""Fields that forms about credit share: text without control characters, amounts and days without doubt."""

from collections.abc import Callable, Iterable
from datetime import date
from enum import StrEnum
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, SelectMultipleField, StringField, ValidationError
from wtforms.widgets import CheckboxInput, DateInput, ListWidget

from grants.core.web import Written
from grants.credit import words
from grants.credit.amounts import Unreadable, parse_day

NEEDED = _("Fill this in.")
TOO_LONG = _("That is too long.")
CHOOSE = _("Choose one.")


def tidy(value: str | None) -> str | None:
    """One line, no spaces around it."""
    return " ".join(value.split()) if value else value


def no_control_characters(_form: FlaskForm, field: Field) -> None:
    if any(ord(letter) < 32 or 0xD800 <= ord(letter) <= 0xDFFF or ord(letter) == 127 for letter in field.data or ""):
        raise ValidationError(_("That holds a character that cannot be stored. Write it again by hand."))


class ParsedField(StringField):
    """Text that must be one value without doubt. What was typed stays in the field; `value` is what it means."""

    value: Any = None

    def __init__(self, label: Any, parse: Callable[[str], Any], **options: Any) -> None:
        super().__init__(label, validators=[Written(NEEDED)], **options)
        self.parse = parse

    def post_validate(self, form: Any, validation_stopped: bool) -> None:
        if validation_stopped or self.errors:
            return
        try:
            self.value = self.parse(str(self.data))
        except Unreadable as doubt:
            raise ValidationError(words.DOUBTS[doubt.doubt]) from None


class DayField(ParsedField):
    """A day: the browser's own picker where it has one, day/month/year by hand elsewhere."""

    widget = DateInput()

    def __init__(self, label: Any, **options: Any) -> None:
        super().__init__(label, parse_day, **options)

    def _value(self) -> str:
        return self.data.isoformat() if isinstance(self.data, date) else str(self.data or "")


class MultiCheckboxField(SelectMultipleField):
    """Several of a few, each with its own box."""

    widget = ListWidget(prefix_label=False)
    option_widget = CheckboxInput()


def choices(names: dict[Any, Any], only: Iterable[StrEnum] | None = None) -> list[tuple[str, Any]]:
    return [(member.value, names[member]) for member in (names if only is None else only)]
