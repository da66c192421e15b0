"""Amounts, rates and days as people write them. Pure: text in, exact values out, and never a guess.

"1.234,56" and "1,234.56" say by themselves which mark is the decimal one. "1.234" does not: it is one thousand two
hundred thirty-four in Ibarra and one and a bit elsewhere, so it is refused.
"""

import re
from datetime import date, timedelta
from decimal import Decimal
from enum import StrEnum

MOST_USD = Decimal("9999999.99")
MOST_RATE = Decimal(100)
LONGEST = 40
FIRST_YEAR, LAST_YEAR = 2000, 2100
SERIALS_BEGIN = date(1899, 12, 30)
_FIRST_SERIAL = (date(FIRST_YEAR, 1, 1) - SERIALS_BEGIN).days

_DIGITS = re.compile(r"[0-9]+")
_ZERO = re.compile(r"0+(?:[.,]0{1,2})?")
_GROUPED = re.compile(r"[1-9][0-9]{0,2}([.,])[0-9]{3}(?:\1[0-9]{3})*")
_LOCAL_DAY = re.compile(r"([0-9]{1,2})[/.-]([0-9]{1,2})[/.-]([0-9]{4})")
_ISO_DAY = re.compile(r"([0-9]{4})-([0-9]{2})-([0-9]{2})")


class Doubt(StrEnum):
    """Why a text was not taken for a value."""

    NOT_A_NUMBER = "not_a_number"
    AMBIGUOUS = "ambiguous"
    TOO_PRECISE = "too_precise"
    NOT_POSITIVE = "not_positive"
    TOO_LARGE = "too_large"
    NOT_A_DAY = "not_a_day"
    NOT_WHOLE = "not_whole"


class Unreadable(ValueError):
    """The text is not one value without doubt."""

    def __init__(self, doubt: Doubt) -> None:
        super().__init__(doubt.value)
        self.doubt = doubt


def parse_usd(text: str, *, mark: str | None = None, may_be_zero: bool = False) -> Decimal:
    """A positive amount in dollars with at most two decimals. `mark`: the decimal one, where whoever wrote it said so.

    >>> parse_usd("1.234,56") == parse_usd("1,234.56") == Decimal("1234.56")
    True
    >>> [str(parse_usd(text)) for text in ("850", "850.00", "850,5", "$ 1.234.567")]
    ['850.00', '850.00', '850.50', '1234567.00']
    >>> parse_usd("1.234")
    Traceback (most recent call last):
    grants.credit.amounts.Unreadable: ambiguous
    >>> parse_usd("1.234", mark=",")
    Decimal('1234.00')
    """
    written = text.strip().removeprefix("USD").removeprefix("$").strip()
    whole, cents = _split(written) if mark is None else _split_at(written, mark)
    if len(cents) > 2:
        raise Unreadable(Doubt.TOO_PRECISE)
    amount = Decimal(f"{whole}.{cents:0<2}")
    return amount if may_be_zero and not amount else _within(amount, MOST_USD)


def parse_usd_or_zero(text: str) -> Decimal:
    """As parse_usd, but nothing owed is an amount as well.

    >>> [str(parse_usd_or_zero(text)) for text in ("0", "0,00", "USD 0", "85")]
    ['0.00', '0.00', '0.00', '85.00']
    """
    written = text.strip().removeprefix("USD").removeprefix("$").strip()
    return Decimal("0.00") if _ZERO.fullmatch(written) else parse_usd(text)


def parse_rate(text: str) -> Decimal:
    """A yearly rate in percent, 0 to 100 with at most four decimals; its mark can only be the decimal one.

    >>> parse_rate("25,12 %")
    Decimal('25.12')
    """
    written = text.strip().removesuffix("%").strip().replace(",", ".")
    whole, found, decimals = written.partition(".")
    if len(text) > LONGEST or not _DIGITS.fullmatch(whole) or (found and not _DIGITS.fullmatch(decimals)):
        raise Unreadable(Doubt.NOT_A_NUMBER)
    if len(decimals) > 4:
        raise Unreadable(Doubt.TOO_PRECISE)
    rate = Decimal(written)
    if rate > MOST_RATE:
        raise Unreadable(Doubt.TOO_LARGE)
    return rate


