"""What the home page says of papers: files with codes or names that wait for a second person."""

from datetime import datetime

from flask import url_for
from flask_babel import gettext as _

from grants.access.models import User
from grants.delivery import queries as deliveries
from grants.delivery.models import BATCH_NAMES
from grants.reports.home_parts import SHOWN, Line, Section


def files_to_approve(user: User, _now: datetime) -> list[Section]:
    """Files that somebody else asked for. No section when nobody did."""
    lines = [
        Line(one.folio, url_for("delivery.print_batch", batch_id=one.id), str(BATCH_NAMES[one.kind]))
        for one in deliveries.waiting_for_second(user)[:SHOWN]
    ]
    return [Section(_("Files that wait for your approval"), lines)] if lines else []
