"""The figures about credit: the page, its files, and the credits behind a figure."""

from flask import Response, render_template, request
from flask.typing import ResponseReturnValue
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.core.clock import local_day, utcnow
from grants.core.errors import NotFound
from grants.credit import charts, figure_files, figure_words, tables
from grants.credit.periods import as_asked, quarter_ends
from grants.credit.queries import all_institutions
from grants.credit.queries import portfolio as queries
from grants.credit.queries.portfolio import Narrowed
from grants.credit.report import BEHIND, Asked, credits_behind, report
from grants.credit.views.blueprint import bp

XLSX = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


@bp.get("/credit-figures")
@requires(Permission.VIEW_PORTFOLIO)
def figures() -> ResponseReturnValue:
    asked = _asked()
    found = report(asked)
    return render_template(
        "credit/figures.html",
        asked=asked,
        report=found,
        kept=_kept(asked),
        names=figure_words.MEASURE_NAMES,
        definitions=figure_words.DEFINITIONS,
        behind=BEHIND,
        unit_name=tables.unit_name,
        age_chart=charts.principal_by_age(found.portfolio[1]),
        step_chart=charts.people_by_step(found.funnel[0]),
        member_chart=charts.members(found.savings_banks[0]),
        institutions=[] if asked.protected else all_institutions(),
        cantons={} if asked.protected else queries.canton_names(),
        quarters=quarter_ends(local_day(utcnow())),
        hidden=tables.HIDDEN,
    )


@bp.get("/credit-figures/credits")
@requires(Permission.VIEW_LINKAGE)
def figure_credits() -> ResponseReturnValue:
    """The credits behind one figure: folio, what is owed, how late. No names."""
    code, asked = request.args.get("figure", ""), _asked()
    if code not in BEHIND:
        raise NotFound
    return render_template("credit/figure_credits.html", code=code, asked=asked, kept=_kept(asked),
                           found=credits_behind(code, asked), titles=figure_words.BEHIND_NAMES,
                           institution_names=queries.institution_names())  # fmt: skip


@bp.get("/credit-figures.xlsx")
@requires(Permission.VIEW_PORTFOLIO)
def figures_xlsx() -> ResponseReturnValue:
    return _file(figure_files.as_xlsx(report(_asked())), XLSX, "xlsx")


@bp.get("/credit-figures.csv")
@requires(Permission.VIEW_PORTFOLIO)
def figures_csv() -> ResponseReturnValue:
    return _file(figure_files.as_csv(report(_asked())), "text/csv; charset=utf-8", "csv")


def _file(body: bytes, kind: str, ending: str) -> Response:
    name = f"credit-figures-{_asked().day.isoformat()}.{ending}"
    return Response(body, content_type=kind, headers={"Content-Disposition": f'attachment; filename="{name}"'})


def _asked() -> Asked:
    """What the address asks for. Whoever may open no record gets ends of quarters and the whole programme."""
    today = local_day(utcnow())
    protected = not (current_user.may(Permission.OPEN_RESULT_RECORDS) or current_user.may(Permission.VIEW_LINKAGE))
    day, since = as_asked(request.args.get("day"), request.args.get("since"), today=today, quarters=protected)
    people_day = quarter_ends(today)[0] if protected else day
    return Asked(day, since, people_day, Narrowed() if protected else _narrowed(), protected)


def _narrowed() -> Narrowed:
    institution, canton = request.args.get("institution", ""), request.args.get("canton", "")
    is_number = institution.isascii() and institution.isdigit() and len(institution) < 10
    known = canton in queries.canton_names()
    return Narrowed(int(institution) if is_number else None, canton if known else None)


def _kept(asked: Asked) -> dict[str, str | int | None]:
    """What links on the page carry on."""
    return {"day": asked.day.isoformat(), "since": asked.since.isoformat(),
            "institution": asked.narrowed.institution_id, "canton": asked.narrowed.canton_code}  # fmt: skip
