"""Home pages: what follows a delivery. Visits to make, records to compare, disputes and incidents that wait."""

from datetime import datetime

from flask import url_for
from flask_babel import gettext as _

from grants.access.models import User
from grants.core.clock import local_day
from grants.delivery import queries as deliveries
from grants.delivery.models import REASON_NAMES, Incident
from grants.delivery.models.incidents import KIND_NAMES, URGENCY_NAMES, Urgency
from grants.pages import day
from grants.reports.home_parts import Line, Section

SHOWN = 8
TONES = {Urgency.NOW: "bad", Urgency.TODAY: "warn", Urgency.WEEK: "quiet"}


def visits(user: User, now: datetime) -> list[Section]:
    """People whom this person may visit now, the most overdue first."""
    today = local_day(now)
    lines = [
        Line(
            one.delivery.person.folio,
            url_for("delivery.visit", visit_id=one.id),
            _("%(canton)s, until %(day)s", canton=one.delivery.canton.name, day=day(one.due_until)),
            _("overdue") if one.is_overdue(today) else "",
            "bad",
        )
        for one in deliveries.visits_due(user, today, limit=SHOWN)
    ]
    nothing = (_("Nobody is to be visited now"), _("Visits appear here when their days have come."))
    action = (_("All visits"), url_for("delivery.visits"))
    return [Section(_("Visits after a delivery"), lines, nothing=nothing, action=action)]


def to_reconcile(user: User, _now: datetime) -> list[Section]:
    """The oldest handovers whose records this person may compare; no section where there is none."""
    lines = [
        Line(one.folio, url_for("delivery.compare", delivery_id=one.id), one.canton.name)
        for one in deliveries.waiting_for_reconciliation(user, limit=SHOWN)
    ]
    action = (_("Compare and sign"), url_for("delivery.to_reconcile"))
    return [Section(_("Handovers to reconcile"), lines, action=action)] if lines else []


def disputes(user: User, _now: datetime) -> list[Section]:
    """Disputes whose next step this person may take; no section where there is none."""
    lines = [
        Line(
            one.folio,
            url_for("delivery.dispute", dispute_id=one.id),
            str(REASON_NAMES[one.reason]),
            _("waits for a signature") if one.outcome else _("waits for a proposal"),
            "active" if one.outcome else "warn",
        )
        for one in deliveries.disputes_waiting(user, limit=SHOWN)
    ]
    action = (_("All disputes"), url_for("delivery.disputes"))
    return [Section(_("Disputes that wait for you"), lines, action=action)] if lines else []


def incidents(user: User, _now: datetime) -> list[Section]:
    """Incidents that are not closed, the most urgent first, and how many more there are."""
    lines = [_incident(one) for one in deliveries.open_incidents(user, limit=SHOWN)]
    more = deliveries.open_incidents_count(user) - len(lines) if len(lines) == SHOWN else 0
    all_of_them = _("All incidents (%(count)s more)", count=more) if more else _("All incidents")
    nothing = (_("No open incident"), _("Reports appear here as soon as they are sent."))
    return [Section(_("Incidents"), lines, nothing=nothing, action=(all_of_them, url_for("delivery.incidents")))]


def _incident(one: Incident) -> Line:
    address = url_for("delivery.incident", incident_id=one.id)
    detail = " · ".join([str(KIND_NAMES[one.kind]), one.canton.name])
    return Line(one.folio, address, detail, str(URGENCY_NAMES[one.urgency]), TONES[one.urgency])
