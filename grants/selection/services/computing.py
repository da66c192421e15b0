"""From inputs to a result and the rows of a run; whether a stored run still gives the same bytes."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from flask_babel import lazy_gettext as _

import scoring
from grants import __version__
from grants.calls.models import Call
from grants.core.errors import RuleBroken
from grants.selection.models import Outcome, SelectionRecord
from grants.selection.reckoning import RunInputs, RunResult, fingerprint, first_difference, reckon

SOFTWARE = f"semilla {__version__}"


@dataclass(frozen=True, slots=True)
class Replayed:
    """What recomputing stored inputs gave. `difference`: where the bytes part, None when they are equal."""

    result: RunResult
    difference: str | None


def compute(inputs: RunInputs) -> RunResult:
    """The result of a run. RuleBroken where calibration must decide but the sheets do not allow it."""
    try:
        return reckon(inputs)
    except scoring.NotComparable as error:
        parts = "; ".join(", ".join(sorted(map(str, part))) for part in error.parts)
        raise RuleBroken(_("Calibration decides in this call, but these evaluators share no application and cannot be "
                           "compared: %(parts)s. Have at least one application of each part read in the others.",
                           parts=parts)) from error  # fmt: skip
    except scoring.NotEstimable as error:
        raise RuleBroken(_("Calibration decides in this call, but there are too few sheets to tell strict evaluators "
                           "from weak applications. Have more applications read by two evaluators.",
                           )) from error  # fmt: skip


def rows_of(result: RunResult, call: Call, seed: str) -> Iterator[tuple[str, dict[str, Any]]]:
    """The columns of each application's row, by folio: the ranked first, best first."""
    for line in result.lines:
        yield (
            line.folio,
            {
                "outcome": Outcome(line.outcome),
                "place": line.place,
                "points": line.points,
                "plan_points": line.plan,
                "pitch_points": line.pitch,
                "mean_points": line.mean,
                "measure": line.measure,
                "measure_se": line.measure_se,
                "p_top": line.p_top,
                "p_in": line.p_in,
                "short": line.short,
                "reviews": line.reviews,
                "tie_key": scoring.tie_key(seed, f"{call.code}|{line.folio}"),
                "settled_by_lottery": line.by_lottery,
                "reason": line.reason,
            },
        )
    for one in result.unranked:
        key = scoring.tie_key(seed, f"{call.code}|{one.folio}")
        row = {"outcome": Outcome.NOT_RANKED, "reason": one.reason, "reviews": one.reviews, "tie_key": key}
        yield one.folio, {**dict.fromkeys(EMPTY), "settled_by_lottery": False, **row}


EMPTY = (
    "place", "points", "plan_points", "pitch_points", "mean_points", "measure", "measure_se", "p_top", "p_in", "short",
)  # fmt: skip


def replay(record: SelectionRecord, inputs_hash: str) -> Replayed:
    """Recompute a stored run from its stored inputs and nothing else, and compare byte by byte."""
    inputs_text = record.inputs
    if fingerprint(inputs_text) != inputs_hash:
        raise RuleBroken(_("The stored inputs are not those that the run was made from: their hash differs."))
    return replay_text(inputs_text, record.result)


def replay_text(inputs_text: str, result_text: str) -> Replayed:
    """The same from two texts, for whoever has them in a file."""
    result = compute(RunInputs.parse(inputs_text))
    return Replayed(result, first_difference(result_text, result.text))
