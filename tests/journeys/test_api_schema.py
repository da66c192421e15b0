"""The API keeps its own description, whatever is sent to it, with a token and without."""

import contextvars
import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
import schemathesis
from flask import Flask
from hypothesis import HealthCheck, Phase, given, settings
from schemathesis import GenerationMode

from grants.access.permissions import GRANTED, Permission, Role
from grants.core.clock import utcnow
from grants.credit.models import LinkageState, ReferralState
from grants.delivery.models import DeliveryState
from grants.delivery.signals import PUBLIC_KEY_FILE
from tests.factories.access import make_token
from tests.factories.applications import make_application
from tests.factories.credit import make_liaison, make_linkage, make_referral
from tests.factories.delivery import DESK_PUBLIC, make_carried
from tests.factories.desk import make_desk, make_request
from tests.factories.people import make_consent

JSON = "application/json"


@dataclass(frozen=True, slots=True)
class World:
    """One of each that the API speaks of, and a token for each part of it."""

    wsgi: Callable[..., Iterable[bytes]]
    folios: dict[str, str]
    tokens: dict[str, str]
    request_id: int

    def path(self, path: str) -> str:
        return path.replace("{folio}", self.folio(path)).replace("{request_id}", str(self.request_id))

    def folio(self, path: str) -> str:
        """A row of the path's part; for what happens to a credit, one that is being repaid."""
        return self.folios.get(path.split("/")[-1], self.folios.get(part_of(path), ""))

    def header(self, path: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[part_of(path)]}"}


def part_of(path: str) -> str:
    return path.split("/")[3]


@pytest.fixture
def world(app: Flask) -> Iterator[World]:
    desk_key = Path(app.instance_path) / PUBLIC_KEY_FILE
    desk_key.write_bytes(DESK_PUBLIC)
    draft = make_application(submitted=False)
    make_consent(draft.person)
    carried, linkage = make_carried(DeliveryState.IN_TRANSIT), make_linkage()
    referral = make_linkage(make_referral(institution=linkage.institution, state=ReferralState.SENT)).referral
    credit = make_linkage(institution=linkage.institution, state=LinkageState.REPAYING)
    liaison = make_liaison(linkage.institution)
    carried.officer.roles = frozenset({Role.OFFICER, Role.COORDINATOR})
    app.config["PROPAGATE_EXCEPTIONS"] = False
    owners = {
        "applications": (draft.created_by, GRANTED[Role.ENUMERATOR]),
        "deliveries": (carried.officer, GRANTED[Role.OFFICER] | {Permission.VIEW_DELIVERY}),
        "linkages": (liaison, GRANTED[Role.LIAISON]),
        "referrals": (liaison, GRANTED[Role.LIAISON]),
        "desk": (make_desk(), {Permission.ANSWER_STOPS}),
    }
    asked = make_request(now=utcnow() - timedelta(minutes=11))
    tokens = {part: make_token(user, *scopes) for part, (user, scopes) in owners.items()}
    folios = {"applications": draft.folio, "deliveries": carried.delivery.folio, "linkages": linkage.folio,
              "referrals": referral.folio, "movements": credit.folio, "schedule": credit.folio}  # fmt: skip

    def wsgi(environ: Any, start_response: Any) -> Iterable[bytes]:
        # As a server does: what one request learnt about its caller is gone for the next.
        return contextvars.Context().run(app.wsgi_app, environ, start_response)

    yield World(wsgi, folios, tokens, asked.id)
    app.config["PROPAGATE_EXCEPTIONS"] = None
    desk_key.unlink()


def described(world: World) -> Any:
    """The description as a program fetches it, without a token."""
    return schemathesis.openapi.from_wsgi("/api/v1/openapi.json", world.wsgi)


@pytest.mark.parametrize("mode", list(GenerationMode), ids=lambda mode: mode.value)
def test_the_api_keeps_its_description(app: Flask, world: World, mode: GenerationMode) -> None:
    """No server error, no undocumented status, no body or type that the description does not know, no open door."""
    tried = []
    for found in described(world).get_all_operations():
        operation = found.ok()
        if mode is GenerationMode.NEGATIVE and operation.method == "get" and "{folio}" in operation.path:
            continue  # any text may be a folio that is missing: nothing can be wrong with it

        @settings(max_examples=12, deadline=None, database=None, derandomize=True, phases=[Phase.generate],
                  suppress_health_check=list(HealthCheck))  # fmt: skip
        @given(case=operation.as_strategy(generation_mode=mode))
        def play(case: Any) -> None:
            if "folio" in (case.path_parameters or {}):
                case.path_parameters["folio"] = world.folio(case.operation.path)
            if mode is GenerationMode.POSITIVE and "request_id" in (case.path_parameters or {}):
                case.path_parameters["request_id"] = world.request_id
            case.call_and_validate(headers=world.header(case.operation.path))

        play()
        tried.append(operation.label)
    doors = {f"{method} {path}" for path, method in of_the_api(app, "GET", "POST", "PUT")}
    never_wrong = {door for door in doors if door.startswith("GET") and "{folio}" in door}
    assert set(tried) == (doors if mode is GenerationMode.POSITIVE else doors - never_wrong)


