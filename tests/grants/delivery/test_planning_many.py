"""Approving and planning many at once, and the spreadsheet for a whole call."""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Sequence
from datetime import datetime, time, timedelta
from typing import Any

import openpyxl
import pytest
import xlsxwriter
from flask import Flask
from flask.testing import FlaskClient
from flask_babel import force_locale

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call
from grants.core import journal
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.errors import RuleBroken
from grants.delivery import plan_sheet, queries, services
from grants.delivery.models import Delivery, DeliveryState, PlanImport, Reason, Run
from grants.delivery.services.plan_import import forget_old_previews
from grants.delivery.told import to_show
from grants.selection.models import Award, AwardState
from tests.factories.access import make_user
from tests.factories.calls import make_call
from tests.factories.delivery import clear, make_card, make_delivery, make_run, make_snapshot
from tests.factories.selection import make_award
from tests.grants.delivery.test_pages import selects

S = DeliveryState
SignIn = Callable[[User], FlaskClient]
HEAD = ("Folio", "Delivery run", "Day", "Team", "From", "Until", "Place")


@pytest.fixture
def coordinator(app: Flask, sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.COORDINATOR))


def run_of_tomorrow() -> Run:
    """A stop of the small hours until 23:59 may be over today."""
    return make_run(at=utcnow() + timedelta(days=1))


def sheet(*rows: Sequence[object], head: Sequence[str] = HEAD) -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out).writerows([head, *rows])
    return out.getvalue().encode()


def send(client: FlaskClient, call: Call, file: bytes) -> PlanImport:
    answer = client.post("/deliveries/imports/new", data={"call": call.id, "file": (io.BytesIO(file), "plan.csv")})
    assert answer.status_code == 302, answer.text
    return db.session.query(PlanImport).order_by(PlanImport.id.desc()).first()  # type: ignore[return-value]


def said(kept: PlanImport) -> dict[int, tuple[bool, str]]:
    with force_locale("en"):
        return {number: (good, to_show(sentence)) for number, _folio, good, sentence in kept.results}


def deliveries() -> list[tuple[int, DeliveryState]]:
    db.session.expire_all()
    return [(one.award_id, one.state) for one in db.session.query(Delivery).order_by(Delivery.id)]


def test_list_holds_what_others_planned_and_this_person_has_no_part_in(app: Flask, sign_in: SignIn) -> None:
    me = make_user(Role.COORDINATOR)
    mine = services.plan_delivery(make_award(), by=me, now=utcnow())
    signed, waiting, approved = make_delivery(), make_delivery(), make_delivery(S.APPROVED)
    services.approve(signed, by=me, now=utcnow())
    client = sign_in(me)

    page = client.get("/deliveries/to-approve").text

    assert waiting.folio in page
    assert [one.folio for one in (mine, signed, approved) if one.folio in page] == []
    assert queries.count_to_approve(me) == 1


def test_many_are_approved_each_with_its_own_result(app: Flask, sign_in: SignIn) -> None:
    me, other = make_user(Role.COORDINATOR), make_user(Role.COORDINATOR)
    mine = services.plan_delivery(make_award(), by=me, now=utcnow())
    fresh, half, ended = make_delivery(), make_delivery(), make_delivery()
    services.approve(half, by=other, now=utcnow())
    services.cancel(ended, reason=Reason.OTHER, by=other, now=utcnow())
    ids = [one.id for one in (mine, fresh, half, ended)]
    db.session.commit()
    before = len(list(journal._entries()))

    page = sign_in(me).post("/deliveries/to-approve", data={"chosen": [*map(str, ids), str(2**31), "-1"]}).text

    db.session.expire_all()
    assert [(one.state, one.approvals) for one in (mine, fresh, half, ended)] == [
        (S.PLANNED, 0), (S.PLANNED, 1), (S.APPROVED, 2), (S.CANCELLED, 0),
    ]  # fmt: skip
    assert page.count("badge-good") == 2
    noted = [(entry.action, entry.subject_id) for entry in list(journal._entries())[before:]]
    assert sorted(noted) == sorted([("delivery.planned", fresh.id), ("delivery.approved", half.id)])


