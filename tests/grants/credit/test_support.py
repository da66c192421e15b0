"""What the programme gives savings banks: with purpose and evidence, goods by a delivery, mistakes cancelled."""

import io
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.attachments import CleanFile
from grants.core import journal
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.models import (
    CloseReason,
    Institution,
    InstitutionSupport,
    LinkageState,
    SupportEvidence,
    SupportKind,
)
from grants.credit.queries import offers
from grants.credit.services.support import (
    MOST_EVIDENCE,
    StoredFile,
    SupportFacts,
    add_evidence,
    cancel_support,
    record_support,
)
from grants.delivery.models import DeliveryState
from tests.factories.access import make_user
from tests.factories.credit import TOMORROW, make_institution, make_member, spelled
from tests.factories.credit_movements import today
from tests.factories.credit_offers import make_caja, make_support, picture
from tests.factories.delivery import make_confirmed, make_delivery
from tests.grants.credit.test_races import ONE_WINS, at_once

MONEY = {"given_on": "2026-02-03", "amount_usd": "1.500,00", "purpose": "Fondo rotativo"}


@pytest.fixture
def coordinator(sign_in: Any) -> Any:
    return sign_in(make_user(Role.COORDINATOR))


@pytest.fixture
def folder(app: Flask) -> Path:
    return Path(app.instance_path) / "evidence"


def files(folder: Path) -> set[str]:
    return {one.name for one in folder.iterdir()} if folder.is_dir() else set()


def totals(caja: Institution | None = None) -> list[tuple[str, int, Decimal, int | None]]:
    return [(one.kind.value, one.times, one.amount_usd, one.accounts) for one in offers.support_totals(caja)]


def kept(name: str = "n") -> StoredFile:
    return StoredFile(CleanFile("recibo.pdf", "application/pdf", b"%PDF"), name)


def test_working_capital_is_recorded_with_its_evidence(app: Flask, coordinator: Any, folder: Path) -> None:
    caja, before = make_caja(), files(folder)
    path = f"/institutions/{caja.id}/support/working-capital/new"
    assert coordinator.post(path, data={**MONEY, "file": picture()}).status_code == 302

    support = db.session.query(InstitutionSupport).one()
    assert (support.kind, support.amount_usd, support.accounts) == (
        SupportKind.WORKING_CAPITAL, Decimal("1500.00"), None,
    )  # fmt: skip
    (evidence,) = support.evidence
    assert (evidence.file_name, evidence.media_type) == ("recibo.jpg", "image/jpeg")
    assert files(folder) - before == {evidence.storage_name}
    assert (folder / evidence.storage_name).stat().st_mode & 0o777 == 0o600

    file = f"/institutions/{caja.id}/support/{support.id}/evidence/{evidence.id}"
    answer = coordinator.get(file)
    assert answer.status_code == 200
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Cache-Control"] == "no-store"
    assert "support.evidence_seen" in [one.action for one in db.session.query(journal.JournalEntry)]
    assert file in coordinator.get(f"/institutions/{caja.id}").text


@pytest.mark.parametrize(
    "changes",
    [{"amount_usd": "0"}, {"amount_usd": "-5"}, {"amount_usd": "1.500"}, {"purpose": ""}, {"purpose": "x" * 301},
     {"given_on": TOMORROW}, {"given_on": ""}, {"file": None},
     {"file": b""}, {"file": b"#!/bin/sh"}],
)  # fmt: skip
def test_what_is_not_right_is_refused_and_no_file_stays(
    app: Flask, coordinator: Any, folder: Path, changes: dict[str, Any]
) -> None:
    caja, before = make_caja(), files(folder)
    if changes.get("file") is not None:
        changes = {"file": (io.BytesIO(changes["file"]), "a.jpg")}
    body = {key: value for key, value in spelled({**MONEY, "file": picture(), **changes}).items() if value is not None}
    answer = coordinator.post(f"/institutions/{caja.id}/support/working-capital/new", data=body)
    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert (db.session.query(InstitutionSupport).count(), files(folder)) == (0, before)


def test_only_a_savings_bank_is_supported(app: Flask, coordinator: Any, folder: Path) -> None:
    bank, before = make_institution(), files(folder)
    answer = coordinator.post(f"/institutions/{bank.id}/support/working-capital/new",
                              data={**MONEY, "file": picture()})  # fmt: skip
    assert answer.status_code == 200
    assert (db.session.query(InstitutionSupport).count(), files(folder)) == (0, before)


