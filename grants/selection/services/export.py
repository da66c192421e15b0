"""Files about a run leave a trace before they are made."""

from datetime import datetime

from flask_babel import lazy_gettext as _

from grants.access.models import User
from grants.core import journal
from grants.core.errors import RuleBroken
from grants.selection import queries
from grants.selection.models import Selection


def note_export(selection: Selection, *, kind: str, owed: int, by: User, now: datetime) -> None:
    """Record that somebody takes a file about a run away. Refused to whoever still owes sheets (`owed`)."""
    if owed:
        raise RuleBroken(_("Submit your own sheets of this call first: until then, points are hidden from you."))
    rows = queries.rows_in_run(selection) - queries.hidden_in_run(selection, reader=by)
    journal.record(by, "export.made", selection, at=now, kind=kind, rows=rows)
