"""The shape of the question for a file of many papers."""

from collections.abc import Iterable

from flask_babel import lazy_gettext as _
from flask_wtf import FlaskForm
from wtforms import SelectField
from wtforms.validators import InputRequired

from grants.calls.models import Call
from grants.delivery.models import BATCH_NAMES, BatchKind

EVERY_CALL = 0


class PrintForm(FlaskForm):
    """Which papers, and of which call. Build it, then `offer` what this person may choose."""

    kind = SelectField(_("Papers"), [InputRequired(_("Choose which papers."))])
    call = SelectField(_("Call"), coerce=int, description=_("Waybills are of the planned runs, whatever the call."))

    def offer(self, kinds: Iterable[BatchKind], calls: Iterable[Call]) -> None:
        """The kinds and calls to choose from."""
        self.kind.choices = [(kind.value, BATCH_NAMES[kind]) for kind in kinds]
        self.call.choices = [(EVERY_CALL, _("All calls")), *((call.id, f"{call.code} · {call.name}") for call in calls)]

    @property
    def chosen(self) -> BatchKind:
        return BatchKind(self.kind.data)
