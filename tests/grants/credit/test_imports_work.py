"""The work on files in the background: a turn that fails, claims that run out, credits whose five years are over."""

import logging
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Any

import pytest
import time_machine
from flask import Flask
from sqlalchemy.exc import OperationalError

from grants.core.clock import utcnow
from grants.core.db import db, transaction
from grants.credit import import_jobs, spreadsheets
from grants.credit.amounts import Unreadable
from grants.credit.forms.quick import BalanceForm
from grants.credit.models import CreditImport, ImportMode, ImportRow, ImportState, LinkageState
from grants.credit.queries import imports as queries
from grants.credit.services import imports, imports_apply
from tests.factories.credit import make_institution, make_liaison, make_linkage
from tests.factories.credit_imports import a_row, applied, checked, csv_of, paid, send, settings_of, told, work, written
from tests.factories.credit_money import make_credit
from tests.grants.credit.test_imports_pages import upload
from tests.grants.credit.test_retention import ended


def two_files() -> tuple[CreditImport, CreditImport, Any]:
    """Sent, of one institution; the second waits behind the first."""
    institution = make_institution()
    by = make_liaison(institution)
    for number in (1, 2):
        make_linkage(institution=institution, state=LinkageState.DISBURSED, reference=f"OP-{number}")
    first, second = (send(csv_of(paid(operation=f"OP-{one}")), institution, by) for one in (1, 2))
    return first, second, by


def fail_at(monkeypatch: pytest.MonkeyPatch, bad: CreditImport, error: Exception) -> None:
    go_on = imports_apply.go_on

    def broken(kept: CreditImport, *, now: datetime) -> None:
        if kept.id == bad.id:
            db.session.query(ImportRow).filter_by(import_id=kept.id).update({"reason": "half done"})
            raise error
        go_on(kept, now=now)

    monkeypatch.setattr(imports_apply, "go_on", broken)


def test_a_file_that_fails_holds_back_no_other(
    app: Flask, sign_in: Any, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    bad, good, by = two_files()
    with monkeypatch.context() as broken, caplog.at_level(logging.WARNING):
        fail_at(broken, bad, ValueError("PERSONA APELLIDO"))
        import_jobs.go_on_with_files(app)

    db.session.refresh(bad)
    db.session.refresh(good)
    assert (bad.state, bad.broke_off, bad.claimed_until) == (ImportState.MAPPING, True, None)
    assert (good.state, good.broke_off) == (ImportState.READY, False)
    assert "ValueError" in str([vars(one) for one in caplog.records if one.name == "grants.credit.import_jobs"])
    assert not any("PERSONA" in str(vars(one)) for one in caplog.records)
    assert db.session.query(ImportRow).filter_by(reason="half done").count() == 0
    page = sign_in(by).get(f"/credit-imports/{bad.id}/map").text
    assert "broke off" in page or "se interrumpió" in page

    with transaction():  # the columns are said again, and it is checked
        imports.map_columns(bad, queries.first_rows(bad, 1)[0], settings_of(), by=by, now=utcnow())
    assert (work(bad).state, bad.broke_off, told(bad)) == (ImportState.READY, False, ["good"])


def test_applying_that_fails_can_be_asked_again(app: Flask, sign_in: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, _good, by = two_files()
    work(bad)
    with monkeypatch.context() as broken:
        fail_at(broken, bad, KeyError("x"))
        applied(bad, by, ImportMode.ALL)
    assert (bad.state, bad.broke_off, bad.mode, told(bad)) == (ImportState.READY, True, None, ["good"])
    assert sign_in(by).get(f"/credit-imports/{bad.id}").status_code == 200
    assert (applied(bad, by, ImportMode.ALL).state, bad.broke_off) == (ImportState.APPLIED, False)


def test_a_busy_database_only_makes_a_file_wait(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    bad, good, _by = two_files()
    with monkeypatch.context() as broken:
        fail_at(broken, bad, OperationalError("UPDATE", {}, Exception("database is locked")))
        import_jobs.go_on_with_files(app)
    db.session.refresh(bad)
    db.session.refresh(good)
    assert (bad.state, bad.claimed_until, good.state) == (ImportState.CHECKING, None, ImportState.READY)
    assert work(bad).state is ImportState.READY


def test_a_late_process_does_not_free_the_claim_of_another(app: Flask) -> None:
    kept, _other, _by = two_files()
    now = utcnow()
    first = imports.claim(kept.id, now=now)
    second = imports.claim(kept.id, now=now + imports.CLAIM)
    assert first is not None
    assert second is not None

    imports.release(kept.id, first)
    assert imports.claim(kept.id, now=now + imports.CLAIM + timedelta(seconds=1)) is None
    imports.break_off(kept.id, first, now=now)
    db.session.refresh(kept)
    assert (kept.state, kept.broke_off) == (ImportState.CHECKING, False)

    imports.release(kept.id, second)
    assert imports.claim(kept.id, now=now + imports.CLAIM + timedelta(seconds=2)) is not None


def test_the_upload_is_read_outside_of_any_transaction(
    app: Flask, sign_in: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    institution = make_institution()
    client, read, seen = sign_in(make_liaison(institution)), spreadsheets.read, []

    def reading(file: bytes) -> spreadsheets.Sheet:
        seen.append(db.session.registry().in_transaction())
        return read(file)

    monkeypatch.setattr(spreadsheets, "read", reading)
    upload(client, institution, csv_of(paid(operation="OP-1")))
    assert seen == [False]
    assert db.session.query(CreditImport).count() == 1


def test_a_row_about_a_credit_whose_five_years_are_over_fits_nobody(app: Flask) -> None:
    old = ended(LinkageState.REPAID, date(2020, 5, 10), reference="OLD-1")
    young = make_credit(disbursed=20, referral=old.referral)
    institution, by = old.institution, make_liaison(old.institution)
    said = {"kind": "saldo", "day": written(3), "balance": "0"}
    rows = [a_row(folio=old.folio, **said), a_row(operation="OLD-1", **said), a_row(folio=young.folio, **said)]

    kept = applied(checked(csv_of(*rows), institution, by), by)

    assert told(kept) == ["unknown", "unknown", "applied"]
    assert (old.state, old.reported_on) == (LinkageState.REPAID, date(2020, 5, 10))
    assert [one.id for one in queries.disbursed_linkages(institution)] == [young.id]


def test_a_credit_is_taken_until_its_day(app: Flask) -> None:
    old = ended(LinkageState.REPAID, date(2023, 5, 10), reference="OLD-1")
    for moment, there in ((datetime(2028, 5, 9, 17, tzinfo=UTC), True), (datetime(2028, 5, 10, 17, tzinfo=UTC), False)):
        with time_machine.travel(moment):
            assert ([one.id for one in queries.own_linkages(old.institution)] == [old.id]) is there


@pytest.mark.parametrize(
    ("typed", "meant"), [("USD 0", "0"), ("0,00", "0"), ("$ 0", "0"), ("0.0.0", None), ("850", "850")]
)
def test_the_quick_balance_is_an_amount(app: Flask, typed: str, meant: str | None) -> None:
    parse = BalanceForm.balance_usd.args[1]
    if meant is None:
        with pytest.raises(Unreadable):
            parse(typed)
    else:
        assert parse(typed) == Decimal(meant)
