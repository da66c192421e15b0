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
    rows = zip(counted.applications, counted.evaluators, counted.points, counted.ranked, strict=True)
    kept = [(application, evaluator, points) for application, evaluator, points, is_ranked in rows if is_ranked]
    return scoring.Ratings([one[0] for one in kept], [one[1] for one in kept], [one[2] for one in kept])
