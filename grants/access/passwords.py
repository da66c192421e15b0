"""Passwords: what is accepted (NIST SP 800-63B-4, 3.1.1.2) and how they are kept (argon2id).

The policy is read from the settings once, when the application starts, so that services need not know them.
"""

import secrets
import unicodedata
from collections.abc import Iterable, Mapping
from functools import lru_cache
from typing import Any

from argon2 import PasswordHasher
from argon2.exceptions import Argon2Error, InvalidHashError
from flask_babel import lazy_gettext as _

from grants.core.errors import RuleBroken

MAX_LENGTH = 128
PRODUCT = "semilla"
RUNS = (
    "01234567890123456789",
    "abcdefghijklmnopqrstuvwxyz",
    "qwertyuiopasdfghjklzxcvbnm",
    "qwertyuiopasdfghjklñzxcvbnm",
)
FEWEST_CHARACTERS = 4
SHORTEST_REST = 8  # what must remain of a password when the words that everybody knows are taken out of it


class Passwords:
    """The policy of one installation: how long, and how costly to check."""

    def __init__(self, *, memory_kib: int, time_cost: int, parallelism: int, min_length: int) -> None:
        self.min_length = min_length
        self._hasher = PasswordHasher(time_cost=time_cost, memory_cost=memory_kib, parallelism=parallelism)
        self._decoy = self._hasher.hash(secrets.token_urlsafe(16))

    def hash(self, password: str) -> str:
        """The argon2id hash to keep."""
        return self._hasher.hash(normal_password(password).encode())

    def matches(self, kept: str | None, password: str) -> bool:
        """Whether the password is the one kept. Costs the same where none is, so that nobody learns who exists."""
        try:
            right = self._hasher.verify(kept or self._decoy, normal_password(password).encode())
        except (Argon2Error, InvalidHashError):
            return False
        return right and kept is not None

    def is_outdated(self, kept: str) -> bool:
        """Whether the hash was made with other parameters than today's."""
        return self._hasher.check_needs_rehash(kept)

    def refuse_weak(self, password: str, *, words: Iterable[str] = ()) -> None:
        """Raise RuleBroken on `password` when it is short, long, common, or made of `words` such as the e-mail."""
        plain = normal_password(password)
        if len(plain) < self.min_length:
            raise RuleBroken(
                _("Use at least %(num)d characters. Four or five words in a row are easy to remember.",
                  num=self.min_length),
                field="password",
            )  # fmt: skip
        if len(plain) > MAX_LENGTH:
            raise RuleBroken(_("Use at most %(num)d characters.", num=MAX_LENGTH), field="password")
        if is_common(plain, words):
            raise RuleBroken(
                _("Many people use that password, or it is easy to guess from your e-mail. Choose other words."),
                field="password",
            )


def normal_password(password: str) -> str:
    """One form for every keyboard: NFKC; what cannot be written in UTF-8 becomes a question mark."""
    return unicodedata.normalize("NFKC", password.encode("utf-8", "replace").decode())


def is_common(password: str, words: Iterable[str] = ()) -> bool:
    """Whether a guesser would try it early: a known password, a keyboard run, or context words with little around."""
    folded = password.casefold()
    core = folded.strip("0123456789 !\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~¡¿")
    halves = {folded[: len(folded) // 2], folded[len(folded) // 2 :]}
    if folded in _known() or core in _known() or (len(halves) == 1 and halves & _known()):
        return True
    if len(set(folded)) < FEWEST_CHARACTERS or any(folded in run or folded in run[::-1] for run in RUNS):
        return True
    rest = folded
    for word in sorted(_parts(words), key=len, reverse=True):
        rest = rest.replace(word, "")
    return len(rest) < min(SHORTEST_REST, len(folded))


def _parts(words: Iterable[str]) -> set[str]:
    """The words, and those of an address: ana.ruiz@example.org → ana.ruiz, ana, ruiz, example …"""
    folded = {word.casefold() for word in words} | {PRODUCT}
    for word in list(folded):
        folded.update(word.split("@"))
        folded.update(word.replace("@", " ").replace(".", " ").split())
    return {word for word in folded if len(word) >= 3}


@lru_cache(maxsize=1)
def _known() -> frozenset[str]:
    from zxcvbn.frequency_lists import FREQUENCY_LISTS  # noqa: PLC0415 -- 30,000 words, needed when one is chosen

    return frozenset(FREQUENCY_LISTS["passwords"])


_policy: list[Passwords] = []


def passwords() -> Passwords:
    """The policy in use."""
    return _policy[0]


def use_password_settings(config: Mapping[str, Any]) -> None:
    """Take the settings of this installation for this process."""
    _policy[:] = [
        Passwords(
            memory_kib=int(config["ARGON2_MEMORY_KIB"]),
            time_cost=int(config["ARGON2_TIME_COST"]),
            parallelism=int(config["ARGON2_PARALLELISM"]),
            min_length=int(config["PASSWORD_MIN_LENGTH"]),
        )
    ]
