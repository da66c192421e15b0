"""What the security desk alone can read: one sealed box of one size for every handover (DELIVERY_PROTOCOL §6).

HPKE (RFC 9180) to the desk's X25519 key. The server holds the public key only: it can write and cannot read. What
opens a box is in `grants.delivery.desk`, which nothing here may import.
"""

import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PublicKey
from cryptography.hazmat.primitives.hpke import AEAD, KDF, KEM, Suite
from cryptography.hazmat.primitives.serialization import load_pem_public_key

PUBLIC_KEY_FILE = "desk_public.pem"
PLAIN_BYTES = 256
BOX_BYTES = PLAIN_BYTES + 32 + 16  # the encapsulated key and the tag
INFO = b"semilla signal 1"
# What happened late in the evening still counts so long to its day: trips and alarms do not end at midnight.
OVER_MIDNIGHT = timedelta(hours=6)
SUITE = Suite(KEM.X25519, KDF.HKDF_SHA256, AEAD.AES_256_GCM)


class DeskKeyUnusable(Exception):
    """The file holds no X25519 key."""


class Kind(StrEnum):
    """What was confirmed. Said inside the box only."""

    HANDOVER = "handover"
    DRILL = "drill"


@dataclass(frozen=True, slots=True)
class Desk:
    """Where signals go: the desk's public key (PEM) and its two neutral addresses."""

    public_key: bytes
    address: str
    second_address: str = "desk-2"


@dataclass(frozen=True, slots=True)
class Facts:
    """What a box says. Picture positions and the PINs' kinds are in it always, alarm or not.

    In a drill `delivery_id` is the number of the practice handover.
    """

    delivery_id: int
    officer_id: int
    at: datetime
    pin_is_true: bool
    picture_used: int
    picture_true: int
    second_pin_is_true: bool = True
    second_officer_id: int = 0  # 0: none
    kind: Kind = Kind.HANDOVER

    @property
    def is_alarm(self) -> bool:
        pins_are_true = self.pin_is_true and self.second_pin_is_true
        return not pins_are_true or self.picture_used != self.picture_true


def load_desk(folder: Path, address: str = "desk", second_address: str = "desk-2") -> Desk | None:
    """The desk's key from the installation's folder, read at each use; None while the desk has set none."""
    try:
        return Desk((folder / PUBLIC_KEY_FILE).read_bytes(), address, second_address)
    except FileNotFoundError:
        return None


def seal(facts: Facts, desk: Desk) -> bytes:
    """A box of BOX_BYTES, whatever it says."""
    key = load_pem_public_key(desk.public_key)
    if not isinstance(key, X25519PublicKey):
        raise DeskKeyUnusable(PUBLIC_KEY_FILE)
    return SUITE.encrypt(_plain(facts), key, info=INFO)


def _plain(facts: Facts) -> bytes:
    said = {
        "version": 1,
        "kind": facts.kind.value,
        "delivery": facts.delivery_id,
        "officer": facts.officer_id,
        "officer2": facts.second_officer_id,
        "at": int(facts.at.timestamp()),
        "pin": int(facts.pin_is_true),
        "pin2": int(facts.second_pin_is_true),
        "used": facts.picture_used,
        "true": facts.picture_true,
    }
    return json.dumps(said).encode().ljust(PLAIN_BYTES)
