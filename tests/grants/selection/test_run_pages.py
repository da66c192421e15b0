"""The pages of a run under quotas: who sees what, what-ifs, decisions; from the draft to the act with 251 people."""

import io
from collections.abc import Callable
from decimal import Decimal

import pytest
from flask import Flask
from flask.testing import FlaskClient
from pypdf import PdfReader

from grants.access.models import User
from grants.access.permissions import Role
from grants.calls.models import QuotaDimension, Stage
from grants.core.db import db
from grants.people.models import PopulationGroup, Sex
from grants.selection.models import Award, Departure, Selection, SelectionState
from grants.selection.reckoning import Changes
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_sheet
from tests.factories.people import make_canton, make_person
from tests.grants.selection.test_quotas_in_runs import quota, rows, run_of, women_first

SignIn = Callable[[User], FlaskClient]
ENGLISH = {"Accept-Language": "en"}
WOMEN = {"rows-0-group": "sex:female"}


@pytest.fixture
def coordinator(sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.COORDINATOR))


def page_of(client: FlaskClient, path: str) -> str:
    answer = client.get(path, headers=ENGLISH)
    assert answer.status_code == 200
    return " ".join(answer.text.split())


def test_coordinator_sees_who_counts_for_what_and_the_auditor_totals_alone(
    app: Flask, coordinator: FlaskClient, sign_in: SignIn
) -> None:
    run = run_of(women_first())
    path = f"/selections/{run.id}"

    whole, totals = page_of(coordinator, path), page_of(sign_in(make_user(Role.AUDITOR)), path)

    assert "Counts for: women" in whole
    assert "In through the quota “women”: its 50.00 points are below the cut line of 75.01" in whole
    assert "Counts for" not in totals
    assert "In through a quota of the call" in totals
    assert "Who entered and who left" not in totals
    for page in (whole, totals):
        assert "Checked: the selected have 150.00 points together" in page
        assert "it would be in by points alone" in page


def test_rows_are_filtered_by_outcome_and_by_quota(app: Flask, coordinator: FlaskClient, sign_in: SignIn) -> None:
    run = run_of(women_first())
    folios = [row.application.folio for row in rows(run)]
    path = f"/selections/{run.id}"

    def shown(client: FlaskClient, show: str) -> list[int]:
        table = page_of(client, f"{path}?show={show}").partition("<tbody>")[2].rpartition("</tbody>")[0]
        table = table.rpartition("<tbody>")[2]
        return [number for number, folio in enumerate(folios) if folio in table]

    assert shown(coordinator, "in") == [0, 1]
    assert shown(coordinator, "waiting") == [2, 3]
    assert shown(coordinator, "sex:female") == [1, 3]
    assert shown(coordinator, "sex:female&after=2~0") == [3]
    assert shown(sign_in(make_user(Role.MONITORING)), "sex:female") == [0, 1, 2, 3]  # as if nothing had been asked


def test_declared_conflict_hides_why_and_groups_of_its_application(app: Flask, sign_in: SignIn) -> None:
    run, me = run_of(women_first()), make_user(Role.COORDINATOR)
    make_conflict(rows(run)[1].application, me)

    page = page_of(sign_in(me), f"/selections/{run.id}?show=in")

    assert "Counts for: women" not in page
    assert "In through" not in page


def test_what_if_is_tried_and_compared_and_marked_in_words(app: Flask, coordinator: FlaskClient) -> None:
    call = women_first()
    base = run_of(call)
    form = {
        "places": "3",
        "plan_weight": "60",
        "calibration": "off",
        "rows-0-group": "sex:female",
        "rows-0-minimum": "60 %",
    }

    more = coordinator.post(f"/calls/{call.id}/what-if", data={**form, "add": "1"})
    answer = coordinator.post(f"/calls/{call.id}/what-if", data=form)

    assert more.text.count("<fieldset") == 2
    assert 'value="60 %"' in more.text
    tried = db.session.query(Selection).filter(Selection.is_what_if).one()
    assert answer.location.endswith(f"/selections/{tried.id}")
    page = page_of(coordinator, f"/selections/{tried.id}")
    assert "This is a what-if" in page
    assert f"Compared with run {base.id}" in page
    assert "Propose this run" not in page
    assert coordinator.post(f"/selections/{tried.id}/propose").status_code == 200
    assert db.session.get_one(Selection, tried.id).state is SelectionState.SIMULATED
    assert "The selected would have 25.00 points more together." in page_of(coordinator, f"/calls/{call.id}/what-ifs")


@pytest.mark.parametrize(
    "bad",
    [
        {"places": "0"},
        {"places": "9" * 5000},
        {"plan_weight": "101"},
        {"calibration": "magic"},
        {"rows-0-minimum": "5", "rows-0-maximum": "2"},
        {"rows-0-group": "canton:\x00"},
    ],
)
def test_bad_what_if_gets_a_sentence_and_keeps_nothing(
    app: Flask, coordinator: FlaskClient, bad: dict[str, str]
) -> None:
    call = women_first()
    form = {
        "places": "2",
        "plan_weight": "60",
        "calibration": "off",
        "rows-0-group": "sex:female",
        "rows-0-minimum": "1",
    }

    answer = coordinator.post(f"/calls/{call.id}/what-if", data={**form, **bad})

    assert answer.status_code == 200
    assert "notice-bad" in answer.text
    assert db.session.query(Selection).count() == 0


