"""How far evaluators agree, beyond what chance would give."""

from collections import defaultdict
from collections.abc import Callable
from typing import TypeVar

from flask_babel import gettext as _

from grants.calls.models import STAGE_NAMES, Criterion
from grants.selection.annex.blocks import Block, number, section, table, text, whole
from grants.selection.exports.contents import Contents
from grants.selection.exports.tally import StageTally, Tally
from scoring.agreement import gwet_ac2, krippendorff_alpha
from scoring.intraclass import icc

V = TypeVar("V")


def about_agreement(contents: Contents, tally: Tally) -> Block:
    """Krippendorff's alpha and Gwet's AC2 of the levels, alpha and ICC(1) of the points."""
    rows = [
        _levels(criterion, tally.stages[criterion.stage])
        for criterion in contents.criteria
        if criterion.stage in tally.stages and criterion.id in tally.stages[criterion.stage].levels
    ]
    if not rows:
        return section(_("Agreement of evaluators"), text(_("Not computed: no sheet counts.")))
    head = [_("Criterion"), _("Applications"), _("Alpha (ordinal)"), _("AC2 (ordinal)"), _("Its standard error")]
    points = [_points(str(STAGE_NAMES[stage]), counted) for stage, counted in tally.stages.items()]
    points_head = [_("Points of a sheet"), _("Alpha (interval)"), _("Applications"), _("Sheets each"),
                   _("ICC(1), one sheet"), _("From (95 percent)"), _("to"), _("ICC(1), mean")]  # fmt: skip
    return section(
        _("Agreement of evaluators"),
        text(_("1 is agreement, 0 is what chance would give. Krippendorff's alpha takes levels in their order; Gwet's "
               "AC2 with ordinal weights also holds where nearly all levels are alike, which lowers alpha. ICC(1) of "
               "Shrout and Fleiss takes the applications with the usual number of sheets, each set read by other "
               "evaluators. A dash: no answer, because nothing varies or nothing was read twice.")),
        table(head, rows),
        table(points_head, points),
    )  # fmt: skip


def _levels(criterion: Criterion, counted: StageTally) -> list[str]:
    units = counted.levels[criterion.id]
    alpha = _or_none(lambda: krippendorff_alpha(units, "ordinal"))
    values = [level.value for level in criterion.levels]
    found = _or_none(lambda: gwet_ac2(units, values, "ordinal"))
    told = (number(found.value, 3), number(found.se, 3)) if found else ("—", "—")
    return [f"{criterion.name} ({STAGE_NAMES[criterion.stage]})", whole(len(units)), number(alpha, 3), *told]


def _points(stage: str, counted: StageTally) -> list[str]:
    by_application: defaultdict[str, list[float]] = defaultdict(list)
    for application, points in zip(counted.applications, counted.points, strict=True):
        by_application[application].append(points)
    alpha = _or_none(lambda: krippendorff_alpha(list(by_application.values()), "interval"))
    matrix = counted.matrix
    found = _or_none(lambda: icc(matrix))
    if found is None:
        return [stage, number(alpha, 3), *["—"] * 6]
    low, high = found.interval(0.95)["icc1_1"]
    return [stage, number(alpha, 3), whole(found.n), whole(found.k), number(found.icc1_1, 3), number(low, 3),
            number(high, 3), number(found.icc1_k, 3)]  # fmt: skip


def _or_none(question: Callable[[], V]) -> V | None:
    """The answer, or None where the data hold none."""
    try:
        return question()
    except ValueError:
        return None
