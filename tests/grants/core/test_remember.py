"""Counts over many rows are at most a minute old; counts over few are fresh."""

from flask import Flask

from grants.core import remember
from grants.core.remember import MANY, counted_lately


def _count_twice(key: str, first: int, second: int) -> tuple[int, int]:
    answers = iter((first, second))
    return tuple(counted_lately(key, lambda: next(answers), size=lambda found: found) for _n in range(2))


def test_small_count_is_fresh_each_time(app: Flask) -> None:
    assert _count_twice("small", MANY - 1, 3) == (MANY - 1, 3)


def test_large_count_is_kept(app: Flask) -> None:
    assert _count_twice("large", MANY, 3) == (MANY, MANY)


def test_large_count_is_counted_again_after_a_minute(app: Flask, monkeypatch) -> None:
    clock = iter((0.0, 0.0, remember.SECONDS + 1.0))
    monkeypatch.setattr(remember.time, "monotonic", lambda: next(clock))
    assert _count_twice("old", MANY, 3) == (MANY, 3)


def test_counts_of_different_keys_are_kept_apart(app: Flask) -> None:
    _count_twice("one call", MANY, 0)
    assert counted_lately("another call", lambda: 7, size=lambda found: found) == 7
