"""Pages of applications."""

from flask import Blueprint, Response, current_app, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.applications import attachments, queries, receipts, services
from grants.applications.doors import attachments_folder, download
from grants.applications.forms import FileForm, PlanForm, StartForm, SubmitForm, WithdrawForm
from grants.applications.models import STATE_NAMES, Application, ApplicationState
from grants.calls.queries import open_calls, published_calls
from grants.core.clock import PROGRAMME_ZONE, utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound, RuleBroken
from grants.core.web import Onward, errors_to, leads_on, onward_links, page_marker, public_url
from grants.extensions import limiter

bp = Blueprint("applications", __name__, url_prefix="/applications")


@leads_on("person")
def application_links(person_id: int) -> list[Onward]:
    found = queries.of_person(person_id, current_user) if current_user.may(Permission.VIEW_APPLICATION) else ()
    return [
        Onward(_("Application %(folio)s", folio=one.folio), url_for("applications.show", application_id=one.id))
        for one in found
    ]


@bp.get("")
@requires(Permission.VIEW_APPLICATION)
def index() -> ResponseReturnValue:
    call_id = request.args.get("call_id", type=_small_number)
    state = request.args.get("state", type=ApplicationState)
    page = queries.page_of_applications(current_user, call_id=call_id, state=state, after=page_marker())
    kept = {name: value for name, value in (("call_id", call_id), ("state", state)) if value is not None}
    return render_template(
        "applications/index.html", page=page, kept=kept, calls=published_calls(), states=STATE_NAMES, now=utcnow()
    )


@bp.get("/search")
@requires(Permission.VIEW_APPLICATION)
def search() -> ResponseReturnValue:
    try:
        application = queries.by_folio(request.args.get("folio", ""), current_user)
    except NotFound:
        flash(_("No application has this folio. Check each character."), "warn")
        return redirect(url_for(".index"))
    return redirect(url_for(".show", application_id=application.id))


@bp.get("/drafts")
@requires(Permission.EDIT_APPLICATION)
def drafts() -> ResponseReturnValue:
    return render_template("applications/drafts.html", drafts=queries.unfinished_drafts(current_user))


@bp.get("/<int:application_id>")
@requires(Permission.VIEW_APPLICATION)
def show(application_id: int) -> ResponseReturnValue:
    return _show(queries.get_application(application_id, current_user), FileForm(), WithdrawForm())


def _show(application: Application, file_form: FileForm, withdraw_form: WithdrawForm) -> ResponseReturnValue:
    return render_template(
        "applications/show.html",
        application=application,
        file_form=file_form,
        withdraw_form=withdraw_form,
        may_edit=queries.may_edit(application, current_user),
        eligibility=queries.eligibility(application.person_id, application.call),
        onward=onward_links("application", application.id),
        now=utcnow(),
    )


@bp.route("/start/<int:person_id>", methods=["GET", "POST"])
@requires(Permission.EDIT_APPLICATION)
def start(person_id: int) -> ResponseReturnValue:
    person = queries.get_person(person_id)
    calls = {call.id: call for call in open_calls(utcnow())}
    form = StartForm()
    form.call_id.choices = [(call.id, f"{call.code} · {call.name}") for call in calls.values()]
    if form.validate_on_submit():
        with errors_to(form), transaction():
            application = services.start(person, calls[form.call_id.data], by=current_user, now=utcnow())
            return redirect(url_for(".edit", application_id=application.id))
    known = queries.existing(person_id, form.call_id.data, current_user) if form.call_id.data in calls else None
    met = {call.id: queries.eligibility(person_id, call) for call in calls.values()}
    return render_template(
        "applications/start.html", form=form, person=person, calls=calls, existing=known, eligibility=met
    )


@bp.route("/<int:application_id>/edit", methods=["GET", "POST"])
@requires(Permission.EDIT_APPLICATION)
def edit(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, current_user)
    form = PlanForm() if request.method == "POST" else PlanForm.of(application.plan)
    if "add_row" in request.form:
        form.add_rows()
    elif form.validate_on_submit():
        with errors_to(form), transaction():
            _save(application, form)
            return redirect(_after_saving(application))
        return _refused(application, form)
    elif request.method == "POST":
        form.add_rows()
    return _edit(application, form)


def _save(application: Application, form: PlanForm) -> int:
    return services.save_plan(application, form.fields, revision=form.revision.data or 0, by=current_user, now=utcnow())


def _after_saving(application: Application) -> str:
    if "check" in request.form:
        return url_for(".submit", application_id=application.id)
    flash(_("The draft is saved."), "good")
    return url_for(".edit", application_id=application.id)


def _edit(application: Application, form: PlanForm) -> str:
    return render_template("applications/edit.html", form=form, application=application, now=utcnow())


def _refused(application: Application, form: PlanForm) -> ResponseReturnValue:
    """Nothing was saved: what was typed stays on the page, beside the newer text if there is one."""
    form.add_rows()
    application = queries.get_application(application.id, current_user)
    if not application.is_draft or application.plan.revision == form.revision.data:
        return Response(_edit(application, form), 409)
    form.revision.raw_data = [str(application.plan.revision)]
    return render_template("applications/conflict.html", form=form, application=application), 409


