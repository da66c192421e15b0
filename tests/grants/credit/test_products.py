"""Products and their terms: never edited, ended by the next."""

import json
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from sqlalchemy.exc import IntegrityError

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.core.journal import JournalEntry
from grants.credit.models import (
    Amortization,
    Frequency,
    LinkageKind,
    Product,
    ProductTerms,
    RateKind,
    Segment,
)
from grants.credit.queries import offers
from grants.credit.schedules import months_later
from grants.credit.services.products import TermsFacts, add_product, set_terms
from grants.people.models import DocumentKind
from tests.factories.access import make_user
from tests.factories.credit import make_institution
from tests.factories.credit_movements import ago, today
from tests.factories.credit_offers import make_caja, make_ceiling, make_product, make_terms
from tests.grants.credit.test_races import ONE_WINS, at_once

CREDIT = {"valid_from": "2026-03-01", "documents": ["cedula_ec", "passport"], "rate_percent": "21,5",
          "rate_kind": "nominal", "method": "french", "frequency": "monthly", "segment": "minorista",
          "least_usd": "150", "most_usd": "1.500,00", "least_months": "3", "most_months": "18", "least_age": "18",
          "most_age": "65", "fees": "USD 5", "collateral": "Ninguna", "note": ""}  # fmt: skip


@pytest.fixture
def coordinator(sign_in: Any) -> Any:
    return sign_in(make_user(Role.COORDINATOR))


def facts(**changes: Any) -> TermsFacts:
    values: dict[str, Any] = {
        "valid_from": date(2026, 3, 1), "documents": [DocumentKind.CEDULA_EC], "rate_percent": Decimal("21.5"),
        "rate_kind": RateKind.NOMINAL, "method": Amortization.FRENCH, "frequency": Frequency.MONTHLY,
        "segment": Segment.MINORISTA, **changes,
    }  # fmt: skip
    return TermsFacts(**values)


def spans(product: Product) -> list[tuple[date, date | None]]:
    found = db.session.query(ProductTerms).filter_by(product_id=product.id).order_by(ProductTerms.valid_from)
    return [(one.valid_from, one.valid_until) for one in found]


def test_a_product_gets_its_terms(app: Flask, coordinator: Any) -> None:
    institution = make_institution()
    here = f"/institutions/{institution.id}/products"
    answer = coordinator.post(f"{here}/new", data={"kind": "credit", "name": " Microcrédito  semilla "})
    product = db.session.query(Product).one()
    assert answer.location.endswith(f"/products/{product.id}/terms/new")
    assert (product.name, product.kind) == ("Microcrédito semilla", LinkageKind.CREDIT)

    assert coordinator.post(f"{here}/{product.id}/terms/new", data=CREDIT).status_code == 302

    terms = db.session.query(ProductTerms).one()
    assert (terms.rate_percent, terms.rate_kind) == (Decimal("21.5"), RateKind.NOMINAL)
    assert (terms.method, terms.frequency) == (Amortization.FRENCH, Frequency.MONTHLY)
    assert (terms.least_usd, terms.most_usd, terms.least_months, terms.most_months) == (150, 1500, 3, 18)
    assert (terms.least_age, terms.most_age, terms.segment) == (18, 65, Segment.MINORISTA)
    assert terms.accepts == {DocumentKind.CEDULA_EC, DocumentKind.PASSPORT}
    assert (terms.needs_membership, terms.valid_until) == (False, None)
    page = coordinator.get(f"{here}/{product.id}").text
    for part in ("21,5 %, Tasa nominal", "USD 150,00", "USD 1.500,00", "Pasaporte"):
        assert part in page
    assert "21,5 %, Tasa nominal" in coordinator.get(f"/institutions/{institution.id}").text


def test_a_name_is_used_once_within_an_institution(app: Flask, coordinator: Any) -> None:
    product = make_product(name="Semilla")
    body = {"kind": "credit", "name": "Semilla"}
    answer = coordinator.post(f"/institutions/{product.institution_id}/products/new", data=body)
    assert "field-error" in answer.text
    assert coordinator.post(f"/institutions/{make_institution().id}/products/new", data=body).status_code == 302
    assert db.session.query(Product).count() == 2


