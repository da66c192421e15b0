"""Quotas in the files about a run: what they cost, the proof, and small groups that stay protected."""

import io
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import openpyxl
import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader
from sqlalchemy import select

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call, CallQuota, QuotaDimension
from grants.core.clock import utcnow
from grants.core.db import db
from grants.people.models import Sex
from grants.selection import queries, services
from grants.selection.exports.quotas import quota_facts
from grants.selection.models import Departure, DepartureReason, Direction, Selection, SelectionRow
from grants.selection.reckoning import Line, RunResult
from grants.selection.reckoning.result import QuotaCount
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_reviews
from tests.factories.people import make_person

SignIn = Callable[[User], FlaskClient]


def call_with_quota(*, women: int, places: int = 2) -> Call:
    """Three men with 100, 75 and 50 points and a woman with 25; so many places are kept for women."""
    call = make_call(places=places, budget_usd=Decimal(700) * places)
    db.session.add(CallQuota(call=call, position=1, dimension=QuotaDimension.SEX, value="female", minimum=women))
    db.session.flush()
    for level, sex in ((4, Sex.MALE), (3, Sex.MALE), (2, Sex.MALE), (1, Sex.FEMALE)):
        make_reviews(make_application(call, make_person(sex=sex)), plan=level, pitch=level)
    return call


def run_of(call: Call) -> Selection:
    return services.simulate(call, by=make_user(Role.COORDINATOR), now=utcnow())


def quotas_in(client: FlaskClient, run: Selection, version: str) -> list[dict[str, Any]]:
    answer = client.get(f"/selections/{run.id}/{version}.xlsx", headers={"Accept-Language": "en"})
    head, *rows = list(openpyxl.load_workbook(io.BytesIO(answer.data))["Quotas"].values)
    return [dict(zip(head, row, strict=True)) for row in rows]


def annex_of(client: FlaskClient, run: Selection) -> str:
    answer = client.get(f"/selections/{run.id}/methods-annex?language=en")
    assert answer.status_code == 200
    return " ".join(" ".join(page.extract_text() for page in PdfReader(io.BytesIO(answer.data)).pages).split())


def test_the_internal_workbook_tells_what_a_quota_cost(app: Flask, sign_in: SignIn) -> None:
    """Without the quota 100 and 75 are in; with it 100 and 25: it costs 50 points, one enters, one leaves."""
    run = run_of(call_with_quota(women=1))

    found = quotas_in(sign_in(make_user(Role.COORDINATOR)), run, "internal-workbook")

    assert [(row["Group"], row["Minimum"], row["Maximum"]) for row in found] == [("women", 1, None)]
    assert [
        (row["Ranked"], row["Selected"], row["Gained a place"], row["Lost a place"], row["Cost"]) for row in found
    ] == [(1, 1, 1, 1, 50)]


def test_the_public_workbook_protects_small_groups(app: Flask, sign_in: SignIn) -> None:
    run = run_of(call_with_quota(women=1))
    (row,) = quotas_in(sign_in(make_user(Role.AUDITOR)), run, "workbook")
    assert [row[name] for name in ("Ranked", "Selected", "Gained a place", "Lost a place")] == ["*", "*", "<5", "<5"]
    assert row["Cost"] == 50


def test_why_names_the_quota_in_the_internal_version_only(app: Flask, sign_in: SignIn) -> None:
    run = run_of(call_with_quota(women=1))
    client = sign_in(make_user(Role.COORDINATOR))

    def second(version: str) -> dict[str, Any]:
        answer = client.get(f"/selections/{run.id}/{version}.xlsx", headers={"Accept-Language": "en"})
        head, *rows = list(openpyxl.load_workbook(io.BytesIO(answer.data))["Applications"].values)
        return dict(zip(head, rows[1], strict=True))

    internal, public = second("internal-workbook"), second("workbook")

    assert internal["Counts for"] == "women"
    assert "the quota “women”" in internal["Why"]
    assert "a quota of the call" in public["Why"]
    assert "women" not in str(public)
    assert internal["Total"] == public["Total"] == 25
    assert 25 + internal["Bonus"] >= 50


def test_a_quota_that_gave_way_says_what_was_possible(app: Flask, sign_in: SignIn) -> None:
    run = run_of(call_with_quota(women=2))
    (row,) = quotas_in(sign_in(make_user(Role.COORDINATOR)), run, "internal-workbook")
    assert (row["Minimum"], row["Possible"]) == (2, "1")
    words = annex_of(sign_in(make_user(Role.AUDITOR)), run)
    assert "The quota of women could not be kept; the nearest possible was 1." in words


