"""Numbers and days as people write them."""

from datetime import date
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants.credit.amounts import Doubt, Unreadable, parse_day, parse_months, parse_rate, parse_usd

CENTS = st.integers(min_value=1, max_value=999_999_999)


def doubt_of(parse, text: str) -> Doubt:
    with pytest.raises(Unreadable) as caught:
        parse(text)
    return caught.value.doubt


@given(CENTS)
def test_an_amount_reads_the_same_in_all_clear_ways_of_writing(cents: int) -> None:
    whole, rest = divmod(cents, 100)
    amount = Decimal(cents) / 100
    english, spanish = f"{whole:,}.{rest:02}", f"{whole:,}".replace(",", ".") + f",{rest:02}"

    assert {parse_usd(text) for text in (english, spanish, f"{whole}.{rest:02}", f"{whole},{rest:02}")} == {amount}


@given(st.integers(1, 999), st.integers(0, 999), st.sampled_from(".,"))
def test_one_mark_before_three_digits_is_never_guessed(whole: int, rest: int, mark: str) -> None:
    assert doubt_of(parse_usd, f"{whole}{mark}{rest:03}") is Doubt.AMBIGUOUS


@given(st.text(max_size=60))
def test_any_text_is_an_exact_positive_amount_or_is_refused(text: str) -> None:
    try:
        amount = parse_usd(text)
    except Unreadable:
        return
    assert 0 < amount <= Decimal("9999999.99")
    assert amount == amount.quantize(Decimal("0.01"))


@given(st.text(max_size=60))
def test_any_text_is_a_rate_or_is_refused(text: str) -> None:
    try:
        rate = parse_rate(text)
    except Unreadable:
        return
    assert 0 <= rate <= 100


@given(st.text(max_size=20))
def test_any_text_is_a_day_of_this_century_or_is_refused(text: str) -> None:
    try:
        day = parse_day(text)
    except Unreadable:
        return
    assert 2000 <= day.year <= 2100


@pytest.mark.parametrize(
    ("text", "amount"),
    [
        ("850", "850"),
        ("850.00", "850"),
        ("850,00", "850"),
        ("850,5", "850.50"),
        (" $ 1.234,56 ", "1234.56"),
        ("USD 1,234.56", "1234.56"),
        ("1.234.567", "1234567"),
        ("0,01", "0.01"),
    ],
)
def test_clear_amounts_are_read(text: str, amount: str) -> None:
    assert parse_usd(text) == Decimal(amount)


@pytest.mark.parametrize(
    ("text", "doubt"),
    [
        ("1.234", Doubt.AMBIGUOUS),
        ("1,234", Doubt.AMBIGUOUS),
        ("0.500", Doubt.TOO_PRECISE),
        ("1234,567", Doubt.TOO_PRECISE),
        ("1,234.567", Doubt.TOO_PRECISE),
        ("1.2.3", Doubt.NOT_A_NUMBER),
        ("1,23.45", Doubt.NOT_A_NUMBER),
        ("1.234,567,8", Doubt.NOT_A_NUMBER),
        ("-5", Doubt.NOT_A_NUMBER),
        ("1e999", Doubt.NOT_A_NUMBER),
        ("NaN", Doubt.NOT_A_NUMBER),
        ("Infinity", Doubt.NOT_A_NUMBER),
        ("８５０", Doubt.NOT_A_NUMBER),
        ("850\x00", Doubt.NOT_A_NUMBER),
        ("", Doubt.NOT_A_NUMBER),
        (".", Doubt.NOT_A_NUMBER),
        ("9" * 10_000, Doubt.NOT_A_NUMBER),
        ("0", Doubt.NOT_POSITIVE),
        ("0,00", Doubt.NOT_POSITIVE),
        ("10000000", Doubt.TOO_LARGE),
    ],
)
def test_unclear_amounts_are_refused_with_their_reason(text: str, doubt: Doubt) -> None:
    assert doubt_of(parse_usd, text) is doubt


def test_rates_take_either_decimal_mark() -> None:
    assert parse_rate("25,12") == parse_rate("25.12 %") == Decimal("25.12")
    assert parse_rate("0") == 0
    assert doubt_of(parse_rate, "100.01") is Doubt.TOO_LARGE
    assert doubt_of(parse_rate, "1.23456") is Doubt.TOO_PRECISE
    assert doubt_of(parse_rate, "1,2,3") is Doubt.NOT_A_NUMBER


def test_months_are_whole_and_within_thirty_years() -> None:
    assert parse_months(" 12 ") == 12
    assert doubt_of(parse_months, "0") is Doubt.NOT_POSITIVE
    assert doubt_of(parse_months, "361") is Doubt.TOO_LARGE
    assert doubt_of(parse_months, "1_2") is Doubt.NOT_A_NUMBER


def test_days_are_read_day_first() -> None:
    assert parse_day("2024-03-05") == parse_day("5/3/2024") == parse_day("05.03.2024") == date(2024, 3, 5)
    for text in ("13/13/2024", "31/2/2024", "2024-02-30", "5/3/24", "1/1/1999", "mañana", "2024-3-5"):
        assert doubt_of(parse_day, text) is Doubt.NOT_A_DAY
