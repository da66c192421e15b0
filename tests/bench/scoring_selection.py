"""Selection at full size beside sorting the same rows. `python -m tests.bench.scoring_selection`."""

import resource
import sys
import time
from collections.abc import Callable
from typing import NamedTuple

import numpy as np

from scoring import Candidate, Quota, check_certificate, select

TARGET = 100
REPEATS = 3


class Row(NamedTuple):
    """CPU seconds of the floor and ours, how many times the floor that is and may be, and whether the proof holds."""

    name: str
    floor: float
    ours: float
    ratio: float
    target: float
    is_proven: bool


def problem(people: int, seed: int = 1) -> tuple[list[Candidate[int]], list[int]]:
    """People in six groups that overlap, two of them with lower points, and their lottery."""
    random = np.random.default_rng(seed)
    belongs = random.random((people, 6)) < (0.55, 0.3, 0.25, 0.2, 0.1, 0.15)
    points = random.normal(6000, 1500, people) - 400 * belongs[:, 0] - 800 * belongs[:, 3]
    whole = np.clip(points.round(), 0, 10_000).astype(int).tolist()
    groups = [frozenset(np.flatnonzero(row).tolist()) for row in belongs]
    candidates = [Candidate(key, whole[key], groups[key]) for key in range(people)]
    return candidates, random.permutation(people).tolist()


def quotas(places: int) -> list[Quota]:
    """Six quotas, two of which bind from above."""
    share = [int(places * part) for part in (0.6, 0.4, 0.1, 0.24, 0.2, 0.1, 0.12)]
    return [
        Quota(0, minimum=share[0]),
        Quota(1, minimum=share[1]),
        Quota(2, minimum=share[2], maximum=share[3]),
        Quota(3, minimum=share[4]),
        Quota(4, minimum=share[5]),
        Quota(5, maximum=share[6]),
    ]


def measure(people: int = 100_000, places: int = 10_000, *, steps: bool = False) -> Row:
    """The floor is `numpy.lexsort` by points and lottery. With `steps`, what each quota changed is found as well."""
    candidates, lottery = problem(people)
    asked = quotas(places)
    points, turn = np.array([one.points for one in candidates]), np.argsort(lottery)
    floor = _best(lambda: np.lexsort((turn, -points)))
    ours = _best(lambda: select(candidates, places, asked, lottery, steps=steps))
    found = select(candidates, places, asked, lottery, steps=False)
    is_proven = found.objective == found.bound and check_certificate(candidates, places, asked, found)
    name = f"selection, {people:,} for {places:,} seats, 6 quotas{', with displacement' if steps else ''}"
    return Row(name, floor, ours, ours / floor, TARGET, is_proven)


def _best(work: Callable[[], object]) -> float:
    """The shortest of a few runs, in CPU seconds: the machine may have other work."""
    times = []
    for _ in range(REPEATS):
        started = time.process_time()
        work()
        times.append(time.process_time() - started)
    return min(times)


def main() -> None:
    for row in (measure(), measure(steps=True), measure(251, 129)):
        proof = "objective = bound" if row.is_proven else "NOT PROVEN"
        sys.stdout.write(f"{row.name:<70}{row.floor:>10.5f} s{row.ours:>10.4f} s{row.ratio:>9.0f} ×  {proof}\n")
    sys.stdout.write(f"peak memory {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB\n")


if __name__ == "__main__":
    main()
