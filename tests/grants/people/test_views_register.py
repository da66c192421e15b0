"""Registering through the page."""

from collections.abc import Callable
from datetime import date

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.core.journal import JournalEntry
from grants.people import services
from grants.people.models import Consent, ContactKind, ContactPoint, DocumentKind, IdentityDocument, Person
from tests.factories.access import make_user
from tests.factories.people import make_document, make_person, make_phone
from tests.grants.people.forms_data import FORM_KEY, registration_form

SignIn = Callable[[User], FlaskClient]
pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def browser(sign_in: SignIn) -> FlaskClient:
    services.load_reference_data()
    return sign_in(make_user(Role.ENUMERATOR))


def people_registered() -> int:
    return db.session.scalar(select(func.count(Person.id))) or 0


@pytest.mark.parametrize(("language", "title"), [("es", 'lang="es"'), ("en", "Register a person")])
def test_page_opens_in_both_languages(browser: FlaskClient, language: str, title: str) -> None:
    with browser.session_transaction() as cookie:
        cookie["language"] = language

    page = browser.get("/people/register")

    assert page.status_code == 200
    assert title in page.text
    assert "Le pedimos permiso para guardar sus datos." in page.text
    assert len(page.data) < 100_000


def test_person_is_registered_with_everything_that_was_said(browser: FlaskClient) -> None:
    answer = browser.post("/people/register", data=registration_form(phone_verified="y", wg_seeing="3", leader="Rosa"))

    person = db.session.scalars(select(Person)).one()
    assert answer.location == f"/people/{person.id}"
    assert (person.full_name, person.birth_on) == ("María José Ñáñez D'Angelo", date(1990, 3, 5))
    assert person.washington_group == {"seeing": 3, "hearing": 1, "walking": 1, "remembering": 1, "self_care": 1}
    assert (person.has_disability, person.is_single_carer) == (True, None)
    document = person.documents[0]
    assert (document.number, document.issuer_country, document.doubt) == ("V12345678", "VE", None)
    phone, leader = person.contact_points
    assert (phone.value, phone.safe_to_call, phone.verified_on is not None) == ("+593991234567", True, True)
    assert (leader.kind, leader.value, leader.verified_on) == (ContactKind.LEADER, "Rosa", None)
    consent = person.consents[0]
    assert (consent.text.purpose, consent.text.version, consent.text.language) == ("grant", 1, "es")
    assert consent.read_out_by_id == person.registered_by_id


def test_names_and_numbers_are_not_readable_in_the_database_or_the_journal(browser: FlaskClient) -> None:
    browser.post("/people/register", data=registration_form())

    person = db.session.scalars(select(Person)).one()
    stored = [person.given_names_sealed, person.birth_on_sealed, person.documents[0].number_sealed]  # type: ignore[attr-defined]
    assert not any(word in cell for cell in stored for word in (b"Mar", b"1990", b"12345678"))
    entries = db.session.scalars(select(JournalEntry)).all()
    assert {entry.action for entry in entries} == {"person.registered", "consent.given"}
    assert not any(word in entry.details for entry in entries for word in ("Mar", "1990", "12345678", "9912"))


def test_optional_permissions_are_recorded_each_on_its_own(browser: FlaskClient) -> None:
    browser.post("/people/register", data=registration_form(consent_photo="y", consent_delivery="y"))

    purposes = {consent.text.purpose for consent in db.session.scalars(select(Consent))}
    assert purposes == {"grant", "delivery", "photo"}


def test_person_without_document_or_phone_is_registered_through_a_leader(browser: FlaskClient) -> None:
    form = registration_form(document_kind="none", document_number="", phone="", leader="Rosa, de la asociación")

    answer = browser.post("/people/register", data=form)

    assert answer.status_code == 302
    document = db.session.scalars(select(IdentityDocument)).one()
    assert (document.kind, document.number, document.number_lookup) == ("none", None, None)


def test_two_people_without_documents_are_no_duplicates(browser: FlaskClient) -> None:
    browser.post("/people/register", data=registration_form(document_kind="none", document_number=""))
    other = registration_form(document_kind="none", document_number="", phone="062950123", form_key="o" * 22)

    browser.post("/people/register", data=other)

    assert people_registered() == 2


