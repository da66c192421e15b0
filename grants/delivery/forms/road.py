"""The shape of what is typed on the road, and of what the desk writes about it."""

from collections.abc import Iterable
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from flask_wtf.file import FileField, FileRequired
from wtforms import StringField as TextField
from wtforms.validators import InputRequired, Length, NumberRange, Optional

from grants.calls.forms import WholeNumberField
from grants.delivery.forms.handling import plain
from grants.delivery.models import KitLine
from grants.delivery.services import Reading


class ArrivalForm(FlaskForm):
    """The seal, and the serial number of each device, read from the kit. Build with `for_lines`."""

    seal_number = TextField(
        _("Number on the seal"), [InputRequired(_("Write the number that is on the seal.")), Length(max=30), plain]
    )
    weight_grams = WholeNumberField(
        _("Weight in grams"), [Optional(), NumberRange(1, 500_000)], description=_("Only if there is a scale.")
    )

    @classmethod
    def for_lines(cls, lines: Iterable[KitLine]) -> "ArrivalForm":
        fields: dict[str, Any] = {
            f"serial_{line.position}": TextField(
                _("Serial number of %(name)s", name=line.name),
                [InputRequired(_("Write the serial number.")), Length(max=60), plain],
            )
            for line in lines
            if line.serial_number
        }
        form: ArrivalForm = type(cls.__name__, (cls,), fields)()
        return form

    @property
    def serial_fields(self) -> list[Any]:
        return [field for field in self if field.name.startswith("serial_")]

    @property
    def reading(self) -> Reading:
        serials = [str(field.data) for field in self.serial_fields]
        return Reading(str(self.seal_number.data), serials, self.weight_grams.data)


class CaseForm(FlaskForm):
    word = TextField(
        _("What you found out"), [InputRequired(_("Write a word on how the team is.")), Length(max=500), plain]
    )


class PhotoForm(FlaskForm):
    file = FileField(
        _("Photo"),
        [FileRequired(_("Choose a photo."))],
        description=_("Only the kit and its seal: no person, no house, no street."),
    )
