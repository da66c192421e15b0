"""Ranks counted over draws, in bounded memory."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Floats = NDArray[np.float64]

EXACT = 20_000  # applications up to which every draw is sorted; above, ranks are counted in fine bins
BINS = 2**16


class Tally:
    """Sums over the draws seen so far."""

    def __init__(self, count: int, draws: int, places: int) -> None:
        self.places, self.seen = places, 0
        self.unit = max(0.5, count / (BINS - 1))  # ties have half ranks
        self.top, self.shared = np.zeros(count, dtype=np.int32), np.zeros(count)
        self.ranks = np.empty((draws, count), dtype=np.uint16)

    def add(self, block: NDArray[np.floating[Any]]) -> None:
        """Count in a block of draws, applications × draws."""
        if len(block) <= EXACT:
            self._add_sorted(block)
        else:
            self._add_counted(block)
        self.seen += block.shape[1]

    def _add_sorted(self, block: NDArray[np.floating[Any]]) -> None:
        ranks = rankdata(-block, axis=0)
        # Where several share the last place, each has its part of it.
        highest = rankdata(-block, axis=0, method="max")
        sharing = 2 * (highest - ranks) + 1
        self.shared += (np.clip(self.places - (highest - sharing), 0, sharing) / sharing).sum(axis=1)
        self.ranks[self.seen : self.seen + block.shape[1]] = np.round(ranks / self.unit).T

    def _add_counted(self, block: NDArray[np.floating[Any]]) -> None:
        low, high = float(block.min()), float(block.max())
        step = np.float32((BINS - 1) / (high - low) if high > low else 0.0)
        bins = np.ascontiguousarray(((np.float32(high) - block) * step).astype(np.uint16).T)
        for number, row in enumerate(bins, self.seen):
            counts = np.bincount(row, minlength=BINS)
            upto = np.cumsum(counts)
            cut = int(np.searchsorted(upto, self.places))  # the bin in which the last place falls
            self.top += row < cut
            if cut < BINS and counts[cut]:
                self.shared[row == cut] += (self.places - upto[cut] + counts[cut]) / counts[cut]
            middle = (upto - (counts - 1) / 2) / self.unit  # all of a bin share its middle rank
            np.take(np.round(middle).astype(np.uint16), row, out=self.ranks[number], mode="clip")

    @property
    def top_share(self) -> Floats:
        """By application, the share of the draws in which it is among the best."""
        share: Floats = (self.top + self.shared) / self.seen
        return share

    @property
    def mean_rank(self) -> Floats:
        """By application, the mean of its ranks."""
        total = np.asarray(np.sum(self.ranks, axis=0, dtype=np.uint64), dtype=float)
        mean: Floats = total * self.unit / self.seen
        return mean
