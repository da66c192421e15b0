"""The results pages, their spreadsheet and the terminal, and who sees what."""

import json
from datetime import date
from io import BytesIO

import pytest
from openpyxl import load_workbook

from grants.access.permissions import Role
from grants.people.models import Sex
from grants.reports import queries
from grants.reports.export import results_workbook
from grants.reports.framework import Frame
from grants.reports.results import result
from grants.training.models import CourseKind
from tests.factories.access import make_user
from tests.factories.people import make_canton, make_person
from tests.factories.reports import complete_course, make_framework


@pytest.fixture
def reader(sign_in):
    return sign_in(make_user(Role.MONITORING))


@pytest.fixture
def donor(sign_in):
    return sign_in(make_user(Role.AUDITOR))


@pytest.fixture
def eight_people(app):
    """Seven women and one man who completed the digital course in 2023."""
    return [
        complete_course(CourseKind.DIGITAL, date(2023, 6, 1), make_person(sex=sex)).enrolment.person
        for sex in [Sex.FEMALE] * 7 + [Sex.MALE]
    ]


def test_figures_link_to_their_records(reader, eight_people):
    page = reader.get("/results").text

    assert 'href="/results/1.3a/records?dimension=sex&amp;value=male">1</a>' in page


def test_donor_sees_protected_figures_without_links(donor, eight_people):
    page = donor.get("/results").text

    assert "&lt;5" in page
    assert "/records" not in page
    assert "value=male" not in page


@pytest.mark.parametrize("role", [Role.AUDITOR, Role.COORDINATOR])
def test_records_are_closed_to_those_who_may_not_open_them(sign_in, eight_people, role):
    answer = sign_in(make_user(role)).get("/results/1.3a/records")

    assert answer.status_code == 403


@pytest.mark.parametrize("path", ["/results", "/results.xlsx"])
def test_results_are_closed_to_other_roles(sign_in, app, path):
    assert sign_in(make_user(Role.OFFICER)).get(path).status_code == 403


def test_records_list_folios_and_days_but_no_names(reader, eight_people):
    man = eight_people[-1]

    page = reader.get("/results/1.3a/records?year=2023&dimension=sex&value=male").text

    assert man.folio in page
    assert not any(woman.folio in page for woman in eight_people[:7])
    assert man.given_names not in page


@pytest.mark.parametrize(
    "address",
    [
        "/results/9.9z/records",
        "/results/1.3a/records?dimension=name&value=Marisol",
        "/results/1.3a/records?dimension=sex&value=robot",
        "/results/1.3a/records?dimension=sex&value=%00",
        "/results/1.3a/records?year=1999",
        "/results/1.3a/records?year=1e999",
        "/results/1.3a/records?year=%EF%BC%92022",
        "/results/1.3a/records?value=" + "x" * 10_000 + "&dimension=sex",
        "/results/2.3b/records",
    ],
)
def test_figure_that_does_not_exist_is_not_found(reader, eight_people, address):
    assert reader.get(address).status_code == 404


def test_odd_page_marker_is_harmless(reader, eight_people):
    assert reader.get("/results/1.3a/records?after=%00%F0%9F%8C%B1").status_code == 200


def test_published_contradictions_are_said_beside_the_figure(reader, app):
    make_framework()
    person = make_person(sex=Sex.MALE, canton=make_canton("2101"))
    complete_course(CourseKind.DIGITAL, date(2023, 6, 1), person)

    page = reader.get("/results").text

    assert "94 mujeres y 10 hombres" in page  # X07
    assert "205 personas formadas recibieron dispositivos" in page  # X09


def test_spreadsheet_opens_with_a_sheet_per_indicator(reader, eight_people):
    answer = reader.get("/results.xlsx")

    book = load_workbook(BytesIO(answer.data))
    assert book.sheetnames[1:] == ["1.2a", "1.2b", "1.3a", "2.3a", "2.3b", "2.3d"]
    rows = {row[0]: row[1:] for row in book.worksheets[0].iter_rows(values_only=True)}
    assert rows["1.3a"][:3] == (rows["1.3a"][0], 0, 200)
    assert 8 in rows["1.3a"]
    assert answer.mimetype == "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"


def test_spreadsheet_of_a_donor_is_protected_too(donor, eight_people):
    book = load_workbook(BytesIO(donor.get("/results.xlsx").data))

    cells = [cell for row in book["1.3a"].iter_rows(values_only=True) for cell in row]
    assert "<5" in cells  # the man
    assert 7 not in cells  # the women: eight less seven would tell


def test_text_in_the_spreadsheet_never_becomes_a_formula(app):
    complete_course(CourseKind.ENTREPRENEURSHIP, date(2023, 6, 1))
    (person,) = queries.people_reached(["1.2a"])["1.2a"]
    found = result(Frame("1.2a", "=1+1", "=1+1", 0, 200, {}), [person], protected=False)

    with app.test_request_context():
        content = results_workbook([found], places={"1001": '=HYPERLINK("http://x")'}, language="es")

    cells = [cell for sheet in load_workbook(BytesIO(content)) for row in sheet.iter_rows() for cell in row]
    texts = [cell for cell in cells if isinstance(cell.value, str) and cell.value.startswith("=")]
    assert len(texts) == 3
    assert {cell.data_type for cell in texts} == {"s"}


def test_json_has_the_donors_shape(app, eight_people):
    make_canton("1001")

    said = json.loads(app.test_cli_runner().invoke(args=["results", "show", "--json"]).output)

    digital = said["indicators"][2]
    assert list(digital) == ["code", "name", "baseline", "target", "results", "cumulative", "disaggregations"]
    assert (digital["code"], digital["results"], digital["cumulative"]) == ("1.3a", {"2023": 8}, 8)
    assert digital["disaggregations"]["sex"] == {"female": 7, "male": 1, "other": 0}
    assert digital["disaggregations"]["canton"] == {"1001": 8}


def test_table_in_the_terminal_names_every_indicator(app, eight_people):
    lines = app.test_cli_runner().invoke(args=["results", "show"]).output.splitlines()

    assert lines[0].split() == ["baseline", "target", "2023", "cumulative", "%", "of", "target"]
    assert lines[3].split() == ["1.3a", "0", "200", "8", "8", "4.0"]


def test_page_names_provinces(reader, eight_people):
    assert "Imbabura" in reader.get("/results").text