def parse_months(text: str) -> int:
    """A term in whole months, 1 to 360."""
    written = text.strip()
    if len(written) > LONGEST or not _DIGITS.fullmatch(written):
        raise Unreadable(Doubt.NOT_A_NUMBER)
    return int(_within(Decimal(written), Decimal(360)))


def parse_whole(text: str) -> int:
    """A number of instalments, 1 to 600."""
    return _whole(text, least=1, most=600)


def parse_count(text: str) -> int:
    """A number of days, 0 to 9999."""
    return _whole(text, least=0, most=9999)


def parse_day(text: str, *, month_first: bool = False) -> date:
    """A day as browsers send it (2024-03-05) or as people here write it, day first (5/3/2024) unless told otherwise.

    >>> parse_day("2024-03-05") == parse_day("5/3/2024")
    True
    """
    written = text.strip()[:LONGEST]
    if found := _ISO_DAY.fullmatch(written):
        year, month, day = found.groups()
    elif found := _LOCAL_DAY.fullmatch(written):
        day, month, year = found.groups()
        day, month = (month, day) if month_first else (day, month)
    else:
        raise Unreadable(Doubt.NOT_A_DAY)
    try:
        value = date(int(year), int(month), int(day))
    except ValueError:
        raise Unreadable(Doubt.NOT_A_DAY) from None
    if not FIRST_YEAR <= value.year <= LAST_YEAR:
        raise Unreadable(Doubt.NOT_A_DAY)
    return value


def day_of_serial(days: float) -> date:
    """The day that a spreadsheet keeps as a number of days since 30 December 1899.

    >>> day_of_serial(45356.5)
    datetime.date(2024, 3, 5)
    """
    if not _FIRST_SERIAL <= days < _FIRST_SERIAL + 101 * 366:
        raise Unreadable(Doubt.NOT_A_DAY)
    return SERIALS_BEGIN + timedelta(days=int(days))


def _split_at(written: str, mark: str) -> tuple[str, str]:
    """As `_split`, where it is known which mark is the decimal one; the other one stands before three digits each."""
    whole, found, decimals = written.partition(mark)
    if len(written) > LONGEST or not set(written) <= set("0123456789.,"):
        raise Unreadable(Doubt.NOT_A_NUMBER)
    if "." in decimals or "," in decimals:
        raise Unreadable(Doubt.AMBIGUOUS)
    if not whole.isdigit():
        if not _GROUPED.fullmatch(whole):
            raise Unreadable(Doubt.AMBIGUOUS if whole else Doubt.NOT_A_NUMBER)
        whole = re.sub("[.,]", "", whole)
    return whole, _plain(decimals) if found else ""


def _split(written: str) -> tuple[str, str]:
    """The whole part without its marks, and the decimals."""
    if len(written) > LONGEST or not set(written) <= set("0123456789.,"):
        raise Unreadable(Doubt.NOT_A_NUMBER)
    kinds = set(written) & set(".,")
    if not kinds:
        return _plain(written), ""
    last = max(written.rfind("."), written.rfind(","))
    whole, decimals = written[:last], written[last + 1 :]
    if len(kinds) == 2:
        if written[last] in whole or not _GROUPED.fullmatch(whole):
            raise Unreadable(Doubt.NOT_A_NUMBER)
        return re.sub("[.,]", "", whole), _plain(decimals)
    if written.count(written[last]) > 1:
        if not _GROUPED.fullmatch(written):
            raise Unreadable(Doubt.NOT_A_NUMBER)
        return re.sub("[.,]", "", written), ""
    if _GROUPED.fullmatch(written):
        raise Unreadable(Doubt.AMBIGUOUS)
    return _plain(whole), _plain(decimals)


def _whole(text: str, *, least: int, most: int) -> int:
    written = text.strip()
    if len(written) > LONGEST or not _DIGITS.fullmatch(written):
        raise Unreadable(Doubt.NOT_A_NUMBER)
    number = int(written)
    if number < least:
        raise Unreadable(Doubt.NOT_POSITIVE)
    if number > most:
        raise Unreadable(Doubt.TOO_LARGE)
    return number


def _plain(digits: str) -> str:
    if not _DIGITS.fullmatch(digits):
        raise Unreadable(Doubt.NOT_A_NUMBER)
    return digits


def _within(value: Decimal, most: Decimal) -> Decimal:
    if value <= 0:
        raise Unreadable(Doubt.NOT_POSITIVE)
    if value > most:
        raise Unreadable(Doubt.TOO_LARGE)
    return value
