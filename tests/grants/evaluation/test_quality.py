"""The chair's board of quality: its figures on paper, who may read it, and calls with little in them."""

import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from fractions import Fraction

import pytest
from flask import Flask
from flask.testing import FlaskClient
from statsmodels.stats.power import TTestIndPower

from grants.access.models import User
from grants.access.permissions import Role
from grants.applications.models import Application
from grants.calls.models import Calibration, Call, CallKind, Stage
from grants.core.db import db
from grants.evaluation import queries
from grants.evaluation.models import Assignment
from grants.evaluation.quality import agreements, contrasts_by, panels_by, severities, spreads, third_reviews
from grants.people.models import Sex
from tests.factories.access import make_user
from tests.factories.applications import make_application
from tests.factories.calls import make_call
from tests.factories.evaluation import make_assignment, make_conflict, make_moderation, make_sheet
from tests.factories.people import make_person
from tests.factories.pitch import make_pitch_session, make_slot
from tests.grants.evaluation.test_views import queries_of

SignIn = Callable[[User], FlaskClient]


def plan_only(**overrides: object) -> Call:
    return make_call(plan_weight=Decimal(100), pitch_weight=Decimal(0), **overrides)


def scored(call: Call, evaluators: Sequence[User], *levels: int, **person: object) -> Application:
    """An application with one sheet by each evaluator, all criteria at that level."""
    application = make_application(call, make_person(**person))
    for evaluator, level in zip(evaluators, levels, strict=False):
        make_sheet(application, evaluator, levels=level)
    return application


def two_evaluators() -> tuple[User, User]:
    return make_user(Role.EVALUATOR, name="Ana Severa"), make_user(Role.EVALUATOR, name="Luz Clara")


def board(call: Call, **asked: object) -> str:
    asked_for = "&".join(f"{key}={value}" for key, value in asked.items())
    return f"/calls/{call.id}/evaluation/quality?{asked_for}"


def rows_of(page: str, caption: str) -> list[list[str]]:
    """The cells of a table's body, as a reader sees them."""
    for table in re.findall(r"<table.*?</table>", page, re.DOTALL):
        if f"<caption>{caption}</caption>" in table:
            body = table.partition("<tbody>")[2]
            return [
                [" ".join(re.sub(r"<[^>]+>", " ", cell).split()) for cell in re.findall(r"<td.*?</td>", row, re.DOTALL)]
                for row in re.findall(r"<tr>.*?</tr>", body, re.DOTALL)
            ]
    raise AssertionError(caption)


def in_english(client: FlaskClient) -> FlaskClient:
    with client.session_transaction() as session:
        session["language"] = "en"
    return client


def test_agreement_is_that_of_paper(app: Flask) -> None:
    """Levels 4 and 2, and 2 and 2. Ordinal weights of five levels add up to 18; two apart count .7.

    Observed (.7 + 1) / 2; by chance 18 / 20 × 2 × 1/4 × 3/4. With two values alpha is 1 - .5 / .5.
    """
    call, pair = plan_only(), two_evaluators()
    scored(call, pair, 4, 2)
    scored(call, pair, 2, 2)
    evidence = queries.evidence_of(call, reader=make_user(Role.COORDINATOR))

    whole, *criteria = agreements(evidence, Stage.PLAN)

    assert [row.criterion for row in criteria] == ["Viabilidad", "Mercado", "Uso del capital"]
    for row in criteria:
        assert row.ac2 == pytest.approx((0.85 - 0.3375) / (1 - 0.3375))
        assert row.alpha == pytest.approx(0)
        assert row.exact == 0.5
    # Points 100 and 50, 50 and 50: 625 between and within.
    assert (whole.sheets, whole.icc_single, whole.icc_mean) == (2, pytest.approx(0), pytest.approx(0))


