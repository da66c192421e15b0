"""Pages of programmes, calls and rubrics."""

from flask import Blueprint, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls import queries, services
from grants.calls.forms import CallForm, ExtendForm, ProgrammeForm, QuotasForm, RubricForm
from grants.calls.models import Call
from grants.calls.words import group_words
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.web import errors_to, page_marker

bp = Blueprint("calls", __name__, url_prefix="/calls")


@bp.get("")
@requires(Permission.VIEW_CALL)
def index() -> ResponseReturnValue:
    page = queries.page_of_calls(current_user, after=page_marker())
    return render_template("calls/index.html", page=page, now=utcnow())


@bp.get("/<int:call_id>")
@requires(Permission.VIEW_CALL)
def show(call_id: int) -> ResponseReturnValue:
    call = queries.get_call(call_id, current_user)
    cantons = queries.canton_names(call.quotas)
    quotas = [(quota, group_words(quota.group, cantons)) for quota in call.quotas]
    return render_template("calls/show.html", call=call, quotas=quotas, now=utcnow())


@bp.route("/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_CALL)
def create() -> ResponseReturnValue:
    form = CallForm()
    form.offer(queries.programmes())
    if form.validate_on_submit():
        with errors_to(form), transaction():
            call = services.create_call(form.fields, by=current_user, now=utcnow())
            return redirect(url_for(".rubric", call_id=call.id))
    return render_template("calls/create.html", form=form)


@bp.route("/<int:call_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_CALL)
def edit(call_id: int) -> ResponseReturnValue:
    call = queries.get_call(call_id, current_user)
    form = CallForm(obj=call)
    form.offer(queries.programmes())
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.edit_call(call, form.fields, by=current_user, now=utcnow())
            return _done(call, _("Saved."))
    return render_template("calls/edit.html", form=form, call=call)


@bp.route("/<int:call_id>/rubric", methods=["GET", "POST"])
@requires(Permission.MANAGE_CALL)
def rubric(call_id: int) -> ResponseReturnValue:
    call = queries.get_call(call_id, current_user)
    current = call.rubric if call.has_rubric else None
    form = RubricForm() if request.method == "POST" else RubricForm.of(current)
    if "add" in request.form:
        form.add_row()
    elif form.validate_on_submit():
        with errors_to(form), transaction():
            services.save_rubric(call, form.fields, reason=form.reason.data or "", by=current_user, now=utcnow())
            return _done(call, _("The rubric is saved."))
    return render_template("calls/rubric.html", form=form, call=call)


@bp.route("/<int:call_id>/quotas", methods=["GET", "POST"])
@requires(Permission.MANAGE_CALL)
def quotas(call_id: int) -> ResponseReturnValue:
    call = queries.get_call(call_id, current_user)
    form = QuotasForm() if request.method == "POST" else QuotasForm.of(call)
    form = form.rearranged() if form.step else form
    form.offer(queries.quota_choices())
    if not form.step and form.validate_on_submit():
        with errors_to(form), transaction():
            services.save_quotas(call, form.fields(call.places), by=current_user, now=utcnow())
            return _done(call, _("The quotas are saved."))
    return render_template("calls/quotas.html", form=form, call=call)


@bp.post("/<int:call_id>/publish")
@requires(Permission.MANAGE_CALL)
def publish(call_id: int) -> ResponseReturnValue:
    call = queries.get_call(call_id, current_user)
    with transaction():
        services.publish(call, by=current_user, now=utcnow())
    return _done(call, _("The call is published."))


@bp.route("/<int:call_id>/extend", methods=["GET", "POST"])
@requires(Permission.MANAGE_CALL)
def extend(call_id: int) -> ResponseReturnValue:
    call = queries.get_call(call_id, current_user)
    form = ExtendForm() if request.method == "POST" else ExtendForm.of(call)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.extend(call, closes_at=form.closes_at.data, reason=form.reason.data,
                            by=current_user, now=utcnow())  # fmt: skip
            return _done(call, _("The window is extended."))
    return render_template("calls/extend.html", form=form, call=call)


@bp.post("/<int:call_id>/close")
@requires(Permission.MANAGE_CALL)
def close(call_id: int) -> ResponseReturnValue:
    call = queries.get_call(call_id, current_user)
    with transaction():
        services.close(call, by=current_user, now=utcnow())
    return _done(call, _("The call is closed."))


@bp.get("/programmes")
@requires(Permission.MANAGE_CALL)
def programmes() -> ResponseReturnValue:
    return render_template("calls/programmes.html", programmes=queries.programmes())


@bp.route("/programmes/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_CALL)
def create_programme() -> ResponseReturnValue:
    form = ProgrammeForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.create_programme(form.fields, by=current_user, now=utcnow())
            return redirect(url_for(".programmes"))
    return render_template("calls/programme.html", form=form, address=url_for(".create_programme"))


@bp.route("/programmes/<int:programme_id>/edit", methods=["GET", "POST"])
@requires(Permission.MANAGE_CALL)
def edit_programme(programme_id: int) -> ResponseReturnValue:
    programme = queries.get_programme(programme_id)
    form = ProgrammeForm(obj=programme)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.edit_programme(programme, form.fields, by=current_user, now=utcnow())
            return redirect(url_for(".programmes"))
    return render_template(
        "calls/programme.html", form=form, address=url_for(".edit_programme", programme_id=programme.id)
    )


def _done(call: Call, sentence: str) -> ResponseReturnValue:
    flash(sentence, "good")
    return redirect(url_for(".show", call_id=call.id))
