"""The chair's board of quality: agreement, spread, severity, groups; and one more review at a click."""

from flask import flash, redirect, render_template, request, url_for
from flask.typing import ResponseReturnValue
from flask_babel import gettext as _
from flask_babel import lazy_gettext
from flask_login import current_user

from grants.access.guard import requires
from grants.access.permissions import Permission
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import get_or_refuse, transaction
from grants.evaluation import charts, quality, queries, services
from grants.evaluation.forms import QualityForm, StageForm
from grants.evaluation.quality import Evidence, Spread
from grants.evaluation.views.blueprint import bp
from grants.people.models import GROUP_NAMES
from grants.people.queries import provinces

SHOWN = 25
GROUP_WORDS = {
    "female": lazy_gettext("Women"),
    "yes": lazy_gettext("Yes"),
    **{group.value: name for group, name in GROUP_NAMES.items()},
}
SORTED_BY = {
    "apart": lambda one: (-one.apart, one.folio),
    "mean": lambda one: (-one.mean, one.folio),
    "folio": lambda one: one.folio,
}


@bp.route("/calls/<int:call_id>/evaluation/quality")
@requires(Permission.ASSIGN_EVALUATORS)
def quality_board(call_id: int) -> ResponseReturnValue:
    call = get_or_refuse(Call, call_id)
    owed = queries.owes_sheets(current_user, call.id)
    stages = queries.counted_stages(call)
    if owed or not stages:
        return render_template("evaluation/quality_closed.html", call=call, owed=owed)
    evidence = queries.evidence_of(call, reader=current_user)
    form = QualityForm(request.args).offer(stages)
    return render_template("evaluation/quality.html", call=call, form=form, **_figures(call, evidence, form))


def _figures(call: Call, evidence: Evidence, form: QualityForm) -> dict[str, object]:
    """What the page shows, each statistic with its picture."""
    stage, marked_from = Stage(form.stage.data), form.apart_points
    everything = quality.spreads(evidence, stage)
    marked = [one for one in everything if one.apart >= marked_from]
    chosen = sorted(marked if form.show.data == "discrepant" else everything, key=SORTED_BY[form.sort.data])
    agreed, strict = quality.agreements(evidence, stage), quality.severities(evidence, stage)
    compared = quality.contrasts_by(evidence, stage, form.group.data)
    names = _contrast_names(evidence, compared)
    loads = queries.evaluator_loads(call)
    return {
        "stage": stage,
        "progress": queries.call_progress(call),
        "progress_chart": charts.progress(loads),
        "loads": loads,
        "agreements": agreed,
        "agreement_chart": charts.agreement(agreed),
        "severity": strict,
        "severity_chart": charts.severity(strict),
        "misfit_chart": charts.misfit(strict),
        "contrasts": compared,
        "contrast_names": names,
        "contrast_chart": charts.contrasts(compared, [" · ".join(pair) for pair in names]),
        "third": quality.third_reviews(evidence),
        "on_their_way": queries.reviews_on_their_way(call.id),
        "moderations": _latest_moderations(call),
        "marked_from": marked_from,
        "marked": len(marked),
        "spreads": len(chosen),
        **_page_of(chosen, marked_from),
    }


def _page_of(chosen: list[Spread], marked_from: int) -> dict[str, object]:
    """One page of applications, and which it is; a number that is none is the first."""
    asked = request.args.get("page", "")
    pages = max(-(-len(chosen) // SHOWN), 1)
    number = min(int(asked), pages) if asked.isascii() and asked.isdigit() and len(asked) < 6 else 1
    number = max(number, 1)
    shown = chosen[(number - 1) * SHOWN : number * SHOWN]
    return {"shown": shown, "page": number, "pages": pages, "spread_chart": charts.spread(shown, marked_from)}


def _contrast_names(evidence: Evidence, compared: quality.GroupContrasts) -> list[tuple[str, str]]:
    """Evaluator and group of each contrast, in words."""
    words = {province.code: province.name for province in provinces()} if compared.dimension == "province" else {}
    return [
        (evidence.evaluators[row.rater], str(words.get(row.group) or GROUP_WORDS.get(row.group, row.group)))
        for row in compared.rows
    ]


def _latest_moderations(call: Call) -> dict[tuple[int, Stage], object]:
    newest_last = reversed(queries.moderations_of(call.id))
    return {(one.application_id, one.stage): one for one in newest_last}


@bp.route("/applications/<int:application_id>/third-review", methods=["POST"])
@requires(Permission.ASSIGN_EVALUATORS)
def third_review(application_id: int) -> ResponseReturnValue:
    application = queries.get_application(application_id, reader=current_user)
    form = StageForm()
    if form.validate_on_submit():
        with transaction():
            reader = services.request_review(application, stage=Stage(form.stage.data), by=current_user, now=utcnow())
            flash(_("%(name)s was asked for one more review.", name=reader.name), "good")
    else:
        flash(_("Choose a stage."), "bad")
    return redirect(url_for(".quality_board", call_id=application.call_id, _anchor="third-reviews"))
