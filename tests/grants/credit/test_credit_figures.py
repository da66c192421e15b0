"""The page of figures, its files and the credits behind a figure; and what a donor may not see of few."""

import csv
import io
from dataclasses import replace
from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest
from flask import Flask
from hypothesis import given, settings
from hypothesis import strategies as st
from openpyxl import load_workbook

from grants.access.permissions import Role
from grants.core.clock import local_day, utcnow
from grants.core.db import db
from grants.credit import measures as protecting
from grants.credit.models import CreditMovement, InstitutionKind, LinkageKind, LinkageState, MovementKind
from grants.credit.periods import as_asked
from grants.credit.portfolio import losses, portfolio, punctuality
from grants.credit.queries import portfolio as queries
from grants.credit.queries import savings_banks
from grants.credit.queries.portfolio import Narrowed
from grants.credit.services.movements import standing_of, terms_of
from tests.factories.access import make_user
from tests.factories.credit import make_institution, make_linkage, make_movement, make_referral
from tests.factories.credit_figures import make_answer, make_credit, make_report, repay
from tests.factories.people import make_person
from tests.grants.credit.counting import queries_of
from tests.grants.credit.test_portfolio import example

DAY = date(2026, 6, 30)
PATHS = ("/credit-figures", "/credit-figures.csv", "/credit-figures.xlsx")


@pytest.fixture
def coordinator(sign_in: Any) -> Any:
    return sign_in(make_user(Role.COORDINATOR))


@pytest.fixture
def donor(sign_in: Any) -> Any:
    return sign_in(make_user(Role.AUDITOR))


@pytest.fixture
def four(app: Flask) -> dict[str, Any]:
    """A, B, C and F of the docs, in the database."""
    bank = make_institution("Banco Uno")
    a = make_credit(date(2026, 1, 15), 1200, first_due_on=date(2026, 2, 15), institution=bank)
    for month, principal in ((2, 100), (3, 100), (4, 100), (5, 100), (6, 200)):
        repay(a, date(2026, month, 15), principal)
    bea = make_person(canton_code="2101")
    b = make_credit(date(2026, 2, 1), 600, instalments=6, first_due_on=date(2026, 3, 1), person=bea)
    for day in (date(2026, 3, 1), date(2026, 4, 10), date(2026, 5, 20)):
        repay(b, day, 100)
    c = make_credit(date(2025, 12, 10), 900, instalments=9, first_due_on=date(2026, 1, 10), person=bea)
    for month in (1, 2, 3, 4):
        repay(c, date(2026, month, 10), 100)
    make_movement(c, MovementKind.BALANCE, happened_on=date(2026, 5, 31), balance_usd=Decimal(500))
    f = make_credit(date(2025, 10, 1), 400, instalments=4, first_due_on=date(2025, 11, 1))
    repay(f, date(2025, 11, 1), 100)
    make_movement(f, MovementKind.WRITE_OFF, happened_on=date(2026, 5, 15), amount_usd=Decimal(300))
    return {"A": a, "B": b, "C": c, "F": f, "bank": bank}


def test_figures_read_from_the_database_are_those_of_the_paper(four: dict[str, Any]) -> None:
    """Without D and E of the docs: 600 + 300 + 500; C is late for 51 days."""
    credits_found = queries.credits_until(DAY, Narrowed())
    found = portfolio(credits_found, DAY)
    assert found.gross == 1400
    risk = found.at_risk(30).ratio
    assert (risk.part, risk.whole, risk.part_n, risk.n) == (500, 1400, 1, 3)
    assert (found.late_people.part, found.late_people.whole) == (1, 2)
    assert losses(credits_found, opening=portfolio(credits_found, date(2026, 3, 31)), closing=found).ratio.part == 300


def test_rows_and_services_agree_on_terms_and_standing(four: dict[str, Any]) -> None:
    by_id = {one.id: one for one in queries.credits_until(DAY, Narrowed())}
    for letter in "ABCF":
        linkage = four[letter]
        assert by_id[linkage.id].terms == terms_of(linkage)
        (alone,) = [portfolio([by_id[linkage.id]], DAY).active] if letter != "F" else [[]]
        assert [stood for _credit, stood in alone] == ([standing_of(linkage, DAY)] if letter != "F" else [])


