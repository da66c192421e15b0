"""What the machine that watches the server sees."""

from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import text

from grants.core.crypto import keyring, use_keys
from grants.core.db import db, transaction


def test_process_answers_without_the_database(real_app: Flask) -> None:
    with transaction():
        db.session.execute(text("ALTER TABLE factor RENAME TO moved"))
        db.session.execute(text('ALTER TABLE "user" RENAME TO gone'))
    answer = real_app.test_client().get("/healthz")
    assert (answer.status_code, answer.json) == (200, {"status": "ok"})


def test_ready_server_says_so(visitor: FlaskClient) -> None:
    answer = visitor.get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"status": "ok", "checks": {"database": True, "keys": True}}


def test_server_without_tables_is_not_ready(real_app: Flask) -> None:
    with transaction():
        db.session.execute(text('ALTER TABLE "user" RENAME TO gone'))
    answer = real_app.test_client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"status": "unavailable", "checks": {"database": False, "keys": True}}


def test_server_without_keys_is_not_ready(visitor: FlaskClient) -> None:
    from grants.core import crypto

    before = keyring()
    crypto._keyring.clear()
    try:
        answer = visitor.get("/readyz")
    finally:
        use_keys(before)
    assert answer.status_code == 503
    assert answer.json == {"status": "unavailable", "checks": {"database": True, "keys": False}}
