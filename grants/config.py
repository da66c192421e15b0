"""Settings: these defaults, then instance/config.py, then GRANTS_* variables, then the mapping a test passes."""

import os
from collections.abc import Mapping
from datetime import timedelta
from pathlib import Path

from flask import Flask

HOME = Path(__file__).resolve().parent
MEBIBYTE = 1024 * 1024

DEFAULTS: dict[str, object] = {
    "ENVIRONMENT": "development",  # "production" adds the checks of refuse_unsafe_production
    "SECRET_KEY": "",  # empty: derived from the installation's keys
    "DATABASE_URL": "",  # empty: SQLite in the instance folder
    "PROGRAMME_TIMEZONE": "America/Guayaquil",
    "BABEL_DEFAULT_LOCALE": "es",
    "BABEL_DEFAULT_TIMEZONE": "America/Guayaquil",
    "BABEL_TRANSLATION_DIRECTORIES": str(HOME / "translations"),
    "LANGUAGES": ("es", "en"),
    "MAX_CONTENT_LENGTH": 12 * MEBIBYTE,
    "MAX_FORM_MEMORY_SIZE": 1 * MEBIBYTE,
    "ATTACHMENT_MAX_BYTES": 5 * MEBIBYTE,
    "ATTACHMENTS_PER_APPLICATION": 10,
    "PHOTO_MAX_BYTES": 10 * MEBIBYTE,  # as a phone takes it; what is kept is far smaller
    "CHECK_IN_GRACE_MINUTES": 5,  # after which a missed check-in is a case; at level 3 at once
    "SESSION_COOKIE_NAME": "semilla",
    "SESSION_COOKIE_HTTPONLY": True,
    "SESSION_COOKIE_SAMESITE": "Lax",
    "SESSION_COOKIE_SECURE": False,  # set when TLS is on
    "TLS": False,  # the public address is https: HSTS, Secure cookies
    "TRUSTED_PROXIES": 0,  # how many reverse proxies stand in front and set X-Forwarded-*
    "IDLE_MINUTES": 20,
    "IDLE_MINUTES_FIELD": 60,  # enumerators, evaluators and officers work on a phone between people
    "SESSION_HOURS": 12,
    "PERMANENT_SESSION_LIFETIME": timedelta(hours=12),
    "WTF_CSRF_TIME_LIMIT": None,  # as long as the session
    "ARGON2_MEMORY_KIB": 19 * 1024,
    "ARGON2_TIME_COST": 2,
    "ARGON2_PARALLELISM": 1,
    "PASSWORD_MIN_LENGTH": 12,
    "SUBSTITUTION_PERCENT": "5",  # a kit's value may move so far before a substitution needs approval
    "CORRECTION_LIMIT_USD": "50",  # a stock difference worth more waits for a second person
    "WEIGHT_TOLERANCE_PERCENT": "3",  # between two weighings of a sealed kit; or in grams, whichever is more
    "WEIGHT_TOLERANCE_GRAMS": 50,
    "REFERRAL_ANSWER_DAYS": 30,  # an institution has to answer; then the referral ends by itself
    "SUPPORT_CONTACT": "",
    "PUBLIC_URL": "",  # as printed in QR codes and letters; empty: the address of the request
    "MAIL_BACKEND": "file",  # "file" writes into the instance folder, "smtp" sends
    "SMTP_HOST": "",
    "SMTP_PORT": 587,
    "SMTP_USER": "",
    "SMTP_PASSWORD": "",
    "MAIL_FROM": "",
    "SMS_GATEWAY": "file",  # codes by phone: "file" writes into the instance folder, "http" sends, "console" shows
    "SMS_URL": "",
    "SMS_METHOD": "POST",
    "SMS_HEADERS": {"Content-Type": "application/json"},
    "SMS_BODY": '{"to": "$number", "text": "$text"}',
    "SMS_USER": "",
    "SMS_PASSWORD": "",
    "SMS_ANSWER": "",  # what the answer must hold to count as sent; empty: its status decides
    "SMS_TIMEOUT": 10,
    # Where the security desk hears of every handover: two neutral channels, and who is called after silence. An
    # address that begins with https:// gets the message as a POST.
    "DESK_ADDRESS": "desk",
    "DESK_SECOND_ADDRESS": "desk-2",
    "DESK_ESCALATION_ADDRESS": "desk-escalation",
    "DESK_ESCALATE_MINUTES": 5,
    "CREDIT_REMINDERS": True,  # by e-mail to liaisons and coordinators: counts and a link, no names
    "CREDIT_DIGEST_WEEKDAY": 0,  # 0 is Monday: the digest goes out then or later that week; 7: never
    "CREDIT_REMINDER_HOUR": 7,  # where the programme works; nothing goes out before it
    "NEXT_STOP_WAIT_MINUTES": 10,  # the desk answers an officer's question at the earliest then
    "RATELIMIT_STORAGE_URI": "memory://",
    "RATELIMIT_ENABLED": True,
    "COMPRESS_MIMETYPES": ["text/css", "text/javascript", "application/javascript", "image/svg+xml"],
    "SEND_FILE_MAX_AGE_DEFAULT": timedelta(days=30),
    "BOOTSTRAP_SERVE_LOCAL": True,
    "API_TITLE": "Semilla",
    "API_VERSION": "v1",
    "OPENAPI_VERSION": "3.1.0",
    "OPENAPI_URL_PREFIX": "/api/v1",
    "OPENAPI_JSON_PATH": "openapi.json",
    "API_SPEC_OPTIONS": {
        "info": {"description": "How to get a token: docs/api.md. Amounts are text, times are UTC."},
        "components": {"securitySchemes": {"token": {"type": "http", "scheme": "bearer"}}},
        "security": [{"token": []}],
    },
}


def instance_path(config: Mapping[str, object] | None = None) -> Path:
    """The installation's folder: an argument, GRANTS_INSTANCE_PATH, or ./instance."""
    chosen = (config or {}).get("INSTANCE_PATH") or os.environ.get("GRANTS_INSTANCE_PATH")
    return Path(str(chosen)).resolve() if chosen else Path.cwd() / "instance"


def configure(app: Flask, config: Mapping[str, object] | None) -> None:
    """Fill app.config in order of precedence, lowest first."""
    app.config.from_mapping(DEFAULTS)
    app.config.from_pyfile(str(Path(app.instance_path) / "config.py"), silent=True)
    app.config.from_prefixed_env("GRANTS")
    app.config.from_mapping(config or {})
    app.config["SQLALCHEMY_DATABASE_URI"] = database_url(app)
    if app.config["TLS"]:
        app.config["SESSION_COOKIE_SECURE"] = True
    else:
        # A browser would drop a Secure cookie on plain http, and so on localhost too.
        app.config["SESSION_COOKIE_SECURE"] = app.config["ENVIRONMENT"] == "production"


def database_url(app: Flask) -> str:
    """The SQLAlchemy URL, with psycopg 3 as the driver of PostgreSQL."""
    url = str(app.config["DATABASE_URL"]) or f"sqlite:///{Path(app.instance_path) / 'semilla.db'}"
    for short in ("postgresql://", "postgres://"):
        if url.startswith(short):
            return "postgresql+psycopg://" + url.removeprefix(short)
    return url