def test_a_movement_taken_back_is_not_read(four: dict[str, Any]) -> None:
    db.session.query(CreditMovement).filter_by(kind=MovementKind.WRITE_OFF).one().reversed_at = utcnow()
    db.session.flush()
    assert portfolio(queries.credits_until(DAY, Narrowed()), DAY).gross == 1700


def test_figures_are_narrowed_to_an_institution_or_a_canton(four: dict[str, Any]) -> None:
    of_bank = queries.credits_until(DAY, Narrowed(institution_id=four["bank"].id))
    of_canton = queries.credits_until(DAY, Narrowed(canton_code="2101"))
    assert [one.id for one in of_bank] == [four["A"].id]
    assert [one.id for one in of_canton] == [four["B"].id, four["C"].id]
    assert queries.credits_until(DAY, Narrowed(institution_id=10**12)) == []


def test_the_page_shows_value_numerator_denominator_and_coverage(coordinator: Any, four: dict[str, Any]) -> None:
    page = coordinator.get("/credit-figures?day=2026-06-30&since=2026-04-01").text
    assert "35,7 %" in page  # 500 / 1,400
    assert "USD 500,00 / USD 1.400,00" in page
    assert "Cobertura: 100 %" in page
    assert "Cartera en riesgo" in page
    assert 'src="data:image/svg+xml' in page


def test_each_figure_opens_to_its_credits(coordinator: Any, four: dict[str, Any]) -> None:
    page = coordinator.get("/credit-figures/credits?figure=par30&day=2026-06-30").text
    assert four["C"].folio in page
    assert four["A"].folio not in page
    late = coordinator.get("/credit-figures/credits?figure=late&day=2026-06-30").text
    assert late.index(four["C"].folio) < late.index(four["B"].folio)
    for wrong in ("", "x", "__class__"):
        assert coordinator.get(f"/credit-figures/credits?figure={wrong}").status_code == 404


@pytest.mark.parametrize("query", [
    "day=2999-01-01", "day=x&since=y", "day=0001-01-01", "since=2027-01-01&day=2026-01-01", "institution=-1",
    "institution=99999999999999999999", "institution=%00", "canton=9999", "day=2026-02-30", "canton=%27--",
])  # fmt: skip
def test_odd_addresses_are_answered(coordinator: Any, four: dict[str, Any], query: str) -> None:
    for path in (*PATHS, "/credit-figures/credits"):
        assert coordinator.get(f"{path}?{query}&figure=gross").status_code == 200


def test_an_empty_programme_has_dashes_and_no_zero(coordinator: Any) -> None:
    rows = list(csv.reader(io.StringIO(coordinator.get("/credit-figures.csv").data.decode("utf-8-sig"))))
    par30 = next(row for row in rows if row and row[0].startswith("Cartera en riesgo, más de 30"))
    assert par30[1] == ""


def test_the_page_costs_the_same_with_one_and_with_four(app: Flask, coordinator: Any, four: dict[str, Any]) -> None:
    path = "/credit-figures?day=2026-06-30"
    many = queries_of(lambda: coordinator.get(path))
    make_credit(date(2026, 2, 1), 600, instalments=6, first_due_on=date(2026, 3, 1))
    assert queries_of(lambda: coordinator.get(path)) == many
    assert many <= 16


def test_files_hold_every_table_and_start_no_formula(coordinator: Any, four: dict[str, Any]) -> None:
    four["bank"].name = "=HYPERLINK(1)"
    db.session.flush()
    address = "?day=2026-06-30&since=2026-04-01"
    rows = list(csv.reader(io.StringIO(coordinator.get(f"/credit-figures.csv{address}").data.decode("utf-8-sig"))))
    par30 = next(row for row in rows if row and row[0].startswith("Cartera en riesgo, más de 30"))
    assert par30[1:8] == ["0.3571", "500", "1400", "USD", "1", "3", "1"]
    assert not any(cell.startswith("=") for row in rows for cell in row)
    book = load_workbook(io.BytesIO(coordinator.get(f"/credit-figures.xlsx{address}").data))
    assert len(book.sheetnames) == 4
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert all(cell.data_type != "f" for cell in cells)
    assert any(cell.value == pytest.approx(500 / 1400) for cell in cells)


