import pytest
from cryptography.exceptions import InvalidTag
from flask import Flask

from grants.access.permissions import Role
from grants.core.crypto import (
    KeysUnsafe,
    keyring,
    load_keys,
    lookup_hash,
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
