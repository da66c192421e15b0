"""Files to take away about a run: what they hold is what the database holds, and no more than the reader may see."""

import csv
import io
import json
import zipfile
from collections.abc import Callable
from datetime import timedelta
from decimal import Decimal
from typing import Any

import openpyxl
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import Call, Stage
from grants.core.clock import utcnow
from grants.core.db import db
from grants.core.journal import JournalEntry
from grants.evaluation.models import Outcome as ModerationOutcome
from grants.evaluation.models import Score, ScoreSheet, SheetState
from grants.selection import queries, services
from grants.selection.exports import evaluator_codes
from grants.selection.exports.book import Book, Heading
from grants.selection.models import Outcome, Selection, SelectionRow
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calibration import make_calibration_set
from tests.factories.calls import CRITERIA, make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_moderation, make_reviews, make_sheet
from tests.grants.credit.counting import queries_of

SignIn = Callable[[User], FlaskClient]
Sheets = dict[str, list[dict[str, Any]]]


def scored_call(levels: tuple[int, ...] = (4, 3, 1), places: int = 2) -> Call:
    call = make_call(places=places, budget_usd=Decimal("700.00") * places)
    for level in levels:
        make_reviews(make_application(call), plan=level, pitch=level)
    return call


def run_of(call: Call) -> Selection:
    return services.simulate(call, by=make_user(Role.COORDINATOR), now=utcnow())


def address(run: Selection, file: str = "workbook.xlsx") -> str:
    return f"/selections/{run.id}/{file}"


def read(answer: Any) -> Sheets:
    """The worksheets by name, each row by the names in its heading."""
    assert answer.status_code == 200
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    found = {}
    for sheet in book:
        head, *rows = list(sheet.values)
        found[sheet.title] = [dict(zip(head, row, strict=True)) for row in rows]
    return found


def taken(client: FlaskClient, path: str) -> Sheets:
    return read(client.get(path, headers={"Accept-Language": "en"}))


def xml_of(answer: Any) -> str:
    with zipfile.ZipFile(io.BytesIO(answer.data)) as parts:
        return "".join(parts.read(name).decode() for name in parts.namelist())


def test_the_workbook_holds_the_runs_rows(app: Flask, sign_in: SignIn) -> None:
    run = run_of(scored_call())

    found = taken(sign_in(make_user(Role.AUDITOR)), address(run))["Applications"]

    rows = db.session.scalars(select(SelectionRow).where(SelectionRow.selection_id == run.id)).all()
    expected = {row.application.folio: (row.place, row.points, row.outcome is Outcome.CHOSEN) for row in rows}
    assert {
        row["Folio"]: (row["Rank"], round(row["Total"] * 100), row["Outcome"] == "Selected") for row in found
    } == expected
    assert [row["Total"] for row in found] == [100, 75, 25]
    assert found[0]["Why"] == "In: its 100.00 points are above the cut line of 75.00."


