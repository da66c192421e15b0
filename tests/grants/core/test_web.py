import pytest
from flask import Flask

from grants.core.web import local_target


@pytest.mark.parametrize("target", ["/people/3", "/people?after=a~1", "/"])
def test_a_path_of_this_site_is_followed(app: Flask, target: str) -> None:
    with app.test_request_context():
        assert local_target(target) == target


@pytest.mark.parametrize(
    "target",
    ["https://example.org/", "//example.org", "/\\example.org", "javascript:alert(1)", "people", "", None, "http:/x"],
)
def test_any_other_target_leads_home(app: Flask, target: str | None) -> None:
    with app.test_request_context():
        assert local_target(target) == "/"


def test_the_language_is_chosen_on_the_page_and_stays(app: Flask) -> None:
    visitor = app.test_client()
    assert 'lang="es"' in visitor.get("/design").text
    visitor.post("/language", data={"language": "en", "next": "/design"})
    assert '<html lang="en">' in visitor.get("/design").text
    visitor.post("/language", data={"language": "xx"})
    assert '<html lang="en">' in visitor.get("/design").text


def test_the_browser_language_is_followed_until_one_is_chosen(app: Flask) -> None:
    answer = app.test_client().get("/design", headers={"Accept-Language": "en-GB,en;q=0.8"})
    assert '<html lang="en">' in answer.text
