"""The shape of what people type about the risk of areas."""

import re
from collections.abc import Sequence
from datetime import time
from typing import Any

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import BooleanField, RadioField, SelectField
from wtforms.validators import InputRequired
from wtforms.widgets import TimeInput

from grants.access.forms import MultiCheckboxField
from grants.calls.forms import StrictField, WholeNumberField, given, line, needed, text
from grants.delivery.levels import FACTOR_NAMES, LEVEL_NAMES, LEVELS, MONITORING_NAMES, Factors, LevelRules, Monitoring
from grants.delivery.models import Hub
from grants.delivery.services import Assessment
from grants.delivery.services.protocol import COLUMN_NAMES, field_of
from grants.people.queries import canton_choices

MAY_BE_EMPTY = ("offline_hours", "zone_minutes", "check_in_minutes", "alternate_hours")
TICKED = ("hold_by_default", "one_stop", "by_asking", "photo")


class TimeOfDayField(StrictField):
    """Hours and minutes, as on the clock where the programme works."""

    widget = TimeInput()
    pattern = re.compile(r"([01]\d|2[0-3]):[0-5]\d(:[0-5]\d)?")
    complaint = _("Write a time such as 23:00.")

    def read(self, typed: str) -> time:
        return time.fromisoformat(typed)

    def written(self, value: Any) -> str:
        return "" if value is None else value.strftime("%H:%M")


def level_choices() -> list[tuple[str, str]]:
    """Levels by number and word, in the reader's language."""
    return [(str(level), f"{level} · {LEVEL_NAMES[level]}") for level in LEVELS]


def cantons() -> dict[str, list[tuple[str, str]]]:
    return {"": [("", str(_("Choose a canton")))], **canton_choices()}


class RaiseForm(FlaskForm):
    """What anybody who works here may say of a canton."""

    canton = SelectField(_("Canton"), choices=cantons, validators=[InputRequired(_("Choose a canton."))])
    level = RadioField(_("Level"), choices=level_choices, validators=[InputRequired(_("Choose a level."))])
    reason = text(_("What happened, or what you heard"), 2000, needed)

    @property
    def said(self) -> Assessment:
        return Assessment(int(self.level.data), str(self.reason.data))


class AssessmentForm(FlaskForm):
    """What the security desk knows of a canton."""

    level = RadioField(_("Level"), choices=level_choices, validators=[InputRequired(_("Choose a level."))])
    reason = text(_("Why"), 2000, needed, description=_("Read by the security desk and the director only."))
    sources = text(_("Sources"), 1000)
    decree = line(_("Decree"), 80, description=_("Number of the decree of the state of emergency, where there is one."))
    curfew_from = TimeOfDayField(_("Curfew from"))
    curfew_until = TimeOfDayField(
        _("Curfew until"), description=_("May be after midnight. The same time as its beginning: all day.")
    )
    hours = WholeNumberField(
        _("Holds for, hours"), description=_("Empty: as long as the level allows. Then the canton is held.")
    )

    @property
    def said(self) -> Assessment:
        return Assessment(
            int(self.level.data), str(self.reason.data), self.sources.data, self.decree.data, self.curfew_from.data,
            self.curfew_until.data, self.hours.data,
        )  # fmt: skip


class TickForm(FlaskForm):
    """Several rows of the list on the page."""

    chosen = MultiCheckboxField(_("Chosen"))

    def offer(self, ids: Sequence[int]) -> "TickForm":
        self.chosen.choices = [(str(number), str(number)) for number in ids]
        return self


class HubForm(FlaskForm):
    name = line(_("Name of the hub"), 80, needed)
    canton = SelectField(_("Canton"), choices=cantons, validators=[InputRequired(_("Choose a canton."))])
    address = text(_("Address and how to find it"), 500, needed)


class WayForm(FlaskForm):
    """At which hub a kit is picked up; none: in the field."""

    hub = SelectField(_("Where it is handed over"))

    def offer(self, found: Sequence[Hub]) -> "WayForm":
        self.hub.choices = [("", str(_("In the field"))), *((str(hub.id), hub.name) for hub in found)]
        return self


class ReceiveForm(FlaskForm):
    seal_number = line(_("Number on the seal"), 30, needed)


class LevelsForm(FlaskForm):
    """The whole table: a field for each column and level. Build with `of`."""

    note = line(_("Why it changes"), 300, needed)

    @classmethod
    def of(cls, levels: dict[int, LevelRules]) -> "LevelsForm":
        fields = {
            field_of(level, column): _value_field(column, f"{COLUMN_NAMES[column]}, {level}")
            for column in COLUMN_NAMES
            for level in LEVELS
        }
        now = {field_of(level, column): getattr(levels[level], column) for column in COLUMN_NAMES for level in LEVELS}
        form: LevelsForm = type(cls.__name__, (cls,), fields)(data=now)
        return form

    @property
    def levels(self) -> dict[int, LevelRules]:
        return {level: LevelRules(level=level, **self._values(level)) for level in LEVELS}

    def _values(self, level: int) -> dict[str, Any]:
        found = {column: self[field_of(level, column)].data for column in COLUMN_NAMES}
        words = {"factors": Factors(found["factors"]), "monitoring": Monitoring(found["monitoring"])}
        return {**found, **words}


def _value_field(column: str, label: str) -> Any:
    if column in TICKED:
        return BooleanField(label)
    if column == "factors":
        return SelectField(label, choices=[(one.value, name) for one, name in FACTOR_NAMES.items()])
    if column == "monitoring":
        return SelectField(label, choices=[(one.value, name) for one, name in MONITORING_NAMES.items()])
    return WholeNumberField(label, [] if column in MAY_BE_EMPTY else [given])