REFUSED = [
    ("consent_given", None, "without_consent"),
    ("consent_language", "qu", "unknown_language"),
    ("given_names", "", "empty"),
    ("given_names", "   ", "blank"),
    ("given_names", "x" * 10_000, "long"),
    ("given_names", "Ana\x00", "nul"),
    ("given_names", "Ana 3", "digit"),
    ("first_surname", "<script>", "markup"),
    ("first_surname", "\u202e\u0000", "controls"),
    ("second_surname", "12", "digits"),
    ("gender", "\x1b", "escape"),
    ("birth_day", "31", "plausible_day_impossible_month"),
    ("birth_year", "1e999", "exponent"),
    ("birth_year", "9" * 400, "huge"),
    ("birth_year", "٢٠٠٠", "arabic_digits"),
    ("birth_year", "2024", "baby"),
    ("birth_year", "1880", "too_old"),
    ("birth_year", "-990", "negative"),
    ("sex", "x", "unknown_sex"),
    ("sex", None, "no_sex"),
    ("nationality", "XX", "unknown_country"),
    ("nationality", "", "no_country"),
    ("population_group", "alien", "unknown_group"),
    ("is_single_carer", "maybe", "unknown_answer"),
    ("language", "xx", "unknown_spoken"),
    ("canton_code", "9999", "unknown_canton"),
    ("canton_code", "1001\x00", "nul_canton"),
    ("document_kind", "licence", "unknown_document"),
    ("document_kind", "", "no_document_kind"),
    ("document_number", "", "no_number"),
    ("document_number", "V-12", "short_number"),
    ("document_number", "☃☃☃☃☃☃", "snow"),
    ("document_number", "9" * 10_000, "long_number"),
    ("document_expires_on", "31/02/2030", "no_such_day"),
    ("document_expires_on", "NaN", "nan_day"),
    ("phone", "04121234567", "venezuelan_typed_locally"),
    ("phone", "1-800-FLOWERS", "letters"),
    ("phone", "9" * 10_000, "long_phone"),
    ("phone", "", "no_contact"),
    ("phone_country", "ZZ", "unknown_phone_country"),
    ("email", "a@b@c", "bad_mail"),
    ("email", "a@b.ec\x00", "nul_mail"),
    ("leader", "\x00", "nul_leader"),
    ("wg_seeing", "9", "unknown_difficulty"),
    ("wg_walking", "", "unanswered"),
    ("form_key", "", "no_key"),
    ("form_key", "' OR 1=1 --", "odd_key"),
]


@pytest.mark.parametrize(("field", "typed"), [row[:2] for row in REFUSED], ids=[row[2] for row in REFUSED])
def test_wrong_input_is_refused_with_a_sentence_and_kept(browser: FlaskClient, field: str, typed: str | None) -> None:
    changes = {"birth_month": "2"} if field == "birth_day" else {}

    answer = browser.post("/people/register", data=registration_form(**{**changes, field: typed}))

    assert answer.status_code == 200
    assert "field-error" in answer.text or "notice-warn" in answer.text
    assert field.startswith("given") or 'value="María José"' in answer.text
    assert people_registered() == 0


def test_document_number_with_a_doubt_is_accepted_after_another_look(browser: FlaskClient) -> None:
    company = {"document_kind": "ruc", "document_number": "1793051234001"}  # third digit 9, check digit does not fit

    first = browser.post("/people/register", data=registration_form(**company))
    assert "doubt_accepted" in first.text
    assert people_registered() == 0

    browser.post("/people/register", data=registration_form(**company, doubt_accepted="y"))
    assert db.session.scalars(select(IdentityDocument.doubt)).one() == "ruc_check_digit"


def test_minor_needs_a_guardian(browser: FlaskClient) -> None:
    alone = browser.post("/people/register", data=registration_form(birth_year="2011"))
    assert "guardian_present-error" in alone.text
    assert people_registered() == 0

    browser.post("/people/register", data=registration_form(birth_year="2011", guardian_present="y"))
    assert people_registered() == 1


def test_same_document_is_refused_and_its_folio_shown(browser: FlaskClient) -> None:
    earlier = make_person()
    make_document(earlier, DocumentKind.CEDULA_VE, "V12345678", "VE")

    answer = browser.post("/people/register", data=registration_form(duplicate_reason="Es otra persona"))

    assert answer.status_code == 200
    assert earlier.folio in answer.text
    assert people_registered() == 1


def test_same_phone_and_birth_date_asks_why_it_is_another_person(browser: FlaskClient) -> None:
    twin = make_person(birth_on=date(1990, 3, 5))
    make_phone(twin, "+593991234567")

    asked = browser.post("/people/register", data=registration_form())
    assert twin.folio in asked.text
    assert 'name="duplicate_reason"' in asked.text
    assert people_registered() == 1

    browser.post("/people/register", data=registration_form(duplicate_reason="Son gemelas"))
    newest = db.session.scalars(select(Person).order_by(Person.id.desc())).first()
    assert newest is not None
    assert newest.duplicate_reason == "Son gemelas"


def test_same_phone_with_another_birth_date_is_no_duplicate(browser: FlaskClient) -> None:
    make_phone(make_person(birth_on=date(1991, 3, 5)), "+593991234567")

    answer = browser.post("/people/register", data=registration_form())

    assert answer.status_code == 302
    assert people_registered() == 2


def test_second_tap_registers_nobody_new(browser: FlaskClient) -> None:
    first = browser.post("/people/register", data=registration_form())
    second = browser.post("/people/register", data=registration_form())

    assert first.location == second.location
    assert people_registered() == 1
    assert db.session.scalar(select(func.count(ContactPoint.id))) == 1


def test_used_form_with_another_person_in_it_is_kept_and_gets_a_new_key(browser: FlaskClient) -> None:
    browser.post("/people/register", data=registration_form())
    other = registration_form(given_names="Luz", document_number="V7654321", phone="062950123")

    refused = browser.post("/people/register", data=other)

    assert people_registered() == 1
    assert 'value="Luz"' in refused.text
    assert f'value="{FORM_KEY}"' not in refused.text


def test_evaluator_may_not_register(sign_in: SignIn) -> None:
    answer = sign_in(make_user(Role.EVALUATOR)).post("/people/register", data=registration_form())

    assert answer.status_code == 403
    assert people_registered() == 0
