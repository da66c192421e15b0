"""Sections on ties and on what follows the decision."""

from flask_babel import gettext as _

import scoring
from grants.selection.annex.blocks import Block, code, section, text
from grants.selection.exports.contents import Contents
from grants.selection.exports.tally import Tally


def about_the_lottery(contents: Contents, tally: Tally) -> Block:
    run = contents.selection
    seed, line = str(run.settings.get("tie_seed", run.call.tie_seed)), tally.lottery_example
    rule = text(_("Equal totals stand in the order of their tie keys, the smallest first. A tie key is the SHA-256 of "
                  "seed, call and folio, joined by vertical bars. The seed was published with the call, before any "
                  "sheet was written, and nobody can choose a folio. The pattern is that of RFC 3797: anyone can draw "
                  "again and find the same."))  # fmt: skip
    if line is None:
        return section(_("Lottery between equal totals"), rule, code(_("seed: %(seed)s", seed=seed)))
    name = f"{run.call.code}|{line.folio}"
    return section(
        _("Lottery between equal totals"),
        rule,
        code(
            _("seed: %(seed)s", seed=seed),
            f'printf "%s" "{seed}|{name}" | sha256sum',
            scoring.tie_key(seed, name),
        ),
        text(_("This is the smallest tie key among the applications that this annex may show. The act lists the "
               "folios; put another in its place to compute its key.")),
    )  # fmt: skip
