"""What keeps a production server from starting."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.access.production import UnsafeProduction, refuse_unsafe_production
from grants.access.queries import demo_accounts_present
from tests.factories.access import make_user


@pytest.fixture
def production(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    monkeypatch.setitem(app.config, "ENVIRONMENT", "production")
    monkeypatch.setenv("LC_ALL", "C")
    monkeypatch.delenv("FLASK_DEBUG", raising=False)
    config = Path(app.instance_path) / "config.py"
    yield app
    config.unlink(missing_ok=True)


def reasons(app: Flask) -> str:
    with pytest.raises(UnsafeProduction) as refusal:
        refuse_unsafe_production(app)
    return str(refusal.value)


def test_safe_server_starts(production: Flask) -> None:
    make_user(Role.ADMINISTRATOR)
    assert refuse_unsafe_production(production) is None


def test_development_is_not_asked(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    make_user(Role.ADMINISTRATOR, email="ana@demo.semilla.example")
    assert refuse_unsafe_production(app) is None


def test_missing_keys_refuse(production: Flask) -> None:
    keys = Path(production.instance_path) / "keys.json"
    kept = keys.rename(keys.with_name("kept.json"))
    try:
        assert "keys.json is missing" in reasons(production)
    finally:
        kept.rename(keys)


def test_keys_readable_by_others_refuse(production: Flask) -> None:
    keys = Path(production.instance_path) / "keys.json"
    keys.chmod(0o640)
    try:
        assert "chmod 600" in reasons(production)
    finally:
        keys.chmod(0o600)


@pytest.mark.parametrize("value", ["1", "true", "yes"])
def test_debug_variable_refuses(production: Flask, monkeypatch: pytest.MonkeyPatch, value: str) -> None:
    monkeypatch.setenv("FLASK_DEBUG", value)
    assert reasons(production).startswith("Debug mode is on.")


def test_debug_variable_set_to_off_is_fine(production: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "0")
    assert refuse_unsafe_production(production) is None


def test_debug_flag_refuses(production: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(production.config, "DEBUG", True)
    assert reasons(production).startswith("Debug mode is on.")


def test_short_secret_key_refuses(production: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(production.config, "SECRET_KEY", "x" * 31)
    assert reasons(production).startswith("SECRET_KEY is shorter than 32 characters.")
    monkeypatch.setitem(production.config, "SECRET_KEY", "x" * 32)
    assert refuse_unsafe_production(production) is None


def test_settings_readable_by_others_refuse(production: Flask) -> None:
    config = Path(production.instance_path) / "config.py"
    config.write_text("")
    os.chmod(config, 0o644)
    assert "config.py can be read by others" in reasons(production)
    os.chmod(config, 0o600)
    assert refuse_unsafe_production(production) is None


def test_demo_accounts_refuse(production: Flask) -> None:
    make_user(Role.ADMINISTRATOR, email="ana@example.org")
    assert not demo_accounts_present()
    make_user(Role.ADMINISTRATOR, email="ana@demo.semilla.example")
    assert demo_accounts_present()
    assert reasons(production).startswith("The demonstration's accounts are in this database.")


def test_all_reasons_are_said_at_once(production: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("FLASK_DEBUG", "1")
    monkeypatch.setitem(production.config, "SECRET_KEY", "short")
    assert len(reasons(production).splitlines()) == 2