def test_the_bound_in_the_annex_is_that_of_its_own_recipe(app: Flask, sign_in: SignIn) -> None:
    """places × cut + Σ max(0, points + bonuses − cut) − Σ bonus × quota, from the rows and the printed prices."""
    run = run_of(call_with_quota(women=1))
    result = queries.result_of(run)
    assert result is not None
    cut, bonus = result.certificate["cut"], result.quotas[0].bonus
    people = [(row.points or 0, row.application.person.sex is Sex.FEMALE) for row in db.session.scalars(
        select(SelectionRow).where(SelectionRow.selection_id == run.id))]  # fmt: skip
    over = sum(max(0, points + bonus * is_woman - cut) for points, is_woman in people)
    bound = 2 * cut + over - bonus * 1

    words = annex_of(sign_in(make_user(Role.AUDITOR)), run)

    assert bound == 100_00 + 25_00
    assert "Points of all selected together 125.00 Bound that no allowed selection can exceed 125.00" in words
    assert f"Cut line {cut / 100:.2f}" in words
    assert f"women 1 — * * {bonus / 100:.2f} <5 <5 50.00" in words


def test_a_departure_is_told_and_its_words_stay_inside(app: Flask, sign_in: SignIn) -> None:
    run = run_of(call_with_quota(women=1))
    row = db.session.scalars(select(SelectionRow).where(SelectionRow.place == 1)).one()
    departure = Departure(selection=run, application=row.application, direction=Direction.PUT_OUT,
                          reason=DepartureReason.SAFETY, decided_by=run.created_by, decided_at=utcnow())  # fmt: skip
    departure.words = "Pidió no recibir."
    db.session.add(departure)
    db.session.flush()
    client = sign_in(make_user(Role.COORDINATOR))

    def applications(version: str) -> list[dict[str, Any]]:
        answer = client.get(f"/selections/{run.id}/{version}.xlsx", headers={"Accept-Language": "en"})
        head, *rows = list(openpyxl.load_workbook(io.BytesIO(answer.data))["Applications"].values)
        return [dict(zip(head, one, strict=True)) for one in rows]

    assert applications("internal-workbook")[0]["Reason for the departure"] == "Pidió no recibir."
    assert applications("workbook")[0]["Departure"] == "Gets no place"
    assert "Pidió" not in str(applications("workbook"))
    assert "Departures from the order, each with its reason in the act: 1." in annex_of(client, run)


def test_a_run_without_quotas_says_so(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    make_reviews(make_application(call))
    run = run_of(call)
    assert quotas_in(sign_in(make_user(Role.AUDITOR)), run, "workbook") == []
    assert "This run had no quotas" in annex_of(sign_in(make_user(Role.AUDITOR)), run)


def result_with(counts: dict[str, tuple[int, int]], ranked: int, chosen: int) -> RunResult:
    """A result with these (eligible, chosen) by group."""
    empty = dict.fromkeys(Line._fields)
    lines = [Line(**{**empty, "outcome": "chosen" if n < chosen else "waiting"}) for n in range(ranked)]
    quotas = [QuotaCount(group, 1, None, eligible, inside, 0) for group, (eligible, inside) in counts.items()]
    return RunResult(lines, [], quotas, [], [], {}, {})


@pytest.mark.parametrize(
    ("counts", "shown"),
    [
        # 3 men among 129 selected would follow from the 126 women.
        ({"sex:female": (200, 126)}, [("*", "*")]),
        ({"sex:female": (150, 77)}, [(150, 77)]),
        ({"disability:yes": (40, 4)}, [("*", "<5")]),
        # 38 of 40 selected: 2 wait, so neither the members nor both together are told.
        ({"disability:yes": (40, 38)}, [("*", 38)]),
        # The second province would follow from the first where only the two exist and one is small.
        ({"canton:1001": (126, 63), "canton:2101": (125, 66)}, [(126, 63), (125, 66)]),
        ({"canton:1001": (126, 63), "canton:2101": (100, 64)}, [("*", "*"), (100, 64)]),
        ({"disability:yes": (0, 0)}, [(0, 0)]),
    ],
)
def test_small_groups_cannot_be_had_by_subtraction(
    app: Flask, counts: dict[str, tuple[int, int]], shown: list[tuple[int | str, int | str]]
) -> None:
    """251 ranked, 129 selected, 122 waiting."""
    result = result_with(counts, ranked=251, chosen=129)

    with app.test_request_context():
        public = quota_facts(result, dict.fromkeys(counts, "group"), in_public=True)
        internal = quota_facts(result, dict.fromkeys(counts, "group"), in_public=False)

    assert [(one.eligible, one.chosen) for one in public] == shown
    assert [(one.eligible, one.chosen) for one in internal] == list(counts.values())
