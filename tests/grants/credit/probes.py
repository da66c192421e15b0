"""What somebody could tell apart: everything that an answer holds, and the statements behind it."""

import re
from dataclasses import dataclass
from typing import Any

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import event
from werkzeug.routing import Rule

from grants.access.permissions import Permission
from grants.core.db import db

TOKEN = re.compile(r'(?<=name="csrf_token" value=")[^"]+')
TERMS = {"instalments": 6, "first_due_on": "2027-01-31", "rate_percent": "15.6", "rate_kind": "nominal",
         "method": "german", "frequency": "monthly"}  # fmt: skip
BODIES: dict[str, dict[str, Any]] = {
    "events": {"to_state": "contacted", "happened_on": "2026-01-05"},
    "movements": {"kind": "restructure", "happened_on": "2026-11-05", "balance_usd": "85.00", "terms": TERMS},
    "decline": {"reason": "age"},
    "accept": {},
}


@dataclass(frozen=True, slots=True)
class Seen:
    """One answer, without its own address and what every answer holds anew, and the statements that made it."""

    status: int
    body: str
    size: int
    headers: tuple[tuple[str, str], ...]
    statements: tuple[str, ...]


def routes(app: Flask) -> list[tuple[Rule, str]]:
    """Every route of the API about referrals, linkages and movements that names a row."""
    return [
        (rule, method)
        for rule in app.url_map.iter_rules()
        if rule.rule.startswith(("/api/v1/referrals/", "/api/v1/linkages/")) and rule.arguments
        and Permission.LOG_LINKAGE in app.view_functions[rule.endpoint].permissions  # type: ignore[attr-defined]
        for method in ("GET", "HEAD", "POST")
        if method in (rule.methods or ())
    ]  # fmt: skip


def ask_api(client: FlaskClient, rule: Rule, method: str, folio: str, token: str) -> Seen:
    """Ask about this folio as a core system does."""
    headers = {"Authorization": f"Bearer {token}", "Idempotency-Key": "probe"}
    body = BODIES[rule.rule.rsplit("/", 1)[1]] if method == "POST" else None
    path = rule.rule.replace("<string:folio>", folio)
    return watched(lambda: client.open(path, method=method, headers=headers, json=body), path)


def ask_page(client: FlaskClient, method: str, path: str, body: dict[str, str]) -> Seen:
    """Ask as a browser does."""
    return watched(lambda: client.open(path, method=method, data=body if method == "POST" else None), path)


def watched(call: Any, path: str) -> Seen:
    statements: list[str] = []

    def note(_connection: Any, _cursor: Any, statement: str, *_rest: Any) -> None:
        if not statement.startswith(("SAVEPOINT", "RELEASE", "ROLLBACK")):
            statements.append(statement)

    engine = db.session.connection().engine
    event.listen(engine, "before_cursor_execute", note)
    try:
        answer = call()
    finally:
        event.remove(engine, "before_cursor_execute", note)
    text = TOKEN.sub("token", answer.text.replace(path, ""))
    headers = tuple(sorted((name, value) for name, value in answer.headers if name not in ("Date", "Set-Cookie")))
    length = int(answer.headers.get("Content-Length", 0)) - answer.text.count(path) * len(path)
    headers = tuple((name, str(length) if name == "Content-Length" else value) for name, value in headers)
    return Seen(answer.status_code, text, len(text.encode()), headers, tuple(statements))
