"""Visits after a delivery: planned, made, and what they say."""

from flask import Response, flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import ngettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls.queries import get_call
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to
from grants.delivery import queries, services, sheets
from grants.delivery.forms import AttemptForm, InterviewForm, PlanVisitsForm
from grants.delivery.models import Visit
from grants.delivery.models.monitoring import ATTEMPT_NAMES, VISIT_NAMES
from grants.delivery.queries.monitoring import MonitoringResults
from grants.delivery.questionnaire import asked_in
from grants.delivery.services.visits import MOST_TRIES, USUAL_SHARE
from grants.delivery.views.blueprint import bp
from grants.people.protection import Mark


@bp.get("/visits")
@requires(Permission.MONITOR_DELIVERY)
def visits() -> ResponseReturnValue:
    today = local_day(utcnow())
    return render_template(
        "delivery/visits.html",
        due=queries.visits_due(current_user, today),
        coming=queries.visits_coming(current_user, today),
        to_plan=queries.calls_to_plan() if current_user.may(Permission.DISPUTE_DELIVERY) else (),
        today=today,
    )


@bp.get("/visits/<int:visit_id>")
@requires(Permission.MONITOR_DELIVERY)
def visit(visit_id: int) -> ResponseReturnValue:
    found = _visible(visit_id)
    if _is_closed(found):
        return _has_ended(kept=found.interviewer_id == current_user.id)
    return _page(found, InterviewForm.for_version(found.version), AttemptForm())


@bp.post("/visits/<int:visit_id>/interview")
@requires(Permission.MONITOR_DELIVERY)
def interview(visit_id: int) -> ResponseReturnValue:
    found = _visible(visit_id)
    form = InterviewForm.for_version(found.version)
    if _is_closed(found):
        said = form.answers if form.agrees else None
        return _has_ended(kept=form.validate() and services.is_kept(found, said, by=current_user))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            if form.agrees:
                services.answer(found, form.answers, by=current_user, now=utcnow())
            else:
                services.no_consent(found, by=current_user, now=utcnow())
            return _ended(found)
    return _page(found, form, AttemptForm(formdata=None))


@bp.post("/visits/<int:visit_id>/not-reached")
@requires(Permission.MONITOR_DELIVERY)
def not_reached(visit_id: int) -> ResponseReturnValue:
    found, form = _visible(visit_id), AttemptForm()
    if _is_closed(found):
        return _has_ended(kept=False)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.note_attempt(found, form.chosen, by=current_user, now=utcnow())
            flash(_("Written down."), "good")
            return redirect(url_for(".visits"))
    return _page(found, InterviewForm.for_version(found.version), form)


@bp.route("/visits/plan/<int:call_id>", methods=["GET", "POST"])
@requires(Permission.DISPUTE_DELIVERY)
def plan_visits(call_id: int) -> ResponseReturnValue:
    call, form = get_call(call_id, current_user), PlanVisitsForm(share_percent=USUAL_SHARE)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            planned = services.plan_visits(
                call, share_percent=form.share_percent.data or 0, by=current_user, now=utcnow()
            )
            flash(ngettext("%(num)d visit is planned.", "%(num)d visits are planned.", planned), "good")
            return redirect(url_for(".monitoring_results"))
    return render_template("delivery/plan_visits.html", call=call, form=form, waiting=len(queries.unplanned(call)))


@bp.get("/visits/results")
@requires(Permission.VIEW_RESULTS)
def monitoring_results() -> ResponseReturnValue:
    opens = current_user.may(Permission.OPEN_RESULT_RECORDS)
    results = _results(protected=not opens)
    return render_template(
        "delivery/monitoring.html",
        results=results,
        opens_records=opens,
        draws=queries.draws(),
        dimensions=sheets.dimension_names(),
        name_of=lambda dimension, value: sheets.value_name(dimension, value, results),
        states=VISIT_NAMES,
        shown=Mark.SHOWN,
        small=Mark.SMALL,
    )


@bp.get("/visits/results.csv")
@requires(Permission.VIEW_RESULTS)
def monitoring_csv() -> ResponseReturnValue:
    return _file(sheets.as_csv(_results(protected=True)), "text/csv; charset=utf-8", "csv")


@bp.get("/visits/results.xlsx")
@requires(Permission.VIEW_RESULTS)
def monitoring_xlsx() -> ResponseReturnValue:
    kind = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
    return _file(sheets.as_workbook(_results(protected=True)), kind, "xlsx")


def _results(*, protected: bool) -> MonitoringResults:
    """Files are always protected: they travel further than whoever may open the records."""
    return queries.monitoring_results(utcnow(), protected=protected)


def _file(body: bytes, kind: str, ending: str) -> Response:
    name = f"visits-{local_day(utcnow()).isoformat()}.{ending}"
    return Response(body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _visible(visit_id: int) -> Visit:
    """A visit of others than this person's team."""
    found = queries.get_visit(visit_id)
    if queries.was_on_the_team(found.delivery, current_user):
        raise NotFound
    return found


def _is_closed(found: Visit) -> bool:
    """Whether it has ended, and this person does not read what was answered."""
    return not (found.is_due or current_user.may(Permission.OPEN_RESULT_RECORDS))


def _has_ended(*, kept: bool) -> ResponseReturnValue:
    """A sentence instead of the visit: the net broke off, and an interview is sent again."""
    if kept:
        flash(_("This visit has ended; what you wrote is kept."), "good")
    else:
        flash(_("This visit has ended; nothing was changed."), "info")
    return redirect(url_for(".visits"))


def _page(found: Visit, form: InterviewForm, attempt: AttemptForm) -> str:
    return render_template(
        "delivery/visit.html",
        visit=found,
        form=form,
        attempt=attempt,
        questions=asked_in(found.version),
        stayed=queries.said_to_have_stayed(found.delivery),
        attempts=ATTEMPT_NAMES,
        states=VISIT_NAMES,
        today=local_day(utcnow()),
        tries_left=MOST_TRIES - found.tries,
        reads=current_user.may(Permission.OPEN_RESULT_RECORDS),
    )


def _ended(found: Visit) -> ResponseReturnValue:
    """Back to the list. What was said decides nothing that an onlooker could see."""
    flash(_("Written down. Thank the person."), "good")
    if current_user.may(Permission.DISPUTE_DELIVERY):
        return redirect(url_for(".show", delivery_id=found.delivery_id))
    return redirect(url_for(".visits"))
