"""The sealed box, the desk's commands, and the card's arithmetic."""

import stat
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from grants.delivery.desk.boxes import new_desk_keys, unseal
from grants.delivery.signals import BOX_BYTES, PUBLIC_KEY_FILE, Desk, Facts, load_desk, seal
from grants.delivery.symbols import CODES, hash_codes, matching_position, new_codes, tag_key, tag_of
from tests.factories.delivery import CHEAP, DESK, DESK_PRIVATE, DESK_PUBLIC, DURESS_PIN, make_carried, make_confirmed

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
NORMAL = Facts(1, 2, AT, pin_is_true=True, picture_used=3, picture_true=3)
EXTREMES = [
    NORMAL,
    Facts(1, 2, AT, pin_is_true=False, picture_used=0, picture_true=3),
    Facts(2**31 - 1, 2**31 - 1, AT, pin_is_true=False, picture_used=1, picture_true=0),
]


def test_every_box_has_one_size_and_opens_with_the_desks_key() -> None:
    boxes = [seal(facts, DESK) for facts in EXTREMES]

    assert {len(box) for box in boxes} == {BOX_BYTES}
    assert [unseal(box, DESK_PRIVATE) for box in boxes] == EXTREMES


def test_the_same_facts_never_make_the_same_box() -> None:
    assert seal(NORMAL, DESK) != seal(NORMAL, DESK)


def test_box_does_not_open_with_another_key_or_when_changed() -> None:
    box = seal(NORMAL, DESK)
    stranger, _public = new_desk_keys()

    with pytest.raises(ValueError, match="not for this key"):
        unseal(box, stranger)
    with pytest.raises(ValueError, match="not for this key"):
        unseal(box[:-1] + bytes([box[-1] ^ 1]), DESK_PRIVATE)


def test_alarm_is_any_other_picture_or_pin() -> None:
    assert [facts.is_alarm for facts in EXTREMES] == [False, True, True]


def test_missing_key_is_no_desk(tmp_path: Path) -> None:
    assert load_desk(tmp_path) is None
    (tmp_path / PUBLIC_KEY_FILE).write_bytes(DESK_PUBLIC)
    assert load_desk(tmp_path, "mesa") == Desk(DESK_PUBLIC, "mesa")


def test_keygen_keeps_the_private_key_to_its_owner_and_overwrites_nothing(app: Flask, tmp_path: Path) -> None:
    private, public = tmp_path / "desk.pem", Path(app.instance_path) / PUBLIC_KEY_FILE
    runner = app.test_cli_runner()
    try:
        first = runner.invoke(args=["desk", "keygen", "--private", str(private)])
        kept = public.read_bytes()
        second = runner.invoke(args=["desk", "keygen", "--private", str(tmp_path / "other.pem")])

        assert (first.exit_code, second.exit_code) == (0, 1)
        assert stat.S_IMODE(private.stat().st_mode) == 0o600
        assert b"PRIVATE" not in kept
        assert public.read_bytes() == kept
        assert not (tmp_path / "other.pem").exists()
        assert unseal(seal(NORMAL, Desk(kept, "desk")), private.read_bytes()) == NORMAL
    finally:
        public.unlink(missing_ok=True)


def test_desk_open_lists_signals_and_refuses_another_key(app: Flask, tmp_path: Path) -> None:
    from grants.core.clock import utcnow
    from grants.core.db import db
    from grants.delivery import services

    make_confirmed()
    coerced, now = make_carried(), utcnow()
    services.confirm(
        coerced.delivery, coerced.codes(now, pin=DURESS_PIN), key="key-of-it", desk=DESK, by=coerced.officer, now=now
    )
    db.session.commit()
    right, wrong = tmp_path / "right.pem", tmp_path / "wrong.pem"
    right.write_bytes(DESK_PRIVATE)
    wrong.write_bytes(new_desk_keys()[0])
    runner = app.test_cli_runner()

    opened = runner.invoke(args=["desk", "open", "--private", str(right)])
    refused = runner.invoke(args=["desk", "open", "--private", str(wrong)])
    missing = runner.invoke(args=["desk", "open", "--private", str(tmp_path / "none.pem")])

    lines = [line.split("\t") for line in opened.output.splitlines()]
    assert [line[2] for line in lines][-1] == str(coerced.delivery.id)
    assert lines[0][-1] != lines[1][-1]
    assert (refused.exit_code, missing.exit_code) == (1, 1)


def test_four_codes_differ_and_share_one_tag(app: Flask) -> None:
    key = tag_key(b"s" * 16)

    codes, tag = new_codes(key)

    assert len(set(codes)) == CODES
    assert {len(code) for code in codes} == {10}
    assert {tag_of(code, key) for code in codes} == {tag}
    assert 0 <= tag < 1024


def test_each_code_is_found_at_its_place_and_no_other(app: Flask) -> None:
    salt = b"s" * 16
    codes, _tag = new_codes(tag_key(salt))
    hashes = hash_codes(codes, salt, CHEAP)

    assert [matching_position(code, hashes, salt, CHEAP) for code in codes] == [0, 1, 2, 3]
    assert [matching_position(other, hashes, salt, CHEAP) for other in (None, "", "0000000000")] == [None] * 3
    assert matching_position(codes[0], hashes, b"t" * 16, CHEAP) is None


def test_without_the_keys_a_stolen_row_verifies_nothing(app: Flask) -> None:
    from grants.core.crypto import keyring, new_keyring, use_keys

    salt, ours = b"s" * 16, keyring()
    codes, _tag = new_codes(tag_key(salt))
    hashes = hash_codes(codes, salt, CHEAP)
    try:
        use_keys(new_keyring())
        assert [matching_position(code, hashes, salt, CHEAP) for code in codes] == [None] * 4
    finally:
        use_keys(ours)
