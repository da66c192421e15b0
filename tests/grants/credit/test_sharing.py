"""What a liaison sees of a person, and the person's own receipt."""

import io
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from pypdf import PdfReader

from grants.access.permissions import Permission, Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.credit.models import LinkageKind, Referral
from grants.credit.services import referrals as services
from grants.credit.services.receipts import verification_code
from grants.credit.services.referrals import Request
from grants.credit.sharing import MINIMUM, SharedField
from grants.people.models import ConsentPurpose, ConsentText, Person, PopulationGroup
from grants.people.models import DocumentKind as D
from grants.people.services import load_consent_texts
from tests.factories.access import make_token, make_user
from tests.factories.credit import make_institution, make_liaison
from tests.factories.credit_products import make_product
from tests.factories.people import make_consent_text, make_document, make_person, make_phone

# In either language: the group, the nationality, and any document's kind.
SECRETS = ("Refugiad", "refugiad", "Refugee", "refugee", "Venezuela", "venezolan", '"VE"', "Asylum", "asylum", "asilo",
           "population", "nationality", "nacionalidad", "1990", "Marina", "Vera", "R-778899", "cédula")  # fmt: skip
WITH_GROUP = MINIMUM | {SharedField.GROUP}


def words(version: int = 2, language: str = "es") -> ConsentText:
    load_consent_texts()
    return db.session.query(ConsentText).filter_by(
        purpose=ConsentPurpose.REFERRAL, version=version, language=language
    ).one()  # fmt: skip


def luz(**facts: Any) -> Person:
    person = make_person(given_names="Luz Marina", first_surname="Ortiz", second_surname="Vera",
                         population_group=PopulationGroup.REFUGEE, **facts)  # fmt: skip
    make_document(person, D.REFUGEE_CARD, f"R-778899-{person.id}")
    make_phone(person, "+593990000002")
    return person


def refer(person: Person, product: Any = None, **changes: Any) -> Referral:
    to = product.institution if product else make_institution()
    facts = {"kinds": [LinkageKind.CREDIT], "need": "Un horno", "text": words(), "product": product, **changes}
    referral = services.send(person, Request(to, **facts), by=make_user(Role.COORDINATOR), now=utcnow())
    db.session.commit()
    return referral


def seen_by_liaison(app: Flask, sign_in: Any, referral: Referral, language: str) -> list[str]:
    liaison = make_liaison(referral.institution)
    client, token = sign_in(liaison), make_token(liaison, Permission.LOG_LINKAGE)
    bearer = {"Authorization": f"Bearer {token}", "Accept-Language": language}
    client.post("/language", data={"language": language})
    linkage = referral.linkages[0]
    answers = [
        *(client.get(path) for path in (f"/referrals/{referral.id}", f"/linkages/{linkage.id}", "/my-referrals",
                                        "/my-linkages/export", f"/referrals/{referral.id}/decline", "/")),
        app.test_client().get("/api/v1/linkages", headers=bearer),
        app.test_client().get(f"/api/v1/linkages/{linkage.folio}", headers=bearer),
    ]  # fmt: skip
    assert [answer.status_code for answer in answers] == [200] * 8
    return [answer.text for answer in answers]


@pytest.mark.parametrize("language", ["es", "en"])
def test_without_the_persons_word_a_liaison_learns_the_minimum(app: Flask, sign_in: Any, language: str) -> None:
    product = make_product(documents=[D.REFUGEE_CARD, D.CEDULA_EC], name="Microcrédito")
    referral = refer(luz(), product)
    for page in seen_by_liaison(app, sign_in, referral, language):
        for secret in SECRETS:
            assert secret not in page, secret


def test_a_liaison_sees_that_the_document_is_accepted_not_which(app: Flask, sign_in: Any) -> None:
    referral = refer(luz(), make_product(documents=[D.REFUGEE_CARD, D.CEDULA_EC], name="Microcrédito"))
    client = sign_in(make_liaison(referral.institution))
    client.post("/language", data={"language": "en"})
    page = client.get(f"/referrals/{referral.id}").text
    assert "<dd>Accepted for this product</dd>" in page
    assert "cédula" not in page


@pytest.mark.parametrize("case", ["none", "another", "expired"])
def test_a_liaison_sees_what_would_be_accepted(app: Flask, sign_in: Any, case: str) -> None:
    """The same sentence whatever the person has: it says nothing of it."""
    person = make_person()
    if case == "another":
        make_document(person, D.ASYLUM_REQUEST, "A1")
    if case == "expired":
        make_document(person, D.PASSPORT, "P1").expires_on = local_day(utcnow()) - timedelta(days=1)
    referral = refer(person, make_product(documents=[D.PASSPORT, D.CEDULA_EC]))
    client = sign_in(make_liaison(referral.institution))
    client.post("/language", data={"language": "en"})
    page = client.get(f"/referrals/{referral.id}").text
    assert "Missing: Ecuadorian identity card (cédula) / Passport" in page
    assert "sylum" not in page
    assert "xpired" not in page


def test_the_group_is_shown_where_the_person_allowed_it_apart(app: Flask, sign_in: Any) -> None:
    referral = refer(luz(), covers=WITH_GROUP)
    assert referral.shared_fields == ["name", "contact", "canton", "need", "group"]
    client = sign_in(make_liaison(referral.institution))
    client.post("/language", data={"language": "en"})
    page = client.get(f"/referrals/{referral.id}").text
    assert "Refugee or asylum seeker" in page
    assert "Venezuela" not in page


