"""The page of what is open to a person: never an empty list without a next step."""

from datetime import timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit.matching import Need, Reason, match
from grants.credit.models import InstitutionKind, LinkageKind, LinkageState, Referral
from grants.credit.queries import matching
from grants.people.models import ConsentPurpose
from grants.people.models import DocumentKind as D
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_linkage
from tests.factories.credit_products import make_agreement, make_location, make_product, make_terms
from tests.factories.people import make_canton, make_consent_text, make_document, make_person
from tests.grants.credit.counting import queries_of


@pytest.fixture
def coordinator(sign_in: Any) -> Any:
    return sign_in(make_user(Role.COORDINATOR))


def reasons(person: Any, amount: int | None = None) -> dict[str, list[Reason]]:
    day, need = local_day(utcnow()), Need(amount_usd=Decimal(amount) if amount else None)
    found = match(matching.asker_of(person, need, day=day), matching.offers_on(day), day=day)
    return {one.product.name: list(one.reasons) for one in found}


def test_rows_give_the_reasons(app: Flask) -> None:
    """One product each, and one thing against it."""
    make_canton("2101")
    today = local_day(utcnow())
    person = make_person()  # 1001, born 1990
    make_document(person, D.VISA, "V1").expires_on = today - timedelta(days=1)
    make_document(person, D.CEDULA_VE, "V2", "VE")
    ok = [D.CEDULA_VE]
    far, gone, late = make_institution(), make_institution(is_active=False), make_institution(agreed=False)
    make_location(far, "2101")
    make_product(name="open", documents=ok)
    make_product(far, name="far", documents=ok)
    make_product(gone, name="gone", documents=ok)
    make_product(name="paper", documents=[D.CEDULA_EC])
    make_product(name="old", documents=[D.VISA])
    make_product(name="young", documents=ok, most_age=30)
    make_product(name="small", documents=ok, most_usd=Decimal(500))
    make_product(name="members", documents=ok, needs_membership=True)
    make_product(name="bare", documents=ok, agreed=False)
    make_product(name="never", documents=None)
    make_agreement(late, valid_until=today - timedelta(days=1))
    make_product(late, name="ended", documents=ok)
    future = make_product(name="future", documents=None)
    make_terms(future, ok, valid_from=today + timedelta(days=1))

    assert reasons(person, 800) == {
        "open": [], "far": [Reason.OUTSIDE_LOCATIONS], "gone": [Reason.INSTITUTION_INACTIVE],
        "paper": [Reason.DOCUMENT_NOT_ACCEPTED], "old": [Reason.DOCUMENT_EXPIRED], "young": [Reason.AGE],
        "small": [Reason.AMOUNT_TOO_LARGE], "members": [Reason.MEMBERSHIP_NEEDED], "bare": [Reason.NO_AGREEMENT],
        "never": [Reason.NOT_OFFERED_NOW], "ended": [Reason.NO_AGREEMENT], "future": [Reason.NOT_OFFERED_NOW],
    }  # fmt: skip


def test_a_membership_held_elsewhere_opens_nothing(app: Flask) -> None:
    person, caja = make_person(), make_institution(kind=InstitutionKind.SAVINGS_BANK)
    make_product(caja, name="credit", documents=[D.NONE])
    assert reasons(person) == {"credit": [Reason.MEMBERSHIP_NEEDED]}
    make_linkage(person=person, kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED)
    refused = make_linkage(person=person, institution=caja, kind=LinkageKind.MEMBERSHIP, state=LinkageState.DECLINED)
    assert reasons(person) == {"credit": [Reason.MEMBERSHIP_NEEDED]}
    make_linkage(refused.referral, kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED)
    assert reasons(person) == {"credit": []}


