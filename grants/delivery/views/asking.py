"""The officer asks for the next stop, and practises."""

from datetime import datetime, timedelta
from secrets import token_urlsafe

from flask import current_app, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access.guard import requires
from grants.access.models import User
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, said_if_refused
from grants.delivery import doors
from grants.delivery.forms import ActionForm, HandoverForm
from grants.delivery.levels import Factors
from grants.delivery.models import PICTURE_NAMES, PICTURES
from grants.delivery.queries import desk as questions
from grants.delivery.queries import stops
from grants.delivery.services import drills
from grants.delivery.services import stops as stop_services
from grants.delivery.symbols import grouped
from grants.delivery.views.blueprint import bp


def asking_facts(officer: User, now: datetime) -> dict[str, object]:
    """What `delivery/_asking.html` shows on an officer's page."""
    return {
        "asking": stops.asking(officer, now),
        "request_open": stops.open_request_of(officer, now),
        "practice": questions.open_practice(officer, now),
    }


@bp.post("/ask-next-stop")
@requires(Permission.CARRY_DELIVERY)
def ask_next_stop() -> ResponseReturnValue:
    wait = timedelta(minutes=int(current_app.config["NEXT_STOP_WAIT_MINUTES"]))
    if ActionForm().validate_on_submit():
        with said_if_refused():
            stop_services.ask_next_stop(by=current_user, now=utcnow(), wait=wait)
    return redirect(url_for(".my_day"))


@bp.route("/practice/<int:practice_id>", methods=["GET", "POST"])
@requires(Permission.CONFIRM_HANDOVER, code=True)
def practice(practice_id: int) -> ResponseReturnValue:
    found = questions.practice_of(current_user, practice_id)
    form = HandoverForm.for_level(Factors.A_B)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            drills.practise(found, form.codes, desk=doors.desk(), by=current_user, now=utcnow())
    form.key.data = form.key.data or token_urlsafe(18)
    card = [
        (picture.value, PICTURE_NAMES[picture], grouped(code))
        for picture, code in zip(PICTURES, found.codes, strict=True)
    ]
    true = PICTURE_NAMES[PICTURES[int(found.true_picture)]]
    return doors.of_fixed_size(
        render_template("delivery/practice.html", form=form, practice=found, card=card, true_picture=true)
    )
