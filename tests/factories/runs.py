"""Inputs of runs for tests: one criterion whose levels are points, one sheet for each application."""

from collections.abc import Mapping, Sequence
from typing import Any

from grants.selection.reckoning import Entry, QuotaLine, RunInputs, Sheet


def run_inputs(
    people: Mapping[str, tuple[int, Sequence[str]]],
    places: int,
    quotas: Sequence[tuple[str, int | None, int | None]] = (),
    **settings: Any,
) -> RunInputs:
    """`people`: points (whole, 0 to 100) and groups by folio; `quotas`: group, minimum, maximum."""
    values = {
        "rules": 2,
        "call": "CAP-1",
        "kind": "seed_capital",
        "places": places,
        "plan_weight": "100.00",
        "pitch_weight": "0.00",
        "reviews": 1,
        "calibration": "off",
        "tie_seed": "semilla publica",
        "draws": 50,
        "draws_seed": 7,
        **settings,
    }
    entries = [
        Entry(folio, True, "1", tuple(sorted(groups)), (Sheet("plan", "E001", None, (points,)),))
        for folio, (points, groups) in people.items()
    ]
    return RunInputs(
        values, [QuotaLine(*quota) for quota in quotas], {"1": {"plan": [["100.00", 0, 100]], "pitch": []}}, entries
    )
