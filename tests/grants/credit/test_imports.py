"""A lender's file from the sending to the books: whose rows, what they add, and that twice is once."""

from datetime import date
from decimal import Decimal

import pytest
from flask import Flask
from sqlalchemy import inspect, text

from grants.core import journal
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.import_settings import Basis, EventKind, Field
from grants.credit.models import (
    CreditMovement,
    ImportMode,
    ImportRow,
    ImportState,
    Linkage,
    LinkageState,
    MovementKind,
    ReferralState,
    Source,
)
from grants.credit.services import imports as services
from tests.factories.credit import make_institution, make_liaison, make_linkage, make_movement, make_referral
from tests.factories.credit_imports import (
    a_row,
    applied,
    checked,
    csv_of,
    send,
    settings_of,
    told,
    work,
    written,
    xlsx_of,
)
from tests.factories.credit_movements import ago
from tests.factories.people import make_person


def everything_but_imports() -> dict[str, int]:
    """How many rows every table has, those of imports and the journal left out."""
    names = [one for one in inspect(db.session.connection()).get_table_names()
             if not one.startswith(("import_", "credit_import", "journal", "alembic"))]  # fmt: skip
    return {name: db.session.execute(text(f'SELECT COUNT(*) FROM "{name}"')).scalar_one() for name in names}  # noqa: S608


def credit(institution, **facts):
    return make_linkage(institution=institution, state=LinkageState.DISBURSED, **facts)


def test_rows_become_movements_and_the_same_file_changes_nothing(app: Flask) -> None:
    institution = make_institution()
    by, linkage = make_liaison(institution), credit(institution, reference="OP-7", amount_usd=Decimal(2000))
    file = csv_of(
        a_row(
            operation="OP-7",
            kind="pago",
            day=written(10),
            amount="85,50",
            principal="70,25",
            interest="15,25",
            receipt="R1",
        ),
        a_row(operation="OP-7", kind="saldo", day=written(5), balance="1.234,00", days_late="3"),
    )
    kept = checked(file, institution, by)
    assert told(kept) == ["good", "good"]
    before = everything_but_imports()

    applied(kept, by, ImportMode.ALL)

    assert kept.state is ImportState.APPLIED
    rows = db.session.query(CreditMovement).filter_by(linkage_id=linkage.id, source=Source.FILE)
    rows = rows.order_by(CreditMovement.id).all()
    assert [(one.kind.value, one.amount_usd, one.principal_usd, one.balance_usd, one.days_late) for one in rows] == [
        ("repayment", Decimal("85.50"), Decimal("70.25"), None, None),
        ("balance", None, None, Decimal("1234.00"), 3),
    ]
    db.session.refresh(linkage)
    assert (linkage.state, linkage.outstanding_usd) == (LinkageState.REPAYING, Decimal("1234.00"))
    after = everything_but_imports()
    assert {name for name in after if after[name] != before[name]} == {"credit_movement", "linkage_event"}
    assert send(file, institution, by).id == kept.id
    assert everything_but_imports() == after
    # The same rows in another file add nothing either.
    again = checked(file + b"\n", institution, by)
    assert told(again) == ["logged", "logged"]
    with pytest.raises(RuleBroken):
        services.ask_apply(again, ImportMode.GOOD, by=by, now=utcnow())
    assert everything_but_imports() == after
    assert db.session.query(ImportRow).filter(ImportRow.import_id == kept.id,
                                              ImportRow.cells_sealed.is_not(None)).count() == 0  # fmt: skip


def test_an_approved_credit_is_disbursed_and_repaid_by_one_file(app: Flask) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    linkage = make_linkage(institution=institution, state=LinkageState.APPROVED)
    folio = linkage.person.folio
    rows = [
        a_row(
            operation="NEW-1", kind="pago", day=written(5), amount="1100,00"
        ),  # the interest of a month and fees with it
        a_row(operation="NEW-1", folio=folio, kind="desembolso", day=written(10), amount="1000", term="12", rate="24"),
    ]
    kept = applied(checked(csv_of(*rows), institution, by), by, ImportMode.ALL)

    db.session.refresh(linkage)
    assert told(kept) == ["applied", "applied"]
    assert (linkage.reference, linkage.amount_usd, linkage.term_months) == ("NEW-1", Decimal("1000.00"), 12)
    assert linkage.state is LinkageState.REPAID
    assert told(checked(csv_of(*rows) + b"\n", institution, by)) == ["logged", "logged"]
    assert journal.verify().holds


