"""Linkages: the board across institutions, one linkage, its next step, and files to take away."""

from datetime import date

from flask import Response, flash, make_response, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.errors import NotFound
from grants.core.web import errors_to, page_marker
from grants.credit import queries, services, sheets
from grants.credit.forms import STEP_FORMS, StepForm
from grants.credit.forms.steps import DisbursementForm
from grants.credit.models import LinkageState
from grants.credit.queries import LinkageFilter
from grants.credit.queries.linkages import MOST_EXPORTED
from grants.credit.queries.movements import credit_products
from grants.credit.services.referrals import acknowledge
from grants.credit.views.blueprint import bp
from grants.credit.views.movements import facts_of

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/linkages")
@requires(Permission.VIEW_LINKAGE)
def index() -> ResponseReturnValue:
    """Across institutions, those stuck for longest first."""
    narrowed = _narrowed()
    page = queries.linkages_page(current_user, narrowed, after=page_marker())
    return render_template(
        "credit/index.html",
        page=page,
        narrowed=narrowed,
        institutions=queries.all_institutions(),
        kept={name: value for name, value in request.args.items() if name in ("institution", "state")},
    )


@bp.get("/linkages/export")
@requires(Permission.VIEW_LINKAGE, writes=True)
def export() -> ResponseReturnValue:
    return _file(_narrowed(), across=True)


@bp.get("/my-linkages/export")
@requires(Permission.LOG_LINKAGE, writes=True)
def export_own() -> ResponseReturnValue:
    if queries.liaison_institution(current_user) is None:
        raise NotFound
    return _file(LinkageFilter(), across=False)


@bp.get("/linkages/<int:linkage_id>")
@requires(Permission.VIEW_LINKAGE, Permission.LOG_LINKAGE, writes=True)
def linkage(linkage_id: int) -> ResponseReturnValue:
    """Coordinators see all and change nothing, a liaison those of the own institution; others see no such page."""
    found = queries.get_linkage(current_user, linkage_id)
    own = queries.liaison_institution(current_user) if current_user.may(Permission.LOG_LINKAGE) else None
    is_own = own is not None and own.id == found.institution_id
    if is_own:
        with transaction():
            acknowledge(found.referral, by=current_user, now=utcnow())
    return render_template("credit/linkage.html", linkage=found, is_own=is_own, **facts_of(found, is_own=is_own))


@bp.route("/linkages/<int:linkage_id>/log/<step>", methods=["GET", "POST"])
@requires(Permission.LOG_LINKAGE)
def log(linkage_id: int, step: str) -> ResponseReturnValue:
    linkage = queries.get_own_linkage(current_user, linkage_id)
    to_state = _step_named(step)
    form = STEP_FORMS.get(to_state, StepForm)(happened_on=_today(), amount_usd=linkage.amount_expected)
    if isinstance(form, DisbursementForm):
        form.offer(credit_products(linkage.institution), linkage.product_id)
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.log_step(linkage, form.step(to_state), by=current_user, now=utcnow())
            flash(_("Logged."), "good")
            return redirect(url_for(".linkage", linkage_id=linkage.id))
    return render_template("credit/log.html", form=form, linkage=linkage, to_state=to_state)


def _narrowed() -> LinkageFilter:
    """The filter in the address; without a state, what is still on its way; "all" for everything."""
    state, institution = request.args.get("state", ""), request.args.get("institution", "")
    known = {one.value: one for one in LinkageState}
    number = int(institution) if institution.isascii() and institution.isdigit() and len(institution) < 10 else None
    return LinkageFilter(institution_id=number, state=known.get(state), open_only=state != "all")


def _file(narrowed: LinkageFilter, *, across: bool) -> Response:
    found = queries.rows_to_export(current_user, narrowed, own=not across)
    head = sheets.heading(across=across)
    rows = [sheets.row_of(linkage, across=across) for linkage in found[:MOST_EXPORTED]]
    with transaction():
        services.note_export(by=current_user, rows=len(rows), now=utcnow())
    if len(found) > MOST_EXPORTED:
        rows.append([_("These are the first %(most)d rows. There are more: narrow the list by institution or state.",
                       most=MOST_EXPORTED)])  # fmt: skip
    is_book = request.args.get("format") == "xlsx"
    answer = make_response(sheets.as_xlsx(head, rows) if is_book else sheets.as_csv(head, rows))
    answer.headers["Content-Type"] = XLSX if is_book else "text/csv; charset=utf-8"
    ending = "xlsx" if is_book else "csv"
    answer.headers["Content-Disposition"] = f'attachment; filename="linkages-{_today()}.{ending}"'
    return answer


def _step_named(word: str) -> LinkageState:
    from_word = {state.value.replace("_", "-"): state for state in LinkageState}
    if word not in from_word:
        raise NotFound
    return from_word[word]


def _today() -> date:
    return local_day(utcnow())
