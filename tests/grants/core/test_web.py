import pytest
from flask import Flask
from flask_babel import force_locale
from marshmallow import Schema, fields
from marshmallow.validate import Regexp

from grants.access.permissions import Permission, Role
from grants.core.web import _translated, _usual_refusals, local_target
from tests.factories.access import make_token, make_user


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


def test_usual_refusals_are_the_words_of_the_library(app: Flask) -> None:
    said = {text for one in (fields.Integer, fields.Float, fields.String, fields.Boolean, fields.List, fields.Date)
            for kind in one.__mro__ for text in getattr(kind, "default_error_messages", {}).values()}  # fmt: skip
    said |= set(Schema._default_error_messages.values()) | {Regexp.default_message, "Not a valid datetime."}

    with app.test_request_context(), force_locale("en"):
        assert set(_usual_refusals()) <= said
        assert all(key == words for key, words in _usual_refusals().items())
    with app.test_request_context(), force_locale("es"):
        assert [key for key, words in _usual_refusals().items() if key == words] == []


def test_refusals_of_members_keep_their_places(app: Flask) -> None:
    found = {"json": {"pin": ["Unknown field."], "rows": {0: ["Shorter than minimum length 3."]}}}

    with app.test_request_context(), force_locale("en"):
        assert _translated(found) == found


@pytest.mark.parametrize(("language", "words"), [("es", "Campo desconocido."), ("en", "Unknown field.")])
def test_program_is_refused_in_its_language_at_the_place_of_the_member(app: Flask, language: str, words: str) -> None:
    token = make_token(make_user(Role.COORDINATOR), Permission.VIEW_DELIVERY)
    headers = {"Authorization": f"Bearer {token}", "Accept-Language": language}

    answer = app.test_client().get("/api/v1/deliveries?stat=closed", headers=headers)

    assert (answer.status_code, answer.json["errors"]) == (422, {"query": {"stat": [words]}})