@pytest.mark.parametrize(("said", "reason"), [
    ({"operation": "NOBODY"}, "unknown"),
    ({"operation": "OP-7", "folio": "P-00000000X"}, "conflict"),
    ({"operation": "", "folio": "P-00000000X"}, "unknown"),
    ({"operation": ""}, "missing"),
    ({"operation": "OP 7\u202e"}, "invisible"),
    ({"operation": "=1+1"}, "formula"),
    ({"operation": "@SUM"}, "bad_operation"),
    ({"operation": "x" * 400}, "too_long"),
    ({"amount": "-5,00"}, "negative"),
    ({"amount": "(5,00)"}, "negative"),
    ({"amount": "0"}, "zero"),
    ({"amount": "1200,00"}, "owed"),  # 850 were lent, and a tenth of it may be fees
    ({"amount": "", "kind": "saldo", "balance": "850,01"}, "owed"),
    ({"amount": "1e308"}, "not_a_number"),
    ({"amount": "NaN"}, "not_a_number"),
    ({"amount": "99999999999"}, "too_large"),
    ({"amount": "1,234.00"}, "ambiguous"),
    ({"amount": "85,505"}, "too_precise"),
    ({"amount": "=A1"}, "formula"),
    ({"amount": ""}, "missing"),
    ({"day": "31/02/2026"}, "not_a_day"),
    ({"day": "03/04/26"}, "not_a_day"),
    ({"day": "yesterday"}, "not_a_day"),
    ({"day": "01/01/1955"}, "not_a_day"),
    ({"day": "01/01/2001"}, "too_early"),
    ({"day": "01/01/2090"}, "future"),
    ({"kind": "reestructura"}, "kind"),
    ({"kind": "recuperación"}, "state"),
    ({"principal": "80", "interest": "1"}, "split"),
    ({"kind": "desembolso", "amount": "1"}, "part"),
])  # fmt: skip
def test_a_row_is_explained(app: Flask, said: dict[str, str], reason: str) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    credit(institution, reference="OP-7")
    before = everything_but_imports()
    row = a_row(**{"operation": "OP-7", "kind": "pago", "day": written(10), "amount": "85,50", **said})

    kept = checked(csv_of(row), institution, by)

    assert told(kept) == [reason]
    assert everything_but_imports() == before


def test_the_declared_mark_decides_and_nothing_is_guessed(app: Flask) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    credit(institution, reference="OP-7", amount_usd=Decimal(2000))
    rows = [
        a_row(operation="OP-7", kind="saldo", day=written(10), balance=one)
        for one in ("1.234", "1234.5", "12,5", "1,234")
    ]
    comma = checked(csv_of(*rows), institution, by)
    assert told(comma) == ["good", "ambiguous", "good", "too_precise"]
    point = checked(csv_of(*rows, rows[0]), institution, by, settings=settings_of(decimal_mark="."))
    services_rows = db.session.query(ImportRow).filter_by(import_id=comma.id).order_by(ImportRow.number).all()
    assert services_rows[1].facts["balance"] == "1234.00"
    # The heading is known, so the newest version of its mapping counts until somebody maps it anew.
    assert told(point)[:4] == told(comma)


def test_others_people_read_like_nobodys(app: Flask) -> None:
    institution, other = make_institution(), make_institution()
    by, person = make_liaison(institution), make_person()
    theirs = make_linkage(person=person, institution=other, state=LinkageState.DISBURSED, reference="SAME-1")
    gone = make_linkage(make_referral(institution=institution, state=ReferralState.WITHDRAWN),
                        state=LinkageState.DISBURSED, reference="GONE-1")  # fmt: skip
    gone.referral.consent.revoked_at = utcnow()
    db.session.flush()
    said = {"kind": "pago", "day": written(10), "amount": "85,50"}
    rows = [
        a_row(operation="SAME-1", **said), a_row(folio=person.folio, **said), a_row(folio=theirs.folio, **said),
        a_row(folio=theirs.referral.folio, **said), a_row(operation="GONE-1", **said), a_row(operation="N-1", **said),
        a_row(operation="N-2", folio=person.folio, **said), a_row(folio=gone.person.folio, **said),
        a_row(document="1710034065", **said),
    ]  # fmt: skip

    kept = checked(csv_of(*rows), institution, by)

    assert told(kept) == ["unknown"] * len(rows)
    kept_rows = db.session.query(ImportRow).filter_by(import_id=kept.id).filter(ImportRow.number > 1)
    assert {(one.field, one.other_number, one.linkage_id) for one in kept_rows} == {(None, None, None)}


def test_payments_as_totals_add_what_is_new(app: Flask) -> None:
    institution = make_institution()
    by, linkage = make_liaison(institution), credit(institution, reference="OP-7")
    make_movement(linkage, MovementKind.REPAYMENT, amount_usd=Decimal(50), happened_on=ago(12))
    total = settings_of(kind=EventKind.REPAYMENT, basis=Basis.TOTALS, without={Field.PRINCIPAL, Field.INTEREST})
    rows = [
        a_row(operation="OP-7", day=written(10), amount="120"),  # 70 more
        a_row(operation="OP-7", day=written(5), amount="120"),  # nothing more
        a_row(operation="OP-7", day=written(0), amount="110"),  # less than before
    ]
    kept = checked(csv_of(*rows), institution, by, settings=total)
    assert told(kept) == ["good", "logged", "total_fell"]

    applied(kept, by)

    paid = db.session.query(CreditMovement).filter_by(linkage_id=linkage.id, kind=MovementKind.REPAYMENT)
    assert sum(one.amount_usd for one in paid) == Decimal(120)
    again = checked(csv_of(*rows) + b"\n", institution, by)
    assert told(again) == ["logged", "logged", "total_fell"]