def test_page_shows_the_figures_beside_each_picture(app: Flask, sign_in: SignIn) -> None:
    call, pair = plan_only(), two_evaluators()
    far, near = scored(call, pair, 4, 2), scored(call, pair, 2, 2)

    page = in_english(sign_in(make_user(Role.COORDINATOR))).get(board(call)).text

    assert rows_of(page, "Agreement by criterion")[0][:3] == ["Viabilidad", "2", "0.77"]
    assert rows_of(page, "Agreement by criterion")[0][4:] == ["0.00", "50 %"]
    spread = rows_of(page, "Spread by application")
    assert [row[0].split()[0] for row in spread] == [far.folio, near.folio]
    assert spread[0][1:4] == ["50 Far apart", "75.00", "Luz Clara: 50.00 Ana Severa: 100.00"]
    assert spread[1][1:4] == ["0", "50.00", "Ana Severa: 50.00 Luz Clara: 50.00"]
    pictures = re.findall(r'<img src="data:image/svg\+xml,[^"]+" alt="([^"]+)"', page)
    assert len(pictures) >= 2
    assert all("table below" in words for words in pictures)


def test_applications_are_marked_sorted_and_filtered(app: Flask, sign_in: SignIn) -> None:
    call, pair = plan_only(), two_evaluators()
    wide, middle, close = scored(call, pair, 4, 2), scored(call, pair, 3, 2), scored(call, pair, 4, 4)
    client = in_english(sign_in(make_user(Role.COORDINATOR)))

    def shown(**asked: object) -> list[str]:
        return [row[0].split()[0] for row in rows_of(client.get(board(call, **asked)).text, "Spread by application")]

    assert shown() == [wide.folio, middle.folio, close.folio]
    assert shown(show="discrepant") == [wide.folio, middle.folio]
    assert shown(show="discrepant", apart=26) == [wide.folio]
    assert shown(sort="mean") == [close.folio, wide.folio, middle.folio]
    assert shown(sort="folio") == sorted(shown())


@pytest.mark.parametrize("apart", ["0", "101", "x", "-5", "1e999", "NaN", "9" * 400, "9" * 5000, "%00", "２５", ""])
def test_strange_filter_gets_a_sentence_or_the_usual_view(app: Flask, sign_in: SignIn, apart: str) -> None:
    call = plan_only()
    scored(call, two_evaluators(), 4, 2)

    answer = sign_in(make_user(Role.COORDINATOR)).get(
        board(call, apart=apart, stage="x", sort="%00", group="x", show="x", page=apart)
    )

    assert answer.status_code == 200
    assert ("field-error" in answer.text) == (apart not in ("", "２５"))


def test_strict_evaluator_is_named_with_reviews_and_standard_error(app: Flask, sign_in: SignIn) -> None:
    """Ana always gives one level less: 25 points, 12.5 below the average of the two."""
    call, pair = plan_only(), two_evaluators()
    for level in (2, 3, 4, 2, 3, 4, 1):
        scored(call, pair, level - 1, level)
    evidence = queries.evidence_of(call, reader=make_user(Role.COORDINATOR))

    found = severities(evidence, Stage.PLAN)

    assert [(row.name, row.reviews) for row in found.rows] == [("Ana Severa", 7), ("Luz Clara", 7)]
    assert found.detected
    assert found.rows[0].severity == pytest.approx(12.5, abs=0.5)
    page = in_english(sign_in(make_user(Role.COORDINATOR))).get(board(call)).text
    assert [row[:2] for row in rows_of(page, "Strictness and misfit")] == [["Ana Severa", "7"], ["Luz Clara", "7"]]


def test_evaluators_without_a_shared_application_are_named(app: Flask, sign_in: SignIn) -> None:
    call = plan_only()
    scored(call, two_evaluators(), 4, 2)
    others = (make_user(Role.EVALUATOR, name="Rosa Lejana"), make_user(Role.EVALUATOR, name="Sol Lejana"))
    scored(call, others, 3, 1)

    page = in_english(sign_in(make_user(Role.COORDINATOR))).get(board(call)).text

    assert "Group 1: Ana Severa, Luz Clara" in page
    assert "Group 2: Rosa Lejana, Sol Lejana" in page
    assert "share no application" in page


