"""Quotas that cannot all be kept: those declared first are kept first, each later one as far as they leave it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scoring.selection.field import Field, Ints
from scoring.selection.model import Kind, Quota, Relaxed
from scoring.selection.prices import Limits
from scoring.selection.whole import Programme


def possible_limits(
    field: Field[Any], seats: int, quotas: Sequence[Quota], held: Ints
) -> tuple[Limits, tuple[Relaxed, ...]]:
    """Limits on the free `seats` that some set keeps, and the limits that had to give way.

    `held`: how many of each group have a seat already. Within a quota the minimum comes before the maximum.
    """
    least = [quota.minimum or 0 for quota in quotas]
    whole = [seats + int(number) for number in held]
    most = [all_ if q.maximum is None else min(q.maximum, all_) for q, all_ in zip(quotas, whole, strict=True)]
    asked = Limits(seats, np.maximum(np.array(least, np.int64) - held, 0), np.array(most, np.int64) - held)
    if _fit(field, asked) is not None:
        return asked, ()
    return _give_way(field, asked, quotas, held)


def _give_way(
    field: Field[Any], asked: Limits, quotas: Sequence[Quota], held: Ints
) -> tuple[Limits, tuple[Relaxed, ...]]:
    kept = Limits(asked.seats, np.zeros_like(asked.lower), np.full_like(asked.upper, asked.seats))
    relaxed = []
    for index, quota in enumerate(quotas):
        parts: tuple[tuple[Kind, int | None], ...] = (("minimum", quota.minimum), ("maximum", quota.maximum))
        for kind, wanted in parts:
            if wanted is None:
                continue
            found = _keep(field, kept, asked, index, kind)
            if found is not None:
                relaxed.append(Relaxed(quota.group, kind, int(wanted), found + int(held[index])))
    return kept, tuple(relaxed)


def _keep(field: Field[Any], kept: Limits, asked: Limits, index: int, kind: Kind) -> int | None:
    """Add one limit to those `kept`; when it cannot be kept, as much of it as possible: that number is returned."""
    member = field.member[:, index]
    limit, wanted, value = (
        (kept.lower, asked.lower, member) if kind == "minimum" else (kept.upper, asked.upper, -member)
    )
    before = limit[index]
    limit[index] = wanted[index]
    if _fit(field, kept) is not None:
        return None
    limit[index] = before
    best = _fit(field, kept, value)
    if best is None:
        raise ArithmeticError("limits that were kept are lost")
    limit[index] = best @ member
    return int(limit[index])


def _fit(field: Field[Any], limits: Limits, value: Ints | None = None) -> Ints | None:
    """Seats by kind within the limits, with the highest `value`; None when there are none."""
    there = np.bincount(field.kind, minlength=len(field.member))
    rows = np.concatenate((np.ones((1, len(there)), np.int64), field.member.T))
    low, high = np.append(limits.seats, limits.lower), np.append(limits.seats, limits.upper)
    return Programme(rows, low, high).solve(np.zeros_like(there), there, value)
