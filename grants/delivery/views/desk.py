"""The security desk's page, without its key: what waits, who asks for the next stop, the worker's beat, drills."""

from datetime import timedelta

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker, said_if_refused
from grants.delivery import doors
from grants.delivery.forms.desk import DrillForm, StopAnswerForm
from grants.delivery.queries import desk as questions
from grants.delivery.queries import stops
from grants.delivery.services import drills
from grants.delivery.services import stops as stop_services
from grants.delivery.views.blueprint import bp, is_sent_again, said_already

A_WEEK = timedelta(days=7)


@bp.get("/desk")
@requires(Permission.ANSWER_STOPS)
def desk() -> ResponseReturnValue:
    now = utcnow()
    beat = questions.worker_beat()
    return render_template(
        "delivery/desk.html",
        now=now,
        beat=beat,
        is_late=questions.beat_is_late(beat, now),
        waiting=questions.signals_waiting(),
        is_stuck=questions.alerts_stuck(now),
        channels=questions.channel_counts(),
        requests=stops.open_requests(now),
        has_key=doors.desk() is not None,
        drill_overdue=questions.is_drill_overdue(now),
    )


@bp.post("/desk/stop-requests/<int:request_id>")
@requires(Permission.ANSWER_STOPS)
def answer_stop(request_id: int) -> ResponseReturnValue:
    request, form = stops.get_request(request_id), StopAnswerForm()
    if form.validate_on_submit():
        with said_if_refused():
            stop_services.answer_stop(request, form.chosen, by=current_user, now=utcnow())
    return redirect(url_for(".desk"))


@bp.route("/desk/drills", methods=["GET", "POST"])
@requires(Permission.ANSWER_STOPS)
def desk_drills() -> ResponseReturnValue:
    now, form = utcnow(), DrillForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            if is_sent_again(form):
                return said_already(url_for(".desk_drills"))
            drill = drills.plan_drill(
                officers=form.officers.data, due_on=form.day, cost=doors.card_cost(), by=current_user, now=now
            )
            return redirect(url_for(".desk_drill", drill_id=drill.id))
    if not form.is_submitted():
        form.due_on.data = local_day(now) + A_WEEK
    page = questions.drills(after=page_marker())
    return render_template(
        "delivery/desk_drills.html", form=form, page=page, drill_overdue=questions.is_drill_overdue(now)
    )


@bp.get("/desk/drills/<int:drill_id>")
@requires(Permission.ANSWER_STOPS)
def desk_drill(drill_id: int) -> ResponseReturnValue:
    drill = questions.get_drill(drill_id)
    is_over = drill.due_on < local_day(utcnow())
    return render_template(
        "delivery/desk_drill.html", drill=drill, signals=questions.signals_of(drill), is_over=is_over
    )


@bp.get("/desk/alive")
@requires(Permission.PUBLIC)
def worker_alive() -> ResponseReturnValue:
    """For the machine that watches the server: whether the worker runs, and its messages to the desk leave."""
    now = utcnow()
    broken = questions.beat_is_late(questions.worker_beat(), now) or questions.alerts_stuck(now)
    return {"status": "unavailable" if broken else "ok"}, 503 if broken else 200
