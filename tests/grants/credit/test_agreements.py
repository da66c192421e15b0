"""An institution's page, its agreements, and the cantons that it attends."""

import json
from datetime import date, timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text

from grants.access.models import User
from grants.access.permissions import Role
from grants.core import journal
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit import services
from grants.credit.models import (
    Agreement,
    AgreementEnd,
    AgreementKind,
    CooperativeSegment,
    Institution,
    InstitutionKind,
    InstitutionLocation,
)
from grants.credit.queries import offers
from grants.credit.services import InstitutionFacts
from grants.credit.services.agreements import AgreementFacts, end_agreement, record_agreement
from tests.factories.access import make_user
from tests.factories.credit import TOMORROW, make_institution, make_liaison, spelled
from tests.factories.credit_movements import ago, today
from tests.factories.credit_offers import (
    make_agreement,
    make_caja,
    make_location,
    make_product,
    make_report,
    make_support,
    make_terms,
)
from tests.factories.people import make_canton
from tests.grants.credit.counting import queries_of
from tests.grants.credit.test_races import ONE_WINS, at_once

FORM = {"kind": "agreement", "signed_on": "2026-01-10", "valid_from": "2026-01-15", "valid_until": "",
        "flexible_terms": "Sin depósito mínimo", "focal_name": "Rosa Pérez", "focal_contact": "0991234567"}  # fmt: skip


@pytest.fixture
def coordinator(sign_in: Any) -> Any:
    return sign_in(make_user(Role.COORDINATOR))


def entries() -> list[tuple[str, dict[str, Any]]]:
    found = db.session.query(journal.JournalEntry).order_by(journal.JournalEntry.id)
    return [(one.action, json.loads(one.details)) for one in found]


def test_an_agreement_is_recorded_and_its_focal_point_is_sealed(app: Flask, coordinator: Any) -> None:
    institution = make_institution(agreed=False)
    assert coordinator.post(f"/institutions/{institution.id}/agreements/new", data=FORM).status_code == 302

    found = db.session.query(Agreement).one()
    assert (found.kind, found.signed_on, found.valid_from) == (
        AgreementKind.AGREEMENT, date(2026, 1, 10), date(2026, 1, 15),
    )  # fmt: skip
    assert (found.valid_until, found.focal_name, found.focal_contact) == (None, "Rosa Pérez", "0991234567")

    raw = db.session.execute(text("SELECT * FROM agreement")).one()
    stored = b" ".join(bytes(one) if isinstance(one, memoryview | bytes) else str(one).encode() for one in raw)
    assert "Sin depósito".encode() in stored
    for secret in ("Rosa", "Pérez", "0991234567"):
        assert secret.encode() not in stored
        assert secret not in str(entries())

    page = coordinator.get(f"/institutions/{institution.id}").text
    for part in ("Rosa Pérez", "0991234567", "Sin depósito mínimo"):
        assert part in page


@pytest.mark.parametrize(
    "changes",
    [
        {"signed_on": TOMORROW, "valid_from": TOMORROW},
        {"valid_from": "2026-01-09"},
        {"valid_until": "2026-01-14"},
        {"valid_until": "31/2/2027"},
        {"kind": "shop"},
        {"flexible_terms": "x" * 2001},
        {"focal_name": "a\x00b"},
        {"signed_on": ""},
    ],
)
def test_a_bad_agreement_is_refused_beside_its_field(app: Flask, coordinator: Any, changes: dict[str, str]) -> None:
    institution = make_institution(agreed=False)
    answer = coordinator.post(f"/institutions/{institution.id}/agreements/new", data=spelled({**FORM, **changes}))
    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.query(Agreement).count() == 0


