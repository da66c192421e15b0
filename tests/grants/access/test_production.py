"""What keeps a production server from starting."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from grants.access.permissions import Role
from grants.access.production import UnsafeProduction, refuse_unsafe_production
from grants.access.queries import demo_accounts_present
from grants.config import DEFAULTS
from tests.factories.access import make_user

SPEAKING = {
    "MAIL_BACKEND": "smtp", "SMTP_HOST": "mail.example.org", "MAIL_FROM": "semilla@example.org",
    "DESK_ADDRESS": "desk@example.org", "DESK_SECOND_ADDRESS": "https://push.example.org/desk",
    "DESK_ESCALATION_ADDRESS": "director@example.org",
}  # fmt: skip
ADDRESSES = ("DESK_ADDRESS", "DESK_SECOND_ADDRESS", "DESK_ESCALATION_ADDRESS")


@pytest.fixture
def production(app: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Flask]:
    for name, value in {"ENVIRONMENT": "production", **SPEAKING}.items():
        monkeypatch.setitem(app.config, name, value)
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


def test_mail_into_files_refuses(production: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(production.config, "MAIL_BACKEND", "file")
    assert reasons(production).startswith("MAIL_BACKEND is file:")


@pytest.mark.parametrize("name", ["SMTP_HOST", "MAIL_FROM"])
def test_mail_without_host_or_sender_refuses(production: Flask, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(production.config, name, "")
    assert reasons(production).startswith("SMTP_HOST or MAIL_FROM is empty")


@pytest.mark.parametrize("name", ADDRESSES)
@pytest.mark.parametrize("value", ["", "  ", None, "http://push.example.org", "desk"])
def test_desk_without_an_address_refuses(
    production: Flask, monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    monkeypatch.setitem(production.config, name, DEFAULTS[name] if value == "desk" else value)
    assert reasons(production).startswith(f"{name} is no address")


@pytest.mark.parametrize("name", ADDRESSES[1:])
def test_equal_addresses_of_the_desk_refuse(production: Flask, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setitem(production.config, name, " Desk@Example.org")
    assert reasons(production).startswith("DESK_ADDRESS, DESK_SECOND_ADDRESS, DESK_ESCALATION_ADDRESS are not all")


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
