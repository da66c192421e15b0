"""Nothing that is hidden can be worked out from what is shown."""

from itertools import product

from hypothesis import given, settings
from hypothesis import strategies as st

from grants.people.protection import LEAST, Mark, is_small, protect

CELLS = st.lists(st.one_of(st.integers(0, 9), st.integers(0, 40)), min_size=1, max_size=6)


def possible_lines(cells: list[int], marks: list[Mark]) -> list[tuple[int, ...]]:
    """Every line that agrees with what a reader sees: shown cells, the total, and what the marks mean."""
    hidden = [i for i, mark in enumerate(marks) if mark is not Mark.SHOWN]
    missing = sum(cells[i] for i in hidden)
    ranges = [range(1, LEAST) if marks[i] is Mark.SMALL else range(LEAST, missing + 1) for i in hidden[:-1]]
    found = []
    for values in product(*ranges):
        last = missing - sum(values)
        fits = 1 <= last < LEAST if marks[hidden[-1]] is Mark.SMALL else last >= LEAST
        if fits:
            found.append((*values, last))
    return found


@settings(max_examples=300, deadline=None)
@given(CELLS)
def test_no_hidden_cell_has_a_single_possible_value(cells):
    marks = protect(cells)

    hidden = [] if marks is None else [i for i, mark in enumerate(marks) if mark is not Mark.SHOWN]
    if len(hidden) <= 4 and hidden:
        lines = possible_lines(cells, marks)
        assert tuple(cells[i] for i in hidden) in lines
        assert all(len({line[n] for line in lines}) > 1 for n in range(len(hidden)))
    elif marks is None or not hidden:
        assert marks is None or not any(is_small(cell) for cell in cells)


@given(CELLS)
def test_small_cells_are_never_shown_and_zeros_always(cells):
    marks = protect(cells)

    assert marks is None or all(
        (mark is Mark.SMALL) == is_small(cell) and not (cell == 0 and mark is not Mark.SHOWN)
        for cell, mark in zip(cells, marks, strict=True)
    )


def test_two_single_people_take_the_large_cell_with_them():
    """127 + 1 + 1 = 129: with 127 shown, two cells of at least one would both be 1."""
    assert protect([127, 1, 1]) == [Mark.PROTECTED, Mark.SMALL, Mark.SMALL]


def test_the_smallest_large_cell_is_hidden_first():
    assert protect([60, 40, 3, 0]) == [Mark.SHOWN, Mark.PROTECTED, Mark.SMALL, Mark.SHOWN]


def test_line_without_small_cells_is_shown_whole():
    assert protect([5, 0, 200]) == [Mark.SHOWN] * 3


def test_line_that_cannot_be_hidden_in_part_is_withheld():
    assert [protect(cells) for cells in ([1, 1, 1, 1, 1], [4, 4], [1, 5], [3])] == [None] * 4
