"""Sections on how far severe and lenient evaluators may have moved the points."""

from collections.abc import Sequence
from math import isfinite

from flask_babel import gettext as _

import scoring
from grants.calls.models import STAGE_NAMES, Stage
from grants.selection.annex.blocks import Block, number, section, table, text, whole
from grants.selection.exports.contents import Contents
from grants.selection.exports.fits import Fits
from grants.selection.exports.tally import Tally


def _mode(setting: object) -> str:
    """What calibration may change in this run."""
    if setting == "binding":
        return str(_("Calibration decided: the points that were ranked are corrected for severity."))
    if setting == "advisory":
        return str(_("Calibration advised: the points that were ranked are the plain means of the rubric."))
    return str(_("Calibration was off: the fit below is for information and changed nothing."))


def about_calibration(contents: Contents, fits: Fits) -> Block:
    model = text(_("Model, for each stage: points = panel + application + evaluator + rest, with applications and "
                   "evaluators as random effects, variances by restricted maximum likelihood (Patterson and Thompson "
                   "1971). A positive severity means fewer points than the average evaluator gives; with few reviews "
                   "it shrinks towards 0 and says little."))  # fmt: skip
    return section(
        _("Severity of evaluators"),
        model,
        text(_mode(contents.selection.settings.get("calibration"))),
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


def about_the_accuracy(contents: Contents, tally: Tally) -> Block:
    """How sure the decision is, from the joint draws that the run was stored with."""
    title, told = _("How sure the decision is"), contents.result.calibration if contents.result else {}
    selected = [row.p_top for row in tally.chosen if row.p_top is not None]
    if not selected:
        return section(title, text(_("Not computed: it takes a calibration of every stage, and somebody selected.")))
    under_quotas = [row.p_in for row in tally.chosen if row.p_in is not None] if contents.groups else []
    between = sum(500 < chance < 9_500 for chance in tally.chances)
    return section(
        title,
        text(_("All applications were drawn together %(draws)s times from what the sheets leave open (seed %(seed)s). "
               "Those selected stand among the best %(places)s by points in %(accuracy)s %% of the draws on average: "
               "so often does this decision find the truly best, as far as these sheets can tell.",
               draws=whole(told.get("draws", 0)), seed=contents.selection.settings.get("draws_seed", "—"),
               places=whole(contents.selection.places), accuracy=_mean(selected))),
        text(_("Under the quotas they would be selected in %(accuracy)s %% of the draws on average.",
               accuracy=_mean(under_quotas))) if under_quotas else {},
        text(_("For %(between)s of %(all)s applications the chance to be among the best lies between 5 and 95 %%: for "
               "them, other evaluators might have led to another outcome.", between=whole(between),
               all=whole(len(tally.chances)))),
    )  # fmt: skip


def _mean(chances: Sequence[int]) -> str:
    """A mean of hundredths of a percent, in percent."""
    return number(sum(chances) / len(chances) / 100, 1)