def test_a_donor_sees_nothing_of_few(donor: Any, four: dict[str, Any]) -> None:
    """Three credits are owed, one of them late: none of it is shown, in the page or in a file."""
    address = "?day=2026-06-30"
    page = donor.get(f"/credit-figures{address}").text
    text = donor.get(f"/credit-figures.csv{address}").data.decode("utf-8-sig")
    for body in (page, text):
        for secret in ("1.400,00", "1400", "35,7", "0.3571", "USD 500,00", four["C"].folio, "USD 600,00"):
            assert secret not in body
        assert "protegid" in body
    book = load_workbook(io.BytesIO(donor.get(f"/credit-figures.xlsx{address}").data))
    numbers = {cell.value for sheet in book for row in sheet.iter_rows() for cell in row if cell.data_type == "n"}
    assert not numbers & {1400, 500, 600, 3, 1}
    assert donor.get("/credit-figures/credits?figure=par30").status_code == 403


def test_a_donor_can_not_narrow_or_pick_days(donor: Any, four: dict[str, Any]) -> None:
    """Two views that differ by one person would tell of that person."""
    plain = donor.get("/credit-figures.csv?day=2026-06-30").data
    for more in ("&institution=1", "&canton=2101", "&since=2026-06-01"):
        assert donor.get(f"/credit-figures.csv?day=2026-06-30{more}").data == plain
    assert donor.get("/credit-figures.csv?day=2026-06-29").data == donor.get("/credit-figures.csv").data


def test_days_and_periods_of_an_address() -> None:
    today = date(2026, 11, 30)
    assert as_asked("2026-06-30", "2026-04-01", today=today, quarters=False) == (DAY, date(2026, 4, 1))
    assert as_asked("2027-01-01", None, today=today, quarters=False) == (today, date(2025, 12, 1))
    assert as_asked("2026-06-29", "2026-06-01", today=today, quarters=True) == (date(2026, 9, 30), date(2025, 10, 1))
    assert as_asked("2026-06-30", None, today=today, quarters=True)[0] == DAY


def test_savings_banks_say_the_newest_and_count_people_once(app: Flask, coordinator: Any, donor: Any) -> None:
    caja = make_institution("Caja Uno", kind=InstitutionKind.SAVINGS_BANK)
    make_report(caja.id, date(2026, 3, 31), members=30)
    make_report(caja.id, date(2026, 6, 30), members=40)
    corrected = make_report(caja.id, date(2026, 6, 30), members=41, women=38, loans=2)
    make_report(caja.id, date(2026, 9, 30), members=90)
    referral = make_referral(make_person(), caja)
    for _place in range(2):
        make_linkage(referral, kind=LinkageKind.MEMBERSHIP, state=LinkageState.OPENED, happened_on=date(2026, 5, 1))

    assert [one.id for one in savings_banks.newest_reports(DAY)] == [corrected.id]
    assert [tuple(one) for one in savings_banks.joined_people(DAY)] == [(caja.id, LinkageKind.MEMBERSHIP, 1)]
    page = coordinator.get("/credit-figures?day=2026-06-30").text
    assert "USD 1.234,50" in page
    # 3 men, 2 loans of USD 800: hidden for a donor, whose tables about people end with the last quarter.
    make_report(caja.id, date(2026, 9, 30), members=41, women=38, loans=2)
    rows = list(csv.reader(io.StringIO(donor.get("/credit-figures.csv").data.decode("utf-8-sig"))))
    row = next(row for row in rows if row and row[0] == "Caja Uno" and row[1] == "2026-09-30")
    assert row[2:] == ["41", "protegido", "12", "1234.5", "protegido", "protegido", "protegido", "0"]


