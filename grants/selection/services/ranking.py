"""The arithmetic of a run: points by `scoring`, then rows with their reasons."""

from collections import defaultdict
from collections.abc import Hashable
from fractions import Fraction
from typing import Any

import scoring
from grants.calls.models import Stage
from grants.evaluation.queries import rubric_of
from grants.selection.models import Outcome, Reason
from grants.selection.queries import Candidate, Inputs


def ranked_rows(inputs: Inputs) -> list[dict[str, Any]]:
    """The rows of a run, best first, then those that cannot be ranked."""
    combined, counts = _combined(inputs), _reviews(inputs)
    ranked = {c.application_id: c for c in inputs.candidates if c.is_eligible and c.application_id in combined}
    points = {number: combined[number].total for number in ranked}
    seed = inputs.call.tie_seed
    names = {candidate.tie_name: candidate.application_id for candidate in ranked.values()}
    lottery = [names[name] for name in scoring.lottery_order(seed, names)]
    choice = scoring.choose(points, inputs.call.places, lottery)
    chosen, rows = frozenset(choice.chosen), []
    for place, number in enumerate((*choice.chosen, *choice.waiting), 1):
        row = _row(ranked[number], counts[number], seed) | _points(inputs, combined[number])
        row |= {"place": place, "settled_by_lottery": number in choice.settled}
        rows.append(row | _outcome(number, number in chosen, choice))
    return rows + [
        _row(candidate, counts[candidate.application_id], seed) | _unranked(candidate)
        for candidate in inputs.candidates
        if candidate.application_id not in ranked
    ]


def _combined(inputs: Inputs) -> dict[int, scoring.Combined]:
    """Points by application; those with fewer whole sheets than the call asks for are left out."""
    if not inputs.needs_points:
        nobody_scored = scoring.Combined({}, 0)
        return {candidate.application_id: nobody_scored for candidate in inputs.candidates}
    rubrics = {number: rubric_of(rubric, inputs.call) for number, rubric in inputs.rubrics.items()}
    whole = _whole_sheets(inputs, rubrics)
    found = {}
    for candidate in inputs.candidates:
        rubric, sheets = rubrics[candidate.rubric_id], whole[candidate.application_id]
        if all(len(sheets[stage.key]) >= inputs.call.reviews_per_application for stage in rubric.counted):
            found[candidate.application_id] = scoring.combine(rubric, sheets)
    return found


def _whole_sheets(
    inputs: Inputs, rubrics: dict[int, scoring.Rubric]
) -> defaultdict[int, defaultdict[Hashable, list[Fraction]]]:
    whole: defaultdict[int, defaultdict[Hashable, list[Fraction]]] = defaultdict(lambda: defaultdict(list))
    for sheet in inputs.sheets:
        stage = next(stage for stage in rubrics[sheet.rubric_id].stages if stage.key == sheet.stage)
        try:
            points = stage.points(sheet.levels)
        except scoring.Incomplete:  # a gap is a gap: such a sheet does not count
            continue
        whole[sheet.application_id][sheet.stage].append(points)
    return whole


def _reviews(inputs: Inputs) -> defaultdict[int, int]:
    counts: defaultdict[int, int] = defaultdict(int)
    for sheet in inputs.sheets:
        counts[sheet.application_id] += 1
    return counts


def _row(candidate: Candidate, reviews: int, seed: str) -> dict[str, Any]:
    return {
        "application_id": candidate.application_id,
        "reviews": reviews,
        "tie_key": scoring.tie_key(seed, candidate.tie_name),
        "settled_by_lottery": False,
    }


def _points(inputs: Inputs, combined: scoring.Combined) -> dict[str, Any]:
    by_stage = combined.by_stage
    return {
        "points": combined.total if inputs.needs_points else None,
        "plan_points": by_stage.get(Stage.PLAN),
        "pitch_points": by_stage.get(Stage.PITCH),
    }


def _outcome(number: int, is_in: bool, choice: scoring.Choice[int]) -> dict[str, Any]:
    if is_in:
        reason = Reason.BY_LOTTERY if number in choice.tied_at_cut else Reason.BY_POINTS
        return {"outcome": Outcome.CHOSEN, "reason": reason if choice.waiting else Reason.ALL_FIT}
    reason = Reason.LOTTERY_LOST if number in choice.tied_at_cut else Reason.BELOW_CUT
    return {"outcome": Outcome.WAITING, "reason": reason}


def _unranked(candidate: Candidate) -> dict[str, Any]:
    reason = Reason.SHEETS_MISSING if candidate.is_eligible else Reason.NOT_ELIGIBLE
    empty = dict.fromkeys(("place", "points", "plan_points", "pitch_points"))
    return {"outcome": Outcome.NOT_RANKED, "reason": reason, **empty}
