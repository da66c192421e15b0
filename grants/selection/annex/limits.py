"""Sections that close the annex: what was not done, and what the methods rest on."""

from math import sqrt
from statistics import median

from flask_babel import gettext as _

import scoring
from grants.calls.models import STAGE_NAMES, Stage
from grants.selection.annex.blocks import Block, items, number, section, whole
from grants.selection.exports.fits import Fits
from grants.selection.exports.tally import Tally

# Titles stay in the language in which they were published.
REFERENCES = (
    "Eastlake, D. (2004). Publicly Verifiable Nominations Committee (NomCom) Random Selection. RFC 3797.",
    "Gwet, K. L. (2008). Computing inter-rater reliability and its variance in the presence of high agreement. "
    "British Journal of Mathematical and Statistical Psychology, 61(1), 29–48.",
    "Krippendorff, K. (2011). Computing Krippendorff's Alpha-Reliability. University of Pennsylvania.",
    "Patterson, H. D. and Thompson, R. (1971). Recovery of inter-block information when block sizes are unequal. "
    "Biometrika, 58(3), 545–554.",
    "Shrout, P. E. and Fleiss, J. L. (1979). Intraclass correlations: Uses in assessing rater reliability. "
    "Psychological Bulletin, 86(2), 420–428.",
)


# Two-sided at 5 %, seen in 4 of 5 cases: the sum of the normal quantiles 0.975 and 0.8.
DETECTABLE = 1.959964 + 0.841621


def about_the_limits(tally: Tally, fits: Fits) -> Block:
    return section(
        _("What was not done, and limits"),
        items([
            _("The points measure the plan and the pitch as evaluators saw them, not the need of a person nor the "
              "success of a business."),
            _("Where few sheets stand behind a number, it is uncertain: a difference of a few points between two "
              "applications near the cut line may be chance."),
            _("With %(evaluators)s evaluators and %(sheets)s sheets, a small unfairness towards a group could go "
              "unseen: that nothing was found does not prove that nothing is there.",
              evaluators=whole(len(tally.evaluators)), sheets=whole(tally.sheets)),
            *(_power(stage, fit) for stage, fit in fits.fits.items() if fit.variance.residual > 0),
            _("The computation proposes, people decide: people wrote the sheets, two people sign a run before it "
              "binds, and every applicant may see the own evaluation and appeal."),
        ]),
    )  # fmt: skip


def _power(stage: Stage, fit: scoring.Calibration) -> str:
    """How much one evaluator must take off half of the applications for it to be noticed, at the very least."""
    reviews = median(fit.reviews.values())
    points = DETECTABLE * 2 * sqrt(fit.variance.residual / reviews)
    return str(
        _("%(stage)s: an evaluator with %(reviews)s reviews would have to take off at least %(points)s points from a "
          "group that is half of them to be noticed in 4 of 5 cases.",
          stage=STAGE_NAMES[stage], reviews=whole(round(reviews)), points=number(points, 1))
    )  # fmt: skip


def references() -> Block:
    return section(_("References"), items(REFERENCES))