def test_whoever_owes_sheets_sees_no_what_ifs_and_makes_none(app: Flask, sign_in: SignIn) -> None:
    call = women_first()
    run_of(call)
    run_of(call, Changes(places=1))
    me = make_user(Role.COORDINATOR, Role.EVALUATOR)
    make_assignment(make_application(call), me)
    client = sign_in(me)

    assert "points less" not in page_of(client, f"/calls/{call.id}/what-ifs")
    form = {"places": "2", "plan_weight": "60", "calibration": "off"}
    assert client.post(f"/calls/{call.id}/what-if", data=form).status_code == 200
    assert db.session.query(Selection).count() == 2


def test_decision_is_written_and_taken_back_on_its_page(app: Flask, coordinator: FlaskClient) -> None:
    run = run_of(women_first())
    folio, path = rows(run)[0].application.folio, f"/selections/{run.id}/departures"
    form = {"folio": folio, "direction": "put_out", "reason": "safety", "words": "Consta en el acta."}

    refused = coordinator.post(path, data={**form, "words": "x" * 601})
    assert (refused.status_code, "words-error" in refused.text) == (200, True)
    assert coordinator.post(path, data=form).status_code == 302
    assert "Out by a decision against the order" in page_of(coordinator, f"/selections/{run.id}")
    one = db.session.query(Departure).one()
    assert coordinator.post(f"/selections/{run.id + 1}/departures/{one.id}/take-back").status_code == 404
    assert coordinator.post(f"{path}/{one.id}/take-back").status_code == 302
    assert db.session.query(Departure).count() == 0


@pytest.mark.parametrize("role", [Role.MONITORING, Role.AUDITOR])
def test_readers_try_nothing_and_decide_nothing(app: Flask, sign_in: SignIn, role: Role) -> None:
    call = women_first()
    run = run_of(call)
    reader = sign_in(make_user(role))

    assert reader.get(f"/calls/{call.id}/what-ifs").status_code == 200
    assert reader.get(f"/calls/{call.id}/what-if").status_code == 403
    assert reader.get(f"/selections/{run.id}/departures").status_code == 403
    form = {"folio": rows(run)[0].application.folio, "direction": "put_out", "reason": "safety", "words": "x"}
    assert reader.post(f"/selections/{run.id}/departures", data=form).status_code == 403
    assert db.session.query(Departure).count() == 0


SIX = (
    (QuotaDimension.SEX, "female", 78, None),
    (QuotaDimension.DISABILITY, "yes", 20, None),
    (QuotaDimension.SINGLE_CARER, "yes", 40, None),
    (QuotaDimension.POPULATION_GROUP, "host", None, 60),
    (QuotaDimension.AGE_BAND, "18_35", 50, None),
    (QuotaDimension.CANTON, "2101", 50, 70),
)


def test_251_people_under_six_quotas_from_the_page_to_the_printed_act(app: Flask, sign_in: SignIn) -> None:
    """60 % of 129 places for women are 78. Steps as anybody clicks them; none takes long."""
    call = make_call(places=129, budget_usd=Decimal("90300.00"), reviews_per_application=1)
    for canton in ("1001", "2101"):
        make_canton(canton)
    for dimension, value, least, most in SIX:
        quota(call, dimension, value, least, most)
    enumerator, evaluators = make_user(Role.ENUMERATOR), [make_user(Role.EVALUATOR) for _n in range(4)]
    for number in range(251):
        person = make_person(
            registered_by=enumerator,
            sex=Sex.FEMALE if number % 2 else Sex.MALE,
            has_disability=number % 9 == 0,
            is_single_carer=number % 4 == 1,
            population_group=PopulationGroup.HOST if number % 5 < 3 else PopulationGroup.MIGRANT,
            canton_code="2101" if number % 3 == 0 else "1001",
        )
        application = make_application(call, person, created_by=enumerator)
        levels = (number * 7 % 5, number * 11 % 5, number * 13 % 5)
        make_sheet(application, evaluators[number % 4], levels=levels)
        make_sheet(application, evaluators[(number + 1) % 4], Stage.PITCH, levels=levels[:2])
    author, one, two = (sign_in(make_user(Role.COORDINATOR)) for _n in range(3))

    author.post(f"/calls/{call.id}/selections")
    run = db.session.query(Selection).one()
    path = f"/selections/{run.id}"
    page = page_of(author, path)
    steps = [author.post(f"{path}/propose"), one.post(f"{path}/approve"), two.post(f"{path}/approve"),
             author.post(f"{path}/publish")]  # fmt: skip
    act = author.get(f"{path}/act")

    assert [step.status_code for step in steps] == [302] * 4
    assert "Checked: the selected have" in page
    text = "".join("".join(sheet.extract_text() for sheet in PdfReader(io.BytesIO(act.data)).pages).split())
    for words in ("Certificado", run.inputs_hash, call.tie_seed, "78"):
        assert words in text
    assert db.session.get_one(Selection, run.id).state is SelectionState.PUBLISHED
    awarded = db.session.query(Award).filter_by(selection_id=run.id).all()
    women = [award for award in awarded if award.application.person.sex is Sex.FEMALE]
    assert (len(awarded), len(women) >= 78) == (129, True)