def test_new_terms_end_the_earlier_ones_the_day_before(app: Flask) -> None:
    product, by = make_product(), make_user(Role.COORDINATOR)
    set_terms(product, facts(valid_from=date(2026, 1, 1)), by=by, now=utcnow())
    set_terms(product, facts(valid_from=date(2026, 3, 1), rate_percent=Decimal(20)), by=by, now=utcnow())

    assert spans(product) == [(date(2026, 1, 1), date(2026, 2, 28)), (date(2026, 3, 1), None)]
    product = offers.get_product(product.institution, product.id)
    assert product.terms_on(date(2025, 12, 31)) is None
    assert product.terms_on(date(2026, 2, 28)).rate_percent == Decimal("21.5")
    assert product.terms_on(date(2026, 3, 1)).rate_percent == Decimal(20)


@pytest.mark.parametrize("day", [date(2026, 3, 1), date(2026, 2, 28), date(2024, 1, 1)])
def test_terms_that_start_before_the_last_ones_are_refused(app: Flask, day: date) -> None:
    product = make_product()
    make_terms(product, valid_from=date(2026, 3, 1))
    with pytest.raises(RuleBroken, match="1 mar 2026") as refused:
        set_terms(product, facts(valid_from=day), by=make_user(Role.COORDINATOR), now=utcnow())
    assert refused.value.field == "valid_from"
    assert spans(product) == [(date(2026, 3, 1), None)]


def test_terms_may_start_in_the_past_after_the_last_ones_and_in_the_future(app: Flask) -> None:
    product, by = make_product(), make_user(Role.COORDINATOR)
    make_terms(product, valid_from=ago(300))
    set_terms(product, facts(valid_from=ago(100)), by=by, now=utcnow())
    set_terms(product, facts(valid_from=today() + timedelta(days=10)), by=by, now=utcnow())
    found = offers.get_product(product.institution, product.id)
    assert found.terms_on(today()).valid_from == ago(100)


@pytest.mark.parametrize("missing", ["rate_percent", "rate_kind", "method", "frequency", "segment"])
def test_a_credit_needs_all_of_its_rate(app: Flask, coordinator: Any, missing: str) -> None:
    product = make_product()
    changes = {missing: None, **({"rate_kind": None} if missing == "rate_percent" else {})}
    with pytest.raises(RuleBroken) as refused:
        set_terms(product, facts(**changes), by=make_user(Role.COORDINATOR), now=utcnow())
    assert refused.value.field == missing
    path = f"/institutions/{product.institution_id}/products/{product.id}/terms/new"
    assert "field-error" in coordinator.post(path, data={**CREDIT, missing: ""}).text
    assert db.session.query(ProductTerms).count() == 0


@pytest.mark.parametrize(
    "changes",
    [{"documents": []}, {"documents": ["crown"]}, {"least_usd": "2000"}, {"least_usd": "1.500"}, {"least_usd": "-5"},
     {"least_months": "19"}, {"least_months": "0"}, {"least_age": "66"}, {"least_age": "121"}, {"least_age": "x"},
     {"rate_percent": "100,1"}, {"rate_percent": "1e1"}, {"rate_kind": "x"}, {"fees": "x" * 301},
     {"note": "a\x00"}, {"valid_from": "yesterday"}],
)  # fmt: skip
def test_bad_terms_are_refused_beside_their_field(app: Flask, coordinator: Any, changes: dict[str, Any]) -> None:
    product = make_product()
    path = f"/institutions/{product.institution_id}/products/{product.id}/terms/new"
    answer = coordinator.post(path, data={**CREDIT, **changes})
    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.query(ProductTerms).count() == 0


def test_terms_above_the_ceiling_of_their_first_day_are_refused(app: Flask, coordinator: Any) -> None:
    make_ceiling("28.50", valid_from=date(2018, 2, 1), valid_until=date(2022, 6, 30))
    make_ceiling("28.23")
    product, by = make_product(), make_user(Role.COORDINATOR)
    path = f"/institutions/{product.institution_id}/products/{product.id}/terms/new"
    answer = coordinator.post(path, data={**CREDIT, "rate_percent": "25,13"})
    assert "28,2363" in answer.text
    assert db.session.query(ProductTerms).count() == 0

    old = facts(valid_from=date(2022, 6, 30), rate_percent=Decimal("28.50"), rate_kind=RateKind.EFFECTIVE)
    set_terms(product, old, by=by, now=utcnow())
    with pytest.raises(RuleBroken, match="28,23 %"):
        set_terms(product, facts(valid_from=date(2022, 7, 1), rate_percent=Decimal("28.50"),
                                 rate_kind=RateKind.EFFECTIVE), by=by, now=utcnow())  # fmt: skip
    assert coordinator.post(path, data={**CREDIT, "rate_percent": "25,12"}).status_code == 302


