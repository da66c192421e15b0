"""The symbol card's arithmetic: four codes that share a tag, and one slow hash that checks them all."""

import hashlib
import hmac
import secrets
from collections.abc import Iterator
from dataclasses import dataclass

from argon2.low_level import Type, hash_secret_raw

from grants.core.crypto import keyring

CODE_DIGITS = 10
CODES = 4
SALT_BYTES = 16
HASH_BYTES = 32
TAG_BITS = 10
GROUPS = (3, 3, 4)
DRAWN_BYTES, DRAWN_AT_ONCE = 5, 1024
# The largest multiple of 10^10 that five bytes hold: what lies above would make some codes likelier than others.
FAIR_LIMIT = 2 ** (8 * DRAWN_BYTES) // 10**CODE_DIGITS * 10**CODE_DIGITS


@dataclass(frozen=True, slots=True)
class HashCost:
    """What one argon2id pass costs."""

    memory_kib: int
    time_cost: int


def tag_key(salt: bytes) -> bytes:
    """The key of one card's tags: a phone that has it can catch a typing error, and nothing else."""
    return hmac.digest(keyring().derive("delivery:card-tag"), salt, hashlib.sha256)


def tag_of(code: str, key: bytes) -> int:
    """Ten bits of HMAC-SHA256. The four codes of a card share them, so the tag tells nothing about which is true."""
    digest = hmac.digest(key, code.encode(), hashlib.sha256)
    return int.from_bytes(digest[:2], "big") >> (16 - TAG_BITS)


def new_codes(key: bytes) -> tuple[list[str], int]:
    """Four different codes of ten digits from the system's random source, and the tag that they share."""
    candidates = _random_codes()
    codes = [next(candidates)]
    tag = tag_of(codes[0], key)
    while len(codes) < CODES:
        code = next(candidates)
        if tag_of(code, key) == tag and code not in codes:
            codes.append(code)
    return codes, tag


def slow_hash(code: str, salt: bytes, cost: HashCost) -> bytes:
    """argon2id over the code under a pepper that is not in the database: a stolen dump cannot try codes."""
    peppered = hmac.digest(keyring().derive("delivery:card-pepper"), code.encode(), hashlib.sha256)
    return hash_secret_raw(
        secret=peppered,
        salt=salt,
        time_cost=cost.time_cost,
        memory_cost=cost.memory_kib,
        parallelism=1,
        hash_len=HASH_BYTES,
        type=Type.ID,
    )


def hash_codes(codes: list[str], salt: bytes, cost: HashCost) -> bytes:
    """The four hashes one after another, in the pictures' order."""
    return b"".join(slow_hash(code, salt, cost) for code in codes)


def matching_position(entered: str | None, hashes: bytes, salt: bytes, cost: HashCost) -> int | None:
    """Which of the four codes was entered. One slow hash and four comparisons, whatever was entered."""
    found, hashed = None, slow_hash(entered or "", salt, cost)
    for position in range(CODES):
        stored = hashes[position * HASH_BYTES : (position + 1) * HASH_BYTES]
        same = hmac.compare_digest(hashed, stored)
        found = position if same else found
    return found


def grouped(code: str) -> str:
    """As printed and typed.

    >>> grouped("1234567890")
    '123 456 7890'
    """
    if len(code) != CODE_DIGITS:  # spoken ones
        return f"{code[:4]} {code[4:]}".strip()
    first, second, _third = GROUPS
    return f"{code[:first]} {code[first : first + second]} {code[first + second :]}"


def _random_codes() -> Iterator[str]:
    """Codes without end, all equally likely. Drawn by the thousand: about that many are tried for each that is kept."""
    while True:
        drawn = secrets.token_bytes(DRAWN_BYTES * DRAWN_AT_ONCE)
        for start in range(0, len(drawn), DRAWN_BYTES):
            number = int.from_bytes(drawn[start : start + DRAWN_BYTES], "big")
            if number < FAIR_LIMIT:
                yield f"{number % 10**CODE_DIGITS:0{CODE_DIGITS}d}"
