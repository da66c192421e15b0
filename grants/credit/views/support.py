"""What the programme gives savings banks: recorded with evidence, looked up, cancelled."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from flask import Response, current_app, flash, redirect, render_template, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user
from werkzeug.datastructures import FileStorage

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.applications.attachments import clean_file, stored
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to, page_marker
from grants.credit import queries
from grants.credit.forms.support import SUPPORT_FORMS, CancelSupportForm, EvidenceForm
from grants.credit.models import Institution, InstitutionSupport
from grants.credit.queries import offers
from grants.credit.services import support as services
from grants.credit.services.support import StoredFile
from grants.credit.views.blueprint import bp
from grants.extensions import limiter


@bp.get("/support")
@requires(Permission.MANAGE_INSTITUTION)
def all_support() -> ResponseReturnValue:
    page, totals = offers.support_page(after=page_marker()), offers.support_totals()
    return render_template("credit/all_support.html", page=page, totals=totals)


@bp.route("/institutions/<int:institution_id>/support/<kind>/new", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
@limiter.limit("30/minute", methods=["POST"])
def new_support(institution_id: int, kind: str) -> ResponseReturnValue:
    institution = queries.get_institution(institution_id)
    if kind not in SUPPORT_FORMS:
        raise NotFound
    form = SUPPORT_FORMS[kind]()
    if form.validate_on_submit():
        with errors_to(form), _kept(form.file.data) as evidence, transaction():
            services.record_support(institution, form.facts(), evidence=evidence, by=current_user, now=utcnow())
            flash(_("The support is recorded."), "good")
            return _to_page(institution)
    return render_template("credit/new_support.html", form=form, institution=institution, kind=kind)


@bp.route("/institutions/<int:institution_id>/support/<int:support_id>/evidence", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
@limiter.limit("30/minute", methods=["POST"])
def add_evidence(institution_id: int, support_id: int) -> ResponseReturnValue:
    institution, support = _support(institution_id, support_id)
    form = EvidenceForm()
    if form.validate_on_submit():
        with errors_to(form), _kept(form.file.data) as evidence, transaction():
            if evidence is not None:
                services.add_evidence(support, evidence, by=current_user, now=utcnow())
            flash(_("The file is kept."), "good")
            return _to_page(institution)
    return render_template("credit/add_evidence.html", form=form, institution=institution, support=support)


@bp.get("/institutions/<int:institution_id>/support/<int:support_id>/evidence/<int:evidence_id>")
@requires(Permission.MANAGE_INSTITUTION, writes=True)
def evidence(institution_id: int, support_id: int, evidence_id: int) -> Response:
    _institution, support = _support(institution_id, support_id)
    found = offers.get_evidence(support, evidence_id)
    path = evidence_folder() / found.storage_name
    if not path.is_file():
        raise NotFound
    with transaction():
        services.note_evidence_opened(found, by=current_user, now=utcnow())
    answer = send_file(path, mimetype=found.media_type, as_attachment=True, download_name=found.file_name, max_age=0)
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.route("/institutions/<int:institution_id>/support/<int:support_id>/cancel", methods=["GET", "POST"])
@requires(Permission.MANAGE_INSTITUTION)
def cancel_support(institution_id: int, support_id: int) -> ResponseReturnValue:
    institution, support = _support(institution_id, support_id)
    form = CancelSupportForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.cancel_support(support, form.reason.data or "", by=current_user, now=utcnow())
            flash(_("Cancelled. It stays on record and counts no more."), "good")
            return _to_page(institution)
    return render_template("credit/cancel_support.html", form=form, institution=institution, support=support)


def evidence_folder() -> Path:
    return Path(current_app.instance_path) / "evidence"


@contextmanager
def _kept(upload: FileStorage | None) -> Iterator[StoredFile | None]:
    """The uploaded file, cleaned and stored; taken away again if what follows is refused. None: there is none."""
    if upload is None or not upload.filename:
        yield None
        return
    file = clean_file(
        upload.filename, upload.stream.read(), max_bytes=int(current_app.config["ATTACHMENT_MAX_BYTES"])
    )  # fmt: skip
    with stored(file, evidence_folder()) as name:
        yield StoredFile(file, name)


def _support(institution_id: int, support_id: int) -> tuple[Institution, InstitutionSupport]:
    institution = queries.get_institution(institution_id)
    return institution, offers.get_support(institution, support_id)


def _to_page(institution: Institution) -> ResponseReturnValue:
    return redirect(url_for(".show_institution", institution_id=institution.id))