def test_a_credit_of_a_caja_always_needs_membership(app: Flask, coordinator: Any) -> None:
    caja = make_caja()
    credit, savings = make_product(caja), make_product(caja, kind=LinkageKind.SAVINGS_ACCOUNT)
    path = f"/institutions/{caja.id}/products/{credit.id}/terms/new"
    assert coordinator.post(path, data={**CREDIT, "documents": ["none"]}).status_code == 302
    body = {"valid_from": "2026-01-01", "documents": ["none"], "least_usd": "5"}
    coordinator.post(f"/institutions/{caja.id}/products/{savings.id}/terms/new", data=body)

    found = {one.product_id: one for one in db.session.query(ProductTerms)}
    assert found[credit.id].needs_membership
    assert found[credit.id].accepts == {DocumentKind.NONE}
    assert not found[savings.id].needs_membership


def test_an_account_and_a_membership_ask_for_less(app: Flask, coordinator: Any) -> None:
    institution = make_institution()
    for kind in (LinkageKind.SAVINGS_ACCOUNT, LinkageKind.MEMBERSHIP):
        product = make_product(institution, kind=kind)
        path = f"/institutions/{institution.id}/products/{product.id}"
        assert coordinator.get(f"{path}/terms/new").status_code == 200
        assert coordinator.post(f"{path}/terms/new", data=CREDIT).status_code == 302
        terms = db.session.query(ProductTerms).filter_by(product_id=product.id).one()
        assert (terms.method, terms.frequency, terms.segment) == (None, None, None)
        assert coordinator.get(path).status_code == 200
    assert terms.rate_percent is None


def test_an_account_says_its_rate_with_its_kind_or_not_at_all(app: Flask, coordinator: Any) -> None:
    product = make_product(kind=LinkageKind.SAVINGS_ACCOUNT)
    path = f"/institutions/{product.institution_id}/products/{product.id}/terms/new"
    body = {"valid_from": "2026-01-01", "documents": ["passport"], "rate_percent": "2,5"}
    assert "field-error" in coordinator.post(path, data=body).text
    assert coordinator.post(path, data={**body, "rate_kind": "effective"}).status_code == 302


def test_membership_does_not_need_membership(app: Flask) -> None:
    product = make_product(make_caja(), kind=LinkageKind.MEMBERSHIP)
    asked = TermsFacts(date(2026, 1, 1), [DocumentKind.NONE], needs_membership=True)
    with pytest.raises(RuleBroken) as refused:
        set_terms(product, asked, by=make_user(Role.COORDINATOR), now=utcnow())
    assert refused.value.field == "needs_membership"


def test_new_terms_are_filled_from_the_last(app: Flask, coordinator: Any) -> None:
    terms = make_terms(least_usd=Decimal("150.00"), most_usd=Decimal("1500.50"), fees="USD 5",
                       documents=(DocumentKind.PASSPORT,), rate_percent=Decimal("21.5000"))  # fmt: skip
    product = terms.product
    page = coordinator.get(f"/institutions/{product.institution_id}/products/{product.id}/terms/new").text
    for part in ('value="150"', 'value="1500,50"', 'value="21,50"', 'value="USD 5"'):
        assert part in page
    box = page.split('value="passport"')[0].rsplit("<input", 1)[1]
    assert "checked" in box
    # What is left out of a new form is not taken from the old one.
    body = {key: value for key, value in CREDIT.items() if key not in ("fees", "least_usd")}
    body["valid_from"] = today().isoformat()
    coordinator.post(f"/institutions/{product.institution_id}/products/{product.id}/terms/new", data=body)
    newest = db.session.query(ProductTerms).order_by(ProductTerms.valid_from.desc()).first()
    assert (newest.fees, newest.least_usd) == ("", None)