def test_approval_of_nothing_asks_to_choose(coordinator: FlaskClient) -> None:
    delivery = make_delivery()

    assert 'class="field-error"' in coordinator.post("/deliveries/to-approve", data={}).text
    assert deliveries() == [(delivery.award_id, S.PLANNED)]


def test_all_awards_of_a_call_are_planned_once(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    awards = [make_award(call=call) for _n in range(3)]
    make_delivery(award=awards[0])
    make_award(call=call, state=AwardState.WITHDRAWN, ended_at=utcnow())
    other = make_award()
    client = sign_in(make_user(Role.COORDINATOR))

    for _n in range(2):
        assert client.post("/deliveries/plan-call", data={"call": call.id}).status_code == 200

    assert sorted(deliveries()) == sorted((award.id, S.PLANNED) for award in awards)
    assert queries.live_delivery(other.id) is None


def test_lists_for_many_cost_the_same_with_one_row_and_with_three(coordinator: FlaskClient) -> None:
    pages = ("/deliveries/to-approve", "/deliveries/plan-call", "/deliveries/imports/new")
    make_delivery()
    with_one = {address: selects(coordinator, address) for address in pages}
    for _n in range(2):
        make_delivery()

    assert {address: selects(coordinator, address) for address in pages} == with_one
    assert max(with_one.values()) <= 8


def cleared(call: Call) -> Delivery:
    delivery = make_delivery(S.SEALED, award=make_award(call=call))
    make_card(delivery.award)
    clear(delivery)
    return delivery


def test_template_comes_back_as_rows(app: Flask, coordinator: FlaskClient) -> None:
    call = make_call()
    delivery, award = make_delivery(S.SEALED, award=make_award(call=call)), make_award(call=call)

    file = coordinator.get(f"/deliveries/imports/template/{call.id}").data

    with app.test_request_context():
        rows = plan_sheet.read(file)
    assert [row.cells["folio"] for row in rows] == [delivery.award.application.folio, award.application.folio]
    assert [row.stop for row in rows] == [{}, {}]
    assert set(rows[0].cells) == {"folio", "run", "day", "team", "start", "until", "place"}
    assert coordinator.get(f"/deliveries/imports/template/{make_call().id}").status_code == 404


def test_preview_says_what_each_row_does_and_does_nothing(coordinator: FlaskClient) -> None:
    call, run = make_call(), run_of_tomorrow()
    fresh, person, ready = make_award(call=call), make_award(call=call), cleared(call)
    before = deliveries()
    db.session.commit()
    entries = len(list(journal._entries()))

    kept = send(coordinator, call, sheet(
        [fresh.application.folio], [person.application.person.folio.lower()],
        [ready.folio, run.folio, "", "", "00:01", "23:59", "Plaza"],
    ))  # fmt: skip

    assert [good for good, _sentence in said(kept).values()] == [True, True, True]
    assert (kept.good_rows, kept.bad_rows) == (3, 0)
    assert deliveries() == before
    assert [entry.action for entry in list(journal._entries())[entries:]] == ["plan_import.read"]
    page = coordinator.get(f"/deliveries/imports/{kept.id}").text
    assert fresh.application.folio in page
    assert "Plaza" not in page
    assert b"Plaza" not in bytes(kept.rows_sealed)  # type: ignore[attr-defined]


def test_applied_file_plans_and_schedules_once_and_keeps_no_place(coordinator: FlaskClient) -> None:
    call, run = make_call(), run_of_tomorrow()
    fresh, ready = make_award(call=call), cleared(call)
    kept = send(coordinator, call, sheet(
        [fresh.application.folio], [ready.folio, "", str(run.day), run.team.name, "00:01", "23:59", "Plaza"],
    ))  # fmt: skip

    for _n in range(2):
        coordinator.post(f"/deliveries/imports/{kept.id}/apply", data={"which": "all", "stamp": kept.stamp})

    assert sorted(deliveries()) == sorted([(ready.award_id, S.SCHEDULED), (fresh.id, S.PLANNED)])
    done = db.session.get_one(Delivery, ready.id)
    assert (done.run_id, done.place) == (run.id, "Plaza")
    assert kept.applied_at is not None
    assert kept.rows_sealed is None  # type: ignore[attr-defined]
    assert "D-" in said(kept)[2][1]


def wrong_rows(call: Call) -> list[tuple[list[object], str]]:
    """Rows that are each refused for a reason of their own, with a word of its sentence in Spanish or English."""
    run, two = run_of_tomorrow(), run_of_tomorrow()
    day = str(run.day)
    services.plan_run(two.team, officer=two.officer, vehicle=two.vehicle, day=two.day, by=make_user(), now=utcnow())
    ended = make_award(call=call, state=AwardState.WITHDRAWN, ended_at=utcnow())
    planned, twice = make_delivery(award=make_award(call=call)), make_award(call=call)
    free = [cleared(call) for _n in range(8)]
    when = ["00:01", "23:59"]
    strange = make_award()
    return [
        (["P-XXXX"], "not a folio"),
        ([strange.application.folio], "No award of this call"),
        ([ended.application.folio], "has ended"),
        ([planned.award.application.folio], "already has the delivery"),
        ([make_delivery(award=make_award(call=call)).folio, run.folio, "", "", *when, "Plaza"], "once it is cleared"),
        ([twice.application.folio], ""),
        ([twice.application.person.folio], "the same award"),
        ([free[0].folio, run.folio, "2020-01-01", "", *when, "Plaza"], "has passed"),
        ([free[1].folio, "", "hoy", run.team.name, *when, "Plaza"], "not readable"),
        ([free[2].folio, "", day, "Nadie", *when, "Plaza"], "No planned run"),
        ([free[3].folio, "", day, two.team.name, *when, "Plaza"], "several runs"),
        ([free[4].folio, run.folio, "", "", "9", "10", "Plaza"], "times such as"),
        ([free[5].folio, run.folio, "", "", *when, ""], "Write the place"),
        ([free[6].folio, run.folio, "", "", *reversed(when), "Plaza"], "ends after it begins"),
        ([free[7].folio, "", "", "", *when, "Plaza"], "folio of the run"),
        ([make_award(call=call).application.folio, run.folio, "", "", *when, "Plaza"], "no delivery yet"),
        (["=cmd|' /C calc'!A0"], "not a folio"),
    ]


def test_every_kind_of_mistake_has_its_sentence(coordinator: FlaskClient) -> None:
    coordinator.post("/language", data={"language": "en"})
    call = make_call()
    rows = wrong_rows(call)
    before = deliveries()

    kept = send(coordinator, call, sheet(*[row for row, _word in rows]))

    sentences = [sentence for _good, sentence in said(kept).values()]
    assert [word for (_row, word), sentence in zip(rows, sentences, strict=True) if word not in sentence] == []
    assert [good for good, _sentence in said(kept).values()] == [word == "" for _row, word in rows]
    assert deliveries() == before
    assert "cmd" not in str(kept.results)


def test_curfew_and_cap_are_told_row_by_row(coordinator: FlaskClient) -> None:
    coordinator.post("/language", data={"language": "en"})
    call, run = make_call(), run_of_tomorrow()
    kits = [make_delivery(S.SEALED, award=make_award(call=call)) for _n in range(4)]
    # Level 3: the team carries USD 1,400, two kits of 700. Curfew until five in the morning.
    make_snapshot(kits[0].canton_code, 3, curfew_from=time(0), curfew_until=time(5))
    for kit in kits:
        clear(kit, level=3)
    hours = [("05:00", "23:59"), ("04:00", "23:59"), ("05:00", "23:59"), ("05:00", "23:59")]
    rows = [[kit.folio, run.folio, "", "", *window, "Plaza"] for kit, window in zip(kits, hours, strict=True)]

    kept = send(coordinator, call, sheet(*rows))

    told = said(kept)
    assert [good for good, _sentence in told.values()] == [True, False, True, False]
    assert "curfew" in told[3][1]
    assert "more than its cap" in told[5][1]


def test_planner_chooses_all_or_only_the_good_rows(coordinator: FlaskClient) -> None:
    call = make_call()
    good, other = make_award(call=call), make_award()
    kept = send(coordinator, call, sheet([good.application.folio], [other.application.folio]))

    refused = coordinator.post(f"/deliveries/imports/{kept.id}/apply", data={"which": "all", "stamp": kept.stamp})
    assert refused.status_code == 200
    assert (deliveries(), kept.applied_at) == ([], None)
    assert (
        coordinator.post(f"/deliveries/imports/{kept.id}/apply", data={"which": "x", "stamp": kept.stamp}).status_code
        == 200
    )
    assert deliveries() == []
    coordinator.post(f"/deliveries/imports/{kept.id}/apply", data={"which": "good", "stamp": kept.stamp})

    assert deliveries() == [(good.id, S.PLANNED)]
    assert (kept.good_rows, kept.bad_rows) == (1, 1)


def test_what_changed_since_the_preview_counts(coordinator: FlaskClient) -> None:
    call = make_call()
    award = make_award(call=call)
    kept = send(coordinator, call, sheet([award.application.folio]))
    made = make_delivery(award=award)

    coordinator.post(f"/deliveries/imports/{kept.id}/apply", data={"which": "all", "stamp": kept.stamp})

    assert deliveries() == [(award.id, made.state)]
    assert kept.applied_at is None


def test_import_is_for_who_sent_it_and_is_forgotten_by_the_next(app: Flask, sign_in: SignIn) -> None:
    call, me, other = make_call(), make_user(Role.COORDINATOR), sign_in(make_user(Role.COORDINATOR))
    award, client = make_award(call=call), sign_in(me)
    first = send(client, call, sheet([award.application.folio])).id
    assert other.get(f"/deliveries/imports/{first}").status_code == 404
    assert other.post(f"/deliveries/imports/{first}/apply", data={"which": "all"}).status_code == 404
    second = send(client, call, sheet([award.application.folio])).id
    assert [one.id for one in queries.open_imports(me)] == [second]
    client.post(f"/deliveries/imports/{second}/discard", data={"stamp": queries.open_imports(me)[0].stamp})

    assert db.session.query(PlanImport).count() == 0
    assert deliveries() == []


@pytest.mark.parametrize("verb", ["apply", "discard"])
def test_page_of_a_forgotten_file_does_nothing_with_the_next(app: Flask, sign_in: SignIn, verb: str) -> None:
    """On SQLite the number of the first is given to the second."""
    call, me = make_call(), make_user(Role.COORDINATOR)
    client, (first, second) = sign_in(me), (make_award(call=call), make_award(call=call))
    stale = send(client, call, sheet([first.application.folio]))
    read = stale.stamp
    client.post(f"/deliveries/imports/{stale.id}/discard", data={"stamp": read})
    kept = send(client, call, sheet([second.application.folio]))

    address = f"/deliveries/imports/{kept.id}/{verb}"
    for stamp in (read, "", "x" * 500):
        answer = client.post(address, data={"which": "all", "stamp": stamp})
        assert (answer.status_code, deliveries()) == (200 if verb == "apply" else 302, [])
        assert [one.id for one in queries.open_imports(me)] == [kept.id]

    page = client.post(f"/deliveries/imports/{kept.id}/apply", data={"which": "all", "stamp": read}).text
    assert set(re.findall(r'name="stamp"[^>]*value="([^"]*)"', page)) == {kept.stamp}
    client.post(address, data={"which": "all", "stamp": kept.stamp})
    assert deliveries() == ([(second.id, S.PLANNED)] if verb == "apply" else [])
    assert queries.open_imports(me) == []


def test_preview_older_than_a_day_is_not_applied(app: Flask) -> None:
    call, me, now = make_call(), make_user(Role.COORDINATOR), utcnow()
    award = make_award(call=call)
    rows = [plan_sheet.Line(2, {"folio": award.application.folio})]
    kept = services.preview_import(call, rows, by=me, now=now - timedelta(hours=25))

    with pytest.raises(RuleBroken):
        services.apply_import(kept, stamp=kept.stamp, only_good=True, by=me, now=now)

    assert deliveries() == []


def test_preview_that_nobody_applies_is_forgotten_after_a_day(app: Flask) -> None:
    """It holds places."""
    call, now = make_call(), utcnow()
    rows = [plan_sheet.Line(2, {"folio": make_award(call=call).application.folio})]
    old, young, applied = (
        services.preview_import(call, rows, by=make_user(Role.COORDINATOR), now=now - timedelta(hours=hours))
        for hours in (25, 23, 23)
    )
    services.apply_import(applied, stamp=applied.stamp, only_good=True, by=make_user(Role.COORDINATOR), now=now)
    applied.created_at = now - timedelta(days=30)
    db.session.flush()

    assert [forget_old_previews(now=now), forget_old_previews(now=now)] == [1, 0]
    assert db.session.query(PlanImport.id).order_by(PlanImport.id).all() == [(young.id,), (applied.id,)]
    assert old.id not in (young.id, applied.id)


def test_workbook_days_and_times_are_read_as_people_see_them(app: Flask) -> None:
    book = openpyxl.Workbook()
    page = book.active
    assert page is not None
    page.append(["FOLIO", "Estado", "Día", "Desde", "Hasta"])
    page.append(["A-1", "x", datetime(2026, 5, 4), time(9, 30), 0.5])  # noqa: DTZ001 -- as a spreadsheet keeps it
    page.append(["A-2", "x", "04/05/2026", "9:30", "12:00"])
    out = io.BytesIO()
    book.save(out)

    first, second = plan_sheet.read(out.getvalue())

    assert first.cells == {"folio": "A-1", "day": "2026-05-04", "start": "09:30", "until": "12:00"}
    assert second.cells == {"folio": "A-2", "day": "04/05/2026", "start": "9:30", "until": "12:00"}


def far_cell() -> bytes:
    out = io.BytesIO()
    with xlsxwriter.Workbook(out) as book:
        page = book.add_worksheet()
        page.write(0, 0, "Folio")
        page.write(1_048_575, 16_383, "x")
    return out.getvalue()


def bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as parts:
        parts.writestr("xl/worksheets/sheet1.xml", b"\0" * (61 * 1024 * 1024))
    return out.getvalue()


BROKEN: dict[str, Callable[[], bytes]] = {
    "empty": lambda: b"",
    "one letter": lambda: b"PK",
    "no archive": lambda: b"PK\x03\x04" + b"x" * 300,
    "zeros": lambda: b"\x00" * 300,
    "a picture": lambda: b"\x89PNG\r\n\x1a\n" + bytes(range(256)),
    "no folio column": lambda: b"name\nx\n",
    "only a heading": lambda: b"folio\n",
    "an open quote": lambda: b'folio\n"abc',
    "a huge cell": lambda: b'folio\n"' + b"x" * 200_000 + b'"',
    "5,001 rows": lambda: b"folio\n" + b"x\n" * 5001,
    "a cell far away": far_cell,
    "a bomb": bomb,
}


@pytest.mark.parametrize("kind", BROKEN)
def test_broken_file_gets_a_sentence(coordinator: FlaskClient, kind: str) -> None:
    call = make_award().selection.call

    answer = coordinator.post(
        "/deliveries/imports/new", data={"call": call.id, "file": (io.BytesIO(BROKEN[kind]()), "plan.xlsx")}
    )

    assert answer.status_code == 200
    assert 'id="file-error"' in answer.text
    assert db.session.query(PlanImport).count() == 0


def test_five_thousand_rows_are_read(app: Flask) -> None:
    assert len(plan_sheet.read(b"folio\n" + b"x\n" * 5000)) == 5000


@pytest.mark.parametrize("page", ["0", "-1", "99999", "x", "9" * 5000, "１"])
def test_odd_page_shows_rows(coordinator: FlaskClient, page: str) -> None:
    award: Award = make_award()
    kept = send(coordinator, award.selection.call, sheet([award.application.folio]))

    answer: Any = coordinator.get(f"/deliveries/imports/{kept.id}", query_string={"page": page})

    assert award.application.folio in answer.text


def test_headings_of_both_languages_are_known(app: Flask) -> None:
    spanish = sheet(["A", "R", "1", "E", "2", "3", "L"],
                    head=["Folio", "Salida", "Día", "Equipo", "Desde", "Hasta", "Lugar"])  # fmt: skip

    assert plan_sheet.read(spanish) == plan_sheet.read(sheet(["A", "R", "1", "E", "2", "3", "L"]))
    assert plan_sheet.read(spanish.decode().replace(",", ";").encode("cp1252")) == plan_sheet.read(spanish)
