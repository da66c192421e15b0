"""Incidents: anyone reports; the desk and the director follow up."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker
from grants.delivery import queries, services
from grants.delivery.forms import FollowForm, IncidentForm
from grants.delivery.models import IncidentState
from grants.delivery.models.incidents import INCIDENT_STATE_NAMES, KIND_NAMES, OUTCOME_NAMES, OWN_WORDS, URGENCY_NAMES
from grants.delivery.views.blueprint import bp, is_sent_again, said_already

WORDS = {
    "kinds": KIND_NAMES,
    "urgencies": URGENCY_NAMES,
    "incident_states": INCIDENT_STATE_NAMES,
    "outcomes": OUTCOME_NAMES,
}


@bp.route("/incidents/report", methods=["GET", "POST"])
@requires(Permission.SIGNED_IN)
def report_incident() -> ResponseReturnValue:
    form = IncidentForm.for_cantons(queries.cantons())
    if form.validate_on_submit():
        with errors_to(form), transaction():
            if is_sent_again(form):
                return said_already(url_for(".my_incidents"))
            services.report(form.told, by=current_user, now=utcnow())
            flash(_("Received. The security desk reads it."), "good")
            return redirect(url_for(".my_incidents"))
    return render_template("delivery/report_incident.html", form=form)


@bp.get("/incidents/mine")
@requires(Permission.SIGNED_IN)
def my_incidents() -> ResponseReturnValue:
    return render_template("delivery/my_incidents.html", incidents=queries.reported_by(current_user))


@bp.get("/incidents")
@requires(Permission.FOLLOW_INCIDENT)
def incidents() -> ResponseReturnValue:
    wanted = request.args.get("state", "")
    state = IncidentState(wanted) if wanted in set(IncidentState) else None
    page = queries.incidents_page(reader=current_user, state=state, after=page_marker())
    return render_template("delivery/incidents.html", page=page, state=state, **WORDS)


@bp.route("/incidents/<int:incident_id>", methods=["GET", "POST"])
@requires(Permission.FOLLOW_INCIDENT)
def incident(incident_id: int) -> ResponseReturnValue:
    found = queries.get_incident(incident_id, reader=current_user)
    followers = queries.followers(found)
    form = FollowForm.for_incident(found, followers)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.follow_up(found, form.step(followers), by=current_user, now=utcnow())
            return redirect(url_for(".incident", incident_id=incident_id))
    return render_template("delivery/incident.html", incident=found, form=form, own_words=OWN_WORDS, **WORDS)
