"""Training's pages."""

from collections.abc import Callable
from datetime import date
from decimal import Decimal

import pytest
from flask.testing import FlaskClient
from sqlalchemy import func, select

from grants.access.models import User
from grants.access.permissions import Role
from grants.core.db import db
from grants.training.models import Completion, Course, Enrolment
from tests.factories.access import make_user
from tests.factories.people import make_person, make_province
from tests.factories.training import make_completion, make_course, make_enrolment
from tests.grants.people.counting import queries_of

SignIn = Callable[[User], FlaskClient]
pytestmark = pytest.mark.usefixtures("app")


@pytest.fixture
def browser(sign_in: SignIn) -> FlaskClient:
    return sign_in(make_user(Role.COORDINATOR))


def course_form(**changes: str) -> dict[str, str]:
    return {
        "code": "EMP-IBA-1",
        "name": "Emprendimiento, bloque 1",
        "kind": "entrepreneurship",
        "province_code": "10",
        "starts_on": "2023-02-01",
        "ends_on": "2023-05-31",
        **changes,
    }


def in_english(browser: FlaskClient) -> FlaskClient:
    with browser.session_transaction() as cookie:
        cookie["language"] = "en"
    return browser


def test_course_is_opened(browser: FlaskClient) -> None:
    make_province("10")

    answer = browser.post("/courses/create", data=course_form(has_grade="y"))

    course = db.session.scalars(select(Course)).one()
    assert answer.location == f"/courses/{course.id}"
    assert (course.code, course.starts_on, course.ends_on) == ("EMP-IBA-1", date(2023, 2, 1), date(2023, 5, 31))
    assert course.has_grade


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("code", ""),
        ("code", "x" * 21),
        ("code", "a b"),
        ("code", "\x00"),
        ("name", ""),
        ("name", "x" * 10_000),
        ("name", "\x00"),
        ("kind", "cooking"),
        ("province_code", "99"),
        ("starts_on", "2023-02-30"),
        ("starts_on", "0001-01-01"),
        ("ends_on", "1e999"),
        ("ends_on", "2023-01-31"),
        ("ends_on", "9999-12-31"),
    ],
)
def test_wrong_course_is_refused_and_kept(browser: FlaskClient, field: str, typed: str) -> None:
    make_province("10")

    answer = browser.post("/courses/create", data=course_form(**{field: typed}))

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.scalar(select(func.count(Course.id))) == 0


def test_code_of_another_course_is_refused(browser: FlaskClient) -> None:
    make_course(code="EMP-IBA-1")

    answer = browser.post("/courses/create", data=course_form())

    assert 'id="code-error"' in answer.text
    assert db.session.scalar(select(func.count(Course.id))) == 1


def test_pasted_folios_are_enrolled_and_the_others_explained(browser: FlaskClient) -> None:
    course, ana, luz = make_course(), make_person(), make_person()
    make_enrolment(course, luz)
    pasted = f"{ana.folio.lower()}\n{luz.folio}, P-000000000; P-7K3M9QX2X\r\n{ana.folio}"

    page = in_english(browser).post(f"/courses/{course.id}/enrol", data={"folios": pasted}).text

    enrolled = db.session.scalars(select(Enrolment.person_id).order_by(Enrolment.id)).all()
    assert enrolled == [luz.id, ana.id]
    assert page.count("Already enrolled.") == 2
    assert page.count("This is not a folio") + page.count("Nobody has this folio.") == 2


def test_all_good_folios_lead_back_to_the_course(browser: FlaskClient) -> None:
    course, person = make_course(), make_person()

    answer = browser.post(f"/courses/{course.id}/enrol", data={"folios": person.folio})

    assert answer.location == f"/courses/{course.id}"


@pytest.mark.parametrize("typed", ["", " \n,;", "\x00", "x" * 10_000, "P-7K3M9QX2W\n" * 301])
def test_unreadable_folios_enrol_nobody(browser: FlaskClient, typed: str) -> None:
    course = make_course()

    answer = browser.post(f"/courses/{course.id}/enrol", data={"folios": typed})

    assert answer.status_code == 200
    assert "field-error" in answer.text
    assert db.session.scalar(select(func.count(Enrolment.id))) == 0


def test_bulk_completion_takes_comma_and_point(browser: FlaskClient) -> None:
    course = make_course(has_grade=True)
    comma, point, whole = (make_enrolment(course) for _n in range(3))
    form = {"completed_on": "2023-05-31"}
    for enrolment, grade in ((comma, "60,5"), (point, "99.25"), (whole, "100")):
        form |= {f"done-{enrolment.id}": "y", f"grade-{enrolment.id}": grade}

    answer = browser.post(f"/courses/{course.id}/complete", data=form)

    assert answer.status_code == 302
    grades = {row.enrolment_id: row.grade for row in db.session.scalars(select(Completion))}
    assert grades == {comma.id: Decimal("60.50"), point.id: Decimal("99.25"), whole.id: Decimal(100)}