def test_the_button_leads_to_the_referral_with_all_chosen(app: Flask, coordinator: Any) -> None:
    person, product = make_person(), make_product(documents=[D.NONE], name="Microcrédito")
    text = make_consent_text(ConsentPurpose.REFERRAL)
    page = coordinator.get(f"/people/{person.id}/open-products").text
    address = f"/people/{person.id}/refer?institution={product.institution_id}&amp;product={product.id}"
    assert address in page

    form = coordinator.get(address.replace("&amp;", "&")).text
    assert f'<option selected value="{product.institution_id}">' in form
    assert f'<option selected value="{product.id}">' in form
    boxes = form.split('name="kinds"')
    assert "checked" in boxes[0].rsplit("<input", 1)[1] + boxes[1].split(">")[0]
    answer = coordinator.post(f"/people/{person.id}/refer", data={
        "institution_id": product.institution_id, "product_id": product.id, "kinds": ["credit", "membership"],
        "need": "Un horno", "text_id": text.id, "consent": "y"})  # fmt: skip
    assert answer.status_code == 302
    referral = db.session.query(Referral).one()
    assert referral.product_id == product.id
    assert {one.kind: one.product_id for one in referral.linkages} == {"credit": product.id, "membership": None}


@pytest.mark.parametrize("query", ["?product=9999999999999", "?product=x&institution=%00", "?institution=1e9&kinds=x"])
def test_a_wrong_address_chooses_nothing(app: Flask, coordinator: Any, query: str) -> None:
    make_product()
    make_consent_text(ConsentPurpose.REFERRAL)
    answer = coordinator.get(f"/people/{make_person().id}/refer{query}")
    assert answer.status_code == 200
    assert "selected" not in answer.text.split('name="product_id"')[1].split("</select>")[0]


def test_nothing_open_names_the_cajas_to_join(app: Flask, coordinator: Any) -> None:
    person, caja = make_person(), make_institution("Caja Esperanza", kind=InstitutionKind.SAVINGS_BANK)
    make_product(name="Del banco", documents=[D.CEDULA_EC])
    make_product(caja, name="Crédito solidario", documents=[D.NONE])
    joining = make_product(caja, LinkageKind.MEMBERSHIP, "Ser socia", documents=[D.NONE])
    page = coordinator.get(f"/people/{person.id}/open-products?kind=credit&amount=800&months=12").text
    ways = page.split("<h2>")[1]
    assert "Caja Esperanza" in ways
    assert "Crédito solidario" in ways
    assert f"product={joining.id}" in ways
    assert "Del banco" not in ways


def test_nothing_at_all_says_what_to_do(app: Flask, coordinator: Any) -> None:
    person = make_person()
    path = f"/people/{person.id}/open-products"
    assert 'class="empty"' in coordinator.get(path).text
    make_product(name="Del banco", documents=[D.CEDULA_EC])
    page = coordinator.get(path).text
    assert 'class="empty"' in page
    assert f'href="/people/{person.id}#documents"' in page
    for kind in ("membership", "savings_account"):
        assert 'class="empty"' in coordinator.get(f"{path}?kind={kind}").text


@pytest.mark.parametrize("query", ["kind=house", "kind=credit&amount=1.234", "kind=credit&amount=-5&months=0",
                                   "kind=credit&months=1e308", "kind=credit&amount=%00"])  # fmt: skip
def test_a_need_that_cannot_be_read_is_shown_beside_its_field(app: Flask, coordinator: Any, query: str) -> None:
    make_product()
    answer = coordinator.get(f"/people/{make_person().id}/open-products?{query}")
    assert answer.status_code == 200
    assert "field-error" in answer.text


def test_only_who_refers_looks(app: Flask, sign_in: Any, coordinator: Any) -> None:
    person = make_person()
    for role in (Role.LIAISON, Role.MONITORING, Role.ENUMERATOR):
        assert sign_in(make_user(role)).get(f"/people/{person.id}/open-products").status_code == 403
    assert coordinator.get("/people/999999/open-products").status_code == 404
    assert f'href="/people/{person.id}/open-products"' in coordinator.get(f"/people/{person.id}").text


def test_more_products_cost_no_more_statements(app: Flask, coordinator: Any) -> None:
    person = make_person()
    make_product()
    path = f"/people/{person.id}/open-products"
    one = queries_of(lambda: coordinator.get(path))
    for _n in range(3):
        make_product()
    assert queries_of(lambda: coordinator.get(path)) == one
