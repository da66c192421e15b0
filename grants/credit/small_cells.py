"""Small cells in the figures about credit: what a reader without the records may see of people. Pure."""

from collections.abc import Mapping, Sequence

from grants.credit.funnel import STEPS, Funnel, Step
from grants.people.protection import Mark, is_small, protect

# Columns of a funnel that are tried, the fullest first.
CHOICES: tuple[tuple[Step, ...], ...] = (STEPS, (Step.REFERRED, Step.APPLIED, Step.DISBURSED),
                                         (Step.REFERRED, Step.DISBURSED), (Step.REFERRED,))  # fmt: skip


def shown_steps(found: Funnel) -> list[int | None]:
    """The counts of the steps; None where one would tell how one to four people ended, alone or by subtraction.

    How many have a credit is published elsewhere (2.3b, also by sex, group and canton): it counts as known here.

    >>> shown_steps(Funnel(0, 0, dict(zip(STEPS, (40, 3, 20, 10, 30, 0)))))
    [103, 63, None, None, 30, 0]
    >>> shown_steps(Funnel(0, 0, dict(zip(STEPS, (40, 9, 9, 2, 30, 0)))))
    [90, 50, None, None, 30, 0]
    >>> shown_steps(Funnel(0, 0, dict(zip(STEPS, (0, 0, 0, 0, 2, 1)))))
    [None, None, None, None, None, None]
    """
    ends = [found.ends[step] for step in STEPS]
    known = STEPS.index(Step.DISBURSED)
    return [*_shown_between(ends[:known], sum(ends[known:])), *_shown_between(ends[known:], 0)]


def _shown_between(ends: Sequence[int], after: int) -> list[int | None]:
    """The counts from one known count to the next. `ends`: how many went no further, by step; `after`: the next one."""
    counts: list[int | None] = [sum(ends[place:]) + after for place in range(len(ends))]
    marks = protect(ends)
    hidden = [mark is not Mark.SHOWN for mark in marks] if marks is not None else [True] * len(ends)
    for place, count in enumerate(counts):
        # A step is the first count less all that ended before: known where no hidden end lies before it, or all do.
        told = (any(hidden[:place]) and any(hidden[place:])) or is_small(sum(ends))
        if told or is_small(count or 0):
            counts[place] = None
    return counts


def steps_shown(found: Funnel) -> tuple[Step, ...]:
    """The steps whose counts may be shown of everybody."""
    return tuple(step for step, count in zip(STEPS, shown_steps(found), strict=True) if count is not None)


def columns_to_show(groups: Mapping[str, Funnel], allowed: Sequence[Step]) -> tuple[Step, ...]:
    """The fullest choice of steps in which no group has one to four people between two steps; () when there is none.

    `allowed`: the steps shown of everybody. The groups of a step add up to it, so no other may be shown by group.
    """
    for choice in CHOICES:
        steps = tuple(step for step in choice if step in allowed)
        known = tuple(step for step in STEPS if step in steps or step is Step.DISBURSED)
        if steps and not any(is_small(count) for one in groups.values() for count in _between(one, known)):
            return steps
    return ()


def _between(found: Funnel, steps: Sequence[Step]) -> list[int]:
    counts = [found.count(step) for step in steps]
    return [one - after for one, after in zip(counts, [*counts[1:], 0][: len(counts)], strict=True)]


def shown_parts(counts: Sequence[int]) -> list[int | None]:
    """The parts of a known total; None for those that are protected, all of them where nothing may be shown."""
    marks = protect(counts)
    if marks is None:
        return [None] * len(counts)
    return [count if mark is Mark.SHOWN else None for count, mark in zip(counts, marks, strict=True)]


def shown_share(part: int, whole: int) -> bool:
    """Whether a share of people may be shown: neither those in it, nor the others, nor all are one to four."""
    return not any(is_small(count) for count in (part, whole - part, whole))
