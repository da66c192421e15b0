"""Selection runs: simulate, propose, sign, publish; the act."""

from collections.abc import Callable
from typing import Any

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.core.documents import pdf
from grants.core.web import errors_to, page_marker
from grants.evaluation.queries import conflicted_applications, owes_sheets
from grants.selection import queries, services
from grants.selection.forms import StepForm
from grants.selection.models import Selection, SelectionState
from grants.selection.views.blueprint import bp


@bp.route("/selections")
@requires(Permission.VIEW_SELECTION)
def index() -> ResponseReturnValue:
    call_id = request.args.get("call_id", type=int)
    call = get_or_refuse(Call, call_id) if call_id is not None else None
    page = queries.runs_page(call.id if call else None, page_marker())
    return _index_page(page, call, StepForm(formdata=None))


def _index_page(page: Any, call: Call | None, form: StepForm) -> str:
    calls = queries.calls_to_select()
    return render_template("selection/index.html", page=page, calls=calls, call=call, form=form)


@bp.route("/calls/<int:call_id>/selections", methods=["POST"])
@requires(Permission.RUN_SELECTION)
def simulate(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    form = StepForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            selection = services.simulate(call, by=current_user, now=utcnow())
            flash(_("Simulated. It binds nobody until two people have signed it and it is published."), "good")
            return redirect(url_for(".show", selection_id=selection.id))
    return _index_page(queries.runs_page(call.id), call, form)


@bp.route("/selections/<int:selection_id>")
@requires(Permission.VIEW_SELECTION)
def show(selection_id: int) -> ResponseReturnValue:
    return _show_page(queries.get_selection(selection_id), StepForm(formdata=None))


def _show_page(selection: Selection, form: StepForm) -> str:
    owed = owed_by_reader(selection)
    base = queries.base_run(selection.call_id) if selection.is_what_if and not owed else None
    return render_template(
        "selection/show.html",
        selection=selection,
        settings=selection.settings,
        form=form,
        owed=owed,
        counts=queries.counts_of(selection),
        still_open=selection.call.is_open(utcnow()),
        comparison=queries.compare(selection, base) if base else None,
        hidden=conflicted_applications(current_user, selection.call_id),
        **({"cut": None, "page": None, "summary": None} if owed else _shown(selection)),
    )


def _shown(selection: Selection) -> dict[str, Any]:
    """What a reader sees who owes no sheets: totals for all, who counts for which quota for coordinators alone."""
    knows_groups = current_user.may(Permission.RUN_SELECTION)
    cut, departures = queries.cut_of(selection), queries.departures_of(selection)
    summary = queries.result_of(selection) if knows_groups else queries.summary_of(selection)
    return {
        "cut": cut,
        "summary": summary,
        "group_names": queries.group_names(summary),
        "knows_groups": knows_groups,
        "departures": departures,
        "page": queries.run_page(
            selection,
            summary if knows_groups else None,
            show=request.args.get("show", ""),
            after=page_marker(),
            cut=cut,
            departures=departures,
        ),
    }


def owed_by_reader(selection: Selection) -> int:
    """Sheets the reader must hand in before they may see anybody's points; none once it is published."""
    if selection.state is SelectionState.PUBLISHED:
        return 0
    return owes_sheets(current_user, selection.call_id)


def _step(selection_id: int, service: Callable[..., None], done: str) -> ResponseReturnValue:
    selection, form = queries.get_selection(selection_id), StepForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            service(selection, by=current_user, now=utcnow())
            flash(done, "good")
            return redirect(url_for(".show", selection_id=selection_id))
    return _show_page(queries.get_selection(selection_id), form)


@bp.route("/selections/<int:selection_id>/propose", methods=["POST"])
@requires(Permission.RUN_SELECTION)
def propose(selection_id: int) -> ResponseReturnValue:
    return _step(selection_id, services.propose, _("Proposed. Two people who did not make it must sign now."))


@bp.route("/selections/<int:selection_id>/approve", methods=["POST"])
@requires(Permission.APPROVE_SELECTION)
def approve(selection_id: int) -> ResponseReturnValue:
    return _step(selection_id, services.approve, _("Signed."))


@bp.route("/selections/<int:selection_id>/publish", methods=["POST"])
@requires(Permission.RUN_SELECTION)
def publish(selection_id: int) -> ResponseReturnValue:
    return _step(selection_id, services.publish, _("Published. The awards and the waiting list are fixed now."))


@bp.route("/selections/<int:selection_id>/discard", methods=["POST"])
@requires(Permission.RUN_SELECTION)
def discard(selection_id: int) -> ResponseReturnValue:
    return _step(selection_id, services.discard, _("Put aside. It stays readable and binds nobody."))


@bp.route("/selections/<int:selection_id>/act")
@requires(Permission.VIEW_SELECTION)
def act(selection_id: int) -> ResponseReturnValue:
    selection = queries.get_selection(selection_id)
    services.check_act(selection, owed=owed_by_reader(selection))
    document = pdf("selection/act.typ", queries.act_data(selection))
    name = f"acta-seleccion-{selection.id}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(document, mimetype="application/pdf", headers=headers)
