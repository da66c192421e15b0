"""Letters: their preview and release, who is still to be told, and the codes that staff hand out."""

from collections.abc import Callable

from flask import Response, flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import force_locale, ngettext
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import transaction
from grants.core.documents import pdf, qr_svg
from grants.core.errors import NotFound
from grants.core.web import Onward, chosen_language, errors_to, leads_on, page_marker, public_url
from grants.evaluation.queries import conflicted_applications
from grants.selection import queries, services
from grants.selection.forms import ReleaseForm, StepForm
from grants.selection.models import Letter, LetterRelease, Selection, SelectionState
from grants.selection.views.blueprint import bp


@bp.get("/selections/<int:selection_id>/letters")
@requires(Permission.VIEW_SELECTION)
def letters(selection_id: int) -> ResponseReturnValue:
    selection = _published(selection_id)
    form = ReleaseForm(formdata=None, appeal_days=services.APPEAL_DAYS, decision_days=services.DECISION_DAYS)
    return _letters_page(selection, form)


def _published(selection_id: int) -> Selection:
    selection = queries.get_selection(selection_id)
    if selection.state is not SelectionState.PUBLISHED:
        raise NotFound
    return selection


def _letters_page(selection: Selection, form: ReleaseForm) -> str:
    release = queries.release_of(selection.id)
    if release is None:
        previews = services.preview_letters(selection, language=chosen_language(), now=utcnow())
        return render_template("selection/letters_preview.html", selection=selection, form=form, previews=previews)
    left = request.args.get("show") != "told"
    return render_template(
        "selection/letters.html",
        selection=selection,
        release=release,
        form=form,
        counts=queries.told_counts(release),
        page=queries.letters_page(release, page_marker(), left=left),
        left=left,
        hidden=conflicted_applications(current_user, selection.call_id),
    )


@bp.post("/selections/<int:selection_id>/letters/release")
@requires(Permission.RUN_SELECTION)
def release(selection_id: int) -> ResponseReturnValue:
    selection, form = _published(selection_id), ReleaseForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            released = services.release_letters(
                selection,
                appeal_days=form.appeal_days.data or 0,
                decision_days=form.decision_days.data or 0,
                address=public_url("selection.mine"),
                by=current_user,
                now=utcnow(),
            )
            counts = queries.told_counts(released)
            flash(ngettext("%(num)d letter was released.", "%(num)d letters were released.", counts.letters), "good")
            return redirect(url_for(".letters", selection_id=selection_id))
    return _letters_page(queries.get_selection(selection_id), form)


@bp.get("/selections/<int:selection_id>/letters/notices")
@requires(Permission.RUN_SELECTION)
def notices(selection_id: int) -> ResponseReturnValue:
    """A sheet for each person who is still to be told in person: alike for all, without outcome or name."""
    found = queries.release_of(_published(selection_id).id)
    to_print = queries.letters_to_print(found) if found else ()
    if found is None or not to_print:
        raise NotFound
    sheets = [_sheet(letter, found) for letter in to_print]
    document = pdf("selection/notices.typ", {"sheets": sheets, "qr": qr_svg(found.address)})
    name = f"avisos-{selection_id}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(document, mimetype="application/pdf", headers=headers)


def _sheet(letter: Letter, release: LetterRelease) -> dict[str, object]:
    with force_locale(letter.language):
        text = services.notice_text(letter.application.folio, release)
        return {"language": letter.language, "title": _("There is an answer for you"), "paragraphs": text.split("\n\n"),
                "folio": letter.application.folio}  # fmt: skip


@leads_on("application")
def result_links(application_id: int) -> list[Onward]:
    if not current_user.may(Permission.TELL_RESULT) or queries.letter_of(application_id) is None:
        return []
    return [Onward(_("Result and code"), url_for("selection.result", application_id=application_id))]


@bp.get("/applications/<int:application_id>/result")
@requires(Permission.TELL_RESULT)
def result(application_id: int) -> ResponseReturnValue:
    return _result_page(application_id, StepForm(formdata=None))


def _result_page(application_id: int, form: StepForm, code: str = "") -> str:
    letter = queries.get_letter_of(application_id, current_user)
    return render_template(
        "selection/result.html",
        letter=letter,
        form=form,
        code=code,
        live=queries.live_code(application_id),
        has_mailbox=services.has_mailbox(letter, now=utcnow()),
        appeal=queries.appeal_of(application_id),
    )


@bp.post("/applications/<int:application_id>/result/code")
@requires(Permission.TELL_RESULT)
def issue_code(application_id: int) -> ResponseReturnValue:
    """A code to be read out or copied now: this answer is the only place that shows it."""
    letter, form = queries.get_letter_of(application_id, current_user), StepForm()
    code = ""
    if form.validate_on_submit():
        with errors_to(form), transaction():
            code = services.issue_code(letter, by=current_user, now=utcnow())
    return _result_page(application_id, form, code)


@bp.post("/applications/<int:application_id>/result/code-by-mail")
@requires(Permission.TELL_RESULT)
def mail_code(application_id: int) -> ResponseReturnValue:
    return _step_of_result(
        application_id,
        lambda letter: services.issue_code(letter, by_mail=True, by=current_user, now=utcnow()),
        _("The code is on its way to the person's e-mail."),
    )


@bp.post("/applications/<int:application_id>/result/told")
@requires(Permission.TELL_RESULT)
def told(application_id: int) -> ResponseReturnValue:
    return _step_of_result(
        application_id,
        lambda letter: services.record_told(letter, by=current_user, now=utcnow()),
        _("Recorded: this person was told in person."),
    )


def _step_of_result(application_id: int, service: Callable[[Letter], object], done: str) -> ResponseReturnValue:
    letter, form = queries.get_letter_of(application_id, current_user), StepForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            service(letter)
            flash(done, "good")
            return redirect(url_for(".result", application_id=application_id))
    return _result_page(application_id, form)