def test_what_holds_today_is_visible_at_once(app: Flask, coordinator: Any) -> None:
    institution = make_institution(agreed=False)
    page = coordinator.get(f"/institutions/{institution.id}").text
    assert "Ningún convenio vigente hoy" in page

    last_day = make_agreement(institution, valid_until=today())
    make_agreement(institution, valid_until=ago(1))
    make_agreement(institution, valid_from=today() + timedelta(days=1))
    make_agreement(institution, ended_at=utcnow(), end_reason=AgreementEnd.MISTAKE)
    holding = [one.id for one in offers.agreements_of(institution) if one.holds_on(today())]

    assert holding == [last_day.id]
    page = coordinator.get(f"/institutions/{institution.id}").text
    assert "Ningún convenio vigente hoy" not in page
    assert page.count("Vigente hoy") == 1
    assert "Se registró por error" in page


def test_an_agreement_is_ended_with_its_reason_in_the_journal(app: Flask, coordinator: Any) -> None:
    agreement = make_agreement()
    path = f"/institutions/{agreement.institution_id}/agreements/{agreement.id}/end"
    assert "field-error" in coordinator.post(path, data={}).text
    assert coordinator.post(path, data={"end_reason": "institution_left"}).status_code == 302

    found = db.session.get(Agreement, agreement.id)
    assert found.ended_at is not None
    assert not found.holds_on(today())
    assert ("agreement.ended", "institution_left") in [(a, d.get("reason")) for a, d in entries()]

    again = coordinator.post(path, data={"end_reason": "mistake"})
    assert again.status_code == 200
    assert db.session.get(Agreement, agreement.id).end_reason is AgreementEnd.INSTITUTION_LEFT


def test_an_agreement_is_ended_once(real_app: Flask) -> None:
    agreement, by = make_agreement(), make_user(Role.COORDINATOR)
    db.session.commit()
    ids = (agreement.id, by.id)

    def end() -> None:
        end_agreement(db.session.get(Agreement, ids[0]), AgreementEnd.REPLACED,
                      by=db.session.get(User, ids[1]), now=utcnow())  # fmt: skip

    assert at_once(real_app, end) == ONE_WINS


def test_rows_of_another_institution_are_404(app: Flask, coordinator: Any) -> None:
    agreement, elsewhere = make_agreement(), make_institution(agreed=False)
    place, product = make_location(make_institution(agreed=False), "1001"), make_terms().product
    here = f"/institutions/{elsewhere.id}"
    for path in (f"{here}/agreements/{agreement.id}/end", f"{here}/products/{product.id}/terms/new"):
        assert coordinator.get(path).status_code == 404
        assert coordinator.post(path, data={"end_reason": "mistake"}).status_code == 404
    assert coordinator.get(f"{here}/products/{product.id}").status_code == 404
    assert coordinator.post(f"{here}/cantons/{place.id}/remove").status_code == 404
    assert db.session.get(Agreement, agreement.id).ended_at is None
    assert db.session.query(InstitutionLocation).count() == 1
    for path in ("/institutions/999999", "/institutions/99999999999", f"{here}/agreements/99999999999/end"):
        assert coordinator.get(path).status_code == 404


def test_cantons_are_added_and_removed(app: Flask, coordinator: Any) -> None:
    institution = make_institution(agreed=False)
    make_canton("1001")
    path = f"/institutions/{institution.id}/cantons"
    assert "empty" in coordinator.get(path).text
    assert coordinator.post(path, data={"canton_code": "1001"}).status_code == 302
    assert "field-error" in coordinator.post(path, data={"canton_code": "1001"}).text
    assert "field-error" in coordinator.post(path, data={"canton_code": "9999"}).text

    found = offers.whole_institution(institution.id)
    assert (found.serves("1001"), found.serves("2101")) == (True, False)
    place_id = db.session.query(InstitutionLocation).one().id
    assert coordinator.post(f"{path}/{place_id}/remove").status_code == 302
    assert coordinator.post(f"{path}/{place_id}/remove").status_code == 404
    assert offers.whole_institution(institution.id).serves("2101")


