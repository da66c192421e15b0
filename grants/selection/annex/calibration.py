"""Sections on how far severe and lenient evaluators may have moved the points."""

from math import isfinite

from flask_babel import gettext as _

import scoring
from grants.calls.models import STAGE_NAMES, Stage
from grants.selection.annex.blocks import Block, number, section, table, text, whole
from grants.selection.exports.contents import Contents
from grants.selection.exports.fits import Fits
from grants.selection.exports.tally import Tally

DRAWS, SEED = 1000, 0


def about_calibration(fits: Fits) -> Block:
    model = text(_("Model, for each stage: points = panel + application + evaluator + rest, with applications and "
                   "evaluators as random effects, variances by restricted maximum likelihood (Patterson and Thompson "
                   "1971). A positive severity means fewer points than the average evaluator gives; with few reviews "
                   "it shrinks towards 0 and says little."))  # fmt: skip
    return section(
        _("Severity of evaluators"),
        model,
        *([_variances(fits), _severities(fits)] if fits.fits else []),
        *(text(_refusal(stage, why)) for stage, why in fits.refused.items()),
    )


def _variances(fits: Fits) -> Block:
    head = [_("Stage"), _("Variance: applications"), _("Evaluators"), _("Rest"), _("ICC, one sheet"),
            _("ICC, mean of the sheets"), _("REML criterion")]  # fmt: skip
    rows = [
        [str(STAGE_NAMES[stage]), number(fit.variance.application), number(fit.variance.evaluator),
         number(fit.variance.residual), number(fit.icc_single, 3), number(fit.icc_mean, 3),
         number(fit.reml_criterion, 4) if isfinite(fit.reml_criterion) else "—"]
        for stage, fit in fits.fits.items()
    ]  # fmt: skip
    return table(head, rows)


def _severities(fits: Fits) -> Block:
    head = [_("Stage"), _("Most lenient"), _("Its standard error"), _("Most severe"), _("Its standard error"),
            _("Fewest reviews"), _("Most reviews")]  # fmt: skip
    return table(head, [[str(STAGE_NAMES[stage]), *_range(fit)] for stage, fit in fits.fits.items()])


def _range(fit: scoring.Calibration) -> list[str]:
    ordered = sorted(fit.severity, key=lambda one: (fit.severity[one], str(one)))
    ends = (ordered[0], ordered[-1])
    told = [number(value) for one in ends for value in (fit.severity[one], fit.severity_se[one])]
    reviews = fit.reviews.values()
    return [*told, whole(min(reviews)), whole(max(reviews))]


def _refusal(stage: Stage, why: str) -> str:
    reasons = {
        "not_comparable": _("The evaluators fall into parts that share no application, so severity cannot be compared "
                            "between them."),
        "not_estimable": _("Too few sheets to tell the severity of evaluators from the quality of applications."),
    }  # fmt: skip
    return f"{STAGE_NAMES[stage]}: {reasons[why]}"


def about_the_accuracy(contents: Contents, tally: Tally, fits: Fits) -> Block:
    """How sure the decision is, from joint draws; nothing where a stage has no fit or nobody was selected."""
    run, call = contents.selection, contents.selection.call
    title = _("How sure the decision is")
    if not (fits.is_whole and tally.chosen):
        return section(title, text(_("Not computed: it takes a fit of every stage, and somebody selected.")))
    parts = [(float(call.stage_weight(stage)) / 100, fit) for stage, fit in fits.fits.items()]
    sure = scoring.rank_uncertainty(parts, run.places, draws=DRAWS, seed=SEED)
    accuracy = sum(sure.p_top[folio] for folio in tally.chosen) / len(tally.chosen)
    between = sum(0.05 < chance < 0.95 for chance in sure.p_top.values())
    return section(
        title,
        text(_("All applications were drawn together %(draws)s times from what the sheets leave open (seed %(seed)s). "
               "Those selected stand among the best %(places)s in %(accuracy)s %% of the draws on average: so often "
               "does this decision find the truly best, quotas left aside, as far as these sheets can tell.",
               draws=whole(sure.draws), seed=SEED, places=whole(sure.places), accuracy=number(100 * accuracy, 1))),
        text(_("For %(between)s of %(all)s applications the chance to be among the best lies between 5 and 95 %%: for "
               "them, other evaluators might have led to another outcome.", between=whole(between),
               all=whole(len(sure.p_top)))),
    )  # fmt: skip
