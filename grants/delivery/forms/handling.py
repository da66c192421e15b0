"""The shape of what people type about deliveries."""

import re
import secrets
from collections.abc import Iterable
from datetime import datetime
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, PasswordField, RadioField, SelectField
from wtforms import StringField as TextField
from wtforms.validators import InputRequired, Length, NumberRange, ValidationError

from grants.calls.forms import WholeNumberField
from grants.core.web import Written
from grants.delivery.models import PICTURE_NAMES, REASON_NAMES, KitLine, Reason
from grants.delivery.services.entered import KEY_PATTERN, LONGEST_CODE

FIRST_YEAR, LAST_YEAR = 2000, 2100


def plain(_form: FlaskForm, field: Field) -> None:
    """Refuse what no keyboard types: NUL, control characters, halves of characters."""
    if not str(field.data or "").isprintable():
        raise ValidationError(_("Use letters, digits and signs only."))


class OnceForm(FlaskForm):
    """A form with a key of its own, by which a second tap, a lost answer or the back button is known."""

    form_key = HiddenField(default=lambda: secrets.token_urlsafe(16))

    @property
    def key(self) -> str:
        """What was sent, else a fresh one: a form without its key is sent for the first time."""
        sent = str(self.form_key.data or "")
        return sent if re.fullmatch(KEY_PATTERN, sent) else secrets.token_urlsafe(16)

    @property
    def typed(self) -> str:
        """All else that was sent, in words that the same form says again."""
        return repr(sorted((one.name, one.data) for one in self if one.name not in ("form_key", "csrf_token")))

    def renew(self) -> None:
        """A fresh key, for the same form with something else in it."""
        self.form_key.data = secrets.token_urlsafe(16)


class CodeField(TextField):
    """A code: shown while it is typed, never sent back."""

    is_forgotten = True

    def _value(self) -> str:
        return ""


def _code(label: Any, description: Any = "") -> CodeField:
    return CodeField(label, [InputRequired(_("Write the code.")), Length(max=LONGEST_CODE)], description=description)


def _given(value: datetime | None) -> datetime:
    """A field's value after validation."""
    if value is None:
        raise ValueError("not validated")
    return value


def _reasons(*reasons: Reason) -> list[tuple[str, Any]]:
    return [(reason.value, REASON_NAMES[reason]) for reason in reasons]


class ActionForm(FlaskForm):
    """A button: nothing but the token against forgery."""


class StampForm(ActionForm):
    """A button that says what was read before it was pressed."""

    stamp = HiddenField()

    @property
    def read(self) -> str:
        """The stamp of what was read; empty for none."""
        return str(self.stamp.data or "")


class ReasonForm(FlaskForm):
    reason = SelectField(_("Reason"), choices=_reasons(*Reason), coerce=str)

    @property
    def chosen(self) -> Reason:
        return Reason(self.reason.data)


class CancelForm(ReasonForm):
    reason = SelectField(
        _("Reason"), choices=_reasons(Reason.PLANNED_BY_MISTAKE, Reason.AWARD_ENDED, Reason.WRONG_GOODS, Reason.OTHER)
    )


class KitForm(FlaskForm):
    """One count for each line of a kit, and a serial number for each device. Build with `for_lines`."""

    @classmethod
    def for_lines(cls, lines: Iterable[KitLine]) -> "KitForm":
        fields: dict[str, Any] = {}
        for line in lines:
            fields[f"count_{line.position}"] = WholeNumberField(
                line.name, [InputRequired(_("Write how many you counted.")), NumberRange(0, 100_000)]
            )
            if line.needs_serial:
                fields[f"serial_{line.position}"] = TextField(
                    _("Serial number"), [cls.serial_check, Length(max=60), plain]
                )
        form: KitForm = type(cls.__name__, (cls,), fields)()
        return form

    serial_check: Any = Written(_("Write the serial number."))

    @property
    def counted(self) -> dict[int, int]:
        return {int(name.removeprefix("count_")): self[name].data for name in self._named("count_")}

    @property
    def serials(self) -> dict[int, str]:
        return {int(name.removeprefix("serial_")): self[name].data for name in self._named("serial_")}

    def _named(self, start: str) -> list[str]:
        return [field.name for field in self if field.name.startswith(start)]


class SealForm(FlaskForm):
    seal_number = TextField(
        _("Number on the seal"), [Written(_("Write the number that is on the seal.")), Length(max=30), plain]
    )
    weight_grams = WholeNumberField(
        _("Weight in grams"), [InputRequired(_("Weigh the sealed kit.")), NumberRange(1, 500_000)]
    )


class PinForm(FlaskForm):
    pin = PasswordField(_("New PIN, four digits"), [InputRequired(_("Write your PIN.")), Length(max=LONGEST_CODE)])
    again = PasswordField(_("The same PIN again"), [InputRequired(_("Write your PIN.")), Length(max=LONGEST_CODE)])
    code = _code(_("Your delivery code"), _("Six digits, from your phone. Each works once."))

    def validate_again(self, field: Field) -> None:
        if field.data != self.pin.data:
            raise ValidationError(_("The two are not the same."))


class PictureForm(FlaskForm):
    """The beneficiary's choice. It is sent once and never shown."""

    picture = RadioField(
        _("Your picture"),
        choices=[(picture.value, name) for picture, name in PICTURE_NAMES.items()],
        validators=[InputRequired(_("Choose one picture."))],
    )