@pytest.mark.parametrize("first", [True, False])
def test_two_coordinators_write_terms_at_once(real_app: Flask, first: bool) -> None:
    product, by = make_product(), make_user(Role.COORDINATOR)
    if not first:
        make_terms(product, valid_from=date(2026, 1, 1))
    db.session.commit()
    ids = (product.id, by.id)

    def write() -> None:
        set_terms(db.session.get(Product, ids[0]), facts(), by=db.session.get(User, ids[1]), now=utcnow())

    assert at_once(real_app, write) == ONE_WINS
    db.session.rollback()
    expected = [(date(2026, 3, 1), None)]
    assert spans(product) == (expected if first else [(date(2026, 1, 1), date(2026, 2, 28)), *expected])


def test_the_database_keeps_one_open_term(app: Flask) -> None:
    terms = make_terms()
    with pytest.raises(IntegrityError), db.session.begin_nested():
        make_terms(terms.product, valid_from=today())


def test_a_product_is_added_by_its_service(app: Flask) -> None:
    institution = make_institution()
    added = add_product(institution, LinkageKind.CREDIT, "Uno", by=make_user(Role.COORDINATOR), now=utcnow())
    with pytest.raises(RuleBroken):
        add_product(institution, LinkageKind.CREDIT, "Uno", by=make_user(Role.COORDINATOR), now=utcnow())
    assert [one.id for one in offers.products_of(institution)] == [added.id]


# Taken back before they are in force


def test_terms_begin_within_a_year(app: Flask) -> None:
    product, by = make_product(), make_user(Role.COORDINATOR)
    year = months_later(today(), 12)
    for day in (date(2099, 1, 1), year + timedelta(days=1)):
        with pytest.raises(RuleBroken) as refused:
            set_terms(product, facts(valid_from=day), by=by, now=utcnow())
        assert refused.value.field == "valid_from"
    set_terms(product, facts(valid_from=year), by=by, now=utcnow())
    assert spans(product) == [(year, None)]


def test_terms_that_are_not_in_force_yet_are_taken_back(app: Flask, coordinator: Any) -> None:
    product, by, later = make_product(), make_user(Role.COORDINATOR), today() + timedelta(days=300)
    set_terms(product, facts(), by=by, now=utcnow())
    wrong = set_terms(product, facts(valid_from=later), by=by, now=utcnow())
    here = f"/institutions/{product.institution_id}/products/{product.id}"
    wrong_id, address = wrong.id, f"{here}/terms/{wrong.id}/take-back"
    db.session.commit()
    assert address in coordinator.get(here).text

    assert coordinator.post(address).status_code == 302
    assert address not in coordinator.get(here).text

    assert spans(product) == [(date(2026, 3, 1), None)]
    entry = db.session.query(JournalEntry).filter_by(action="product.terms_taken_back").one()
    assert json.loads(entry.details) == {"terms_id": wrong_id, "valid_from": later.isoformat()}
    assert coordinator.post(address).status_code == 404
    assert coordinator.post(f"{here}/terms/new", data={**CREDIT, "valid_from": today().isoformat()}).status_code == 302


def test_terms_in_force_and_those_that_others_follow_stay(app: Flask, coordinator: Any) -> None:
    product, by = make_product(), make_user(Role.COORDINATOR)
    days = [today(), today() + timedelta(days=10), today() + timedelta(days=20)]
    rows = [set_terms(product, facts(valid_from=day), by=by, now=utcnow()) for day in days]
    before = spans(product)
    here = f"/institutions/{product.institution_id}/products/{product.id}"
    for terms in rows[:2]:
        assert coordinator.post(f"{here}/terms/{terms.id}/take-back").status_code == 302
        assert len(db.session.get(ProductTerms, terms.id).documents) == 1
    assert spans(product) == before
    other = make_product()
    address = f"/institutions/{other.institution_id}/products/{other.id}/terms/{rows[2].id}/take-back"
    assert coordinator.post(address).status_code == 404


@pytest.mark.parametrize(("earlier", "said"), [(False, False), (True, True)])
def test_only_where_there_were_terms_before_they_are_said_to_end(
    app: Flask, coordinator: Any, earlier: bool, said: bool
) -> None:  # fmt: skip
    product = make_product()
    if earlier:
        set_terms(product, facts(valid_from=date(2026, 1, 1)), by=make_user(Role.COORDINATOR), now=utcnow())
    here = f"/institutions/{product.institution_id}/products/{product.id}"
    english = {"Accept-Language": "en"}
    assert coordinator.post(f"{here}/terms/new", data=CREDIT, headers=english).status_code == 302
    page = coordinator.get(here, headers=english).text
    assert "The terms are recorded." in page
    assert ("end the day before" in page) is said
