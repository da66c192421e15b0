"""What a set of reviews allows to be compared: who is linked with whom, and how exactly panels can be told apart."""

import math
from collections import defaultdict
from collections.abc import Hashable, Iterable, Mapping
from typing import TypeVar

import numpy as np

A = TypeVar("A", bound=Hashable)
N = TypeVar("N", bound=Hashable)


def text_key(key: object) -> tuple[str, str]:
    """An order for labels of any kind: by their text, then by their type."""
    return str(key), type(key).__name__


def connected(groups: Iterable[Iterable[N]]) -> tuple[frozenset[N], ...]:
    """The parts into which the members fall when those of one group are linked; largest first, then by text.

    >>> [sorted(part) for part in connected([["a", "b"], ["b", "c"], ["d"]])]
    [['a', 'b', 'c'], ['d']]
    """
    parent: dict[N, N] = {}

    def root(node: N) -> N:
        while parent[node] != node:
            parent[node] = node = parent[parent[node]]
        return node

    for group in groups:
        members = list(group)
        for member in members:
            parent.setdefault(member, member)
            parent[root(member)] = root(members[0])
    parts: defaultdict[N, set[N]] = defaultdict(set)
    for node in parent:
        parts[root(node)].add(node)
    return tuple(
        frozenset(part) for part in sorted(parts.values(), key=lambda part: (-len(part), min(map(text_key, part))))
    )


def cross_panel_se(reviewers: Mapping[A, Iterable[N]], panel_of: Mapping[N, Hashable]) -> float:
    """The standard error of the worst known difference between two panels, in residual standard deviations.

    From the design alone. With a free level per application, the information about the panels is the sum over the
    applications of diag(n) - n nᵀ / k, where n counts the application's k reviews by panel; the variance of a
    difference follows from its pseudo-inverse. "Residual" holds all that differs within a panel. 0 for one panel or
    none, infinity where the panels are not linked. ValueError for an evaluator without a panel.

    Two panels and one application that both read once: the variance is 1 + 1.

    >>> round(cross_panel_se({"a": ["x", "y"]}, {"x": 1, "y": 2}), 6)
    1.414214
    """
    lost = sorted({who for group in reviewers.values() for who in group if who not in panel_of}, key=text_key)
    if lost:
        raise ValueError(f"evaluator {lost[0]} has no panel")
    panels = sorted({panel_of[who] for group in reviewers.values() for who in group}, key=text_key)
    if len(panels) < 2:
        return 0.0
    place = {panel: index for index, panel in enumerate(panels)}
    information = np.zeros((len(panels), len(panels)))
    groups = [[place[panel_of[who]] for who in group] for group in reviewers.values()]
    if len(connected(groups)) > 1:
        return math.inf
    for group in groups:
        counts = np.bincount(group, minlength=len(panels)).astype(float)
        information += np.diag(counts) - np.outer(counts, counts) / max(len(group), 1)
    variance = np.linalg.pinv(information, hermitian=True)
    spread = np.diag(variance)
    return float(np.sqrt((spread[:, None] + spread[None, :] - 2 * variance).max()))
