"""Small cells in the figures about credit: what a reader without the records may see of people. Pure."""

from collections.abc import Mapping, Sequence

from grants.credit.funnel import STEPS, Funnel, Step
from grants.people.protection import Mark, is_small, protect

# Columns of a funnel that are tried, the fullest first.
CHOICES: tuple[tuple[Step, ...], ...] = (STEPS, (Step.REFERRED, Step.APPLIED, Step.DISBURSED),
                                         (Step.REFERRED, Step.DISBURSED), (Step.REFERRED,))  # fmt: skip


def shown_steps(found: Funnel) -> list[int | None]:
    """The counts of the steps; None where one would tell how one to four people ended, alone or by subtraction.

    >>> shown_steps(Funnel(0, 0, dict(zip(STEPS, (40, 3, 20, 10, 30, 0)))))
    [103, 63, None, None, 30, 0]
    >>> shown_steps(Funnel(0, 0, dict(zip(STEPS, (0, 0, 0, 0, 2, 1)))))
    [None, None, None, None, None, None]
    """
    ends = [found.ends[step] for step in STEPS]
    counts: list[int | None] = list(found.counts)
    marks = protect(ends)
    if marks is None:
        whole = sum(ends)
        return [None if is_small(whole) else whole, *[None] * (len(ends) - 1)]
    hidden = [mark is not Mark.SHOWN for mark in marks]
    # A step is the total less all that ended before: known where no hidden end lies before it, or all of them do.
    for place in range(len(ends)):
        if is_small(counts[place] or 0) or (any(hidden[:place]) and any(hidden[place:])):
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
        if not any(is_small(count) for one in groups.values() for count in _between(one, steps)):
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
