"""What the desk keeps for itself: opened boxes, cases and draws, in one file that the private key alone opens.

AES-256-GCM under a key that HKDF-SHA256 (RFC 5869) derives from the private key. Written whole, in one step.
"""

import hashlib
import json
import secrets
from dataclasses import asdict, dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from grants.core.clock import PROGRAMME_ZONE
from grants.core.crypto import replace_private
from grants.delivery.signals import Facts, Kind

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
    """All of it in memory. `seen`: digests of boxes that were opened, so that two channels make one case."""

    seen: dict[str, dict[str, Any]] = field(default_factory=dict)
    cases: list[Case] = field(default_factory=list)
    draws: dict[str, int] = field(default_factory=dict)
    asked: dict[str, list[int]] = field(default_factory=dict)

    def open_case(self, title: str, *, now: datetime, facts: Facts | None = None) -> Case:
        """A new case, the facts of its alarm in it."""
        case = Case(len(self.cases) + 1, stamp(now), title)
        if facts is not None:
            case.officer_id, case.delivery_id, case.at = facts.officer_id, facts.delivery_id, stamp(facts.at)
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

    def alarm_of(self, officer_id: int, on: date) -> bool:
        """Whether this officer called for help on a day, or a case about them is open. Drills are not asked."""
        return any(
            case.officer_id == officer_id and not case.drill and bool(case.at) and (case.is_open or _day(case.at) == on)
            for case in self.cases
        )


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
    return Book(said["seen"], [Case(**case) for case in said["cases"]], said["draws"], said["asked"])


def save(book: Book, path: Path, key: X25519PrivateKey) -> None:
    """Write the whole book, encrypted, readable by its owner only."""
    nonce = secrets.token_bytes(NONCE_BYTES)
    plain = json.dumps(asdict(book), ensure_ascii=False).encode()
    replace_private(path, (nonce + _cipher(key).encrypt(nonce, plain, CONTEXT)).hex())


def _cipher(key: X25519PrivateKey) -> AESGCM:
    raw = key.private_bytes(Encoding.Raw, PrivateFormat.Raw, NoEncryption())
    return AESGCM(HKDF(SHA256(), length=32, salt=None, info=PURPOSE).derive(raw))


def _day(at: str) -> date:
    return datetime.fromisoformat(at).astimezone(PROGRAMME_ZONE).date()