def test_contrast_of_women_is_that_of_paper_with_its_power(app: Flask, sign_in: SignIn) -> None:
    """Ana gives two women 25 and 50 points less than Luz, two men 0 and 25 less: 25 apart, se √(312.5)."""
    call, pair = plan_only(), two_evaluators()
    for ana, luz, sex in ((3, 4, Sex.FEMALE), (2, 4, Sex.FEMALE), (4, 4, Sex.MALE), (3, 4, Sex.MALE)):
        scored(call, pair, ana, luz, sex=sex)
    evidence = queries.evidence_of(call, reader=make_user(Role.COORDINATOR))

    found = contrasts_by(evidence, Stage.PLAN, "sex")

    ana = next(row for row in found.rows if evidence.evaluators[row.rater] == "Ana Severa")
    assert (ana.group, ana.effect, ana.inside, ana.outside) == ("female", -25, 2, 2)
    assert ana.se == pytest.approx(312.5**0.5)
    assert (found.judged, found.blind, found.shown) == (2, 2, 0)
    page = in_english(sign_in(make_user(Role.COORDINATOR))).get(board(call)).text
    shown = {row[0]: row for row in rows_of(page, "Differences by group")}["Ana Severa"]
    assert shown[1:4] == ["Women", "2 / 2", "-25"]
    power = TTestIndPower().power(5 / 312.5**0.5, nobs1=2, alpha=0.05)
    assert shown[6] == f"{round(100 * power)} %"


def test_contrast_without_spread_claims_nothing(app: Flask, sign_in: SignIn) -> None:
    """Ana gives every woman 25 points less than Luz and every man the same: 25 apart, and nothing to test it with."""
    call, pair = plan_only(), two_evaluators()
    for ana, luz, sex in ((3, 4, Sex.FEMALE), (2, 3, Sex.FEMALE), (4, 4, Sex.MALE), (3, 3, Sex.MALE)):
        scored(call, pair, ana, luz, sex=sex)

    page = in_english(sign_in(make_user(Role.COORDINATOR))).get(board(call)).text

    shown = {row[0]: row for row in rows_of(page, "Differences by group")}["Ana Severa"]
    assert shown[1:] == ["Women", "2 / 2", "-25", "—", "—", "—"]


def test_panels_are_held_against_each_other(app: Flask, sign_in: SignIn) -> None:
    """Points by level are 25: here women 0 and 25, men 50 and 75; there women 75 and 100, men 50 and 75.

    (12.5 - 62.5) - (87.5 - 62.5) is -75; each cell has squares of 312.5, so se is √(1250 / 4 × 4 / 2) = 25.
    """
    call, member = make_call(), make_user(Role.EVALUATOR)
    for women, men in (((0, 1), (2, 3)), ((3, 4), (2, 3))):
        session = make_pitch_session(call)
        for level, sex in (*((level, Sex.FEMALE) for level in women), *((level, Sex.MALE) for level in men)):
            application = make_application(call, make_person(sex=sex))
            make_slot(session, application)
            make_sheet(application, member, Stage.PITCH, levels=level)
    evidence = queries.evidence_of(call, reader=make_user(Role.COORDINATOR))

    (found,) = panels_by(evidence, Stage.PITCH, "sex").rows

    assert (found.group, found.effect, found.se, found.df) == ("female", -75, 25, 4)
    assert panels_by(evidence, Stage.PLAN, "sex").rows == ()
    page = in_english(sign_in(make_user(Role.COORDINATOR))).get(board(call, stage="pitch")).text
    shown = rows_of(page, "Differences by panel and group")
    assert [row[1:4] for row in shown] == [["Women", "2 / 2", "-75"]]
    assert shown[0][0].startswith("Ibarra, ")


def test_call_without_calibration_asks_for_no_third_review(app: Flask, sign_in: SignIn) -> None:
    call = plan_only(places=1, calibration=Calibration.OFF)
    better, _worse = strict_and_lenient(call)

    page = in_english(sign_in(make_user(Role.COORDINATOR))).get(board(call)).text

    assert "Calibration is off" in page
    assert f"/applications/{better.id}/third-review" not in page


