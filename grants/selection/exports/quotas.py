"""How the quotas of a run came out, with small groups protected where the public reads."""

from collections.abc import Mapping
from dataclasses import dataclass

from grants.people.protection import Mark, is_small, protect
from grants.selection.reckoning import RunResult

SMALL, PROTECTED = "<5", "*"
Count = int | str  # a number, or why it is not told
# Everybody has one value of these, so the groups of one of them and all others add up to everybody.
MANY_VALUED = ("sex", "age_band", "population_group", "canton")


@dataclass(frozen=True, slots=True)
class QuotaFacts:
    """A quota in its declared order. `eligible`: members who could be ranked; `chosen`: those of them selected.

    `bonus` and `cost` in hundredths of a point. `entered` and `left`: how many changed places when it was added to
    the quotas before it. `possible`: what could be kept where the quota could not, in the order minimum, maximum.
    """

    group: str
    words: str
    minimum: int | None
    maximum: int | None
    eligible: Count
    chosen: Count
    bonus: int
    entered: Count
    left: Count
    cost: int
    possible: tuple[int, ...]


def quota_facts(result: RunResult, names: Mapping[str, str], *, in_public: bool) -> list[QuotaFacts]:
    """The quotas of a run in their declared order; `names` in words by group."""
    chosen, waiting = _counts(result, in_public=in_public)
    steps = {step.group: step for step in result.steps}
    found = []
    for quota in result.quotas:
        group, step = quota.group, steps.get(quota.group)
        entered, left = (len(step.entered), len(step.left)) if step else (0, 0)
        found.append(QuotaFacts(
            group=group,
            words=names[group],
            minimum=quota.minimum,
            maximum=quota.maximum,
            eligible=_together(chosen[group], waiting[group]),
            chosen=chosen[group],
            bonus=quota.bonus,
            entered=_few(entered) if in_public else entered,
            left=_few(left) if in_public else left,
            cost=step.cost if step else 0,
            possible=tuple(one.possible for one in result.relaxed if one.group == group),
        ))  # fmt: skip
    return found


def _together(chosen: Count, waiting: Count) -> Count:
    """Both, where neither is hidden: else the hidden one could be had by subtraction."""
    if isinstance(chosen, int) and isinstance(waiting, int):
        return chosen + waiting
    return PROTECTED


def _few(count: int) -> Count:
    return SMALL if is_small(count) else count


def _counts(result: RunResult, *, in_public: bool) -> tuple[dict[str, Count], dict[str, Count]]:
    """Members selected and members waiting, by group."""
    inside = {one.group: one.chosen for one in result.quotas}
    outside = {one.group: one.eligible - one.chosen for one in result.quotas}
    if not in_public:
        return dict(inside), dict(outside)
    places = sum(line.outcome == "chosen" for line in result.lines)
    return _protected(inside, places), _protected(outside, len(result.lines) - places)


def _protected(counts: Mapping[str, int], everybody: int) -> dict[str, Count]:
    """The counts of each dimension, those outside its groups counted with them."""
    shown: dict[str, Count] = {}
    for groups in _lines(counts):
        cells = [counts[group] for group in groups]
        marks = protect([*cells, everybody - sum(cells)])
        for number, group in enumerate(groups):
            mark = Mark.PROTECTED if marks is None else marks[number]
            hidden = SMALL if mark is Mark.SMALL else PROTECTED
            shown[group] = counts[group] if mark is Mark.SHOWN else hidden
    return shown


def _lines(counts: Mapping[str, int]) -> list[list[str]]:
    """Groups that exclude each other together, every other group by itself."""
    lines: dict[str, list[str]] = {}
    for group in counts:
        dimension = group.partition(":")[0]
        lines.setdefault(dimension if dimension in MANY_VALUED else group, []).append(group)
    return list(lines.values())
