"""The pages of a lender's file: from the upload to the file of refused rows, and nobody else's."""

import csv
import io
from datetime import timedelta
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.credit import import_jobs
from grants.credit.import_settings import EventKind, Field
from grants.credit.models import (
    CreditImport,
    CreditMovement,
    ImportMapping,
    ImportRow,
    ImportState,
    LinkageState,
    MovementKind,
)
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_movement
from tests.factories.credit_imports import (
    FIELDS,
    a_row,
    applied,
    checked,
    csv_of,
    paid,
    send,
    settings_of,
    told,
    work,
)

PLACES = {field: str(at) for at, field in enumerate(FIELDS)}
MAPPED = {f"column_{field.value}": PLACES.get(field, "-") for field in Field} | {
    "kind": "-", "decimal_mark": ",", "day_order": "day", "basis": "movements", "rate_kind": "nominal", "words": "",
}  # fmt: skip


def upload(client: FlaskClient, institution: Any, file: bytes, name: str = "enero.csv") -> str | None:
    """Where the page leads on to."""
    data = {"institution": str(institution.id), "file": (io.BytesIO(file), name)}
    return client.post("/credit-imports", data=data).headers.get("Location")


def newest() -> CreditImport:
    return db.session.query(CreditImport).order_by(CreditImport.id.desc()).first()


def test_a_liaison_sends_maps_checks_and_applies(app: Flask, sign_in: Any) -> None:
    institution = make_institution()
    linkage = make_linkage(institution=institution, state=LinkageState.DISBURSED, reference="OP-7")
    client = sign_in(make_liaison(institution))
    rows = [paid(operation="OP-7", name="VERA LUZ <b>"), paid(operation="OP-9", name="=cmd()")]

    place = upload(client, institution, b"Cooperativa X\n" + csv_of(*rows))
    kept = newest()
    assert place == f"/credit-imports/{kept.id}"
    assert client.get(place).headers["Location"] == f"/credit-imports/{kept.id}/map"
    assert "Cooperativa X" in client.get(f"/credit-imports/{kept.id}/map").text
    client.post(f"/credit-imports/{kept.id}/map", data={**MAPPED, "heading_row": "2"})
    assert "print-progress" in client.get(place).text
    answers = [client.post(f"/credit-imports/{kept.id}/go-on", headers={"Accept": "application/json"}).json
               for _turn in range(2)]  # fmt: skip
    assert [one["state"] for one in answers] == ["making", "ready"]
    assert answers[-1]["made"] == answers[-1]["total"] == 4
    page = client.get(f"/credit-imports/{kept.id}?show=all").text
    assert linkage.person.folio in page
    assert "VERA LUZ &lt;b&gt;" in page
    refused = client.post(f"/credit-imports/{kept.id}/apply", data={"which": "all"})
    assert refused.status_code == 200
    assert db.session.query(CreditMovement).filter_by(kind=MovementKind.REPAYMENT).count() == 0

    client.post(f"/credit-imports/{kept.id}/apply", data={"which": "good"})
    for _turn in range(2):
        client.post(f"/credit-imports/{kept.id}/go-on")

    db.session.refresh(kept)
    assert (kept.state, told(kept)) == (ImportState.APPLIED, ["applied", "unknown"])
    book = openpyxl.load_workbook(io.BytesIO(client.get(f"/credit-imports/{kept.id}/errors").data))
    head, row = list(book.active.iter_rows(values_only=True))
    assert head[0] == "Operación"
    assert (row[0], row[3], row[6]) == ("OP-9", "'=cmd()", "85,50")
    assert head[-1] == "Qué corregir (semilla)".casefold()
    assert all(cell.data_type != "f" for line in book.active.iter_rows() for cell in line)
    assert upload(client, institution, b"Cooperativa X\n" + csv_of(*rows)) == place
    assert db.session.query(CreditMovement).filter_by(kind=MovementKind.REPAYMENT).count() == 1


def test_the_corrected_file_of_refused_rows_is_recognised(app: Flask, sign_in: Any) -> None:
    institution = make_institution()
    make_linkage(institution=institution, state=LinkageState.DISBURSED, reference="OP-7")
    by = make_liaison(institution)
    client = sign_in(by)
    kept = checked(csv_of(paid(operation="OP-8")), institution, by)
    file = client.get(f"/credit-imports/{kept.id}/errors?format=csv").data
    assert file.startswith(b"\xef\xbb\xbf")

    upload(client, institution, file.replace(b"OP-8", b"OP-7"))

    assert newest().id != kept.id
    assert told(work(newest())) == ["good"]


