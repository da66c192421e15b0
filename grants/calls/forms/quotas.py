"""The shape of a call's quotas: rows that can be added, removed and moved without JavaScript."""

import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from flask import request
from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import FieldList, Form, FormField, SelectField
from wtforms.validators import DataRequired

from grants.calls.forms.calls import StrictField
from grants.calls.models import Call, QuotaDimension
from grants.calls.services import MOST_QUOTAS, QuotaFields, Share

STEPS = ("add", "remove", "up", "down")


class ShareField(StrictField):
    """A count of places, or a percentage of them with its sign: 78, 60 %, 12.5 %."""

    pattern = re.compile(r"\d{1,6}|(100|\d{1,2}([.,]\d{1,2})?) ?%")
    complaint = _("Write a number of places such as 12, or a percentage such as 60 %.")

    def read(self, typed: str) -> Share:
        number = Decimal(typed.rstrip("% ").replace(",", "."))
        return Share(number, is_percent=typed.endswith("%"))


class QuotaRowForm(Form):
    group = SelectField(_("Group"), validators=[DataRequired(_("Choose a group."))], choices=[], default="")
    minimum = ShareField(_("At least"), description=_("Places, or a percentage such as 60 %."))
    maximum = ShareField(_("At most"), description=_("Places, or a percentage. Empty: no limit."))

    @property
    def typed(self) -> dict[str, Any]:
        """What stands in the row, right or wrong."""
        return {"group": self.group.data or "", "minimum": self.minimum._value(), "maximum": self.maximum._value()}

    def fields(self, places: int) -> QuotaFields:
        """The row in places of the call: a percentage of a minimum is rounded up, of a maximum down."""
        dimension, _colon, value = self.group.data.partition(":")
        least, most = self.minimum.data, self.maximum.data
        return QuotaFields(
            QuotaDimension(dimension),
            value,
            None if least is None else least.at_least(places),
            None if most is None else most.at_most(places),
        )


class QuotasForm(FlaskForm):
    rows = FieldList(FormField(QuotaRowForm), max_entries=2 * MOST_QUOTAS)

    @classmethod
    def of(cls, call: Call) -> "QuotasForm":
        """A form that shows the quotas as stored, or one empty row."""
        shown = [{"group": quota.group, "minimum": quota.minimum, "maximum": quota.maximum} for quota in call.quotas]
        return cls(formdata=None, data={"rows": shown or [{}]})

    def offer(self, groups: Mapping[str, Sequence[tuple[str, str]]]) -> None:
        """Set the groups to choose from, by dimension."""
        choices = {"": [("", _("Choose a group"))], **{str(name): list(found) for name, found in groups.items()}}
        for entry in self.rows:
            entry.form.group.choices = choices

    @property
    def step(self) -> str | None:
        """Which button other than "save" was pressed."""
        return next((step for step in STEPS if step in request.form), None)

    def rearranged(self) -> "QuotasForm":
        """The same form after a row was added, removed or moved; what was typed stays."""
        rows = [entry.form.typed for entry in self.rows]
        step = self.step or "add"
        at = _row_number(request.form.get(step, ""), len(rows))
        if step == "add" and len(rows) < MOST_QUOTAS:
            rows.append({})
        elif step == "remove" and at is not None:
            del rows[at]
        elif step in ("up", "down") and at is not None:
            other = at - 1 if step == "up" else at + 1
            if 0 <= other < len(rows):
                rows[at], rows[other] = rows[other], rows[at]
        return type(self)(formdata=None, data={**self.others, "rows": rows or [{}]})

    @property
    def others(self) -> dict[str, Any]:
        """What stands in the fields beside the rows."""
        return {}

    def validate(self, extra_validators: Any = None) -> bool:
        # A row that nobody wrote in need not be right.
        self.rows.entries = [entry for entry in self.rows.entries if any(entry.form.typed.values())]
        return bool(super().validate(extra_validators))

    def fields(self, places: int) -> list[QuotaFields]:
        return [entry.form.fields(places) for entry in self.rows]


def _row_number(typed: str, rows: int) -> int | None:
    """A row's index from its button's value; None when there is no such row."""
    known = {str(number): number for number in range(rows)}
    return known.get(typed)
