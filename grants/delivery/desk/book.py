"""What the desk keeps for itself: opened boxes, cases and draws, in one file that the private key alone opens.

AES-256-GCM under a key that HKDF-SHA256 (RFC 5869) derives from the private key. Written whole, in one step, and by one
command at a time: each learns first what the others wrote.
"""

import fcntl
import hashlib
import json
import os
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from grants.core.clock import local_day
from grants.core.crypto import replace_private
from grants.delivery.signals import OVER_MIDNIGHT, Facts, Kind

PURPOSE, CONTEXT = b"semilla desk book 1", b"semilla:desk-book:1"
NONCE_BYTES = 12


class BookUnreadable(Exception):
    """The file belongs to another key, or was changed."""


@dataclass(slots=True)
class Case:
    """A call for help, or something else that the desk follows."""

    number: int
    opened_at: str
    title: str
    officer_id: int | None = None
    second_officer_id: int = 0  # 0: none
    delivery_id: int | None = None
    at: str = ""
    drill: bool = False
    notes: list[str] = field(default_factory=list)
    closed_at: str = ""

    @property
    def is_open(self) -> bool:
        return not self.closed_at


@dataclass(slots=True)
class Book:
    """All of it in memory. `seen`: digests of boxes that were opened, so that two channels make one case, with what of
    an alarm matters to answers. `last`: the highest number of a box that was read from the server, -1 before the first
    look.
    """

    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    draws: dict[str, int] = field(default_factory=dict)
    asked: dict[str, list[int]] = field(default_factory=dict)
    last: int = -1

    def open_case(self, title: str, *, now: datetime, facts: Facts | None = None) -> Case:
        """A new case, the facts of its alarm in it."""
        case = Case(len(self.cases) + 1, stamp(now), title)
        if facts is not None:
            case.officer_id, case.delivery_id, case.at = facts.officer_id, facts.delivery_id, stamp(facts.at)
            case.second_officer_id = facts.second_officer_id
            case.drill = facts.kind is Kind.DRILL
        self.cases.append(case)
        return case

    def case(self, number: int) -> Case | None:
        """A case by its number."""
        return next((one for one in self.cases if one.number == number), None)

    @property
    def open_cases(self) -> list[Case]:
        """Open cases: alarms before drills, the newest first."""
        return sorted((one for one in self.cases if one.is_open), key=lambda one: (one.drill, -one.number))

    def has_seen(self, box: bytes) -> bool:
        return digest(box) in self.seen

    def take(self, box: bytes, facts: Facts | None) -> None:
        """Remember a box that was opened; None when it does not open with this key."""
        self.seen[digest(box)] = {} if facts is None else {"at": stamp(facts.at), "officer": facts.officer_id}
        if facts is not None and facts.is_alarm and facts.kind is not Kind.DRILL:
            self.seen[digest(box)] |= {"alarm": True, "second": facts.second_officer_id}

    def skip(self, boxes: Iterable[bytes]) -> None:
        """Open none of these."""
        self.seen.update((digest(box), {}) for box in boxes if not self.has_seen(box))

    def alarm_of(self, officer_id: int, asked_at: datetime) -> datetime | None:
        """When somebody called for help at a handover of this officer, first or second, on the day of a question.

        Drills are not asked, nor whether the case is open: if one officer were rescheduled for days, everybody could
        read why.
        """
        for said, officers in self._alarms():
            if officer_id in officers:
                at = datetime.fromisoformat(said)
                if local_day(at) == local_day(asked_at) or timedelta(0) <= asked_at - at <= OVER_MIDNIGHT:
                    return at
        return None

    def _alarms(self) -> Iterator[tuple[str, tuple[int | None, int]]]:
        """When and of whom: those with a case, then those that others were done with before this book began."""
        for case in self.cases:
            if case.at and not case.drill:
                yield case.at, (case.officer_id, case.second_officer_id)
        for opened in self.seen.values():
            if opened.get("alarm"):
                yield opened["at"], (opened["officer"], opened["second"])

    def learn(self, other: "Book") -> None:
        """Take over what another command wrote. A book only ever grows, so nothing of either is lost."""
        self.seen |= other.seen
        self.draws |= other.draws
        self.last = max(self.last, other.last)
        for place, ids in other.asked.items():
            self.asked[place] = _joined(ids, self.asked.get(place, []))
        for case in other.cases:
            mine = self.case(case.number)
            if mine is None:
                self.cases.append(case)
            else:
                mine.notes = _joined(case.notes, mine.notes)
                mine.closed_at = mine.closed_at or case.closed_at


def stamp(moment: datetime) -> str:
    """A moment as the book writes it."""
    return moment.astimezone(UTC).isoformat(timespec="seconds")


def digest(box: bytes) -> str:
    """The name of a box."""
    return hashlib.sha256(box).hexdigest()[:32]


def load(path: Path, key: X25519PrivateKey) -> Book:
    """The book of this key; an empty one where there is no file yet."""
    try:
        sealed = path.read_text()
    except FileNotFoundError:
        return Book()
    try:
        raw = bytes.fromhex(sealed.strip())
        said = json.loads(_cipher(key).decrypt(raw[:NONCE_BYTES], raw[NONCE_BYTES:], CONTEXT))
    except (InvalidTag, ValueError) as error:
        raise BookUnreadable(path.name) from error
    return Book(said["seen"], [Case(**case) for case in said["cases"]], said["draws"], said["asked"],
                said.get("last", -1))  # fmt: skip


@contextmanager
def held(book: Book, path: Path, key: X25519PrivateKey) -> Iterator[Book]:
    """Change the book while no other command does: what they wrote is learned first, and all of it kept afterwards.

    Never wait for the server or for a key inside. BookUnreadable as `load`.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    lock = os.open(path.with_name(path.name + ".lock"), os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        book.learn(load(path, key))
        yield book
        save(book, path, key)
    finally:
        os.close(lock)


def save(book: Book, path: Path, key: X25519PrivateKey) -> None:
    """Write the whole book, encrypted, readable by its owner only."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    plain = json.dumps(asdict(book), ensure_ascii=False).encode()
    replace_private(path, (nonce + _cipher(key).encrypt(nonce, plain, CONTEXT)).hex())


def _cipher(key: X25519PrivateKey) -> AESGCM:
    raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(raw))


def _joined(first: list[Any], then: list[Any]) -> list[Any]:
    return first + [one for one in then if one not in first]
