"""Savings banks' own figures: who writes them, what counts, what cannot be."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit.models import CloseReason, LinkageKind, LinkageState, SavingsBankReport
from grants.credit.queries import savings_banks
from grants.credit.queries.savings_banks import Joined, corrected, newest_reports, reports_of
from grants.credit.services import Step, log_step
from grants.credit.services.savings_banks import Figures, report_figures
from tests.factories.access import make_user
from tests.factories.credit import TOMORROW, make_institution, make_liaison, make_linkage, make_referral, spelled
from tests.factories.credit_movements import ago
from tests.factories.credit_offers import make_caja, make_report

FORM = {"as_of": "2026-03-31", "members": "40", "women": "28", "in_mobility": "", "savings_usd": "5.200,50",
        "loans": "0", "loans_usd": "0"}  # fmt: skip


def test_the_liaison_of_the_caja_reports(app: Flask, sign_in: Any) -> None:
    caja = make_caja()
    client = sign_in(make_liaison(caja))
    path = f"/institutions/{caja.id}/figures"
    assert path in client.get("/my-referrals").text
    assert client.get(path).status_code == 200
    assert client.post(path, data=FORM).status_code == 302

    found = db.session.query(SavingsBankReport).one()
    assert (found.members, found.women, found.in_mobility) == (40, 28, None)
    assert (found.savings_usd, found.loans, found.loans_usd) == (Decimal("5200.50"), 0, Decimal(0))
    assert "USD 5.200,50" in client.get(path).text


def test_a_coordinator_reports_for_any_caja(app: Flask, sign_in: Any) -> None:
    caja = make_caja()
    client = sign_in(make_user(Role.COORDINATOR))
    assert client.post(f"/institutions/{caja.id}/figures", data={**FORM, "in_mobility": "12"}).status_code == 302
    assert "Cifras propias" in client.get(f"/institutions/{caja.id}").text
    assert client.get(f"/institutions/{make_institution().id}/figures").status_code == 404


def test_for_others_there_is_no_such_page(app: Flask, sign_in: Any) -> None:
    caja, closed, bank = make_caja(), make_caja(), make_institution()
    closed.is_active = False
    for user, path_id in (
        (make_liaison(make_caja()), caja.id),
        (make_liaison(None), caja.id),
        (make_liaison(closed), closed.id),
        (make_liaison(bank), bank.id),
    ):
        client = sign_in(user)
        path = f"/institutions/{path_id}/figures"
        assert (client.get(path).status_code, client.post(path, data=FORM).status_code) == (404, 404)
    assert sign_in(make_user(Role.MONITORING)).get(f"/institutions/{caja.id}/figures").status_code == 403
    assert db.session.query(SavingsBankReport).count() == 0


@pytest.mark.parametrize(
    "changes",
    [{"women": "41"}, {"in_mobility": "41"}, {"loans_usd": "10"}, {"members": "-1"}, {"members": "4.5"},
     {"members": "9" * 20}, {"members": "²"}, {"savings_usd": "1.234"}, {"savings_usd": "-1"}, {"savings_usd": "1e308"},
     {"savings_usd": ""}, {"as_of": TOMORROW}, {"as_of": ""},
     {"in_mobility": "many"}],
)  # fmt: skip
def test_impossible_figures_are_refused_beside_their_field(app: Flask, sign_in: Any, changes: dict[str, str]) -> None:
    caja = make_caja()
    answer = sign_in(make_liaison(caja)).post(f"/institutions/{caja.id}/figures", data=spelled({**FORM, **changes}))
    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.query(SavingsBankReport).count() == 0


def test_only_a_savings_bank_reports(app: Flask) -> None:
    figures = Figures(date(2026, 3, 31), 1, 1, None, Decimal(0), 0, Decimal(0))
    with pytest.raises(RuleBroken):
        report_figures(make_institution(), figures, by=make_user(Role.COORDINATOR), now=utcnow())


def test_a_later_row_corrects_the_day_and_both_stay(app: Flask, sign_in: Any) -> None:
    caja = make_caja()
    client, path = sign_in(make_liaison(caja)), f"/institutions/{caja.id}/figures"
    for members in ("40", "41"):
        client.post(path, data={**FORM, "members": members})
    reports = reports_of(caja)
    assert [one.members for one in reports] == [41, 40]
    assert corrected(reports) == {reports[1].id}
    assert client.get(path).text.count("Corregida") == 1


def test_the_newest_report_of_each_caja_on_a_day(app: Flask) -> None:
    tricolor, esperanza, silent = make_caja("Tricolor"), make_caja("Esperanza"), make_caja("Callada")
    make_report(tricolor, date(2025, 12, 31), members=30)
    make_report(tricolor, date(2026, 3, 31), members=50)
    make_report(tricolor, date(2026, 3, 31), members=51)  # corrects the row before
    make_report(tricolor, date(2025, 12, 31), members=31)  # a correction that came last, of an earlier day
    make_report(esperanza, date(2026, 4, 1), members=10, women=10, in_mobility=0)

    def seen(day: date) -> list[tuple[str, int]]:
        return [(one.institution.name, one.members) for one in newest_reports(day)]

    assert seen(date(2026, 4, 1)) == [("Esperanza", 10), ("Tricolor", 51)]
    assert seen(date(2026, 3, 31)) == [("Tricolor", 51)]
    assert seen(date(2026, 3, 30)) == [("Tricolor", 31)]
    assert seen(date(2025, 12, 30)) == []
    assert reports_of(silent) == []


def test_a_member_who_left_since_was_one_on_the_day(app: Flask) -> None:
    referral = make_referral(institution=make_caja(), referred_at=utcnow() - timedelta(days=200))
    member = make_linkage(referral, kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED, happened_on=ago(150))
    counted = [Joined(referral.institution_id, LinkageKind.MEMBERSHIP, 1)]
    assert savings_banks.joined_people(ago(60)) == counted

    log_step(member, Step(LinkageState.CLOSED, ago(5), close_reason=CloseReason.OWN_WISH),
             by=make_liaison(referral.institution), now=utcnow())  # fmt: skip

    assert [savings_banks.joined_people(ago(days)) for days in (151, 60, 6, 5)] == [[], counted, counted, []]
