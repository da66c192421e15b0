"""The one way a call's row changes."""

from flask_babel import lazy_gettext as _
from sqlalchemy import update

from grants.calls.models import Call, CallState
from grants.core.db import db, rows_hit
from grants.core.errors import RuleBroken


def move(call: Call, before: CallState, after: CallState, **values: object) -> None:
    """Change the row only if it still is as it was read: the loser of a race is told to look again."""
    moved = update(Call).where(Call.id == call.id, Call.state == before).values(state=after, **values)
    if rows_hit(db.session.execute(moved)) != 1:
        raise RuleBroken(_("Somebody else changed this call a moment ago. Reload the page to see it as it is now."))
