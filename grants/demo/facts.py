"""What the demo builds, from its own data files, and a source of chance that repeats itself."""

import json
import random
from collections.abc import Mapping, Sequence
from datetime import UTC, date, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any, TypeVar

from grants.people.folio import ALPHABET, BODY_LENGTH, check_character

DATA = Path(__file__).parent / "data"
MORNING = 14  # in UTC: nine o'clock where the programme works
T = TypeVar("T")


@cache
def programme() -> Any:
    """Facts of the source report, with the lines they stand on."""
    return json.loads((DATA / "programme.json").read_text(encoding="utf-8"))


@cache
def words() -> Any:
    """Invented names, ventures and goods."""
    return json.loads((DATA / "words.json").read_text(encoding="utf-8"))


class Chance(random.Random):
    """Chance by seed: the same seed builds the same programme. Keys, seeds and nonces are not drawn here."""

    def folio(self, prefix: str) -> str:
        body = "".join(self.choices(ALPHABET, k=BODY_LENGTH))
        return f"{prefix}-{body}{check_character(body)}"

    def shuffled(self, items: Sequence[T]) -> list[T]:
        return self.sample(items, len(items))

    def deck(self, counts: Mapping[str, int]) -> list[str]:
        """Each word as often as it is counted, in random order."""
        return self.shuffled([word for word, count in counts.items() for _n in range(count)])

    def day(self, first: date, last: date) -> date:
        return first + timedelta(days=self.randint(0, (last - first).days))


def spread(total: int, shares: Mapping[str, int]) -> dict[str, int]:
    """Share out whole people by percent; the largest remainders get what is left.

    >>> spread(7, {"VE": 80, "CO": 20})
    {'VE': 6, 'CO': 1}
    """
    counts = {word: total * percent // 100 for word, percent in shares.items()}
    by_remainder = sorted(shares, key=lambda word: (-(total * shares[word] % 100), word))
    for word in by_remainder[: total - sum(counts.values())]:
        counts[word] += 1
    return counts


def morning(day: date, *, minutes: int = 0) -> datetime:
    """A moment of that day in working hours."""
    return datetime(day.year, day.month, day.day, MORNING, tzinfo=UTC) + timedelta(minutes=minutes)