def test_the_box_is_its_own_and_not_ticked(app: Flask, sign_in: Any) -> None:
    person, institution, text = luz(), make_institution(), words()
    client = sign_in(make_user(Role.COORDINATOR))
    page = client.get(f"/people/{person.id}/refer").text
    box = (
        page.split('name="shares_group"')[0].rsplit("<input", 1)[1] + page.split('name="shares_group"')[1].split(">")[0]
    )
    assert "checked" not in box
    form = {"institution_id": institution.id, "kinds": "credit", "need": "x", "text_id": text.id, "consent": "y"}
    client.post(f"/people/{person.id}/refer", data=form)
    assert db.session.query(Referral).one().covers == MINIMUM
    other = make_institution().id
    client.post(f"/people/{person.id}/refer", data={**form, "institution_id": other, "shares_group": "y"})
    assert db.session.query(Referral).order_by(Referral.id.desc()).first().covers == WITH_GROUP


def test_a_text_that_promises_not_to_share_the_group_covers_it_never(app: Flask) -> None:
    person, text = luz(), words(version=1)
    with pytest.raises(RuleBroken) as refused:
        refer(person, text=text, covers=WITH_GROUP)
    assert refused.value.field == "shares_group"
    assert refer(person, text=text).consent.text.version == 1


def test_a_product_belongs_to_its_institution_and_kind(app: Flask) -> None:
    person, product = luz(), make_product(kind=LinkageKind.MEMBERSHIP)
    request = Request(make_institution(), [LinkageKind.MEMBERSHIP], "x", words(), product)
    with pytest.raises(RuleBroken) as refused:
        services.send(person, request, by=make_user(Role.COORDINATOR), now=utcnow())
    assert refused.value.field == "product_id"
    with pytest.raises(RuleBroken) as refused:
        refer(person, product)
    assert refused.value.field == "kinds"
    assert db.session.query(Referral).count() == 0


def test_version_two_lists_what_is_shared_in_both_languages(app: Flask) -> None:
    listed = {
        "es": ("primer nombre", "cantón", "teléfono", "folio", "sirve para ese producto"),
        "en": ("first name", "canton", "phone", "folio", "good for that product"),
    }
    for language, said in listed.items():
        for word in said:
            assert word in words(language=language).body


# The receipt


def receipt(client: Any, referral: Referral) -> str:
    answer = client.get(f"/referrals/{referral.id}/receipt")
    assert (answer.status_code, answer.content_type) == (200, "application/pdf")
    pages = PdfReader(io.BytesIO(answer.data)).pages
    assert len(pages) == 1
    return " ".join(pages[0].extract_text().split())


@pytest.mark.parametrize(
    ("language", "said"),
    [
        (
            "es",
            ("Comprobante de derivación", "en español, versión 2", "un crédito", "Cómo retirarlo", "Qué se compartió"),
        ),
        ("en", ("Referral receipt", "in Spanish, version 2", "a credit", "How to take it back", "What was shared")),
        ("qvi", ("Comprobante de derivación", "en español, versión 2")),
    ],
)
def test_the_receipt_says_what_was_shared_with_whom_and_how_to_take_it_back(
    app: Flask, sign_in: Any, monkeypatch: pytest.MonkeyPatch, language: str, said: tuple[str, ...]
) -> None:
    monkeypatch.setitem(app.config, "SUPPORT_CONTACT", "semilla@example.org")
    referral = refer(luz(language=language), make_product(documents=[D.NONE], name="Microcrédito Mujer"))
    text = receipt(sign_in(make_user(Role.COORDINATOR)), referral)
    for word in (*said, referral.folio, referral.person.folio, referral.institution.name, "Luz Ortiz", "+593990000002",
                 "Ibarra", "Un horno", "Microcrédito Mujer", "semilla@example.org", verification_code(referral),
                 str(local_day(referral.referred_at).year)):  # fmt: skip
        assert word in text, word
    for secret in ("Marina", "Vera", "Venezuela", "R-778899"):
        assert secret not in text


def test_a_lost_receipt_does_not_betray_the_group(app: Flask, sign_in: Any) -> None:
    text = receipt(sign_in(make_user(Role.COORDINATOR)), refer(luz(), covers=WITH_GROUP))
    assert "Grupo de población sí, porque usted lo permitió aparte" in text
    assert "refugiad" not in text.lower()


def test_the_receipt_is_journaled_and_its_code_is_on_the_coordinators_page(app: Flask, sign_in: Any) -> None:
    referral = refer(luz())
    client = sign_in(make_user(Role.COORDINATOR))
    receipt(client, referral)
    db.session.commit()
    assert db.session.query(JournalEntry).filter_by(action="referral.receipt_downloaded").count() == 1
    assert verification_code(referral) in client.get(f"/referrals/{referral.id}").text
    assert verification_code(referral) not in sign_in(make_liaison(referral.institution)).get(
        f"/referrals/{referral.id}").text  # fmt: skip
    assert verification_code(referral) != verification_code(refer(luz()))
    assert client.get("/referrals/999999/receipt").status_code == 404


def test_the_receipt_of_a_consent_taken_back_says_so(app: Flask, sign_in: Any) -> None:
    referral = refer(luz())
    services.withdraw(referral, by=make_user(Role.COORDINATOR), now=utcnow())
    db.session.commit()
    assert "Retirado el" in receipt(sign_in(make_user(Role.COORDINATOR)), referral)


def test_a_referral_of_before_still_has_its_receipt(app: Flask, sign_in: Any) -> None:
    """Nothing was written down of what it covers: the minimum, under version 1."""
    referral = refer(luz(), text=make_consent_text(ConsentPurpose.REFERRAL))
    referral.shared_fields = referral.expires_on = None
    assert "versión 1" in receipt(sign_in(make_user(Role.COORDINATOR)), referral)
