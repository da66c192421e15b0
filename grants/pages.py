"""What every page shares: helpers for templates, and what an error looks like."""

import re
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from babel import Locale
from babel.dates import format_date, format_datetime
from babel.numbers import format_currency, format_decimal
from flask import Flask, redirect, render_template, request, session, url_for
from flask.typing import ResponseReturnValue
from flask_babel import get_locale
from flask_babel import gettext as _
from flask_login import current_user
from flask_wtf.csrf import CSRFError
from markupsafe import Markup, escape
from werkzeug.exceptions import HTTPException
from werkzeug.http import HTTP_STATUS_CODES

from grants.access.permissions import ROLE_NAMES, Permission
from grants.access.sessions import is_api
from grants.core.clock import PROGRAMME_ZONE
from grants.core.errors import NotFound, RuleBroken

FOLIO = re.compile(r"\b[A-Z]-[0-9A-Z]{9}\b")


def teach_templates(app: Flask) -> None:
    """Filters and names for templates. Numbers and times follow the reader's language and the programme's zone."""
    app.jinja_options["autoescape"] = True
    app.jinja_env.trim_blocks = app.jinja_env.lstrip_blocks = True
    app.jinja_env.filters.update(usd=usd, day=day, moment=moment, number=number, percent=percent, country=country,
                                 whole_folios=whole_folios)  # fmt: skip
    app.context_processor(lambda: {"may": may, "Permission": Permission, "role_names": ROLE_NAMES,
                                   "language": str(get_locale() or "es")[:2]})  # fmt: skip


def may(permission: str) -> bool:
    """Whether the reader holds a permission, for showing or hiding a link. The guard decides again."""
    return bool(current_user.is_authenticated and current_user.may(permission))


def _babel_locale() -> str:
    return "es_EC" if str(get_locale()).startswith("es") else "en_US"


def usd(amount: Decimal | int | None) -> str:
    """1234.5 → 'USD 1.234,50' in Spanish, 'USD 1,234.50' in English."""
    return "—" if amount is None else str(format_currency(amount, "USD", "¤¤ #,##0.00", locale=_babel_locale()))


def number(value: Decimal | float | int | None) -> str:
    return "—" if value is None else str(format_decimal(value, locale=_babel_locale()))


def percent(value: Decimal | float | int | None) -> str:
    """60 → '60 %'."""
    return "—" if value is None else f"{number(value)} %"


def whole_folios(text: object) -> Markup:
    """The text with its folios whole: a phone breaks a line at their hyphen.

    >>> whole_folios("Kit D-7K3M9QX2W <b>")
    Markup('Kit <span class="nowrap">D-7K3M9QX2W</span> &lt;b&gt;')
    """
    return Markup(FOLIO.sub(r'<span class="nowrap">\g<0></span>', str(escape(text))))  # noqa: S704 -- escaped here


def day(value: date | datetime | None) -> str:
    if isinstance(value, datetime):
        value = value.astimezone(PROGRAMME_ZONE).date()
    return "—" if value is None else format_date(value, "d MMM y", locale=_babel_locale())


def moment(value: datetime | None) -> str:
    if value is None:
        return "—"
    return format_datetime(value, "d MMM y, HH:mm", tzinfo=PROGRAMME_ZONE, locale=_babel_locale())


def country(code: str | None) -> str:
    """'EC' → 'Ecuador', in the reader's language."""
    return str(Locale.parse(_babel_locale()).territories.get(code or "", code or "—"))


def show_errors(app: Flask) -> None:
    """Answer errors with a page, or with JSON under /api/."""
    app.register_error_handler(NotFound, lambda _error: _answer(404))
    app.register_error_handler(RuleBroken, _rule_broken)
    app.register_error_handler(CSRFError, lambda _error: _answer(400, expired=True))
    app.register_error_handler(401, _sign_in_first)
    app.register_error_handler(HTTPException, _http_error)
    app.register_error_handler(500, lambda _error: _answer(500))


def _rule_broken(error: RuleBroken) -> ResponseReturnValue:
    if is_api():
        return _refusal(409, message=str(error.message), field=error.field)
    return _answer(409, sentence=str(error.message))


def _sign_in_first(error: HTTPException) -> ResponseReturnValue:
    if is_api():
        return *_refusal(401, message=_("Send a valid token.")), {"WWW-Authenticate": "Bearer"}
    if request.method == "GET":
        session["next"] = request.full_path.rstrip("?")
    return redirect(url_for("access.sign_in"))


def _http_error(error: HTTPException) -> ResponseReturnValue:
    code = error.code or 500
    # What the status must say besides: Allow with 405, Retry-After with 429 and 503.
    headers = {name: value for name, value in error.get_headers() if name not in ("Content-Type", "Content-Length")}
    if is_api():
        said = getattr(error, "data", None) or {}
        return *_refusal(code, message=said.get("message"), errors=said.get("messages")), headers
    return *_answer(code), headers


def _refusal(code: int, *, errors: object = None, **more: object) -> tuple[dict[str, object], int]:
    """The body of every error under /api/, as RefusalSchema describes it."""
    body: dict[str, object] = {"code": code, "status": HTTP_STATUS_CODES.get(code, "Error")}
    body.update({name: value for name, value in {**more, "errors": errors}.items() if value is not None})
    return body, code


def _answer(code: int, *, sentence: str = "", expired: bool = False) -> tuple[Any, int]:
    if is_api():
        return _refusal(code)
    return render_template("errors/error.html", code=code, sentence=sentence, expired=expired), code
