"""One row of the table of the scoring library: what it took beside its floor, or what share it reached."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

T = TypeVar("T")


@dataclass(frozen=True)
class Row:
    """A figure, what it is compared with, and the bound that it must keep."""

    name: str
    figure: str
    target: str
    kept: bool


def timed(work: Callable[[], T], *, repeat: int = 1) -> tuple[float, T]:
    """Seconds of CPU of the fastest of some runs, and what the last one gave. Other work on the machine costs none."""
    best = float("inf")
    for _run in range(repeat):
        began = time.process_time()
        found = work()
        best = min(best, time.process_time() - began)
    return best, found


def against(name: str, floor: float, ours: float, target: float, *, note: str = "", also: bool = True) -> Row:
    """A time beside its floor: `also` is what must hold besides."""
    figure = f"{ours:.3f} s, floor {floor:.3f} s: {ours / floor:.2f} ×{note}"
    return Row(name, figure, f"≤ {target} ×", ours / floor <= target and also)
