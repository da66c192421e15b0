"""A run as data for R: long tables, a dictionary of their columns, and a script that fits the model again."""

import csv
import io
import tempfile
import zipfile
from collections.abc import Callable, Iterable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any, Generic, TypeVar

from flask_babel import lazy_gettext as _

import scoring
from grants.calls.models import Criterion, Stage
from grants.core.clock import local_day
from grants.core.documents import safe_text
from grants.selection.exports.columns import Rung, Scored
from grants.selection.exports.contents import Contents, Line, Sheet, earned, hundredths
from grants.selection.exports.fits import fits_of
from grants.selection.exports.tally import Tally
from grants.selection.queries.export import ExportRow

T = TypeVar("T")
Value = str | int | float | bool | None
SCRIPT = Path(__file__).parent / "refit.R"


@dataclass(frozen=True, slots=True)
class Variable(Generic[T]):
    """A column of a data file: its name, its kind and unit in the words of R, what it means."""

    name: str
    kind: str
    meaning: object
    value: Callable[[T], Any]


FOLIO = _("The application's public reference. No name stands in this file.")
EVALUATOR = _("The evaluator's code. It stays the same within a run and leads back to nobody.")
STAGE = _("Business plan or pitch.")
COUNTS = _("Whether the run took the sheet in.")

APPLICATIONS: Sequence[Variable[Line]] = (
    Variable("application", "factor", FOLIO, lambda one: one.folio),
    Variable("outcome", "factor: chosen, waiting, not_ranked", _("Selected, waiting list or not ranked."),
             lambda one: one.row.outcome.value),
    Variable("place", "integer", _("Place in the run: first those selected, then the waiting list."),
             lambda one: one.row.place),
    Variable("plan", "numeric, 0 to 100", _("Mean of the plan's sheets that count. Points out of 100."),
             lambda one: hundredths(one.row.plan_points)),
    Variable("pitch", "numeric, 0 to 100", _("Mean of the pitch's sheets that count. Points out of 100."),
             lambda one: hundredths(one.row.pitch_points)),
    Variable("total", "numeric, 0 to 100", _("Plan and pitch under their declared weights. Points out of 100."),
             lambda one: hundredths(one.total)),
    Variable("ranked_points", "numeric, 0 to 100",
             _("What was ranked: the total, or the calibrated points where calibration decides."),
             lambda one: hundredths(one.row.points)),
    Variable("calibrated", "numeric", _("Points corrected for severe and lenient evaluators."),
             lambda one: hundredths(one.row.measure)),
    Variable("calibrated_se", "numeric", _("Of the calibrated points."), lambda one: hundredths(one.row.measure_se)),
    Variable("p_top", "numeric, percent", _("In how many of the draws it is among the best by points."),
             lambda one: hundredths(one.row.p_top)),
    Variable("p_in", "numeric, percent", _("In how many of the draws it would be selected under the quotas."),
             lambda one: hundredths(one.row.p_in)),
    Variable("sheets", "integer", _("How many sheets the run took in."), lambda one: one.row.reviews),
    Variable("lottery", "logical", _("Whether the public lottery decided between equal points."),
             lambda one: one.row.settled_by_lottery),
    Variable("tie_key", "character", _("SHA-256 of seed, call and folio: the place in the lottery."),
             lambda one: one.row.tie_key),
)  # fmt: skip

SHEETS: Sequence[Variable[tuple[Line, Sheet]]] = (
    Variable("application", "factor", FOLIO, lambda one: one[0].folio),
    Variable("stage", "factor: plan, pitch", STAGE, lambda one: one[1].facts.stage.value),
    Variable("evaluator", "factor", EVALUATOR, lambda one: one[1].code),
    Variable("panel", "factor", _("The block from which evaluators were drawn; none where there was one only."),
             lambda one: one[1].panel or "none"),
    Variable("version", "integer", _("1 is the first sheet handed in; each amendment adds one."),
             lambda one: one[1].facts.version),
    Variable("counts", "logical", COUNTS, lambda one: one[1].counts),
    Variable("ranked", "logical", _("Whether the application has a place in the run."),
             lambda one: one[0].row.place is not None),
    Variable("points", "numeric, 0 to 100", _("Points of the sheet at its stage, not rounded."),
             lambda one: None if one[1].points is None else float(one[1].points)),
    Variable("handed_in", "Date", _("Day in Ecuador."), lambda one: local_day(one[1].facts.submitted_at).isoformat()),
    Variable("late", "logical", _("Whether it was handed in after the agreed day."), lambda one: one[1].facts.is_late),
)  # fmt: skip