def test_accounts_are_counted(app: Flask, coordinator: Any) -> None:
    caja = make_caja()
    path = f"/institutions/{caja.id}/support/account-opening/new"
    for bad in ("", "0", "-1", "1.5", "9" * 30):
        assert "field-error" in coordinator.post(path, data={**MONEY, "accounts": bad, "file": picture()}).text
    assert coordinator.post(path, data={**MONEY, "accounts": "25", "file": picture()}).status_code == 302
    assert totals(caja) == [("account_opening", 1, Decimal("1500.00"), 25)]


def test_money_without_evidence_is_refused_by_the_service_too(app: Flask) -> None:
    facts = SupportFacts(SupportKind.WORKING_CAPITAL, "Fondo", Decimal(100), today())
    with pytest.raises(RuleBroken) as refused:
        record_support(make_caja(), facts, evidence=None, by=make_user(Role.COORDINATOR), now=utcnow())
    assert refused.value.field == "file"


def test_goods_are_told_by_a_delivery_that_was_handed_over(app: Flask, coordinator: Any) -> None:
    caja, delivery = make_caja(), make_confirmed().delivery
    make_member(delivery.person, caja)
    path = f"/institutions/{caja.id}/support/office-equipment/new"
    # Amount and day are the delivery's, whatever else is sent.
    body = {"delivery_folio": delivery.folio.lower(), "purpose": "Computadora", "amount_usd": "9999",
            "given_on": "2020-01-01"}  # fmt: skip
    assert coordinator.post(path, data=body).status_code == 302

    support = db.session.query(InstitutionSupport).one()
    assert (support.delivery_id, support.amount_usd) == (delivery.id, delivery.value_usd)
    assert support.given_on == local_day(delivery.confirmed_at)
    assert delivery.folio in coordinator.get(f"/institutions/{caja.id}").text


def test_one_delivery_counts_once(app: Flask, coordinator: Any) -> None:
    delivery, other, one = make_confirmed().delivery, make_caja(), make_caja()
    for caja in (one, other):
        make_member(delivery.person, caja)
    first = f"/institutions/{one.id}/support/office-equipment/new"
    body = {"delivery_folio": delivery.folio, "purpose": "Computadora"}
    assert coordinator.post(first, data=body).status_code == 302
    for path in (first, f"/institutions/{other.id}/support/office-equipment/new"):
        assert "field-error" in coordinator.post(path, data=body).text
    assert totals() == [("office_equipment", 1, delivery.value_usd, None)]

    # What was cancelled makes room for the right one.
    support = db.session.query(InstitutionSupport).one()
    cancel_support(support, "Era de otra caja", by=make_user(Role.COORDINATOR), now=utcnow())
    assert coordinator.post(f"/institutions/{other.id}/support/office-equipment/new", data=body).status_code == 302
    assert totals() == totals(other) == [("office_equipment", 1, delivery.value_usd, None)]


def test_the_kit_of_somebody_who_is_no_member_is_not_its_equipment(app: Flask, coordinator: Any) -> None:
    caja, delivery = make_caja(), make_confirmed().delivery
    make_member(delivery.person, make_caja())
    left = make_member(delivery.person, caja)
    left.state, left.close_reason = LinkageState.CLOSED, CloseReason.OWN_WISH
    path = f"/institutions/{caja.id}/support/office-equipment/new"
    body = {"delivery_folio": delivery.folio, "purpose": "Computadora"}

    assert "field-error" in coordinator.post(path, data=body).text
    assert db.session.query(InstitutionSupport).count() == 0


@pytest.mark.parametrize("state", [DeliveryState.PLANNED, DeliveryState.SCHEDULED])
def test_goods_that_are_not_handed_over_are_refused(app: Flask, coordinator: Any, state: DeliveryState) -> None:
    path = f"/institutions/{make_caja().id}/support/office-equipment/new"
    for folio in (make_delivery(state).folio, "E-0000000", "", "x" * 21, "<b>"):
        answer = coordinator.post(path, data={"delivery_folio": folio, "purpose": "Computadora"})
        assert answer.status_code == 200
        assert "field-error" in answer.text
    assert db.session.query(InstitutionSupport).count() == 0


def test_a_disputed_delivery_waits_for_its_decision(app: Flask) -> None:
    delivery = make_confirmed().delivery
    delivery.state = DeliveryState.DISPUTED
    db.session.flush()
    facts = SupportFacts(SupportKind.OFFICE_EQUIPMENT, "Computadora", delivery_folio=delivery.folio)
    with pytest.raises(RuleBroken) as refused:
        record_support(make_caja(), facts, evidence=None, by=make_user(Role.COORDINATOR), now=utcnow())
    assert refused.value.field == "delivery_folio"


