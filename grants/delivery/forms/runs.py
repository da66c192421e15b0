"""The shape of what people type about teams, runs and their stops."""

import re
from collections.abc import Iterable, Sequence
from datetime import date, datetime, time
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import Field, HiddenField, SelectField
from wtforms import StringField as TextField
from wtforms.validators import InputRequired, Length, NumberRange, ValidationError
from wtforms.widgets import DateInput, TimeInput

from grants.access.models import User
from grants.calls.forms import StrictField, WholeNumberField
from grants.core.clock import PROGRAMME_ZONE
from grants.core.web import Written, stripped
from grants.delivery.forms.handling import CodeField, OnceForm, plain
from grants.delivery.models import Delivery, Run, Team, Vehicle
from grants.delivery.services import ReleaseCodes, Stop
from grants.delivery.services.confirmation import LONGEST_CODE
from grants.delivery.services.run_stops import LONGEST_PLACE

PARTS = ("place", "scheduled_for", "until")


class DayField(StrictField):
    """A calendar day."""

    widget = DateInput()
    pattern = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
    complaint = _("Write a day.")

    def read(self, typed: str) -> date:
        try:
            day = date.fromisoformat(typed)
        except ValueError as error:
            raise ValueError(self.complaint) from error
        if not 2000 <= day.year <= 2100:
            raise ValueError(self.complaint)
        return day


class ClockField(StrictField):
    """A time of the day, as on the clock where the programme works."""

    widget = TimeInput()
    pattern = re.compile(r"[0-9]{2}:[0-9]{2}")
    complaint = _("Write a time such as 09:30.")

    def read(self, typed: str) -> time:
        try:
            return time.fromisoformat(typed)
        except ValueError as error:
            raise ValueError(self.complaint) from error


class RunForm(OnceForm):
    """Who goes out, with what, on which day."""

    day = DayField(_("Day"), [InputRequired(_("Choose the day of the run."))])
    officer = SelectField(
        _("Officer who leads"), coerce=int, description=_("With their team. Only officers with a code and a PIN lead.")
    )
    vehicle = SelectField(_("Vehicle"), coerce=int)

    def offer(self, leaders: Sequence[tuple[User, Team]], vehicles: Sequence[Vehicle]) -> "RunForm":
        """Let these people and vehicles be chosen."""
        self.officer.choices = [(user.id, f"{user.name} · {team.name}") for user, team in leaders]
        self.vehicle.choices = [(one.id, one.name) for one in vehicles]
        return self


class StopsForm(FlaskForm):
    """A row for each delivery that could become a stop: place, from, until. Build with `for_deliveries`."""

    @classmethod
    def for_deliveries(cls, waiting: Iterable[Delivery]) -> "StopsForm":
        fields: dict[str, Any] = {}
        for one in waiting:
            fields[f"place_{one.id}"] = TextField(_("Place"), [Length(max=LONGEST_PLACE), plain])
            fields[f"scheduled_for_{one.id}"] = ClockField(_("From"))
            fields[f"until_{one.id}"] = ClockField(_("Until"))
        form: StopsForm = type(cls.__name__, (cls,), fields)()
        return form

    def row(self, delivery: Delivery) -> list[Field]:
        """The three fields of a delivery."""
        return [self[f"{part}_{delivery.id}"] for part in PARTS]

    def wanted(self, waiting: Iterable[Delivery], run: Run) -> list[tuple[Delivery, Stop]]:
        """The rows that are filled in. One that is half empty gets a sentence, and nothing is wanted."""
        found, whole = [], True
        for delivery in waiting:
            place, start, end = self.row(delivery)
            if not any(field.data for field in (place, start, end)):
                continue
            for field in (place, start, end):
                if not field.data:
                    field.errors, whole = [*field.errors, _("Fill in place, from and until.")], False
            if whole:
                found.append((delivery, Stop(place.data, _at(run, start.data), _at(run, end.data))))
        if whole and not found:
            self.form_errors.append(_("Fill in the row of at least one delivery."))
        return found if whole else []


class PlaceForm(FlaskForm):
    """Where in the order a stop goes."""

    place = WholeNumberField(_("Place in the order"), [InputRequired(_("Write a number.")), NumberRange(1, 999)])


class DispatchForm(FlaskForm):
    """The two codes that let a run leave. Wrong ones are never shown again."""

    seen = HiddenField()  # which kits the page lists
    warehouse_code = CodeField(
        _("Your delivery code"), [InputRequired(_("Write the code.")), Length(max=LONGEST_CODE)],
        description=_("Six digits, from your phone. Each works once."),
    )  # fmt: skip
    officer_code = CodeField(
        _("The officer's delivery code"), [InputRequired(_("Write the code.")), Length(max=LONGEST_CODE)],
        description=_("Six digits, from the phone of the officer, who stands beside you."),
    )  # fmt: skip

    @property
    def codes(self) -> ReleaseCodes:
        return ReleaseCodes(warehouse=str(self.warehouse_code.data), officer=str(self.officer_code.data))


def _name(label: Any) -> TextField:
    return TextField(label, [Written(_("Write a name.")), Length(max=80), plain], filters=[stripped])


class TeamForm(FlaskForm):
    name = _name(_("Name of the team"))

    def validate_name(self, field: Field) -> None:
        _not_blank(field)


class VehicleForm(FlaskForm):
    name = TextField(
        _("Name of the vehicle"), [Written(_("Write a name.")), Length(max=80), plain], filters=[stripped],
        description=_("Such as “White pick-up”. Everybody who plans sees it."),
    )  # fmt: skip
    plate = TextField(
        _("Plate"), [Written(_("Write the plate.")), Length(max=20), plain], filters=[stripped],
        description=_("Kept encrypted. Coordination, the security desk and the team can look at it."),
    )  # fmt: skip

    def validate_name(self, field: Field) -> None:
        _not_blank(field)

    def validate_plate(self, field: Field) -> None:
        _not_blank(field)


class MemberForm(FlaskForm):
    officer = SelectField(_("Officer"), coerce=int)

    def offer(self, officers: Sequence[User]) -> "MemberForm":
        """Let these people be chosen."""
        self.officer.choices = [(user.id, user.name) for user in officers]
        return self


def _not_blank(field: Field) -> None:
    if not str(field.data or "").strip():
        raise ValidationError(_("Write a name."))


def _at(run: Run, clock: time) -> datetime:
    return datetime.combine(run.day, clock, tzinfo=PROGRAMME_ZONE)
