"""Home sections of kits, the road and the security desk."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from flask import url_for
from flask_babel import gettext as _

from grants.access.models import User
from grants.delivery import queries as deliveries
from grants.delivery.models import NOTICE_NAMES
from grants.delivery.models import STATE_NAMES as DELIVERY_NAMES
from grants.delivery.queries import desk, stops
from grants.delivery.queries.checkins import open_missed, runs_on_the_road
from grants.delivery.queries.notices import to_tell_in_person
from grants.pages import moment
from grants.reports.home_parts import SHOWN, Figure, Line, Section


def my_stop(user: User, now: datetime) -> list[Section]:
    """Whether there is a stop to open. Where it is stands on its own page, where a look is journaled."""
    found = deliveries.shown_to(user, now)
    address = url_for("delivery.my_day")
    lines = [Line(_("A stop is ready"), address, state=str(DELIVERY_NAMES[one.state]), tone="active")
             for one in found.stops[:1]]  # fmt: skip
    lines += [Line(_("Bring back what you carry"), address, tone="warn") for _one in found.bring_back[:1]]
    lines += [
        Line(_("Check in"), address, _("due at %(moment)s", moment=moment(one.due_at)))
        for one in runs_on_the_road(of=user)
        if one.due_at
    ]
    nothing = (_("No stop now"), _("A stop appears when its time has come. Ask for it on your page."))
    return [Section(_("My next stop"), lines, nothing=nothing, action=(_("My deliveries"), address))]


def missed_check_ins(_user: User, _now: datetime) -> list[Section]:
    """Check-ins that did not come, for the desk."""
    lines = [
        Line(one.run.folio, url_for("delivery.missed_check_in", case_id=one.id), one.run.team.name,
             _("due at %(moment)s", moment=moment(one.due_at)), "bad")
        for one in open_missed(limit=SHOWN)
    ]  # fmt: skip
    nothing = (_("No check-in is missing"), _("What does not come in time becomes a case here."))
    action = (_("Teams on the road"), url_for("delivery.on_the_road"))
    return [Section(_("Missed check-ins"), lines, nothing=nothing, action=action)]


def to_tell_of_stops(_user: User, now: datetime) -> list[Section]:
    """Whom no message reaches; no section where there is nobody. Neither place nor time stands here."""
    lines = [
        Line(one.delivery.person.folio, url_for("delivery.tell", notice_id=one.id), str(NOTICE_NAMES[one.kind]))
        for one in to_tell_in_person(now).items[:SHOWN]
    ]
    action = (_("All of them"), url_for("delivery.to_tell"))
    return [Section(_("Who must be told of their appointment"), lines, action=action)] if lines else []


def kits(_user: User, _now: datetime) -> list[Section]:
    """What the warehouse packs, and which seals it puts or reads."""

    def listed(found: Sequence[Any]) -> list[Line]:
        return [
            Line(
                one.folio, url_for("delivery.show", delivery_id=one.id), one.canton.name, str(DELIVERY_NAMES[one.state])
            )
            for one in found[:SHOWN]
        ]

    nothing = (_("Nothing to pack"), _("Approved deliveries appear here."))
    seals = (_("No seal to put or to check"), _("Packed kits and kits on their way back appear here."))
    return [
        Section(
            _("What to pack"),
            listed(deliveries.kits_to_pack()),
            nothing=nothing,
            action=(_("Warehouse"), url_for("delivery.warehouse_day")),
        ),
        Section(_("Seals"), listed(deliveries.seals_to_check()), nothing=seals),
    ]


def on_the_road(_user: User, _now: datetime) -> list[Section]:
    """How many kits are in each state of the road."""
    counted = deliveries.counts_on_the_road()
    figures = [
        Figure(str(count), str(DELIVERY_NAMES[state]), url_for("delivery.index", state=state.value))
        for state, count in counted.items()
    ]
    nothing = (_("Nothing is on the road"), _("Kits in transit and at the point are counted here."))
    return [Section(_("On the road"), figures=figures, nothing=None if figures else nothing)]


def alarm_desk(_user: User, now: datetime) -> list[Section]:
    """Whether an alarm would arrive, who asks, and whether a drill is due. What a signal says is not known here."""
    waiting, asking = desk.signals_waiting(), stops.open_requests(now)
    beat = desk.worker_beat()
    figures = [
        Figure(str(len(asking)), _("who ask for the next stop"), url_for("delivery.desk")),
        Figure(str(waiting.count), _("signals not acknowledged"), url_for("delivery.desk")),
    ]
    lines = []
    if desk.beat_is_late(beat, now):
        lines.append(Line(_("The worker does not run"), url_for("delivery.desk"), state=_("Alarm channel"), tone="bad"))
    if desk.alerts_stuck(now):
        lines.append(Line(_("Messages do not leave"), url_for("delivery.desk"), state=_("Alarm channel"), tone="bad"))
    if desk.is_drill_overdue(now):
        lines.append(Line(_("Plan a drill"), url_for("delivery.desk_drills"), state=_("overdue"), tone="warn"))
    action = (_("Security desk"), url_for("delivery.desk"))
    return [Section(_("Security desk"), lines=lines, figures=figures, action=action)]
