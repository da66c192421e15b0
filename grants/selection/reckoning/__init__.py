"""The arithmetic of a run: canonical inputs in, a canonical result out. No session, no clock, no names of people.

The same inputs give the same bytes in another process, on another day and on the other database.
"""

from grants.selection.reckoning.canonical import (
    RULES,
    Changes,
    Entry,
    QuotaLine,
    RunInputs,
    Sheet,
    canonical,
    fingerprint,
    first_difference,
)
from grants.selection.reckoning.reckon import reckon
from grants.selection.reckoning.result import Line, QuotaCount, RelaxedLine, RunResult, StepLine, Unranked

__all__ = [
    "RULES",
    "Changes",
    "Entry",
    "Line",
    "QuotaCount",
    "QuotaLine",
    "RelaxedLine",
    "RunInputs",
    "RunResult",
    "Sheet",
    "StepLine",
    "Unranked",
    "canonical",
    "fingerprint",
    "first_difference",
    "reckon",
]
