"""Ceilings of rates: what the law allows on a day, and who keeps them."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.credit import services
from grants.credit.models import (
    CreditMovement,
    Frequency,
    Linkage,
    LinkageEvent,
    LinkageState,
    RateCeiling,
    RateKind,
    Segment,
)
from grants.credit.services import Step
from grants.credit.services.ceilings import (
    Period,
    add_period,
    ceiling_on,
    load_ceilings,
    refuse_above_ceiling,
    take_back_period,
)
from tests.factories.access import make_user
from tests.factories.credit import make_liaison, make_linkage
from tests.factories.credit_offers import make_ceiling
from tests.grants.credit.test_races import ONE_WINS, at_once

M, E, N = Frequency.MONTHLY, RateKind.EFFECTIVE, RateKind.NOMINAL
NOW_DAY = date(2026, 5, 4)


def refusal(*asked: Any) -> str:
    """What a rate is refused with; empty when it is allowed."""
    try:
        refuse_above_ceiling(*asked)
    except RuleBroken as error:
        return f"{error.field}: {error.message}"
    return ""


def rows() -> list[tuple[str, date, date | None, Decimal]]:
    found = db.session.query(RateCeiling).order_by(RateCeiling.segment, RateCeiling.valid_from)
    return [(one.segment.value, one.valid_from, one.valid_until, one.effective_percent) for one in found]


def test_equal_is_allowed_and_a_hair_above_is_refused(app: Flask) -> None:
    make_ceiling("28.23")
    assert refusal(Decimal("28.2300"), E, M, Segment.MINORISTA, NOW_DAY) == ""
    said = refusal(Decimal("28.2301"), E, M, Segment.MINORISTA, NOW_DAY)
    # Names the ceiling, its segment, since when, and what a year costs.
    for part in ("rate_percent: ", "28,2301", "28,23 %", "Microcrédito minorista", "1 jul 2022"):
        assert part in said


def test_a_nominal_rate_is_measured_by_what_a_year_costs(app: Flask) -> None:
    # (1 + 0.2512/12)^12 - 1 = 28.2238 %, (1 + 0.2513/12)^12 - 1 = 28.2363 %.
    make_ceiling("28.23")
    assert refusal(Decimal("25.12"), N, M, Segment.MINORISTA, NOW_DAY) == ""
    assert "28,2363" in refusal(Decimal("25.13"), N, M, Segment.MINORISTA, NOW_DAY)
    # Compounded weekly the same nominal rate costs more: (1 + 0.2512/52)^52 - 1 = 28.4790 %.
    assert "28,479 %" in refusal(Decimal("25.12"), N, Frequency.WEEKLY, Segment.MINORISTA, NOW_DAY)


def test_each_day_has_its_own_ceiling(app: Flask) -> None:
    load_ceilings(now=utcnow())
    rate = Decimal("28.50")
    assert refusal(rate, E, M, Segment.MINORISTA, date(2018, 2, 1)) == ""
    assert refusal(rate, E, M, Segment.MINORISTA, date(2022, 6, 30)) == ""
    assert "28,23 %" in refusal(rate, E, M, Segment.MINORISTA, date(2022, 7, 1))
    assert refusal(Decimal("30.50"), E, M, Segment.MINORISTA, date(2018, 1, 31)) == ""
    assert "28,50 %" in refusal(Decimal("30.50"), E, M, Segment.MINORISTA, date(2018, 2, 1))


def test_each_segment_has_its_own_and_without_one_the_highest_decides(app: Flask) -> None:
    load_ceilings(now=utcnow())
    assert "24,89 %" in refusal(Decimal("24.90"), E, M, Segment.SIMPLE, NOW_DAY)
    assert "22,05 %" in refusal(Decimal("22.06"), E, M, Segment.AMPLIADA, NOW_DAY)
    assert "1,00 %" in refusal(Decimal("1.01"), E, M, Segment.SOCIAL, NOW_DAY)
    assert refusal(Decimal("28.23"), E, M, None, NOW_DAY) == ""
    assert "28,23 %" in refusal(Decimal("28.24"), E, M, None, NOW_DAY)


def test_nothing_is_refused_where_no_ceiling_is_known(app: Flask) -> None:
    make_ceiling("28.23", valid_from=date(2022, 7, 1))
    assert ceiling_on(Segment.MINORISTA, date(2022, 6, 30)) is None
    assert refusal(Decimal(99), E, M, Segment.MINORISTA, date(2022, 6, 30)) == ""
    assert refusal(Decimal(99), E, M, Segment.SIMPLE, NOW_DAY) == ""


def test_the_published_table_is_loaded_once(app: Flask) -> None:
    assert (load_ceilings(now=utcnow()), load_ceilings(now=utcnow())) == (10, 0)
    assert rows() == [
        ("ampliada", date(2015, 4, 1), date(2018, 1, 31), Decimal("25.50")),
        ("ampliada", date(2018, 2, 1), date(2022, 6, 30), Decimal("23.50")),
        ("ampliada", date(2022, 7, 1), None, Decimal("22.05")),
        ("minorista", date(2015, 4, 1), date(2018, 1, 31), Decimal("30.50")),
        ("minorista", date(2018, 2, 1), date(2022, 6, 30), Decimal("28.50")),
        ("minorista", date(2022, 7, 1), None, Decimal("28.23")),
        ("simple", date(2015, 4, 1), date(2018, 1, 31), Decimal("27.50")),
        ("simple", date(2018, 2, 1), date(2022, 6, 30), Decimal("25.50")),
        ("simple", date(2022, 7, 1), None, Decimal("24.89")),
        ("social", date(2022, 1, 5), None, Decimal("1.00")),
    ]
    answer = app.test_cli_runner().invoke(args=["credit", "load-ceilings"])
    assert (answer.exit_code, answer.output) == (0, "0 ceilings added\n")


def test_loading_again_leaves_what_an_administrator_added(app: Flask) -> None:
    load_ceilings(now=utcnow())
    period = Period(Segment.MINORISTA, date(2027, 1, 1), Decimal("26.10"), "Res. 1")
    add_period(period, by=make_user(Role.ADMINISTRATOR), now=utcnow())
    before = rows()
    assert load_ceilings(now=utcnow()) == 0
    assert rows() == before


def test_what_overlaps_is_not_loaded(app: Flask) -> None:
    make_ceiling("29.00", valid_from=date(2017, 1, 1), valid_until=date(2025, 1, 1))
    assert load_ceilings(now=utcnow()) == 7
    assert [row[3] for row in rows() if row[0] == "minorista"] == [Decimal("29.00")]


def test_a_period_ends_the_open_one_the_day_before(app: Flask) -> None:
    make_ceiling("28.23")
    by = make_user(Role.ADMINISTRATOR)
    added = add_period(Period(Segment.MINORISTA, date(2026, 12, 1), Decimal("27.00"), "Res. 5"), by=by, now=utcnow())
    assert added.added_by_id == by.id
    assert rows() == [
        ("minorista", date(2022, 7, 1), date(2026, 11, 30), Decimal("28.23")),
        ("minorista", date(2026, 12, 1), None, Decimal("27.00")),
    ]
    assert ceiling_on(Segment.MINORISTA, date(2026, 11, 30)).effective_percent == Decimal("28.23")
    assert ceiling_on(Segment.MINORISTA, date(2026, 12, 1)).effective_percent == Decimal("27.00")


def test_a_period_added_by_mistake_is_taken_back(app: Flask) -> None:
    make_ceiling("28.23")
    before, by = rows(), make_user(Role.ADMINISTRATOR)
    added = add_period(Period(Segment.MINORISTA, date(2026, 12, 1), Decimal("82.30"), "Res. 5"), by=by, now=utcnow())
    take_back_period(added, by=by, now=utcnow())
    assert rows() == before
    with pytest.raises(RuleBroken):
        take_back_period(added, by=by, now=utcnow())
    assert rows() == before


def test_only_the_last_period_that_somebody_added_is_taken_back(app: Flask) -> None:
    published, by = make_ceiling("28.23"), make_user(Role.ADMINISTRATOR)
    earlier, _later = (
        add_period(Period(Segment.MINORISTA, date(year, 1, 1), Decimal(20), "Res. 5"), by=by, now=utcnow())
        for year in (2027, 2028)
    )
    before = rows()
    for one in (published, earlier):
        with pytest.raises(RuleBroken):
            take_back_period(one, by=by, now=utcnow())
    assert rows() == before


def test_a_published_end_stays(app: Flask) -> None:
    load_ceilings(now=utcnow())
    last = db.session.query(RateCeiling).filter_by(segment=Segment.MINORISTA, valid_until=None).one()
    db.session.delete(last)  # as if the newest had not been published yet
    db.session.flush()
    before, by = rows(), make_user(Role.ADMINISTRATOR)
    added = add_period(Period(Segment.MINORISTA, last.valid_from, Decimal(20), "Res. 5"), by=by, now=utcnow())
    take_back_period(added, by=by, now=utcnow())
    assert rows() == before


@pytest.mark.parametrize(
    ("changes", "field"),
    [
        ({"valid_from": date(2022, 7, 1)}, "valid_from"),
        ({"valid_from": date(2020, 1, 1)}, "valid_from"),
        ({"source": ""}, "source"),
        ({"effective_percent": Decimal(0)}, "effective_percent"),
        ({"effective_percent": Decimal("100.01")}, "effective_percent"),
    ],
)
def test_a_period_that_cannot_be_is_refused(app: Flask, changes: dict[str, Any], field: str) -> None:
    make_ceiling("28.23")
    facts = {"segment": Segment.MINORISTA, "valid_from": date(2027, 1, 1), "effective_percent": Decimal(20),
             "source": "Res. 5", **changes}  # fmt: skip
    before = rows()
    with pytest.raises(RuleBroken) as refused:
        add_period(Period(**facts), by=make_user(Role.ADMINISTRATOR), now=utcnow())
    assert refused.value.field == field
    assert rows() == before


@pytest.mark.parametrize("same_day", [True, False])
def test_two_administrators_at_once(real_app: Flask, same_day: bool) -> None:
    make_ceiling("28.23")
    by = make_user(Role.ADMINISTRATOR)
    db.session.commit()
    by_id, days = by.id, iter(range(1, 100))

    def add() -> None:
        day = date(2027, 1, 1 if same_day else next(days))
        period = Period(Segment.MINORISTA, day, Decimal("27.00"), "Res. 5")
        add_period(period, by=db.session.get(User, by_id), now=utcnow())

    outcomes = at_once(real_app, add)
    db.session.rollback()
    found = sorted(rows(), key=lambda row: row[1])
    if same_day:
        assert outcomes == ONE_WINS
        assert len(found) == 2
    # Whoever came after the first with a later day may follow it; nothing overlaps and one is open.
    assert set(outcomes) <= {"done", "RuleBroken"}
    assert [row[2] for row in found[:-1]] == [row[1] - timedelta(days=1) for row in found[1:]]
    assert found[-1][2] is None


def disbursement(rate: str, kind: RateKind = RateKind.NOMINAL) -> Step:
    return Step(LinkageState.DISBURSED, local_day(utcnow()), amount_usd=Decimal(800), term_months=12,
                rate_percent=Decimal(rate), rate_kind=kind, reference="OP-9")  # fmt: skip


def test_a_disbursement_above_the_ceiling_is_refused_and_nothing_is_written(app: Flask) -> None:
    make_ceiling("28.23")
    linkage = make_linkage(state=LinkageState.APPROVED)
    liaison = make_liaison(linkage.institution)
    before = (db.session.query(LinkageEvent).count(), linkage.last_step_on)
    with pytest.raises(RuleBroken) as refused:
        services.log_step(linkage, disbursement("25.13"), by=liaison, now=utcnow())
    assert refused.value.field == "rate_percent"
    db.session.refresh(linkage)
    assert (db.session.query(LinkageEvent).count(), linkage.last_step_on) == before
    assert (linkage.state, linkage.rate_percent) == (LinkageState.APPROVED, None)
    assert db.session.query(CreditMovement).count() == 0

    services.log_step(linkage, disbursement("25.12"), by=liaison, now=utcnow())
    assert linkage.state is LinkageState.DISBURSED


def test_a_disbursement_reads_the_segment_and_frequency_of_the_credit(app: Flask) -> None:
    make_ceiling("28.23")
    make_ceiling("22.05", segment=Segment.AMPLIADA)
    linkage = make_linkage(state=LinkageState.APPROVED)
    linkage.segment, linkage.frequency = Segment.AMPLIADA, Frequency.WEEKLY
    with pytest.raises(RuleBroken, match="22,05"):
        services.log_step(linkage, disbursement("20.00"), by=make_liaison(linkage.institution), now=utcnow())
    # (1 + 0.1993/52)^52 - 1 = 22.0083 %, below 22.05.
    services.log_step(linkage, disbursement("19.93"), by=make_liaison(linkage.institution), now=utcnow())
    assert linkage.state is LinkageState.DISBURSED


def test_the_page_of_a_disbursement_says_it_beside_the_rate(app: Flask, sign_in: Any) -> None:
    make_ceiling("28.23")
    linkage = make_linkage(state=LinkageState.APPROVED)
    client = sign_in(make_liaison(linkage.institution))
    body = {"happened_on": linkage.last_step_on.isoformat(), "amount_usd": "850", "term_months": "12",
            "rate_percent": "26,5", "rate_kind": "nominal", "reference": "OP-1"}  # fmt: skip
    answer = client.post(f"/linkages/{linkage.id}/log/disbursed", data=body)
    assert answer.status_code == 200
    assert "29,9678" in answer.text
    assert db.session.get(Linkage, linkage.id).state is LinkageState.APPROVED


def form(**changes: str) -> dict[str, str]:
    return {"segment": "minorista", "valid_from": "2026-12-01", "effective_percent": "27,5",
            "source": "Res. <b>7</b>", **changes}  # fmt: skip


def test_an_administrator_adds_a_period_and_a_coordinator_reads_it(app: Flask, sign_in: Any) -> None:
    make_ceiling("28.23")
    administrator = sign_in(make_user(Role.ADMINISTRATOR))
    assert administrator.post("/rate-ceilings/new", data=form()).status_code == 302
    assert rows()[-1][3] == Decimal("27.5")

    coordinator = sign_in(make_user(Role.COORDINATOR))
    page = coordinator.get("/rate-ceilings").text
    assert "Res. &lt;b&gt;7&lt;/b&gt;" in page
    assert "<b>7" not in page
    assert "/rate-ceilings/new" not in page
    assert coordinator.post("/rate-ceilings/new", data=form(valid_from="2028-01-01")).status_code == 403
    for role in (Role.LIAISON, Role.MONITORING, Role.AUDITOR):
        assert sign_in(make_user(role)).get("/rate-ceilings").status_code == 403


def test_an_administrator_takes_a_period_back_on_the_page(app: Flask, sign_in: Any) -> None:
    make_ceiling("28.23")
    administrator, coordinator = sign_in(make_user(Role.ADMINISTRATOR)), sign_in(make_user(Role.COORDINATOR))
    before = rows()
    administrator.post("/rate-ceilings/new", data=form())
    added = db.session.query(RateCeiling).order_by(RateCeiling.id.desc()).first()
    address = f"/rate-ceilings/{added.id}/take-back"
    assert address in administrator.get("/rate-ceilings").text
    assert coordinator.post(address).status_code == 403
    assert administrator.post(address).status_code == 302
    assert rows() == before
    assert address not in administrator.get("/rate-ceilings").text
    assert administrator.post(address).status_code == 404


@pytest.mark.parametrize(
    "changes",
    [{"source": ""}, {"source": "x" * 301}, {"valid_from": "2022-01-01"}, {"effective_percent": "28.23.1"},
     {"effective_percent": "0"}, {"effective_percent": "1e2"}, {"segment": "shop"}, {"valid_from": "31/2/2027"}],
)  # fmt: skip
def test_a_bad_period_is_refused_beside_its_field(app: Flask, sign_in: Any, changes: dict[str, str]) -> None:
    make_ceiling("28.23")
    answer = sign_in(make_user(Role.ADMINISTRATOR)).post("/rate-ceilings/new", data=form(**changes))
    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert len(rows()) == 1


def test_the_page_without_periods_says_what_to_do(app: Flask, sign_in: Any) -> None:
    assert "empty" in sign_in(make_user(Role.ADMINISTRATOR)).get("/rate-ceilings").text