SCORES: Sequence[Variable[Scored]] = (
    Variable("application", "factor", FOLIO, lambda one: one.line.folio),
    Variable("stage", "factor: plan, pitch", STAGE, lambda one: one.criterion.stage.value),
    Variable("evaluator", "factor", EVALUATOR, lambda one: one.sheet.code),
    Variable("version", "integer", _("The version of the sheet."), lambda one: one.sheet.facts.version),
    Variable("counts", "logical", COUNTS, lambda one: one.sheet.counts),
    Variable("criterion", "factor", _("Rubric version, stage and position, as in criteria.csv."),
             lambda one: criterion_code(one.criterion)),
    Variable("level", "integer", _("The level given; empty where the score is missing, which is never 0."),
             lambda one: one.level),
    Variable("points", "numeric, 0 to 100", _("What the level earns of the 100 points of its stage."),
             lambda one: earned(one.criterion, one.level)),
)  # fmt: skip

CRITERIA: Sequence[Variable[Rung]] = (
    Variable("criterion", "factor", _("Rubric version, stage and position."),
             lambda one: criterion_code(one.criterion)),
    Variable("stage", "factor: plan, pitch", STAGE, lambda one: one.criterion.stage.value),
    Variable("name", "character", _("What is judged."), lambda one: one.criterion.name),
    Variable("weight", "numeric, percent", _("The criterion's share of its stage."), lambda one: one.criterion.weight),
    Variable("share", "numeric, percent", _("Stage share times criterion share: the weight it really has."),
             lambda one: one.share_of_total),
    Variable("level", "integer", _("From the lowest, which earns nothing, to the highest, which earns all."),
             lambda one: one.level.value),
    Variable("descriptor", "character", _("The words of that level."), lambda one: one.level.descriptor),
)  # fmt: skip

FITS: Sequence[Variable[tuple[Stage, scoring.Calibration]]] = (
    Variable("stage", "factor: plan, pitch", STAGE, lambda one: one[0].value),
    Variable("application", "numeric, squared points", _("Variance between applications."),
             lambda one: one[1].variance.application),
    Variable("evaluator", "numeric, squared points", _("Variance between evaluators."),
             lambda one: one[1].variance.evaluator),
    Variable("residual", "numeric, squared points", _("Variance of the rest."),
             lambda one: one[1].variance.residual),
    Variable("reml_criterion", "numeric", _("Minus twice the restricted log-likelihood, as lme4 prints it."),
             lambda one: one[1].reml_criterion),
)  # fmt: skip
FILES: dict[str, Sequence[Variable[Any]]] = {
    "applications.csv": APPLICATIONS, "sheets.csv": SHEETS, "scores.csv": SCORES, "criteria.csv": CRITERIA,
    "fits.csv": FITS,
}  # fmt: skip


def criterion_code(criterion: Criterion) -> str:
    """Such as "v1-plan-2": version of the rubric, stage, position."""
    return f"v{criterion.rubric.version}-{criterion.stage.value}-{criterion.position}"


def run_data(contents: Contents, rows: Iterable[ExportRow]) -> IO[bytes]:
    """An open .zip file, deleted when closed. Evaluators stand under codes; no free text of theirs is in it."""
    file = tempfile.TemporaryFile()  # noqa: SIM115 -- the answer reads it, then closes it
    with tempfile.TemporaryDirectory(prefix="semilla-") as folder:
        _write_tables(Path(folder), contents, rows)
        with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as package:
            for name in FILES:
                package.write(Path(folder) / name, name)
            package.writestr("dictionary.csv", _dictionary())
            package.writestr("refit.R", SCRIPT.read_text("utf-8"))
    file.seek(0)
    return file


def _write_tables(folder: Path, contents: Contents, rows: Iterable[ExportRow]) -> None:
    with ExitStack() as open_files:
        tables = {
            name: _Table(open_files.enter_context((folder / name).open("w", encoding="utf-8", newline="")), variables)
            for name, variables in FILES.items()
        }
        tally = Tally.for_stages(contents)
        for line in contents.lines(rows):
            tally.add(line)
            tables["applications.csv"].add(line)
            for sheet in line.sheets:
                tables["sheets.csv"].add((line, sheet))
                for criterion in contents.criteria_of(sheet):
                    tables["scores.csv"].add(Scored(line, sheet, criterion))
        for criterion in contents.criteria:
            for level in criterion.levels:
                tables["criteria.csv"].add(Rung(criterion, level, contents.share_of_total(criterion)))
        for fit in fits_of(tally).fits.items():
            tables["fits.csv"].add(fit)


class _Table:
    """A CSV file under its heading."""

    def __init__(self, file: Any, variables: Sequence[Variable[Any]]) -> None:
        self._writer, self._variables = csv.writer(file), variables
        self._writer.writerow([one.name for one in variables])

    def add(self, row: Any) -> None:
        self._writer.writerow([_printed(one.value(row)) for one in self._variables])


def _printed(value: Any) -> Any:
    """Text as text, gaps as NA, truth values as R writes them, numbers with a point."""
    if value is None:
        return "NA"
    if isinstance(value, bool):
        return "TRUE" if value else "FALSE"
    return safe_text(value) if isinstance(value, str) else value


def _dictionary() -> str:
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(["file", "column", "kind", "meaning"])
    for name, variables in FILES.items():
        writer.writerows([name, one.name, one.kind, safe_text(str(one.meaning))] for one in variables)
    return out.getvalue()
