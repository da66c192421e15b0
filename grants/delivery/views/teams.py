"""Teams and vehicles. A plate is on a page of its own, and every look at it is journaled."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.access.queries import get_user
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to, said_if_refused
from grants.delivery import queries, services
from grants.delivery.forms import ActionForm, MemberForm, TeamForm, VehicleForm
from grants.delivery.views.blueprint import bp


@bp.route("/teams", methods=["GET", "POST"])
@requires(Permission.PLAN_RUN)
def teams() -> ResponseReturnValue:
    form = TeamForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            team = services.make_team(str(form.name.data), by=current_user, now=utcnow())
            return redirect(url_for(".team", team_id=team.id))
    found = queries.teams()
    caps = queries.caps_on_the_road_usd([one.id for one in found])
    return render_template("delivery/teams.html", form=form, teams=found, caps=caps, vehicles=queries.vehicles())


@bp.route("/teams/<int:team_id>", methods=["GET", "POST"])
@requires(Permission.PLAN_RUN)
def team(team_id: int) -> ResponseReturnValue:
    found = queries.get_team(team_id)
    form = MemberForm().offer(queries.officers_without_team())
    if form.validate_on_submit():
        officer = get_user(form.officer.data)
        with errors_to(form), transaction():
            services.join_team(officer, found, by=current_user, now=utcnow())
            return redirect(url_for(".team", team_id=team_id))
    cap = queries.caps_on_the_road_usd([found.id]).get(found.id)
    return render_template("delivery/team.html", form=form, team=found, cap=cap)


@bp.post("/teams/<int:team_id>/members/<int:user_id>/leave")
@requires(Permission.PLAN_RUN)
def leave_team(team_id: int, user_id: int) -> ResponseReturnValue:
    found = queries.get_team(team_id)
    officer = next((one.user for one in found.members if one.user_id == user_id), None)
    if officer is None:
        raise NotFound
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.leave_team(officer, found, by=current_user, now=utcnow())
    return redirect(url_for(".team", team_id=team_id))


@bp.post("/teams/<int:team_id>/end")
@requires(Permission.PLAN_RUN)
def end_team(team_id: int) -> ResponseReturnValue:
    found = queries.get_team(team_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.end_team(found, by=current_user, now=utcnow())
            return redirect(url_for(".teams"))
    return redirect(url_for(".team", team_id=team_id))


@bp.route("/vehicles/new", methods=["GET", "POST"])
@requires(Permission.PLAN_RUN)
def new_vehicle() -> ResponseReturnValue:
    form = VehicleForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.add_vehicle(str(form.name.data), str(form.plate.data), by=current_user, now=utcnow())
            return redirect(url_for(".teams"))
    return render_template("delivery/new_vehicle.html", form=form)


@bp.get("/vehicles/<int:vehicle_id>")
@requires(Permission.PLAN_RUN, Permission.DECIDE_RISK, Permission.CARRY_DELIVERY, writes=True)
def vehicle(vehicle_id: int) -> ResponseReturnValue:
    found = queries.get_vehicle(vehicle_id)
    plans = current_user.may(Permission.PLAN_RUN) or current_user.may(Permission.DECIDE_RISK)
    if not plans and not queries.drives(current_user, found):
        raise NotFound
    with transaction():
        services.note_plate_seen(found, by=current_user, now=utcnow())
    return render_template("delivery/vehicle.html", vehicle=found)


@bp.post("/vehicles/<int:vehicle_id>/end")
@requires(Permission.PLAN_RUN)
def end_vehicle(vehicle_id: int) -> ResponseReturnValue:
    found = queries.get_vehicle(vehicle_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.end_vehicle(found, by=current_user, now=utcnow())
    return redirect(url_for(".teams"))
