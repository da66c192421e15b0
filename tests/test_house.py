"""Rules of the house that no single feature can break unnoticed."""

import pytest
from flask import Flask
from werkzeug.routing import Rule

from grants.access.guard import OPEN_ENDPOINTS
from grants.access.permissions import GRANTED, Permission, Role
from tests.factories.access import make_user, signed_in_client

SAMPLES = {"RowNumber": "1", "UnicodeConverter": "x", "PathConverter": "x", "UUIDConverter": "0" * 32}


def declared(app: Flask, rule: Rule) -> frozenset[Permission]:
    return getattr(app.view_functions[rule.endpoint], "permissions", frozenset())


def address(rule: Rule) -> str:
    """A path of the rule, with some value in each place."""
    parts = [SAMPLES[type(rule._converters[data]).__name__] if dynamic else data for dynamic, data in rule._trace]
    return "".join(parts).partition("|")[2]


def guarded(app: Flask) -> list[tuple[Rule, str]]:
    rules = [rule for rule in app.url_map.iter_rules() if rule.endpoint not in OPEN_ENDPOINTS]
    methods = ("GET", "POST", "PUT", "PATCH", "DELETE")
    return [(rule, method) for rule in rules for method in methods if method in (rule.methods or ())]


def test_every_route_declares_a_permission(app: Flask) -> None:
    silent = {rule.endpoint for rule, _method in guarded(app) if not declared(app, rule)}
    assert silent == set()


def test_every_permission_is_granted_to_somebody() -> None:
    unused = set(Permission) - {Permission.PUBLIC, Permission.SIGNED_IN} - frozenset().union(*GRANTED.values())
    assert unused == set()


def test_visitors_reach_public_routes_only(app: Flask) -> None:
    visitor = app.test_client()
    reached = []
    for rule, method in guarded(app):
        if Permission.PUBLIC in declared(app, rule):
            continue
        answer = visitor.open(address(rule), method=method)
        refused = answer.status_code == 401 or (answer.status_code == 302 and "/sign-in" in answer.location)
        if not refused:
            reached.append((method, rule.rule, answer.status_code))
    assert reached == []


@pytest.mark.parametrize("role", Role)
def test_a_role_is_refused_every_route_it_was_not_granted(app: Flask, role: Role) -> None:
    client = signed_in_client(app, make_user(role))
    allowed = GRANTED[role] | {Permission.PUBLIC, Permission.SIGNED_IN}
    wrong = []
    for rule, method in guarded(app):
        if rule.rule.startswith("/api/") or declared(app, rule) & allowed:
            continue
        answer = client.open(address(rule), method=method)
        if answer.status_code != 403:
            wrong.append((method, rule.rule, answer.status_code))
    assert wrong == []


def test_a_page_of_nobody_is_a_404_in_words(app: Flask) -> None:
    client = signed_in_client(app, make_user(Role.COORDINATOR))
    for path in ("/people/999999", "/people/99999999999999999999", "/nothing-here"):
        answer = client.get(path)
        assert answer.status_code == 404
        assert "<h1>" in answer.text


def test_headers_close_the_page(app: Flask) -> None:
    answer = app.test_client().get("/sign-in")
    policy = answer.headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "unsafe" not in policy
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert answer.headers["Referrer-Policy"] == "no-referrer"
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["Cache-Control"] == "no-store"


def test_no_feature_is_missing_a_door(app: Flask) -> None:
    from grants import FEATURES

    behind = {rule.endpoint.split(".")[0] for rule in app.url_map.iter_rules()}
    expected = {feature for feature in FEATURES if feature != "demo"}
    assert expected <= behind


def test_role_names_are_complete() -> None:
    from grants.access.permissions import ROLE_NAMES

    assert set(ROLE_NAMES) == set(Role)
