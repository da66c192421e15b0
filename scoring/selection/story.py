"""Check what a selection tells beside its proof: the orders, those named on or off the line, and the steps."""

from collections import Counter
from collections.abc import Hashable, Mapping, Sequence
from itertools import pairwise
from typing import Any, TypeVar

from scoring.selection.model import Candidate, Selection, Step, is_whole

K = TypeVar("K", bound=Hashable)

Row = tuple[Any, int, int]


def says_what_is_so(people: Mapping[K, Candidate[K]], selection: Selection[K]) -> bool:
    """Whether the orders, `exceptions` and `settled` follow from points, bonuses and cut. Equals may stand anyhow."""
    bonuses, cut = selection.bonuses, selection.cut
    level = {
        key: person.points + sum(bonuses[group] for group in person.groups & bonuses.keys())
        for key, person in people.items()
    }
    by_points = [people[key].points for key in selection.chosen]
    by_level = [level[key] for key in selection.waiting]
    if any(first < second for ranks in (by_points, by_level) for first, second in pairwise(ranks)):
        return False
    inside = [key for key in selection.chosen if key not in selection.fixed]
    off = {key for key in inside if level[key] < cut} | {key for key in selection.waiting if level[key] > cut}
    drawn = [{key for key in keys if level[key] == cut} for keys in (inside, selection.waiting)]
    settled = drawn[0] | drawn[1] if all(drawn) else set()
    return selection.exceptions == off and selection.settled == settled


def steps_add_up(people: Mapping[K, Candidate[K]], rows: Sequence[Row], selection: Selection[K]) -> bool:
    """Whether the steps, gone back from the chosen, pass allowed sets and end at the best points without quotas."""
    steps = selection.steps
    if not steps:
        return True
    if [step.group for step in steps] != [group for group, _low, _high in rows]:
        return False
    now = set(selection.chosen) - selection.fixed
    for index in range(len(steps), 0, -1):
        if not _keeps(people, rows[:index], now | selection.fixed) or not _is_step(people, steps[index - 1], now):
            return False
        now = now - set(steps[index - 1].entered) | set(steps[index - 1].left)
    free = sorted((person.points for key, person in people.items() if key not in selection.fixed), reverse=True)
    return sum(people[key].points for key in now) == sum(free[: len(now)])


def _keeps(people: Mapping[K, Candidate[K]], rows: Sequence[Row], inside: set[K]) -> bool:
    seats = Counter(group for key in inside for group in people[key].groups)
    return all(low <= seats[group] <= high for group, low, high in rows)


def _is_step(people: Mapping[K, Candidate[K]], step: Step[K], after: set[K]) -> bool:
    """Whether those who entered are in afterwards, those who left are not, and the cost is the points between them."""
    entered, left = set(step.entered), set(step.left)
    sizes = {len(step.entered), len(step.left), len(entered), len(left)}
    if len(sizes) > 1 or not entered <= after or left & after or not left <= people.keys():
        return False
    cost = sum(people[key].points for key in left) - sum(people[key].points for key in entered)
    return is_whole(step.cost) and step.cost == cost >= 0
