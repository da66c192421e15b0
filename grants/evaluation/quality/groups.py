"""Whether an evaluator gives a group more or fewer points than colleagues do on the same applications."""

from dataclasses import dataclass

import scoring
from grants.calls.models import Stage
from grants.evaluation.quality.evidence import Evidence

# Of two groups, which one a contrast is about.
ASKED = {"sex": "female", "disability": "yes", "single_carer": "yes"}
OTHERS = "others"
SHOWN = 0.05


@dataclass(frozen=True, slots=True)
class GroupContrasts:
    """Contrasts of one dimension and stage, surest first. `blind`: how many see 5 points less than half of the time."""

    dimension: str
    rows: tuple[scoring.Contrast, ...]

    @property
    def judged(self) -> int:
        return sum(row.p is not None for row in self.rows)

    @property
    def blind(self) -> int:
        return sum(row.power is not None and row.power < 0.5 for row in self.rows)

    @property
    def shown(self) -> int:
        """How many differ after allowing for their number."""
        return sum(row.p_adjusted is not None and row.p_adjusted < SHOWN for row in self.rows)


def contrasts_by(evidence: Evidence, stage: Stage, dimension: str) -> GroupContrasts:
    """Every evaluator of a stage against every group of a dimension. Applications of no known group are left out."""
    rows = [(sheet.application, sheet.evaluator, float(sheet.points)) for sheet in evidence.sheets.get(stage, ())]
    groups = {number: evidence.judged[number].groups[dimension] for number in dict.fromkeys(row[0] for row in rows)}
    one = ASKED.get(dimension)
    if one is not None:
        groups = {number: group if group in (one, None) else OTHERS for number, group in groups.items()}
    ordered = dict(sorted(groups.items(), key=lambda item: (item[1] != one, item[1] or "")))
    found = [row for row in scoring.group_contrasts(rows, ordered) if row.group != OTHERS]
    return GroupContrasts(dimension, tuple(sorted(found, key=lambda row: 2 if row.p is None else row.p)))
