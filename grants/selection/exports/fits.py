"""The model that tells severity from quality, fitted again from the sheets of a run that count."""

from collections.abc import Mapping
from dataclasses import dataclass

import scoring
from grants.calls.models import Stage
from grants.selection.exports.tally import StageTally, Tally


@dataclass(frozen=True, slots=True)
class Fits:
    """The fit of each stage, and why others have none: "not_comparable" or "not_estimable"."""

    fits: Mapping[Stage, scoring.Calibration]
    refused: Mapping[Stage, str]

    @property
    def is_whole(self) -> bool:
        """Whether every stage could be fitted."""
        return bool(self.fits) and not self.refused


def fits_of(tally: Tally) -> Fits:
    """Fit each stage over the applications with a place."""
    fits, refused = {}, {}
    for stage, counted in tally.stages.items():
        try:
            fits[stage] = scoring.calibrate(_ratings(counted))
        except scoring.NotComparable:
            refused[stage] = "not_comparable"
        except ValueError:  # nobody ranked, or too few sheets
            refused[stage] = "not_estimable"
    return Fits(fits, refused)


def _ratings(counted: StageTally) -> scoring.Ratings:
    """ValueError when no application with a place has a sheet."""
    rows = zip(counted.applications, counted.evaluators, counted.points, counted.panels, counted.ranked, strict=True)
    kept = [row[:4] for row in rows if row[4]]
    if not kept:
        raise ValueError("nobody has a place")
    applications, evaluators, points, panels = zip(*kept, strict=True)
    known = None if all(panel is None for panel in panels) else [panel or "" for panel in panels]
    return scoring.Ratings(applications, evaluators, points, known)
