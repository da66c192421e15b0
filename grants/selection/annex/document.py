"""The methods annex as plain data for its printed form."""

from collections.abc import Collection, Iterable
from typing import Any

from flask_babel import get_locale
from flask_babel import gettext as _

from grants.core.clock import utcnow
from grants.selection.annex.agreement import about_agreement
from grants.selection.annex.blocks import day
from grants.selection.annex.calibration import about_calibration, about_the_accuracy
from grants.selection.annex.choice import about_the_certificate, about_the_quotas, about_what_follows
from grants.selection.annex.limits import about_the_limits, references
from grants.selection.annex.lottery import about_the_lottery
from grants.selection.annex.points import about_the_points, about_the_rubric, about_the_run, about_the_sheets
from grants.selection.exports.contents import Contents
from grants.selection.exports.fits import fits_of
from grants.selection.exports.tally import Tally
from grants.selection.queries.export import ExportRow


def methods_annex(contents: Contents, rows: Iterable[ExportRow], *, hidden: Collection[int]) -> dict[str, Any]:
    """The annex in the language in force. `rows`: all of the run; `hidden`: those that must not serve as examples."""
    tally = Tally.for_stages(contents)
    for line in contents.lines(rows):
        tally.add(line, is_hidden=line.row.application_id in hidden)
    run, fits = contents.selection, fits_of(tally)
    return {
        "language": str(get_locale() or "es")[:2],
        "title": _("Methods annex"),
        "subtitle": f"{run.call.code} · {run.call.name}",
        "footer": _(
            "Methods annex · %(call)s · run %(number)s · %(hash)s",
            call=run.call.code,
            number=run.id,
            hash=run.inputs_hash[:16],
        ),
        "made": _(
            "Made on %(day)s. The run was computed by Semilla %(version)s under version %(rules)s of its rules.",
            day=day(utcnow()),
            version=run.settings.get("software", "—"),
            rules=run.settings.get("rules", "—"),
        ),
        "sections": [
            about_the_run(contents, tally),
            about_the_sheets(contents, tally),
            about_the_rubric(contents),
            about_the_points(contents, tally),
            about_agreement(contents, tally),
            about_calibration(contents, fits),
            about_the_accuracy(contents, tally),
            about_the_quotas(contents),
            about_the_certificate(contents),
            about_the_lottery(contents, tally),
            about_what_follows(contents, tally),
            about_the_limits(tally, fits),
            references(),
        ],
    }
