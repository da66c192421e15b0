"""Public lotteries that anyone can run again with a pencil's worth of code.

Ties are settled by SHA-256 over a seed that was published before any score was known. RFC 3797 is the procedure for
drawing from a numbered pool with seeds that the world publishes (lottery results, closing prices).
"""

import hashlib
from collections.abc import Hashable, Iterable
from typing import TypeVar

from scoring.checks import whole

K = TypeVar("K", bound=Hashable)


def tie_key(seed: str, key: object) -> str:
    """SHA-256 of "seed|key" in UTF-8, as 64 hexadecimal digits. The key of an application is "call|folio".

    >>> tie_key("2024-05-01", "SC-1|A-1")[:16]
    'b16570d544cc0849'
    """
    return hashlib.sha256(f"{seed}|{key}".encode()).hexdigest()


def lottery_order(seed: str, keys: Iterable[K]) -> list[K]:
    """The keys in the order of their tie keys, smallest first. The order they come in does not matter.

    ValueError when a key stands there twice.

    >>> lottery_order("2024-05-01", ["x", "y", "z"]) == lottery_order("2024-05-01", ["z", "x", "y"])
    True
    """
    entries = list(keys)
    if len(set(map(str, entries))) < len(entries):
        raise ValueError("a key stands in the lottery twice")
    return sorted(entries, key=lambda key: (tie_key(seed, key), str(key)))


def rfc3797_order(key: str, n: int, count: int | None = None) -> list[int]:
    """Draw `count` of the numbers 1 … n (all of them when not given), in the order drawn. RFC 3797, sections 4 and 6.

    For draw i (from 0) the MD5 of i, key, i is taken, with i as two bytes, most significant first; its remainder by
    the number of entries left picks among those left. MD5 is what the RFC prescribes; nothing here is secret.
    ValueError unless 0 <= count <= n < 65536, whole numbers, and the key is ASCII text.

    >>> rfc3797_order("9319./2.5.8.10.12./9.18.26.34.41.45./", 25, 10)
    [17, 7, 2, 16, 25, 23, 8, 24, 19, 13]
    """
    if not isinstance(key, str) or not key.isascii():
        raise ValueError("the key of the draw must be ASCII text, as the seeds were published")
    n = whole(n, "numbers to draw from")
    draws = n if count is None else whole(count, "numbers to draw")
    if not 0 <= draws <= n < 2**16:
        raise ValueError("draw between none and all of at most 65,535 numbers")
    pool = list(range(1, n + 1))
    return [pool.pop(_rfc3797_number(key, index) % len(pool)) for index in range(draws)]


def _rfc3797_number(key: str, index: int) -> int:
    edge = index.to_bytes(2, "big")
    digest = hashlib.md5(edge + key.encode("ascii") + edge, usedforsecurity=False).digest()
    return int.from_bytes(digest, "big")
