"""To how many people credit is open, and by which reasons institutions shut out the others."""

from collections.abc import Iterable

from flask import make_response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.credit import openings_sheet, sheets
from grants.credit.openings import Openings, openings
from grants.credit.queries import matching
from grants.credit.reason_words import REASON_WORDS, SITUATION_NAMES
from grants.credit.services import openings as services
from grants.credit.views.blueprint import bp
from grants.people.models import SEX_NAMES, Canton

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/linkages/openings", endpoint="openings")
@requires(Permission.VIEW_LINKAGE)
def show_openings() -> ResponseReturnValue:
    figures, cantons, canton = _figures()
    return render_template(
        "credit/openings.html",
        figures=figures,
        cells_of=openings_sheet.cells_of,
        cantons=cantons,
        canton=canton,
        reason_words=REASON_WORDS,
        columns=[*SEX_NAMES.values(), *SITUATION_NAMES.values()] if figures.splits else [],
    )


@bp.get("/linkages/openings/export")
@requires(Permission.VIEW_LINKAGE, writes=True)
def export_openings() -> ResponseReturnValue:
    figures, _cantons, _canton = _figures()
    head, rows = openings_sheet.heading(figures), openings_sheet.rows_of(figures)
    with transaction():
        services.note_export(by=current_user, rows=len(rows), now=utcnow())
    is_book = request.args.get("format") == "xlsx"
    answer = make_response(sheets.as_xlsx(head, rows) if is_book else sheets.as_csv(head, rows))
    answer.headers["Content-Type"] = XLSX if is_book else "text/csv; charset=utf-8"
    name = f"openings-{local_day(utcnow())}.{'xlsx' if is_book else 'csv'}"
    answer.headers["Content-Disposition"] = f'attachment; filename="{name}"'
    return answer


def _figures() -> tuple[Openings, list[Canton], str | None]:
    """The figures as this reader may see them, the cantons there are, and the one in the address."""
    day = local_day(utcnow())
    tally = matching.openings_on(day)
    cantons = matching.cantons_named({key[0] for key in tally})
    canton = _chosen(cantons)
    protected = not current_user.may(Permission.OPEN_RESULT_RECORDS)
    return openings(tally, matching.lenders_on(day), canton=canton, protected=protected), cantons, canton


def _chosen(cantons: Iterable[Canton]) -> str | None:
    typed = request.args.get("canton", "")
    return typed if any(one.code == typed for one in cantons) else None
