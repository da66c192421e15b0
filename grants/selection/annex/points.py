"""Sections on the run itself: what it is, what was scored, and how points are computed, with one example redone."""

from collections.abc import Iterator
from fractions import Fraction

from flask_babel import gettext as _

from grants.calls.models import STAGE_NAMES, Criterion, Stage
from grants.selection.annex.blocks import Block, code, day, facts, number, section, share, table, text, whole
from grants.selection.exports.contents import Contents, Line, Sheet, hundredths
from grants.selection.exports.tally import Tally, spread_of
from grants.selection.exports.words import state_words
from grants.selection.models import Outcome


def about_the_run(contents: Contents, tally: Tally) -> Block:
    run, call = contents.selection, contents.selection.call
    return section(
        _("The run"),
        facts(
            (_("Call"), f"{call.code} · {call.name}"),
            (_("Run"), whole(run.id)),
            (_("State"), state_words(run)),
            (_("Made on"), day(run.created_at)),
            (_("Places"), whole(run.places)),
            (_("Value per award (USD)"), number(call.value_per_award_usd)),
            (_("Applications"), whole(tally.applications)),
            (_("Selected"), whole(tally.outcomes[Outcome.CHOSEN])),
            (_("On the waiting list"), whole(tally.outcomes[Outcome.WAITING])),
            (_("Not ranked"), whole(tally.outcomes[Outcome.NOT_RANKED])),
            (_("Signatures"), whole(len(run.approvals))),
            (_("Hash of the data (SHA-256)"), run.inputs_hash),
        ),
        text(_("Every number in this annex was computed from the data of this run when the document was made.")),
    )


def about_the_sheets(contents: Contents, tally: Tally) -> Block:
    rows = []
    for stage, counted in tally.stages.items():
        reviews = spread_of(counted.reviews)
        rows.append([
            str(STAGE_NAMES[stage]), whole(len(counted.points)), whole(len(set(counted.evaluators))),
            number(reviews.get("fewest"), 0), number(reviews.get("mean")), number(reviews.get("most"), 0),
        ])  # fmt: skip
    head = [_("Stage"), _("Sheets"), _("Evaluators"), _("Fewest reviews"), _("Mean"), _("Most reviews")]
    needed = contents.selection.settings.get("reviews", contents.selection.call.reviews_per_application)
    return section(
        _("Evaluators and sheets"),
        text(_("%(evaluators)s evaluators handed in %(sheets)s sheets that count. The call asks for %(needed)s reviews "
               "of each application at each stage.", evaluators=whole(len(tally.evaluators)),
               sheets=whole(tally.sheets), needed=whole(needed))),
        table(head, rows),
        text(_("Amended versions: %(amended)s. First versions handed in after the agreed day: %(late)s. Sheets set "
               "aside because of a conflict of interest: %(conflicts)s. Sheets with a missing score, which do not "
               "count: %(incomplete)s.", amended=whole(tally.amended), late=whole(tally.late),
               conflicts=whole(tally.in_conflict), incomplete=whole(tally.incomplete))),
    )  # fmt: skip


def about_the_rubric(contents: Contents) -> Block:
    stages = [
        _("%(stage)s: %(weight)s %% of the total.", stage=STAGE_NAMES[stage], weight=share(weight))
        for stage, weight in contents.weights.items()
    ]
    rows = [
        [f"{criterion.name} ({STAGE_NAMES[criterion.stage]})", _levels(criterion), share(criterion.weight),
         share(contents.share_of_total(criterion))]
        for criterion in contents.criteria
    ]  # fmt: skip
    return section(
        _("The rubric and its weights"),
        text(" ".join(stages)),
        table([_("Criterion"), _("Levels"), _("Share of the stage (%)"), _("Share of the total (%)")], rows),
        text(_("The declared weight of a criterion is its effective weight, however many criteria, levels or "
               "evaluators there are.")),
    )  # fmt: skip


def _levels(criterion: Criterion) -> str:
    values = [level.value for level in criterion.levels]
    return f"{min(values)}–{max(values)}"


def about_the_points(contents: Contents, tally: Tally) -> Block:
    line = tally.scored_example
    rule = text(_("A criterion earns weight × (level − lowest) / (highest − lowest). The points of a sheet are the "
                  "sum, out of 100. Those of a stage are the plain mean of its sheets. The total takes the stages "
                  "under their weights. Everything is exact until the end, then rounded once, half up, to "
                  "hundredths; the ranking compares whole hundredths."))  # fmt: skip
    missing = text(_("A missing score is missing and never 0. A sheet counts only when every criterion of its stage "
                     "has a level, and an application is ranked only with all the reviews that the call asks "
                     "for."))  # fmt: skip
    if line is None:
        return section(_("How points are computed"), rule, missing)
    told = text(_("An example from this run, near its cut line, redone step by step:"))
    return section(_("How points are computed"), rule, missing, told, code(*_redone(contents, line)))


def _redone(contents: Contents, line: Line) -> Iterator[str]:
    """The arithmetic of one application, a line for each step."""
    for stage in contents.weights:
        given = line.points_at(stage)
        first = next(one for one in line.sheets if one.facts.stage is stage and one.counts)
        yield _("%(stage)s, sheet of %(code)s:", stage=STAGE_NAMES[stage], code=first.code)
        yield from (f"  {step}" for step in _sheet_steps(contents, first))
        mean = sum(given, Fraction(0)) / len(given)
        total = " + ".join(number(points) for points in given)
        yield f"  ({total}) / {len(given)} = {number(mean)}"
    yield from _total(contents, line)


def _sheet_steps(contents: Contents, sheet: Sheet) -> Iterator[str]:
    for criterion in contents.criteria_of(sheet):
        values = [level.value for level in criterion.levels]
        low, high, level = min(values), max(values), sheet.facts.levels[criterion.id]
        earned = Fraction(criterion.weight) * Fraction(level - low, high - low)
        yield f"{criterion.name}: {share(criterion.weight)} × ({level} − {low}) / ({high} − {low}) = {number(earned)}"
    yield _("points of the sheet: %(points)s", points=number(sheet.points))


def _total(contents: Contents, line: Line) -> Iterator[str]:
    row, parts = line.row, {Stage.PLAN: line.row.plan_points, Stage.PITCH: line.row.pitch_points}
    terms = [f"{share(weight)} % × {number(hundredths(parts[stage]))}" for stage, weight in contents.weights.items()]
    yield _("total: %(sum)s = %(points)s", sum=" + ".join(terms), points=number(hundredths(line.total)))
    if row.points != line.total:
        yield _("ranked, corrected for its evaluators: %(points)s", points=number(hundredths(row.points)))