def test_what_is_cancelled_stays_and_does_not_count(app: Flask, coordinator: Any) -> None:
    caja = make_caja()
    good, mistake = make_support(caja), make_support(caja, amount_usd=Decimal("77.77"))
    path = f"/institutions/{caja.id}/support/{mistake.id}/cancel"
    assert "field-error" in coordinator.post(path, data={"reason": ""}).text
    assert len(totals(caja)) == 1
    assert totals(caja)[0][2] == Decimal("1077.77")

    assert coordinator.post(path, data={"reason": "Se digitó dos veces"}).status_code == 302

    assert totals(caja) == totals() == [("working_capital", 1, Decimal("1000.00"), None)]
    found = db.session.get(InstitutionSupport, mistake.id)
    assert (found.counts, found.cancel_reason, good.counts) == (False, "Se digitó dos veces", True)
    page = coordinator.get(f"/institutions/{caja.id}").text
    assert "Se digitó dos veces" in page
    assert "USD 77,77" in page
    again = coordinator.post(path, data={"reason": "Otra vez"})
    assert again.status_code == 200
    assert db.session.get(InstitutionSupport, mistake.id).cancel_reason == "Se digitó dos veces"
    more = coordinator.post(f"/institutions/{caja.id}/support/{mistake.id}/evidence", data={"file": picture()})
    assert more.status_code == 200
    assert db.session.query(SupportEvidence).count() == 0


def test_a_support_is_cancelled_once(real_app: Flask) -> None:
    support, by = make_support(), make_user(Role.COORDINATOR)
    db.session.commit()
    ids = (support.id, by.id)

    def cancel() -> None:
        found = db.session.get(InstitutionSupport, ids[0])
        cancel_support(found, "Error", by=db.session.get(User, ids[1]), now=utcnow())

    assert at_once(real_app, cancel) == ONE_WINS


def test_more_evidence_is_added_up_to_a_limit(app: Flask, coordinator: Any) -> None:
    support = make_support()
    path = f"/institutions/{support.institution_id}/support/{support.id}/evidence"
    assert "field-error" in coordinator.post(path, data={}).text
    assert coordinator.post(path, data={"file": picture()}).status_code == 302
    by = make_user(Role.COORDINATOR)
    for n in range(MOST_EVIDENCE - 1):
        add_evidence(support, kept(f"n{n}"), by=by, now=utcnow())
    assert "field-error" in coordinator.post(path, data={"file": picture()}).text
    assert db.session.query(SupportEvidence).count() == MOST_EVIDENCE


def test_rows_of_another_institution_are_404(app: Flask, coordinator: Any) -> None:
    support, other = make_support(), make_caja()
    evidence = add_evidence(support, kept(), by=make_user(Role.COORDINATOR), now=utcnow())
    own, here = f"/institutions/{support.institution_id}/support", f"/institutions/{other.id}/support"
    sibling = make_support(support.institution)
    for path in (
        f"{here}/{support.id}/cancel",
        f"{here}/{support.id}/evidence",
        f"{here}/{support.id}/evidence/{evidence.id}",
        f"{own}/{sibling.id}/evidence/{evidence.id}",
        f"{own}/999999/cancel",
        f"{own}/rocket/new",
        f"{own}/{support.id}/evidence/{evidence.id}",
    ):  # fmt: skip -- the last: its file is gone
        assert coordinator.get(path).status_code == 404
    assert coordinator.post(f"{here}/{support.id}/cancel", data={"reason": "x"}).status_code == 404
    assert db.session.get(InstitutionSupport, support.id).counts


def test_the_page_across_institutions(app: Flask, coordinator: Any) -> None:
    assert "empty" in coordinator.get("/support").text
    first, second = make_caja("Caja Uno"), make_caja("Caja Dos")
    make_support(first)
    make_support(second, kind=SupportKind.ACCOUNT_OPENING, accounts=30, amount_usd=Decimal("450.50"))
    for n in range(30):
        make_support(first, purpose=f"Parte {n}")
    page = coordinator.get("/support").text
    for part in ("Caja Uno", "USD 31.000,00", "USD 450,50", "30 cuentas", "Parte 29"):
        assert part in page
    assert "Caja Dos" not in page
    second_page = coordinator.get("/support?after=" + page.split("/support?after=")[1].split('"')[0]).text
    assert "Caja Dos" in second_page
    assert coordinator.get("/support?after=x~y").status_code == 200
