"""Keys, encrypted attributes and keyed hashes.

Personal data is AES-256-GCM in its column. The row's own random `row_key` and the column's name are authenticated
with it, so a value copied to another row or column does not open. Look-ups by equality use an HMAC under a key of
their own. Keys come from GRANTS_KEYS (JSON) or instance/keys.json (mode 0600), carry a version, and never touch
the database.
"""

import base64
import contextlib
import hashlib
import hmac
import json
import os
import secrets
import stat
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path
from typing import Any, Generic, TypeVar, overload

from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from sqlalchemy import LargeBinary, String
from sqlalchemy.orm import Mapped, MappedColumn, mapped_column

NONCE_BYTES = 12
KEY_BYTES = 32
ROW_KEY_LENGTH = 22


class KeysUnsafe(Exception):
    """The keys are missing, damaged, or readable by others."""


@dataclass(slots=True)
class Keyring:
    """The installation's secrets: one data key per version, and a root from which all other keys derive.

    `file` is where they came from: another process may have added a version there since.
    """

    data: dict[int, bytes]
    current: int
    root: bytes
    file: Path | None = None
    _ciphers: dict[int, AESGCM] = field(default_factory=dict)
    _derived: dict[str, bytes] = field(default_factory=dict)

    def derive(self, purpose: str) -> bytes:
        """A 32-byte key for one purpose (HKDF-SHA256, RFC 5869), apart from all others."""
        if purpose not in self._derived:
            kdf = HKDF(SHA256(), length=KEY_BYTES, salt=None, info=b"semilla:" + purpose.encode())
            self._derived[purpose] = kdf.derive(self.root)
        return self._derived[purpose]

    def encrypt(self, plain: bytes, context: bytes) -> bytes:
        """Key version (2 bytes), nonce (12), ciphertext and tag."""
        nonce = secrets.token_bytes(NONCE_BYTES)
        sealed = self._cipher(self.current).encrypt(nonce, plain, context)
        return self.current.to_bytes(2, "big") + nonce + sealed

    def decrypt(self, sealed: bytes, context: bytes) -> bytes:
        """The plain bytes; InvalidTag when they were changed or moved."""
        nonce = sealed[2 : 2 + NONCE_BYTES]
        version = int.from_bytes(sealed[:2], "big")
        return self._cipher(version).decrypt(nonce, sealed[2 + NONCE_BYTES :], context)

    def _cipher(self, version: int) -> AESGCM:
        if version not in self._ciphers:
            if version not in self.data:
                self._read_again()
            if version not in self.data:
                raise KeysUnsafe(f"there is no key of version {version}")
            self._ciphers[version] = AESGCM(self.data[version])
        return self._ciphers[version]

    def _read_again(self) -> None:
        """Take up the versions that `grants keys rotate` added while this process ran."""
        if self.file is None:
            return
        fresh = _read_keys(self.file)
        if fresh.root == self.root and fresh.data.items() >= self.data.items():
            self.data, self.current = fresh.data, fresh.current


_keyring: list[Keyring] = []


def keyring() -> Keyring:
    """The keys in use. KeysUnsafe before `use_keys`."""
    if not _keyring:
        raise KeysUnsafe("no keys are loaded")
    return _keyring[0]


def use_keys(keys: Keyring) -> None:
    """Take these keys for this process."""
    _keyring[:] = [keys]


def new_keyring() -> Keyring:
    return Keyring({1: secrets.token_bytes(KEY_BYTES)}, 1, secrets.token_bytes(KEY_BYTES))


def rotated(keys: Keyring) -> Keyring:
    """The same keys with a fresh data key in front. Old versions stay, to read what they wrote."""
    version = max(keys.data) + 1
    return Keyring({**keys.data, version: secrets.token_bytes(KEY_BYTES)}, version, keys.root, keys.file)


def dump_keys(keys: Keyring) -> str:
    data = {str(version): base64.b64encode(key).decode() for version, key in keys.data.items()}
    root = base64.b64encode(keys.root).decode()
    return json.dumps({"data": data, "current": keys.current, "root": root})


def parse_keys(text: str) -> Keyring:
    try:
        raw = json.loads(text)
        data = {int(version): base64.b64decode(key) for version, key in raw["data"].items()}
        keys = Keyring(data, int(raw["current"]), base64.b64decode(raw["root"]))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise KeysUnsafe("the keys cannot be read") from error
    if keys.current not in data or {len(key) for key in (*data.values(), keys.root)} != {KEY_BYTES}:
        raise KeysUnsafe("the keys are incomplete")
    return keys