HOSTILE_BODIES: dict[str, tuple[bytes, str]] = {
    "not JSON": (b"<a/>", JSON),
    "half a document": (b"{", JSON),
    "two documents": (b"{} {}", JSON),
    "bad Unicode": (b'{"reason": "\xff\xfe"}', JSON),
    "a NUL byte": (b"\x00", JSON),
    "an escaped NUL": (b'{"reason": "\\u0000", "pin": "\\u0000", "reference": "\\u0000"}', JSON),
    "half a surrogate pair": (b'{"reason": "\\ud800", "call": "\\ud800", "to_state": "\\ud800"}', JSON),
    "half a pair in a name": (b'{"\\ud800": 1}', JSON),
    "NaN": (b'{"jobs": NaN, "term_months": NaN}', JSON),
    "Infinity": (b'{"jobs": -Infinity}', JSON),
    "a number beyond a float": (b'{"jobs": 1e400, "term_months": 1e400}', JSON),
    "400 digits": (b'{"jobs": %s, "revision": %s, "term_months": %s}' % ((b"9" * 400,) * 3), JSON),
    "5,000 digits": (b'{"jobs": %s}' % (b"9" * 5000), JSON),
    "deep nesting": (b"[" * 100_000 + b"]" * 100_000, JSON),
    "deep members": (b'{"a":' * 50_000 + b"1" + b"}" * 50_000, JSON),
    "a megabyte": (b'{"reason": "%s", "venture": "%s"}' % (b"x" * 2**20, b"x" * 2**20), JSON),
    "a member twice": (b'{"consents": true, "consents": false}', JSON),
    "an array": (b"[]", JSON),
    "null": (b"null", JSON),
    "a form": (b"reason=x&consents=1", "application/x-www-form-urlencoded"),
    "XML": (b"<a/>", "text/xml"),
    "JSON said to be text": (b'{"consents": true}', "text/plain"),
    "too large": (b" " * (13 * 2**20), JSON),
}
REFUSED = {400, 409, 413, 415, 422}


def of_the_api(app: Flask, *methods: str) -> list[tuple[str, str]]:
    """Every path of the API with each of these methods that it has; but not its own description."""
    rules = [rule for rule in app.url_map.iter_rules() if rule.rule.startswith("/api/v1/")]
    rules = [rule for rule in rules if not rule.rule.endswith("/openapi.json")]
    paths = sorted((re.sub(r"<[a-z]+:(\w+)>", r"{\1}", rule.rule), rule.methods or set()) for rule in rules)
    return [(path, method) for path, known in paths for method in methods if method in known]


@pytest.mark.parametrize("name", HOSTILE_BODIES)
def test_hostile_bodies_are_refused_in_json(app: Flask, world: World, name: str) -> None:
    data, content_type = HOSTILE_BODIES[name]
    client, wrong = app.test_client(), []
    with_bodies = [one for one in of_the_api(app, "POST", "PUT") if not one[0].endswith(("/at-point", "/accept"))]
    for path, method in with_bodies:
        headers = {**world.header(path), "Content-Type": content_type, "Idempotency-Key": "a-key-of-my-own-0"}
        answer = client.open(world.path(path), method=method, data=data, headers=headers)
        if answer.status_code not in REFUSED or answer.json["code"] != answer.status_code:
            wrong.append((method, path, answer.status_code, answer.text[:200]))
    assert with_bodies
    assert wrong == []


