"""Asking people how getting credit went: whom to ask next, and what they say."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.web import errors_to
from grants.credit.forms.satisfaction import HowAskedForm, SatisfactionForm
from grants.credit.models.satisfaction import LATEST
from grants.credit.queries import satisfaction as queries
from grants.credit.queries.satisfaction import ToAsk
from grants.credit.services import satisfaction as services
from grants.credit.views.blueprint import bp

REFUSED = "refused"  # tells the fields of the two forms on the page apart


@bp.get("/credit-satisfaction")
@requires(Permission.SURVEY_CREDIT)
def to_ask() -> ResponseReturnValue:
    found = queries.to_ask(current_user, local_day(utcnow()))
    return render_template("credit/to_ask.html", found=found, latest=LATEST)


@bp.route("/credit-satisfaction/<int:linkage_id>/ask", methods=["GET", "POST"])
@requires(Permission.SURVEY_CREDIT)
def ask(linkage_id: int) -> ResponseReturnValue:
    asked = _asked(linkage_id)
    form = SatisfactionForm(asked_on=local_day(utcnow()))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.write_down(asked, form.answers, by=current_user, now=utcnow())
            return _next()
    return _page(asked, form, HowAskedForm(formdata=None, prefix=REFUSED, asked_on=local_day(utcnow())))


@bp.post("/credit-satisfaction/<int:linkage_id>/refused")
@requires(Permission.SURVEY_CREDIT)
def ask_refused(linkage_id: int) -> ResponseReturnValue:
    asked, form = _asked(linkage_id), HowAskedForm(prefix=REFUSED)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.write_down(asked, form.answers, by=current_user, now=utcnow())
            return _next()
    return _page(asked, SatisfactionForm(formdata=None, asked_on=local_day(utcnow())), form)


def _asked(linkage_id: int) -> ToAsk:
    return queries.get_to_ask(current_user, linkage_id, local_day(utcnow()))


def _page(asked: ToAsk, form: SatisfactionForm, refusal: HowAskedForm) -> str:
    return render_template("credit/ask.html", asked=asked, form=form, refusal=refusal)


def _next() -> ResponseReturnValue:
    flash(_("Written down. Thank the person."), "good")
    return redirect(url_for(".to_ask"))
