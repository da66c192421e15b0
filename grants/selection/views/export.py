"""Files to take away about a run: the workbook in two versions, data for R, the methods annex."""

from io import BytesIO
from typing import IO

from flask import current_app, request, send_file
from flask.typing import ResponseReturnValue
from flask_babel import force_locale
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import utcnow
from grants.core.db import reads_only, transaction
from grants.core.documents import pdf
from grants.core.web import chosen_language
from grants.evaluation.queries import conflicted_applications
from grants.selection import annex, queries, services
from grants.selection.exports import Contents, Version, run_data, run_workbook
from grants.selection.models import Selection
from grants.selection.views.blueprint import bp
from grants.selection.views.runs import owed_by_reader

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/selections/<int:selection_id>/workbook.xlsx")
@requires(Permission.VIEW_SELECTION, writes=True)
def public_workbook(selection_id: int) -> ResponseReturnValue:
    return _workbook(selection_id, Version.PUBLIC)


@bp.get("/selections/<int:selection_id>/internal-workbook.xlsx")
@requires(Permission.RUN_SELECTION, writes=True)
def internal_workbook(selection_id: int) -> ResponseReturnValue:
    return _workbook(selection_id, Version.INTERNAL)


def _workbook(selection_id: int, version: Version) -> ResponseReturnValue:
    selection = _noted(selection_id, f"{version.value} workbook")
    file = run_workbook(
        _contents(selection),
        queries.rows_to_export(selection, reader=current_user),
        version=version,
        cut=queries.cut_of(selection),
        hidden=queries.hidden_in_run(selection, reader=current_user),
    )
    return _sent(file, XLSX, f"semilla-{version.value}-run-{selection.id}.xlsx")


@bp.get("/selections/<int:selection_id>/data-for-r.zip")
@requires(Permission.VIEW_SELECTION, writes=True)
def data_for_r(selection_id: int) -> ResponseReturnValue:
    selection = _noted(selection_id, "data for R")
    file = run_data(_contents(selection), queries.rows_to_export(selection, reader=current_user))
    return _sent(file, "application/zip", f"semilla-data-run-{selection.id}.zip")


@bp.get("/selections/<int:selection_id>/methods-annex")
@requires(Permission.VIEW_SELECTION, writes=True)
def methods_annex(selection_id: int) -> ResponseReturnValue:
    """In the language of the page, or in the one that the address asks for."""
    selection = _noted(selection_id, "methods annex")
    language = request.args.get("language")
    if language not in current_app.config["LANGUAGES"]:
        language = chosen_language()
    hidden = conflicted_applications(current_user, selection.call_id)
    with force_locale(language):
        data = annex.methods_annex(_contents(selection), queries.rows_to_export(selection, reader=None), hidden=hidden)
    document = BytesIO(pdf("selection/annex.typ", data))
    return _sent(document, "application/pdf", f"semilla-methods-run-{selection.id}-{language}.pdf")


def _noted(selection_id: int, kind: str) -> Selection:
    """The run, once its export is in the journal. What is read after that must not stop others from writing."""
    selection = queries.get_selection(selection_id)
    with transaction():
        services.note_export(selection, kind=kind, owed=owed_by_reader(selection), by=current_user, now=utcnow())
    reads_only.set(True)
    return selection


def _contents(selection: Selection) -> Contents:
    record, result = queries.record_of(selection), queries.result_of(selection)
    return Contents(
        selection=selection,
        rubrics=queries.rubrics_of_run(selection),
        names=queries.evaluators_of_run(selection),
        result=result,
        groups=queries.group_names(result),
        taken=queries.sheets_taken(record),
        departures={one.application_id: one for one in queries.departures_of(selection)},
    )


def _sent(file: IO[bytes], media_type: str, name: str) -> ResponseReturnValue:
    return send_file(file, mimetype=media_type, as_attachment=True, download_name=name, max_age=0)
