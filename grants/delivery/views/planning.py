"""Many at once: approve from a list, plan a whole call, import a spreadsheet."""

import io

from flask import flash, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker, said_if_refused
from grants.delivery import plan_sheet, queries, services
from grants.delivery.forms import ALL, ApplyForm, ApproveForm, CallForm, SheetForm, StampForm
from grants.delivery.models import STATE_NAMES
from grants.delivery.services import Outcome
from grants.delivery.told import to_show
from grants.delivery.views.blueprint import bp

ROWS_SHOWN = 100
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.route("/to-approve", methods=["GET", "POST"])
@requires(Permission.APPROVE_DELIVERY)
def to_approve() -> ResponseReturnValue:
    form, outcomes = ApproveForm(), list[Outcome]()
    if form.validate_on_submit():
        chosen = queries.deliveries_of(form.chosen.data or ())
        with transaction():
            outcomes = services.approve_many(chosen, by=current_user, now=utcnow())
    page = queries.to_approve(current_user, after=page_marker())
    return render_template("delivery/to_approve.html", page=page, form=form, outcomes=outcomes)


@bp.route("/plan-call", methods=["GET", "POST"])
@requires(Permission.PLAN_DELIVERY)
def plan_call() -> ResponseReturnValue:
    calls = queries.calls_with_awards()
    form, outcomes = CallForm().offer(calls), list[Outcome]()
    if form.validate_on_submit():
        call = next(one for one in calls if one.id == form.call.data)
        with transaction():
            awards = queries.unplanned_awards_of(call, reader=current_user)
            outcomes = services.plan_many(awards, by=current_user, now=utcnow())
        if not outcomes:
            flash(_("Every active award of this call has its delivery."), "info")
    return render_template("delivery/plan_call.html", form=form, outcomes=outcomes)


@bp.route("/imports/new", methods=["GET", "POST"])
@requires(Permission.PLAN_RUN)
def new_import() -> ResponseReturnValue:
    calls = queries.calls_with_awards()
    form = SheetForm().offer(calls)
    if form.validate_on_submit():
        call = next(one for one in calls if one.id == form.call.data)
        with errors_to(form), transaction():
            rows = plan_sheet.read(form.file.data.read())
            kept = services.preview_import(call, rows, by=current_user, now=utcnow())
            return redirect(url_for(".plan_import", import_id=kept.id))
    return render_template("delivery/new_import.html", form=form, calls=calls)


@bp.get("/imports/template/<int:call_id>")
@requires(Permission.PLAN_RUN)
def import_template(call_id: int) -> ResponseReturnValue:
    call = queries.get_call_with_awards(call_id)
    live = queries.live_deliveries_of(call)
    rows = [
        (
            award.application.folio,
            str(STATE_NAMES[live[award.id].state] if award.id in live else _("Not planned yet")),
            award.application.person.canton_code,
        )
        for award in queries.awards_of(call, reader=current_user)
        if award.is_active
    ]
    return send_file(io.BytesIO(plan_sheet.template(rows)), mimetype=XLSX, as_attachment=True, max_age=0,
                     download_name=f"{call.code}-deliveries.xlsx")  # fmt: skip


@bp.get("/imports/<int:import_id>")
@requires(Permission.PLAN_RUN)
def plan_import(import_id: int) -> ResponseReturnValue:
    return _preview(import_id, ApplyForm())


@bp.post("/imports/<int:import_id>/apply")
@requires(Permission.PLAN_RUN)
def apply_import(import_id: int) -> ResponseReturnValue:
    kept, form = queries.get_import(import_id, reader=current_user), ApplyForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            only_good = form.which.data != ALL
            services.apply_import(kept, stamp=form.read, only_good=only_good, by=current_user, now=utcnow())
            return redirect(url_for(".plan_import", import_id=import_id))
    return _preview(import_id, form)


@bp.post("/imports/<int:import_id>/discard")
@requires(Permission.PLAN_RUN)
def discard_import(import_id: int) -> ResponseReturnValue:
    kept, form = queries.get_import(import_id, reader=current_user), StampForm()
    if form.validate_on_submit():
        with said_if_refused():
            services.discard_import(kept, stamp=form.read, by=current_user, now=utcnow())
            return redirect(url_for(".new_import"))
    return redirect(url_for(".plan_import", import_id=import_id))


def _preview(import_id: int, form: ApplyForm) -> ResponseReturnValue:
    """What each row does, those to correct first, a hundred on a page."""
    kept = queries.get_import(import_id, reader=current_user)
    form.stamp.data = kept.stamp
    results = sorted(kept.results, key=lambda row: (row[2], row[0]))
    typed = request.args.get("page", "1")
    pages = max(1, -(-len(results) // ROWS_SHOWN))
    at = min(int(typed), pages) if len(typed) < 6 and typed.isascii() and typed.isdigit() else 1
    on_page = results[max(0, at - 1) * ROWS_SHOWN :][:ROWS_SHOWN]
    shown = [(number, folio, good, to_show(sentence)) for number, folio, good, sentence in on_page]
    return render_template("delivery/plan_import.html", kept=kept, rows=shown, form=form, at=max(1, at), pages=pages)