def test_every_row_of_the_export_comes_back_as_nothing_new(app: Flask, sign_in: Any) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    for state in (LinkageState.DISBURSED, LinkageState.REPAYING, LinkageState.REPAID, LinkageState.WRITTEN_OFF):
        linkage = make_linkage(institution=institution, state=state)
    make_movement(linkage, MovementKind.RECOVERY, amount_usd=Decimal("12.30"), reference="=R-1")
    imported = make_linkage(institution=institution, state=LinkageState.DISBURSED, reference="N-77")
    first = applied(checked(csv_of(paid(operation="N-77", balance="700")), institution, by), by)
    client = sign_in(by)
    before = db.session.query(CreditMovement).count()

    for kind in ("xlsx", "csv"):
        file = client.get(f"/credit-mappings/{first.mapping_id}/export?format={kind}").data
        upload(client, institution, file)
        outcomes = told(work(newest()))
        assert len(outcomes) == before
        assert set(outcomes) <= {"logged", "logged_by_hand", "bad_receipt"}
        assert outcomes.count("bad_receipt") == 1  # its number could start a formula, so it went out changed

    assert imported.reference == "N-77"
    assert db.session.query(CreditMovement).count() == before


@pytest.mark.parametrize("basis", ["movements", "totals"])
def test_an_export_of_payments_comes_back_in_either_basis(app: Flask, sign_in: Any, basis: str) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    linkage = make_linkage(institution=institution, state=LinkageState.REPAYING)
    make_movement(linkage, MovementKind.REPAYMENT, amount_usd=Decimal("1234.50"))
    settings = settings_of(kind=EventKind.REPAYMENT, basis=basis, decimal_mark=".", month_first=True,
                           without={Field.PRINCIPAL, Field.INTEREST, Field.BALANCE})  # fmt: skip
    kept = checked(csv_of(a_row(operation="N-1", day="03/25/2026", amount="1,234.50"), mark="\t"), institution, by,
                   settings=settings)  # fmt: skip
    file = sign_in(by).get(f"/credit-mappings/{kept.mapping_id}/export?format=csv").data

    rows = list(csv.reader(io.StringIO(file.decode("utf-8-sig"))))

    amounts = {row[6] for row in rows[1:]}
    assert amounts == ({"100.00", "1234.50"} if basis == "movements" else {"100.00", "1334.50"})
    upload(sign_in(by), institution, file)
    assert set(told(work(newest()))) <= {"logged", "logged_by_hand"}


ADDRESSES = [("GET", "/credit-imports/{}"), ("GET", "/credit-imports/{}/map"), ("POST", "/credit-imports/{}/map"),
             ("POST", "/credit-imports/{}/go-on"), ("POST", "/credit-imports/{}/apply"),
             ("POST", "/credit-imports/{}/discard"), ("GET", "/credit-imports/{}/errors"),
             ("GET", "/credit-mappings/{}/export")]  # fmt: skip


def test_another_institutions_file_is_a_missing_one(app: Flask, sign_in: Any) -> None:
    other = make_institution()
    kept = checked(csv_of(paid(operation="N-1")), other, make_liaison(other))
    clients = [sign_in(make_liaison(make_institution())), sign_in(make_liaison(None))]
    for client in clients:
        for method, address in ADDRESSES:
            number = kept.mapping_id if "mappings" in address else kept.id
            there = client.open(address.format(number), method=method, data={"which": "good"})
            missing = client.open(address.format(999_999), method=method, data={"which": "good"})
            assert (there.status_code, missing.status_code) == (404, 404)
            assert len(there.data) == len(missing.data) or address.format(number) in there.text
    assert other.name not in clients[0].get("/credit-imports").text
    db.session.refresh(kept)
    assert kept.state is ImportState.READY


def test_a_liaison_cannot_send_for_another_institution(app: Flask, sign_in: Any) -> None:
    own, other = make_institution(), make_institution()
    client = sign_in(make_liaison(own))

    upload(client, other, csv_of(paid(operation="N-1")))

    assert db.session.query(CreditImport).count() == 0


def test_a_coordinator_sends_for_an_institution(app: Flask, sign_in: Any) -> None:
    institution, _other = make_institution(), make_institution()
    client = sign_in(make_user(Role.COORDINATOR))

    upload(client, institution, csv_of(paid(operation="N-1")))

    assert newest().institution_id == institution.id
    assert client.get(f"/credit-imports/{newest().id}/map").status_code == 200


