"""What-ifs and how they compare; decisions against the order of a run."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls.models import Call
from grants.calls.queries import quota_choices
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.core.web import errors_to
from grants.evaluation.queries import owes_sheets
from grants.selection import queries, services
from grants.selection.forms import DepartureForm, WhatIfForm
from grants.selection.models import Selection
from grants.selection.views.blueprint import bp


@bp.route("/calls/<int:call_id>/what-if", methods=["GET", "POST"])
@requires(Permission.RUN_SELECTION)
def what_if(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    form = WhatIfForm() if request.method == "POST" else WhatIfForm.of(call)
    form = form.rearranged() if form.step else form
    form.offer(quota_choices())
    if not form.step and form.validate_on_submit():
        with errors_to(form), transaction():
            found = services.simulate(call, by=current_user, now=utcnow(), changes=form.changes)
            flash(_("Tried. A what-if binds nobody and can never be proposed."), "good")
            return redirect(url_for(".show", selection_id=found.id))
    return render_template("selection/what_if.html", call=call, form=form)


@bp.route("/calls/<int:call_id>/what-ifs")
@requires(Permission.VIEW_SELECTION)
def what_ifs(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    base, owed = queries.base_run(call.id), owes_sheets(current_user, call.id)
    found = [queries.compare(one, base) for one in queries.what_ifs_of(call)] if base and not owed else []
    return render_template("selection/what_ifs.html", call=call, base=base, found=found, owed=owed)


@bp.route("/selections/<int:selection_id>/departures", methods=["GET", "POST"])
@requires(Permission.RUN_SELECTION)
def departures(selection_id: int) -> ResponseReturnValue:
    selection = queries.get_selection(selection_id)
    form = DepartureForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.depart(
                selection,
                folio=form.folio.data or "",
                direction=form.direction.data,
                reason=form.reason.data,
                words=form.words.data or "",
                by=current_user,
                now=utcnow(),
            )
            return redirect(url_for(".departures", selection_id=selection.id))
    return _departures_page(selection, form)


def _departures_page(selection: Selection, form: DepartureForm) -> str:
    found = queries.departures_of(selection)
    return render_template("selection/departures.html", selection=selection, form=form, departures=found)


@bp.route("/selections/<int:selection_id>/departures/<int:departure_id>/take-back", methods=["POST"])
@requires(Permission.RUN_SELECTION)
def take_back(selection_id: int, departure_id: int) -> ResponseReturnValue:
    departure = queries.get_departure(selection_id, departure_id)
    with transaction():
        services.take_back(departure, by=current_user, now=utcnow())
    return redirect(url_for(".departures", selection_id=selection_id))
