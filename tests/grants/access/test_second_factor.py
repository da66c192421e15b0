"""Codes, their time steps, and the counters that charge each attempt."""

import base64
from datetime import UTC, datetime, timedelta

import pytest
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from grants.access.models import AttemptCounter, FactorKind, UsedStep
from grants.access.permissions import Role
from grants.access.second_factor import (
    CARD_LIMIT,
    CODE_LIMIT,
    PASSWORD_LIMIT,
    Limit,
    TooManyAttempts,
    charge,
    compared,
    is_blocked,
    lift,
    matching_step,
    new_recovery_code,
    new_seed,
    normal_code,
    normal_recovery_code,
    refund,
    spend_code,
    take_back,
    use_step,
)
from grants.core.db import db, transaction
from grants.core.errors import RuleBroken
from tests.factories.access import factor_of, make_user

START = datetime(2024, 3, 4, 15, 0, tzinfo=UTC)
# RFC 6238, appendix B: SHA-1, the last six of the eight published digits.
SEED = base64.b32encode(b"12345678901234567890").decode()
VECTORS = [
    (59, "287082"),
    (1111111109, "081804"),
    (1111111111, "050471"),
    (1234567890, "005924"),
    (2000000000, "279037"),
]


@pytest.mark.parametrize(("seconds", "code"), VECTORS)
def test_published_codes_match_their_step(seconds: int, code: str) -> None:
    assert matching_step(SEED, code, datetime.fromtimestamp(seconds, UTC)) == seconds // 30


@pytest.mark.parametrize(("late", "matches"), [(-60, False), (-30, True), (0, True), (30, True), (60, False)])
def test_one_step_either_side_is_accepted(late: int, matches: bool) -> None:
    moment = datetime.fromtimestamp(1111111109 + late, UTC)
    assert (matching_step(SEED, "081804", moment) is not None) is matches


def test_no_code_matches_nothing() -> None:
    assert matching_step(SEED, None, START) is None
    assert matching_step(SEED, "", START) is None


@pytest.mark.parametrize(
    ("entered", "code"),
    [
        ("123456", "123456"),
        (" 123 456\t", "123456"),
        ("123-456", "123456"),
        ("123\u00a0456", "123456"),
        ("12345", None),
        ("1234567", None),
        ("１２３４５６", None),
        ("١٢٣٤٥٦", None),
        ("12345६", None),
        ("123456\n", None),
        ("+12345", None),
        ("", None),
    ],
)
def test_only_six_ascii_digits_are_a_code(entered: str, code: str | None) -> None:
    assert normal_code(entered) == code


@given(st.text(max_size=40))
def test_any_text_is_read_without_error(entered: str) -> None:
    code, recovery = normal_code(entered), normal_recovery_code(entered)
    assert code is None or (len(code) == 6 and code.isascii())
    assert recovery is None or (len(recovery) == 16 and recovery.isascii())


def test_seed_has_160_bits_and_is_fresh() -> None:
    assert len(base64.b32decode(new_seed())) == 20
    assert new_seed() != new_seed()


def test_recovery_code_is_read_as_people_write_it() -> None:
    code = new_recovery_code()
    plain = code.replace("-", "")
    assert [len(group) for group in code.split("-")] == [4, 4, 4, 4]
    assert normal_recovery_code(code) == normal_recovery_code(f" {plain.lower()} ") == plain
    assert normal_recovery_code(plain[:15]) is None
    # Letters that look alike are in no code.
    assert [normal_recovery_code(letter + plain[1:]) for letter in "0O1I"] == [None] * 4


def test_step_is_used_once_per_factor(app: Flask) -> None:
    one, other = (factor_of(make_user(Role.OFFICER), FactorKind.LOGIN) for _n in range(2))
    assert use_step(one, 7, now=START)
    assert not use_step(one, 7, now=START)
    assert use_step(one, 8, now=START)
    assert use_step(other, 7, now=START)


def test_refused_code_uses_no_step(app: Flask) -> None:
    factor = factor_of(make_user(Role.OFFICER), FactorKind.LOGIN)
    with pytest.raises(RuleBroken) as refusal:
        spend_code(factor, "not a code", now=START)
    assert refusal.value.field == "code"
    assert db.session.scalars(select(UsedStep)).all() == []


def allowed(limit: Limit, at: datetime) -> bool:
    try:
        charge("secret", "1", limit=limit, now=at)
    except TooManyAttempts:
        return False
    return True


def counter() -> AttemptCounter:
    return db.session.scalars(select(AttemptCounter).execution_options(populate_existing=True)).one()