def load_keys(folder: Path, *, create: bool) -> Keyring:
    """Keys from GRANTS_KEYS, else from keys.json in the folder, made on first start when `create`."""
    if os.environ.get("GRANTS_KEYS"):
        return parse_keys(os.environ["GRANTS_KEYS"])
    path = folder / "keys.json"
    if not path.exists():
        if not create:
            raise KeysUnsafe(f"{path.name} is missing")
        with contextlib.suppress(FileExistsError):  # another process was first
            write_private(path, dump_keys(new_keyring()))
    return _read_keys(path)


def _read_keys(path: Path) -> Keyring:
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise KeysUnsafe(f"{path.name} can be read by others: chmod 600")
    keys = parse_keys(path.read_text())
    keys.file = path
    return keys


def write_private(path: Path, text: str) -> None:
    """Write a new file that only its owner can read, complete or not at all. FileExistsError if it is there."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        os.link(draft, path)
    finally:
        draft.unlink()


def replace_private(path: Path, text: str) -> None:
    """Replace a private file in one step."""
    draft = path.with_name(f".{path.name}.{secrets.token_hex(4)}")
    write_private(draft, text)
    draft.replace(path)


def lookup_hash(purpose: str, value: str) -> bytes:
    """A keyed hash to find an encrypted value by equality; different purposes never match."""
    return hmac.digest(keyring().derive("lookup:" + purpose), value.encode(), hashlib.sha256)


def token_hash(token: str) -> str:
    """How a random token (at least 128 bits) is remembered."""
    return hashlib.sha256(token.encode()).hexdigest()


def new_row_key() -> str:
    return secrets.token_urlsafe(16)


V = TypeVar("V")


class SealedRow:
    """A row with encrypted attributes."""

    row_key: Mapped[str] = mapped_column(String(ROW_KEY_LENGTH), unique=True, default=new_row_key)


class Sealed(Generic[V]):
    """An attribute stored encrypted in `<name>_sealed`. None stays NULL.

    given_names = sealed_text()
    birth_on = sealed_day()
    """

    def __init__(self, dump: Callable[[V], str], load: Callable[[str], V]) -> None:
        self._dump, self._load = dump, load

    def __set_name__(self, owner: type, name: str) -> None:
        self._column = f"{name}_sealed"
        column: MappedColumn[bytes | None] = mapped_column(LargeBinary, nullable=True)
        setattr(owner, self._column, column)

    @overload
    def __get__(self, row: None, owner: type) -> "Sealed[V]": ...
    @overload
    def __get__(self, row: object, owner: type) -> V: ...
    def __get__(self, row: object | None, owner: type) -> "Sealed[V] | V | None":
        if row is None:
            return self
        sealed = getattr(row, self._column)
        if sealed is None:
            return None
        return self._load(keyring().decrypt(sealed, self._context(row)).decode())

    def __set__(self, row: Any, value: V) -> None:
        if row.row_key is None:
            row.row_key = new_row_key()
        sealed = None
        if value is not None:
            sealed = keyring().encrypt(self._dump(value).encode(), self._context(row))
        setattr(row, self._column, sealed)

    def reseal(self, row: Any) -> None:
        """Encrypt again under the current key."""
        self.__set__(row, self.__get__(row, type(row)))

    def _context(self, row: Any) -> bytes:
        return f"{row.__tablename__}.{self._column}.{row.row_key}".encode()


def sealed_text() -> Sealed[str]:
    return Sealed(str, str)


def sealed_optional_text() -> Sealed[str | None]:
    return Sealed(str, str)


def sealed_day() -> Sealed[date]:
    return Sealed(date.isoformat, date.fromisoformat)


def sealed_optional_day() -> Sealed[date | None]:
    return Sealed(lambda day: day.isoformat() if day else "", date.fromisoformat)


def sealed_json() -> Sealed[Any]:
    return Sealed(json.dumps, json.loads)


def sealed_attributes(model: type) -> list[Sealed[Any]]:
    """The encrypted attributes of a model."""
    return [value for value in vars(model).values() if isinstance(value, Sealed)]
