"""The libraries the application stands on, configured in one place."""

import logging
from pathlib import Path

from flask import Flask
from flask_babel import Babel
from flask_bootstrap import Bootstrap5
from flask_compress import Compress
from flask_limiter import Limiter
from flask_limiter.util import get_remote_address
from flask_migrate import Migrate
from flask_smorest import Api as SmorestApi
from flask_talisman import Talisman
from flask_wtf import CSRFProtect
from pythonjsonlogger.json import JsonFormatter
from werkzeug.middleware.proxy_fix import ProxyFix

from grants.core.crypto import load_keys, use_keys
from grants.core.db import db
from grants.core.web import PlainRequest, RefusalSchema, RowNumber, chosen_language

# Nothing inline, nothing from elsewhere: our own CSS and ES modules, images drawn by the server.
CONTENT_SECURITY_POLICY = {
    "default-src": "'none'",
    "script-src": "'self'",
    "style-src": "'self'",
    "img-src": "'self' data:",
    "font-src": "'self'",
    "connect-src": "'self'",
    "form-action": "'self'",
    "base-uri": "'none'",
    "frame-ancestors": "'none'",
    "manifest-src": "'self'",
}


class Api(SmorestApi):
    """The API's description, with our own shape of a refusal. What a route does not document, it does not do."""

    ERROR_SCHEMA = RefusalSchema
    DEFAULT_ERROR_RESPONSE_NAME = None


csrf = CSRFProtect()
api = Api()
limiter = Limiter(key_func=get_remote_address)


def start_extensions(app: Flask) -> None:
    """Start every extension on the application; the keys first, since cookies are signed with them."""
    from grants import migrations_folder

    keys = load_keys(Path(app.instance_path), create=app.config["ENVIRONMENT"] != "production")
    use_keys(keys)
    app.config["SECRET_KEY"] = app.config["SECRET_KEY"] or keys.derive("cookies").hex()
    app.request_class = PlainRequest
    app.url_map.converters["int"] = RowNumber
    db.init_app(app)
    Migrate(app, db, directory=migrations_folder(), render_as_batch=True, compare_type=True)
    Babel(app, locale_selector=chosen_language)
    Bootstrap5(app)
    Compress(app)
    csrf.init_app(app)
    api.init_app(app)
    limiter.init_app(app)
    _send_headers(app)
    proxies = int(app.config["TRUSTED_PROXIES"])
    if proxies:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_for=proxies, x_proto=proxies, x_host=proxies)  # type: ignore[method-assign]
    log_as_json(app)


def _send_headers(app: Flask) -> None:
    Talisman(
        app,
        force_https=False,  # the proxy in front decides; behind it every request arrives as http
        strict_transport_security=bool(app.config["TLS"]),
        session_cookie_secure=False,  # decided in config, with the reason
        session_cookie_http_only=True,
        session_cookie_samesite="Lax",
        content_security_policy=CONTENT_SECURITY_POLICY,
        referrer_policy="no-referrer",
        frame_options="DENY",
        permissions_policy={"camera": "()", "geolocation": "()", "microphone": "()"},
    )


def log_as_json(app: Flask) -> None:
    """One JSON object a line. Messages carry ids and counts, never names, addresses or form values."""
    handler = logging.StreamHandler()
    handler.setFormatter(JsonFormatter("%(asctime)s %(levelname)s %(name)s %(message)s"))
    app.logger.handlers[:] = [handler]
    app.logger.propagate = False
