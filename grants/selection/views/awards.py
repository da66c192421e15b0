"""Awards and the waiting list."""

from flask import flash, redirect, render_template, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls.models import Call
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.core.web import errors_to, onward_links, page_marker
from grants.evaluation.queries import conflicted_applications
from grants.selection import queries, services
from grants.selection.forms import EndForm
from grants.selection.models import AwardState
from grants.selection.views.blueprint import bp


@bp.route("/calls/<int:call_id>/awards")
@requires(Permission.VIEW_SELECTION)
def awards(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    return render_template(
        "selection/awards.html",
        call=call,
        page=queries.awards_page(call, page_marker()),
        counts=queries.award_counts(call),
        selection=queries.published_selection(call.id),
        hidden=conflicted_applications(current_user, call.id),
    )


@bp.route("/calls/<int:call_id>/waiting-list")
@requires(Permission.VIEW_SELECTION)
def waiting(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    selection = queries.published_selection(call.id)
    return render_template(
        "selection/waiting.html",
        call=call,
        selection=selection,
        page=queries.waiting_page(selection, page_marker()) if selection else None,
        hidden=conflicted_applications(current_user, call.id),
    )


@bp.route("/awards/<int:award_id>")
@requires(Permission.VIEW_SELECTION)
def award(award_id: int) -> ResponseReturnValue:
    return _award_page(award_id, EndForm(formdata=None))


def _award_page(award_id: int, form: EndForm) -> str:
    found = queries.get_award(award_id, reader=current_user)
    return render_template(
        "selection/award.html",
        award=found,
        form=form,
        row=queries.row_of(found),
        replacement=queries.replacement_of(found),
        next_one=queries.first_waiting(found.selection),
        called=services.called_sentence(found),
        onward=onward_links("award", found.id),
    )


@bp.route("/awards/<int:award_id>/end", methods=["POST"])
@requires(Permission.RUN_SELECTION)
def end(award_id: int) -> ResponseReturnValue:
    found = queries.get_award(award_id, reader=current_user)
    form = EndForm()
    if form.validate_on_submit():
        declines = form.state.data == AwardState.DECLINED.value
        service = services.decline_award if declines else services.withdraw_award
        with errors_to(form), transaction():
            ended = service(found, reason=form.reason.data or "", by=current_user, now=utcnow())
            _say_what_followed(ended)
            return redirect(url_for(".award", award_id=award_id))
    return _award_page(award_id, form)


def _say_what_followed(ended: services.Ended) -> None:
    if ended.replacement is None:
        flash(_("The award ended. Nobody is left on the waiting list, so the place stays free."), "warn")
    else:
        folio, why = ended.replacement.application.folio, services.called_sentence(ended.replacement)
        flash(_("The award ended. %(folio)s has the place now. %(why)s", folio=folio, why=why), "good")
