"""Doors to the results: the donor's table, its spreadsheet, and the records behind a figure."""

from collections.abc import Sequence

from flask import Blueprint, Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.errors import NotFound
from grants.core.web import page_marker
from grants.reports import queries
from grants.reports.export import results_workbook
from grants.reports.framework import CODES
from grants.reports.home import home
from grants.reports.results import Result, dimensions_of
from grants.reports.shares import ShareResult, shares
from grants.reports.words import dimension_name, hidden_mark, value_name

bp = Blueprint("reports", __name__)
blueprints = (bp, home)
SPREADSHEET = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/results")
@requires(Permission.VIEW_RESULTS)
def results() -> ResponseReturnValue:
    places = queries.place_names()
    return render_template(
        "reports/results.html",
        results=_results(),
        shares=_shares(),
        opens_records=_opens_records(),
        dimension_name=dimension_name,
        value_name=lambda dimension, value: value_name(dimension, value, places),
        hidden_mark=hidden_mark,
    )


@bp.get("/results.xlsx")
@requires(Permission.VIEW_RESULTS)
def spreadsheet() -> ResponseReturnValue:
    content = results_workbook(_results(), _shares(), places=queries.place_names(), language=_language())
    headers = {"Content-Disposition": "attachment; filename=semilla-results.xlsx"}
    return Response(content, mimetype=SPREADSHEET, headers=headers)


@bp.get("/results/<code>/records")
@requires(Permission.OPEN_RESULT_RECORDS)
def records(code: str) -> ResponseReturnValue:
    """The people behind one figure: folio and day of the event, no names."""
    if code not in CODES:
        raise NotFound
    year, dimension, value = _wanted_year(), request.args.get("dimension", ""), request.args.get("value", "")
    if dimension and dimension not in dimensions_of(code, protected=False):
        raise NotFound
    page = queries.records_page(code, year=year, dimension=dimension, value=value, after=page_marker())
    if not page.count:
        raise NotFound
    named = value_name(dimension, value, queries.place_names()) if dimension else ""
    return render_template("reports/records.html", frame=queries.frame(code), page=page, year=year,
                           dimension=dimension, value=value, named=named, dimension_name=dimension_name)  # fmt: skip


def _wanted_year() -> int | None:
    typed = request.args.get("year", "")
    if not typed:
        return None
    if not (typed.isascii() and typed.isdigit() and len(typed) == 4):
        raise NotFound
    return int(typed)


def _results() -> Sequence[Result]:
    return queries.results(protected=not _opens_records())


def _shares() -> Sequence[ShareResult]:
    return shares(local_day(utcnow()), protected=not _opens_records())


def _opens_records() -> bool:
    return bool(current_user.may(Permission.OPEN_RESULT_RECORDS))


def _language() -> str:
    return str(get_locale() or "es")[:2]
