"""What the home page says of runs: today's and tomorrow's, what waits to be sent out, what waits for approval."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from flask import url_for
from flask_babel import gettext as _
from flask_babel import ngettext

from grants.access.models import User
from grants.core.clock import local_day
from grants.delivery import queries as deliveries
from grants.delivery.models import RUN_NAMES, Run, RunState
from grants.pages import day
from grants.reports.home_parts import SHOWN, Figure, Line, Section


def approvals(user: User, _now: datetime) -> list[Section]:
    """How many planned deliveries wait for this person; no section where none does."""
    count = deliveries.count_to_approve(user)
    words = ngettext("delivery that you may approve", "deliveries that you may approve", count)
    figures = [Figure(str(count), words, url_for("delivery.to_approve"))]
    return [Section(_("What waits for your approval"), figures=figures)] if count else []


def runs(_user: User, now: datetime) -> list[Section]:
    today = local_day(now)
    nothing = (_("No run today or tomorrow"), _("Plan a run, then give it cleared deliveries as stops."))
    found = deliveries.runs_of_days([today, today + timedelta(days=1)])
    action = (_("All runs"), url_for("delivery.runs"))
    return [Section(_("Runs of today and tomorrow"), _run_lines(found, "delivery.run"), nothing=nothing, action=action)]


def runs_to_send(_user: User, now: datetime) -> list[Section]:
    found = [run for run in deliveries.runs_of_days([local_day(now)]) if run.state is RunState.PLANNED]
    nothing = (_("No run to send out today"), _("Runs of the day appear here until they leave."))
    return [Section(_("Runs to send out today"), _run_lines(found, "delivery.dispatch"), nothing=nothing)]


def _run_lines(found: Sequence[Run], page: str) -> list[Line]:
    return [
        Line(
            run.folio,
            url_for(page, run_id=run.id),
            f"{day(run.day)} · {run.team.name}",
            str(RUN_NAMES[run.state]),
            "active" if run.state is RunState.OUT else "quiet",
        )
        for run in found[:SHOWN]
    ]
