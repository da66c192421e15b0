"""A lender's spreadsheet: send it, say what its columns mean, look at every row, apply it, take the refused rows."""

import io
from typing import Any

from flask import Response, flash, jsonify, redirect, render_template, request, send_file, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.db import transaction
from grants.core.errors import RuleBroken
from grants.core.web import errors_to, page_marker, said_if_refused
from grants.credit import import_jobs, import_sheets, import_words, spreadsheets
from grants.credit.forms.imports import ApplyImportForm, MapForm, SendForm
from grants.credit.import_rows import Facts
from grants.credit.import_settings import TO_CORRECT, Field, Settings, plain, reads_as_heading, shown
from grants.credit.models import CreditImport, ImportMode, ImportRow, ImportState, RowOutcome
from grants.credit.queries import imports as queries
from grants.credit.services import imports as services
from grants.credit.sharing import short_name
from grants.credit.views.blueprint import bp
from grants.credit.workbooks import Refused

P = Permission
XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"
TOP_ROWS = 12


@bp.route("/credit-imports", methods=["GET", "POST"])
@requires(P.LOG_LINKAGE, P.MANAGE_INSTITUTION)
def credit_imports() -> ResponseReturnValue:
    institutions = queries.institutions_to_import(current_user)
    form = SendForm().offer(institutions)
    if form.validate_on_submit():
        with errors_to(form):
            with transaction():
                institution = queries.institution_named(current_user, int(form.institution.data))
            # Between two transactions: on SQLite the first read of this request has taken the one writer.
            file = form.file.data.read()
            sheet = _sheet(file)
            with transaction():
                received = services.receive(
                    institution, sheet, services.fingerprint(file), by=current_user, now=utcnow()
                )
            if received.is_again:
                flash(_("This file was sent before. Here is what became of it; nothing was changed now."), "info")
            return _to_import(received.kept.id)
    return render_template(
        "credit/imports.html", form=form, institutions=institutions, mappings=queries.mappings_of(current_user),
        page=queries.imports_page(current_user, after=page_marker()), **_words(),
    )  # fmt: skip


@bp.get("/credit-imports/template")
@requires(P.LOG_LINKAGE, P.MANAGE_INSTITUTION)
def import_template() -> ResponseReturnValue:
    return _file(import_sheets.template(), "semilla-plantilla.xlsx")


@bp.get("/credit-imports/<int:import_id>")
@requires(P.LOG_LINKAGE, P.MANAGE_INSTITUTION)
def credit_import(import_id: int) -> ResponseReturnValue:
    kept = queries.get_import(current_user, import_id)
    if kept.state is ImportState.MAPPING:
        return redirect(url_for(".map_import", import_id=kept.id))
    return _show(kept, ApplyImportForm())


@bp.route("/credit-imports/<int:import_id>/map", methods=["GET", "POST"])
@requires(P.LOG_LINKAGE, P.MANAGE_INSTITUTION)
def map_import(import_id: int) -> ResponseReturnValue:
    kept = queries.get_import(current_user, import_id)
    if kept.state not in (ImportState.MAPPING, ImportState.READY):
        return _to_import(kept.id)
    rows = list(queries.first_rows(kept, spreadsheets.HEAD_ROWS))
    at = _heading_at(rows, kept)
    heading, example = rows[at], rows[at + 1].cells if at + 1 < len(rows) else []
    form = MapForm(heading_row=str(heading.number)).offer(heading.cells, example)
    if kept.mapping is not None and not form.is_submitted():
        form.fill(Settings.from_json(kept.mapping.settings))
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.map_columns(kept, heading, form.settings(), by=current_user, now=utcnow())
            return _to_import(kept.id)
    top = [(row.number, [shown(plain(cell)) for cell in row.cells]) for row in rows[:TOP_ROWS]]
    return render_template("credit/import_map.html", kept=kept, form=form, heading=heading, rows=rows, top=top,
                           fields=list(Field), names=import_words.FIELD_NAMES)  # fmt: skip


@bp.post("/credit-imports/<int:import_id>/go-on")
@requires(P.LOG_LINKAGE, P.MANAGE_INSTITUTION)
def go_on_with_import(import_id: int) -> ResponseReturnValue:
    """The next turn. The page's script asks for JSON; a press of the button comes back to the page."""
    kept = queries.get_import(current_user, import_id)
    import_jobs.go_on(kept.id, now=utcnow())
    if request.accept_mimetypes.best == "application/json":
        kept = queries.get_import(current_user, import_id)
        return jsonify(made=kept.done, total=kept.total, state="making" if kept.is_working else kept.state.value)
    return _to_import(import_id)


@bp.post("/credit-imports/<int:import_id>/apply")
@requires(P.LOG_LINKAGE, P.MANAGE_INSTITUTION)
def apply_credit_import(import_id: int) -> ResponseReturnValue:
    kept, form = queries.get_import(current_user, import_id), ApplyImportForm()
    if form.validate_on_submit():
        with errors_to(form), transaction():
            services.ask_apply(kept, ImportMode(form.which.data), by=current_user, now=utcnow())
            return _to_import(import_id)
    return _show(queries.get_import(current_user, import_id), form)


