"""Numbers that people carry: identity documents and phones, from what somebody typed to what is stored.

Malformed numbers are refused with a sentence. Where a published check is known to reject real numbers, the number
passes with a doubt, which the enumerator accepts after looking at the paper again. A valid number proves nothing about
who carries it.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass

import phonenumbers
from flask_babel import lazy_gettext as _
from stdnum import luhn
from stdnum.ec import ci, ruc
from stdnum.exceptions import InvalidChecksum, InvalidComponent, ValidationError

from grants.core.errors import RuleBroken
from grants.people.models import DocumentKind

FIXED_ISSUERS = {
    DocumentKind.CEDULA_EC: "EC",
    DocumentKind.RUC: "EC",
    DocumentKind.REFUGEE_CARD: "EC",
    DocumentKind.ASYLUM_REQUEST: "EC",
    DocumentKind.VISA: "EC",
    DocumentKind.CEDULA_VE: "VE",
    DocumentKind.CEDULA_CO: "CO",
}
DIALLABLE = re.compile(r"\+?[0-9 ().\-/]{4,30}")
E164_MAX = 16


@dataclass(frozen=True, slots=True)
class CheckedNumber:
    """A number as stored, and the code of the doubt that it leaves, if any (`words.DOUBTS`)."""

    number: str
    doubt: str | None = None


def check_document(kind: DocumentKind, typed: str) -> CheckedNumber:
    """The number as stored. RuleBroken(field="document_number") if it cannot be one.

    >>> check_document(DocumentKind.CEDULA_EC, "100123456-4").number
    '1001234564'
    >>> check_document(DocumentKind.CEDULA_VE, "v 12.345.678").number
    'V12345678'
    """
    compact = "".join(letter for letter in typed.upper() if letter not in " .-/\t'")
    if not re.fullmatch(r"[0-9A-Z]{3,30}", compact):
        raise _malformed(_("Write the number with letters and digits only, as it stands on the document."))
    return _CHECKS.get(kind, CheckedNumber)(compact)


def _malformed(sentence: object) -> RuleBroken:
    return RuleBroken(sentence, field="document_number")


def _cedula_ec(number: str) -> CheckedNumber:
    if not re.fullmatch(r"[0-9]{10}", number):
        raise _malformed(_("An Ecuadorian identity card has ten digits. Read the number again."))
    if not luhn.is_valid(number):
        raise _malformed(_("The last digit does not fit the other nine. Read the number again."))
    try:
        return CheckedNumber(ci.validate(number))
    except ValidationError:
        return CheckedNumber(number, "cedula_ec_unusual")


def _ruc(number: str) -> CheckedNumber:
    if not re.fullmatch(r"[0-9]{13}", number):
        raise _malformed(_("A RUC has thirteen digits. Read the number again."))
    try:
        return CheckedNumber(ruc.validate(number))
    except InvalidChecksum as error:
        if number[2] not in "69":
            raise _malformed(_("The first ten digits do not fit together. Read the number again.")) from error
        return CheckedNumber(number, "ruc_check_digit")
    except InvalidComponent as error:
        raise _malformed(_("This RUC begins or ends in a way that no RUC does. Read the number again.")) from error


def _cedula_ve(number: str) -> CheckedNumber:
    found = re.fullmatch(r"([VE]?)0*([1-9][0-9]{5,8})", number)
    if not found:
        raise _malformed(_("A Venezuelan identity card has V or E and six to nine digits. Read the number again."))
    letter, digits = found.groups()
    return CheckedNumber((letter or "V") + digits, None if len(digits) in (7, 8) else "cedula_ve_length")


def _cedula_co(number: str) -> CheckedNumber:
    found = re.fullmatch(r"0*([1-9][0-9]{2,11})", number)
    if not found:
        raise _malformed(_("A Colombian identity card has only digits, usually six to ten. Read the number again."))
    digits = found[1]
    return CheckedNumber(digits, None if len(digits) in (6, 7, 8, 10) else "cedula_co_length")


def _passport(number: str) -> CheckedNumber:
    if not 5 <= len(number) <= 20:
        raise _malformed(_("A passport number has between five and twenty letters and digits. Read it again."))
    return CheckedNumber(number, None if len(number) <= 9 else "passport_length")


_CHECKS: dict[DocumentKind, Callable[[str], CheckedNumber]] = {
    DocumentKind.CEDULA_EC: _cedula_ec,
    DocumentKind.RUC: _ruc,
    DocumentKind.CEDULA_VE: _cedula_ve,
    DocumentKind.CEDULA_CO: _cedula_co,
    DocumentKind.PASSPORT: _passport,
}


def check_phone(typed: str, country: str) -> str:
    """The phone in E.164. RuleBroken(field="phone") when it is not a number of that country.

    >>> check_phone("099 123 4567", "EC")
    '+593991234567'
    """
    if not DIALLABLE.fullmatch(typed.strip()) or not typed.isascii():
        raise RuleBroken(_("Write the phone with digits only, for example 0991234567."), field="phone")
    try:
        parsed = phonenumbers.parse(typed.strip(), country)
    except phonenumbers.NumberParseException as error:
        raise _not_of_country(country) from error
    stored = phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)
    if not phonenumbers.is_valid_number(parsed) or len(stored) > E164_MAX:
        raise _not_of_country(country)
    return stored


def _not_of_country(country: str) -> RuleBroken:
    if country == "EC":
        sentence = _(
            "This is not an Ecuadorian number. If it is from another country (Venezuelan ones begin with 0412, 0414, "
            "0416, 0424 or 0426, Colombian ones with 3), choose that country. Otherwise read it again."
        )
    else:
        sentence = _("This is not a number of the chosen country. Check the country, then read the number again.")
    return RuleBroken(sentence, field="phone")
