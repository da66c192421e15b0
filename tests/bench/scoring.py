"""The table of targets of the scoring library, each figure beside its floor in the same run, one BLAS thread.

`python -m tests.bench.scoring`. Times are of the processor, not of the clock: other work on the machine costs none.
"""

import sys
from collections.abc import Iterator

from tests.bench import scoring_agreement, scoring_assignment, scoring_calibration, scoring_selection
from tests.bench.measured import Row, against


def rows() -> Iterator[Row]:
    """All rows, one by one as they are measured."""
    yield from scoring_calibration.rows()
    name, floor, ours, _ratio, target = scoring_agreement.agreement()
    yield against(name, floor, ours, target)
    plan = scoring_assignment.measure()
    note = ", the same objective" if plan.agree else ", ANOTHER OBJECTIVE"
    yield against(plan.name, plan.floor_s, plan.ours_s, plan.target, note=note, also=plan.agree)
    for row in (scoring_selection.measure(), scoring_selection.measure(steps=True)):
        note = ", objective = bound" if row.is_proven else ", NOT PROVEN"
        yield against(row.name, row.floor, row.ours, row.target, note=note, also=row.is_proven)


def main() -> None:
    for row in rows():
        sys.stdout.write(
            f"{'kept' if row.kept else 'MISSED':<7}{row.name}\n       {row.figure} (target {row.target})\n"
        )
        sys.stdout.flush()


if __name__ == "__main__":
    main()