def test_satisfaction_of_few_is_hidden_for_donors(app: Flask, coordinator: Any, donor: Any, sign_in: Any) -> None:
    for grade in (5, 4, 2):
        make_answer(grade, asked_on=local_day(utcnow()) - timedelta(days=100))
    for client, shown in ((coordinator, "66,7 %"), (donor, "protegido")):
        section = client.get("/credit-figures").text.split('id="table-satisfaction"')[1].split("</table>")[0]
        assert shown in section
    assert "66,7 %" not in donor.get("/credit-figures").text
    assert "66,7" not in donor.get("/results").text
    assert "66,7 %" in sign_in(make_user(Role.MONITORING)).get("/results").text


def as_donor(letters: str) -> protecting.Measures:
    """The example's credits, each as often as its letter stands here, as a donor sees them."""
    kinds = example()
    renewed = next(one for one in kinds["D"].movements if one.kind is MovementKind.RESTRUCTURE)
    # Restructured, and not heard of since
    kinds["U"] = replace(
        kinds["D"], movements=[one for one in kinds["D"].movements if one.happened_on <= renewed.happened_on]
    )
    given_ = [replace(kinds[letter], id=place, person_id=place) for place, letter in enumerate(letters)]
    closing = portfolio(given_, DAY)
    paid = punctuality(given_, since=date(2026, 4, 1), until=DAY)
    lost = losses(given_, opening=portfolio(given_, date(2026, 3, 31)), closing=closing)
    return protecting.protected(protecting.measures(closing, lost, paid), paid)


@pytest.mark.parametrize(("never", "hidden"), [(0, False), (1, True), (4, True), (5, False)])
def test_the_few_that_paid_nothing_on_time_cannot_be_subtracted(never: int, hidden: bool) -> None:
    """Of 13 credits with something due, D pays a part on time, B nothing."""
    assert as_donor("D" * 12 + "B" * never)["on_time"].hidden is hidden


@pytest.mark.parametrize(
    ("restructured", "others", "shown"),
    [(0, 6, True), (1, 6, False), (4, 6, False), (5, 6, True), (6, 1, False), (6, 4, False), (6, 0, True)],
)
def test_the_least_risk_tells_of_no_few_unknown_credits(restructured: int, others: int, shown: bool) -> None:
    """The least times the gross portfolio, less what is at risk, is what unknown restructured credits owe."""
    found = as_donor("A" * 12 + "C" * 6 + "D" * 6 + "U" * restructured + "E" * others)
    assert found.gross.amount is not None
    for code in ("par30", "par90"):
        assert (found[code].least is not None) is shown
        assert found[code].most is not None


# What a donor sees cannot be subtracted to a figure about few.

sizes = st.lists(st.sampled_from("ABCDEF"), max_size=40)


@settings(max_examples=150, deadline=None)
@given(sizes)
def test_no_two_figures_shown_differ_by_few_credits(letters: list[str]) -> None:
    kinds = example()
    given_ = [replace(kinds[letter], id=place, person_id=place) for place, letter in enumerate(letters)]
    closing = portfolio(given_, DAY)
    paid = punctuality(given_, since=date(2026, 4, 1), until=DAY)
    whole = protecting.measures(
        closing, losses(given_, opening=portfolio(given_, date(2026, 3, 31)), closing=closing), paid
    )
    shown = protecting.protected(whole, paid)

    for one in shown.measures:
        if one.hidden or not one.ratio.whole:
            continue
        assert not 0 < one.ratio.part_n < 5, one.code
        assert not 0 < one.ratio.n < 5, one.code
    counts = {"A": 0, **{letter: letters.count(letter) for letter in set(letters)}}
    risky, late = counts.get("C", 0) + counts.get("D", 0), counts.get("C", 0)
    pair = [shown["par30"], shown["par30_late"]]
    assert not (all(not one.hidden and one.ratio.whole for one in pair) and 0 < risky - late < 5)
    if 0 < counts.get("E", 0) < 5:
        assert shown.gross.amount is None
        assert shown["par30"].coverage is None
