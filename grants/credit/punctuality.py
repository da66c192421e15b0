"""Which principal was paid on its due day. Pure: terms and movements in, amounts out.

- An instalment counts when it falls due in the period, by the instalments in force when its due day began. What would
  fall due after the day on which the credit was repaid or written off does not.
- It is on time as far as it was covered at the end of its due day, `tolerance` days later at most. What was paid
  beforehand counts in the period in which it falls due, never before.
- Covered later by a payment is late. Covered later by a statement of the lender alone: the day is not known.
- Not covered is late where something was reported since, or within 45 days of the period's end. Otherwise unknown.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from grants.credit.models.movements import MovementKind
from grants.credit.schedules import Instalment, Terms
from grants.credit.standing import KNOWN_FOR, PENNIES, ZERO, Moved, Stage, stages


@dataclass(frozen=True, slots=True)
class Fallen:
    """Principal of one instalment: `on_time` and `late` are known, the rest is not."""

    due_on: date
    principal: Decimal
    on_time: Decimal
    late: Decimal

    @property
    def unknown(self) -> Decimal:
        return self.principal - self.on_time - self.late


def fallen_due(
    terms: Terms, movements: Iterable[Moved], *, since: date, until: date, tolerance: int = 0
) -> list[Fallen]:
    """The instalments that fell due from `since` to `until`, both included, in order. Movements in order of days."""
    slack = timedelta(days=tolerance)
    passed = [stage for stage in stages(terms, movements) if stage.day <= until + slack]
    found = []
    for place, stage in enumerate(passed):
        if not stage.owed:
            continue
        # What falls due until the day of the next stage falls due under this one.
        ends = passed[place + 1].day if place + 1 < len(passed) else until
        found += [
            _fate(due, before, passed, place, until=until, slack=slack)
            for due, before in _with_sums(stage.instalments)
            if stage.day < due.due_on <= ends and since <= due.due_on <= until
        ]
    return found


def _with_sums(instalments: Sequence[Instalment]) -> list[tuple[Instalment, Decimal]]:
    """Each instalment with the principal of those before it."""
    found, sum_before = [], ZERO
    for due in instalments:
        found.append((due, sum_before))
        sum_before += due.principal
    return found


def _fate(
    due: Instalment, before: Decimal, passed: Sequence[Stage], place: int, *, until: date, slack: timedelta
) -> Fallen:
    deadline = due.due_on + slack
    on_time = later = by_statement = ZERO
    for stage in _same_instalments(passed, place):
        covered = min(max(stage.covered - before, ZERO), due.principal)
        if stage.day <= deadline:
            # What was there on the due day stays on time, also where a statement in the days of grace says less.
            on_time = covered if stage.day <= due.due_on else max(on_time, covered)
            continue
        more = max(covered - on_time - later - by_statement, ZERO)
        if stage.kind is MovementKind.BALANCE:
            by_statement += more
        else:
            later += more
    heard = passed[-1].day
    open_ = due.principal - on_time - later - by_statement
    if on_time + PENNIES >= due.principal:
        return Fallen(due.due_on, due.principal, due.principal, ZERO)
    is_known = heard > deadline or until - heard <= KNOWN_FOR
    return Fallen(due.due_on, due.principal, on_time, later + (open_ if is_known else ZERO))


def _same_instalments(passed: Sequence[Stage], place: int) -> list[Stage]:
    """The stages from `place` on, until the credit gets new instalments. A later part leaves those due before as is."""
    found = [passed[place]]
    for stage in passed[place + 1 :]:
        if stage.kind is MovementKind.RESTRUCTURE:
            break
        found.append(stage)
    return found