@pytest.mark.parametrize(
    "header",
    [
        "", "Bearer", "Bearer ", "Bearer x", "Bearer  x y", "bearer \xff\xfe", "Basic YTpi", "Basic !!!", "Token x",
        "Bearer " + "x" * 60_000, "Digest a=b", ",", "Bearer x, Bearer y",
    ],
)  # fmt: skip
def test_wrong_authorization_is_401_in_json(app: Flask, world: World, header: str) -> None:
    client = app.test_client()
    for path, method in of_the_api(app, "GET", "POST", "PUT"):
        answer = client.open(world.path(path), method=method, headers={"Authorization": header}, json={})
        assert (answer.status_code, answer.json["code"], answer.json["status"]) == (401, 401, "Unauthorized")
        assert answer.headers["WWW-Authenticate"] == "Bearer"


def test_the_scheme_of_a_token_is_written_in_any_case(app: Flask, world: World) -> None:
    header = {"Authorization": f"bearer {world.tokens['linkages']}"}
    assert app.test_client().get("/api/v1/linkages", headers=header).status_code == 200


QUERIES = [
    "state=", "state=nonsense", "state=%00", "state=%ED%A0%80", "after=", "after=%00~1", "after=~", "after=1~1",
    "after=x~" + "9" * 400, "after=x~" + "9" * 5000, "after=" + "x" * 10_000, "after=%EF%BC%91~%EF%BC%91",
    "after=-1~-1", "call=%00", "call=" + "X" * 10_000, "call[]=1", "state=draft&state=sent", "unknown=1",
    "after=1e999~1",
]  # fmt: skip


@pytest.mark.parametrize("part", ["applications", "deliveries", "linkages", "referrals"])
def test_hostile_queries_and_folios_are_answered_in_json(app: Flask, world: World, part: str) -> None:
    client, path = app.test_client(), f"/api/v1/{part}"
    folios = ["0", "%00", "%ED%A0%80", "%F0%9F%98%80", "9" * 400, "A-" + "Z" * 10_000, "..", "%2e%2e", "a b", "'--"]

    listed = [client.get(f"{path}?{query}", headers=world.header(path)) for query in QUERIES]
    found = [client.get(f"{path}/{folio}", headers=world.header(path)) for folio in folios]

    assert {answer.status_code for answer in listed} <= {200, 422}
    assert {answer.status_code for answer in found} == {404}
    assert {answer.content_type for answer in listed + found} == {JSON}


def test_every_error_has_the_same_body(app: Flask, world: World) -> None:
    client = app.test_client()
    linkages, applications = world.header("/api/v1/linkages"), world.header("/api/v1/applications")
    start = "/api/v1/applications"
    withdraw = world.path(f"{start}/{{folio}}/withdraw")
    client.post(withdraw, json={"reason": "x"}, headers=applications)
    answers = {
        400: client.post(start, data="{", content_type=JSON, headers=applications),
        401: client.get("/api/v1/linkages"),
        403: client.get("/api/v1/applications", headers=linkages),
        404: client.get("/api/v1/nothing", headers=linkages),
        405: client.delete("/api/v1/linkages", headers=linkages),
        409: client.post(withdraw, json={"reason": "x"}, headers=applications),
        413: client.post(start, data=b" " * (13 * 2**20), content_type=JSON, headers=applications),
        415: client.post(start, data="x", content_type="text/xml", headers=applications),
        422: client.post(start, json={}, headers=applications),
    }
    for code, answer in answers.items():
        assert (code, answer.status_code, answer.json["code"]) == (code, code, code)
        assert answer.content_type == JSON
        assert set(answer.json) <= {"code", "status", "message", "field", "errors"}
        assert isinstance(answer.json["status"], str)
    assert "GET" in answers[405].headers["Allow"]
    assert answers[409].json["message"]
    assert set(answers[422].json["errors"]["json"]) == {"call", "person"}


def test_the_description_is_public_and_asks_for_a_token(app: Flask) -> None:
    answer = app.test_client().get("/api/v1/openapi.json")
    document = json.loads(answer.text)

    assert document["openapi"] == "3.1.0"
    assert document["security"] == [{"token": []}]
    assert document["components"]["securitySchemes"] == {"token": {"type": "http", "scheme": "bearer"}}
    assert {path.split("/")[3] for path in document["paths"]} == {"applications", "deliveries", "desk",
                                                                     "linkages", "referrals"}  # fmt: skip
    assert not [path for path in document["paths"] if path.endswith("/")]
    assert [name for name in document["components"]["schemas"] if "Refusal" in name] == ["Refusal"]
    refusals = {
        str(answer["content"]["application/json"]["schema"])
        for path in document["paths"].values() for operation in path.values() if "responses" in operation
        for code, answer in operation["responses"].items() if code.startswith("4")
    }  # fmt: skip
    assert refusals == {"{'$ref': '#/components/schemas/Refusal'}"}