def test_a_caja_always_lends_to_its_members_only(app: Flask, coordinator: Any) -> None:
    form = {"name": "Caja Tricolor", "kind": "savings_bank", "network": "", "canton_code": "", "segment": ""}
    coordinator.post("/institutions/new", data=form)
    found = db.session.query(Institution).one()
    assert found.members_only
    assert "Solo a sus socios: su estatuto no permite otro crédito" in coordinator.get(f"/institutions/{found.id}").text

    coordinator.post(f"/institutions/{found.id}/edit", data={**form, "kind": "bank"})
    assert not db.session.get(Institution, found.id).members_only


def test_only_a_cooperative_has_a_segment(app: Flask, coordinator: Any) -> None:
    form = {"name": "COAC Norte", "kind": "cooperative", "network": "", "canton_code": "", "segment": "3",
            "members_only": "y"}  # fmt: skip
    coordinator.post("/institutions/new", data=form)
    found = db.session.query(Institution).one()
    assert (found.segment, found.members_only) == (CooperativeSegment.THREE, True)

    answer = coordinator.post(f"/institutions/{found.id}/edit", data={**form, "kind": "bank"})
    assert "field-error" in answer.text
    assert db.session.get(Institution, found.id).kind is InstitutionKind.COOPERATIVE
    assert "field-error" in coordinator.post("/institutions/new", data={**form, "name": "B", "segment": "6"}).text


def test_facts_without_segment_still_make_an_institution(app: Flask) -> None:
    facts = InstitutionFacts("Caja", InstitutionKind.SAVINGS_BANK)
    assert services.create_institution(facts, by=make_user(Role.COORDINATOR), now=utcnow()).members_only


def test_names_are_shown_as_text(app: Flask, coordinator: Any) -> None:
    nasty = "<script>alert(1)</script>"
    caja = make_caja(nasty)
    make_agreement(caja, flexible_terms=nasty, focal_name=nasty, focal_contact=nasty)
    terms = make_terms(make_product(caja, name=nasty), fees=nasty, collateral=nasty, note=nasty)
    support = make_support(caja, purpose=nasty)
    make_report(caja)
    here = f"/institutions/{caja.id}"
    for path in ("/institutions", here, f"{here}/cantons", f"{here}/edit", f"{here}/products/{terms.product_id}",
                 f"{here}/products/{terms.product_id}/terms/new", f"{here}/support/{support.id}/cancel",
                 f"{here}/support/{support.id}/evidence", f"{here}/figures", "/support"):  # fmt: skip
        answer = coordinator.get(path)
        assert answer.status_code == 200
        assert "<script>alert" not in answer.text
        assert "&lt;script&gt;alert" in answer.text


def test_other_roles_see_no_institution(app: Flask, sign_in: Any) -> None:
    caja = make_caja()
    for user in (make_liaison(caja), make_user(Role.MONITORING), make_user(Role.AUDITOR)):
        client = sign_in(user)
        for path in ("", "/agreements/new", "/products/new", "/cantons", "/support/working-capital/new"):
            assert client.get(f"/institutions/{caja.id}{path}").status_code == 403
        assert client.get("/support").status_code == 403


def fill(caja: Institution, count: int) -> None:
    for n in range(count):
        make_agreement(caja)
        make_location(caja, f"{1001 + n}")
        make_terms(make_product(caja))
        make_support(caja)
        make_report(caja, date(2026, 1, 1 + n))
        make_liaison(caja)


def test_the_page_costs_the_same_with_one_and_with_three(app: Flask, coordinator: Any) -> None:
    one, three = make_caja(), make_caja()
    fill(one, 1)
    fill(three, 3)
    paths = [f"/institutions/{caja.id}" for caja in (one, three)]
    db.session.commit()
    first, third = (queries_of(lambda path=path: coordinator.get(path)) for path in paths)
    assert first == third


def test_an_agreement_of_tomorrow_is_refused_by_the_service_too(app: Flask) -> None:
    tomorrow = local_day(utcnow()) + timedelta(days=1)
    facts = AgreementFacts(AgreementKind.LETTER, tomorrow, tomorrow)
    with pytest.raises(RuleBroken) as refused:
        record_agreement(make_institution(agreed=False), facts, by=make_user(Role.COORDINATOR), now=utcnow())
    assert refused.value.field == "signed_on"
