"""The sealed box and the card's arithmetic."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from flask import Flask

from grants.delivery.desk.boxes import new_desk_keys, unseal
from grants.delivery.signals import BOX_BYTES, PUBLIC_KEY_FILE, Desk, Facts, Kind, load_desk, seal
from grants.delivery.symbols import CODES, hash_codes, matching_position, new_codes, tag_key, tag_of
from tests.factories.delivery import CHEAP, DESK, DESK_PRIVATE, DESK_PUBLIC

AT = datetime(2026, 3, 2, 15, 0, tzinfo=UTC)
NORMAL = Facts(1, 2, AT, pin_is_true=True, picture_used=3, picture_true=3)
EXTREMES = [
    NORMAL,
    Facts(1, 2, AT, pin_is_true=False, picture_used=0, picture_true=3),
    Facts(2**31 - 1, 2**31 - 1, AT, pin_is_true=False, picture_used=1, picture_true=0),
    Facts(1, 2, AT, pin_is_true=True, picture_used=3, picture_true=3, second_pin_is_true=False),
    Facts(2**31 - 1, 2, AT, pin_is_true=True, picture_used=0, picture_true=0, kind=Kind.DRILL),
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


@pytest.mark.parametrize("year", [1, 1999, 2100, 9999])
def test_box_of_no_possible_moment_is_no_box_of_a_handover(year: int) -> None:
    """Anybody who has the public key can seal one, and the desk's book is read for ever."""
    with pytest.raises(ValueError, match="no moment"):
        unseal(seal(replace(NORMAL, at=datetime(year, 1, 1, tzinfo=UTC)), DESK), DESK_PRIVATE)


def test_alarm_is_any_other_picture_or_pin_of_either_officer() -> None:
    assert [facts.is_alarm for facts in EXTREMES] == [False, True, True, True, False]


def test_missing_key_is_no_desk(tmp_path: Path) -> None:
    assert load_desk(tmp_path) is None
    (tmp_path / PUBLIC_KEY_FILE).write_bytes(DESK_PUBLIC)
    assert load_desk(tmp_path, "mesa", "mesa-2") == Desk(DESK_PUBLIC, "mesa", "mesa-2")


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
