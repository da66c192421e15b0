"""What the security desk alone can read: one sealed box of one size for every handover (DELIVERY_PROTOCOL §6).

HPKE (RFC 9180) to the desk's X25519 key. The server holds the public key only: it can write and cannot read.
"""

import json
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey, X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

PUBLIC_KEY_FILE = "desk_public.pem"
PLAIN_BYTES = 256
BOX_BYTES = PLAIN_BYTES + 32 + 16  # the encapsulated key and the tag
INFO = b"semilla signal 1"
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class DeskKeyUnusable(Exception):
    """The file holds no X25519 key."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where signals go: the desk's public key (PEM) and its neutral address."""

    public_key: bytes
    address: str


@dataclass(frozen=True, slots=True)
class Facts:
    """What a box says. Picture positions and the PIN's kind are in it always, alarm or not."""

    delivery_id: int
    officer_id: int
    at: datetime
    pin_is_true: bool
    picture_used: int
    picture_true: int
    second_pin_is_true: bool = True  # of the second officer, where the level asks for one

    @property
    def is_alarm(self) -> bool:
        pins_are_true = self.pin_is_true and self.second_pin_is_true
        return not pins_are_true or self.picture_used != self.picture_true


def new_desk_keys() -> tuple[bytes, bytes]:
    """A fresh pair as PEM: (private, public). The private one never goes near the server."""
    key = X25519PrivateKey.generate()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def load_desk(folder: Path, address: str = "desk") -> Desk | None:
    """The desk's key from the installation's folder, read at each use; None while the desk has set none."""
    try:
        return Desk((folder / PUBLIC_KEY_FILE).read_bytes(), address)
    except FileNotFoundError:
        return None


def seal(facts: Facts, desk: Desk) -> bytes:
    """A box of BOX_BYTES, whatever it says."""
    key = load_pem_public_key(desk.public_key)
    if not isinstance(key, X25519PublicKey):
        raise DeskKeyUnusable(PUBLIC_KEY_FILE)
    return SUITE.encrypt(_plain(facts), key, info=INFO)


def unseal(box: bytes, private_key: bytes) -> Facts:
    """What a box says. ValueError when it is not for this key or was changed."""
    key = load_pem_private_key(private_key, password=None)
    if not isinstance(key, X25519PrivateKey):
        raise DeskKeyUnusable("private key")
    try:
        said: dict[str, Any] = json.loads(SUITE.decrypt(box, key, info=INFO))
    except InvalidTag as error:
        raise ValueError("not for this key, or changed") from error
    return Facts(
        delivery_id=said["delivery"],
        officer_id=said["officer"],
        at=datetime.fromtimestamp(said["at"], UTC),
        pin_is_true=bool(said["pin"]),
        picture_used=said["used"],
        picture_true=said["true"],
        second_pin_is_true=bool(said.get("second", 1)),
    )


def _plain(facts: Facts) -> bytes:
    said = {
        "version": 1,
        "kind": "handover",
        "delivery": facts.delivery_id,
        "officer": facts.officer_id,
        "at": int(facts.at.timestamp()),
        "pin": int(facts.pin_is_true),
        "used": facts.picture_used,
        "true": facts.picture_true,
        "second": int(facts.second_pin_is_true),
    }
    return json.dumps(said).encode().ljust(PLAIN_BYTES)