@pytest.mark.parametrize(("changed", "place"), [
    ({"column_day": "-"}, "column_day"), ({"column_kind": "-"}, "column_kind"),
    ({"column_operation": "-", "column_folio": "-", "column_document": "-"}, "column_operation"),
    ({"column_amount": "5"}, "column_amount"), ({"kind": "repayment"}, "kind"), ({"basis": "totals"}, "basis"),
    ({"words": "CAJA pago"}, "words"), ({"words": "CAJA = nada"}, "words"), ({"column_day": "999"}, "column_day"),
    ({"decimal_mark": ""}, "decimal_mark"),
])  # fmt: skip
def test_columns_that_do_not_fit_are_refused_beside_their_field(
    app: Flask, sign_in: Any, changed: dict[str, str], place: str
) -> None:
    institution = make_institution()
    client = sign_in(make_liaison(institution))
    upload(client, institution, csv_of(paid(operation="N-1")))

    answer = client.post(f"/credit-imports/{newest().id}/map", data={**MAPPED, **changed})

    assert answer.status_code == 200
    assert f'id="{place}-error"' in answer.text
    assert (newest().state, db.session.query(ImportMapping).count()) == (ImportState.MAPPING, 0)


def test_the_next_file_of_a_heading_is_recognised_and_a_change_is_a_new_version(app: Flask, sign_in: Any) -> None:
    institution = make_institution()
    make_linkage(institution=institution, state=LinkageState.DISBURSED, reference="OP-7", amount_usd=Decimal(2000))
    client = sign_in(make_liaison(institution))
    upload(client, institution, csv_of(paid(operation="OP-7", kind="CAJA")))
    client.post(f"/credit-imports/{newest().id}/map", data={**MAPPED, "words": "caja  = Pago"})
    assert told(work(newest())) == ["good"]

    upload(client, institution, b"x\n" + csv_of(paid(operation="OP-7", kind="caja", amount="1.000")))
    assert newest().state is ImportState.CHECKING
    assert told(work(newest())) == ["good"]
    client.post(f"/credit-imports/{newest().id}/map", data={**MAPPED, "decimal_mark": ".", "heading_row": "2"})
    assert told(work(newest())) == ["kind"]
    assert [one.version for one in db.session.query(ImportMapping).order_by(ImportMapping.id)] == [1, 2]


def test_rows_are_wiped_when_forgotten_and_after_a_week(app: Flask, sign_in: Any) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    first = send(csv_of(paid(operation="N-1")), institution, by)
    sign_in(by).post(f"/credit-imports/{first.id}/discard")
    second = checked(csv_of(paid(operation="N-1")), institution, by)
    assert second.id != first.id
    left = db.session.query(ImportRow).filter(ImportRow.cells_sealed.is_not(None))
    assert {row.import_id for row in left} == {second.id}

    second.created_at = utcnow() - timedelta(days=7, seconds=1)
    db.session.commit()
    import_jobs.go_on_with_files(app)

    db.session.refresh(second)
    assert (second.state, left.count()) == (ImportState.DISCARDED, 0)


def test_the_worker_goes_on_without_the_page(app: Flask) -> None:
    institution = make_institution()
    make_linkage(institution=institution, state=LinkageState.DISBURSED, reference="OP-7")
    kept = send(csv_of(paid(operation="OP-7")), institution, make_liaison(institution))

    import_jobs.go_on_with_files(app)

    db.session.refresh(kept)
    assert (kept.state, told(kept)) == (ImportState.READY, ["good"])


def test_the_template_is_recognised_by_its_own_words(app: Flask, sign_in: Any) -> None:
    institution = make_institution()
    client = sign_in(make_liaison(institution))
    upload(client, institution, client.get("/credit-imports/template").data, "semilla.xlsx")
    page = client.get(f"/credit-imports/{newest().id}/map").text
    assert page.count("selected") > 14


def test_the_page_of_many_rows_costs_what_one_costs(app: Flask, sign_in: Any) -> None:
    from tests.grants.credit.counting import queries_of

    institution = make_institution()
    by = make_liaison(institution)
    rows = []
    for number in range(3):
        make_linkage(institution=institution, state=LinkageState.DISBURSED, reference=f"OP-{number}")
        rows.append(paid(operation=f"OP-{number}"))
    one, three = (checked(csv_of(*rows[:many]), institution, by) for many in (1, 3))
    client = sign_in(by)
    client.get("/credit-imports")
    counts = [queries_of(lambda kept=kept: client.get(f"/credit-imports/{kept.id}")) for kept in (one, three)]
    assert counts[0] == counts[1] <= 12
