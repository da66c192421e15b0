"""The desk's private key, and what it opens."""

import json
from datetime import UTC, datetime
from typing import Any

from cryptography.exceptions import InvalidTag, UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric.x25519 import X25519PrivateKey
from cryptography.hazmat.primitives.serialization import (
    BestAvailableEncryption,
    Encoding,
    KeySerializationEncryption,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
)

from grants.delivery.signals import INFO, SUITE, DeskKeyUnusable, Facts, Kind


class PassphraseWrong(DeskKeyUnusable):
    """The key is protected by a passphrase, and this is not it."""


def new_desk_keys(passphrase: bytes | None = None) -> tuple[bytes, bytes]:
    """A fresh pair as PEM: (private, public). The private one never goes near the server."""
    key = X25519PrivateKey.generate()
    guarded: KeySerializationEncryption = BestAvailableEncryption(passphrase) if passphrase else NoEncryption()
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, guarded)
    return private, key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)


def load_private(pem: bytes, passphrase: bytes | None = None) -> X25519PrivateKey:
    """The private key. PassphraseWrong where one is missing or wrong, DeskKeyUnusable where it is no such key."""
    try:
        key = load_pem_private_key(pem, password=passphrase if is_protected(pem) else None)
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise (PassphraseWrong if is_protected(pem) else DeskKeyUnusable)("private key") from error
    if not isinstance(key, X25519PrivateKey):
        raise DeskKeyUnusable("private key")
    return key


def is_protected(pem: bytes) -> bool:
    """Whether a passphrase is needed."""
    return b"ENCRYPTED PRIVATE KEY" in pem


def unseal(box: bytes, private_key: bytes | X25519PrivateKey) -> Facts:
    """What a box says. ValueError when it is not for this key, was changed, or says something else than a handover:
    anybody who has the public key can seal one.
    """
    key = private_key if isinstance(private_key, X25519PrivateKey) else load_private(private_key)
    try:
        return _facts(json.loads(SUITE.decrypt(box, key, info=INFO)))
    except InvalidTag as error:
        raise ValueError("not for this key, or changed") from error
    except (KeyError, TypeError, AttributeError, OverflowError, OSError, RecursionError) as error:
        raise ValueError("no box of a handover") from error


YEARS = range(2000, 2100)  # further away no zone has a clock, and the book is read for ever


def _facts(said: dict[str, Any]) -> Facts:
    facts = Facts(
        delivery_id=int(said["delivery"]),
        officer_id=int(said["officer"]),
        at=datetime.fromtimestamp(said["at"], UTC),
        pin_is_true=bool(said["pin"]),
        picture_used=int(said["used"]),
        picture_true=int(said["true"]),
        second_pin_is_true=bool(said.get("pin2", 1)),
        second_officer_id=int(said.get("officer2", 0)),
        kind=Kind(said["kind"]),
    )
    if facts.at.year not in YEARS:
        raise ValueError("no moment of a handover")
    return facts
