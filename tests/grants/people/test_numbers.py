"""Numbers of documents and phones."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from grants.core.errors import RuleBroken
from grants.people.models import DocumentKind as Kind
from grants.people.numbers import CheckedNumber, check_document, check_phone


@pytest.mark.parametrize(
    ("kind", "typed", "stored", "doubt"),
    [
        (Kind.CEDULA_EC, "171430710-3", "1714307103", None),
        (Kind.CEDULA_EC, " 100 123 456 4 ", "1001234564", None),
        # No office has province 99; the check holds by hand: 9 + 9 + 0 + 1 + 4 + 3 + 8 + 5 + 3 = 42, and 8 makes 50.
        (Kind.CEDULA_EC, "9901234568", "9901234568", "cedula_ec_unusual"),
        (Kind.RUC, "1001234564001", "1001234564001", None),
        (Kind.RUC, "1793051234001", "1793051234001", "ruc_check_digit"),
        (Kind.CEDULA_VE, "12.345.678", "V12345678", None),
        (Kind.CEDULA_VE, "e-81234567", "E81234567", None),
        (Kind.CEDULA_VE, "V-012345678", "V12345678", None),
        (Kind.CEDULA_VE, "V123456", "V123456", "cedula_ve_length"),
        (Kind.CEDULA_VE, "V123456789", "V123456789", "cedula_ve_length"),
        (Kind.CEDULA_CO, "1.020.304.050", "1020304050", None),
        (Kind.CEDULA_CO, "123456789", "123456789", "cedula_co_length"),
        (Kind.PASSPORT, "ab123456", "AB123456", None),
        (Kind.PASSPORT, "AB12345678901", "AB12345678901", "passport_length"),
        (Kind.REFUGEE_CARD, "R-77/2019", "R772019", None),
    ],
)
def test_number_is_stored_in_one_form(kind: Kind, typed: str, stored: str, doubt: str | None) -> None:
    assert check_document(kind, typed) == CheckedNumber(stored, doubt)


@pytest.mark.parametrize(
    ("kind", "typed"),
    [
        (Kind.CEDULA_EC, "0909876543"),
        (Kind.CEDULA_EC, "100123456"),
        (Kind.CEDULA_EC, "1٠01234564"),
        (Kind.RUC, "1001234564000"),
        (Kind.RUC, "1001234565001"),
        (Kind.RUC, "179305123400"),
        (Kind.CEDULA_VE, "V12345"),
        (Kind.CEDULA_VE, "J12345678"),
        (Kind.CEDULA_CO, "CC1020304050"),
        (Kind.PASSPORT, "A1"),
        (Kind.VISA, "--"),
    ],
)
def test_malformed_number_is_refused_beside_its_field(kind: Kind, typed: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        check_document(kind, typed)

    assert refused.value.field == "document_number"


@given(st.sampled_from([kind for kind in Kind if kind is not Kind.NONE]), st.text(max_size=60))
def test_any_text_is_a_number_or_a_sentence(kind: Kind, typed: str) -> None:
    with suppress(RuleBroken):
        checked = check_document(kind, typed)
        assert checked.number.isascii()
        assert check_document(kind, checked.number) == checked


@pytest.mark.parametrize(
    ("typed", "country", "stored"),
    [
        ("0991234567", "EC", "+593991234567"),
        ("062950123", "EC", "+59362950123"),
        ("06 295 0123", "EC", "+59362950123"),
        ("0412-1234567", "VE", "+584121234567"),
        ("+58 412 1234567", "EC", "+584121234567"),
        ("300 123 4567", "CO", "+573001234567"),
    ],
)
def test_phone_is_stored_in_e164(typed: str, country: str, stored: str) -> None:
    assert check_phone(typed, country) == stored


@pytest.mark.parametrize(
    ("typed", "country"),
    [("04121234567", "EC"), ("3001234567", "EC"), ("0991234567", "VE"), ("123", "EC"), ("+", "EC"), ("+++++", "EC")],
)
def test_phone_of_another_country_asks_for_it(typed: str, country: str) -> None:
    with pytest.raises(RuleBroken) as refused:
        check_phone(typed, country)

    assert refused.value.field == "phone"


@given(st.text(max_size=40), st.sampled_from(["EC", "VE", "CO", "PE"]))
def test_any_text_is_a_phone_or_a_sentence(typed: str, country: str) -> None:
    with suppress(RuleBroken):
        stored = check_phone(typed, country)
        assert stored[0] == "+"
        assert check_phone(stored, country) == stored