@bp.post("/<int:application_id>/autosave")
@requires(Permission.EDIT_APPLICATION)
def autosave(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, current_user)
    form = PlanForm()
    if not form.validate_on_submit():
        return {
            "status": "invalid",
            "message": _("Not saved yet: something needs another look. Press “Save draft” to see what."),
            "errors": form.problems,
        }, 422
    try:
        with transaction():
            revision = _save(application, form)
    except services.StalePlan:
        return {"status": "stale", "message": _("A newer text was saved on another device. Press “Save draft” to "
                                                "compare the two.")}, 409  # fmt: skip
    except RuleBroken as refusal:
        return {"status": "refused", "message": str(refusal.message)}, 409
    saved_at = f"{utcnow().astimezone(PROGRAMME_ZONE):%H:%M}"
    return {"status": "saved", "revision": revision, "message": _("Saved at %(time)s", time=saved_at)}


@bp.route("/<int:application_id>/submit", methods=["GET", "POST"])
@requires(Permission.EDIT_APPLICATION)
def submit(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, current_user)
    if application.state is ApplicationState.SUBMITTED:  # a second tap
        return redirect(url_for(".show", application_id=application.id))
    form = SubmitForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.submit(application, consents=form.consents.data, by=current_user, now=utcnow())
            flash(_("The application is submitted. Give the person their receipt."), "good")
            return redirect(url_for(".show", application_id=application.id))
    return render_template(
        "applications/submit.html",
        form=form,
        application=application,
        obstacles=services.obstacles(application, now=utcnow()),
        consent=queries.grant_consent(application.person_id),
        text=queries.grant_consent_text(application.person.language),
    )


@bp.post("/<int:application_id>/withdraw")
@requires(Permission.EDIT_APPLICATION)
def withdraw(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, current_user)
    form = WithdrawForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.withdraw(application, reason=form.reason.data or "", by=current_user, now=utcnow())
            flash(_("The application is withdrawn."), "good")
            return redirect(url_for(".show", application_id=application.id))
    return _show(queries.get_application(application_id, current_user), FileForm(formdata=None), form)


@bp.post("/<int:application_id>/attachments")
@requires(Permission.EDIT_APPLICATION)
def attach(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, current_user)
    form = FileForm()
    if form.validate_on_submit():
        with errors_to(form):
            _keep(application, form)
            flash(_("The file is attached."), "good")
            return redirect(url_for(".show", application_id=application.id))
    return _show(queries.get_application(application_id, current_user), form, WithdrawForm(formdata=None))


def _keep(application: Application, form: FileForm) -> None:
    limits = current_app.config
    file = attachments.clean_file(
        form.file.data.filename or "", form.file.data.stream.read(), max_bytes=limits["ATTACHMENT_MAX_BYTES"]
    )
    with attachments.stored(file, attachments_folder()) as name, transaction():
        services.attach(application, file, name=name, most=limits["ATTACHMENTS_PER_APPLICATION"],
                        by=current_user, now=utcnow())  # fmt: skip


@bp.get("/<int:application_id>/attachments/<int:attachment_id>")
@requires(Permission.VIEW_APPLICATION)
def attachment(application_id: int, attachment_id: int) -> ResponseReturnValue:
    found = queries.get_attachment(application_id, attachment_id, current_user)
    return download(found, name=found.file_name)


@bp.post("/<int:application_id>/attachments/<int:attachment_id>/remove")
@requires(Permission.EDIT_APPLICATION)
def remove_attachment(application_id: int, attachment_id: int) -> ResponseReturnValue:
    found = queries.get_attachment(application_id, attachment_id, current_user)
    with transaction():
        name = services.remove_attachment(found, by=current_user, now=utcnow())
    attachments.discard(attachments_folder(), name)
    flash(_("The file is removed."), "good")
    return redirect(url_for(".show", application_id=application_id))


@bp.get("/<int:application_id>/receipt")
@requires(Permission.VIEW_APPLICATION)
def receipt(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, current_user)
    if application.submitted_at is None:
        raise NotFound
    address = public_url(".verify", folio=application.folio)
    answer = Response(receipts.receipt(application, address), mimetype="application/pdf")
    answer.headers["Content-Disposition"] = f'inline; filename="{application.folio}.pdf"'
    return answer


@bp.get("/receipts/<folio>")
@requires(Permission.PUBLIC)
@limiter.limit("30 per minute")
def verify(folio: str) -> ResponseReturnValue:
    try:
        application = queries.received(folio)
    except NotFound:
        return render_template("applications/verify.html", application=None), 404
    return render_template("applications/verify.html", application=application)


def _small_number(typed: str) -> int:
    if not (typed.isascii() and typed.isdigit() and len(typed) < 10):
        raise ValueError(typed)
    return int(typed)