@pytest.mark.parametrize("typed", ["", "101", "1e999", "NaN", "Infinity", "-1", "60,555", "٦٠", "9" * 400, "\x00"])
def test_wrong_grade_is_explained_and_the_good_row_kept(browser: FlaskClient, typed: str) -> None:
    course = make_course(has_grade=True)
    wrong, good = make_enrolment(course), make_enrolment(course)
    form = {"completed_on": "2023-05-31", f"done-{wrong.id}": "y", f"grade-{wrong.id}": typed,
            f"done-{good.id}": "y", f"grade-{good.id}": "70"}  # fmt: skip

    answer = browser.post(f"/courses/{course.id}/complete", data=form)

    assert answer.status_code == 200
    assert f'id="wrong-{wrong.id}"' in answer.text
    assert db.session.scalars(select(Completion.enrolment_id)).all() == [good.id]


@pytest.mark.parametrize("on", ["2023-01-31", "2023-06-01", "", "31/13/2023", "x" * 5000])
def test_completion_outside_the_course_is_refused_and_the_ticks_kept(browser: FlaskClient, on: str) -> None:
    course = make_course()
    enrolment = make_enrolment(course)

    answer = browser.post(f"/courses/{course.id}/complete", data={"completed_on": on, f"done-{enrolment.id}": "y"})

    assert answer.status_code == 200
    assert "completed_on-error" in answer.text
    assert f'name="done-{enrolment.id}" value="y" checked' in answer.text
    assert db.session.scalar(select(func.count(Completion.id))) == 0


def test_completion_in_the_future_is_refused(browser: FlaskClient) -> None:
    course = make_course(ends_on=date(2090, 1, 1))
    enrolment = make_enrolment(course)

    browser.post(f"/courses/{course.id}/complete", data={"completed_on": "2089-01-01", f"done-{enrolment.id}": "y"})

    assert db.session.scalar(select(func.count(Completion.id))) == 0


def test_completion_is_recorded_once_and_only_in_its_own_course(browser: FlaskClient) -> None:
    course, elsewhere = make_course(), make_enrolment()
    done = make_completion(course).enrolment
    form = {"completed_on": "2023-05-31", f"done-{done.id}": "y", f"done-{elsewhere.id}": "y", "done-999999999": "y"}

    answer = browser.post(f"/courses/{course.id}/complete", data=form)

    assert answer.status_code == 200
    assert db.session.scalar(select(func.count(Completion.id))) == 1


@pytest.mark.parametrize("language", ["es", "en"])
@pytest.mark.parametrize("path", ["/courses/", "/courses/create", "/courses/{course}", "/courses/people/{person}"])
def test_pages_open_in_both_languages(browser: FlaskClient, language: str, path: str) -> None:
    completion = make_completion(grade=Decimal("61.5"))
    with browser.session_transaction() as cookie:
        cookie["language"] = language

    enrolment = completion.enrolment
    answer = browser.get(path.format(course=enrolment.course_id, person=enrolment.person_id))

    assert answer.status_code == 200
    assert f'lang="{language}"' in answer.text


@pytest.mark.parametrize("number", [0, 999_999, 2**31, 2**63, 2**80])
def test_course_that_is_not_there_is_404(browser: FlaskClient, number: int) -> None:
    assert browser.get(f"/courses/{number}").status_code == 404
    assert browser.post(f"/courses/{number}/enrol", data={"folios": "P"}).status_code == 404


@pytest.mark.parametrize("role", [Role.ENUMERATOR, Role.EVALUATOR, Role.LIAISON])
def test_only_the_coordinator_manages_courses(sign_in: SignIn, role: Role) -> None:
    course = make_course()
    client = sign_in(make_user(role))

    assert client.get("/courses/").status_code == 403
    assert client.post("/courses/create", data=course_form()).status_code == 403
    assert client.post(f"/courses/{course.id}/enrol", data={"folios": "P"}).status_code == 403
    assert client.post(f"/courses/{course.id}/complete", data={}).status_code == 403


def test_lists_cost_the_same_with_one_row_and_with_three(browser: FlaskClient) -> None:
    course = make_course()
    make_completion(course)
    one = [queries_of(browser, path) for path in ("/courses/", f"/courses/{course.id}")]
    for _n in range(2):
        make_completion(course)
        make_completion()

    three = [queries_of(browser, path) for path in ("/courses/", f"/courses/{course.id}")]

    assert one == three
    assert max(three) <= 8