@pytest.mark.parametrize("group", ["sex", "population_group", "disability", "single_carer", "province"])
def test_each_way_to_tell_groups_apart_opens(app: Flask, sign_in: SignIn, group: str) -> None:
    call, pair = plan_only(), two_evaluators()
    scored(call, pair, 3, 4, is_single_carer=True, has_disability=False)
    scored(call, pair, 4, 2, is_single_carer=False, has_disability=True, sex=Sex.MALE)

    answer = sign_in(make_user(Role.COORDINATOR)).get(board(call, group=group))

    assert answer.status_code == 200
    assert f'<option selected value="{group}">' in answer.text


def strict_and_lenient(call: Call) -> tuple[Application, Application]:
    """Ana gives a level less than the others. Read by her, the better one falls behind: only she makes it so."""
    ana, luz, sol = *two_evaluators(), make_user(Role.EVALUATOR, name="Sol Media")
    for level in (1, 2, 3, 2, 1, 3, 2, 3):
        scored(call, (ana, luz, sol), level - 1, level, level)
    better = make_application(call)
    for evaluator, levels in ((ana, (2, 3, 3)), (luz, (3, 4, 4))):
        make_sheet(better, evaluator, levels=levels)
    worse = make_application(call)
    for evaluator, levels in ((luz, (3, 3, 3)), (sol, (3, 4, 3))):
        make_sheet(worse, evaluator, levels=levels)
    return better, worse


def test_third_reviews_are_where_strictness_decides(app: Flask, sign_in: SignIn) -> None:
    call = plan_only(places=1)
    better, worse = strict_and_lenient(call)
    evidence = queries.evidence_of(call, reader=make_user(Role.COORDINATOR))

    found = third_reviews(evidence)

    # By the mean 75.0 against 78.75; Ana takes about 25 × .5 from the first.
    assert [(row.folio, row.in_by_mean) for row in found.rows] == [(better.folio, False), (worse.folio, True)]
    assert found.rows[0].mean == 7500
    assert found.compared == 10


def test_one_click_asks_the_least_loaded_evaluator(app: Flask, sign_in: SignIn) -> None:
    call = plan_only(places=1)
    better, _worse = strict_and_lenient(call)
    busy, free = make_user(Role.EVALUATOR), make_user(Role.EVALUATOR)
    for _n in range(3):
        make_assignment(make_application(call), busy)
    by_name = {user.name: user for user in db.session.query(User)}
    for name in ("Ana Severa", "Luz Clara", "Sol Media"):
        make_conflict(better, by_name[name])
    client = sign_in(make_user(Role.COORDINATOR))

    answer = client.post(f"/applications/{better.id}/third-review", data={"stage": "plan"})

    assert answer.location.endswith("#third-reviews")
    given = db.session.query(Assignment).filter_by(application_id=better.id).all()
    assert [(one.evaluator_id, one.stage) for one in given] == [(free.id, Stage.PLAN)]
    assert client.post(f"/applications/{better.id}/third-review", data={"stage": "plan"}).status_code == 409
    assert db.session.query(Assignment).filter_by(application_id=better.id).count() == 1


def test_third_review_without_anybody_left_is_refused(app: Flask, sign_in: SignIn) -> None:
    call, pair = plan_only(), two_evaluators()
    application = scored(call, pair, 4, 2)
    for evaluator in pair:
        make_conflict(application, evaluator)

    answer = sign_in(make_user(Role.COORDINATOR)).post(
        f"/applications/{application.id}/third-review", data={"stage": "plan"}
    )

    assert answer.status_code == 409
    assert db.session.query(Assignment).count() == 0


@pytest.mark.parametrize("stage", ["", "final", "\x00"])
def test_third_review_of_no_stage_changes_nothing(app: Flask, sign_in: SignIn, stage: str) -> None:
    application = make_application()

    answer = sign_in(make_user(Role.COORDINATOR)).post(
        f"/applications/{application.id}/third-review", data={"stage": stage}
    )

    assert answer.status_code == 302
    assert db.session.query(Assignment).count() == 0