def test_what_was_logged_by_hand_is_not_doubled(app: Flask) -> None:
    institution = make_institution()
    by, linkage = make_liaison(institution), credit(institution, reference="OP-7")
    make_movement(linkage, MovementKind.REPAYMENT, amount_usd=Decimal("85.50"), happened_on=ago(10))
    said = {"operation": "OP-7", "kind": "pago", "day": written(10), "amount": "85,50"}

    kept = checked(csv_of(a_row(**said, receipt="A"), a_row(**said, receipt="B")), institution, by)

    assert told(kept) == ["logged_by_hand", "good"]


def test_repeated_rows_and_receipts_are_told(app: Flask) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    credit(institution, reference="OP-7")
    credit(institution, reference="OP-8")
    said = {"kind": "pago", "day": written(10), "amount": "85,50"}
    rows = [
        a_row(operation="OP-7", **said), a_row(operation="OP-7", **said),
        a_row(operation="OP-7", **said, receipt="R1"), a_row(operation="OP-8", **said, receipt="R1"),
    ]  # fmt: skip
    kept = checked(csv_of(*rows), institution, by)
    assert told(kept) == ["good", "repeated", "good", "repeated_receipt"]
    others = db.session.query(ImportRow).filter_by(import_id=kept.id).order_by(ImportRow.number)
    assert [one.other_number for one in others] == [None, None, 2, None, 4]
    applied(kept, by)
    changed = checked(csv_of(a_row(operation="OP-7", kind="pago", day=written(10), amount="85,51", receipt="R1")),
                      institution, by)  # fmt: skip
    assert told(changed) == ["receipt_differs"]


def test_all_or_nothing_does_nothing_when_a_row_is_bad(app: Flask) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    linkage = credit(institution, reference="OP-7")
    said = {"kind": "pago", "day": written(10), "amount": "85,50"}
    bad = checked(csv_of(a_row(operation="OP-7", **said), a_row(operation="X", **said)), institution, by)
    with pytest.raises(RuleBroken):
        services.ask_apply(bad, ImportMode.ALL, by=by, now=utcnow())
    # Good when it was checked, refused when it is applied.
    kept = checked(csv_of(a_row(operation="OP-7", **said)), institution, by)
    services.ask_apply(kept, ImportMode.ALL, by=by, now=utcnow())
    make_movement(linkage, MovementKind.WRITE_OFF, amount_usd=Decimal(850))
    linkage.state = LinkageState.WRITTEN_OFF
    db.session.commit()
    before = everything_but_imports()

    work(kept)

    assert (kept.state, kept.stopped, told(kept)) == (ImportState.READY, True, ["state"])
    assert everything_but_imports() == before


def test_numbers_days_and_lost_zeros_of_a_workbook(app: Flask) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    credit(institution, reference="0412")
    day = ago(10)
    serial = (day - date(1899, 12, 30)).days
    rows = [
        a_row(operation=412, kind="pago", day=day, amount=85.5),
        a_row(operation=412, kind="pago", day=serial, amount=85.25),
        a_row(operation=412, kind="pago", day=written(10), amount=1.234),
        a_row(operation="412", kind="pago", day=written(10), amount=1.5),  # a text is what it says
        a_row(operation=412, kind="pago", day=written(10), amount=1e308),
        a_row(operation=412, kind="pago", day=written(10), amount="=1+1"),
        ["TOTAL", "", "", "", "", "", 1000.0],
    ]
    assert told(checked(xlsx_of(*rows), institution, by)) == [
        "good", "good", "too_precise", "unknown", "too_large", "formula", "total",
    ]  # fmt: skip


def test_steps_are_logged_once(app: Flask) -> None:
    institution = make_institution()
    by = make_liaison(institution)
    linkage = make_linkage(institution=institution)
    folio = linkage.folio
    rows = [
        a_row(folio=folio, kind="contactado", day=written(10)),
        a_row(folio=folio, kind="solicitud", day=written(10), amount="900"),
        a_row(folio=folio, kind="negado", day=written(5), decline="age"),
    ]  # fmt: skip
    kept = applied(checked(csv_of(*rows), institution, by), by, ImportMode.ALL)
    db.session.refresh(linkage)
    assert told(kept) == ["applied"] * 3
    assert (linkage.state, linkage.decline_reason.value) == (LinkageState.DECLINED, "age")
    assert told(checked(csv_of(*rows) + b"\n", institution, by)) == ["logged"] * 3
    assert db.session.get(Linkage, linkage.id).requested_usd == Decimal(900)
