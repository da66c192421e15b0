"""The lottery on the cut line: walk through it and admit everybody with whom the seats can still be filled rightly."""

import numpy as np

from scoring.selection.field import Ints, turns
from scoring.selection.whole import Programme


def draw(cells: Ints, most: Ints, programme: Programme) -> Ints | None:
    """How many to take from each cell so that the first of the lottery come first; None when nothing is allowed.

    `cells`: the cell of each person, in lottery order; `most`: how many people each cell has. Person by person, who
    can be admitted together with those admitted before, so that some allowed set still contains them all, is
    admitted. Of all allowed sets it is the first in the order of the lottery, and that order knows no quotas: taking
    away a quota that this set keeps anyway changes nothing.
    """
    witness = programme.solve(np.zeros_like(most), most)
    if witness is None:
        return None
    walk = _Walk(cells, most.copy(), programme, witness)
    while len(walk.waiting):
        walk.go()
    return walk.taken


class _Walk:
    """Where the walk stands: `taken` by cell so far, `most` it can still become, `waiting` the cells of those ahead."""

    def __init__(self, cells: Ints, most: Ints, programme: Programme, witness: Ints) -> None:
        self.waiting, self.most, self.programme, self.witness = cells, most, programme, witness
        self.taken = np.zeros_like(most)

    def go(self) -> None:
        """Admit as many as possible; the next one is refused, and with them the rest of their cell."""
        ahead = self._sure()
        stride = 1
        while ahead < len(self.waiting) and stride:
            reach = min(ahead + stride, len(self.waiting))
            if self._can(reach):
                ahead, stride = max(reach, self._sure()), stride * 2
            else:
                stride //= 2
        self._admit(ahead)

    def _admit(self, ahead: int) -> None:
        self.taken += self._counts(ahead)
        if ahead == len(self.waiting):
            self.waiting = self.waiting[:0]
            return
        refused = self.waiting[ahead]
        self.most[refused] = self.taken[refused]
        rest = self.waiting[ahead:]
        self.waiting = rest[rest != refused]

    def _counts(self, ahead: int) -> Ints:
        return np.bincount(self.waiting[:ahead], minlength=len(self.taken))

    def _sure(self) -> int:
        """How many of those ahead the allowed set at hand contains, up to the first it does not."""
        room = self.witness - self.taken
        return int(np.flatnonzero(turns(self.waiting) >= room[self.waiting]).min(initial=len(self.waiting)))

    def _can(self, ahead: int) -> bool:
        """Whether some allowed set contains the next `ahead` people; it is kept as the one at hand."""
        least = self.taken + self._counts(ahead)
        found = self._swap(least) if (least <= self.most).all() else None
        if found is None:
            found = self.programme.solve(least, self.most)
        if found is None:
            return False
        self.witness = found
        return True

    def _swap(self, least: Ints) -> Ints | None:
        """The allowed set at hand with one seat moved from a cell to another, when that is enough."""
        lacking = np.flatnonzero(least > self.witness)
        if len(lacking) != 1 or least[lacking[0]] - self.witness[lacking[0]] != 1:
            return None
        moved = self.programme.rows[:, lacking] - self.programme.rows
        sums = (self.programme.rows @ self.witness)[:, None] + moved
        fits = ((self.programme.low[:, None] <= sums) & (sums <= self.programme.high[:, None])).all(axis=0)
        givers = np.flatnonzero(fits & (self.witness > least))
        if not len(givers):
            return None
        found = self.witness.copy()
        found[lacking[0]] += 1
        found[givers[0]] -= 1
        return found
