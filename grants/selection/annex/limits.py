"""Sections that close the annex: what was not done, and what the methods rest on."""

from flask_babel import gettext as _

from grants.selection.annex.blocks import Block, items, section
from grants.selection.exports.contents import Contents
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


def about_the_limits(contents: Contents, tally: Tally) -> Block:
    return section(
        _("What was not done, and limits"),
        items([
            _("The points measure the plan and the pitch as evaluators saw them, not the need of a person nor the "
              "success of a business."),
            _("Where few sheets stand behind a number, it is uncertain: a difference of a few points between two "
              "applications near the cut line may be chance."),
            _("With %(evaluators)s evaluators and %(sheets)s sheets, a small unfairness towards a group could go "
              "unseen: that nothing was found does not prove that nothing is there.",
              evaluators=len(tally.evaluators), sheets=tally.sheets),
            _("The computation proposes, people decide: people wrote the sheets, two people sign a run before it "
              "binds, and every applicant may see the own evaluation and appeal."),
        ]),
    )  # fmt: skip


def references() -> Block:
    return section(_("References"), items(REFERENCES))
