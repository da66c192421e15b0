"""Who must hear of their stop in person, through the community's leader."""

from flask import redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import page_marker, said_if_refused
from grants.delivery.forms import ActionForm
from grants.delivery.models import NOTICE_NAMES
from grants.delivery.queries import notices as questions
from grants.delivery.services import notices
from grants.delivery.views.blueprint import bp


@bp.get("/to-tell")
@requires(Permission.PLAN_RUN)
def to_tell() -> ResponseReturnValue:
    page = questions.to_tell_in_person(utcnow(), after=page_marker())
    return render_template("delivery/to_tell.html", page=page, names=NOTICE_NAMES)


@bp.route("/to-tell/<int:notice_id>", methods=["GET", "POST"])
@requires(Permission.PLAN_RUN, writes=True)
def tell(notice_id: int) -> ResponseReturnValue:
    now = utcnow()
    notice, form = questions.get_to_tell(notice_id, now), ActionForm()
    if form.validate_on_submit():
        with said_if_refused():
            notices.note_told(notice, by=current_user, now=now)
        return redirect(url_for(".to_tell"))
    with transaction():
        notices.note_opened(notice, by=current_user, now=now)
    words = notices.words_of(notice.delivery, notice.kind)
    return render_template("delivery/tell.html", notice=notice, words=words, names=NOTICE_NAMES)
