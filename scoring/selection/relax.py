"""Quotas that cannot all be kept: those declared first are kept first, each later one as far as they leave it."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from scoring.selection.field import Field, Ints, arrange
from scoring.selection.model import Case, Kind, Proof, Quota, Relaxed
from scoring.selection.prices import Limits, find_prices
from scoring.selection.proof import prove
from scoring.selection.whole import Programme


def possible_limits(
    field: Field[Any], seats: int, quotas: Sequence[Quota], held: Ints
) -> tuple[Limits, tuple[Relaxed, ...]]:
    """Limits on the free `seats` that some set keeps, and the limits that had to give way.

    `held`: how many of each group have a seat already. Within a quota the minimum comes before the maximum.
    """
    whole = [seats + int(number) for number in held]
    least = [min(quota.minimum or 0, all_ + 1) for quota, all_ in zip(quotas, whole, strict=True)]
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
            found = None if wanted is None else _keep(field, kept, asked, index, kind)
            if wanted is None or found is None:
                continue
            proof = _proof(field, kept, index, kind, found, quotas)
            (kept.lower if kind == "minimum" else kept.upper)[index] = found
            relaxed.append(Relaxed(quota.group, kind, int(wanted), found + int(held[index]), proof))
    return kept, tuple(relaxed)


def _keep(field: Field[Any], kept: Limits, asked: Limits, index: int, kind: Kind) -> int | None:
    """Add one limit to those `kept`; where that cannot be, the nearest number that could."""
    limit, wanted = (kept.lower, asked.lower) if kind == "minimum" else (kept.upper, asked.upper)
    before, limit[index] = limit[index], wanted[index]
    if _fit(field, kept) is not None:
        return None
    limit[index] = before
    member = field.member[:, index]
    nearest = _fit(field, kept, member if kind == "minimum" else -member)
    if nearest is None:
        raise ArithmeticError("limits that were kept are lost")
    return int(nearest @ member)


def _proof(
    field: Field[Any], kept: Limits, index: int, kind: Kind, found: int, quotas: Sequence[Quota]
) -> Proof | None:
    """Nothing nearer is possible: a selection in which every member, or everybody else, counts one."""
    member = field.member[field.kind, index]
    points = member if kind == "minimum" else 1 - member
    counted = arrange(field.keys, points, field.kind, field.member)
    most = found if kind == "minimum" else kept.seats - found
    if not len(points):
        return Case(0, (0,) * len(quotas), 1)
    return prove(counted, kept, find_prices(counted, kept), most, quotas)


def _fit(field: Field[Any], limits: Limits, value: Ints | None = None) -> Ints | None:
    """Seats by kind within the limits, with the highest `value`; None when there are none."""
    there = np.bincount(field.kind, minlength=len(field.member))
    rows = np.concatenate((np.ones((1, len(there)), np.int64), field.member.T))
    low, high = np.append(limits.seats, limits.lower), np.append(limits.seats, limits.upper)
    return Programme(rows, low, high).solve(np.zeros_like(there), there, value)
