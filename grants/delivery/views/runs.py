"""Runs: planned, given stops, put in order, cancelled, and sent out by the warehouse. No page shows place or time."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker, said_if_refused
from grants.delivery import doors, queries, services
from grants.delivery.forms import ActionForm, DispatchForm, PlaceForm, RunForm, StopsForm
from grants.delivery.models import RUN_NAMES, DeliveryState, RunState
from grants.delivery.queries.risk import newest_snapshots
from grants.delivery.queries.told import told
from grants.delivery.views.blueprint import bp, is_sent_again, said_already

TONES = {RunState.OUT: "active", RunState.ENDED: "good", RunState.CANCELLED: "warn"}


@bp.app_context_processor
def run_words() -> dict[str, object]:
    """Names and tones of a run's states."""
    return {"run_states": RUN_NAMES, "run_tones": TONES}


@bp.get("/runs")
@requires(Permission.PLAN_RUN, Permission.PACK_KIT, Permission.DECIDE_RISK)
def runs() -> ResponseReturnValue:
    wanted = request.args.get("state", "")
    state = RunState(wanted) if wanted in set(RunState) else None
    page = queries.page_of_runs(state=state, after=page_marker())
    return render_template("delivery/runs.html", page=page, state=state, stops=queries.stop_counts(page.items))


@bp.route("/runs/new", methods=["GET", "POST"])
@requires(Permission.PLAN_RUN)
def new_run() -> ResponseReturnValue:
    form = RunForm(data={"day": local_day(utcnow())})
    leaders = queries.leaders()
    form.offer(leaders, queries.vehicles())
    if form.validate_on_submit():
        officer, team = next(pair for pair in leaders if pair[0].id == form.officer.data)
        vehicle = queries.get_vehicle(form.vehicle.data)
        with errors_to(form), transaction():
            if is_sent_again(form):
                return said_already(url_for(".runs"))
            run = services.plan_run(
                team, officer=officer, vehicle=vehicle, day=form.day.data, by=current_user, now=utcnow()
            )
            return redirect(url_for(".run", run_id=run.id))
    return render_template("delivery/new_run.html", form=form)


@bp.get("/runs/<int:run_id>")
@requires(Permission.PLAN_RUN, Permission.PACK_KIT, Permission.DECIDE_RISK)
def run(run_id: int) -> ResponseReturnValue:
    found = queries.get_run(run_id)
    kits = told(queries.kits_of(found), current_user)
    return render_template("delivery/run.html", run=found, kits=kits, load=queries.load_of(found, kits))


@bp.route("/runs/<int:run_id>/stops", methods=["GET", "POST"])
@requires(Permission.PLAN_RUN)
def stops(run_id: int) -> ResponseReturnValue:
    found, cantons = queries.get_run(run_id), queries.cantons_with_cleared()
    canton = next((one.code for one in cantons if one.code == request.args.get("canton")), "")
    page = queries.cleared_deliveries(canton_code=canton, after=page_marker())
    form = StopsForm.for_deliveries(page.items)
    wanted = form.wanted(page.items, found) if form.validate_on_submit() else []
    if wanted:
        with errors_to(form), transaction():
            services.schedule_many(found, wanted, by=current_user, now=utcnow())
            flash(_("The stops are in the run. Place and time are encrypted to the team."), "good")
            return redirect(url_for(".run", run_id=run_id))
    load = queries.load_of(found, queries.kits_of(found))
    snapshots = newest_snapshots({one.canton_code for one in page.items})
    return render_template(
        "delivery/stops.html", run=found, form=form, page=page, load=load, canton=canton,
        cantons=cantons, after=page_marker(), snapshots=snapshots,
    )  # fmt: skip


@bp.post("/runs/<int:run_id>/stops/<int:delivery_id>/move")
@requires(Permission.PLAN_RUN)
def move_stop(run_id: int, delivery_id: int) -> ResponseReturnValue:
    found = queries.get_run(run_id)
    kit, form = queries.get_kit(found, delivery_id), PlaceForm()
    if form.validate_on_submit():
        with said_if_refused():
            services.move_stop(kit, found, form.place.data, by=current_user, now=utcnow())
    else:
        flash(_("Write the number of the place in the order, 1 for the first."), "bad")
    return redirect(url_for(".run", run_id=run_id, _anchor="stops"))


@bp.post("/runs/<int:run_id>/stops/<int:delivery_id>/take-off")
@requires(Permission.PLAN_RUN)
def take_off(run_id: int, delivery_id: int) -> ResponseReturnValue:
    found = queries.get_run(run_id)
    kit = queries.get_kit(found, delivery_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.take_off(kit, found, by=current_user, now=utcnow())
    return redirect(url_for(".run", run_id=run_id, _anchor="stops"))


@bp.post("/runs/<int:run_id>/cancel")
@requires(Permission.PLAN_RUN)
def cancel_run(run_id: int) -> ResponseReturnValue:
    found = queries.get_run(run_id)
    if ActionForm().validate_on_submit():
        with said_if_refused():
            services.cancel_run(found, by=current_user, now=utcnow())
    return redirect(url_for(".run", run_id=run_id))


@bp.route("/runs/<int:run_id>/dispatch", methods=["GET", "POST"])
@requires(Permission.PACK_KIT, code=True)
def dispatch(run_id: int) -> ResponseReturnValue:
    found, form = queries.get_run(run_id), DispatchForm()
    if form.validate_on_submit():
        with errors_to(form):
            doors.release(found, form.codes, seen=form.seen.data or "", by=current_user, now=utcnow())
            flash(_("The run is on the road. Its kits are with the officer now."), "good")
            return redirect(url_for(".run", run_id=run_id))
    kits = queries.kits_of(found, DeliveryState.SCHEDULED)
    form.seen.data = queries.list_mark(kits)
    return render_template("delivery/dispatch.html", run=found, form=form, kits=kits, load=queries.load_of(found, kits))
