"""The list of people, one person's page, and what is done there."""

from collections.abc import Callable
from datetime import date, timedelta

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.journal import JournalEntry
from grants.people import services
from grants.people.models import (
    Consent,
    ConsentPurpose,
    ContactPoint,
    DocumentKind,
    IdentityDocument,
    Person,
    PopulationGroup,
)
from tests.factories.access import make_user
from tests.factories.people import make_consent, make_document, make_person, make_phone
from tests.grants.people.counting import queries_of
from tests.grants.people.forms_data import registration_form

SignIn = Callable[[User], FlaskClient]
pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def browser(sign_in: SignIn) -> FlaskClient:
    services.load_reference_data()
    return sign_in(make_user(Role.ENUMERATOR))


def actions() -> list[str]:
    return list(db.session.scalars(select(JournalEntry.action).order_by(JournalEntry.id)))


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize(
    "path", ["", "/edit", "/documents/add", "/contact-points/add", "/consents/give"], ids=lambda path: path or "show"
)
def test_pages_of_a_person_open_in_both_languages(browser: FlaskClient, path: str, language: str) -> None:
    person = make_person(second_surname=None, gender="no binaria")
    make_document(person)
    make_phone(person)
    make_consent(person)
    with browser.session_transaction() as cookie:
        cookie["language"] = language

    answer = browser.get(f"/people/{person.id}{path}")

    assert answer.status_code == 200
    assert f'lang="{language}"' in answer.text
    assert "1001234564" not in answer.text


@pytest.mark.parametrize("number", [0, 999_999, 2**31, 2**63, 2**80])
def test_person_that_is_not_there_is_404(browser: FlaskClient, number: int) -> None:
    person = make_person()

    for path in (f"/people/{number}", f"/people/{number}/edit", f"/people/{number}/consents/give"):
        assert browser.get(path).status_code == 404
    for path in ("documents/{}/look", "contact-points/{}/verify", "contact-points/{}/mark-dead", "consents/{}/revoke"):
        assert browser.post(f"/people/{person.id}/{path.format(number)}").status_code == 404


def test_parts_of_another_person_are_404(browser: FlaskClient) -> None:
    mine, other = make_person(), make_person()
    document, point, consent = make_document(other), make_phone(other), make_consent(other)

    for path in (f"documents/{document.id}/look", f"contact-points/{point.id}/verify",
                 f"contact-points/{point.id}/mark-dead", f"consents/{consent.id}/revoke"):  # fmt: skip
        assert browser.post(f"/people/{mine.id}/{path}").status_code == 404
    assert db.session.scalar(select(func.count(JournalEntry.id))) == 0


def test_list_is_ordered_by_folio_and_narrowed(browser: FlaskClient) -> None:
    here = make_person(folio="P-B", given_names="Beatriz")
    make_person(folio="P-A", given_names="Alba", population_group=PopulationGroup.HOST)
    make_person(folio="P-C", given_names="Carla", canton_code="2101")

    everybody = browser.get("/people/").text
    narrowed = browser.get("/people/?canton=1001&group=migrant").text

    assert everybody.index("Alba") < everybody.index("Beatriz") < everybody.index("Carla")
    assert here.given_names in narrowed
    assert "Alba" not in narrowed
    assert "Carla" not in narrowed


@pytest.mark.parametrize(
    "query", ["canton=9999", "canton=%00", "group=x", "after=%00~1", "after=x~99999999999", "group=&canton="]
)
def test_odd_filters_narrow_nothing(browser: FlaskClient, query: str) -> None:
    person = make_person()

    answer = browser.get(f"/people/?{query}")

    assert answer.status_code == 200
    assert person.folio in answer.text


def test_second_page_goes_on_where_the_first_ended(browser: FlaskClient) -> None:
    folios = sorted(make_person().folio for _n in range(27))

    first = browser.get("/people/").text
    second = browser.get(
        f"/people/?after={folios[24]}~{db.session.scalar(select(Person.id).where(Person.folio == folios[24]))}"
    ).text

    assert [folio for folio in folios if folio in first] == folios[:25]
    assert [folio for folio in folios if folio in second] == folios[25:]


def test_list_and_page_cost_the_same_with_one_row_and_with_three(browser: FlaskClient) -> None:
    person = make_person()
    for fill in (make_phone, make_consent):
        fill(person)
    make_document(person)
    one = [queries_of(browser, path) for path in ("/people/", f"/people/{person.id}")]
    for number in ("V1234567", "V1234568"):
        make_phone(person, f"+59399123456{number[-1]}")
        make_consent(person)
        make_document(make_person(canton_code="2101"), DocumentKind.CEDULA_VE, number, "VE")
        make_document(person, DocumentKind.PASSPORT, number, "VE")

    three = [queries_of(browser, path) for path in ("/people/", f"/people/{person.id}")]

    assert one == three
    assert three[0] <= 8
    assert three[1] <= 15