def waits(limit: Limit, attempts: int) -> list[int]:
    """Seconds to wait after each of so many failures, each made as soon as it may be."""
    found, now = [], START
    for _attempt in range(attempts):
        assert allowed(limit, now)
        until = counter().blocked_until
        found.append(int((until - now).total_seconds()) if until else 0)
        if until:
            assert not allowed(limit, until - timedelta(seconds=1))
            now = until
    return found


def test_waits_double_to_one_hour(app: Flask) -> None:
    expected = [0, 0, 0, 0, 30, 60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert waits(PASSWORD_LIMIT, 13) == expected


def test_ten_wrong_codes_in_a_day_suspend_for_good(app: Flask) -> None:
    assert waits(CODE_LIMIT, 10) == [0, 0, 0, 0, 30, 60, 120, 240, 480, 960]
    assert not allowed(CODE_LIMIT, START + timedelta(days=30))
    assert is_blocked(counter(), START + timedelta(days=30))


def test_wrong_codes_of_another_day_do_not_add_up(app: Flask) -> None:
    for _attempt in range(4):
        allowed(CODE_LIMIT, START)
    refund("secret", "1")
    assert allowed(CODE_LIMIT, START + timedelta(hours=25))
    assert (counter().fails, counter().day_fails) == (1, 1)


def test_right_code_ends_the_failures_in_a_row_but_not_those_of_the_day(app: Flask) -> None:
    for _attempt in range(5):
        allowed(CODE_LIMIT, START)
    with transaction():
        refund("secret", "1")
    assert (counter().fails, counter().day_fails, counter().blocked_until) == (0, 4, None)


def test_lifting_forgets_everything(app: Flask) -> None:
    waits(CODE_LIMIT, 10)
    with transaction():
        lift("secret", "1")
    assert not is_blocked(counter(), START)
    assert allowed(CODE_LIMIT, START)


def test_card_stops_after_five(app: Flask) -> None:
    assert [allowed(CARD_LIMIT, START + timedelta(days=day)) for day in range(7)] == [True] * 5 + [False] * 2


def test_refused_attempt_is_not_counted(app: Flask) -> None:
    for _attempt in range(8):
        allowed(CODE_LIMIT, START)
    assert (counter().fails, counter().day_fails) == (5, 5)


def test_subjects_are_charged_apart(app: Flask) -> None:
    for _attempt in range(5):
        allowed(CODE_LIMIT, START)
    charge("secret", "2", limit=CODE_LIMIT, now=START)
    charge("other", "1", limit=CODE_LIMIT, now=START)
    fails = db.session.scalars(select(AttemptCounter.fails).order_by(AttemptCounter.id)).all()
    assert fails == [5, 1, 1]


def test_charge_stays_when_the_action_is_rolled_back(app: Flask) -> None:
    with pytest.raises(ZeroDivisionError):
        charge("secret", "1", limit=CODE_LIMIT, now=START)
        with transaction():
            raise ZeroDivisionError
    assert counter().fails == 1


def test_attempt_that_compared_nothing_is_taken_back_with_the_wait_that_it_began(app: Flask) -> None:
    for _attempt in range(4):
        allowed(CODE_LIMIT, START)
    fifth = charge("secret", "1", limit=CODE_LIMIT, now=START)
    assert is_blocked(counter(), START)

    with transaction():
        take_back([fifth])

    assert (counter().fails, counter().day_fails, counter().blocked_until) == (4, 4, None)
    assert allowed(CODE_LIMIT, START)
    assert not allowed(CODE_LIMIT, START)


def test_taking_back_leaves_the_wait_that_a_wrong_code_began(app: Flask) -> None:
    empty = charge("secret", "1", limit=CODE_LIMIT, now=START)
    for _attempt in range(4):
        allowed(CODE_LIMIT, START)
    blocked_until = counter().blocked_until

    with transaction():
        take_back([empty])

    assert (counter().fails, counter().day_fails) == (4, 4)
    assert counter().blocked_until == blocked_until == START + timedelta(seconds=30)


def test_attempt_from_before_a_right_code_takes_no_wrong_one_back_after_it(app: Flask) -> None:
    held = [charge("secret", "1", limit=CODE_LIMIT, now=START) for _attempt in range(4)]
    with transaction():
        refund("secret", "1")
    assert allowed(CODE_LIMIT, START)

    with transaction():
        take_back(held)

    assert (counter().fails, counter().day_fails) == (1, 4)


def test_attempt_of_yesterday_takes_nothing_from_today(app: Flask) -> None:
    held = charge("secret", "1", limit=CODE_LIMIT, now=START)
    tomorrow = START + timedelta(hours=25)
    assert allowed(CODE_LIMIT, tomorrow)

    with transaction():
        take_back([held])

    assert (counter().fails, counter().day_fails) == (1, 1)


def test_comparison_says_that_it_was_made(app: Flask) -> None:
    compared.set(False)
    matching_step(new_seed(), None, START)
    assert compared.get()
