"""Protect small cells so that they cannot be recomputed by subtraction from what is shown.

A cell of 1 to 4 people is shown as "<5". Others are hidden with it (complementary suppression) until no hidden cell
has only one possible value, given the total, the zeros that are shown, that "<5" means 1 to 4, and that any other
hidden cell holds 5 or more. Where that cannot be had, the whole line is withheld.
"""

from collections.abc import Sequence
from enum import StrEnum

LEAST = 5  # the smallest cell that may be shown
MOST_SMALL = LEAST - 1


class Mark(StrEnum):
    SHOWN = "shown"
    SMALL = "small"  # 1 to 4 people: "<5"
    PROTECTED = "protected"  # 5 or more, hidden so that a small cell stays hidden


def is_small(count: int) -> bool:
    return 0 < count < LEAST


def protect(cells: Sequence[int]) -> list[Mark] | None:
    """How each cell of a line with a known total may be shown; None when the line must be withheld.

    >>> [mark.value for mark in protect([40, 30, 2]) or []]
    ['shown', 'protected', 'small']
    >>> protect([1, 1, 127]) is None
    False
    >>> protect([4, 4]) is None
    True
    """
    marks = [Mark.SMALL if is_small(cell) else Mark.SHOWN for cell in cells]
    if Mark.SMALL not in marks:
        return marks
    companions = sorted((i for i, cell in enumerate(cells) if cell >= LEAST), key=lambda i: (cells[i], i))
    while not _is_ambiguous(cells, marks):
        if not companions:
            return None
        marks[companions.pop(0)] = Mark.PROTECTED
    return marks


def _is_ambiguous(cells: Sequence[int], marks: Sequence[Mark]) -> bool:
    """Whether every hidden cell has at least two possible values."""
    small = marks.count(Mark.SMALL)
    hidden = marks.count(Mark.PROTECTED)
    total = sum(cell for cell, mark in zip(cells, marks, strict=True) if mark is not Mark.SHOWN)
    if not hidden:  # every hidden cell is 1 to 4
        return small >= 2 and small < total < MOST_SMALL * small
    slack = total - small - LEAST * hidden  # people beyond the least that the marks imply
    return slack > 0
