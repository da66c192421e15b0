import subprocess
import sys
from pathlib import Path

import pytest
from cryptography.exceptions import InvalidTag
from flask import Flask

from grants.access.permissions import Role
from grants.core.crypto import (
    Keyring,
    KeysUnsafe,
    dump_keys,
    keyring,
    load_keys,
    lookup_hash,
    new_keyring,
    replace_private,
    rotated,
    sealed_attributes,
    use_keys,
)
from grants.core.db import db
from tests.factories.access import make_user


def test_a_value_moved_to_another_row_does_not_open(app: Flask) -> None:
    ana, eva = make_user(Role.DESK, name="Ana"), make_user(Role.DESK, name="Eva")
    ana.name_sealed, eva.name_sealed = eva.name_sealed, ana.name_sealed
    with pytest.raises(InvalidTag):
        _ = ana.name


def test_a_value_moved_to_another_column_does_not_open(app: Flask) -> None:
    ana = make_user(Role.DESK, name="Ana")
    ana.email_sealed = ana.name_sealed
    with pytest.raises(InvalidTag):
        _ = ana.email


def test_the_column_does_not_show_the_value(app: Flask) -> None:
    make_user(Role.DESK, name="Anastasia")
    db.session.commit()
    stored = db.session.execute(db.text('SELECT name_sealed FROM "user"')).scalar_one()
    assert b"Anastasia" not in bytes(stored)


def test_old_values_open_after_rotation_and_can_be_sealed_anew(app: Flask) -> None:
    before = keyring()
    ana = make_user(Role.DESK, name="Ana")
    use_keys(rotated(before))
    try:
        assert ana.name == "Ana"
        for attribute in sealed_attributes(type(ana)):
            attribute.reseal(ana)
        assert ana.name_sealed[:2] == (before.current + 1).to_bytes(2, "big")
        assert ana.name == "Ana"
    finally:
        use_keys(before)


def test_lookups_of_different_purposes_never_match(app: Flask) -> None:
    assert lookup_hash("phone", "1") != lookup_hash("document", "1")
    assert lookup_hash("phone", "1") == lookup_hash("phone", "1")


def test_keys_are_private_and_made_once(tmp_path) -> None:
    first, again = load_keys(tmp_path, create=True), load_keys(tmp_path, create=True)
    assert first.root == again.root
    assert (tmp_path / "keys.json").stat().st_mode & 0o777 == 0o600


def test_readable_or_missing_keys_are_refused(tmp_path) -> None:
    with pytest.raises(KeysUnsafe, match="missing"):
        load_keys(tmp_path, create=False)
    load_keys(tmp_path, create=True)
    (tmp_path / "keys.json").chmod(0o644)
    with pytest.raises(KeysUnsafe, match="read by others"):
        load_keys(tmp_path, create=True)


def test_a_running_process_takes_up_a_key_that_another_added(tmp_path: Path) -> None:
    server, console = load_keys(tmp_path, create=True), load_keys(tmp_path, create=True)
    old = server.encrypt(b"before", b"row")
    fresh = rotated(console)
    replace_private(tmp_path / "keys.json", dump_keys(fresh))

    assert server.decrypt(fresh.encrypt(b"after", b"row"), b"row") == b"after"
    assert server.decrypt(old, b"row") == b"before"
    assert server.encrypt(b"next", b"row")[:2] == (2).to_bytes(2, "big")


def test_a_key_that_nobody_added_is_named(tmp_path: Path) -> None:
    keys = load_keys(tmp_path, create=True)
    with pytest.raises(KeysUnsafe, match="version 7"):
        keys.decrypt((7).to_bytes(2, "big") + bytes(40), b"row")


def test_a_file_of_another_installation_is_not_taken_up(tmp_path: Path) -> None:
    keys = load_keys(tmp_path, create=True)
    stranger = rotated(new_keyring())
    replace_private(tmp_path / "keys.json", dump_keys(stranger))
    with pytest.raises(KeysUnsafe, match="version 2"):
        keys.decrypt(stranger.encrypt(b"x", b"row"), b"row")


def test_keys_of_the_environment_know_no_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: Keyring = load_keys(tmp_path, create=True)
    monkeypatch.setenv("GRANTS_KEYS", dump_keys(kept))
    with pytest.raises(KeysUnsafe, match="version 2"):
        load_keys(tmp_path, create=False).decrypt(rotated(kept).encrypt(b"x", b"row"), b"row")


def test_another_process_reads_what_was_encrypted_after_it_started(tmp_path: Path) -> None:
    keys = load_keys(tmp_path, create=True)
    server = subprocess.Popen(
        [sys.executable, "-c", SERVER, str(tmp_path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert server.stdout is not None
    assert server.stdout.readline() == "ready\n"
    fresh = rotated(keys)
    replace_private(tmp_path / "keys.json", dump_keys(fresh))

    said, _errors = server.communicate(fresh.encrypt(b"after", b"row").hex(), timeout=60)

    assert said == "after\n"


SERVER = """
import sys
from pathlib import Path
from grants.core.crypto import load_keys
keys = load_keys(Path(sys.argv[1]), create=False)
print("ready", flush=True)
print(keys.decrypt(bytes.fromhex(sys.stdin.read()), b"row").decode())
"""