def test_who_owes_a_sheet_sees_no_points(app: Flask, sign_in: SignIn) -> None:
    call = plan_only()
    scored(call, two_evaluators(), 4, 2)
    chair = make_user(Role.COORDINATOR, Role.EVALUATOR)
    owed = make_assignment(make_application(call), chair)
    client = in_english(sign_in(chair))

    page = client.get(board(call)).text

    assert "You still have 1 sheet of this call to hand in" in page
    assert "Ana Severa" not in page
    refused = client.post(f"/applications/{owed.application_id}/third-review", data={"stage": "plan"})
    assert refused.status_code == 409


def test_conflict_hides_an_application_here_too(app: Flask, sign_in: SignIn) -> None:
    call, pair = plan_only(), two_evaluators()
    hidden, shown = scored(call, pair, 4, 0), scored(call, pair, 4, 1)
    chair = make_user(Role.COORDINATOR)
    make_conflict(hidden, chair)
    client = sign_in(chair)

    page = client.get(board(call)).text

    assert shown.folio in page
    assert hidden.folio not in page
    assert client.post(f"/applications/{hidden.id}/third-review", data={"stage": "plan"}).status_code == 404


@pytest.mark.parametrize(
    "levels",
    [
        [],  # nothing yet
        [(3,)],  # one evaluator, one application
        [(3,), (2,), (4,)],  # one evaluator
        [(4, 2)],  # one application
        [(4, 4), (4, 4)],  # everybody the top
        [(4, 1), (4, 3), (4, 2)],  # one who gave everybody the top
        [(2, 2), (2, 2)],  # all equal
        [(4, 4), (0, 0)],  # no disagreement at all
    ],
)
def test_calls_with_little_in_them_open(app: Flask, sign_in: SignIn, levels: list[tuple[int, ...]]) -> None:
    call, pair = plan_only(), two_evaluators()
    for given in levels:
        scored(call, pair, *given)
    client = sign_in(make_user(Role.COORDINATOR))

    assert client.get(board(call)).status_code == 200
    evidence = queries.evidence_of(call, reader=make_user(Role.COORDINATOR))
    assert [len(one.points) for one in spreads(evidence, Stage.PLAN)] == [2 for given in levels if len(given) == 2]


def test_devices_have_no_quality_to_look_at(app: Flask, sign_in: SignIn) -> None:
    call = make_call(kind=CallKind.DEVICES)

    answer = in_english(sign_in(make_user(Role.COORDINATOR))).get(board(call))

    assert "No sheets are written in this call" in answer.text


def test_stages_are_apart(app: Flask) -> None:
    call, pair = make_call(), two_evaluators()
    application = scored(call, pair, 4, 2)
    make_sheet(application, pair[0], Stage.PITCH, levels=3)
    evidence = queries.evidence_of(call, reader=make_user(Role.COORDINATOR))

    assert [one.apart for one in spreads(evidence, Stage.PLAN)] == [Fraction(50)]
    assert spreads(evidence, Stage.PITCH) == []
    assert third_reviews(evidence).compared == 0


def test_page_costs_the_same_with_two_applications_and_with_forty(app: Flask, sign_in: SignIn) -> None:
    call, pair = plan_only(), two_evaluators()
    for level in (1, 2):
        scored(call, pair, level, level + 1)
    client = sign_in(make_user(Role.COORDINATOR))
    one = queries_of(client, board(call))

    for number in range(38):
        make_moderation(scored(call, pair, number % 4, number % 3))

    assert queries_of(client, board(call)) == one
    assert one <= 15
    assert rows_of(in_english(client).get(board(call, page=2)).text, "Spread by application")[15:] == []


@pytest.mark.parametrize("role", [role for role in Role if role is not Role.COORDINATOR])
def test_only_coordinators_open_it(app: Flask, sign_in: SignIn, role: Role) -> None:
    client, application = sign_in(make_user(role)), make_application()

    assert client.get(board(application.call)).status_code == 403
    assert client.post(f"/applications/{application.id}/third-review", data={"stage": "plan"}).status_code == 403
