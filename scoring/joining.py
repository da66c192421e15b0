"""Link the readers: exchange two reviews at the least loss until everybody can be compared with everybody else."""

from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray
from scipy import sparse
from scipy.sparse.csgraph import connected_components

from scoring.flow import Bools, Flow, Ints

Swap = tuple[int, int, int, int]

_NEVER = 2**40  # above every loss: affinities stay within a million
_CHANGE = 2**30  # an application read by more panels than before, or by fewer, weighs more than any affinity


def join_parts(flow: Flow, chosen: Bools, panel: Ints | None) -> Bools:
    """The pairs, with reviews exchanged until all readers hang together, or no exchange joins two parts.

    An exchange gives the review of x in one application to y, and that of y in an application of another part to x:
    loads stay and only allowed pairs are used. It joins the two parts when one of them also holds without the review
    it gives away. The one that loses the least affinity is made, equals in the order of rows and columns; between
    readers of different panels only where no other joins anything, then so that the fewest applications change
    between one panel and two, and never so that a third panel reads.
    """
    chosen = chosen.copy()
    while True:
        parts = _parts(chosen)
        if len(np.unique(parts[chosen.any(axis=0)])) < 2:
            return chosen
        swap = _best_swap(flow, chosen, parts, panel)
        if swap is None:
            return chosen
        first, x, second, y = swap
        chosen[[first, second], [x, y]] = False
        chosen[[first, second], [y, x]] = True


def _parts(chosen: Bools) -> Ints:
    """The number of the part by column."""
    rows, columns = chosen.shape
    row, column = np.nonzero(chosen)
    graph = sparse.coo_array((np.ones(len(row)), (row, rows + column)), shape=(rows + columns,) * 2)
    return np.asarray(connected_components(graph, directed=False)[1][rows:], dtype=np.int64)


def _best_swap(flow: Flow, chosen: Bools, parts: Ints, panel: Ints | None) -> Swap | None:
    """Row and column of the two reviews that are exchanged; None when no exchange joins two parts."""
    spare = _spare(chosen)
    if not spare.any():
        return None
    apart = parts[:, None] != parts
    same = np.ones_like(apart) if panel is None else panel[:, None] == panel
    for open_columns in (apart & same, apart) if panel is not None else (apart,):
        any_loss, any_row = _losses(flow, chosen, open_columns, panel)
        spare_loss, spare_row = _losses(flow, chosen & spare, open_columns, panel, chosen)
        total = spare_loss + any_loss.T
        x, y = (int(end) for end in np.unravel_index(np.argmin(total), total.shape))
        if total[x, y] < _NEVER:
            return int(spare_row[x, y]), x, int(any_row[y, x]), y
    return None


def _losses(
    flow: Flow, given: Bools, open_columns: Bools, panel: Ints | None, chosen: Bools | None = None
) -> tuple[Ints, Ints]:
    """By column x and column y: the least affinity lost when y takes over one of x's given reviews, and its row."""
    columns = given.shape[1]
    loss, at = np.full((columns, columns), _NEVER), np.zeros((columns, columns), dtype=np.int64)
    read_by = None if panel is None else _read_by(given if chosen is None else chosen, panel)
    for x in range(columns):
        rows = np.flatnonzero(given[:, x])
        if not len(rows) or not open_columns[x].any():
            continue
        fits = flow.allowed[rows] & open_columns[x]
        lost = flow.value[rows, x][:, None] - flow.value[rows]
        if panel is not None and read_by is not None:
            more = _more_panels(read_by[rows], panel, x)
            fits &= (read_by[rows] > 0).sum(axis=1)[:, None] + more <= 2
            lost += _CHANGE * abs(more)
        lost = np.where(fits, lost, _NEVER)
        first = lost.argmin(axis=0)
        loss[x], at[x] = lost[first, np.arange(columns)], rows[first]
    return loss, at


def _read_by(chosen: Bools, panel: Ints) -> Ints:
    """Reviews by row and panel."""
    return np.column_stack([chosen[:, panel == index].sum(axis=1) for index in range(int(panel.max()) + 1)])


def _more_panels(read_by: Ints, panel: Ints, x: int) -> Ints:
    """How many panels more read a row after a column has taken the place of x: rows × columns, from -1 to 1."""
    lost = read_by[:, panel[x]] == 1
    return np.where(panel == panel[x], 0, (read_by[:, panel] == 0).astype(np.int64) - lost[:, None])


def _spare(chosen: Bools) -> NDArray[np.bool_]:
    """The pairs without which their part still hangs together: those that lie on a circle of reviews.

    A walk in depth; a step is spare when something beyond it leads back to where it started, or before.
    """
    rows = len(chosen)
    row, column = np.nonzero(chosen)
    near: list[list[int]] = [[] for _node in range(sum(chosen.shape))]
    for i, j in zip(row.tolist(), (rows + column).tolist(), strict=True):
        near[i].append(j)
        near[j].append(i)
    spare = chosen.copy()
    seen, low = [-1] * len(near), [0] * len(near)
    count = 0
    for start in range(rows):
        path: list[tuple[int, int, Iterator[int]]] = [(start, -1, iter(near[start]))] if seen[start] < 0 else []
        while path:
            node, parent, ahead = path[-1]
            if seen[node] < 0:
                seen[node] = low[node] = count
                count += 1
            following = next(ahead, None)
            if following is None:
                path.pop()
                if parent >= 0:
                    low[parent] = min(low[parent], low[node])
                    if low[node] > seen[parent]:
                        spare[min(node, parent), max(node, parent) - rows] = False
            elif seen[following] < 0:
                path.append((following, node, iter(near[following])))
            elif following != parent:
                low[node] = min(low[node], seen[following])
    return spare
