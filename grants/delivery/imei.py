"""IMEI numbers of phones: fifteen digits, the last a check digit (3GPP TS 23.003, annex B; Luhn)."""

import re
from dataclasses import dataclass

LENGTH = 15


@dataclass(frozen=True, slots=True)
class Misread:
    """Why an IMEI does not hold.

    `repeated`: one digit fifteen times, which a phone never has and a hand that must write something does.

    `length`: how many digits were read, when not fifteen. `swapped`: positions n, counted from 1, where exchanging
    digit n with the next makes the number right. `check_digit`: what the last digit would be, were the others right.
    """

    length: int | None = None
    swapped: tuple[int, ...] = ()
    check_digit: int = 0
    repeated: bool = False


def normal_imei(typed: str) -> str:
    """The digits, without spaces, hyphens, slashes and points. Anything else stays, and is refused by `misread`."""
    return re.sub(r"[ ./-]", "", typed)


def check_digit(first: str) -> int:
    """The Luhn digit that belongs behind these digits.

    >>> check_digit("49015420323751")
    8
    """
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(first), 1))
    return -sum(number // 10 + number % 10 for number in doubled) % 10


def misread(imei: str) -> Misread | None:
    """None for a right IMEI; else where to look again. Only the digits 0 to 9 count as digits.

    >>> misread("490154203237518")
    >>> misread("490154203237581")
    Misread(length=None, swapped=(5, 7, 14), check_digit=3, repeated=False)
    """
    if not re.fullmatch(f"[0-9]{{{LENGTH}}}", imei):
        return Misread(length=len(re.findall("[0-9]", imei)))
    if len(set(imei)) == 1:
        return Misread(check_digit=check_digit(imei[:-1]), repeated=True)
    if _is_right(imei):
        return None
    pairs = range(LENGTH - 1)
    swapped = tuple(at + 1 for at in pairs if imei[at] != imei[at + 1] and _is_right(_exchanged(imei, at)))
    return Misread(swapped=swapped, check_digit=check_digit(imei[:-1]))


def _is_right(imei: str) -> bool:
    return check_digit(imei[:-1]) == int(imei[-1])


def _exchanged(imei: str, at: int) -> str:
    return imei[:at] + imei[at + 1] + imei[at] + imei[at + 2 :]