@pytest.mark.parametrize("sought", ["1001234564", "100123456-4", "0991234567", "+593 99 123 4567"])
def test_somebody_is_found_by_document_or_phone(browser: FlaskClient, sought: str) -> None:
    person = make_person()
    make_document(person)
    make_phone(person)
    make_person(given_names="Otra")

    answer = browser.post("/people/find", data={"sought": sought, "phone_country": "EC"})

    assert person.folio in answer.text
    assert "Otra" not in answer.text


def test_passport_is_found_whoever_issued_it(browser: FlaskClient) -> None:
    person = make_person()
    make_document(person, DocumentKind.PASSPORT, "AB123456", "HT")

    answer = browser.post("/people/find", data={"sought": "ab-123456", "phone_country": "EC"})

    assert person.folio in answer.text


def test_folio_leads_to_the_person_however_it_is_typed(browser: FlaskClient) -> None:
    person = make_person()
    typed = person.folio.lower().replace("-", " ")

    answer = browser.post("/people/find", data={"sought": typed, "phone_country": "EC"})

    assert answer.location == f"/people/{person.id}"


@pytest.mark.parametrize("sought", ["", "x" * 10_000, "\x00", "☃", "%", "P-00000000X", "9" * 60])
def test_searching_nonsense_finds_nobody(browser: FlaskClient, sought: str) -> None:
    person = make_person()

    answer = browser.post("/people/find", data={"sought": sought, "phone_country": "EC"})

    assert answer.status_code == 200
    assert person.folio not in answer.text


def test_whole_number_is_shown_once_and_the_look_is_written_down(browser: FlaskClient) -> None:
    person = make_person()
    document = make_document(person)

    looked = browser.post(f"/people/{person.id}/documents/{document.id}/look")
    after = browser.get(f"/people/{person.id}")

    assert "1001234564" in looked.text
    assert "1001234564" not in after.text
    assert "•••••564" in after.text
    assert actions() == ["document.looked_at"]


def test_monitoring_reads_the_page_but_not_the_number(sign_in: SignIn) -> None:
    person = make_person()
    document = make_document(person)
    monitor = sign_in(make_user(Role.MONITORING))

    assert monitor.get(f"/people/{person.id}").status_code == 200
    assert monitor.post(f"/people/{person.id}/documents/{document.id}/look").status_code == 403
    assert actions() == []


EDITED = {name: value for name, value in registration_form().items()
          if not name.startswith(("document", "phone", "consent", "form", "seen"))}  # fmt: skip


def test_correction_is_kept_and_the_journal_names_the_fields_only(browser: FlaskClient) -> None:
    person = make_person()

    browser.post(f"/people/{person.id}/edit", data={**EDITED, "given_names": "Marisol Andrea", "birth_day": "6"})

    assert (person.given_names, person.birth_on) == ("Marisol Andrea", date(1990, 3, 6))
    entry = db.session.scalars(select(JournalEntry)).one()
    assert entry.action == "person.edited"
    assert "given_names" in entry.details
    assert "Marisol" not in entry.details


@pytest.mark.parametrize(
    ("field", "typed"),
    [("given_names", ""), ("birth_year", "2023"), ("canton_code", "0000"), ("nationality", "ZZ"), ("gender", "\x00")],
)
def test_wrong_correction_changes_nothing(browser: FlaskClient, field: str, typed: str) -> None:
    person = make_person(given_names="Marisol")

    answer = browser.post(f"/people/{person.id}/edit", data={**EDITED, field: typed})

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert (person.given_names, actions()) == ("Marisol", [])


def test_document_is_added(browser: FlaskClient) -> None:
    person = make_person()
    form = {"document_kind": "passport", "document_number": "ab 123456", "document_issuer": "VE"}

    answer = browser.post(f"/people/{person.id}/documents/add", data=form)

    assert answer.location == f"/people/{person.id}"
    document = db.session.scalars(select(IdentityDocument)).one()
    assert (document.number, document.issuer_country) == ("AB123456", "VE")


@pytest.mark.parametrize(
    "form",
    [
        {"document_kind": "none"},
        {"document_kind": "passport", "document_number": "AB123456"},
        {"document_kind": "cedula_ec", "document_number": "1001234565"},
        {"document_kind": "cedula_ec", "document_number": "1001234564"},
        {"document_kind": "cedula_ve", "document_number": "V123456"},
    ],
    ids=["none", "no_issuer", "wrong_check_digit", "somebody_elses", "doubtful"],
)
def test_wrong_document_is_refused(browser: FlaskClient, form: dict[str, str]) -> None:
    make_document(make_person())
    person = make_person()

    answer = browser.post(f"/people/{person.id}/documents/add", data=form)

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.scalar(select(func.count(IdentityDocument.id))) == 1


