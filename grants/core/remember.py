"""Counts over very many rows, kept for a minute in this process instead of being counted for every reader."""

import time
from collections.abc import Callable, Hashable
from typing import Any, TypeVar

from flask import current_app

SECONDS = 60
MANY = 5_000  # below that, counting costs less than being a minute behind

Counted = TypeVar("Counted")
_kept: dict[Hashable, tuple[float, Any]] = {}


def counted_lately(key: Hashable, count: Callable[[], Counted], *, size: Callable[[Counted], int]) -> Counted:
    """What `count` answers; at most a minute old where its `size` is at least MANY, and fresh otherwise.

    The answer must be plain values: it outlives the session that read it.
    """
    place = (current_app.config["SQLALCHEMY_DATABASE_URI"], key)
    until, known = _kept.get(place, (0.0, None))
    if time.monotonic() < until:
        return known  # type: ignore[no-any-return]
    found = count()
    if size(found) >= MANY:
        _kept[place] = (time.monotonic() + SECONDS, found)
    else:
        _kept.pop(place, None)
    return found