def test_every_level_of_every_sheet_is_there(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    first, second = make_application(call), make_application(call)
    make_reviews(first, plan=(4, 2, 1), pitch=(3, 0))
    make_reviews(second, plan=(0, 1, 2), pitch=(2, 4))
    run = run_of(call)

    found = taken(sign_in(make_user(Role.COORDINATOR)), address(run))

    levels = [row["Level"] for row in found["Scores"]]
    assert len(levels) == db.session.scalar(select(func.count(Score.id))) == 20
    assert sum(levels) == db.session.scalar(select(func.sum(Score.level)))
    assert len(found["Sheets"]) == db.session.scalar(select(func.count(ScoreSheet.id)))
    # Levels 4, 2, 1 of 4 under 50, 30, 20 %: 50 + 15 + 5.
    mine = [row for row in found["Scores"] if row["Folio"] == first.folio and row["Stage"] == "Business plan"]
    assert [row["Points"] for row in mine] == [50, 15, 5] * 2
    assert {row["Points"] for row in found["Sheets"] if row["Folio"] == first.folio} == {70, 45}
    assert mine[0]["Descriptor"] == "Muy bien"


def test_the_rubric_shows_the_weight_a_criterion_really_has(app: Flask, sign_in: SignIn) -> None:
    run = run_of(scored_call())
    found = taken(sign_in(make_user(Role.AUDITOR)), address(run))["Criteria"]
    shares = {row["Criterion"]: row["Share of the total (%)"] for row in found}
    assert shares == {"Viabilidad": 30, "Mercado": 18, "Uso del capital": 12, "Claridad": 24, "Compromiso": 16}
    assert len(found) == 25
    assert [row["Points"] for row in found[:5]] == [0, 12.5, 25, 37.5, 50]  # viability: 50 % of the plan


def test_an_amended_sheet_keeps_both_versions(app: Flask, sign_in: SignIn) -> None:
    call, evaluator = make_call(reviews_per_application=1), make_user(Role.EVALUATOR)
    application = make_application(call)
    make_sheet(application, stage=Stage.PITCH, levels=4)
    make_sheet(application, evaluator, levels=0, state=SheetState.SUPERSEDED)
    make_sheet(application, evaluator, levels=4, version=2, amendment_reason="Leí mal el anexo.")
    make_sheet(application, evaluator, stage=Stage.PITCH, submitted=False)  # a draft says nothing yet
    run = run_of(call)
    client = sign_in(make_user(Role.COORDINATOR))

    internal = taken(client, address(run, "internal-workbook.xlsx"))
    public = taken(client, address(run))

    plans = [row for row in internal["Sheets"] if row["Stage"] == "Business plan"]
    assert [(row["Version"], row["State"], row["Points"]) for row in plans] == [
        (1, "Not counted: amended later", 0),
        (2, "Counts", 100),
    ]
    assert plans[1]["Reason for the amendment"] == "Leí mal el anexo."
    assert len(internal["Sheets"]) == 3
    assert internal["Applications"][0]["Amended"] == "yes"
    assert "Leí mal" not in str(public)
    assert [row["Amended"] for row in public["Sheets"]] == ["no", "yes", "no"]


def test_sheets_handed_in_after_the_run_are_left_to_a_later_one(app: Flask, sign_in: SignIn) -> None:
    call = scored_call(levels=(2,))
    run = run_of(call)
    sheet = db.session.scalars(select(ScoreSheet).where(ScoreSheet.stage == Stage.PLAN)).first()
    assert sheet is not None
    sheet.state = SheetState.SUPERSEDED
    db.session.flush()
    later = utcnow() + timedelta(hours=1)
    make_sheet(sheet.application, sheet.evaluator, levels=4, version=2, amendment_reason="Otra.", submitted_at=later)

    found = taken(sign_in(make_user(Role.AUDITOR)), address(run))

    assert [(row["Version"], row["State"], row["Points"]) for row in found["Sheets"]] == [(1, "Counts", 50)] * 4


def test_a_sheet_under_a_conflict_is_marked_as_not_counted(app: Flask, sign_in: SignIn) -> None:
    call, evaluator = make_call(), make_user(Role.EVALUATOR)
    application = make_application(call)
    make_reviews(application, plan=3, pitch=3)
    make_sheet(application, evaluator, levels=0)
    make_conflict(application, evaluator)
    run = run_of(call)

    found = taken(sign_in(make_user(Role.AUDITOR)), address(run))

    states = sorted(row["State"] for row in found["Sheets"])
    assert states == ["Counts"] * 4 + ["Not counted: conflict of interest"]
    assert (found["Applications"][0]["Conflict"], found["Applications"][0]["Spread"]) == ("yes", 0)


def test_a_conflict_declared_after_the_run_changes_nothing_in_it(app: Flask, sign_in: SignIn) -> None:
    call, evaluator = make_call(), make_user(Role.EVALUATOR)
    application = make_application(call)
    make_reviews(application, plan=3, pitch=3)
    make_sheet(application, evaluator, levels=0)
    run = run_of(call)  # plan: 75, 75 and 0 are 50; with 75 of the pitch, 60 in all
    make_conflict(application, evaluator)

    found = taken(sign_in(make_user(Role.AUDITOR)), address(run))

    assert {row["State"] for row in found["Sheets"]} == {"Counts"}
    assert (found["Applications"][0]["Total"], found["Applications"][0]["Conflict"]) == (60, "yes")


def test_practice_beside_the_reviews_is_told_and_does_not_count(app: Flask, sign_in: SignIn) -> None:
    call, evaluator = make_call(), make_user(Role.EVALUATOR)
    application = make_application(call)
    make_reviews(application, plan=3, pitch=3)
    make_calibration_set(application)
    make_assignment(application, evaluator, is_calibration=True)
    make_sheet(application, evaluator, levels=0)
    run = run_of(call)

    found = taken(sign_in(make_user(Role.AUDITOR)), address(run))

    assert sorted(row["State"] for row in found["Sheets"]) == ["Counts"] * 4 + ["Not counted: beside the reviews"]
    assert found["Applications"][0]["Total"] == 75


def test_panels_are_those_that_the_run_was_computed_with(app: Flask, sign_in: SignIn) -> None:
    call = make_call(reviews_per_application=1)
    application = make_application(call)
    low, high = (make_user(Role.EVALUATOR) for _n in range(2))
    make_sheet(application, low, levels=1)
    make_sheet(application, high, levels=3)
    make_sheet(application, stage=Stage.PITCH)
    run = run_of(call)
    record = queries.record_of(run)
    assert record is not None
    inputs = json.loads(record.inputs)
    for sheet in inputs["applications"][0][4]:
        sheet[2] = {1: "norte", 3: "sur"}.get(sheet[3][0])
    record.inputs = json.dumps(inputs)
    db.session.flush()

    files = unpacked(sign_in(make_user(Role.AUDITOR)).get(address(run, "data-for-r.zip")))

    found = {(row["points"], row["panel"]) for row in table(files["sheets.csv"])}
    assert found == {("25.0", "norte"), ("75.0", "sur"), ("100.0", "none")}


def test_flags_say_what_happened_to_an_application(app: Flask, sign_in: SignIn) -> None:
    call, evaluator = make_call(places=1, budget_usd=Decimal(700)), make_user(Role.EVALUATOR)
    late, other = make_application(call), make_application(call)
    yesterday = (utcnow() - timedelta(days=2)).date()
    make_assignment(late, evaluator, due_on=yesterday)
    make_sheet(late, evaluator, levels=4)
    make_sheet(late, levels=(4, 0, 0))  # 50 points: half of the 100 above
    make_reviews(other, plan=3, pitch=2)
    for _n in range(2):
        make_sheet(late, stage=Stage.PITCH, levels=2)
    run = run_of(call)  # both: plan 75, pitch 50: 65 in all

    found = {row["Folio"]: row for row in taken(sign_in(make_user(Role.AUDITOR)), address(run))["Applications"]}

    assert {row["Total"] for row in found.values()} == {65}
    assert [found[a.folio]["Discrepant"] for a in (late, other)] == ["yes", "no"]
    assert [(found[a.folio]["Spread"], found[a.folio]["Late"]) for a in (late, other)] == [(50, "yes"), (0, "no")]
    assert {row["Lottery"] for row in found.values()} == {"yes"}


def test_a_moderation_is_told_by_its_outcome(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    moderation, untouched = make_moderation(make_application(call)), make_application(call)
    make_reviews(untouched)
    run = run_of(call)
    client = sign_in(make_user(Role.AUDITOR))

    def told() -> dict[str, str | None]:
        return {row["Folio"]: row["Moderation"] for row in taken(client, address(run))["Applications"]}

    assert told() == {moderation.application.folio: "Open", untouched.folio: None}
    with db.session.no_autoflush:
        moderation.outcome, moderation.decision = ModerationOutcome.STANDS, "Ana explicó su nivel."
        moderation.decided_by_id, moderation.decided_at = call.created_by_id, utcnow()
    db.session.flush()
    assert told()[moderation.application.folio] == "The sheets stand as they are"


def test_the_public_version_names_no_evaluator(app: Flask, sign_in: SignIn) -> None:
    call, evaluator = make_call(), make_user(Role.EVALUATOR, name="Rosalba Quishpe", email="rosalba@example.org")
    application = make_application(call)
    make_reviews(application)
    sheet = make_sheet(application, evaluator, comment="Conozco a la familia Tituaña.")
    sheet.scores[0].comment = "Su primo Segundo me contó."
    run = run_of(call)
    client = sign_in(make_user(Role.COORDINATOR))

    public, internal = client.get(address(run)), client.get(address(run, "internal-workbook.xlsx"))
    data = unpacked(client.get(address(run, "data-for-r.zip")))

    words = ("Quishpe", "rosalba", "Tituaña", "Segundo", application.person.first_surname)
    assert [word for word in words if word in xml_of(public)] == []
    assert [word for word in words if word in str(data)] == []
    assert [word for word in words if word in xml_of(internal)] == ["Quishpe", "Tituaña", "Segundo"]
    codes = {row["Evaluator"] for row in taken(client, address(run))["Sheets"]}
    assert codes == {"E01", "E02", "E03", "E04", "E05"}


def test_codes_are_stable_in_a_run_and_do_not_follow_ids(app: Flask) -> None:
    runs = [run_of(scored_call(levels=(2,))) for _n in range(4)]
    drawn = [evaluator_codes(run, range(1, 31)) for run in runs]

    assert drawn[0] == evaluator_codes(runs[0], reversed(range(1, 31)))
    assert all(sorted(codes.values()) == [f"E{n:02d}" for n in range(1, 31)] for codes in drawn)
    assert len({tuple(codes.items()) for codes in drawn}) == 4
    assert all(list(codes.values()) != [codes[n] for n in range(1, 31)] for codes in drawn)


def test_what_evaluators_wrote_cannot_become_a_formula(app: Flask, sign_in: SignIn) -> None:
    hostile = ['=HYPERLINK("http://x","y")', "+1", "-2+3", "@SUM(A1)", " =1+1", "＝1"]
    call = make_call()
    application = make_application(call)
    make_reviews(application)
    for text in hostile:
        make_sheet(application, comment=text).scores[0].comment = text
    run = run_of(call)

    answer = sign_in(make_user(Role.COORDINATOR)).get(address(run, "internal-workbook.xlsx"))

    assert "<f>" not in xml_of(answer)
    assert "<hyperlink" not in xml_of(answer)
    book = openpyxl.load_workbook(io.BytesIO(answer.data))
    cells = [cell for sheet in book for row in sheet.iter_rows() for cell in row]
    assert [sum(cell.value == "'" + text for cell in cells) for text in hostile] == [2] * 6
    assert {cell.data_type for cell in cells} <= {"s", "n", "d"}


def test_numbers_days_and_headings_are_what_they_seem(app: Flask, sign_in: SignIn) -> None:
    run = run_of(scored_call())
    path = address(run, "internal-workbook.xlsx")
    answer = sign_in(make_user(Role.COORDINATOR)).get(path, headers={"Accept-Language": "en"})
    book = openpyxl.load_workbook(io.BytesIO(answer.data))

    assert book.sheetnames == ["Read me", "Applications", "Sheets", "Scores", "Criteria", "Quotas", "Run"]
    assert {sheet.freeze_panes for sheet in book} == {"A2"}
    assert book["Sheets"].auto_filter.ref == "A1:L13"
    head = [cell.value for cell in book["Sheets"][1]]
    handed_in = book["Sheets"].cell(2, head.index("Handed in") + 1)
    assert handed_in.is_date
    assert isinstance(book["Applications"].cell(2, 6).value, int | float)


def test_a_declared_conflict_hides_the_application(app: Flask, sign_in: SignIn) -> None:
    run = run_of(scored_call())
    chair = make_user(Role.COORDINATOR)
    rows = db.session.scalars(select(SelectionRow).order_by(SelectionRow.place)).all()
    make_conflict(rows[0].application, chair)

    answer = sign_in(chair).get(address(run, "internal-workbook.xlsx"), headers={"Accept-Language": "en"})

    assert rows[0].application.folio not in xml_of(answer)
    assert [row["Folio"] for row in read(answer)["Applications"]] == [row.application.folio for row in rows[1:]]
    assert "conflict of interest: 1." in str(read(answer)["Read me"])
    entry = db.session.scalars(select(JournalEntry).where(JournalEntry.action == "export.made")).one()
    assert entry.details == '{"kind":"internal workbook","rows":2}'
    assert (entry.actor_id, entry.subject, entry.subject_id) == (chair.id, "selection", run.id)


def test_whoever_owes_sheets_takes_nothing(app: Flask, sign_in: SignIn) -> None:
    run = run_of(scored_call())
    both = make_user(Role.COORDINATOR, Role.EVALUATOR)
    make_assignment(make_application(run.call), both)

    for file in ("workbook.xlsx", "internal-workbook.xlsx", "data-for-r.zip"):
        answer = sign_in(both).get(address(run, file), headers={"Accept-Language": "en"})
        assert answer.status_code == 409
        assert "Submit your own sheets of this call first" in answer.text
    assert db.session.scalar(select(func.count()).where(JournalEntry.action == "export.made")) == 0


def test_the_internal_version_is_the_coordinators(app: Flask, sign_in: SignIn) -> None:
    run = run_of(scored_call())
    for role in (Role.AUDITOR, Role.MONITORING, Role.EVALUATOR, Role.ADMINISTRATOR):
        assert sign_in(make_user(role)).get(address(run, "internal-workbook.xlsx")).status_code == 403
    assert sign_in(make_user(Role.EVALUATOR)).get(address(run)).status_code == 403
    assert sign_in(make_user(Role.AUDITOR)).get("/selections/999999/workbook.xlsx").status_code == 404
    page = sign_in(make_user(Role.AUDITOR)).get(f"/selections/{run.id}").text
    assert f"/selections/{run.id}/workbook.xlsx" in page
    assert "internal-workbook" not in page


def test_an_export_costs_the_same_queries_with_one_and_with_three(app: Flask, sign_in: SignIn) -> None:
    client = sign_in(make_user(Role.COORDINATOR))
    one, three = run_of(scored_call(levels=(4,))), run_of(scored_call(levels=(4, 3, 2)))
    path = "internal-workbook.xlsx"
    client.get(address(one, path))

    costs = [queries_of(lambda run=run: client.get(address(run, path))) for run in (one, three)]

    assert costs[0] == costs[1]


def test_a_full_worksheet_goes_on_in_another(app: Flask, tmp_path: Any) -> None:
    file = io.BytesIO()
    with app.test_request_context():
        book = Book(file, str(tmp_path), most_rows=3)
        table = book.table("Scores", [Heading("Number", 9, "")])
        for number in range(5):
            table.add([number])
        book.close()

    found = openpyxl.load_workbook(file)
    assert [[row[0] for row in sheet.values] for sheet in found] == [["Number", 0, 1], ["Number", 2, 3], ["Number", 4]]


def unpacked(answer: Any) -> dict[str, str]:
    assert answer.status_code == 200
    with zipfile.ZipFile(io.BytesIO(answer.data)) as package:
        return {name: package.read(name).decode("utf-8") for name in package.namelist()}


def table(text: str) -> list[dict[str, str]]:
    return list(csv.DictReader(io.StringIO(text)))


def test_the_data_for_r_hold_a_row_for_every_score(app: Flask, sign_in: SignIn) -> None:
    call = make_call()
    application = make_application(call)
    make_reviews(application, plan=(4, 2, 1), pitch=(3, 0))
    run = run_of(call)

    files = unpacked(sign_in(make_user(Role.AUDITOR)).get(address(run, "data-for-r.zip")))

    sheets, scores = table(files["sheets.csv"]), table(files["scores.csv"])
    assert sorted((row["stage"], row["points"], row["counts"], row["panel"]) for row in sheets) == [
        ("pitch", "45.0", "TRUE", "none"), ("pitch", "45.0", "TRUE", "none"),
        ("plan", "70.0", "TRUE", "none"), ("plan", "70.0", "TRUE", "none"),
    ]  # fmt: skip
    assert len(scores) == 10
    assert sum(int(row["level"]) for row in scores) == 20
    names = {row["criterion"]: row["name"] for row in table(files["criteria.csv"])}
    assert {names[row["criterion"]] for row in scores} == {name for _stage, name, _weight in CRITERIA}
    rows = table(files["applications.csv"])
    assert [(row["application"], row["total"], row["outcome"]) for row in rows] == [
        (application.folio, "60.00", "chosen")
    ]


def test_the_dictionary_explains_every_column(app: Flask, sign_in: SignIn) -> None:
    run = run_of(scored_call(levels=(2,)))
    files = unpacked(sign_in(make_user(Role.AUDITOR)).get(address(run, "data-for-r.zip")))

    explained = [(row["file"], row["column"]) for row in table(files["dictionary.csv"]) if row["meaning"]]

    data = [name for name in files if name.endswith(".csv") and name != "dictionary.csv"]
    assert explained == [(name, column) for name in data for column in files[name].splitlines()[0].split(",")]
    assert "(1 | application) + (1 | evaluator)" in files["refit.R"]


def test_a_criterion_cannot_start_a_formula_in_the_data_for_r(app: Flask, sign_in: SignIn) -> None:
    call = scored_call(levels=(2,))
    call.rubric.criteria[0].name = "=1+1"
    run = run_of(call)
    files = unpacked(sign_in(make_user(Role.AUDITOR)).get(address(run, "data-for-r.zip")))
    assert "'=1+1" in files["criteria.csv"]
    assert ",=1+1" not in files["criteria.csv"]