def test_contact_is_added_once(browser: FlaskClient) -> None:
    person = make_person()
    form = {"kind": "whatsapp", "phone": "0412 123 4567", "phone_country": "VE", "phone_is_unsafe": "y"}

    browser.post(f"/people/{person.id}/contact-points/add", data=form)
    again = browser.post(f"/people/{person.id}/contact-points/add", data=form)

    point = db.session.scalars(select(ContactPoint)).one()
    assert (point.value, point.safe_to_call, point.verified_on) == ("+584121234567", False, None)
    assert again.status_code == 200


@pytest.mark.parametrize(
    "form",
    [
        {"kind": "email", "value": "not-a-mail"},
        {"kind": "leader", "value": ""},
        {"kind": "leader", "value": "\x00"},
        {"kind": "phone", "phone": ""},
        {"kind": "phone", "phone": "0991234567", "verified_on": "2090-01-01"},
        {"kind": "pigeon", "value": "coo"},
    ],
)
def test_wrong_contact_is_refused(browser: FlaskClient, form: dict[str, str]) -> None:
    person = make_person()

    answer = browser.post(f"/people/{person.id}/contact-points/add", data={"phone_country": "EC", **form})

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.scalar(select(func.count(ContactPoint.id))) == 0


def test_contact_is_verified_again_after_it_was_found_dead(browser: FlaskClient) -> None:
    person = make_person()
    point = make_phone(person)

    browser.post(f"/people/{person.id}/contact-points/{point.id}/mark-dead")
    assert point.failed_on == local_day(utcnow())
    browser.post(f"/people/{person.id}/contact-points/{point.id}/verify", data={"verified_on": ""})

    assert (point.verified_on, point.failed_on) == (local_day(utcnow()), None)
    assert actions() == ["contact_point.failed", "contact_point.verified"]


@pytest.mark.parametrize("typed", ["tomorrow", "1990-01-01", "future", "1e9"])
def test_day_of_a_check_that_cannot_be_is_refused(browser: FlaskClient, typed: str) -> None:
    person = make_person()
    point = make_phone(person)
    day = (local_day(utcnow()) + timedelta(days=1)).isoformat() if typed == "future" else typed

    answer = browser.post(f"/people/{person.id}/contact-points/{point.id}/verify", data={"verified_on": day})

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert point.verified_on is None


def test_permission_is_given_withdrawn_and_given_again(browser: FlaskClient) -> None:
    person = make_person()
    form = {"purpose": "photo", "consent_language": "en", "consent_given": "y"}

    browser.post(f"/people/{person.id}/consents/give", data=form)
    first = db.session.scalars(select(Consent)).one()
    twice = browser.post(f"/people/{person.id}/consents/give", data=form)
    assert twice.status_code == 200
    browser.post(f"/people/{person.id}/consents/{first.id}/revoke")
    assert first.revoked_at is not None
    assert browser.post(f"/people/{person.id}/consents/{first.id}/revoke").status_code == 409
    browser.post(f"/people/{person.id}/consents/give", data=form)

    assert db.session.scalar(select(func.count(Consent.id))) == 2
    assert first.text.language == "en"
    assert actions() == ["consent.given", "consent.revoked", "consent.given"]


@pytest.mark.parametrize("form", [{"purpose": "photo", "consent_language": "es"}, {"purpose": "referral"}, {}])
def test_permission_that_was_not_asked_for_is_not_recorded(browser: FlaskClient, form: dict[str, str]) -> None:
    person = make_person()

    answer = browser.post(f"/people/{person.id}/consents/give", data=form)

    assert answer.status_code == 200
    assert db.session.scalar(select(func.count(Consent.id))) == 0


@pytest.mark.parametrize("role", [Role.MONITORING, Role.EVALUATOR, Role.LIAISON, Role.OFFICER])
def test_who_may_not_register_may_not_change_anything(sign_in: SignIn, role: Role) -> None:
    person = make_person(given_names="Marisol")
    point, consent = make_phone(person), make_consent(person, ConsentPurpose.PHOTO)
    client = sign_in(make_user(role))

    for path in ("edit", "documents/add", "contact-points/add", "consents/give",
                 f"contact-points/{point.id}/mark-dead", f"consents/{consent.id}/revoke"):  # fmt: skip
        assert client.post(f"/people/{person.id}/{path}", data=EDITED).status_code == 403
    assert (person.given_names, point.failed_on, consent.revoked_at) == ("Marisol", None, None)


@pytest.mark.parametrize("role", [Role.EVALUATOR, Role.LIAISON, Role.OFFICER, Role.ADMINISTRATOR])
def test_people_are_closed_to_other_roles(sign_in: SignIn, role: Role) -> None:
    client = sign_in(make_user(role))

    assert client.get("/people/").status_code == 403
    assert client.get(f"/people/{make_person().id}").status_code == 403