@bp.post("/credit-imports/<int:import_id>/discard")
@requires(P.LOG_LINKAGE, P.MANAGE_INSTITUTION)
def discard_credit_import(import_id: int) -> ResponseReturnValue:
    kept = queries.get_import(current_user, import_id)
    with said_if_refused():
        services.discard(kept, by=current_user, now=utcnow())
        flash(_("Forgotten. What stood in the file is gone from here."), "good")
    return redirect(url_for(".credit_imports"))


@bp.get("/credit-imports/<int:import_id>/errors")
@requires(P.LOG_LINKAGE, P.MANAGE_INSTITUTION, writes=True)
def import_errors(import_id: int) -> ResponseReturnValue:
    """The rows to correct, in the shape of the file, each with its reason."""
    kept = queries.get_import(current_user, import_id)
    if kept.mapping is None:
        return _to_import(kept.id)
    rows = [row for row in queries.rows_with(kept, RowOutcome.BAD, cells=True) if row.cells is not None]
    title = TO_CORRECT.get(get_locale().language, TO_CORRECT["en"])
    table = import_sheets.to_correct(kept.mapping.heading, [(row.cells, _sentence(row)) for row in rows], title)
    with transaction():
        services.note_download(kept, rows=len(rows), by=current_user, now=utcnow())
    return _table(table, Settings.from_json(kept.mapping.settings), f"corregir-{kept.id}")


@bp.get("/credit-mappings/<int:mapping_id>/export")
@requires(P.LOG_LINKAGE, P.MANAGE_INSTITUTION, writes=True)
def export_mapping(mapping_id: int) -> ResponseReturnValue:
    """What is logged of the institution's credits, in the shape of its own file."""
    mapping = queries.get_mapping(current_user, mapping_id)
    settings = Settings.from_json(mapping.settings)
    table = import_sheets.logged(mapping.heading, settings, queries.disbursed_linkages(mapping.institution))
    with transaction():
        services.note_export(mapping, rows=len(table) - 1, by=current_user, now=utcnow())
    return _table(table, settings, f"creditos-{local_day(utcnow())}")


def _sheet(file: bytes) -> spreadsheets.Sheet:
    try:
        return spreadsheets.read(file)
    except Refused as error:
        raise RuleBroken(import_words.TROUBLES[error.trouble], field="file") from error


def _show(kept: CreditImport, form: ApplyImportForm) -> ResponseReturnValue:
    outcomes = queries.outcomes_of(kept)
    known, asked = {one.value: one for one in RowOutcome}, request.args.get("show", "")
    first = RowOutcome.BAD if outcomes[RowOutcome.BAD] and kept.state is ImportState.READY else None
    outcome = known.get(asked, None if asked == "all" else first)
    if outcomes[RowOutcome.BAD] and not form.is_submitted():
        form.which.data = ImportMode.GOOD.value
    page = queries.rows_page(kept, outcome, after=page_marker())
    lines = [] if kept.is_working else _lines(kept, list(page.items))
    return render_template("credit/import.html", kept=kept, form=form, page=page, lines=lines, outcome=outcome,
                           outcomes=outcomes, asked=outcome.value if outcome else "all", **_words())  # fmt: skip


def _lines(kept: CreditImport, rows: list[ImportRow]) -> list[dict[str, Any]]:
    """What is shown of each row: the name that the file gives stands beside our own, and decides nothing."""
    people = queries.people_of(kept, rows)
    columns = Settings.from_json(kept.mapping.settings).columns if kept.mapping else {}
    lines = []
    for row in rows:
        person, cells = people.get(row.linkage_id or 0), row.cells or []
        at = columns.get(Field.NAME, len(cells))
        named = shown(plain(cells[at])) if at < len(cells) else ""
        facts = Facts.from_json(row.facts) if row.facts else None
        lines.append({
            "row": row, "person": person, "ours": short_name(person) if person else "", "named": named[:60],
            "facts": facts, "column": import_words.column_of(row), "said": import_words.said(row),
        })  # fmt: skip
    return lines


def _heading_at(rows: list[ImportRow], kept: CreditImport) -> int:
    """Where the heading is: as asked, as before, or the first row that reads like one."""
    asked = request.values.get("heading_row") or str(kept.heading_row or "")
    numbers = [str(row.number) for row in rows]
    if asked in numbers:
        return numbers.index(asked)
    return next((at for at, row in enumerate(rows) if reads_as_heading(row.cells)), 0)


def _sentence(row: ImportRow) -> str:
    column = import_words.column_of(row)
    return f"{column}: {import_words.said(row)}" if column else str(import_words.said(row))


def _table(table: list[list[Any]], settings: Settings, name: str) -> Response:
    if request.args.get("format") == "csv":
        return _file(import_sheets.as_csv(table, decimal_mark=settings.decimal_mark), f"{name}.csv", "text/csv")
    return _file(import_sheets.as_xlsx(table), f"{name}.xlsx")


def _file(content: bytes, name: str, kind: str = XLSX) -> Response:
    answer = send_file(io.BytesIO(content), mimetype=kind, as_attachment=True, download_name=name)
    answer.headers["Cache-Control"] = "no-store"
    return answer


def _to_import(import_id: int) -> ResponseReturnValue:
    return redirect(url_for(".credit_import", import_id=import_id))


def _words() -> dict[str, Any]:
    return {
        "states": import_words.IMPORT_STATES, "tones": import_words.IMPORT_TONES, "events": import_words.EVENT_NAMES,
        "outcome_names": import_words.OUTCOME_NAMES, "outcome_tones": import_words.OUTCOME_TONES,
    }  # fmt: skip
